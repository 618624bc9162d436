//! The addressee of a line that is typed at the prompt of a server.

use std::fmt;

/// All clients, or one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressee {
    /// All connected clients.
    #[default]
    All,
    /// The client with this number.
    Client(u64),
}

impl Addressee {
    /// Parses a client's number, or `all`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            number => number.parse().ok().map(Self::Client),
        }
    }
}

impl fmt::Display for Addressee {
    /// Writes the number, or `all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Client(id) => write!(f, "{id}"),
        }
    }
}
