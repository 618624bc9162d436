//! Answers and messages at an interval, which a pipe sends beside its script and stdin.

use super::Pipe;
use crate::{
    mode::client::news,
    proto::Kind,
    session::{clock::now, limits::QUEUE_LIMIT_BYTES},
};
use std::time::Instant;

impl Pipe {
    /// Tells the user what a received message matched, and answers it.
    #[cold]
    pub(super) fn react(&mut self) {
        for event in self.options.script.take_news() {
            news::tell(&event, self.report);
        }
        if self.end_cause.is_some() {
            // The message arrived after the end of the run.
            return self.options.script.forget_answers();
        }
        self.send_answers();
    }

    /// Sends the answers that wait, as far as the queue of the session has room. None is sent inside
    /// another message.
    fn send_answers(&mut self) {
        while self.session.queued() < QUEUE_LIMIT_BYTES && self.send_answer() {}
    }

    /// Sends all answers that wait, before a Close.
    pub(super) fn complete_answers(&mut self) {
        while self.send_answer() {}
    }

    fn send_answer(&mut self) -> bool {
        if !self.may_interject() {
            return false;
        }
        let Some((kind, bytes)) = self.options.script.next_answer() else { return false };
        self.interject(kind, &bytes);
        true
    }

    /// Sends the messages that wait beside the script and stdin, as far as the queue of the session
    /// has room.
    pub(super) fn send_aside(&mut self) {
        self.send_answers();
        let at = now();
        while self.may_interject()
            && self.session.queued() < QUEUE_LIMIT_BYTES
            && let Some((kind, bytes)) = self.options.script.next_tick(at)
        {
            self.interject(kind, &bytes);
        }
    }

    fn interject(&mut self, kind: Kind, bytes: &[u8]) {
        // `may_interject` has checked that the session is open.
        if self.session.send(kind, bytes).is_ok() {
            if let Some(resend) = &mut self.resend {
                resend.sent_once(bytes.len());
            }
            self.clock.sent();
        }
    }

    fn may_interject(&self) -> bool {
        self.end_cause.is_none() && self.session.is_open() && !self.long.is_inside()
    }

    /// Returns the time at which the next message of `--every` is due, if it can be sent then.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        let can_send = self.may_interject() && self.session.queued() < QUEUE_LIMIT_BYTES;
        self.options.script.next_tick_at().filter(|_| can_send)
    }
}
