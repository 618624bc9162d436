//! Outstanding pings and their round-trip times (RFC 6455, 5.5.2 and 5.5.3).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Pings sent and not yet answered, oldest first.
#[derive(Debug, Default)]
pub struct Pings {
    sent: VecDeque<(Vec<u8>, Instant)>,
    /// The number of pings, the newest ones, that still wait for the transport.
    queued: usize,
    /// The payload of the last keepalive ping; distinct payloads tell the pongs apart.
    count: u64,
    rtts: RttStats,
}

/// A summary of round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrips {
    /// Pings answered.
    pub count: u64,
    /// The shortest time.
    pub min: Duration,
    /// The arithmetic mean.
    pub avg: Duration,
    /// The 99th percentile of the last 1000 times.
    pub p99: Duration,
    /// The longest time.
    pub max: Duration,
}

impl RoundTrips {
    /// Adds the times of an earlier session; [`Self::p99`] remains that of this one.
    #[must_use]
    pub fn merged_with(&self, earlier: &Self) -> Self {
        let count = self.count + earlier.count;
        let nanos = |it: &Self| it.avg.as_nanos() * u128::from(it.count);
        let avg = (nanos(self) + nanos(earlier)).checked_div(count.into()).unwrap_or_default();
        Self {
            count,
            min: self.min.min(earlier.min),
            avg: Duration::from_nanos(u64::try_from(avg).unwrap_or(u64::MAX)),
            p99: self.p99,
            max: self.max.max(earlier.max),
        }
    }
}

#[derive(Debug, Default)]
struct RttStats {
    count: u64,
    min: Duration,
    max: Duration,
    sum: Duration,
    recent: VecDeque<Duration>,
}

impl RttStats {
    fn add(&mut self, rtt: Duration) {
        self.min = if self.count == 0 { rtt } else { self.min.min(rtt) };
        self.max = self.max.max(rtt);
        self.sum = self.sum.saturating_add(rtt);
        self.count += 1;
        if self.recent.len() == RECENT_TIMES {
            self.recent.pop_front();
        }
        self.recent.push_back(rtt);
    }

    fn summary(&self) -> Option<RoundTrips> {
        let mut recent: Vec<_> = self.recent.iter().copied().collect();
        recent.sort_unstable();
        let p99 = recent.get((recent.len() * 99).div_ceil(100).checked_sub(1)?)?;
        let avg = self.sum.as_nanos().checked_div(self.count.into())?;
        Some(RoundTrips {
            count: self.count,
            min: self.min,
            avg: Duration::from_nanos(u64::try_from(avg).unwrap_or(u64::MAX)),
            p99: *p99,
            max: self.max,
        })
    }
}

impl Pings {
    /// Records a ping queued at `now`. [`Self::written`] restarts its time.
    pub fn queued(&mut self, payload: &[u8], now: Instant) {
        if self.sent.len() == MAX_OUTSTANDING {
            self.sent.pop_front();
        }
        self.sent.push_back((payload.to_vec(), now));
        self.queued += 1;
    }

    /// Reports whether a ping has not been written yet.
    #[inline]
    pub fn are_queued(&self) -> bool {
        self.queued > 0
    }

    /// Records that the transport accepted all queued pings at `now`.
    pub fn written(&mut self, now: Instant) {
        let queued = std::mem::take(&mut self.queued);
        for (_, time) in self.sent.iter_mut().rev().take(queued) {
            *time = now;
        }
    }

    /// Returns the payload of the next keepalive ping.
    pub fn keepalive(&mut self) -> [u8; 8] {
        self.count += 1;
        self.count.to_be_bytes()
    }

    /// Returns the round-trip time if this pong answers one of our pings. A peer may answer only the
    /// newest of several pings (5.5.3), so older ones are dropped with it.
    pub fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let at = self.sent.iter().position(|(sent, _)| sent == payload)?;
        let (_, time) = self.sent.drain(..=at).next_back()?;
        let rtt = now.saturating_duration_since(time);
        self.rtts.add(rtt);
        Some(rtt)
    }

    /// Summarizes the round-trip times, if there are any.
    pub fn round_trips(&self) -> Option<RoundTrips> {
        self.rtts.summary()
    }
}

/// The maximum number of unanswered pings kept, which bounds the memory for a peer that never
/// answers.
const MAX_OUTSTANDING: usize = 64;
/// The number of round-trip times kept for [`RoundTrips::p99`].
const RECENT_TIMES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_answers_its_ping_and_all_older_ones() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pings = Pings::default();
        pings.queued(b"a", at(0));
        pings.queued(b"b", at(10));
        pings.queued(b"c", at(20));
        assert_eq!(pings.answered(b"unasked", at(25)), None);
        assert_eq!(pings.answered(b"b", at(30)), Some(Duration::from_millis(20)));
        assert_eq!(pings.answered(b"a", at(31)), None);
        assert_eq!(pings.answered(b"c", at(50)), Some(Duration::from_millis(30)));
    }

    #[test]
    fn a_round_trip_starts_when_the_ping_is_written() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pings = Pings::default();
        pings.queued(b"a", at(0));
        pings.written(at(10));
        pings.queued(b"b", at(20));
        assert!(pings.are_queued());
        pings.written(at(50));
        assert!(!pings.are_queued());
        assert_eq!(pings.answered(b"a", at(60)), Some(Duration::from_millis(50)));
        assert_eq!(pings.answered(b"b", at(60)), Some(Duration::from_millis(10)));
    }

    #[test]
    fn round_trips_are_summarized() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pings = Pings::default();
        assert_eq!(pings.round_trips(), None);
        for ms in 1..=200 {
            pings.queued(b"a", at(0));
            pings.answered(b"a", at(ms));
        }
        let ms = Duration::from_millis;
        let expected = RoundTrips {
            count: 200,
            min: ms(1),
            avg: Duration::from_micros(100_500),
            p99: ms(198),
            max: ms(200),
        };
        assert_eq!(pings.round_trips(), Some(expected));
        for _ in 0..2000 {
            pings.queued(b"a", at(0));
            pings.answered(b"a", at(5));
        }
        assert_eq!(pings.round_trips().map(|it| (it.p99, it.max)), Some((ms(5), ms(200))));
        assert_eq!(pings.rtts.recent.len(), RECENT_TIMES);
    }

    #[test]
    fn unanswered_pings_are_bounded() {
        let now = Instant::now();
        let mut pings = Pings::default();
        for _ in 0..1000 {
            let payload = pings.keepalive();
            pings.queued(&payload, now);
        }
        assert_eq!(pings.sent.len(), MAX_OUTSTANDING);
    }
}
