//! The time of a session: that of the runtime which drives it.

use std::time::Instant;

/// Returns the runtime's time. It is the system's monotonic clock, at the cost of reading that, and
/// virtual while a test has paused the runtime, as the session's timer is.
#[inline]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
