//! The console of a server: reads lines to send and shows received messages, at a prompt or through
//! stdio.

use crate::{
    console::{
        event::{PromptEvent, PromptReply},
        prompt::Prompt,
        prompt_look::PromptLook,
    },
    error::{Error, StdinPosition},
    escape::Escaped,
    job::run_outcome::RunOutcome,
    proto::{Kind, Piece},
    render::{buffer::OutputBuffer, dialogue::Dialogue, extent::Extent, renderer::Renderer},
    report::Report,
    script::{
        command::Command,
        input::{self, Framing, Next},
    },
    session::{backlog::Backlog, clock::now},
    sink::Print,
    sys::stdio::{self, Stdin, StdinKind, Stdout},
};
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
    time::Duration,
};
use tokio::time::sleep_until;

pub(super) enum Console {
    /// A prompt at a terminal; `None` once it is closed.
    Prompt(Option<Prompt>),
    /// Stdin and stdout without a terminal.
    Stdio(Box<Stdio>),
}

pub(super) struct Stdio {
    stdin: Option<Stdin>,
    input: input::Input,
    stdout: Stdout,
    renderer: Renderer,
    buffer: OutputBuffer,
    backlog: Backlog,
    /// False once stdout can no longer be written.
    printing: bool,
}

pub(super) enum ConsoleEvent {
    /// A line to send to every client.
    Line(String),
    /// A request to shut down the server, with its outcome.
    Quit(RunOutcome),
    /// Reading stdin or writing stdout failed.
    Failed(Error),
    /// An event that the server can ignore.
    Nothing,
}

impl Console {
    /// Opens a prompt if both stdin and stdout are a terminal, otherwise stdio. Prints
    /// the line `first`. Without a terminal, lines over `max_line` bytes are refused.
    pub(super) fn open(first: &str, report: Report, max_line: usize) -> Result<Self, Error> {
        if stdio::stdin_kind() == StdinKind::Terminal && io::stdout().is_terminal() {
            let prompt = Prompt::open(first, None, PromptLook::default())
                .map_err(|cause| Error::Other { operation: "use the terminal", cause })?;
            return Ok(Self::Prompt(Some(prompt)));
        }
        report.line(first);
        let stdin = match stdio::stdin_kind() {
            StdinKind::Nothing => None,
            _ => Some(Stdin::new().map_err(Error::Input)?),
        };
        Ok(Self::Stdio(Box::new(Stdio {
            stdin,
            input: input::Input::new(Framing::Lines(b'\n')).with_max_line(max_line),
            stdout: Stdout::new().map_err(Error::Output)?,
            renderer: Renderer::new(
                Framing::Lines(b'\n'),
                Dialogue::default(),
                io::stdout().is_terminal(),
            ),
            buffer: OutputBuffer::default(),
            backlog: Backlog::default(),
            printing: true,
        })))
    }

    /// Waits for the next event. Lines are read only if `reads` is true. If the output was `full`,
    /// also returns once it has room again.
    pub(super) async fn next(&mut self, reads: bool, full: bool) -> ConsoleEvent {
        match self {
            Self::Prompt(Some(prompt)) if reads => prompt_event(prompt, full).await,
            Self::Prompt(Some(prompt)) if full => {
                prompt.room().await;
                ConsoleEvent::Nothing
            }
            Self::Prompt(_) => std::future::pending().await,
            Self::Stdio(stdio) => stdio.next(reads).await,
        }
    }

    /// Shows a client's message.
    pub(super) fn show(&mut self, id: u64, kind: Kind, payload: &[u8]) {
        match self {
            Self::Prompt(Some(prompt)) => {
                let dialogue = Dialogue { extent: Extent::Start(SHOWN_BYTES), ..<_>::default() };
                prompt.print(&dialogue.message_of(id, kind, payload));
            }
            Self::Stdio(stdio) if stdio.printing => {
                stdio.renderer.piece(&Piece::whole(kind, payload), &mut stdio.buffer);
            }
            Self::Prompt(None) | Self::Stdio(_) => {}
        }
    }

    pub(super) fn note(&self, text: &str, report: Report) {
        match self {
            Self::Prompt(Some(prompt)) => prompt.note(text),
            _ => report.note(text),
        }
    }

    /// Returns a printer that prints above the input line, if there is a prompt.
    pub(super) fn printer(&self) -> Option<Print> {
        match self {
            Self::Prompt(Some(prompt)) => Some(Arc::new(prompt.printer())),
            Self::Prompt(None) | Self::Stdio(_) => None,
        }
    }

