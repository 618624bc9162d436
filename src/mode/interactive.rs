//! Interactive mode: a person types at the bottom, everything else scrolls above.

use super::{
    Ended,
    command::{self, Command},
    farewell,
    journal::Journal,
    prompt::{self, Next, Prompt, Typed},
    reconnect::{Comeback, Said},
    signals::Signals,
};
use crate::{
    connect::Opened,
    error::Error,
    escape::Escaped,
    proto::{Assembler, Close, CloseCode, Event, Kind, Piece, Role, Settings},
    render::terminal::shown,
    report::Report,
    session::Session,
};
use colored::Colorize as _;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What a person wants.
#[derive(Clone)]
pub(super) struct Wishes {
    /// `-x`: sent first.
    pub(super) script: Vec<String>,
    /// The type of the messages sent.
    pub(super) kind: Kind,
    /// `-P`: pings and pongs are shown.
    pub(super) shows_pings: bool,
    /// What is typed is remembered.
    pub(super) history: bool,
    /// What the session is connected to.
    pub(super) url: String,
    /// How long a signal lets closing take.
    pub(super) close_timeout: Duration,
    /// The Close that `/quit` sends.
    pub(super) close: Close,
    /// For what `-v` says at the end.
    pub(super) report: Report,
    /// Of sessions that are opened again.
    pub(super) settings: Settings,
    /// What is kept and shown beside.
    pub(super) journal: Journal,
}

/// A session at a terminal.
pub(super) struct Interactive {
    wishes: Wishes,
    session: Session,
    prompt: Prompt,
    signals: Signals,
    assembler: Assembler,
    /// The pings typed, whose pongs are always shown.
    pings: VecDeque<Vec<u8>>,
    /// Ctrl-C was pressed on an empty line.
    warned: bool,
    signal: Option<i32>,
    patience: Option<Instant>,
    /// `--reconnect`.
    comeback: Option<Comeback>,
    /// Why there is no further session.
    failure: Option<Error>,
}

enum Woken {
    Session,
    Typed(Typed),
    Room,
    Signal(i32),
    Patience,
}

impl Interactive {
    /// Opens the prompt.
    pub(super) fn new(
        wishes: Wishes,
        session: Session,
        comeback: Option<Comeback>,
    ) -> Result<Self, Error> {
        // Before the terminal is taken: a signal must not leave it as it is then.
        let signals =
            Signals::new().map_err(|cause| Error::Other { doing: "wait for signals", cause })?;
        let first = format!("connected to {} (/help lists commands)", wishes.url);
        let history = if wishes.history { prompt::history_file() } else { None };
        let prompt = Prompt::open(&first, history)
            .map_err(|cause| Error::Other { doing: "use the terminal", cause })?;
        wishes.journal.show_with(Some(Box::new(prompt.printer())));
        Ok(Self {
            wishes,
            session,
            prompt,
            signals,
            assembler: Assembler::default(),
            pings: VecDeque::new(),
            warned: false,
            signal: None,
            patience: None,
            comeback,
            failure: None,
        })
    }

