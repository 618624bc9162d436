//! How a pipe ends: which cause wins, what is sent, and what comes of it.

use super::{Pipe, clock::Rung};
use crate::{
    error::Error,
    job::ended::Ended,
    mode::client::farewell::summarize,
    proto::{Close, CloseCode},
    sys::{signals::Signals, stdio::Stdin, unix::end_by_signal},
};
use std::time::{Duration, Instant};

/// Why we ended it.
#[derive(Debug)]
pub(super) enum Finish {
    /// By the clock.
    Rung,
    /// A goal is met.
    Met,
    /// Typed input asked for it.
    Ordered(Close),
    /// The reader of stdout has gone.
    Gone,
    /// A signal.
    Signal(i32),
    /// Something went wrong on our side.
    Failed(Error),
}

impl Finish {
    /// Whether it takes the place of what ends the session already. `closing`: the closing handshake
    /// has begun. `stuck`: output waits that nobody takes.
    fn counts(&self, earlier: Option<&Self>, closing: bool, stuck: bool) -> bool {
        match (self, earlier) {
            // A signal is obeyed whatever was going on; and what was promised, and then could not be
            // written, is not met.
            (Self::Signal(_), _)
            | (Self::Failed(Error::Output(_)), Some(Self::Met | Self::Rung | Self::Ordered(_))) => {
                true
            }
            (_, Some(Self::Failed(_) | Self::Signal(_))) => false,
            // What is ending may end its own way, if nothing is stuck.
            (Self::Failed(Error::RunTimeout { .. }), Some(_)) => stuck,
            (_, Some(_)) => false,
            (Self::Failed(Error::RunTimeout { .. }), None) => !closing || stuck,
            // The peer's Close, or its fault, was first: only our own stdio can still fail.
            (Self::Failed(Error::Unmet(_)), None) => !closing,
            (Self::Failed(_), None) => true,
            (_, None) => !closing,
        }
    }
}

impl Pipe {
    /// When the clock rings, unless silence is to end what is still under way.
    pub(super) fn rung(&self) -> Option<(Instant, Rung)> {
        let waits = self.finish.is_none() && self.session.is_open();
        let rung = self.clock.rings(self.session.queued() > 0).filter(|_| waits)?;
        let busy = match rung.1 {
            Rung::Waited => self.feeding,
            Rung::Silence(_) => self.feeding || !self.drained,
        };
        (!busy).then_some(rung)
    }

    /// Until when the message that is expected may come; what waits for stdout may hold it.
    pub(super) fn expects_by(&self) -> Option<Instant> {
        self.plan.script.expect_deadline().filter(|_| self.drained)
    }

    /// A deadline of [`Pipe::alarm`] may have passed.
    pub(super) fn ring(&mut self) {
        let now = Instant::now();
        if let Some((limit, at)) = self.plan.max_time
            && at <= now
        {
            self.plan.max_time = None;
            return self.time_out(limit, now);
        }
        if self.expects_by().is_some_and(|at| at <= now)
            && let Some(unmet) = self.plan.script.unmet(true)
        {
            return self.finish(Finish::Failed(Error::Unmet(unmet)));
        }
        // What waits in the pipe is no silence, whoever was quicker.
        if self.stdin.as_ref().is_some_and(Stdin::is_ready) {
            return;
        }
        if let Some((at, why)) = self.rung()
            && at <= now
        {
            if let Rung::Silence(window) = why {
                self.report.note(&format!(
                    "ended after {} s of silence (-w SECONDS waits longer, -w -1 for ever)",
                    window.as_secs_f64()
                ));
            }
            self.finish(Finish::Rung);
        }
    }

    /// `--max-time` has passed.
    fn time_out(&mut self, limit: Duration, now: Instant) {
        self.patience.get_or_insert(now + self.plan.close_timeout);
        let authority = self.session.authority().to_owned();
        self.finish(Finish::Failed(Error::RunTimeout { authority, limit }));
    }

    pub(super) fn interrupt(&mut self, signal: i32) {
        if matches!(self.finish, Some(Finish::Signal(_))) {
            end_by_signal(signal);
        }
        self.patience = Some(Instant::now() + self.plan.close_timeout);
        self.finish(Finish::Signal(signal));
    }

    /// Ends the session for this reason, unless it is ending for one that counts more.
    pub(super) fn finish(&mut self, finish: Finish) {
        let closing = !self.session.is_open();
        let stuck = !self.drained || !self.output.is_written();
        if !finish.counts(self.finish.as_ref(), closing, stuck) {
            return;
        }
        let close = match &finish {
            Finish::Rung | Finish::Met => self.plan.close.clone(),
            Finish::Ordered(close) => close.clone(),
            Finish::Gone | Finish::Signal(_) => Close::new(CloseCode::GOING_AWAY),
            // The peer has the beginning of a message that is none.
            Finish::Failed(Error::InputText { .. }) if self.long.is_begun() => {
                Close::new(CloseCode::INVALID_PAYLOAD)
            }
            Finish::Failed(_) => Close::new(CloseCode::NORMAL),
        };
        self.finish = Some(finish);
        // Refused only if the closing handshake has begun.
        let _ = self.session.close(&close);
    }

    /// What has come of it.
    pub(super) fn conclude(&mut self) -> Result<Ended, Error> {
        let written = self.output.break_off();
        self.sinks.left(&mut self.session);
        summarize(&self.session, self.report);
        let (waiting, unsaid) = (self.waiting(), self.plan.script.unsent_messages());
        match self.finish.take() {
            Some(Finish::Failed(error)) => Err(error),
            Some(Finish::Signal(signal)) => Ok(Ended::Signal(signal)),
            Some(Finish::Gone | Finish::Met) => Ok(Ended::Done),
            Some(Finish::Rung | Finish::Ordered(_)) | None => {
                let known = self.verdict.take();
                let verdict =
                    known.unwrap_or_else(|| self.session.verdict(waiting).map_err(Error::from));
                verdict.map_err(|cause| truncated(cause, written))?;
                match self.plan.script.unmet(false) {
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
            let alarm = [self.patience, self.plan.max_time.map(|(_, at)| at)];
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
                    self.patience = Some(Instant::now() + self.plan.close_timeout);
                }
                () = sleep_until(alarm), if alarm.is_some() => {
                    if let Some((limit, _)) = self.plan.max_time.take_if(|(_, at)| *at <= Instant::now())
                        && ended.is_ok()
                    {
                        let authority = self.session.authority().to_owned();
                        ended = Err(Error::RunTimeout { authority, limit });
                    }
                    self.patience.get_or_insert(Instant::now());
                }
            }
        }
    }
}

async fn sleep_until(alarm: Option<Instant>) {
    tokio::time::sleep_until(alarm.unwrap_or_else(Instant::now).into()).await;
}

fn truncated(cause: Error, written: u64) -> Error {
    if written == 0 { cause } else { Error::Truncated { cause: Box::new(cause), written } }
}
