//! Expectations of a run that were not met.

use super::text::{seconds, short};
use crate::{
    escape::Escaped,
    redact::{Quote, Secrets},
};
use std::{fmt, time::Duration};

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnmetExpectation {
    /// Fewer messages than `--count` requires.
    Count {
        /// Messages received.
        received: u64,
        /// The value of `--count`.
        expected: u64,
    },
    /// No message matched the pattern of `--until`.
    Until {
        /// The pattern as typed.
        pattern: String,
        /// Messages received.
        received: u64,
    },
    /// No message matched the pattern of an `--expect`.
    Expect {
        /// The pattern as typed.
        pattern: String,
        /// The limit that expired; `None` if the session ended first.
        limit: Option<Duration>,
        /// Messages received before it was expected.
        earlier: u64,
        /// Messages received without a match.
        received: u64,
        /// The start of the last such message.
        last: Option<Quote>,
    },
    /// No received message had the value that a message of `-x` needs.
    Value {
        /// The placeholder as typed.
        placeholder: String,
    },
}

impl fmt::Display for UnmetExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { received, expected } => {
                write!(f, "the session ended after {received} of {expected} expected messages")
            }
            Self::Until { pattern, received } => {
                write!(
                    f,
                    "the session ended before a message matched '{}'",
                    Escaped(&short(pattern))
                )?;
                write!(f, ": {received} received")
            }
            Self::Value { placeholder } => {
                let placeholder = Escaped(placeholder);
                write!(
                    f,
                    "a message was not sent: no message that matched had a value for {placeholder}"
                )
            }
            Self::Expect { pattern, limit, earlier, received, last } => {
                let pattern = short(pattern);
                let pattern = Escaped(&pattern);
                match limit {
                    Some(limit) => {
                        let limit = seconds(*limit);
                        write!(f, "no message matched '{pattern}' within {limit}: ")?;
                    }
                    None => write!(f, "the session ended before a message matched '{pattern}': ")?,
                }
                match last {
                    None if *earlier == 0 => f.write_str("none received"),
                    None => write!(f, "{earlier} received before, none since"),
                    Some(last) => {
                        let last = last.text(Secrets::Hidden);
                        write!(f, "{received} received, the last '{}'", Escaped(&last))
                    }
                }
            }
        }
    }
}
