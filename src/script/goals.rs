//! Goals of a run: the received messages that end it.

use super::matcher::Matcher;

/// The goals of a run, which ends as soon as one of them is met.
#[derive(Clone, Debug, Default)]
pub struct Goals {
    /// `--count`: the number of received messages.
    pub count: Option<u64>,
    /// `--until`: a received message that matches.
    pub until: Option<Matcher>,
}

impl Goals {
    /// Reports whether any goal is set.
    pub fn is_some(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }
}
