//! The line being typed, and everything that is printed above it.
//!
//! rustyline blocks a thread and owns the terminal while a line is edited, so there is one thread
//! for it as long as the process lives (it cannot be stopped: the process ends around it) and one
//! that hands it what is to be printed. Both are written to and read from without blocking.

mod assistant;
mod complete;
mod editing;
mod elsewhere;
mod history;
mod line;
mod modes;
mod output;
mod suspend;

pub(super) use history::history_file;

use crate::{render::dialogue::Room, sys::stdio::write_within};
use assistant::{Assistant, End, Interrupt, Tab};
use colored::Colorize as _;
use complete::Known;
use editing::{Editing, Pressed};
use line::Line;
use modes::Modes;
use output::Output;
use rustix::termios::tcgetwinsize;
use rustyline::{
    ColorMode, CompletionType, Config, Editor, EventHandler, KeyEvent,
    config::{BellStyle, Configurer as _},
};
use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc as sync,
    },
    thread,
    time::{Duration, Instant},
};
use suspend::Suspend;
use tokio::sync::mpsc;

/// What a person did at the prompt.
#[derive(Debug)]
pub(super) enum Typed {
    /// A line, or several at once.
    Line(String),
    /// Wrote with an editor, which has ended; what was written is on the line next.
    Edited,
    /// Ctrl-C on an empty line, twice.
    Interrupt,
    /// Ctrl-D on an empty line.
    Eof,
    /// The terminal is no longer there.
    Gone,
}

/// What the prompt does after a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Asks for another.
    Prompt,
    /// Clears the screen, and asks for another.
    Clear,
    /// Has the next one begun so and written with the person's own editor.
    Edit(String),
    /// Shows no prompt any more: we are leaving.
    Leave,
}

/// A prompt at the bottom of the terminal.
pub(super) struct Prompt {
    typed: mpsc::Receiver<Pressed>,
    next: sync::Sender<Next>,
    output: Arc<Output>,
    line: Arc<Line>,
    known: Arc<Mutex<Known>>,
    modes: Modes,
    /// Ctrl-C was pressed on an empty line.
    warned: bool,
}

impl Prompt {
    /// Opens the prompt below a first line; `history` is the file it is kept in.
    pub(super) fn open(first: &str, history: Option<PathBuf>) -> io::Result<Self> {
        let color = colored::control::SHOULD_COLORIZE.should_colorize();
        let line = Arc::new(Line::default());
        let known = Arc::new(Mutex::new(Known::default()));
        line.editing.store(true, Ordering::SeqCst);
        let mut stdout = io::stdout();
        writeln!(stdout, "{first}").and_then(|()| stdout.flush())?;
        let config = Config::builder()
            .history_ignore_space(true)
            .max_history_size(history::LINES)
            .map_err(io::Error::other)?
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            // The helper is asked only where colours are; whether it adds any it knows itself.
            .color_mode(ColorMode::Forced)
            .build();
        let mut editor = Editor::with_config(config).map_err(io::Error::other)?;
        // An end in the middle of an update would leave the terminal waiting for the rest.
        editor.enable_synchronized_output(false);
        editor.set_helper(Some(Assistant::new(Arc::clone(&line), Arc::clone(&known), color)));
        let interrupt = EventHandler::Conditional(Box::new(Interrupt(Arc::clone(&line))));
        editor.bind_sequence(KeyEvent::ctrl('C'), interrupt);
        let end = EventHandler::Conditional(Box::new(End(Arc::clone(&line))));
        editor.bind_sequence(KeyEvent::ctrl('D'), end);
        editor.bind_sequence(KeyEvent::from('\t'), EventHandler::Conditional(Box::new(Tab)));
        let modes = Modes::take();
        let suspend = EventHandler::Conditional(Box::new(Suspend(modes.clone())));
        editor.bind_sequence(KeyEvent::ctrl('Z'), suspend);
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let output = Arc::new(Output::new(Arc::clone(&line)));
        let (typed_to, typed) = mpsc::channel(1);
        let (next, next_from) = sync::channel();
        let editing = Editing {
            line: Arc::clone(&line),
            output: Arc::clone(&output),
            modes: modes.clone(),
            to: typed_to,
            next: next_from,
        };
        thread::Builder::new()
            .name("prompt".into())
            .spawn(move || editing.run(editor, history.as_deref()))?;
        thread::Builder::new().name("printer".into()).spawn({
            let output = Arc::clone(&output);
            move || output::show(printer, &output)
        })?;
        give_back_in_a_panic(modes.clone());
        Ok(Self { typed, next, output, line, known, modes, warned: false })
    }

    /// What is typed next; each line wants an answer by [`Self::next`]. If the output was `full`,
    /// none as soon as it is no longer. Typing goes on until then: the printer may wait for the next
    /// line to be asked for.
    pub(super) async fn typed(&mut self, full: bool) -> Option<Typed> {
        loop {
            let Self { typed, output, .. } = self;
            let pressed = tokio::select! {
                pressed = typed.recv() => pressed,
                () = output.room(), if full => return None,
            };
            let warned = std::mem::take(&mut self.warned);
            match pressed {
                Some(Pressed::Typed(typed)) => return Some(typed),
                None => return Some(Typed::Gone),
                Some(Pressed::CtrlC { empty: true }) if warned => return Some(Typed::Interrupt),
                Some(Pressed::CtrlC { empty }) => {
                    if empty {
                        self.warned = true;
                        self.print(&"(Ctrl-C again leaves)".dimmed().to_string());
                    }
                    self.next(Next::Prompt);
                }
            }
        }
    }

