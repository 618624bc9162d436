//! Where a server's messages come from and where they are shown: a prompt, or stdio.

use crate::{
    console::{
        event::{PromptEvent, PromptReply},
        prompt::{BRIEF_LIMIT, Prompt},
    },
    error::{Error, Place},
    escape::Escaped,
    job::ended::Ended,
    proto::{Kind, Piece},
    render::{buffer::OutputBuffer, dialogue::Dialogue, renderer::Renderer},
    report::Report,
    script::{
        command::Command,
        input::{self, Framing, Next},
    },
    session::limits::QUEUE_LIMIT_BYTES,
    sink::Print,
    sys::stdio::{self, Stdin, StdinKind, Stdout},
};
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
    time::SystemTime,
};

/// One of the two.
pub(super) enum Front {
    /// A person at a terminal.
    Prompt(Option<Prompt>),
    /// Pipes and files.
    Pipe(Box<Pipe>),
}

/// Stdio.
pub(super) struct Pipe {
    stdin: Option<Stdin>,
    input: input::Input,
    stdout: Stdout,
    renderer: Renderer,
    buffer: OutputBuffer,
    /// Stdout is still read by someone.
    printing: bool,
}

/// What came in.
pub(super) enum Input {
    /// A message for every client.
    Line(String),
    /// The server is to end, and how.
    Leave(Ended),
    /// Stdin cannot be read, or stdout not be written.
    Failed(Error),
    /// Nothing that matters.
    Nothing,
}

impl Front {
    /// The front that stdin and stdout ask for.
    pub(super) fn open(first: &str, report: Report) -> Result<Self, Error> {
        if stdio::stdin_kind() == StdinKind::Terminal && io::stdout().is_terminal() {
            let prompt = Prompt::open(first, None)
                .map_err(|cause| Error::Other { doing: "use the terminal", cause })?;
            return Ok(Self::Prompt(Some(prompt)));
        }
        report.line(first);
        let stdin = match stdio::stdin_kind() {
            StdinKind::Nothing => None,
            _ => Some(Stdin::new().map_err(Error::Input)?),
        };
        Ok(Self::Pipe(Box::new(Pipe {
            stdin,
            input: input::Input::new(Framing::Lines(b'\n')),
            stdout: Stdout::new().map_err(Error::Output)?,
            renderer: Renderer::new(
                Framing::Lines(b'\n'),
                Dialogue::default(),
                io::stdout().is_terminal(),
            ),
            buffer: OutputBuffer::default(),
            printing: true,
        })))
    }

    /// What comes next, from stdin only if `reads`; or, if it was `full`, that it is no longer.
    pub(super) async fn input(&mut self, reads: bool, full: bool) -> Input {
        match self {
            Self::Prompt(Some(prompt)) if reads => typed(prompt, full).await,
            Self::Prompt(Some(prompt)) if full => {
                prompt.room().await;
                Input::Nothing
            }
            Self::Prompt(_) => std::future::pending().await,
            Self::Pipe(pipe) => pipe.input(reads).await,
        }
    }

    /// Shows a client's message.
    pub(super) fn show(&mut self, id: u64, kind: Kind, payload: &[u8]) {
        match self {
            Self::Prompt(Some(prompt)) => {
                let text = Dialogue::default().alone(kind, payload, SystemTime::now());
                prompt.print(&format!("{id} < {text}"));
            }

            Self::Pipe(pipe) if pipe.printing => {
                pipe.renderer.piece(&Piece::whole(kind, payload), &mut pipe.buffer);
            }
            Self::Prompt(None) | Self::Pipe(_) => {}
        }
    }

    /// Says that something happened.
    pub(super) fn note(&self, text: &str, report: Report) {
        match self {
            Self::Prompt(Some(prompt)) => prompt.print(text),
            _ => report.note(text),
        }
    }

    /// What prints above the line that is being typed, if one is.
    pub(super) fn printer(&self) -> Option<Print> {
        match self {
            Self::Prompt(Some(prompt)) => Some(Arc::new(prompt.printer())),
            Self::Prompt(None) | Self::Pipe(_) => None,
        }
    }

    /// Whether so much waits to be shown that nothing more should be taken.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Prompt(prompt) => prompt.as_ref().is_some_and(Prompt::is_full),
            Self::Pipe(pipe) => pipe.buffer.ready().len() >= QUEUE_LIMIT_BYTES,
        }
    }

    /// Writes what goes without waiting.
    pub(super) fn flush(&mut self) -> Input {
        let Self::Pipe(pipe) = self else { return Input::Nothing };
        match pipe.stdout.write(pipe.buffer.ready()) {
            Ok(n) => pipe.buffer.advance(n),
            Err(cause) => return pipe.lose_output(cause),
        }
        Input::Nothing
    }

    /// Leaves the terminal as it was found.
    pub(super) async fn close(&mut self) {
        if let Self::Prompt(prompt) = self
            && let Some(prompt) = prompt.take()
        {
            prompt.close(BRIEF_LIMIT).await;
        }
    }
}

impl Pipe {
    /// Ends the server: quietly if the reader of stdout has gone.
    fn lose_output(&mut self, cause: io::Error) -> Input {
        self.printing = false;
        self.buffer.clear();
        match cause.kind() {
            io::ErrorKind::BrokenPipe => Input::Leave(Ended::Done),
            _ => Input::Failed(Error::Output(cause)),
        }
    }

    async fn input(&mut self, reads: bool) -> Input {
        if reads && let Some(Next::Message(line)) = self.input.take() {
            return match std::str::from_utf8(self.input.bytes(line)) {
                Ok(line) => Input::Line(line.to_owned()),
                Err(e) => {
                    let place = Place::Line(self.input.number());
                    Input::Failed(Error::input_text(place, e.valid_up_to() as u64))
                }
            };
        }
        let (stdin, writing) =
            (self.stdin.as_ref().filter(|_| reads), !self.buffer.ready().is_empty());
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
                    Input::Nothing
                }
                Err(cause) => Input::Failed(Error::Input(cause)),
            },
            free = stdout.writable(), if writing => match free {
                Ok(()) => Input::Nothing,
                Err(cause) => self.lose_output(cause),
            },
            () = stdout.reader_gone(), if self.printing => {
                self.lose_output(io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

async fn typed(prompt: &mut Prompt, full: bool) -> Input {
    let Some(event) = prompt.event(full).await else { return Input::Nothing };
    let input = match event {
        PromptEvent::Line(line) => command(prompt, &line),
        PromptEvent::Edited => Input::Nothing,
        PromptEvent::Interrupt => Input::Leave(Ended::Signal(SIGINT)),
        PromptEvent::Gone => Input::Leave(Ended::Signal(SIGHUP)),
        PromptEvent::Eof => Input::Leave(Ended::Done),
    };
    let leaves = matches!(input, Input::Leave(_));
    prompt.reply(if leaves { PromptReply::Leave } else { PromptReply::Prompt });
    input
}

fn command(prompt: &Prompt, line: &str) -> Input {
    match Command::parse(line) {
        Ok(Command::Empty) => {}
        Ok(Command::Message(text)) => return Input::Line(text),
        Ok(Command::Quit) => return Input::Leave(Ended::Done),
        Ok(Command::Help) => prompt.print(HELP),
        Ok(_) => prompt.print("only /quit and /help here: there may be many clients"),
        Err(fault) => prompt.print(&Escaped(&fault).to_string()),
    }
    Input::Nothing
}

const HELP: &str = "\
/quit   close and leave (Ctrl-D)
/help   this
//text  send a message that begins with a slash";
const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
