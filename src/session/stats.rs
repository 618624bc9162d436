//! The figures of a session.

use crate::proto::{Tally, ping::RoundTrips};
use std::time::Duration;

/// The figures of a session, or of several that followed each other.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Time since the opening handshake.
    pub duration: Duration,
    /// Received frames and messages.
    pub received: Tally,
    /// Sent frames and messages.
    pub sent: Tally,
    /// Round-trip times of our pings, if one was answered.
    pub round_trips: Option<RoundTrips>,
    /// The longest time without a received byte.
    pub silence: Duration,
    /// Time from the opening handshake to the peer's first message.
    pub first_message: Option<Duration>,
}

impl Stats {
    /// Adds the figures of an earlier session.
    #[must_use]
    pub(super) fn and(self, earlier: &Self) -> Self {
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

    /// Whether a message was received or sent.
    pub fn has_messages(&self) -> bool {
        self.received.messages() + self.sent.messages() > 0
    }
}