    /// Waits until there is room to print.
    pub(super) async fn room(&self) {
        self.output.room().await;
    }

    /// Goes on after a line.
    pub(super) fn next(&self, next: Next) {
        // Said here, not by the thread: from now on the terminal is to be waited for.
        let elsewhere = matches!(next, Next::Edit(_));
        self.line.entered.store(false, Ordering::SeqCst);
        self.line.ends.store(false, Ordering::SeqCst);
        self.line.editing.store(!elsewhere, Ordering::SeqCst);
        self.line.elsewhere.store(elsewhere, Ordering::SeqCst);
        self.output.hold(elsewhere);
        // The thread has gone only if the terminal has.
        let _ = self.next.send(next);
    }

    /// Prints lines above the one being typed.
    pub(super) fn print(&self, text: &str) {
        self.output.print(text);
    }

    /// What prints while the prompt is waited on.
    pub(super) fn printer(&self) -> impl Fn(&str) + use<> {
        let output = Arc::clone(&self.output);
        move |text| output.print(text)
    }

    /// Whether so much waits to be printed that nothing more should be read.
    pub(super) fn is_full(&self) -> bool {
        self.output.is_full()
    }

    /// Whether anything has been typed since it was opened.
    pub(super) fn is_touched(&self) -> bool {
        Line::is(&self.line.touched)
    }

    /// Whether another program has the terminal: the person's editor.
    pub(super) fn is_elsewhere(&self) -> bool {
        Line::is(&self.line.elsewhere)
    }

    /// What Tab knows beside what it knows anyway.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all that was printed is on the screen, but not longer than this; not while the
    /// editor searches, when nothing can be. A person who has seen enough of a slow terminal says so
    /// with a key.
    pub(super) async fn flush(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.output.lock().is_empty() && !Line::is(&self.line.searching) {
            tokio::select! {
                () = self.output.taken.notified() => {}
                () = tokio::time::sleep_until(deadline.into()) => return,
                pressed = self.typed.recv() => match pressed {
                    // Too late to be sent.
                    Some(Pressed::Typed(Typed::Line(_) | Typed::Edited)) => self.next(Next::Leave),
                    _ => return,
                },
            }
        }
    }

    /// What is not on the screen yet. If that is nothing, the editor would paint over what comes
    /// now: it is made to paint once more, and stopped there.
    fn freeze(&self) -> String {
        let mut waiting = self.output.lock();
        let unseen = waiting.unseen();
        if unseen.is_empty() && Line::is(&self.line.editing) {
            self.line.freeze.store(true, Ordering::SeqCst);
            waiting.push(NOTHING);
        }
        unseen
    }

    /// Leaves the terminal as it was found, below all that is not on the screen yet, if it takes
    /// that within the limit; whether it has.
    pub(super) async fn close(mut self, limit: Duration) -> bool {
        // What the editor has been handed it would paint over the rest.
        self.flush(limit.min(BRIEF)).await;
        let line = &self.line;
        let is = |flag: &AtomicBool| Line::is(flag);
        let deadline = Instant::now() + PATIENCE;
        let wait = |done: &dyn Fn() -> bool| {
            while !done() && Instant::now() < deadline {
                thread::sleep(TICK);
            }
        };
        if is(&line.elsewhere) {
            elsewhere::end(line);
            wait(&|| !is(&line.elsewhere));
        }
        // An editor that is about to take the terminal would have it after we gave it back.
        wait(&|| !is(&line.editing) || is(&line.entered));
        let unseen = self.freeze();
        line.wake();
        if is(&line.freeze) {
            wait(&|| !is(&line.editing) || is(&line.frozen) || is(&line.searching));
        }
        let mut end = String::new();
        if is(&line.editing) {
            // Bracketed paste off; an empty prompt goes, a line begun stays readable.
            end.push_str("\x1b[?2004l");
            let text = line.text();
            end.push_str(match (is(&line.empty), is(&line.frozen)) {
                (false, false) => "\r\n",
                _ => "\r\x1b[J",
            });
            if is(&line.frozen) && !is(&line.empty) {
                end.push_str(&text);
                end.push_str("\r\n");
            }
        }
        end.push_str(&unseen);
        self.modes.give_back();
        write_within(&end, limit).await
    }
}

/// What a message may take of the screen.
pub(super) fn screen() -> Room {
    let (columns, rows) = match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    };
    let rows = usize::from(rows).saturating_sub(SPARED).max(FEWEST);
    Room { columns: columns.into(), rows }
}

/// A panic must not leave the terminal as the editor has it.
fn give_back_in_a_panic(modes: Modes) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        modes.give_back();
        write("\x1b[?2004l\r\n");
        before(panic);
    }));
}

fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Text that changes nothing on the screen: a line up, a line down. (Text without a line end gets one.)
const NOTHING: &str = "\x1b[A\n";
/// How long a slow terminal may take to show the last of it.
pub(super) const SLOW: Duration = Duration::from_secs(10);
/// How long one may that is not to keep us.
pub(super) const BRIEF: Duration = Duration::from_millis(500);
/// How long an editor may take to have the terminal.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const TICK: Duration = Duration::from_millis(1);
/// Rows of the screen that a message leaves to others: the line, and what is said of the message.
const SPARED: usize = 3;
/// Rows that a message has on a small screen.
const FEWEST: usize = 3;
