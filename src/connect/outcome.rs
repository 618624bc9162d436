//! The outcome of an opening handshake.

use super::{established::Established, request::RequestSummary};
use crate::{net::Transport, proto::handshake::Response};

/// The server's answer to the handshake.
pub(super) enum HandshakeOutcome {
    /// The session is open.
    Open(Established, Box<RequestSummary>, Response),
    /// A status that does not upgrade, and the bytes received behind it.
    Status(Box<dyn Transport>, Box<RequestSummary>, Response, Vec<u8>),
}
