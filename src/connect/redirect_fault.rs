//! Faults of redirects.

use crate::target::UrlFault;

/// The reason why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// The maximum number of redirects, which was reached.
    TooMany(usize),
    /// The response has no Location.
    NoLocation,
    /// The Location is not a WebSocket URL.
    Location {
        /// The value of the field.
        location: String,
        /// The fault of the URL.
        fault: UrlFault,
    },
    /// A redirect from wss to this ws URL.
    Downgrade(String),
}
