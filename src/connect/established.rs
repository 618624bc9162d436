//! The result of an opening handshake, in either role.

use crate::{
    net::Transport,
    proto::handshake::{Agreement, Version},
};

/// A byte stream behind a finished opening handshake, and all that a session needs of it.
pub struct Established {
    /// The stream behind the handshake.
    pub transport: Box<dyn Transport>,
    /// Bytes that the peer sent directly after its head: the first of the session.
    pub rest: Vec<u8>,
    /// The subprotocol and the extensions.
    pub agreed: Agreement,
    /// The version of HTTP that carried the handshake.
    pub carrier: Version,
    /// The peer as errors name it: host and port.
    pub authority: String,
}
