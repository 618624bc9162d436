//! The outcome of an opening handshake.

use super::{established::Established, request::RequestSummary};
use crate::{net::Transport, proto::handshake::Response};

/// The server's response to the opening handshake.
pub(super) enum HandshakeOutcome {
    /// The session is open.
    Open(Established, Box<RequestSummary>, Response),
    /// A status that does not open a session, with the start of the body.
    Status(Box<dyn Transport>, Box<RequestSummary>, Response, Vec<u8>),
}
