//! What only a client knows of a connection: where it led and how it was established.

use super::{established::Established, request::RequestSummary, timing::Timing};
use crate::proto::handshake::Response;
use std::net::SocketAddr;

/// An established connection of a client, with the report of how it was established.
pub struct ClientConnection {
    /// The material of a session.
    pub established: Established,
    /// Where it leads, and what was said on the way.
    pub report: ClientReport,
}

/// Where a client's connection leads and how it was established.
#[derive(Clone, Debug)]
pub struct ClientReport {
    /// The URL after all redirects, without user and password.
    pub url: String,
    /// The address of the server or of the proxy; `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// TLS version, cipher suite and key exchange group.
    pub tls: Option<String>,
    /// The parts of the request that tell why a server may refuse or close.
    pub request: Box<RequestSummary>,
    /// The head of the server's answer.
    pub answer: Response,
    /// Duration of each step.
    pub timing: Timing,
}
