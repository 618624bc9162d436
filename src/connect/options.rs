//! Options for opening a session.

use super::{credentials::Credentials, limits::Limits};
use crate::{
    net::tls::TlsOptions,
    proto::handshake::{HeaderEdit, Headers},
    target::Target,
};

/// Options for opening one session.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The server and the resource.
    pub target: Target,
    /// The value of the Host header, if not the target's.
    pub host: Option<String>,
    /// The header fields of the request, except those that belong to the handshake itself.
    pub headers: Headers,
    /// The header edits of `-H`, applied last.
    pub edits: Vec<HeaderEdit>,
    /// User and password, bearer token, and cookies.
    pub credentials: Credentials,
    /// The maximum number of redirects; `None` disables them, and their status is then an error.
    pub redirects: Option<usize>,
    /// The TLS options, for wss.
    pub tls: TlsOptions,
    /// The HTTP versions allowed for the handshake.
    pub http: Http,
    /// The time limits.
    pub limits: Limits,
}

/// The HTTP versions allowed for the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1 only.
    #[default]
    One,
    /// HTTP/2 only: negotiated by ALPN over TLS, with prior knowledge otherwise.
    Two,
    /// HTTP/2 over TLS if the server supports RFC 8441, and HTTP/1.1 otherwise.
    Auto,
}
