//! The end of a pipe: its cause, its Close and its result.

use super::{Pipe, clock::Expiry, end_cause::EndCause};
use crate::{
    error::Error,
    job::{run_outcome::RunOutcome, wait::Wait},
    mode::client::farewell::summarize,
    proto::{Close, CloseCode},
    session::{SessionError, clock::now},
    sys::{
        shared_stdin::is_read_by_shell,
        signals::Signals,
        stdio::{Stdin, limit_writing_at_end},
        unix::end_by_signal,
    },
};
use std::time::{Duration, Instant};

impl Pipe {
    /// Returns the expiry of the clock. Silence does not end a session with pending data.
    pub(super) fn expiry(&self) -> Option<(Instant, Expiry)> {
        if self.end_cause.is_some() || !self.session.is_open() {
            return None;
        }
        let ended = self.clock.expiry(self.session.queued() > 0).filter(|(_, why)| match why {
            Expiry::Waited(_) => !self.feeding,
            Expiry::Silence(_) | Expiry::Stalled(_) => !self.feeding && !self.is_behind(),
        });
        self.stall().into_iter().chain(ended).min_by_key(|(at, _)| *at)
    }

    /// Returns the end of a run whose queued bytes wait for a peer that reads none.
    fn stall(&self) -> Option<(Instant, Expiry)> {
        let active = self.stalled_since().filter(|_| self.output.is_written())?;
        self.clock.stall(active)
    }

    /// Returns the time since which queued bytes have waited and the peer has sent nothing.
    fn stalled_since(&self) -> Option<Instant> {
        let (sent, heard) = (self.session.last_sent(), self.session.last_heard());
        self.queued_since.map(|queued| queued.max(sent).max(heard))
    }

    /// Ends the run because the peer does not read. Its Close cannot be sent either, so that its
    /// time limit began when the peer stopped.
    fn end_stalled(&mut self) {
        let since = self.stalled_since();
        self.finish(EndCause::Clock);
        if let (Some((_, held_since)), Some(since)) = (&mut self.held_close, since) {
            *held_since = since;
        }
    }

    /// Returns the deadline of the expected message. There is none while undecoded bytes, which may
    /// contain that message, wait for stdout or a recording.
    pub(super) fn expect_deadline(&self) -> Option<Instant> {
        let is_read = self.drained || !self.is_behind();
        self.options.script.expect_deadline().filter(|_| is_read)
    }

    /// Acts on the deadlines that have passed.
    pub(super) fn check_deadlines(&mut self) {
        self.output.extend();
        let now = now();
        if let Some((limit, at)) = self.options.max_time
            && at <= now
        {
            self.options.max_time = None;
            return self.time_out(limit, now);
        }
        if self.expect_deadline().is_some_and(|at| at <= now)
            && let Some(unmet) = self.options.script.unmet(true)
        {
            return self.finish(EndCause::Failed(Error::Unmet(unmet)));
        }
        // Data ready on stdin is not silence, even if the timer fired first.
        let stalled = self.stall().is_some_and(|(at, _)| at <= now);
        if !stalled && self.stdin.as_ref().is_some_and(Stdin::is_ready) {
            return;
        }
        if let Some((at, why)) = self.expiry()
            && at <= now
        {
            if matches!(why, Expiry::Stalled(_)) && !self.session.has_unsent_message() {
                // Control frames may wait for as long as the session lasts.
                self.queued_since = Some(now);
                return;
            }
            if let Some(note) = expiry_note(why, self.stdin.is_some()) {
                self.report.note(&note);
            }
            match why {
                Expiry::Stalled(_) => self.end_stalled(),
                Expiry::Waited(_) | Expiry::Silence(_) => self.finish(EndCause::Clock),
            }
        }
    }

    /// Ends the run after `--max-time`, without waiting for anything.
    fn time_out(&mut self, limit: Duration, now: Instant) {
        self.flush_deadline = Some(now);
        let authority = self.session.authority().to_owned();
        let later = self.end_cause.is_none() && self.options.rules.has_script;
        self.finish(EndCause::Failed(Error::RunTimeout { authority, limit }));
        let waits = matches!(self.options.rules.end.wait, Some(Wait::UntilClosed));
        if later && !waits && self.end_cause.is_some() && self.stdin.is_some() {
            self.report.note(&run_limit_note(limit));
        }
    }

    pub(super) fn interrupt(&mut self, signal: i32) {
        if matches!(self.end_cause, Some(EndCause::Signal(_))) {
            end_by_signal(signal);
        }
        self.flush_deadline = Some(now() + self.options.close_timeout);
        self.finish(EndCause::Signal(signal));
    }

