//! Pipe mode: stdin to messages, messages to stdout, in one task.
//!
//! Each turn of the loop drains what was read into the output, writes the output, feeds what stdin
//! gave to the session, and waits for whatever comes first. Nothing is queued without bound: a full
//! output stops the reading from the network, a full network stops the reading of stdin.

mod clock;
mod comeback;
mod ending;
mod feed;
mod output;

pub(super) use output::Output;

use super::reconnect::Comeback;
use crate::{
    error::Error,
    job::{ended::Ended, wait::EndRules},
    proto::{Close, Event, Kind, Piece, Settings},
    report::Report,
    script::{
        input::{Framing, Input},
        runner::Script,
    },
    session::Session,
    sink::sinks::Sinks,
    sys::{signals::Signals, stdio::Stdin},
};
use clock::Clock;
use comeback::Spare;
use ending::Finish;
use feed::Long;
use std::{
    io,
    time::{Duration, Instant},
};

/// What is to be done in a pipe.
#[derive(Debug)]
pub(super) struct Plan {
    /// `-x`, `--expect`, `--count`, `--until`.
    pub(super) script: Script,
    /// When it ends by itself.
    pub(super) rules: EndRules,
    /// `--echo`: every message is sent back.
    pub(super) echo: bool,
    /// What there is to send beside the script.
    pub(super) supply: Supply,
    /// The type of the messages sent.
    pub(super) kind: Kind,
    /// How they follow each other in stdin.
    pub(super) framing: Framing,
    /// Each is a line of JSON that says what to do.
    pub(super) typed: bool,
    /// `--max-time`, as the limit and the moment it passes.
    pub(super) max_time: Option<(Duration, Instant)>,
    /// How long a signal lets flushing take.
    pub(super) close_timeout: Duration,
    /// The Close that ends it.
    pub(super) close: Close,
    /// Of sessions that are opened again.
    pub(super) settings: Settings,
}

/// What there is to send beside the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Supply {
    /// What stdin gives.
    Stdin,
    /// Nothing: the input has ended with the script.
    Nothing,
    /// Nothing, and nothing says when it ends: only the peer does.
    Endless,
}

/// A session in a pipe.
pub(super) struct Pipe {
    plan: Plan,
    session: Session,
    report: Report,
    sinks: Sinks,
    turn: Turn,
    stdin: Option<Stdin>,
    input: Input,
    long: Long,
    output: Output,
    /// A message that is to be sent back.
    echo: Vec<u8>,
    clock: Clock,
    heard: u64,
    finish: Option<Finish>,
    /// How the session ended, if that is known already.
    verdict: Option<Result<(), Error>>,
    /// What is to be sent waits, for the network or its time.
    feeding: bool,
    /// It waits for nothing but its turn.
    more: bool,
    /// All that was read from the network is decoded: what the peer sent is not waiting for us.
    drained: bool,
    /// After a signal: when unwritten output is dropped.
    patience: Option<Instant>,
    /// `--reconnect`, and what it needs.
    spare: Option<Spare>,
}

