//! How long nothing went either way before a transport ended: what something on the way leaves
//! behind that forgets idle connections.

use std::time::{Duration, Instant};

/// The silence before an end, if it was long enough to be its cause. What is too short to tell
/// from a pause is none.
pub fn before(end: Instant, last_heard: Instant, last_sent: Instant) -> Option<Duration> {
    let length = end.saturating_duration_since(last_heard.max(last_sent));
    (length >= SHORTEST).then_some(length)
}

/// Whether two of them are so alike that one clock may have made both.
pub fn is_alike(one: Duration, other: Duration) -> bool {
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
            assert_eq!(before(end, heard, sent), expected.map(|s: u32| s * S));
        }
        assert_eq!(before(start + 5 * S - S / 1000, start, start), None);
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
