//! The clock of a session.

use std::time::Instant;

/// Returns the time of the runtime that drives the session.
///
/// This is the system's monotonic clock, at the same cost. While a test has paused the runtime,
/// it is virtual, like the session's timer.
#[inline]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
