//! Interactive mode: a prompt on the bottom line, with messages scrolling above it.

mod commands;
pub(super) mod handshake;
pub(super) mod options;
mod reopening;

use super::{
    decoding, farewell::summarize, lenience_note::lenience_note, news, reconnect::Reconnector,
};
use crate::{
    connect::ClientConnection,
    console::{
        event::{PromptEvent, PromptReply},
        history::{history_path, prepare_history},
        prompt::{BRIEF_LIMIT, Prompt, SLOW_LIMIT},
        view::View,
    },
    error::Error,
    job::run_outcome::RunOutcome,
    proto::{Close, CloseCode, Event, Kind, Piece},
    random::entropy,
    redact::Shown,
    render::summary::summary,
    script::{draft::Draft, repeats::Repeats, runner::Script},
    session::{Session, limits::QUEUE_LIMIT_BYTES},
    sink::Print,
    stored::{Collector, Content},
    sys::{signals::Signals, stdio::limit_writing_at_end},
};
use colored::Colorize as _;
use handshake::status_line;
use options::Options;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// A session at a terminal.
pub(super) struct Interactive {
    options: Options,
    session: Session,
    prompt: Prompt,
    signals: Signals,
    view: View,
    collector: Collector,
    repeats: Repeats,
    /// The lines of the opening handshake.
    handshake: Vec<Shown>,
    /// Typed pings without a pong. Their pongs are always shown.
    pings: VecDeque<Vec<u8>>,
    /// True if the user has exited. The session is closing.
    leaving: bool,
    signal: Option<i32>,
    /// The deadline of the closing handshake after a signal.
    close_deadline: Option<Instant>,
    /// Present with `--reconnect`.
    reconnector: Option<Reconnector>,
    /// A pending `/reconnect`.
    reopening: Option<ReopenRequest>,
    /// True while the next session is being opened.
    connecting: bool,
    /// The error that prevented a further session.
    failure: Option<Error>,
    /// The result of the session, once it was shown to the user.
    shown_verdict: Option<Result<(), Error>>,
}

/// The arguments of `/reconnect`.
struct ReopenRequest {
    /// Replaces the subprotocols of the first session.
    subprotocol: Option<String>,
}

enum InteractiveEvent {
    Session,
    Prompt(PromptEvent),
    Room,
    Signal(i32),
    Time,
}

impl Interactive {
    /// Opens the prompt for a session. `handshake` is the lines of its opening handshake.
    pub(super) fn new(
        options: Options,
        opened: ClientConnection,
        handshake: Vec<Shown>,
        reconnector: Option<Reconnector>,
    ) -> Result<Self, Error> {
        // Installed before the prompt changes the terminal modes, which must be restored after a
        // signal.
        let signals = Signals::new()
            .map_err(|cause| Error::Other { operation: "wait for signals", cause })?;
        let first = format!(
            "connected to {} ({})\n{}",
            options.report.secrets.url(&opened.report.url),
            options.habits.hint(),
            status_line(&opened, options.report.secrets)
        );
        let mut history = options.history.then(history_path).flatten();
        let note = history.as_deref().and_then(|path| prepare_history(path).err());
        if note.is_some() {
            history = None;
        }
        let view = View::new(options.dialogue, options.habits);
        let prompt = Prompt::open(&first, history, view.look(), (options.place(), options.habits))
            .map_err(|cause| Error::Other { operation: "use the terminal", cause })?;
        if let Some(note) = note {
            prompt.print(&note.dimmed().to_string());
        }
        prompt.vocabulary().subprotocols.clone_from(&options.subprotocols);
        let print: Print = Arc::new(prompt.printer());
        options.sinks.print_with(Some(&print));
        let session = Session::client(opened, options.settings, entropy());
        Ok(Self {
            session: options.sinks.observe(session),
            view,
            options,
            prompt,
            signals,
            collector: Collector::default(),
            repeats: Repeats::default(),
            handshake,
            pings: VecDeque::new(),
            leaving: false,
            signal: None,
            close_deadline: None,
            reconnector,
            reopening: None,
            connecting: false,
            failure: None,
            shown_verdict: None,
        })
    }

