//! Pipe mode: stdin to messages and messages to stdout, in one task.
//!
//! Each turn of the loop drains received data into the output, writes the output, feeds stdin to
//! the session and waits for the next event. All queues are bounded: while the output is full, the
//! network is not read; while the session's queue is full, stdin is not read.

mod clock;
mod end_cause;
mod ending;
mod feed;
mod long_message;
pub(super) mod options;
pub(super) mod output;
mod reopening;
mod resend_buffer;
mod talk;

use super::{decoding, lenience_note::lenience_note, reconnect::Reconnector};
use crate::{
    error::Error,
    job::run_outcome::RunOutcome,
    proto::{Close, Event, Kind, Piece},
    report::Report,
    script::{input::Input, runner::Received},
    session::{Session, clock::now, limits::QUEUE_LIMIT_BYTES},
    sink::sinks::Sinks,
    sys::{signals::Signals, stdio::Stdin},
};
use clock::{Clock, StdinState};
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
    phase: FeedPhase,
    stdin: Option<Stdin>,
    input: Input,
    /// The number of bytes read from stdin.
    stdin_bytes: u64,
    long: LongMessage,
    /// The last message of stdin with the bytes of `--append`.
    appended: Vec<u8>,
    output: Output,
    /// The part of a message received so far, with `--echo`.
    echo: Vec<u8>,
    clock: Clock,
    /// The number of received bytes that were reported to the clock.
    heard: u64,
    end_cause: Option<EndCause>,
    /// The Close to send for `end_cause` and the time from which it waits for messages to be
    /// written.
    held_close: Option<(Close, Instant)>,
    /// The result of the session, if it was determined before the end.
    verdict: Option<Result<(), Error>>,
    /// True while messages wait for the network or for a `wait` action.
    feeding: bool,
    /// The time since which bytes have been waiting to be written, if any are.
    queued_since: Option<Instant>,
    /// True if the next part of a long message can be sent at once.
    more: bool,
    /// True if all bytes read from the network are decoded.
    drained: bool,
    /// The time at which unwritten output is dropped, after a signal or `--max-time`.
    flush_deadline: Option<Instant>,
    /// Present with `--reconnect`, as is `resend`.
    reconnector: Option<Reconnector>,
    resend: Option<ResendBuffer>,
    /// The number of messages that were cut off by the loss of a session and are too long to be sent
    /// again.
    cut_off: usize,
}

/// The source of the messages that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FeedPhase {
    Script,
    /// Stdin, after the script's own actions.
    Stdin,
}

/// The event that ends the wait in a turn of the loop.
enum PipeEvent {
    Session,
    Stdin(io::Result<usize>),
    Stdout(io::Result<()>),
    ReaderGone,
    Clock,
    Signal(i32),
}

impl Pipe {
    /// Creates a pipe. `stdin` is `None` if it is not read.
    pub(super) fn new(
        options: Options,
        session: Session,
        (stdin, output): (Option<Stdin>, Output),
        (report, sinks): (Report, Sinks),
        reconnector: Option<Reconnector>,
    ) -> Self {
        let state = if stdin.is_some() { StdinState::Silent } else { StdinState::Unread };
        let mut options = options;
        options.script.start(now());
        Self {
            phase: FeedPhase::Script,
            stdin,
            input: if options.typed {
                Input::new(options.framing).with_max_line(options.max_line)
            } else {
                Input::new(options.framing).in_parts(options.settings.fragment)
            },
            stdin_bytes: 0,
            long: LongMessage::default(),
            appended: Vec::new(),
            output,
            echo: Vec::new(),
            clock: Clock::new(options.rules, state, now(), session.bytes_received() > 0),
            // Bytes received with the handshake response do not answer messages sent after it.
            heard: session.bytes_received(),
            end_cause: None,
            held_close: None,
            verdict: None,
            feeding: false,
            queued_since: None,
            more: false,
            drained: true,
            flush_deadline: None,
            resend: reconnector.as_ref().map(|_| ResendBuffer::default()),
            reconnector,
            cut_off: 0,
            options,
            session,
            report,
            sinks,
        }
    }

    /// Runs until the last session is over and all output is written.
    pub(super) async fn run(mut self) -> Result<RunOutcome, Error> {
        let mut signals = Signals::new()
            .map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
        let ended = self.converse(&mut signals).await;
        // The process is about to exit, and dropping everything would take longer than some runs.
        std::mem::forget(self);
        ended
    }

    async fn converse(&mut self, signals: &mut Signals) -> Result<RunOutcome, Error> {
        loop {
            self.session(signals).await;
            if !self.reopen(signals).await {
                break;
            }
        }
        let ended = self.conclude();
        self.finish_output(ended, signals).await
    }

