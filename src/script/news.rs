//! What a script has to tell the user.

use super::{matcher::Matcher, template::MissingValue};

/// An event of a script that only concerns the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A received message matched an expectation or a goal.
    Matched {
        /// `--expect` or `--until`.
        option: &'static str,
        pattern: String,
        /// The start of the message.
        start: Vec<u8>,
        /// True if the message is longer.
        is_cut: bool,
    },
    /// A received message matched and was not answered, since the answer lacks a value.
    Unanswered { pattern: String, missing: MissingValue },
}

impl News {
    pub(super) fn matched(option: &'static str, matcher: &Matcher, message: &[u8]) -> Self {
        let start = message.get(..QUOTED_BYTES).unwrap_or(message);
        let is_cut = start.len() < message.len();
        Self::Matched { option, pattern: matcher.to_string(), start: start.to_vec(), is_cut }
    }

    pub(super) fn unanswered(matcher: &Matcher, missing: MissingValue) -> Self {
        Self::Unanswered { pattern: matcher.to_string(), missing }
    }
}

/// The number of bytes that are quoted from the start of a message.
pub(super) const QUOTED_BYTES: usize = 100;
