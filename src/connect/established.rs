//! The result of an opening handshake, for client and server.

use crate::{
    net::Transport,
    proto::handshake::{Agreement, Version},
};

/// A connection after a successful opening handshake, from which a session starts.
pub struct Established {
    /// The byte stream, positioned after the handshake and `rest`.
    pub transport: Box<dyn Transport>,
    /// Session bytes that were received together with the peer's head.
    pub rest: Vec<u8>,
    /// The negotiated subprotocol and extensions.
    pub agreement: Agreement,
    /// The HTTP version of the handshake.
    pub carrier: Version,
    /// The peer in error messages, as `host:port`.
    pub authority: String,
}
