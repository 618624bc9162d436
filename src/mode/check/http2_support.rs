//! What is known of a server over HTTP/2.

/// A server that speaks HTTP/2.
#[derive(Clone, Debug)]
pub(crate) struct Http2Support {
    /// The SETTINGS of the server, in words.
    pub(crate) settings: String,
    /// The server announces extended CONNECT (RFC 8441, 3).
    pub(crate) has_connect: bool,
    /// How the server answered an extended CONNECT: with a session that works, or how else.
    pub(crate) session: Result<String, String>,
}
