//! Pipe mode: stdin to messages, messages to stdout, in one task.
//!
//! Each turn of the loop drains what was read into the output, writes the output, feeds what stdin
//! gave to the session, and waits for whatever comes first. Nothing is queued without bound: a full
//! output stops the reading from the network, a full network stops the reading of stdin.

mod clock;
mod end_cause;
mod ending;
mod feed;
mod long_message;
pub(super) mod options;
pub(super) mod output;
mod reopening;
mod resend_buffer;

use super::reconnect::Reconnector;
use crate::{
    error::Error,
    job::ended::Ended,
    proto::{Event, Kind, Piece},
    report::Report,
    script::input::Input,
    session::{Session, clock::now, limits::QUEUE_LIMIT_BYTES},
    sink::sinks::Sinks,
    sys::{signals::Signals, stdio::Stdin},
};
use clock::Clock;
use end_cause::EndCause;
use long_message::LongMessage;
use options::Options;
use output::Output;
use resend_buffer::ResendBuffer;
use std::{io, time::Instant};

/// A session in a pipe.
pub(super) struct Pipe {
    options: Options,
    session: Session,
    report: Report,
    sinks: Sinks,
    turn: Turn,
    stdin: Option<Stdin>,
    input: Input,
    long: LongMessage,
    output: Output,
    /// A message that is to be sent back.
    echo: Vec<u8>,
    clock: Clock,
    heard: u64,
    end_cause: Option<EndCause>,
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
    /// `--reconnect`, and the messages for the next session.
    reconnector: Option<Reconnector>,
    resend: Option<ResendBuffer>,
}

/// Whose messages are sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Those of the script.
    Script,
    /// Those of stdin: the script's own actions are performed.
    Stdin,
}

/// What ends the wait of a turn.
enum PipeEvent {
    Session,
    Stdin(io::Result<usize>),
    Stdout(io::Result<()>),
    ReaderGone,
    Clock,
    Signal(i32),
}

impl Pipe {
    /// A pipe between this session, stdin, if it is read, and stdout.
    pub(super) fn new(
        options: Options,
        session: Session,
        (stdin, output): (Option<Stdin>, Output),
        (report, sinks): (Report, Sinks),
        reconnector: Option<Reconnector>,
    ) -> Self {
        Self {
            turn: Turn::Script,
            stdin,
            input: Input::new(options.framing),
            long: LongMessage::default(),
            output,
            echo: Vec::new(),
            clock: Clock::new(options.rules, now(), session.bytes_received() > 0),
            // What came with the answer to the handshake is no answer to what is sent now.
            heard: session.bytes_received(),
            end_cause: None,
            verdict: None,
            feeding: false,
            more: false,
            drained: true,
            patience: None,
            resend: reconnector.as_ref().map(|_| ResendBuffer::default()),
            reconnector,
            options,
            session,
            report,
            sinks,
        }
    }

