//! Options of opening a session.

use super::{credentials::Credentials, limits::Limits};
use crate::{
    net::tls::TlsOptions,
    proto::handshake::{HeaderEdit, Headers},
    target::Target,
};

/// Options of one session's opening.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The server and the resource.
    pub target: Target,
    /// The Host header, if not the target's.
    pub host: Option<String>,
    /// The headers that the handshake does not make.
    pub headers: Headers,
    /// The edits of `-H`, applied last.
    pub edits: Vec<HeaderEdit>,
    /// User, password, token and cookies.
    pub credentials: Credentials,
    /// The limit of redirects; `None`: none is followed.
    pub redirects: Option<usize>,
    /// Options of TLS, for wss.
    pub tls: TlsOptions,
    /// The versions of HTTP for the handshake.
    pub http: Http,
    /// The time limits.
    pub limits: Limits,
}

/// The versions of HTTP that may carry a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    #[default]
    One,
    /// HTTP/2: chosen by ALPN with TLS, by prior knowledge without.
    Two,
    /// With TLS HTTP/2, if the server supports it and RFC 8441, and HTTP/1.1 otherwise.
    Auto,
}
