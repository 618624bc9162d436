//! The steps of `-x` and `--expect`.

use regex::bytes::Regex;

/// A step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// `-x`: send this.
    Send(String),
    /// `--expect`: wait for a message that matches.
    Expect(Regex),
}

impl Step {
    /// The message, if it is one.
    pub fn message(&self) -> Option<String> {
        if let Self::Send(message) = self { Some(message.clone()) } else { None }
    }
}
