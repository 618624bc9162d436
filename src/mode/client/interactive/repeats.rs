//! The messages of `/repeat` and `/every`, and their schedule.

use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Repeats(Vec<Repeat>);

#[derive(Debug)]
struct Repeat {
    message: String,
    interval: Duration,
    /// The number of sends that remain; `None` is unlimited.
    left: Option<u64>,
    next: Instant,
}

impl Repeats {
    /// Adds a repeat, whose first message is due at once. Returns false if there are too many.
    pub(super) fn add(
        &mut self,
        message: String,
        interval: Duration,
        times: Option<u64>,
        now: Instant,
    ) -> bool {
        if times == Some(0) {
            return true;
        }
        if self.0.len() >= MAX_REPEATS {
            return false;
        }
        self.0.push(Repeat { message, interval, left: times, next: now });
        true
    }

    /// Ends all repeats. Returns their number.
    pub(super) fn stop(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }

    /// Returns the time at which the next message is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|repeat| repeat.next).min()
    }

    /// Takes a message that is due. A missed interval is skipped, not made up for.
    pub(super) fn due(&mut self, now: Instant) -> Option<String> {
        let at = self.0.iter().position(|repeat| repeat.next <= now)?;
        let repeat = self.0.get_mut(at)?;
        let next = repeat.next + repeat.interval;
        let missed = next <= now && !repeat.interval.is_zero();
        repeat.next = if missed { now + repeat.interval } else { next };
        repeat.left = repeat.left.map(|left| left - 1);
        if repeat.left == Some(0) {
            return Some(self.0.remove(at).message);
        }
        Some(repeat.message.clone())
    }
}

const MAX_REPEATS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_their_intervals() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut repeats = Repeats::default();
        assert!(repeats.add("a".into(), Duration::from_secs(2), Some(3), start));
        assert!(repeats.add("b".into(), Duration::from_secs(5), None, start));
        assert!(repeats.add("never".into(), Duration::ZERO, Some(0), start));
        let due = |repeats: &mut Repeats, s| {
            std::iter::from_fn(|| repeats.due(at(s))).collect::<Vec<_>>()
        };
        assert_eq!(due(&mut repeats, 0), ["a", "b"]);
        assert_eq!(repeats.next(), Some(at(2)));
        assert_eq!(due(&mut repeats, 2), ["a"]);
        assert_eq!(due(&mut repeats, 3), [""; 0]);
        assert_eq!(due(&mut repeats, 4), ["a"]);
        // A late message is sent once, and again after the interval.
        assert_eq!(due(&mut repeats, 100), ["b"]);
        assert_eq!(repeats.next(), Some(at(105)));
        assert_eq!(repeats.stop(), 1);
        assert_eq!(repeats.next(), None);
    }

    #[test]
    fn without_an_interval_all_are_due_at_once() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        assert!(repeats.add("a".into(), Duration::ZERO, Some(1000), now));
        assert_eq!(std::iter::from_fn(|| repeats.due(now)).count(), 1000);
    }
}
