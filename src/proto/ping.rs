//! The pings that wait for their pong (RFC 6455, 5.5.2 and 5.5.3).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Pings sent and not yet answered, oldest first.
#[derive(Debug, Default)]
pub struct Pings {
    sent: VecDeque<(Vec<u8>, Instant)>,
    /// Numbers our own keepalive pings, so that each has a pong of its own.
    count: u64,
}

impl Pings {
    /// Notes a ping on its way.
    pub fn sent(&mut self, payload: &[u8], now: Instant) {
        if self.sent.len() == MAX {
            self.sent.pop_front();
        }
        self.sent.push_back((payload.to_vec(), now));
    }

    /// The payload of the next keepalive ping.
    pub fn keepalive(&mut self) -> [u8; 8] {
        self.count += 1;
        self.count.to_be_bytes()
    }

    /// The round-trip time, if this pong answers one of our pings. A peer may answer only the
    /// newest of several (5.5.3), so the older ones are settled with it.
    pub fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let at = self.sent.iter().position(|(sent, _)| sent == payload)?;
        let (_, time) = self.sent.drain(..=at).next_back()?;
        Some(now.saturating_duration_since(time))
    }
}

/// Unanswered pings remembered; a peer that never answers must not cost memory.
const MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_settles_its_ping_and_the_older_ones() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pings = Pings::default();
        pings.sent(b"a", at(0));
        pings.sent(b"b", at(10));
        pings.sent(b"c", at(20));
        assert_eq!(pings.answered(b"unasked", at(25)), None);
        assert_eq!(pings.answered(b"b", at(30)), Some(Duration::from_millis(20)));
        assert_eq!(pings.answered(b"a", at(31)), None);
        assert_eq!(pings.answered(b"c", at(50)), Some(Duration::from_millis(30)));
    }

    #[test]
    fn unanswered_pings_are_bounded() {
        let now = Instant::now();
        let mut pings = Pings::default();
        for _ in 0..1000 {
            let payload = pings.keepalive();
            pings.sent(&payload, now);
        }
        assert_eq!(pings.sent.len(), MAX);
    }
}
