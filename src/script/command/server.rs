//! The slash commands that only a server or a proxy has.

use crate::{
    proto::{Close, Leg},
    script::addressee::Addressee,
};

/// A command that only a server or a proxy has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ServerCommand {
    /// Addresses the lines that follow.
    Address(Addressee),
    /// Sends a text to others than the addressee.
    Tell(Addressee, String),
    /// Lists the clients.
    Who,
    /// Closes the session of a client.
    Kick(u64, Close),
    /// Ends the connection of a client without a Close.
    Drop(u64),
    /// Refuses new clients with this status; `None` accepts them again.
    Refuse(Option<u16>),
    /// Shows the opening handshake of a client.
    Handshake(u64),
    /// Reads the reply script again.
    Reload,
    /// Sends a text on a leg of a proxy, of this client or of the only one.
    Inject(Option<u64>, Leg, String),
}