    /// Runs until the session is over.
    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        loop {
            self.session().await;
            if !self.come_back().await {
                break;
            }
        }
        self.conclude().await
    }

    /// Runs until this session is over.
    async fn session(&mut self) {
        for message in self.wishes.script.clone() {
            self.prompt.print(&format!("> {}", Escaped(&message)));
            self.say(&message);
        }
        loop {
            let drained = self.drain();
            let impatient = self.patience.is_some_and(|at| at <= Instant::now());
            if (drained && self.session.is_over()) || impatient {
                break;
            }
            let full = self.prompt.is_full();
            if !drained && !full {
                // The screen has caught up meanwhile.
                continue;
            }
            match self.wait(drained, full).await {
                Woken::Session | Woken::Room | Woken::Patience => {}
                Woken::Typed(typed) => {
                    let next = self.typed(typed);
                    self.prompt.next(next);
                }
                Woken::Signal(signal) => self.interrupt(signal),
            }
        }
    }

    /// Opens the session again, if it was lost and that may help; false: this was the last.
    async fn come_back(&mut self) -> bool {
        if self.signal.is_some() || self.session.is_closed_by_us() {
            return false;
        }
        let Some(comeback) = &mut self.comeback else { return false };
        let error = match comeback.reason(&mut self.session) {
            Ok(error) => error,
            Err(known) => {
                self.failure = known;
                return false;
            }
        };
        if self.session.unsent_messages() > 0 {
            self.prompt.print(&format!("not sent: {} messages", self.session.unsent_messages()));
        }
        self.wishes.journal.gap(&mut self.session, &error);
        match self.reopened(error).await {
            Some(Ok(opened)) => {
                self.prompt.print(&format!("connected again to {}", Escaped(&opened.url)));
                self.wishes.journal.opened(&opened);
                let session = Session::new(opened, Role::Client, self.wishes.settings);
                self.session = self.wishes.journal.watch(session);
                self.assembler = Assembler::default();
                self.pings.clear();
                true
            }
            Some(Err(error)) => {
                self.failure = Some(error);
                false
            }
            None => false,
        }
    }

    /// The next session; none: the person does not wait for it.
    async fn reopened(&mut self, error: Error) -> Option<Result<Opened, Error>> {
        let Self { comeback, prompt, signals, wishes, .. } = self;
        let comeback = comeback.as_mut()?;
        let print = prompt.printer();
        let mut tell = |said: Said<'_>| match said {
            Said::Lost(error, wait) => {
                print(&error.to_string());
                print(&format!("connecting again in {:.1} s", wait.as_secs_f64()));
            }
            Said::Progress(_) => {}
        };
        let mut opening = Box::pin(comeback.again(error, &mut tell));
        loop {
            tokio::select! {
                opened = &mut opening => return Some(opened),
                typed = prompt.typed() => {
                    let leaves = match typed {
                        Typed::Line(line) => match Command::parse(&line) {
                            Ok(Command::Quit) => true,
                            Ok(Command::Nothing) => false,
                            _ => {
                                prompt.print("not sent: not connected");
                                false
                            }
                        },
                        Typed::Interrupted { empty } => empty,
                        Typed::Gone | Typed::Eof => true,
                    };
                    prompt.next(if leaves { Next::Leave } else { Next::Prompt });
                    if leaves {
                        return None;
                    }
                }
                signal = signals.recv() => {
                    self.signal = Some(signal);
                    self.patience = Some(Instant::now() + wishes.close_timeout);
                    return None;
                }
            }
        }
    }

    async fn wait(&mut self, drained: bool, full: bool) -> Woken {
        let signals = &mut self.signals;
        let over = self.session.is_over();
        let (session, prompt, patience) = (&mut self.session, &mut self.prompt, self.patience);
        let deadline = patience.unwrap_or_else(Instant::now);
        if full {
            tokio::select! {
                () = session.progress(false), if !over => Woken::Session,
                () = prompt.room() => Woken::Room,
                signal = signals.recv() => Woken::Signal(signal),
                () = tokio::time::sleep_until(deadline.into()), if patience.is_some() => Woken::Patience,
            }
        } else {
            tokio::select! {
                () = session.progress(drained), if !over => Woken::Session,
                typed = prompt.typed() => Woken::Typed(typed),
                signal = signals.recv() => Woken::Signal(signal),
                () = tokio::time::sleep_until(deadline.into()), if patience.is_some() => Woken::Patience,
            }
        }
    }

    /// Prints what has come; false if the screen must catch up first.
    fn drain(&mut self) -> bool {
        while !self.prompt.is_full() {
            let shows_pings = self.wishes.shows_pings;
            let text = match self.session.next_event() {
                None => return true,
                Some(Event::Message(piece)) => {
                    let Piece { kind, .. } = piece;
                    self.assembler.push(&piece).map(|message| received(kind, message))
                }
                Some(Event::Ping(payload)) => shows_pings.then(|| control("ping", payload, None)),
                Some(Event::Pong { payload, rtt }) => {
                    let typed = self.pings.iter().position(|ping| ping == payload);
                    if let Some(at) = typed {
                        self.pings.drain(..=at);
                    }
                    (shows_pings || typed.is_some()).then(|| control("pong", payload, rtt))
                }
                Some(Event::Close(_) | Event::Failed(_)) => None,
            };
            if let Some(text) = text {
                self.prompt.print(&text);
            }
        }
        false
    }

    fn typed(&mut self, typed: Typed) -> Next {
        let warned = std::mem::take(&mut self.warned);
        match typed {
            Typed::Line(line) => return self.line(&line),
            Typed::Interrupted { empty: false } => {}
            Typed::Interrupted { empty: true } if !warned => {
                self.warned = true;
                self.prompt.print(&"(Ctrl-C again leaves)".dimmed().to_string());
            }
            Typed::Interrupted { .. } => {
                self.interrupt(SIGINT);
                return Next::Leave;
            }
            Typed::Gone => {
                self.interrupt(SIGHUP);
                return Next::Leave;
            }
            Typed::Eof => {
                self.close(&self.wishes.close.clone());
                return Next::Leave;
            }
        }
        Next::Prompt
    }

    fn line(&mut self, line: &str) -> Next {
        match Command::parse(line) {
            Err(fault) => self.prompt.print(&Escaped(&fault).to_string()),
            Ok(Command::Nothing) => {}
            Ok(Command::Help) => self.prompt.print(&command::help()),
            Ok(Command::Text(text)) => self.say(&text),
            Ok(Command::Ping(data)) => {
                let sent = self.session.ping(data.as_bytes());
                if sent.is_ok() {
                    self.pings.push_back(data.into_bytes());
                    self.pings.truncate(MAX_PINGS);
                }
                self.tell(sent);
            }
            Ok(Command::Pong(data)) => {
                let sent = self.session.pong(data.as_bytes());
                self.tell(sent);
            }
            Ok(Command::Close(close)) => self.close(&close),
            Ok(Command::Quit) => {
                self.close(&self.wishes.close.clone());
                return Next::Leave;
            }
        }
        Next::Prompt
    }

    fn say(&mut self, text: &str) {
        let sent = self.session.send(self.wishes.kind, text.as_bytes());
        self.tell(sent);
    }

    fn close(&mut self, close: &Close) {
        // Refused only if it is closing already.
        let _ = self.session.close(close);
    }

    fn tell(&self, sent: Result<(), crate::proto::UsageError>) {
        if let Err(fault) = sent {
            self.prompt.print(&format!("not sent: {fault}"));
        }
    }

    fn interrupt(&mut self, signal: i32) {
        if signal == SIGHUP && self.signal == Some(SIGHUP) {
            // The terminal has gone: the editor noticed, and the signal comes too.
            return;
        }
        if self.signal.is_some() {
            // The second one ends at once, but not without the terminal.
            self.patience = Some(Instant::now());
            return;
        }
        self.signal = Some(signal);
        self.patience = Some(Instant::now() + self.wishes.close_timeout);
        self.close(&Close::new(CloseCode::Away));
    }

    async fn conclude(mut self) -> Result<Ended, Error> {
        let verdict = match self.failure.take() {
            Some(error) => Err(error),
            None => self.session.verdict(0),
        };
        if verdict.is_ok() && self.signal.is_none() {
            self.prompt.print(&farewell(&self.session));
        }
        self.wishes.journal.left(&mut self.session);
        self.wishes.journal.show_with(None);
        tokio::select! {
            () = self.prompt.flush() => {}
            _ = self.signals.recv() => {}
        }
        self.prompt.close();
        super::summarize(&self.session, self.wishes.report);
        if let Some(signal) = self.signal {
            return Ok(Ended::Signal(signal));
        }
        verdict.map(|()| Ended::Done)
    }
}

fn received(kind: Kind, message: &[u8]) -> String {
    let mark = "<".blue();
    match kind {
        Kind::Text => format!("{mark} {}", shown(kind, message)),
        Kind::Binary => format!("{mark} binary, {} bytes\n{}", message.len(), shown(kind, message)),
    }
}

fn control(name: &str, payload: &[u8], rtt: Option<Duration>) -> String {
    let mut text = format!("{} {name}", "<".blue());
    if !payload.is_empty() {
        text = format!("{text} {}", Escaped(&String::from_utf8_lossy(payload)));
    }
    if let Some(rtt) = rtt {
        text = format!("{text} ({:.1} ms)", rtt.as_secs_f64() * 1000.0);
    }
    text
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
/// Pings typed and not answered that are remembered.
const MAX_PINGS: usize = 64;
