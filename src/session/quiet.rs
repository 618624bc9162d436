//! The quiet period before a transport ended.

use crate::proto::silence::is_similar;
use std::time::Duration;

/// The time without traffic in either direction before a transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietPeriod {
    /// The length of the period.
    pub length: Duration,
    /// The number of consecutive sessions that ended after a period of similar length, including
    /// this one.
    pub times: u32,
}

impl QuietPeriod {
    /// Creates a period that is the first of its length.
    pub fn new(length: Duration) -> Self {
        Self { length, times: 1 }
    }

    /// Counts this period together with the last one if their lengths are similar.
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
    fn counts_consecutive_periods_of_similar_length() {
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
