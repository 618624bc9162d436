//! The input of a server: a prompt, or lines of stdin.

use super::{
    event_log::PendingWait,
    hub::{Delivery, Recipients},
    prompt::ServerPrompt,
};
use crate::{
    console::{event::PromptEvent, prompt::Prompt, screen::is_capable},
    error::{Error, StdinPosition},
    escape::Escaped,
    job::{
        listen::{ListenFormat, Service},
        prompt_habits::PromptHabits,
    },
    proto::{Kind, Settings, SharedMessage},
    schema::{
        addressees::{Addressees, Numbers},
        input::InputLine,
        line::is_recorded,
    },
    script::{
        action::{Action, Outgoing},
        awaited::AwaitedEvent,
        fault::FaultEnding,
        input::{self, Next},
        jsonl,
    },
    session::clock,
    sys::{
        stdio::{self, Stdin, StdinKind},
        unix::is_foreground,
    },
};
use std::{sync::Arc, time::Duration};

/// The input of a server.
pub(super) enum Console {
    /// A prompt at a terminal; `None` once it is closed.
    Prompt(Option<Box<ServerPrompt>>),
    /// Lines of stdin; `None` for no stdin, or after its end.
    Lines(Option<Box<Lines>>),
}

/// Lines of stdin.
pub(super) struct Lines {
    stdin: Stdin,
    input: input::Input,
    is_jsonl: bool,
    settings: Settings,
}

/// An event of the input.
pub(super) enum ConsoleEvent {
    /// Something to send to clients, and the number of its line.
    Send(Recipients, Delivery, u64),
    /// A line that is skipped, in words.
    Skipped(String),
    /// An event of the prompt.
    Prompt(PromptEvent),
    /// Delays what follows.
    Pause(Duration),
    /// Delays what follows until an event of a client.
    Await(PendingWait),
    /// Reading stdin failed.
    Failed(Error),
    /// An event that the server can ignore.
    Nothing,
}

impl Console {
    /// Reports whether the input is a prompt: stdin and stdout are a capable terminal, which a job in
    /// the background must not use.
    pub(super) fn is_prompt() -> bool {
        is_capable() && is_foreground()
    }

    /// Opens a prompt below the line `first`.
    pub(super) fn prompt(
        first: &str,
        service: &Service,
        habits: PromptHabits,
    ) -> Result<Self, Error> {
        ServerPrompt::open(first, service, habits)
            .map(|prompt| Self::Prompt(Some(Box::new(prompt))))
    }

    /// Opens stdin. Lines over `max_line` bytes are refused.
    pub(super) fn lines(
        format: ListenFormat,
        max_line: usize,
        settings: Settings,
    ) -> Result<Self, Error> {
        if stdio::stdin_kind() == StdinKind::Nothing {
            return Ok(Self::Lines(None));
        }
        let stdin = Stdin::new().map_err(Error::Input)?;
        let framing =
            if format.jsonl_input { input::Framing::Lines(b'\n') } else { format.framing };
        let input = input::Input::new(framing).with_max_line(max_line);
        let is_jsonl = format.jsonl_input;
        Ok(Self::Lines(Some(Box::new(Lines { stdin, input, is_jsonl, settings }))))
    }

    /// Waits for the next event. Lines of stdin are read only if `reads`. Cancel-safe.
    pub(super) async fn next(&mut self, reads: bool) -> ConsoleEvent {
        match self {
            Self::Prompt(Some(prompt)) => {
                prompt.event().await.map_or(ConsoleEvent::Nothing, ConsoleEvent::Prompt)
            }
            Self::Lines(Some(lines)) if reads => match lines.next().await {
                Some(event) => event,
                None => {
                    *self = Self::Lines(None);
                    ConsoleEvent::Nothing
                }
            },
            Self::Prompt(None) | Self::Lines(_) => std::future::pending().await,
        }
    }

    /// Returns the prompt, if it is open.
    pub(super) fn open_prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Prompt(prompt) => prompt.as_ref().map(|prompt| prompt.prompt()),
            Self::Lines(_) => None,
        }
    }

    /// Returns the prompt with its commands, if it is open.
    pub(super) fn server_prompt(&mut self) -> Option<&mut ServerPrompt> {
        match self {
            Self::Prompt(prompt) => prompt.as_deref_mut(),
            Self::Lines(_) => None,
        }
    }

    /// Closes the prompt and restores the terminal, for at most `limit`.
    pub(super) async fn close(&mut self, limit: Duration) {
        if let Self::Prompt(prompt) = self
            && let Some(prompt) = prompt.take()
        {
            prompt.close(limit).await;
        }
    }
}

