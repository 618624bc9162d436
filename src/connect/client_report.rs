//! Report of an established client connection.

use super::{established::Established, request::RequestSummary, timing::Timing};
use crate::proto::handshake::Response;
use std::net::SocketAddr;

/// An established connection of a client, with its report.
pub struct ClientConnection {
    /// The byte stream and the negotiated parameters of the session.
    pub established: Established,
    /// The peer, the exchange of the handshake and its timing.
    pub report: ClientReport,
}

/// The peer, the handshake and the timing of a client connection.
#[derive(Clone, Debug)]
pub struct ClientReport {
    /// The URL after redirects, without user and password.
    pub url: String,
    /// The address of the server; `None` through a proxy or a Unix socket.
    pub address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    pub tls: Option<String>,
    /// The parts of the request that may explain why a server refuses or closes.
    pub request: Box<RequestSummary>,
    /// The head of the server's response.
    pub answer: Response,
    /// The duration of each step.
    pub timing: Timing,
}
