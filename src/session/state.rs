//! What a session tells of itself: whether it is open, what it has sent and received, and when.

use super::{Session, clock, stats::Stats};
use crate::proto::{Cause, Close, Tally, Violation};
use std::time::Instant;

impl Session {
    /// Returns the peer's host and port, as errors name them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns true while messages may be sent.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Returns true once there is nothing left to wait for.
    pub fn is_over(&self) -> bool {
        self.connection.is_over()
    }

    /// Reports whether received bytes that may hold messages have not been decoded.
    pub fn has_undecoded(&self) -> bool {
        self.start < self.end
            && self.connection.remote_close().is_none()
            && !matches!(self.connection.cause(), Some(Cause::Violation(_)))
    }

    /// Returns the next violation that was accepted and not reported before.
    pub fn accepted_violation(&mut self) -> Option<Violation> {
        self.connection.accepted_violation()
    }

    /// Returns true if a message has been received only partly.
    pub fn is_inside_message(&self) -> bool {
        self.connection.is_inside_message()
    }

    /// Returns true while a message waits to be written or lacks payload.
    pub fn has_unsent_message(&self) -> bool {
        self.connection.has_unsent_message()
    }

    /// Returns the number of bytes that wait to be written.
    pub fn queued(&self) -> usize {
        self.connection.queued()
    }

    /// Returns the tallies of received and of sent messages, in this order.
    pub fn tallies(&self) -> (Tally, Tally) {
        self.connection.tallies()
    }

    /// Returns the statistics up to now, including those of earlier sessions.
    pub fn stats(&self) -> Stats {
        let (received, sent) = self.connection.tallies();
        let now = clock::now();
        let first_message =
            self.first_message.or((received.messages() > 0).then_some(self.received_at));
        let own = Stats {
            duration: now.saturating_duration_since(self.opened),
            received,
            sent,
            round_trips: self.connection.round_trips(),
            silence: self.silence.max(now.saturating_duration_since(self.last_heard())),
            first_message: first_message.map(|at| at.saturating_duration_since(self.opened)),
        };
        match &self.earlier {
            Some(earlier) => own.and(earlier),
            None => own,
        }
    }

    /// Returns the number of messages that were not written completely when the session ended.
    pub fn unsent_messages(&self) -> usize {
        self.connection.unsent_messages()
    }

    /// Returns the number of messages that the peer need not have read, when the session has ended:
    /// those not written completely, and those written after its Close.
    pub fn unread_messages(&self) -> usize {
        self.connection.unread_messages()
    }

    /// Returns true while sent bytes are still queued or buffered by the transport.
    pub fn has_unsent_bytes(&self) -> bool {
        self.connection.queued() > 0 || self.flushing
    }

    /// Returns the number of bytes received since the opening handshake.
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    /// Returns the time of the last received byte, or of the opening of the session.
    pub fn last_heard(&self) -> Instant {
        self.connection.last_heard()
    }

    /// Returns the time of the last successful write, or of the opening of the session.
    pub fn last_sent(&self) -> Instant {
        self.last_sent
    }

    /// Returns the peer's Close, if one was received, whether or not it answers ours.
    pub fn remote_close(&self) -> Option<&Close> {
        self.connection.remote_close()
    }

    /// Returns the Close that this side started the closing handshake with, if it did.
    pub fn local_close(&self) -> Option<&Close> {
        self.our_close.as_ref().map(|ours| &ours.close)
    }

    /// Returns true if we started the closing handshake.
    pub fn is_closed_by_us(&self) -> bool {
        matches!(self.connection.cause(), Some(Cause::LocalClose))
    }
}
