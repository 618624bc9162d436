//! The time limit of the run (`--max-time`) for what is read before a session is opened.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

static START: OnceLock<Instant> = OnceLock::new();
static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Records the start of the process. Without it, there is no limit.
pub fn begin(at: Instant) {
    let _ = START.set(at);
}

/// Sets the limit, unless it is set already.
pub fn set(limit: Duration) {
    let _ = LIMIT.set(limit);
}

/// Returns the time left, if there is a limit.
pub fn left() -> Option<Duration> {
    let limit = LIMIT.get()?;
    Some(limit.saturating_sub(START.get()?.elapsed()))
}

/// Returns the limit if it has expired.
pub fn expired() -> Option<Duration> {
    left().filter(Duration::is_zero).and_then(|_| LIMIT.get().copied())
}