    /// Runs until the session is over and all output is written.
    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        let mut signals = Signals::new()
            .map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
        let ended = self.converse(&mut signals).await;
        // The process ends next; taking all of it apart would take longer than some runs.
        std::mem::forget(self);
        ended
    }

    /// Runs until the last session is over and all output is written.
    async fn converse(&mut self, signals: &mut Signals) -> Result<Ended, Error> {
        loop {
            self.session(signals).await;
            if !self.reopen(signals).await {
                break;
            }
        }
        let ended = self.conclude();
        self.leave(ended, signals).await
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
            if let Some(resend) = &mut self.resend
                && !self.session.has_unsent_bytes()
            {
                resend.left();
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
                PipeEvent::Session => {
                    if self.session.bytes_received() != self.heard {
                        self.heard = self.session.bytes_received();
                        self.clock.heard(self.session.last_heard());
                    }
                }
                PipeEvent::Stdin(Ok(n)) => self.input.filled(n),
                PipeEvent::Stdin(Err(cause)) => {
                    self.stdin = None;
                    self.finish(EndCause::Failed(Error::Input(cause)));
                }
                PipeEvent::Stdout(Ok(())) => {}
                PipeEvent::Stdout(Err(cause)) => self.lose_output(cause),
                PipeEvent::ReaderGone => self.lose_output(io::ErrorKind::BrokenPipe.into()),
                PipeEvent::Clock => self.ring(),
                PipeEvent::Signal(signal) => self.interrupt(signal),
            }
        }
    }

    /// Turns what was read into output; false if the output is full and some is left.
    fn drain(&mut self) -> bool {
        let at = now();
        while !self.output.is_full() && !self.is_congested() {
            if let Some(piece) = self.session.next_whole() {
                self.output.piece(&piece);
                let met = self.options.script.receive(&piece, at);
                if met || self.options.echo {
                    let Piece { kind, payload, .. } = piece;
                    if self.options.echo {
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
                    let met = self.options.script.receive(&piece, at);
                    let Piece { kind, payload, last, .. } = piece;
                    if self.options.echo {
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
        if self.options.echo {
            // Refused only when closing, and then nobody listens.
            let _ = self.session.send(kind, &self.echo);
            self.echo.clear();
        }
        if met {
            self.output.hide();
            self.finish(EndCause::Goal);
        }
    }

    /// An echo must not queue without bound for a peer that does not read.
    fn is_congested(&self) -> bool {
        self.options.echo && self.session.queued() >= QUEUE_LIMIT_BYTES && !self.session.is_over()
    }

    fn write(&mut self) {
        if let Err(cause) = self.output.write() {
            self.lose_output(cause);
        }
    }

    fn lose_output(&mut self, cause: io::Error) {
        self.output.abandon();
        if cause.kind() == io::ErrorKind::BrokenPipe {
            self.finish(EndCause::ReaderGone);
        } else {
            self.finish(EndCause::Failed(Error::Output(cause)));
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> PipeEvent {
        let turned = now();
        let (stuck, queued) = (!self.drained, self.session.queued() > 0);
        let (over, drained) = (self.session.is_over(), self.drained);
        let room = self.session.queued() < QUEUE_LIMIT_BYTES;
        let idle = self.is_idle();
        let wants = room && idle && !self.input.has_ended();
        let reads = self.end_cause.is_none() && self.session.is_open() && wants;
        // A message of which the peer has the beginning is under way, too.
        let begun = self.options.script.wait_until().is_some() || self.long.is_begun();
        let held = !idle || begun || (self.stdin.is_some() && !room);
        self.feeding = self.session.is_open() && held;
        let fed = self.feeding;
        let stdin = self.stdin.as_ref().filter(|_| reads);
        let (has_output, read_by_someone) = (!self.output.is_written(), self.output.is_read());
        let alarm = if self.more { Some(turned) } else { self.alarm() };
        let (session, output, input) = (&mut self.session, &self.output, &mut self.input);
        let event = tokio::select! {
            signal = signals.recv() => PipeEvent::Signal(signal),
            () = session.progress(drained), if !over => PipeEvent::Session,
            read = read(stdin, input) => PipeEvent::Stdin(read),
            free = output.writable(), if has_output => PipeEvent::Stdout(free),
            () = output.gone(), if read_by_someone => PipeEvent::ReaderGone,
            () = tokio::time::sleep_until(alarm.unwrap_or(turned).into()), if alarm.is_some() => PipeEvent::Clock,
        };
        if queued {
            self.clock.busy(self.session.last_sent());
        }
        if stuck {
            // What waited until now was no silence.
            let ended = now();
            self.clock.busy(ended);
            self.options.script.delay(ended - turned);
        }
        if fed && self.clock.expiry(false).is_some() {
            self.clock.input_ended(now());
        }
        event
    }

    /// All that was read from stdin is with the session.
    fn is_idle(&mut self) -> bool {
        !self.session.is_frame_open()
            && !self.input.has_next()
            && self.turn == Turn::Stdin
            && self.resend.as_ref().is_none_or(ResendBuffer::is_idle)
    }

    /// The next deadline of this mode.
    fn alarm(&self) -> Option<Instant> {
        let clock = self.expiry().map(|(at, _)| at);
        let max_time = self.options.max_time.map(|(_, at)| at);
        let closing = self.end_cause.is_some() || !self.session.is_open();
        // What may go on but for a full network waits for that.
        let paused =
            self.options.script.wait_until().filter(|_| self.session.queued() < QUEUE_LIMIT_BYTES);
        let feed = if closing { None } else { self.expects_by().or(paused) };
        [clock, max_time, feed, self.patience].into_iter().flatten().min()
    }

    fn impatient(&self) -> bool {
        self.patience.is_some_and(|at| at <= now())
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

#[cfg(test)]
mod tests;