/// Whose messages are sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Those of the script.
    Script,
    /// Those of stdin: the script's own actions are performed.
    Stdin,
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
        output: Output,
        (report, sinks): (Report, Sinks),
        comeback: Option<Comeback>,
    ) -> Result<Self, Error> {
        let stdin = match plan.supply {
            Supply::Stdin => Some(Stdin::new().map_err(Error::Input)?),
            Supply::Nothing | Supply::Endless => None,
        };
        Ok(Self {
            turn: Turn::Script,
            stdin,
            input: Input::new(plan.framing),
            long: Long::default(),
            output,
            echo: Vec::new(),
            clock: Clock::new(plan.rules, Instant::now(), session.bytes_received() > 0),
            // What came with the answer to the handshake is no answer to what is sent now.
            heard: session.bytes_received(),
            finish: None,
            verdict: None,
            feeding: false,
            more: false,
            drained: true,
            patience: None,
            spare: comeback.map(Spare::new),
            plan,
            session,
            report,
            sinks,
        })
    }

    /// Runs until the session is over and all output is written.
    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        let mut signals =
            Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
        loop {
            self.session(&mut signals).await;
            if !self.come_back(&mut signals).await {
                break;
            }
        }
        let ended = self.conclude();
        let ended = self.leave(ended, &mut signals).await;
        // The process ends next; taking all of it apart would take longer than some runs.
        std::mem::forget(self);
        ended
    }

    /// Runs until this session is over.
    async fn session(&mut self, signals: &mut Signals) {
        self.feed();
        let mut turns = 0u32;
        loop {
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(BREATH) {
                // A file that is always ready must not keep signals, clocks and the network waiting.
                tokio::task::yield_now().await;
            }
            self.drained = self.drain();
            self.write();
            let written = self.drained && self.output.is_written();
            if (written && self.session.is_over()) || self.impatient() {
                break;
            }
            self.feed();
            if let Some(spare) = &mut self.spare
                && !self.session.is_leaving()
            {
                spare.left();
            }
            if self.session.queued() > 0 && self.is_idle() {
                // At once, not by another turn: it is what the peer waits for.
                self.session.write().await;
            }
            if !self.drained && self.output.is_written() && !self.is_congested() {
                // The output took all: there is more to drain and nothing to wait for.
                continue;
            }
            match self.wait(signals).await {
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
    }

    /// Turns what was read into output; false if the output is full and some is left.
    fn drain(&mut self) -> bool {
        let now = Instant::now();
        while !self.output.is_full() && !self.is_congested() {
            if let Some(piece) = self.session.next_whole() {
                self.output.piece(&piece);
                let met = self.plan.script.on(&piece, now);
                if met || self.plan.echo {
                    let Piece { kind, payload, .. } = piece;
                    if self.plan.echo {
                        self.echo.extend_from_slice(payload);
                    }
                    self.took(kind, met);
                }
                continue;
            }
            match self.session.next_event() {
                None => return true,
                Some(Event::Message(piece)) => {
                    self.output.piece(&piece);
                    let met = self.plan.script.on(&piece, now);
                    let Piece { kind, payload, last, .. } = piece;
                    if self.plan.echo {
                        self.echo.extend_from_slice(payload);
                    }
                    if last {
                        self.took(kind, met);
                    }
                }
                Some(_) => {}
            }
        }
        false
    }

    /// A message has ended, and a goal is met with it.
    fn took(&mut self, kind: Kind, met: bool) {
        if self.plan.echo {
            // Refused only when closing, and then nobody listens.
            let _ = self.session.send(kind, &self.echo);
            self.echo.clear();
        }
        if met {
            self.output.hide();
            self.finish(Finish::Met);
        }
    }

    /// An echo must not queue without bound for a peer that does not read.
    fn is_congested(&self) -> bool {
        self.plan.echo && self.session.queued() >= FULL && !self.session.is_over()
    }

    fn write(&mut self) {
        if let Err(cause) = self.output.write() {
            self.lose_output(cause);
        }
    }

    fn lose_output(&mut self, cause: io::Error) {
        self.output.abandon();
        if cause.kind() == io::ErrorKind::BrokenPipe {
            self.finish(Finish::Gone);
        } else {
            self.finish(Finish::Failed(Error::Output(cause)));
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let now = Instant::now();
        let (stuck, queued) = (!self.drained, self.session.queued() > 0);
        let (over, drained) = (self.session.is_over(), self.drained);
        let room = self.session.queued() < FULL;
        let idle = self.is_idle();
        let wants = room && idle && !self.input.has_ended();
        let reads = self.finish.is_none() && self.session.is_open() && wants;
        // A message of which the peer has the beginning is under way, too.
        let begun = self.plan.script.wait_until().is_some() || self.long.is_begun();
        let held = !idle || begun || (self.stdin.is_some() && !room);
        self.feeding = self.session.is_open() && held;
        let fed = self.feeding;
        let stdin = self.stdin.as_ref().filter(|_| reads);
        let (has_output, read_by_someone) = (!self.output.is_written(), self.output.is_read());
        let alarm = if self.more { Some(now) } else { self.alarm() };
        let (session, output, input) = (&mut self.session, &self.output, &mut self.input);
        let woken = tokio::select! {
            signal = signals.recv() => Woken::Signal(signal),
            () = session.progress(drained), if !over => Woken::Session,
            read = read(stdin, input) => Woken::Stdin(read),
            free = output.writable(), if has_output => Woken::Stdout(free),
            () = output.gone(), if read_by_someone => Woken::ReaderGone,
            () = tokio::time::sleep_until(alarm.unwrap_or(now).into()), if alarm.is_some() => Woken::Clock,
        };
        if queued {
            self.clock.busy(self.session.last_sent());
        }
        if stuck {
            // What waited until now was no silence.
            let then = Instant::now();
            self.clock.busy(then);
            self.plan.script.delay(then - now);
        }
        if fed && self.clock.rings(false).is_some() {
            self.clock.input_ended(Instant::now());
        }
        woken
    }

    /// All that was read from stdin is with the session.
    fn is_idle(&mut self) -> bool {
        !self.session.is_frame_open()
            && !self.input.has_next()
            && self.turn == Turn::Stdin
            && self.spare.as_ref().is_none_or(Spare::is_idle)
    }

    /// The next deadline of this mode.
    fn alarm(&self) -> Option<Instant> {
        let clock = self.rung().map(|(at, _)| at);
        let max_time = self.plan.max_time.map(|(_, at)| at);
        let closing = self.finish.is_some() || !self.session.is_open();
        // What may go on but for a full network waits for that.
        let paused = self.plan.script.wait_until().filter(|_| self.session.queued() < FULL);
        let feed = if closing { None } else { self.expects_by().or(paused) };
        [clock, max_time, feed, self.patience].into_iter().flatten().min()
    }

    fn impatient(&self) -> bool {
        self.patience.is_some_and(|at| at <= Instant::now())
    }
}

async fn read(stdin: Option<&Stdin>, input: &mut Input) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.read(input.room()).await,
        None => std::future::pending().await,
    }
}

/// Turns after which everything else has its own.
const BREATH: u32 = 32;
/// Bytes waiting on one side at which the other side is no longer read.
const FULL: usize = 64 << 10;
