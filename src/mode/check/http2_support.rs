//! Facts about a server over HTTP/2.

/// A server that speaks HTTP/2.
#[derive(Clone, Debug)]
pub(crate) struct Http2Support {
    /// The SETTINGS of the server, in words.
    pub(crate) settings: String,
    /// The server announces extended CONNECT (RFC 8441, 3).
    pub(crate) has_connect: bool,
    /// The server's answer to an extended CONNECT, and whether the session works.
    pub(crate) session: Result<String, String>,
}