    /// Runs until this session is over.
    async fn session(&mut self, signals: &mut Signals) {
        self.feed();
        let mut turns = 0u32;
        loop {
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(TURNS_PER_YIELD) {
                // A file on stdin is always ready and must not starve signals, timers and the
                // network.
                tokio::task::yield_now().await;
            }
            self.drained = self.drain();
            if self.options.settings.lenient {
                while let Some(violation) = self.session.accepted_violation() {
                    self.report.note(&lenience_note(violation));
                }
            }
            self.write();
            let written = self.drained && self.output.is_written();
            let over = self.session.is_over();
            if (written && over) || self.is_past_flush_deadline() {
                if !over {
                    // Sends a queued Close if that is possible without waiting.
                    self.session.write().await;
                }
                break;
            }
            self.feed();
            self.close_if_held();
            if let Some(resend) = &mut self.resend
                && !self.session.has_unsent_bytes()
            {
                resend.left();
            }
            if self.session.queued() > 0 && self.is_idle() {
                // Written now rather than in the next turn: the peer is waiting for it.
                self.session.write().await;
            }
            if !self.drained && !self.is_behind() && !self.is_congested() {
                // The output is empty again, so there is more to drain without waiting.
                continue;
            }
            match self.wait(signals).await {
                PipeEvent::Session => {
                    if self.session.bytes_received() != self.heard {
                        self.heard = self.session.bytes_received();
                        self.clock.heard(self.session.last_heard());
                    }
                }
                PipeEvent::Stdin(Ok(n)) => {
                    self.input.filled(n);
                    self.stdin_bytes += n as u64;
                    if n > 0 {
                        self.clock.stdin_read();
                    }
                }
                PipeEvent::Stdin(Err(cause)) => {
                    self.stdin = None;
                    self.finish(EndCause::Failed(Error::Input(cause)));
                }
                PipeEvent::Stdout(Ok(())) => {}
                PipeEvent::Stdout(Err(cause)) => self.lose_output(cause),
                PipeEvent::ReaderGone => self.lose_output(io::ErrorKind::BrokenPipe.into()),
                PipeEvent::Clock => self.check_deadlines(),
                PipeEvent::Signal(signal) => self.interrupt(signal),
            }
        }
    }

    /// Renders received messages. Returns false if undecoded bytes remain because the output is full
    /// or a sink is behind.
    fn drain(&mut self) -> bool {
        let at = now();
        while !self.output.is_full() && !self.is_congested() {
            if let Some(piece) = self.session.next_whole() {
                if self.options.decoding.is_some() && piece.kind == Kind::Binary {
                    let received = decode(
                        &mut self.options,
                        &mut self.output,
                        (self.report, &mut self.echo),
                        piece,
                        at,
                    );
                    if received.meets_goal || received.has_effects || self.options.echo {
                        self.finish_message(Kind::Binary, received);
                    }
                    continue;
                }
                self.output.piece(&piece);
                let received = self.options.script.receive(&piece, at);
                if received.meets_goal || received.has_effects || self.options.echo {
                    let Piece { kind, payload, .. } = piece;
                    if self.options.echo {
                        self.echo.extend_from_slice(payload);
                    }
                    self.finish_message(kind, received);
                }
                continue;
            }
            match self.session.next_event() {
                None => return !self.session.is_held(),
                Some(Event::Message(piece))
                    if self.options.decoding.is_some() && piece.kind == Kind::Binary =>
                {
                    let last = piece.last;
                    let received = decode(
                        &mut self.options,
                        &mut self.output,
                        (self.report, &mut self.echo),
                        piece,
                        at,
                    );
                    if last {
                        self.finish_message(Kind::Binary, received);
                    }
                }
                Some(Event::Message(piece)) => {
                    self.output.piece(&piece);
                    let received = self.options.script.receive(&piece, at);
                    let Piece { kind, payload, last, .. } = piece;
                    if self.options.echo {
                        self.echo.extend_from_slice(payload);
                    }
                    if last {
                        self.finish_message(kind, received);
                    }
                }
                Some(_) => {}
            }
        }
        false
    }

    /// Completes a received message: echoes or answers it, and ends the session if a goal is met.
    fn finish_message(&mut self, kind: Kind, received: Received) {
        if self.options.echo && self.end_cause.is_none() {
            // Fails only while closing, when the peer no longer expects an echo.
            let _ = self.session.send(kind, &self.echo);
        }
        self.echo.clear();
        if received.has_effects {
            self.react();
            if self.phase == FeedPhase::Script {
                // The next event may be the peer's Close, after which no message can be sent.
                self.feed();
            }
        }
        if received.meets_goal {
            self.output.hide();
            self.finish(EndCause::Goal);
        }
    }

    /// Reports whether echoes have filled the session's queue because the peer does not read, or too
    /// many answers wait for room in it. Other messages in the queue do not count: the peer may read
    /// none before we read its own.
    fn is_congested(&self) -> bool {
        let is_full = self.session.queued() >= QUEUE_LIMIT_BYTES;
        // Answers that have room only wait for the next call of `feed` or `react`.
        let are_held = is_full || self.long.is_inside();
        let many = self.options.script.answer_bytes() >= QUEUE_LIMIT_BYTES;
        // After the end of the run, messages are no longer answered.
        let answers = self.end_cause.is_none() && self.session.is_open();
        answers && ((self.options.echo && is_full) || (many && are_held))
    }

