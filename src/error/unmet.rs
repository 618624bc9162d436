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
    /// No event of a client met a line of stdin that waits for one.
    Await {
        /// The number of the line.
        line: u64,
        /// The limit that expired.
        limit: Duration,
    },
    /// No received message had the value that a message of `-x` needs.
    Value {
        /// The placeholder as typed.
        placeholder: String,
    },
    /// A reply script did not see what it expects.
    Replies(Vec<UnmetReply>),
}

/// An expectation of a reply script that was not met. Rules are numbered from 1; `line` is that of
/// the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnmetReply {
    /// A rule was not used.
    NotUsed {
        /// The number of the rule.
        rule: usize,
        /// Its line.
        line: usize,
    },
    /// A rule was used.
    Used {
        /// The number of the rule.
        rule: usize,
        /// Its line.
        line: usize,
        /// The number of times it was used.
        times: u64,
    },
    /// A header of a request is not as expected.
    Header {
        /// The number of the client.
        client: u64,
        /// The name of the header.
        name: String,
    },
    /// No client connected whose headers could be judged.
    NoClient {
        /// The path of the clients, if it is not any path.
        path: Option<String>,
    },
    /// A client sent a message that a rule with `do = "fail"` forbids.
    Unexpected {
        /// The number of the client.
        client: u64,
        /// The line of the rule.
        line: usize,
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
            Self::Await { line, limit } => {
                let limit = seconds(*limit);
                write!(f, "no event met the await in line {line} of stdin within {limit}")
            }
            Self::Replies(unmet) => {
                f.write_str("the reply script expected otherwise: ")?;
                for (at, unmet) in unmet.iter().enumerate() {
                    let separator = if at > 0 { "; " } else { "" };
                    write!(f, "{separator}{unmet}")?;
                }
                Ok(())
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

impl fmt::Display for UnmetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUsed { rule, line } => write!(f, "rule {rule} in line {line} was not used"),
            Self::Used { rule, line, times } => {
                let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
                write!(f, "rule {rule} in line {line} was used {times}")
            }
            Self::Header { client, name } => {
                write!(f, "the header {} of client {client} is not as expected", Escaped(name))
            }
            Self::NoClient { path: None } => f.write_str("no client connected"),
            Self::NoClient { path: Some(path) } => {
                write!(f, "no client connected for {}", Escaped(path))
            }
            Self::Unexpected { client, line } => {
                write!(f, "client {client} sent a message that the rule in line {line} forbids")
            }
        }
    }
}
