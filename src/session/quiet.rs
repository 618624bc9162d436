//! The quiet before a transport ended.

use crate::proto::silence::is_similar;
use std::time::Duration;

/// The time without traffic in either direction before a transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietPeriod {
    /// Its length.
    pub length: Duration,
    /// How many sessions in a row ended after about that length, this one included.
    pub times: u32,
}

impl QuietPeriod {
    /// The first of its length.
    pub fn new(length: Duration) -> Self {
        Self { length, times: 1 }
    }

    /// Counts it with the one before, if they are alike.
    #[must_use]
    pub fn after(self, last: Option<Self>) -> Self {
        let times = last.filter(|last| is_similar(last.length, self.length));
        Self { times: times.map_or(1, |last| last.times.saturating_add(1)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_are_alike_are_counted() {
        let quiet = |seconds| QuietPeriod::new(Duration::from_secs(seconds));
        let mut last = None;
        let times = [60, 61, 60, 10, 10, 60].map(|seconds| {
            let this = quiet(seconds).after(last);
            last = Some(this);
            this.times
        });
        assert_eq!(times, [1, 2, 3, 1, 2, 1]);
    }
}
