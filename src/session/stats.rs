//! Statistics of a session.

use crate::proto::{Tally, ping::RoundTrips};
use std::time::Duration;

/// Statistics of one session, or of all sessions of a run that reconnected.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// The time since the opening handshake; summed over all sessions.
    pub duration: Duration,
    /// Received frames and messages.
    pub received: Tally,
    /// Sent frames and messages.
    pub sent: Tally,
    /// Round-trip times of our pings, if any was answered.
    pub round_trips: Option<RoundTrips>,
    /// The longest time in which no byte was received.
    pub silence: Duration,
    /// The time from the opening handshake to the peer's first message, if there was one.
    pub first_message: Option<Duration>,
}

impl Stats {
    /// Adds the statistics of an earlier session.
    #[must_use]
    pub(crate) fn and(self, earlier: &Self) -> Self {
        Self {
            duration: self.duration + earlier.duration,
            received: self.received.merged_with(&earlier.received),
            sent: self.sent.merged_with(&earlier.sent),
            round_trips: match (self.round_trips, earlier.round_trips) {
                (Some(own), Some(other)) => Some(own.merged_with(&other)),
                (own, other) => own.or(other),
            },
            silence: self.silence.max(earlier.silence),
            first_message: earlier.first_message.or(self.first_message),
        }
    }

    /// Returns true if any message was received or sent.
    pub fn has_messages(&self) -> bool {
        self.received.messages() + self.sent.messages() > 0
    }
}
