//! Time limits of opening a session.

use std::time::Duration;

/// Time limits of opening, and of single steps of it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From start to open session.
    pub total: Duration,
    /// `total` is what remains of the limit of the whole run, which ends with it.
    pub is_run: bool,
    /// The lookup of a name.
    pub resolve: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// The answer to the opening handshake.
    pub handshake: Option<Duration>,
}
