//! The prompt at the bottom of the terminal.
//!
//! rustyline blocks a thread and owns the terminal while a line is edited. It has one thread, which
//! cannot be stopped and ends with the process; another one hands it the text to be printed. Both
//! are written to and read from without blocking.

use super::{
    assistant::{Assistant, End, Interrupt, Tab},
    complete::Known,
    editor_thread::{EditorThread, KeyPress},
    event::{PromptEvent, PromptReply},
    external_editor, history,
    line::Line,
    print_queue::{self, PrintQueue},
    screen::write,
    suspend::Suspend,
    terminal_modes::TerminalModes,
};
use crate::sys::stdio::write_within;
use colored::Colorize as _;
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
use tokio::sync::mpsc;

/// A prompt at the bottom of the terminal.
pub(crate) struct Prompt {
    key_presses: mpsc::Receiver<KeyPress>,
    replies: sync::Sender<PromptReply>,
    output: Arc<PrintQueue>,
    line: Arc<Line>,
    known: Arc<Mutex<Known>>,
    modes: TerminalModes,
    /// Ctrl-C was pressed on an empty line.
    warned: bool,
}

impl Prompt {
    /// Opens the prompt below a first line; `history` is the file it is kept in.
    pub(crate) fn open(first: &str, history: Option<PathBuf>) -> io::Result<Self> {
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
        let modes = TerminalModes::take();
        let suspend = EventHandler::Conditional(Box::new(Suspend(modes.clone())));
        editor.bind_sequence(KeyEvent::ctrl('Z'), suspend);
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let output = Arc::new(PrintQueue::new(Arc::clone(&line)));
        let (key_presses_to, key_presses) = mpsc::channel(1);
        let (replies, replies_from) = sync::channel();
        let editing = EditorThread {
            line: Arc::clone(&line),
            output: Arc::clone(&output),
            modes: modes.clone(),
            key_presses: key_presses_to,
            replies: replies_from,
        };
        thread::Builder::new()
            .name("prompt".into())
            .spawn(move || editing.run(editor, history.as_deref()))?;
        thread::Builder::new().name("printer".into()).spawn({
            let output = Arc::clone(&output);
            move || print_queue::show(printer, &output)
        })?;
        give_back_in_a_panic(modes.clone());
        Ok(Self { key_presses, replies, output, line, known, modes, warned: false })
    }

    /// Waits for the next event, each of which wants a [`Self::reply`]. If the output was `full`,
    /// returns `None` as soon as it is no longer. Typing goes on until then: the printer may wait for the next
    /// line to be asked for.
    pub(crate) async fn event(&mut self, full: bool) -> Option<PromptEvent> {
        loop {
            let Self { key_presses, output, .. } = self;
            let pressed = tokio::select! {
                pressed = key_presses.recv() => pressed,
                () = output.room(), if full => return None,
            };
            let warned = std::mem::take(&mut self.warned);
            match pressed {
                Some(KeyPress::Event(event)) => return Some(event),
                None => return Some(PromptEvent::Gone),
                Some(KeyPress::CtrlC { empty: true }) if warned => {
                    return Some(PromptEvent::Interrupt);
                }
                Some(KeyPress::CtrlC { empty }) => {
                    if empty {
                        self.warned = true;
                        self.print(&"(Ctrl-C again leaves)".dimmed().to_string());
                    }
                    self.reply(PromptReply::Prompt);
                }
            }
        }
    }

    /// Waits until there is room to print.
    pub(crate) async fn room(&self) {
        self.output.room().await;
    }

    /// Replies to an event.
    pub(crate) fn reply(&self, reply: PromptReply) {
        // Said here, not by the thread: from now on the terminal is to be waited for.
        let opens_editor = matches!(reply, PromptReply::Edit(_));
        self.line.entered.store(false, Ordering::SeqCst);
        self.line.ends.store(false, Ordering::SeqCst);
        self.line.editing.store(!opens_editor, Ordering::SeqCst);
        self.line.editor_open.store(opens_editor, Ordering::SeqCst);
        self.output.hold(opens_editor);
        // The thread has gone only if the terminal has.
        let _ = self.replies.send(reply);
    }

    /// Prints lines above the one being typed.
    pub(crate) fn print(&self, text: &str) {
        self.output.print(text);
    }

    /// What prints while the prompt is waited on.
    pub(crate) fn printer(&self) -> impl Fn(&str) + use<> {
        let output = Arc::clone(&self.output);
        move |text| output.print(text)
    }

    /// Whether so much waits to be printed that nothing more should be read.
    pub(crate) fn is_full(&self) -> bool {
        self.output.is_full()
    }

    /// Whether anything has been typed since it was opened.
    pub(crate) fn is_touched(&self) -> bool {
        Line::is(&self.line.touched)
    }

    /// Whether an external editor has the terminal.
    pub(crate) fn is_editor_open(&self) -> bool {
        Line::is(&self.line.editor_open)
    }

    /// What Tab knows beside what it knows anyway.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all that was printed is on the screen, but not longer than this; not while the
    /// editor searches, when nothing can be. A person who has seen enough of a slow terminal says so
    /// with a key.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.output.lock().is_empty() && !Line::is(&self.line.searching) {
            tokio::select! {
                () = self.output.taken.notified() => {}
                () = tokio::time::sleep_until(deadline.into()) => return,
                pressed = self.key_presses.recv() => match pressed {
                    // Too late to be sent.
                    Some(KeyPress::Event(PromptEvent::Line(_) | PromptEvent::Edited)) => self.reply(PromptReply::Leave),
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
    pub(crate) async fn close(mut self, limit: Duration) -> bool {
        // What the editor has been handed it would paint over the rest.
        self.flush(limit.min(BRIEF_LIMIT)).await;
        let line = &self.line;
        let is = |flag: &AtomicBool| Line::is(flag);
        let deadline = Instant::now() + PATIENCE;
        let wait = |done: &dyn Fn() -> bool| {
            while !done() && Instant::now() < deadline {
                thread::sleep(TICK);
            }
        };
        if is(&line.editor_open) {
            external_editor::end(line);
            wait(&|| !is(&line.editor_open));
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

/// A panic must not leave the terminal as the editor has it.
fn give_back_in_a_panic(modes: TerminalModes) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        modes.give_back();
        write("\x1b[?2004l\r\n");
        before(panic);
    }));
}

/// Text that changes nothing on the screen: a line up, a line down. (Text without a line end gets one.)
const NOTHING: &str = "\x1b[A\n";
/// How long a slow terminal may take to show the last of it.
pub(crate) const SLOW_LIMIT: Duration = Duration::from_secs(10);
/// How long a terminal may take that must not delay the end of the process.
pub(crate) const BRIEF_LIMIT: Duration = Duration::from_millis(500);
/// How long an editor may take to have the terminal.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const TICK: Duration = Duration::from_millis(1);
