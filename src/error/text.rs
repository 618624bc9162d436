//! Building blocks of sentences.

use crate::{
    escape::Escaped,
    known,
    proto::{excerpt::Excerpt, handshake::Response},
};
use std::{fmt, time::Duration};

/// Displays a status and its reason phrase, shortened and escaped.
pub(super) struct StatusLine<'a>(pub(super) &'a Response);

impl fmt::Display for StatusLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status)?;
        if self.0.reason.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", Escaped(&short(&self.0.reason)))
    }
}

/// Displays the first line of received bytes, shortened and escaped.
pub(super) struct FirstLine<'a>(pub(super) &'a [u8]);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = known::redact_bytes(self.0.to_vec());
        let start = String::from_utf8_lossy(&start);
        write!(f, "{}", Escaped(&short(start.lines().next().unwrap_or_default())))
    }
}

/// Redacts a peer's text and shortens it to 120 characters; the result is not escaped.
pub(super) fn short(s: &str) -> String {
    Excerpt(&known::redact(s)).to_string()
}

/// Formats a time limit in seconds.
pub(super) fn seconds(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    format!("{seconds} {}", if limit == Duration::from_secs(1) { "second" } else { "seconds" })
}