    /// Runs until the last session is over.
    pub(super) async fn run(mut self) -> Result<RunOutcome, Error> {
        while let Some(outgoing) = self.options.script.next(Instant::now()) {
            let fault = self.perform(outgoing);
            if !fault.is_empty() {
                self.prompt.print(&fault);
            }
        }
        if self.options.script.lacks_value()
            && let Some(unmet) = self.options.script.unmet(false)
        {
            self.prompt.note(unmet.to_string());
        }
        self.begin_ticks();
        loop {
            self.session().await;
            if !self.reopen().await {
                break;
            }
        }
        self.conclude().await
    }

    /// Runs until this session is over.
    async fn session(&mut self) {
        loop {
            let drained = self.drain();
            self.note_lenience();
            if self.is_late() {
                self.time_out();
                // Sends the Close if that is possible without waiting.
                self.session.write().await;
            }
            let timed_out = self.close_deadline.is_some_and(|at| at <= Instant::now());
            let over = drained && self.session.is_over() && !self.prompt.is_editor_open();
            if over || timed_out {
                break;
            }
            self.repeat();
            let full = self.prompt.is_full();
            if !drained && !full && !self.view.is_full() && !self.is_congested() {
                // The screen has caught up since the drain stopped.
                continue;
            }
            match self.wait(drained, full).await {
                InteractiveEvent::Session | InteractiveEvent::Room | InteractiveEvent::Time => {}
                InteractiveEvent::Prompt(event) => self.prompted(event),
                InteractiveEvent::Signal(signal) => self.signalled(signal),
            }
        }
    }

    async fn wait(&mut self, drained: bool, full: bool) -> InteractiveEvent {
        let repeats = self.repeats.next().filter(|_| !full && self.may_repeat());
        let late = self.run_deadline();
        let time = self.close_deadline.into_iter().chain(repeats).chain(late).min();
        let over = self.session.is_over();
        self.session.set_stalled(!full && !self.view.is_full() && self.is_congested());
        let Self { session, prompt, signals, .. } = self;
        let deadline = time.unwrap_or_else(Instant::now);
        tokio::select! {
            () = session.progress(drained && !full), if !over => InteractiveEvent::Session,
            event = prompt.event(full) => event.map_or(InteractiveEvent::Room, InteractiveEvent::Prompt),
            signal = signals.recv() => InteractiveEvent::Signal(signal),
            () = tokio::time::sleep_until(deadline.into()), if time.is_some() => InteractiveEvent::Time,
        }
    }

    /// Prints a note about each violation that `--lenient` accepted.
    fn note_lenience(&mut self) {
        while let Some(violation) = self.session.accepted_violation() {
            self.prompt.print(&lenience_note(violation));
        }
    }

    /// Shows and answers received messages. Returns false if the screen or the peer must catch up
    /// first.
    fn drain(&mut self) -> bool {
        self.view.fit();
        while !self.prompt.is_full() && !self.view.is_full() && !self.is_congested() {
            let Self { session, view, prompt, collector, pings, options, .. } = self;
            match session.next_event() {
                None => return true,
                Some(Event::Message(piece)) => {
                    let decoding = options.decoding.as_mut();
                    let Some(shown) = decoding::shown(decoding, piece) else { continue };
                    if let Some(note) = &shown.note {
                        prompt.print(note);
                    }
                    let Piece { kind, .. } = shown.piece;
                    if let Some(message) = collector.push(&shown.piece) {
                        show_received(view, prompt, (kind, message.content()), shown.is_decoded);
                        answer(&mut options.script, message.content());
                    }
                }
                Some(Event::Ping(payload)) if options.shows_pings => {
                    print(prompt, view.control("ping", payload, None));
                }
                Some(Event::Pong { payload, rtt }) => {
                    let typed = pings.iter().position(|ping| ping == payload);
                    if let Some(at) = typed {
                        pings.drain(..=at);
                    }
                    if options.shows_pings || typed.is_some() {
                        print(prompt, view.control("pong", payload, rtt));
                    }
                }
                Some(Event::Ping(_) | Event::Close(_) | Event::Failed(_)) => {}
            }
            self.send_answers();
        }
        false
    }

