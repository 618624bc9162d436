//! The two legs of a proxy.

use super::{role::Role, trace::Direction};
use std::fmt;

/// One of the two connections of a proxy, named after its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// The connection that a client opened to the proxy.
    Client,
    /// The connection that the proxy opened to the server.
    Server,
}

impl Leg {
    /// Both legs.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// Returns the leg on which bytes of this leg are passed on.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Returns the role of the proxy on this leg.
    pub fn role(self) -> Role {
        match self {
            Self::Client => Role::Server,
            Self::Server => Role::Client,
        }
    }

    /// Returns the direction of an event of this leg as the client sees it: out to the server, in to
    /// the client.
    pub fn as_client_sees(self, direction: Direction) -> Direction {
        match (self, direction) {
            (Self::Client, Direction::In) | (Self::Server, Direction::Out) => Direction::Out,
            (Self::Client, Direction::Out) | (Self::Server, Direction::In) => Direction::In,
        }
    }

    /// Returns the name: `client` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// Parses a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|leg| leg.name() == name)
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
