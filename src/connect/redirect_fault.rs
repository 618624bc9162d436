//! Faults of redirects.

use crate::target::UrlFault;

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// As many as the limit allows were followed.
    TooMany(usize),
    /// The answer has no Location.
    NoLocation,
    /// The Location is not a WebSocket URL.
    Location {
        /// Its value.
        location: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// It leads from wss to this URL of ws.
    Downgrade(String),
}
