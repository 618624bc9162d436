//! The output that waits for a stdout or terminal that is behind.

use super::{
    clock::now,
    limits::{HELD_LIMIT_BYTES, QUEUE_LIMIT_BYTES},
};
use std::time::{Duration, Instant};

/// The limit of the output that waits, at which the network is no longer read. It is small while
/// stdout keeps up, so that memory stays in the processor's cache, and large once stdout has been
/// behind for a while: the pings of the peer can be answered only while the network is read.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// The limit while stdout keeps up.
    least: usize,
    limit: usize,
    /// The time since when output has been waiting.
    since: Option<Instant>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self::new(QUEUE_LIMIT_BYTES)
    }
}

impl Backlog {
    /// Creates a backlog whose limit is `least` while the output keeps up.
    pub(crate) fn new(least: usize) -> Self {
        Self { least, limit: least, since: None }
    }

    /// Returns the number of bytes from which on the network is not read.
    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Records the result of writing: whether all of the output was written.
    #[inline]
    pub(crate) fn wrote(&mut self, all: bool) {
        if all {
            *self = Self::new(self.least);
        } else if self.since.is_none() {
            self.since = Some(now());
        }
    }

    /// Records that the output accepts what it is given, so that the rest is not behind yet: it may
    /// be the rest of a long message that is rendered in parts.
    pub(crate) fn progressed(&mut self) {
        self.since = Some(now());
    }

    /// Returns the time at which [`Self::extend`] raises the limit.
    pub(crate) fn extends_at(&self) -> Option<Instant> {
        self.since.filter(|_| self.limit == self.least).map(|since| since + PATIENCE)
    }

    /// Raises the limit if it is time. Returns true if it did.
    pub(crate) fn extend(&mut self) -> bool {
        let extends = self.extends_at().is_some_and(|at| at <= now());
        if extends {
            self.limit = HELD_LIMIT_BYTES;
        }
        extends
    }
}

/// The time for which stdout may be behind before the limit is raised.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    /// The rest of a long message that is rendered in parts counted as behind.
    #[tokio::test(start_paused = true)]
    async fn only_output_that_is_not_accepted_for_a_while_raises_the_limit() {
        let mut backlog = Backlog::new(100);
        for _ in 0..10 {
            backlog.wrote(false);
            backlog.progressed();
            tokio::time::advance(PATIENCE / 2).await;
            assert!(!backlog.extend());
        }
        backlog.wrote(false);
        tokio::time::advance(PATIENCE / 2).await;
        assert!(backlog.extend());
        assert_eq!(backlog.limit(), HELD_LIMIT_BYTES);
        backlog.wrote(true);
        assert_eq!(backlog.limit(), 100);
    }
}
