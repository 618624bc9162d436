//! How a pipe ends: which cause wins, what is sent, and what comes of it.

use super::{Pipe, clock::Expiry, end_cause::EndCause};
use crate::{
    error::Error,
    job::ended::Ended,
    mode::client::farewell::summarize,
    proto::{Close, CloseCode},
    session::clock::now,
    sys::{signals::Signals, stdio::Stdin, unix::end_by_signal},
};
use std::time::{Duration, Instant};

impl Pipe {
    /// When the clock rings, unless silence is to end what is still under way.
    pub(super) fn expiry(&self) -> Option<(Instant, Expiry)> {
        let waits = self.end_cause.is_none() && self.session.is_open();
        let expiry = self.clock.expiry(self.session.queued() > 0).filter(|_| waits)?;
        let busy = match expiry.1 {
            Expiry::Waited => self.feeding,
            Expiry::Silence(_) => self.feeding || !self.drained,
        };
        (!busy).then_some(expiry)
    }

    /// Until when the message that is expected may come; what waits for stdout may hold it.
    pub(super) fn expects_by(&self) -> Option<Instant> {
        self.options.script.expect_deadline().filter(|_| self.drained)
    }

    /// A deadline of [`Pipe::alarm`] may have passed.
    pub(super) fn ring(&mut self) {
        let now = now();
        if let Some((limit, at)) = self.options.max_time
            && at <= now
        {
            self.options.max_time = None;
            return self.time_out(limit, now);
        }
        if self.expects_by().is_some_and(|at| at <= now)
            && let Some(unmet) = self.options.script.unmet(true)
        {
            return self.finish(EndCause::Failed(Error::Unmet(unmet)));
        }
        // What waits in the pipe is no silence, whoever was quicker.
        if self.stdin.as_ref().is_some_and(Stdin::is_ready) {
            return;
        }
        if let Some((at, why)) = self.expiry()
            && at <= now
        {
            if let Expiry::Silence(window) = why {
                self.report.note(&format!(
                    "ended after {} s of silence (-w SECONDS waits longer, -w -1 for ever)",
                    window.as_secs_f64()
                ));
            }
            self.finish(EndCause::Clock);
        }
    }

    /// `--max-time` has passed.
    fn time_out(&mut self, limit: Duration, now: Instant) {
        self.patience.get_or_insert(now + self.options.close_timeout);
        let authority = self.session.authority().to_owned();
        self.finish(EndCause::Failed(Error::RunTimeout { authority, limit }));
    }

    pub(super) fn interrupt(&mut self, signal: i32) {
        if matches!(self.end_cause, Some(EndCause::Signal(_))) {
            end_by_signal(signal);
        }
        self.patience = Some(now() + self.options.close_timeout);
        self.finish(EndCause::Signal(signal));
    }

    /// Ends the session for this reason, unless it is ending for one that counts more.
    pub(super) fn finish(&mut self, cause: EndCause) {
        let closing = !self.session.is_open();
        let stuck = !self.drained || !self.output.is_written();
        if !cause.outranks(self.end_cause.as_ref(), closing, stuck) {
            return;
        }
        let close = match &cause {
            EndCause::Clock | EndCause::Goal => self.options.close.clone(),
            EndCause::Requested(close) => close.clone(),
            EndCause::ReaderGone | EndCause::Signal(_) => Close::new(CloseCode::GOING_AWAY),
            // The peer has the beginning of a message that is none.
            EndCause::Failed(Error::InputEncoding { .. }) if self.long.is_begun() => {
                Close::new(CloseCode::INVALID_PAYLOAD)
            }
            EndCause::Failed(_) => Close::new(CloseCode::NORMAL),
        };
        self.end_cause = Some(cause);
        // Refused only if the closing handshake has begun.
        let _ = self.session.close(&close);
    }

    /// What has come of it.
    pub(super) fn conclude(&mut self) -> Result<Ended, Error> {
        let written = self.output.break_off();
        self.sinks.left(&mut self.session);
        summarize(&self.session, self.report);
        let (waiting, unsaid) = (self.waiting(), self.options.script.unsent_messages());
        match self.end_cause.take() {
            Some(EndCause::Failed(error)) => Err(error),
            Some(EndCause::Signal(signal)) => Ok(Ended::Signal(signal)),
            Some(EndCause::ReaderGone | EndCause::Goal) => Ok(Ended::Done),
            Some(EndCause::Clock | EndCause::Requested(_)) | None => {
                let known = self.verdict.take();
                let verdict =
                    known.unwrap_or_else(|| self.session.verdict(waiting).map_err(Error::from));
                verdict.map_err(|cause| truncated(cause, written))?;
                match self.options.script.unmet(false) {
                    Some(unmet) => Err(Error::Unmet(unmet)),
                    None if unsaid == 0 => Ok(Ended::Done),
                    // Nothing was expected any more, but something was still to be said.
                    None => {
                        self.session.verdict(unsaid)?;
                        Ok(Ended::Done)
                    }
                }
            }
        }
    }

    /// Tells of the end, and lets what waits for stdout be written, for as long as it may take. What
    /// comes of the run changes if that cannot be.
    pub(super) async fn leave(
        &mut self,
        mut ended: Result<Ended, Error>,
        signals: &mut Signals,
    ) -> Result<Ended, Error> {
        self.sinks.conclude(&ended);
        loop {
            if let Err(cause) = self.output.write() {
                self.output.abandon();
                if cause.kind() != std::io::ErrorKind::BrokenPipe && ended.is_ok() {
                    ended = Err(Error::Output(cause));
                }
            }
            if self.output.is_written() || self.impatient() {
                return ended;
            }
            let alarm = [self.patience, self.options.max_time.map(|(_, at)| at)];
            let alarm = alarm.into_iter().flatten().min();
            let output = &self.output;
            tokio::select! {
                _ = output.writable() => {}
                () = output.gone() => self.output.abandon(),
                signal = signals.recv() => {
                    if matches!(ended, Ok(Ended::Signal(_))) {
                        end_by_signal(signal);
                    }
                    ended = Ok(Ended::Signal(signal));
                    self.patience = Some(now() + self.options.close_timeout);
                }
                () = sleep_until(alarm), if alarm.is_some() => {
                    if let Some((limit, _)) = self.options.max_time.take_if(|(_, at)| *at <= now())
                        && ended.is_ok()
                    {
                        let authority = self.session.authority().to_owned();
                        ended = Err(Error::RunTimeout { authority, limit });
                    }
                    self.patience.get_or_insert(now());
                }
            }
        }
    }
}

async fn sleep_until(alarm: Option<Instant>) {
    tokio::time::sleep_until(alarm.unwrap_or_else(now).into()).await;
}

fn truncated(cause: Error, written: u64) -> Error {
    if written == 0 { cause } else { Error::Truncated { cause: Box::new(cause), written } }
}