    /// Sends the answers of `--answer`, as far as the queue of the session has room.
    fn send_answers(&mut self) {
        for event in self.options.script.take_news() {
            self.prompt.note(news::sentence(&event, self.options.report.secrets));
        }
        while self.may_repeat()
            && let Some((kind, bytes)) = self.options.script.next_answer()
        {
            self.send(kind, &bytes);
        }
    }

    /// Reports whether too many answers wait because the peer does not read.
    fn is_congested(&self) -> bool {
        self.options.script.answer_bytes() >= QUEUE_LIMIT_BYTES && self.session.is_open()
    }

    /// Begins the messages of `--every`.
    fn begin_ticks(&mut self) {
        let now = Instant::now();
        self.repeats.add_ticks(self.options.script.ticks(), now);
        self.repeats.begin(now);
    }

    /// Sends the messages of `/repeat` and `/every` that are due.
    fn repeat(&mut self) {
        self.send_answers();
        let now = Instant::now();
        while self.may_repeat()
            && !self.prompt.is_full()
            && let Some(draft) = self.repeats.due(now)
        {
            self.send_draft(&draft);
        }
        if !self.session.is_open() {
            self.repeats.stop();
        }
    }

    /// Sends a message, unless it lacks a value.
    fn send_draft(&mut self, draft: &Draft) {
        if let Some(bytes) = self.options.script.expand(draft) {
            self.send(draft.kind, &bytes);
        }
    }

    fn may_repeat(&self) -> bool {
        self.session.is_open() && self.session.queued() < QUEUE_LIMIT_BYTES
    }

    /// Sends a message that is not on the screen yet, and shows it.
    fn send(&mut self, kind: Kind, message: &[u8]) {
        match self.session.send(kind, message) {
            Ok(()) => print(&self.prompt, self.view.sent(kind, message)),
            Err(fault) => self.prompt.print(&self.unsent(fault)),
        }
    }

    fn prompted(&mut self, event: PromptEvent) {
        let reply = match event {
            PromptEvent::Line(line) => self.line(&line),
            PromptEvent::Edit(text) => PromptReply::Edit(text),
            PromptEvent::Edited => PromptReply::Prompt,
            PromptEvent::Interrupt => {
                self.interrupt(SIGINT);
                PromptReply::Leave
            }
            PromptEvent::Hangup => {
                self.interrupt(SIGHUP);
                PromptReply::Leave
            }
            PromptEvent::Eof => self.leave(),
            PromptEvent::Failed(cause) => {
                self.failure = Some(Error::Input(cause));
                self.leave()
            }
        };
        self.prompt.set_look(self.view.look());
        self.prompt.reply(reply);
    }

    /// Closes the session and removes the prompt.
    fn leave(&mut self) -> PromptReply {
        self.leaving = true;
        self.close(&self.options.close.clone());
        PromptReply::Leave
    }

    fn close(&mut self, close: &Close) {
        self.release();
        // Fails only if the session is already closing.
        let _ = self.session.close(close);
    }

    /// Ends a pause, so that the peer's answer to the Close can be read.
    fn release(&mut self) {
        if self.view.is_paused() {
            let held = self.view.resume();
            self.prompt.print(&held);
        }
    }

    fn signalled(&mut self, signal: i32) {
        // A Ctrl-C in the external editor does not end the session.
        if signal != SIGINT || !self.prompt.is_editor_open() {
            self.interrupt(signal);
        }
    }

    fn interrupt(&mut self, signal: i32) {
        if signal == SIGHUP && self.signal == Some(SIGHUP) {
            // Closing the terminal is reported twice: by the prompt and by the signal.
            return;
        }
        if self.signal.is_some() {
            // The second signal ends the run at once, but the terminal is still restored.
            self.close_deadline = Some(Instant::now());
            return;
        }
        self.signal = Some(signal);
        self.close_deadline = Some(Instant::now() + self.options.close_timeout);
        self.close(&Close::new(CloseCode::GOING_AWAY));
    }

