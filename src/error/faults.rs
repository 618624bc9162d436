//! What can be wrong, field by field.

use std::time::Duration;

/// Where in stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line, from 1.
    Line(u64),
    /// In this message, from 1.
    Message(u64),
    /// In all of it.
    Stream,
}

/// What was expected and has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// `--count`.
    Count {
        /// Messages received.
        received: u64,
        /// Messages expected.
        expected: u64,
    },
    /// `--until`.
    Until {
        /// What was to match.
        pattern: String,
        /// Messages received.
        received: u64,
    },
    /// `--expect`.
    Expect {
        /// What was to match.
        pattern: String,
        /// How long was waited; none: the session ended.
        limit: Option<Duration>,
        /// Messages that came instead.
        received: u64,
        /// The start of the last of them.
        last: Option<String>,
    },
}
