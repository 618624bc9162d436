//! Notes of a script for the user.

use super::{matcher::Matcher, template::MissingValue};
use crate::redact::Quote;

/// An event of a script that only concerns the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A received message matched an expectation or a goal.
    Matched {
        /// `--expect` or `--until`.
        option: &'static str,
        pattern: String,
        message: Quote,
    },
    /// A received message matched and was not answered, since the answer lacks a value.
    Unanswered { pattern: String, missing: MissingValue },
    /// Some JSON texts of a received message were not answered, since too many answers wait.
    Overflowed { pattern: String },
}

impl News {
    pub(super) fn matched(option: &'static str, matcher: &Matcher, message: &[u8]) -> Self {
        Self::Matched { option, pattern: matcher.to_string(), message: Quote::new(message) }
    }

    pub(super) fn unanswered(matcher: &Matcher, missing: MissingValue) -> Self {
        Self::Unanswered { pattern: matcher.to_string(), missing }
    }
}