    /// Returns the time at which `--max-time` ends the run.
    fn run_deadline(&self) -> Option<Instant> {
        self.options.max_time.map(|(_, at)| at)
    }

    fn is_late(&self) -> bool {
        self.run_deadline().is_some_and(|at| at <= Instant::now())
    }

    /// Ends the run after `--max-time`, without waiting for anything.
    fn time_out(&mut self) {
        let Some((limit, at)) = self.options.max_time.take() else { return };
        self.close_deadline = Some(at);
        if self.signal.is_none() {
            let authority = self.session.authority().to_owned();
            self.failure = Some(Error::RunTimeout { authority, limit });
        }
        self.leaving = true;
        self.close(&Close::new(CloseCode::NORMAL));
    }

    /// Returns the result of the run: an opening error, or the result of the last session.
    fn verdict(&mut self) -> Result<(), Error> {
        match (self.failure.take(), self.shown_verdict.take()) {
            (Some(error), _) => Err(error),
            (None, Some(verdict)) => verdict,
            (None, None) => self.session.verdict(0).map_err(Error::from),
        }
    }

    async fn conclude(mut self) -> Result<RunOutcome, Error> {
        self.options.sinks.left(&mut self.session);
        self.options.sinks.print_with(None);
        let is_shown = self.shown_verdict.is_some();
        let verdict = self.verdict();
        if self.signal.is_none() {
            let report = self.options.report;
            if report.shows_summary() && self.session.stats().has_messages() {
                self.prompt.print(&self.summary().join("\n").dimmed().to_string());
            }
            if verdict.is_ok() && !is_shown {
                self.print_farewell();
            }
        }
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let mut interrupt = None;
        tokio::select! {
            () = self.prompt.flush(self.close_deadline.map_or(SLOW_LIMIT, left)) => {}
            signal = self.signals.recv() => interrupt = Some(signal),
        }
        let limit = match (self.signal.or(interrupt), self.close_deadline) {
            (None, None) => SLOW_LIMIT,
            (Some(_), None) => BRIEF_LIMIT,
            (_, Some(at)) => left(at).clamp(CLOSING_LIMIT, BRIEF_LIMIT),
        };
        let interrupted = async { interrupt = Some(self.signals.recv().await) };
        if self.prompt.close(limit, interrupted).await {
            limit_writing_at_end();
            summarize(&self.session, self.options.report);
        }
        if let Some(signal) = self.signal.or(interrupt) {
            return Ok(RunOutcome::Signal(signal));
        }
        verdict.map(|()| RunOutcome::Done)
    }

    fn summary(&self) -> Vec<String> {
        summary(&self.session.stats(), self.session.unsent_messages())
    }
}

fn show_received(
    view: &mut View,
    prompt: &Prompt,
    (kind, message): (Kind, Content<'_>),
    is_decoded: bool,
) {
    if view.admits(kind, message) {
        if let (Kind::Text, Content::Short(text)) = (kind, message) {
            prompt.vocabulary().learn(text);
        }
        print(prompt, view.received(kind, message, is_decoded));
    }
}

fn answer(script: &mut Script, message: Content<'_>) {
    match message {
        Content::Short(bytes) => script.answer(bytes),
        // A pattern needs the whole message in memory.
        Content::Long(stored) if script.has_answers() => {
            if let Ok(bytes) = stored.read_at(0, usize::MAX) {
                script.answer(&bytes);
            }
        }
        Content::Long(_) => {}
    }
}

fn print(prompt: &Prompt, text: Option<String>) {
    if let Some(text) = text {
        prompt.print(&text);
    }
}

/// The time allowed for the remaining output after the deadline of the closing handshake.
const CLOSING_LIMIT: Duration = Duration::from_millis(100);
const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
