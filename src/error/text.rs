//! Pieces of sentences.

use crate::{
    escape::Escaped,
    proto::{excerpt::Excerpt, handshake::Response},
};
use std::{fmt, time::Duration};

/// A status and its reason.
pub(super) struct StatusLine<'a>(pub(super) &'a Response);

impl fmt::Display for StatusLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status)?;
        if self.0.reason.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", Escaped(&self.0.reason))
    }
}

/// The first line of bytes that a peer sent, escaped and cut.
pub(super) struct FirstLine<'a>(pub(super) &'a [u8]);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(self.0);
        write!(f, "{}", Escaped(&short(start.lines().next().unwrap_or_default())))
    }
}

/// At most 120 characters of a peer's words; they are not escaped yet.
pub(super) fn short(s: &str) -> String {
    Excerpt(s).to_string()
}

/// A time limit in words.
pub(super) fn seconds(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    format!("{seconds} {}", if limit == Duration::from_secs(1) { "second" } else { "seconds" })
}
