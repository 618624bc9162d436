//! Messages that end a run.

use regex::bytes::Regex;

/// What ends a run as soon as it has come.
#[derive(Clone, Debug, Default)]
pub struct Goals {
    /// `--count`: so many messages.
    pub count: Option<u64>,
    /// `--until`: a message that matches.
    pub until: Option<Regex>,
}

impl Goals {
    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }
}
