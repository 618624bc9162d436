//! Failures of opening a session, as data. Sentences, hints and exit codes are made elsewhere.

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

/// Why no session was opened. `authority` is host and port of the target.
#[derive(Debug)]
pub enum OpenError {
    /// The host name does not resolve.
    Resolve {
        /// The name.
        host: String,
        /// The resolver's error.
        cause: io::Error,
    },
    /// The proxy's name does not resolve.
    ResolveProxy {
        /// Host and port of the proxy.
        proxy: String,
        /// The resolver's error.
        cause: io::Error,
    },
    /// An environment variable that names a proxy is malformed.
    ProxyVariable {
        /// Its name.
        variable: String,
        /// The fault of the URL in it.
        fault: UrlFault,
    },
    /// No address of the proxy accepted a connection.
    ConnectProxy {
        /// Host and port of the proxy.
        proxy: String,
        /// Every address tried, and its error.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The proxy did not connect to the target.
    Proxy {
        /// Host and port of the proxy.
        proxy: String,
        /// Host and port of the target.
        to: String,
        /// The reason.
        fault: ProxyFault,
    },
    /// The Unix socket refuses connections.
    Socket {
        /// Its path.
        path: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The local address or interface cannot be used.
    Interface {
        /// The address or interface.
        local: LocalAddr,
        /// The system's error.
        cause: io::Error,
    },
    /// A redirect is not followed.
    Redirect {
        /// The URL that redirects.
        from: String,
        /// The status.
        status: u16,
        /// The reason.
        fault: RedirectFault,
    },
    /// No address of the host accepted a connection.
    Connect {
        /// Host and port.
        authority: String,
        /// Every address tried, and its error.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// TLS with the server failed.
    Tls {
        /// Host and port.
        authority: String,
        /// The reason.
        fault: TlsFault,
    },
    /// The certification authorities cannot be used.
    Authorities {
        /// The file or directory; `None`: the system's own.
        path: Option<PathBuf>,
        /// The reason, in words.
        cause: String,
    },
    /// The answer to the opening handshake breaks the RFC.
    Handshake {
        /// The request.
        request: Box<RequestSummary>,
        /// The rule.
        refusal: ResponseFault,
    },
    /// The answer has an HTTP status that does not upgrade.
    Status {
        /// The request.
        request: Box<RequestSummary>,
        /// The answer.
        response: Box<Response>,
        /// The start of its body.
        body: Vec<u8>,
        /// The absolute URL of its Location, if it has one.
        location: Option<String>,
    },
    /// The server ended the transport during the opening handshake.
    HandshakeCut {
        /// The request.
        request: Box<RequestSummary>,
        /// Whether part of an answer was received.
        begun: bool,
        /// Whether it ended with a reset.
        reset: bool,
    },
    /// HTTP/2 failed before the handshake was answered.
    Http2 {
        /// Host and port.
        authority: String,
        /// The reason.
        fault: Http2Fault,
    },
    /// A time limit passed.
    Timeout {
        /// Host and port, or the proxy.
        authority: String,
        /// The step that was under way.
        step: Step,
        /// The limit.
        limit: Duration,
        /// What the limit covers.
        scope: LimitScope,
    },
    /// Any other failure.
    Other {
        /// What was being done, an infinitive.
        doing: &'static str,
        /// The system's error.
        cause: io::Error,
    },
}

impl From<TlsSetupFault> for OpenError {
    fn from(fault: TlsSetupFault) -> Self {
        match fault {
            TlsSetupFault::Authorities { path, cause } => Self::Authorities { path, cause },
            TlsSetupFault::Library(cause) => {
                Self::Other { doing: "set up TLS", cause: io::Error::other(cause) }
            }
        }
    }
}