    /// Returns true if the output is full, so that no more messages should be taken from clients.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Prompt(prompt) => prompt.as_ref().is_some_and(Prompt::is_full),
            Self::Stdio(stdio) => stdio.is_full(),
        }
    }

    /// Writes as much buffered output as possible without waiting.
    pub(super) fn flush(&mut self) -> ConsoleEvent {
        let Self::Stdio(stdio) = self else { return ConsoleEvent::Nothing };
        match stdio.stdout.write(stdio.buffer.ready()) {
            Ok(n) => {
                stdio.buffer.advance(n);
                stdio.backlog.wrote(stdio.buffer.ready().is_empty());
            }
            Err(cause) => return stdio.fail_output(cause),
        }
        ConsoleEvent::Nothing
    }

    /// Closes the prompt and restores the terminal, for at most `limit`.
    pub(super) async fn close(&mut self, limit: Duration) {
        if let Self::Prompt(prompt) = self
            && let Some(prompt) = prompt.take()
        {
            prompt.close(limit, std::future::pending()).await;
        }
    }
}

impl Stdio {
    fn is_full(&self) -> bool {
        self.buffer.ready().len() >= self.backlog.limit()
    }

    /// Shuts down the server, without an error if stdout no longer has a reader.
    fn fail_output(&mut self, cause: io::Error) -> ConsoleEvent {
        self.printing = false;
        self.buffer.clear();
        match cause.kind() {
            io::ErrorKind::BrokenPipe => ConsoleEvent::Quit(RunOutcome::Done),
            _ => ConsoleEvent::Failed(Error::Output(cause)),
        }
    }

    fn line(&self, next: Next) -> ConsoleEvent {
        let line = self.input.number();
        match next {
            Next::Message(range) => match std::str::from_utf8(self.input.bytes(range)) {
                Ok(text) => ConsoleEvent::Line(text.to_owned()),
                Err(e) => {
                    let (position, valid) = (StdinPosition::Line(line), e.valid_up_to() as u64);
                    ConsoleEvent::Failed(Error::input_encoding(position, valid))
                }
            },
            Next::TooLong(limit) => ConsoleEvent::Failed(Error::InputLineTooLong { line, limit }),
            // Only whole lines are taken.
            Next::Part { .. } | Next::Truncated(_) => ConsoleEvent::Nothing,
        }
    }

    async fn next(&mut self, reads: bool) -> ConsoleEvent {
        if reads && let Some(next) = self.input.take() {
            return self.line(next);
        }
        let (stdin, writing) =
            (self.stdin.as_ref().filter(|_| reads), !self.buffer.ready().is_empty());
        let extends = self.backlog.extends_at().filter(|_| self.is_full());
        let (stdout, input) = (&self.stdout, &mut self.input);
        let read = async {
            match stdin {
                Some(stdin) => stdin.read(input.room()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = read => match read {
                Ok(n) => {
                    self.input.filled(n);
                    if n == 0 {
                        self.stdin = None;
                    }
                    ConsoleEvent::Nothing
                }
                Err(cause) => ConsoleEvent::Failed(Error::Input(cause)),
            },
            free = stdout.writable(), if writing => match free {
                Ok(()) => ConsoleEvent::Nothing,
                Err(cause) => self.fail_output(cause),
            },
            () = sleep_until(extends.unwrap_or_else(now).into()), if extends.is_some() => {
                if self.backlog.extend() {
                    self.buffer.reserve_for_backlog();
                }
                ConsoleEvent::Nothing
            }
            () = stdout.reader_gone(), if self.printing => {
                self.fail_output(io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

async fn prompt_event(prompt: &mut Prompt, full: bool) -> ConsoleEvent {
    let Some(event) = prompt.event(full).await else { return ConsoleEvent::Nothing };
    let outcome = match event {
        PromptEvent::Line(line) => run_command(prompt, &line),
        PromptEvent::Edit(text) => {
            prompt.reply(PromptReply::Edit(text));
            return ConsoleEvent::Nothing;
        }
        PromptEvent::Edited => ConsoleEvent::Nothing,
        PromptEvent::Interrupt => ConsoleEvent::Quit(RunOutcome::Signal(SIGINT)),
        PromptEvent::Hangup => ConsoleEvent::Quit(RunOutcome::Signal(SIGHUP)),
        PromptEvent::Eof => ConsoleEvent::Quit(RunOutcome::Done),
    };
    let quits = matches!(outcome, ConsoleEvent::Quit(_));
    prompt.reply(if quits { PromptReply::Leave } else { PromptReply::Prompt });
    outcome
}

fn run_command(prompt: &Prompt, line: &str) -> ConsoleEvent {
    match Command::parse(line) {
        Ok(Command::Empty) => {}
        Ok(Command::Message(text)) => return ConsoleEvent::Line(text),
        Ok(Command::Quit) => return ConsoleEvent::Quit(RunOutcome::Done),
        Ok(Command::Help) => prompt.print(HELP),
        Ok(_) => prompt.print("only /quit and /help are available in a server"),
        Err(fault) => prompt.note(Escaped(&fault).to_string()),
    }
    ConsoleEvent::Nothing
}

const HELP: &str = "\
/quit   close and exit (Ctrl-D)
/help   show this help
//text  send a message that begins with a slash";
/// The output for one message above the prompt, in bytes.
const SHOWN_BYTES: usize = 1 << 20;
const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
