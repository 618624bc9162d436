//! Expectations of a run that were not met.

use super::text::seconds;
use crate::escape::Escaped;
use std::{fmt, time::Duration};

/// An expectation that was not met.
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

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { received, expected } => {
                write!(f, "the session ended after {received} of {expected} expected messages")
            }
            Self::Until { pattern, received } => {
                write!(f, "the session ended before a message matched '{}'", Escaped(pattern))?;
                write!(f, ": {received} came")
            }
            Self::Expect { pattern, limit, received, last } => {
                match limit {
                    Some(limit) => write!(f, "in {} no message", seconds(*limit))?,
                    None => f.write_str("the session ended before a message")?,
                }
                write!(f, " matched '{}': ", Escaped(pattern))?;
                match last {
                    None => f.write_str("none came"),
                    Some(last) => write!(f, "{received} came, the last '{}'", Escaped(last)),
                }
            }
        }
    }
}