    /// Ends the session for this cause, unless an earlier cause takes precedence.
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
            // The peer has received the start of a message that is not valid UTF-8.
            EndCause::Failed(Error::InputEncoding { .. }) if self.long.is_begun() => {
                Close::new(CloseCode::INVALID_PAYLOAD)
            }
            EndCause::Failed(_) => Close::new(CloseCode::NORMAL),
        };
        if !matches!(cause, EndCause::Signal(_) | EndCause::Failed(_)) {
            self.complete_message();
            self.complete_answers();
        }
        // Unless the end is urgent, the time limit of the Close must not cut off the messages
        // before it.
        let holds = matches!(cause, EndCause::Clock | EndCause::Requested(_));
        self.end_cause = Some(cause);
        if holds && self.session.is_open() && self.session.has_unsent_message() {
            self.held_close = Some((close, now()));
            return;
        }
        self.held_close = None;
        // Fails only if the closing handshake has started.
        let _ = self.session.close(&close);
    }

    /// Sends a Close that waits for the messages before it once they have been sent, or once the
    /// peer has read none of their bytes for the close timeout, which has then expired.
    pub(super) fn close_if_held(&mut self) {
        let Some(due) = self.held_close_deadline() else { return };
        let sent = !self.session.has_unsent_message();
        if !sent && due > now() {
            return;
        }
        if let Some((close, since)) = self.held_close.take() {
            let since = if sent { now() } else { since.max(self.session.last_sent()) };
            let _ = self.session.close_since(&close, since);
        }
    }

    /// Returns the time at which a held Close is sent even if messages still wait before it.
    pub(super) fn held_close_deadline(&self) -> Option<Instant> {
        let (_, since) = self.held_close.as_ref()?;
        Some(self.session.last_sent().max(*since) + self.options.settings.close_timeout)
    }

    /// Returns the result of the run.
    pub(super) fn conclude(&mut self) -> Result<RunOutcome, Error> {
        limit_writing_at_end();
        let written = self.output.break_off();
        self.sinks.left(&mut self.session);
        summarize(&self.session, self.report);
        if self.options.rules.has_script && self.stdin_bytes > 0 && is_read_by_shell() {
            self.report.note(&shared_stdin_note(self.stdin_bytes));
        }
        let received = self.session.incomplete_message().filter(|_| !self.options.rules.send_only);
        let early_close = self.early_close();
        let empty_close = self.empty_close();
        let outcome = match self.outcome() {
            // A run that wrote only part of a message to stdout is never a success.
            Ok(RunOutcome::Done) if written > 0 && self.output.is_read() => {
                Err(Error::from(self.session.incomplete_error()))
            }
            outcome => outcome,
        };
        if outcome.is_ok() {
            let (note, hint) = empty_close.unzip();
            if let Some(note) = early_close.or(note) {
                self.report.note(&note);
            }
            if let Some(hint) = hint {
                self.report.hint(&hint);
            }
        }
        outcome.map_err(|error| error.inside_message(written, received))
    }

    /// Judges the end cause, the session and the expectations.
    fn outcome(&mut self) -> Result<RunOutcome, Error> {
        let waiting = self.waiting() + self.options.script.waiting_answers();
        let unsent = self.options.script.unsent_messages();
        let unread = self.unread_bytes();
        let by_clock = matches!(self.end_cause, Some(EndCause::Clock));
        match self.end_cause.take() {
            Some(EndCause::Failed(error)) => Err(error),
            Some(EndCause::Signal(signal)) => Ok(RunOutcome::Signal(signal)),
            Some(EndCause::ReaderGone) => Ok(RunOutcome::Done),
            Some(EndCause::Goal) => {
                self.ensure_complete()?;
                Ok(RunOutcome::Done)
            }
            Some(EndCause::Clock | EndCause::Requested(_)) | None => {
                let early = self.verdict.take();
                early.unwrap_or_else(|| self.verdict(waiting))?;
                if unread > 0 {
                    let closed = self.session.remote_close().filter(|_| !by_clock).cloned();
                    let close = closed.map(|close| Box::new(self.session.close_error(close)));
                    return Err(Error::InputLeft { bytes: unread, close });
                }
                match self.options.script.unmet(false) {
                    Some(unmet) => Err(Error::Unmet(unmet)),
                    None if self.cut_off > 0 => Err(Error::CutOff { messages: self.cut_off }),
                    None if unsent == 0 => Ok(RunOutcome::Done),
                    // All expectations were met, but messages of the script remain unsent.
                    None => {
                        self.verdict(unsent)?;
                        Ok(RunOutcome::Done)
                    }
                }
            }
        }
    }

    fn verdict(&mut self, waiting: usize) -> Result<(), Error> {
        match self.session.verdict(waiting) {
            // With --send-only, received messages do not matter.
            Err(SessionError::Incomplete { .. }) if self.options.rules.send_only => Ok(()),
            verdict => verdict.map_err(Error::from),
        }
    }

    fn ensure_complete(&self) -> Result<(), SessionError> {
        if self.options.rules.send_only { Ok(()) } else { self.session.ensure_complete() }
    }

    /// Returns the number of bytes of stdin that were not sent when the clock or the peer ended the
    /// run. Complete messages that were read are not among them, nor is jsonl input that sends
    /// nothing.
    fn unread_bytes(&mut self) -> u64 {
        let ends = matches!(self.end_cause, None | Some(EndCause::Clock));
        let Some(stdin) = self.stdin.as_ref().filter(|_| ends) else { return 0 };
        let bytes = stdin.available() + self.input.unfinished().len() as u64;
        if bytes > 0 && self.options.typed && !self.has_unsent_lines() { 0 } else { bytes }
    }

    /// Describes a Close from the peer that was received before the time of `-w` expired.
    fn early_close(&self) -> Option<String> {
        let waits = matches!(self.options.rules.end.wait, Some(Wait::For(time)) if !time.is_zero());
        let close = self.session.remote_close().filter(|_| waits && self.end_cause.is_none())?;
        let authority = self.session.authority();
        Some(format!("{authority} closed the connection before -w expired: {close}"))
    }

    /// Describes a Close of the peer without a code, if it suggests a fault. Returns the hint, too.
    fn empty_close(&self) -> Option<(String, String)> {
        let error = Error::from(self.session.empty_close().filter(|_| self.end_cause.is_none())?);
        let hint = error.hint()?;
        Some((error.to_string(), hint))
    }

    /// Reports the end and writes the pending output until its deadline. Returns the result of the
    /// run, which changes if the output cannot be written.
    pub(super) async fn finish_output(
        &mut self,
        mut ended: Result<RunOutcome, Error>,
        signals: &mut Signals,
    ) -> Result<RunOutcome, Error> {
        self.sinks.conclude(&ended);
        loop {
            if let Err(cause) = self.output.write() {
                self.output.abandon();
                if cause.kind() != std::io::ErrorKind::BrokenPipe && ended.is_ok() {
                    ended = Err(Error::Output(cause));
                }
            }
            // A file has no reader to wait for, and it must not end inside a line.
            let late = self.is_past_flush_deadline() && !self.output.is_file();
            if self.output.is_written() || late {
                return ended;
            }
            let alarm = [self.flush_deadline, self.options.max_time.map(|(_, at)| at)];
            let alarm = alarm.into_iter().flatten().min();
            let output = &self.output;
            tokio::select! {
                _ = output.writable() => {}
                () = output.gone() => self.output.abandon(),
                signal = signals.recv() => {
                    if matches!(ended, Ok(RunOutcome::Signal(_))) {
                        end_by_signal(signal);
                    }
                    ended = Ok(RunOutcome::Signal(signal));
                    self.flush_deadline = Some(now() + self.options.close_timeout);
                }
                () = sleep_until(alarm), if alarm.is_some() => {
                    if let Some((limit, _)) = self.options.max_time.take_if(|(_, at)| *at <= now())
                        && ended.is_ok()
                    {
                        let authority = self.session.authority().to_owned();
                        ended = Err(Error::RunTimeout { authority, limit });
                    }
                    self.flush_deadline.get_or_insert(now());
                }
            }
        }
    }
}

