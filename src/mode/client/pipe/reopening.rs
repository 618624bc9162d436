//! The replacement of a lost session of a pipe.

use super::{FeedPhase, Pipe, end_cause::EndCause, resend_buffer::LostMessages};
use crate::{
    connect::ClientConnection,
    error::Error,
    mode::client::reconnect::{RetryEvent, report_retry},
    random::entropy,
    script::input::{Framing, LONG_BYTES},
    session::{Session, clock::now, limits::QUEUE_LIMIT_BYTES},
    sys::signals::Signals,
};
use std::time::{Duration, Instant};

enum ReopenOutcome {
    Opened(Box<Result<ClientConnection, Error>>),
    Signal(i32),
    TimedOut,
    ReaderGone,
}

impl Pipe {
    /// Opens the next session if this one was lost and reconnecting is allowed. Returns false
    /// otherwise.
    pub(super) async fn reopen(&mut self, signals: &mut Signals) -> bool {
        let Some(reconnector) = &self.reconnector else { return false };
        // If all of stdin is one message, it cannot be continued in another session.
        let ends =
            self.end_cause.is_some() || self.session.is_closed_by_us() || self.is_inside_stream();
        if ends || self.flush_deadline.is_some() {
            return false;
        }
        let error = match reconnector.reason(&mut self.session) {
            Ok(error) => error,
            Err(failure) => {
                self.verdict = failure.map(Err);
                return false;
            }
        };
        let unsent = self.session.unread_messages();
        let lost_messages = self.resend.as_mut().map(|resend| resend.lost(unsent));
        self.long.lose();
        let received = self.session.incomplete_message().filter(|_| !self.options.rules.send_only);
        let error = error.inside_message(self.output.gap(), received);
        self.sinks.gap(&mut self.session, &error);
        let lost = now();
        let opened = match self.next_session(error, signals).await {
            ReopenOutcome::Opened(opened) => *opened,
            ReopenOutcome::Signal(signal) => {
                self.interrupt(signal);
                return false;
            }
            ReopenOutcome::TimedOut => {
                let limit = self.options.max_time.take().map_or(Duration::ZERO, |(limit, _)| limit);
                let authority = self.session.authority().to_owned();
                let late = Error::RunTimeout { authority, limit };
                self.end_cause = Some(EndCause::Failed(late));
                self.flush_deadline = Some(now());
                return false;
            }
            ReopenOutcome::ReaderGone => {
                self.lose_output(std::io::ErrorKind::BrokenPipe.into());
                return false;
            }
        };
        match opened {
            Ok(opened) => {
                let mut note = format!("reconnected after {:.1} s", (now() - lost).as_secs_f64());
                if let Some(LostMessages { kept, cut_off }) = lost_messages {
                    self.cut_off += cut_off;
                    if kept > 0 {
                        let s = if kept == 1 { "" } else { "s" };
                        note = format!("{note}: {kept} unsent message{s} will be sent");
                    }
                    if cut_off > 0 {
                        let s = if cut_off == 1 { "" } else { "s" };
                        note = format!(
                            "{note}; {cut_off} message{s} over {} MiB cannot be sent again",
                            LONG_BYTES >> 20
                        );
                    }
                }
                self.report.note(&note);
                self.resume(opened);
                true
            }
            Err(error) => {
                if self.gap_end().is_some_and(|at| at <= now()) {
                    self.report.note("the time of -w has passed while the connection was lost");
                }
                self.end_cause = Some(EndCause::Failed(error));
                false
            }
        }
    }

    /// Returns the end of the run by `-w` while no session is open. There is none while messages
    /// wait for the next session.
    fn gap_end(&mut self) -> Option<Instant> {
        let waits = self.long.has_rest()
            || self.input.has_next()
            || self.resend.as_ref().is_some_and(|resend| !resend.is_idle());
        self.clock.gap_end().filter(|_| !waits)
    }

    /// Reports whether all of stdin is one message and part of it was sent.
    fn is_inside_stream(&self) -> bool {
        self.options.framing == Framing::Whole && self.long.is_begun()
    }

    /// Replaces the session and restarts the script.
    pub(super) fn resume(&mut self, opened: ClientConnection) {
        self.sinks.opened(&opened);
        let session =
            Session::client(opened, self.options.settings, entropy()).with_earlier(&self.session);
        self.session = self.sinks.observe(session);
        self.heard = self.session.bytes_received();
        self.clock.reopened(now());
        self.options.script.start(now());
        if let Some(decoding) = &mut self.options.decoding {
            decoding.restart();
        }
        self.phase = FeedPhase::Script;
    }

    /// Waits for the next session.
    async fn next_session(&mut self, error: Error, signals: &mut Signals) -> ReopenOutcome {
        let (report, sinks) = (self.report, self.sinks.clone());
        let ends = self.gap_end();
        let mut tell = |event: RetryEvent<'_>| report_retry(report, &sinks, &event);
        let Some(reconnector) = &mut self.reconnector else {
            return ReopenOutcome::Opened(Box::new(Err(error)));
        };
        let mut opening = Box::pin(reconnector.reopen(error, ends, &mut tell));
        let late = self.options.max_time.map(|(_, at)| at);
        loop {
            let has_output = !self.output.is_written();
            let output = &mut self.output;
            tokio::select! {
                opened = &mut opening => return ReopenOutcome::Opened(Box::new(opened)),
                signal = signals.recv() => return ReopenOutcome::Signal(signal),
                () = tokio::time::sleep_until(late.unwrap_or_else(now).into()), if late.is_some() => {
                    return ReopenOutcome::TimedOut;
                }
                () = output.gone() => return ReopenOutcome::ReaderGone,
                free = output.writable(), if has_output => {
                    if free.is_err() || output.write().is_err() {
                        return ReopenOutcome::ReaderGone;
                    }
                }
            }
        }
    }

    /// Sends the messages that the lost session had not sent.
    pub(super) fn send_again(&mut self) {
        while self.session.queued() < QUEUE_LIMIT_BYTES
            && let Some(resend) = &mut self.resend
            && let Some((kind, bytes)) = resend.next()
        {
            let _ = self.session.send(kind, &bytes);
            resend.sent(kind, &bytes);
            self.clock.sent();
        }
    }
}
