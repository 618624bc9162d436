//! The progress of opening a session.

use super::{error::OpenError, timing::Timing};
use crate::{
    net::{http2::PeerSettings, proxy::Destination, tls},
    proto::handshake::{Request, Response},
    target::Target,
};
use std::net::SocketAddr;

/// Something that happened while a session is opened.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The TCP connection is established.
    Connected(SocketAddr),
    /// The connection to this Unix socket is established.
    Socket(&'a str),
    /// The TCP connection to the proxy is established.
    ConnectedToProxy(SocketAddr),
    /// The proxy connected to this destination.
    Tunnelled(&'a Destination<'a>),
    /// The server's certificate, and the chain behind it.
    Chain(&'a [tls::Certificate]),
    /// TLS is established.
    Secured {
        /// Version and cipher suite.
        tls: &'a str,
        /// The protocol chosen by ALPN.
        alpn: Option<&'a str>,
    },
    /// HTTP/2 is established, with these SETTINGS of the server.
    Settings(&'a PeerSettings),
    /// HTTP/1.1 is tried, because HTTP/2 failed.
    Again(&'a OpenError),
    /// A redirect is followed.
    Redirected(&'a Target),
    /// A challenge is answered.
    Challenged,
    /// The request is sent; the times until then.
    Request(&'a Request, &'a Timing),
    /// An answer was received; the times until then.
    Response(&'a Response, &'a Timing),
    /// The session is open; the times of the steps.
    Open(&'a Timing),
    /// Opening failed; the times of the steps.
    Failed(&'a Timing),
}