/// Describes an end caused by the clock, unless `-w` requested it.
fn expiry_note(expiry: Expiry, stdin_is_open: bool) -> Option<String> {
    let end = match expiry {
        Expiry::Waited(_) if !stdin_is_open => return None,
        Expiry::Waited(time) => format!("{} s (-w)", time.as_secs_f64()),
        Expiry::Silence(window) => format!("{} s of silence", window.as_secs_f64()),
        Expiry::Stalled(window) => {
            let seconds = window.as_secs_f64();
            return Some(format!(
                "ended after {seconds} s in which the peer neither read nor sent anything (-w -1 \
                 waits forever)"
            ));
        }
    };
    Some(if stdin_is_open {
        format!(
            "ended after {end} while stdin was open: its later input is not sent (-w -1 keeps \
             reading it, --receive-only does not read it)"
        )
    } else {
        format!("ended after {end} (-w SECONDS waits longer, -w -1 waits forever)")
    })
}

/// Describes the bytes of the shell's stdin that this run has read.
fn shared_stdin_note(bytes: u64) -> String {
    let bytes = if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    format!(
        "read {bytes} of the stdin of the shell, too: in a loop that reads it, pass --receive-only \
         or </dev/null"
    )
}

/// Describes an end of a script by `--max-time` while stdin was open.
fn run_limit_note(limit: Duration) -> String {
    format!(
        "ended after {} s (-m) while stdin was open: its later input is not sent (a longer -m, or \
         -w -1 without -m, keeps reading it, --receive-only does not read it)",
        limit.as_secs_f64()
    )
}

async fn sleep_until(alarm: Option<Instant>) {
    tokio::time::sleep_until(alarm.unwrap_or_else(now).into()).await;
}