impl Lines {
    /// Reads the next line; `None` at the end of stdin.
    async fn next(&mut self) -> Option<ConsoleEvent> {
        loop {
            if let Some(next) = self.input.take() {
                return Some(self.line(next));
            }
            if self.input.has_ended() {
                return None;
            }
            match self.stdin.read(self.input.room()).await {
                Ok(n) => self.input.filled(n),
                Err(cause) => return Some(ConsoleEvent::Failed(Error::Input(cause))),
            }
        }
    }

    fn line(&self, next: Next) -> ConsoleEvent {
        let line = self.input.number();
        let range = match next {
            Next::Message(range) => range,
            Next::TooLong(limit) => {
                return ConsoleEvent::Failed(Error::InputLineTooLong { line, limit });
            }
            // Only whole lines are taken.
            Next::Part { .. } | Next::Truncated(_) => return ConsoleEvent::Nothing,
        };
        let bytes = self.input.bytes(range);
        if self.is_jsonl {
            return match self.action(bytes) {
                Ok(event) => event,
                Err((column, words)) => {
                    ConsoleEvent::Failed(Error::InputJson { line, column, fault: words })
                }
            };
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.message(Recipients::All, Kind::Text, text.as_bytes()),
            Err(e) => {
                let (position, valid) = (StdinPosition::Line(line), e.valid_up_to() as u64);
                ConsoleEvent::Failed(Error::input_encoding(position, valid))
            }
        }
    }

    fn action(&self, line: &[u8]) -> Result<ConsoleEvent, (Option<usize>, String)> {
        let action = jsonl::parse(line).map_err(|fault| (fault.column, fault.words))?;
        let (mut awaited, mut fault) = (None, None);
        if action.is_none() {
            awaited = AwaitedEvent::parse(line).map_err(|fault| (fault.column, fault.words))?;
            fault = FaultEnding::parse_line(line).map_err(|fault| (fault.column, fault.words))?;
            if awaited.is_none() && fault.is_none() {
                return Ok(self.skipped(line));
            }
        }
        let Addressees { conn, except } = Addressees::read(line).map_err(|words| (None, words))?;
        let to = match (conn.map(Numbers::into_vec), except.map(Numbers::into_vec)) {
            (None, None) => Recipients::All,
            (None, Some(except)) => Recipients::Except(except),
            (Some(only), _) => Recipients::Only(only),
        };
        let line = self.input.number();
        if let Some(awaited) = awaited {
            return Ok(ConsoleEvent::Await(PendingWait {
                awaited,
                from: to,
                line,
                deadline: None,
            }));
        }
        if let Some(ending) = fault {
            let now = clock::now();
            let latest = now.checked_add(self.settings.close_timeout).unwrap_or(now);
            return Ok(ConsoleEvent::Send(to, Delivery::Fault(ending, latest), line));
        }
        let Some(action) = action else { return Ok(ConsoleEvent::Nothing) };
        Ok(match action {
            Action::Send(Outgoing::Message(kind, payload)) => self.message(to, kind, &payload),
            Action::Send(Outgoing::Ping(payload)) => {
                ConsoleEvent::Send(to, Delivery::Ping(payload.into()), line)
            }
            Action::Send(Outgoing::Pong(payload)) => {
                ConsoleEvent::Send(to, Delivery::Pong(payload.into()), line)
            }
            Action::Send(Outgoing::Close(close)) => {
                ConsoleEvent::Send(to, Delivery::Close(close), line)
            }
            Action::Wait(time) => ConsoleEvent::Pause(time),
            _ => ConsoleEvent::Nothing,
        })
    }

    fn message(&self, to: Recipients, kind: Kind, payload: &[u8]) -> ConsoleEvent {
        let message = SharedMessage::new(kind, payload.to_vec(), self.settings);
        ConsoleEvent::Send(to, Delivery::Message(Arc::new(message)), self.input.number())
    }

    /// Returns the event of a line that is not an action: its type may be mistyped, unless it is
    /// that of a recorded event.
    fn skipped(&self, line: &[u8]) -> ConsoleEvent {
        let read = InputLine::read(line).unwrap_or_default();
        // What a run sent, or an answer to it.
        let is_event = read.direction.as_text().is_some();
        match read.kind.as_text().filter(|kind| !is_event && !is_recorded(kind)) {
            Some(kind) => ConsoleEvent::Skipped(format!(
                "line {}: unknown type \"{}\" skipped",
                self.input.number(),
                Escaped(kind)
            )),
            None => ConsoleEvent::Nothing,
        }
    }
}
