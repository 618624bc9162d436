//! Pipe mode: lines of stdin to messages, messages to lines of stdout, in one task.
//!
//! Each turn of the loop drains what was read into the output, writes the output, feeds what stdin
//! gave to the session, and waits for whatever comes first. Nothing is queued without bound: a full
//! output stops the reading from the network, a full network stops the reading of stdin.

use super::{
    Ended,
    clock::{Clock, Rules, Rung},
    input::Input,
    signals::Signals,
};
use crate::{
    error::{Error, Step},
    net::unix::end_by_signal,
    proto::{Close, CloseCode, Event, Kind, Piece, utf8},
    render::{Renderer, Sheet},
    report::Report,
    session::Session,
    stdio::{Stdin, Stdout},
};
use std::{
    io,
    ops::Range,
    time::{Duration, Instant},
};

/// What is to be done in a pipe.
#[derive(Debug)]
pub(super) struct Plan {
    /// `-x`: sent first.
    pub(super) script: Vec<String>,
    /// When it ends by itself.
    pub(super) rules: Rules,
    /// `--count`: it ends when this many messages have come.
    pub(super) count: Option<u64>,
    /// `--echo`: every message is sent back.
    pub(super) echo: bool,
    /// Stdin is read.
    pub(super) reads_stdin: bool,
    /// Without stdin, nothing else says when it ends: only the peer does.
    pub(super) endless: bool,
    /// The type of the messages sent.
    pub(super) kind: Kind,
    /// What ends a line of stdin.
    pub(super) terminator: u8,
    /// `--max-time`, as the limit and the moment it passes.
    pub(super) max_time: Option<(Duration, Instant)>,
    /// How long a signal lets flushing take.
    pub(super) close_timeout: Duration,
}

/// Why we ended it.
#[derive(Debug)]
enum Finish {
    /// By the clock.
    Rung,
    /// What was expected has come.
    Met,
    /// The reader of stdout has gone.
    Gone,
    /// A signal.
    Signal(i32),
    /// Something went wrong on our side.
    Failed(Error),
}

/// A session in a pipe.
pub(super) struct Pipe {
    plan: Plan,
    session: Session,
    report: Report,
    stdin: Option<Stdin>,
    input: Input,
    /// What is left of a line that is sent piece by piece.
    long_line: Range<usize>,
    stdout: Stdout,
    renderer: Renderer,
    sheet: Sheet,
    printing: bool,
    /// A message that is to be sent back.
    echo: Vec<u8>,
    clock: Clock,
    heard: u64,
    received: u64,
    finish: Option<Finish>,
    /// Lines of stdin wait for the network.
    feeding: bool,
    /// All that was read from the network is decoded: what the peer sent is not waiting for us.
    drained: bool,
    /// After a signal: when unwritten output is dropped.
    patience: Option<Instant>,
}

/// What a turn of the loop waits for.
enum Woken {
    Session,
    Stdin(io::Result<usize>),
    Stdout(io::Result<()>),
    ReaderGone,
    Clock,
    Signal(i32),
}

impl Pipe {
    /// A pipe between stdio and this session.
    pub(super) fn new(
        plan: Plan,
        session: Session,
        renderer: Renderer,
        report: Report,
    ) -> Result<Self, Error> {
        let stdin = if plan.reads_stdin { Some(Stdin::new().map_err(Error::Input)?) } else { None };
        Ok(Self {
            stdin,
            input: Input::new(plan.terminator),
            long_line: 0..0,
            stdout: Stdout::new().map_err(Error::Output)?,
            renderer,
            sheet: Sheet::default(),
            printing: true,
            echo: Vec::new(),
            clock: Clock::new(plan.rules, Instant::now(), session.bytes_received() > 0),
            // What came with the answer to the handshake is no answer to what is sent now.
            heard: session.bytes_received(),
            received: 0,
            finish: None,
            feeding: false,
            drained: true,
            patience: None,
            plan,
            session,
            report,
        })
    }

