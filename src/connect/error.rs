//! Failures to open a session, as data. The module `error` writes their messages and hints.

use super::{
    redirect_fault::RedirectFault,
    request::RequestSummary,
    step::{LimitScope, Step},
};
use crate::{
    net::{
        http2::Http2Fault,
        proxy::ProxyFault,
        tcp::LocalAddr,
        tls::{TlsFault, TlsSetupFault},
    },
    proto::handshake::{Response, ResponseFault},
    target::UrlFault,
};
use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

/// The reason why no session was opened. `authority` is the target, `proxy` the proxy, each as
/// `host:port`.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names of most fields suffice")]
pub enum OpenError {
    /// The host name cannot be resolved.
    Resolve { host: String, cause: io::Error },
    /// The proxy's name cannot be resolved.
    ResolveProxy { proxy: String, cause: io::Error },
    /// An environment variable contains a malformed proxy URL.
    ProxyVariable { variable: String, fault: UrlFault },
    /// No address of the proxy accepted a connection.
    ConnectProxy {
        proxy: String,
        /// The error of each address tried.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The proxy did not connect to the target, `to`.
    Proxy { proxy: String, to: String, fault: ProxyFault },
    /// The Unix socket cannot be connected to.
    Socket { path: PathBuf, cause: io::Error },
    /// The local address or interface cannot be used.
    Interface { local: LocalAddr, cause: io::Error },
    /// A redirect was not followed.
    Redirect {
        /// The URL of the redirecting server.
        from: String,
        status: u16,
        fault: RedirectFault,
    },
    /// No address of the host accepted a connection.
    Connect {
        authority: String,
        /// The error of each address tried.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// TLS with the server failed.
    Tls { authority: String, fault: TlsFault },
    /// The certification authorities cannot be used.
    Authorities {
        /// The file or directory; `None` for the system's authorities.
        path: Option<PathBuf>,
        /// The reason, as a phrase.
        cause: String,
    },
    /// The response to the opening handshake violates RFC 6455 or RFC 8441.
    Handshake {
        request: Box<RequestSummary>,
        /// The violated rule.
        fault: ResponseFault,
    },
    /// The response has an HTTP status that does not open a session.
    Status {
        request: Box<RequestSummary>,
        response: Box<Response>,
        /// The first bytes of the body, at most 4 KiB, without the client's secrets.
        body: Vec<u8>,
        /// The Location of the response as an absolute URL.
        location: Option<String>,
    },
    /// The request could not be written, and no response was received.
    Request { authority: String, cause: io::Error },
    /// The server closed the connection during the opening handshake.
    HandshakeCut {
        request: Box<RequestSummary>,
        /// Part of a response was received.
        begun: bool,
        /// The server reset the connection.
        reset: bool,
        /// The time from the request to the end of the connection.
        waited: Duration,
    },
    /// HTTP/2 failed before a response was received.
    Http2 { authority: String, fault: Http2Fault },
    /// A time limit expired.
    Timeout {
        /// The target, or `the proxy` with its `host:port`.
        authority: String,
        /// The step in progress.
        step: Step,
        limit: Duration,
        scope: LimitScope,
        /// The request, if the step is the opening handshake.
        request: Option<Box<RequestSummary>>,
        /// The bytes received of a response whose head did not end.
        received: usize,
    },
    /// Any other failure.
    Other {
        /// The attempted operation, an infinitive that follows "cannot".
        operation: &'static str,
        cause: io::Error,
    },
}

impl From<TlsSetupFault> for OpenError {
    fn from(fault: TlsSetupFault) -> Self {
        match fault {
            TlsSetupFault::Authorities { path, cause } => Self::Authorities { path, cause },
            TlsSetupFault::Library(cause) => {
                Self::Other { operation: "set up TLS", cause: io::Error::other(cause) }
            }
        }
    }
}