    /// Reports whether messages wait only because the peer reads none.
    fn is_stalled_by_peer(&self) -> bool {
        self.session.queued() >= QUEUE_LIMIT_BYTES && self.output.is_written()
    }

    /// Reports whether received messages wait for the output or for a recording.
    fn is_behind(&self) -> bool {
        !self.output.is_written() || self.session.is_held()
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
        let queued = self.session.queued() > 0;
        self.queued_since = queued.then(|| self.queued_since.unwrap_or(turned));
        self.session.set_stalled(self.is_stalled_by_peer());
        let (over, drained) = (self.session.is_over(), self.drained);
        let room = self.has_room();
        let idle = self.is_idle();
        let wants = room && idle && !self.input.has_ended();
        let reads = self.end_cause.is_none() && self.session.is_open() && wants;
        // A partly sent message counts as pending.
        let begun = self.options.script.wait_until().is_some() || self.long.is_begun();
        let held = !idle || begun || (self.stdin.is_some() && !room);
        self.feeding = self.session.is_open() && held;
        let fed = self.feeding;
        let stdin = self.stdin.as_ref().filter(|_| reads);
        let (has_output, read_by_someone) = (!self.output.is_written(), self.output.is_read());
        let alarm = if self.more { Some(turned) } else { self.alarm() };
        let (is_held, is_behind) = (self.session.is_held(), self.is_behind());
        let (session, output, input) = (&mut self.session, &self.output, &mut self.input);
        let event = tokio::select! {
            signal = signals.recv() => PipeEvent::Signal(signal),
            () = session.progress(drained || is_held), if !over => PipeEvent::Session,
            read = read(stdin, input) => PipeEvent::Stdin(read),
            free = output.writable(), if has_output => PipeEvent::Stdout(free),
            () = output.gone(), if read_by_someone => PipeEvent::ReaderGone,
            () = tokio::time::sleep_until(alarm.unwrap_or(turned).into()), if alarm.is_some() => PipeEvent::Clock,
        };
        if queued {
            self.clock.busy(self.session.last_sent());
        }
        if is_behind {
            // The time in which received bytes waited for stdout or a recording was not silence.
            let ended = now();
            self.clock.blocked(ended);
            if !drained {
                self.options.script.delay(ended - turned);
            }
        }
        if fed && self.clock.runs() {
            self.clock.restart(now());
        }
        event
    }

    /// Reports whether everything that was read from stdin was passed to the session.
    fn is_idle(&mut self) -> bool {
        !self.long.has_rest()
            && !self.input.has_next()
            && self.phase == FeedPhase::Stdin
            && self.resend.as_ref().is_none_or(ResendBuffer::is_idle)
    }

    /// Reports whether messages of the script and of stdin may be sent.
    fn has_room(&self) -> bool {
        self.session.queued() < QUEUE_LIMIT_BYTES && !self.output.holds_input()
    }

    /// Returns the next deadline, if any.
    fn alarm(&self) -> Option<Instant> {
        let clock = self.expiry().map(|(at, _)| at);
        let max_time = self.options.max_time.map(|(_, at)| at);
        let closing = self.end_cause.is_some() || !self.session.is_open();
        // A script whose wait is over cannot continue while the session's queue is full.
        let paused = self.options.script.wait_until().filter(|_| self.has_room());
        let feed = if closing { None } else { self.expect_deadline().or(paused) };
        let (held, tick) = (self.held_close_deadline(), self.next_tick());
        let extends =
            self.output.extends_at().filter(|_| !self.drained || self.output.holds_input());
        let all = [clock, max_time, feed, tick, self.flush_deadline, held, extends];
        all.into_iter().flatten().min()
    }

    fn is_past_flush_deadline(&self) -> bool {
        self.flush_deadline.is_some_and(|at| at <= now())
    }
}

/// Decodes a piece of a received binary message, and renders and compares the message once it is
/// complete.
#[inline(never)]
fn decode(
    options: &mut Options,
    output: &mut Output,
    (report, echo): (Report, &mut Vec<u8>),
    piece: Piece<'_>,
    at: Instant,
) -> Received {
    if options.echo {
        echo.extend_from_slice(piece.payload);
    }
    let Some(message) = decoding::shown(options.decoding.as_mut(), piece) else {
        return Received::default();
    };
    if let Some(note) = message.note {
        report.note(&note);
    }
    output.piece(&message.piece);
    options.script.receive(&message.piece, at)
}

async fn read(stdin: Option<&Stdin>, input: &mut Input) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.read(input.room()).await,
        None => std::future::pending().await,
    }
}

/// The number of turns between two yields to the runtime.
const TURNS_PER_YIELD: u32 = 32;

#[cfg(test)]
mod tests;
