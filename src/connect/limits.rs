//! Time limits for opening a session.

use std::time::Duration;

/// Time limits for opening a session and for single steps of it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the start to the open session, including redirects.
    pub total: Duration,
    /// True if `total` is the remainder of the limit of the whole run (`--max-time`).
    pub is_run_limit: bool,
    /// A name lookup.
    pub resolve: Option<Duration>,
    /// A TLS handshake.
    pub tls: Option<Duration>,
    /// The opening handshake up to the response, including the SETTINGS of HTTP/2.
    pub handshake: Option<Duration>,
}
