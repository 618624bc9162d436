//! Idle time before a transport ended: the evidence of a middlebox that drops idle connections.

use std::time::{Duration, Instant};

/// Tracks the silence that may explain why a transport ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// The last long silence that we broke: the time at which we did, and its duration.
    broken: Option<(Instant, Duration)>,
}

impl Silence {
    /// Records that bytes are sent at `now`, which ends the silence so far.
    pub(crate) fn sent(&mut self, now: Instant, last_heard: Instant, last_sent: Instant) {
        if let Some(length) = since(now, last_heard, last_sent) {
            self.broken = Some((now, length));
        }
    }

    /// Returns the silence before the end, if it was long enough to be the cause. It lasts until the
    /// end or, if the peer was not heard since, until we broke it: a middlebox that dropped the
    /// connection may report that only when the connection is used again.
    pub(crate) fn before(
        &self,
        end: Instant,
        last_heard: Instant,
        last_sent: Instant,
    ) -> Option<Duration> {
        let broken = self.broken.filter(|(at, _)| last_heard < *at);
        since(end, last_heard, last_sent).or(broken.map(|(_, length)| length))
    }
}

/// Returns the time without traffic in either direction, if it exceeds an ordinary pause.
fn since(now: Instant, last_heard: Instant, last_sent: Instant) -> Option<Duration> {
    let length = now.saturating_duration_since(last_heard.max(last_sent));
    (length >= SHORTEST).then_some(length)
}

/// Reports whether two silences are close enough to come from one idle timeout.
pub(crate) fn is_similar(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= (one.max(other) / 10).max(Duration::from_secs(1))
}

/// The shortest silence considered: no network path drops connections sooner.
const SHORTEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn silence_counts_from_the_last_byte_either_way() {
        let start = Instant::now();
        for (heard, sent, end, expected) in [
            (0, 0, 60, Some(60)),
            (10, 3, 70, Some(60)),
            (3, 10, 70, Some(60)),
            (0, 0, 5, Some(5)),
            (0, 0, 4, None),
            (66, 0, 70, None),
            (0, 66, 70, None),
            // An end before the last traffic (the clock was read earlier) counts as none.
            (8, 8, 0, None),
        ] {
            let [heard, sent, end] = [heard, sent, end].map(|s| start + s * S);
            let silence = Silence::default();
            assert_eq!(silence.before(end, heard, sent), expected.map(|s: u32| s * S));
        }
        let short = start + Duration::from_millis(4999);
        assert_eq!(Silence::default().before(short, start, start), None);
    }

    #[test]
    fn an_end_after_our_message_reports_the_silence_before_it() {
        let start = Instant::now();
        let at = |s: u32| start + s * S;
        let mut silence = Silence::default();
        silence.sent(at(2), at(0), at(0));
        assert_eq!(silence.before(at(3), at(0), at(2)), None);
        silence.sent(at(62), at(0), at(2));
        silence.sent(at(63), at(0), at(62));
        assert_eq!(silence.before(at(64), at(0), at(63)), Some(60 * S));
        // The peer was heard after that silence.
        assert_eq!(silence.before(at(66), at(65), at(63)), None);
    }

    #[test]
    fn silences_of_one_idle_timeout_are_similar() {
        assert!(is_similar(60 * S, 60 * S));
        assert!(is_similar(60 * S, 65 * S));
        assert!(is_similar(5 * S, 6 * S));
        assert!(!is_similar(5 * S, 7 * S));
        assert!(!is_similar(60 * S, 70 * S));
        assert!(!is_similar(600 * S, 60 * S));
    }
}