    /// Runs until the session is over and all output is written.
    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        let mut signals =
            Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
        self.send_script();
        loop {
            self.drained = self.drain();
            self.write();
            let written = self.drained && self.sheet.ready().is_empty();
            if (written && self.session.is_over()) || self.impatient() {
                break;
            }
            if !self.drained && self.sheet.ready().is_empty() && !self.is_congested() {
                // The output took all: there is more to drain and nothing to wait for.
                continue;
            }
            self.feed();
            match self.wait(&mut signals).await {
                Woken::Session => {
                    if self.session.bytes_received() != self.heard {
                        self.heard = self.session.bytes_received();
                        self.clock.heard(self.session.last_heard());
                    }
                }
                Woken::Stdin(Ok(n)) => self.input.filled(n),
                Woken::Stdin(Err(cause)) => {
                    self.stdin = None;
                    self.finish(Finish::Failed(Error::Input(cause)));
                }
                Woken::Stdout(Ok(())) => {}
                Woken::Stdout(Err(cause)) => self.lose_output(cause),
                Woken::ReaderGone => self.lose_output(io::ErrorKind::BrokenPipe.into()),
                Woken::Clock => self.ring(),
                Woken::Signal(signal) => self.interrupt(signal),
            }
        }
        self.conclude()
    }

    /// Turns what was read into output; false if the output is full and some is left.
    fn drain(&mut self) -> bool {
        while self.sheet.ready().len() < FULL && !self.is_congested() {
            match self.session.next_event() {
                None => return true,
                Some(Event::Message(piece)) => {
                    if self.printing {
                        self.renderer.piece(&piece, &mut self.sheet);
                    }
                    let Piece { kind, last, .. } = piece;
                    if self.plan.echo {
                        self.echo.extend_from_slice(piece.payload);
                    }
                    if last {
                        self.received += 1;
                        self.message_ended(kind);
                    }
                }
                Some(_) => {}
            }
        }
        false
    }

    #[inline]
    fn message_ended(&mut self, kind: Kind) {
        if self.plan.echo {
            // Refused only when closing, and then nobody listens.
            let _ = self.session.send(kind, &self.echo);
            self.echo.clear();
        }
        if self.plan.count == Some(self.received) {
            self.printing = false;
            self.finish(Finish::Met);
        }
    }

    /// An echo must not queue without bound for a peer that does not read.
    fn is_congested(&self) -> bool {
        self.plan.echo && self.session.queued() >= FULL && !self.session.is_over()
    }

    fn write(&mut self) {
        if self.sheet.ready().is_empty() {
            return;
        }
        match self.stdout.write(self.sheet.ready()) {
            Ok(n) => self.sheet.advance(n),
            Err(cause) => self.lose_output(cause),
        }
    }

    fn lose_output(&mut self, cause: io::Error) {
        self.printing = false;
        self.sheet.clear();
        if cause.kind() == io::ErrorKind::BrokenPipe {
            self.finish(Finish::Gone);
        } else {
            self.finish(Finish::Failed(Error::Output(cause)));
        }
    }

    fn send_script(&mut self) {
        let script = std::mem::take(&mut self.plan.script);
        for message in &script {
            if self.session.send(Kind::Text, message.as_bytes()).is_ok() {
                self.clock.sent();
            }
        }
        if !script.is_empty() || (self.stdin.is_none() && !self.plan.endless) {
            self.clock.input_ended(Instant::now());
        }
    }

    /// Sends what stdin gave, as far as the network takes it.
    fn feed(&mut self) {
        let mut sent = false;
        while self.session.queued() < FULL {
            if self.session.is_frame_open() {
                let end = self.long_line.end.min(self.long_line.start + FULL);
                let part = self.long_line.start..end;
                self.long_line.start = end;
                self.session.payload(self.input.bytes(part));
                continue;
            }
            if self.finish.is_some() || !self.session.is_open() {
                return;
            }
            let Some(line) = self.input.next_line() else { break };
            self.send_line(line);
            sent = true;
        }
        if sent && self.clock.rings().is_some() {
            // After -x a line of stdin winds the clock up again.
            self.clock.input_ended(Instant::now());
        }
        if self.stdin.is_some() && self.input.is_done() && !self.session.is_frame_open() {
            self.stdin = None;
            self.clock.input_ended(Instant::now());
        }
    }

    #[inline]
    fn send_line(&mut self, line: Range<usize>) {
        let bytes = self.input.bytes(line.clone());
        if self.plan.kind == Kind::Text
            && !utf8::is_valid(bytes)
            && let Err(e) = std::str::from_utf8(bytes)
        {
            let (line, byte) = (self.input.line(), e.valid_up_to() + 1);
            return self.finish(Finish::Failed(Error::InputText { line, byte }));
        }
        // The session is open: `feed` looked.
        let _ = if bytes.len() <= FULL {
            self.session.send(self.plan.kind, bytes)
        } else {
            self.long_line = line;
            self.session.begin(self.plan.kind, bytes.len() as u64, true)
        };
        self.clock.sent();
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let now = Instant::now();
        let busy = self.is_busy();
        let (over, drained) = (self.session.is_over(), self.drained);
        let room = self.session.queued() < FULL;
        let idle = !self.session.is_frame_open() && !self.input.has_line();
        let reads = self.finish.is_none() && self.session.is_open() && room && idle;
        self.feeding = self.session.is_open() && (!idle || (self.stdin.is_some() && !room));
        let fed = self.feeding;
        let stdin = self.stdin.as_ref().filter(|_| reads);
        let has_output = !self.sheet.ready().is_empty();
        let alarm = self.alarm();
        let (session, stdout, input) = (&mut self.session, &self.stdout, &mut self.input);
        let woken = tokio::select! {
            () = session.progress(drained), if !over => Woken::Session,
            read = read(stdin, input) => Woken::Stdin(read),
            free = stdout.writable(), if has_output => Woken::Stdout(free),
            () = stdout.gone(), if self.printing => Woken::ReaderGone,
            () = tokio::time::sleep_until(alarm.unwrap_or(now).into()), if alarm.is_some() => Woken::Clock,
            signal = signals.recv() => Woken::Signal(signal),
        };
        if busy {
            // What waited until now was no silence.
            self.clock.busy(Instant::now());
        }
        if fed && self.clock.rings().is_some() {
            self.clock.input_ended(Instant::now());
        }
        woken
    }

    /// The next deadline of this mode.
    fn alarm(&self) -> Option<Instant> {
        let clock = self.rung();
        let max_time = self.plan.max_time;
        [clock.map(|(at, _)| at), max_time.map(|(_, at)| at), self.patience]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the clock rings, unless silence is to end what is still under way.
    fn rung(&self) -> Option<(Instant, Rung)> {
        let waits = self.finish.is_none() && self.session.is_open();
        let rung = self.clock.rings().filter(|_| waits)?;
        let busy = match rung.1 {
            Rung::Waited => self.feeding,
            Rung::Silence(_) => self.feeding || self.is_busy(),
        };
        (!busy).then_some(rung)
    }

    /// Bytes of ours wait for the network, or of the peer's for stdout.
    fn is_busy(&self) -> bool {
        !self.drained || self.session.queued() > 0
    }

    fn ring(&mut self) {
        let now = Instant::now();
        if let Some((limit, at)) = self.plan.max_time
            && at <= now
        {
            self.plan.max_time = None;
            return self.time_out(limit, now);
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

    /// `--max-time` has passed. What is ending already may end its own way, if nothing is stuck.
    fn time_out(&mut self, limit: Duration, now: Instant) {
        self.patience.get_or_insert(now + self.plan.close_timeout);
        let authority = self.session.authority().to_owned();
        let late = Finish::Failed(Error::Timeout { authority, step: Step::Total, limit });
        let stuck = !self.drained || !self.sheet.ready().is_empty();
        if stuck && !matches!(self.finish, Some(Finish::Failed(_) | Finish::Signal(_))) {
            // Refused only if the closing handshake has begun.
            let _ = self.session.close(&Close::new(CloseCode::Normal));
            self.finish = Some(late);
        } else {
            self.finish(late);
        }
    }

    fn impatient(&self) -> bool {
        self.patience.is_some_and(|at| at <= Instant::now())
    }

    fn interrupt(&mut self, signal: i32) {
        if matches!(self.finish, Some(Finish::Signal(_))) {
            end_by_signal(signal);
        }
        // A signal is obeyed whatever was going on.
        self.finish = None;
        self.patience = Some(Instant::now() + self.plan.close_timeout);
        self.finish(Finish::Signal(signal));
    }

    /// Ends the session for this reason, unless it is ending for an earlier one.
    fn finish(&mut self, finish: Finish) {
        let closing = !self.session.is_open();
        // The peer's Close, or its fault, was first: only our own stdio can still fail.
        let ours =
            matches!(&finish, Finish::Failed(error) if !matches!(error, Error::Timeout { .. }));
        let lost_output = matches!(finish, Finish::Failed(Error::Output(_)));
        if lost_output && matches!(self.finish, Some(Finish::Met | Finish::Rung)) {
            // What was promised has not been written.
            self.finish = Some(finish);
            return;
        }
        if self.finish.is_some() || (closing && !ours && !matches!(finish, Finish::Signal(_))) {
            return;
        }
        let code = match finish {
            Finish::Gone | Finish::Signal(_) => CloseCode::Away,
            Finish::Rung | Finish::Met | Finish::Failed(_) => CloseCode::Normal,
        };
        self.finish = Some(finish);
        // Refused only if the closing handshake has begun.
        let _ = self.session.close(&Close::new(code));
    }

    fn conclude(mut self) -> Result<Ended, Error> {
        let written = self.renderer.break_off(&mut self.sheet);
        super::summarize(&self.session, self.report);
        let waiting = self.input.waiting();
        match self.finish {
            Some(Finish::Failed(error)) => Err(error),
            Some(Finish::Signal(signal)) => Ok(Ended::Signal(signal)),
            Some(Finish::Gone | Finish::Met) => Ok(Ended::Done),
            Some(Finish::Rung) | None => {
                let verdict = self.session.verdict(waiting);
                verdict.map_err(|cause| truncated(cause, written))?;
                match self.plan.count {
                    Some(expected) if self.received < expected => {
                        Err(Error::Unmet { received: self.received, expected })
                    }
                    _ => Ok(Ended::Done),
                }
            }
        }
    }
}

fn truncated(cause: Error, written: u64) -> Error {
    if written == 0 { cause } else { Error::Truncated { cause: Box::new(cause), written } }
}

async fn read(stdin: Option<&Stdin>, input: &mut Input) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.read(input.room()).await,
        None => std::future::pending().await,
    }
}

/// Bytes waiting on one side at which the other side is no longer read.
const FULL: usize = 64 << 10;
