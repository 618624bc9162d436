//! The progress of opening a session.

use super::{error::OpenError, timing::Timing};
use crate::{
    net::{http2::PeerSettings, proxy::Destination, tls},
    proto::handshake::{Request, Response},
    target::Target,
};
use std::{io, net::SocketAddr, path::Path};

/// A progress event of opening a session.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The TCP connection is established.
    Connected(SocketAddr),
    /// The connection to a Unix socket is established.
    Socket(&'a Path),
    /// The TCP connection to the proxy is established.
    ConnectedToProxy(SocketAddr),
    /// The proxy connected to this destination.
    Tunnelled(&'a Destination<'a>),
    /// The server's certificate chain, its own certificate first.
    Chain(&'a [tls::Certificate]),
    /// The session keys could not be written to the file that `SSLKEYLOGFILE` names.
    KeysNotLogged(&'a io::Error),
    /// TLS is established.
    Secured {
        /// TLS version, cipher suite and key exchange group.
        tls: &'a str,
        /// The protocol selected by ALPN.
        alpn: Option<&'a str>,
    },
    /// HTTP/2 is established; the server's SETTINGS.
    Settings(&'a PeerSettings),
    /// HTTP/2 failed, and HTTP/1.1 is tried next.
    HttpFallback(&'a OpenError),
    /// A redirect is followed.
    Redirected(&'a Target),
    /// The redirect leads to another origin, which these are not sent to: names of header fields,
    /// and the client certificate.
    Withheld(&'a [String]),
    /// An authentication challenge is answered.
    Challenged,
    /// The request is about to be sent; the timing so far.
    Request(&'a Request, &'a Timing),
    /// A response was received; the timing so far.
    Response(&'a Response, &'a Timing),
    /// These bytes were received, which are not the head of a response.
    Broken(&'a [u8]),
    /// The session is open; its timing.
    Open(&'a Timing),
    /// Opening failed; its timing.
    Failed(&'a Timing),
}
