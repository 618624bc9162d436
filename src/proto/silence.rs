//! How long nothing went either way before a transport ended: what something on the way leaves
//! behind that forgets idle connections.

use std::time::{Duration, Instant};

/// Minds what may be the cause of an end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// When we ended the last one that was long enough, and how long it was.
    broken: Option<(Instant, Duration)>,
}

impl Silence {
    /// Something is sent after all this.
    pub(crate) fn sent(&mut self, now: Instant, last_heard: Instant, last_sent: Instant) {
        if let Some(length) = since(now, last_heard, last_sent) {
            self.broken = Some((now, length));
        }
    }

    /// The silence before an end, if it was long enough to be its cause: up to the end, or up to
    /// what we sent last, if nothing was heard since. Whoever forgets a connection may say so only
    /// when it is used again.
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

/// For how long there has been nothing; what is too short to tell from a pause is none.
fn since(now: Instant, last_heard: Instant, last_sent: Instant) -> Option<Duration> {
    let length = now.saturating_duration_since(last_heard.max(last_sent));
    (length >= SHORTEST).then_some(length)
}

/// Whether two of them are so alike that one clock may have made both.
pub(crate) fn is_alike(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= (one.max(other) / 10).max(Duration::from_secs(1))
}

/// No path forgets connections sooner than this.
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
            // A clock that is read in another order is no silence.
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
    fn an_end_at_the_first_use_counts_the_silence_before_that() {
        let start = Instant::now();
        let at = |s: u32| start + s * S;
        let mut silence = Silence::default();
        silence.sent(at(2), at(0), at(0));
        assert_eq!(silence.before(at(3), at(0), at(2)), None);
        silence.sent(at(62), at(0), at(2));
        silence.sent(at(63), at(0), at(62));
        assert_eq!(silence.before(at(64), at(0), at(63)), Some(60 * S));
        // The peer was still there.
        assert_eq!(silence.before(at(66), at(65), at(63)), None);
    }

    #[test]
    fn a_clock_on_the_way_makes_silences_that_are_alike() {
        assert!(is_alike(60 * S, 60 * S));
        assert!(is_alike(60 * S, 65 * S));
        assert!(is_alike(5 * S, 6 * S));
        assert!(!is_alike(5 * S, 7 * S));
        assert!(!is_alike(60 * S, 70 * S));
        assert!(!is_alike(600 * S, 60 * S));
    }
}
