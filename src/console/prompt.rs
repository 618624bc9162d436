//! The prompt at the bottom of the terminal.
//!
//! rustyline blocks its thread and owns the terminal while a line is edited. It runs on a separate
//! thread, which cannot be stopped and ends with the process; a second thread hands it the output
//! to print. The prompt exchanges data with both threads without blocking.

use super::{
    assistant::Assistant,
    complete::Vocabulary,
    editor_thread::{EditorEvent, EditorThread},
    event::{PromptEvent, PromptReply},
    external_editor, history,
    inputrc::Inputrc,
    keys::{AnyKey, EditKey, EofKey, InterruptKey, OutsidePaste, TabKey},
    line_state::LineState,
    paste::Paste,
    print_queue::{self, PrintQueue},
    prompt_look::PromptLook,
    screen::{fold, whole_screen, write},
    suspend::Suspend,
    terminal_modes::TerminalModes,
};
use crate::{
    job::prompt_habits::PromptHabits,
    redact::Shown,
    script::command::place::Place,
    sys::{
        resources::{check_descriptors, spawn},
        stdio::{limit_writing_at_end, write_within},
    },
};
use colored::Colorize as _;
use rustyline::{
    ColorMode, CompletionType, ConditionalEventHandler, Config, EditMode, Editor, Event,
    EventHandler, KeyEvent,
    config::{BellStyle, Configurer as _},
    history::FileHistory,
};
use std::{
    io,
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

/// A prompt on the bottom line of the terminal.
pub(crate) struct Prompt {
    editor_events: mpsc::Receiver<EditorEvent>,
    replies: sync::Sender<PromptReply>,
    output: Arc<PrintQueue>,
    line: Arc<LineState>,
    vocabulary: Arc<Mutex<Vocabulary>>,
    modes: TerminalModes,
    habits: PromptHabits,
    /// True if the last key was Ctrl-C on an empty line, so that another one exits.
    interrupt_warned: bool,
    /// The editor has failed and prints nothing.
    has_failed: bool,
}

impl Prompt {
    /// Prints `first` and opens the prompt below it. `history` is the history file, if any.
    /// `place` decides the commands that Tab offers.
    pub(crate) fn open(
        first: &str,
        history: Option<PathBuf>,
        look: PromptLook,
        (place, habits): (Place, PromptHabits),
    ) -> io::Result<Self> {
        check_descriptors(PROMPT_DESCRIPTORS)?;
        let color = colored::control::SHOULD_COLORIZE.should_colorize();
        let line = Arc::new(LineState::default());
        let vocabulary = Arc::new(Mutex::new(Vocabulary::new(place)));
        line.editing.store(true, Ordering::SeqCst);
        line.set_look(look);
        let inputrc = Inputrc::read();
        write(&format!("{first}\n"));
        let config = Config::builder()
            .edit_mode(inputrc.edit_mode)
            // Without it, the Esc key would hold back all output until the next key.
            .keyseq_timeout(Some(ESC_LIMIT_MS))
            .history_ignore_space(true)
            .max_history_size(history::MAX_LINES)
            .map_err(io::Error::other)?
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            // Without colours rustyline does not call the helper, which tracks the line. The helper
            // adds colours only if they are enabled.
            .color_mode(ColorMode::Forced)
            .build();
        let mut editor = Editor::with_config(config).map_err(io::Error::other)?;
        // If the process ended inside a synchronized update, the terminal would keep waiting for the
        // end of the update.
        editor.enable_synchronized_output(false);
        let assistant =
            Assistant::new(Arc::clone(&line), Arc::clone(&vocabulary), color, (place, habits));
        editor.set_helper(Some(assistant));
        let modes = TerminalModes::acquire();
        let output = Arc::new(PrintQueue::new(Arc::clone(&line)));
        let paste = Paste::new(Arc::clone(&output));
        bind(&mut editor, &paste, KeyEvent::ctrl('C'), InterruptKey(Arc::clone(&line)));
        bind(&mut editor, &paste, KeyEvent::ctrl('D'), EofKey(Arc::clone(&line)));
        bind(&mut editor, &paste, KeyEvent::from('\t'), TabKey);
        bind(&mut editor, &paste, KeyEvent::ctrl('Z'), Suspend(modes.clone()));
        let edit = Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]);
        bind(&mut editor, &paste, edit, EditKey(Arc::clone(&line)));
        if inputrc.edit_mode == EditMode::Vi {
            bind(&mut editor, &paste, KeyEvent::from('v'), EditKey(Arc::clone(&line)));
        }
        let any = AnyKey(paste.clone(), Arc::clone(&line));
        editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(any)));
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let (editor_events_sender, editor_events) = mpsc::channel(1);
        let (replies, replies_receiver) = sync::channel();
        let editor_thread = EditorThread {
            line: Arc::clone(&line),
            output: Arc::clone(&output),
            modes: modes.clone(),
            paste,
            events: editor_events_sender,
            replies: replies_receiver,
        };
        // The printer starts first: if it cannot, the modes of the terminal are still unchanged.
        spawn("printer", {
            let output = Arc::clone(&output);
            move || print_queue::run_printer(printer, &output)
        })?;
        spawn("prompt", move || editor_thread.run(editor, history.as_deref()))?;
        restore_on_panic(modes.clone());
        Ok(Self {
            editor_events,
            replies,
            output,
            line,
            vocabulary,
            modes,
            habits,
            interrupt_warned: false,
            has_failed: false,
        })
    }

    /// Waits for the next event, which needs a [`Self::reply`]. If the queue of output was `full`,
    /// returns `None` once there is room. Events are returned in the meantime too, since the printer
    /// may be waiting until the next line is read.
    pub(crate) async fn event(&mut self, full: bool) -> Option<PromptEvent> {
        loop {
            let Self { editor_events, output, .. } = self;
            let event = tokio::select! {
                event = editor_events.recv() => event,
                () = output.room(), if full => return None,
            };
            let warned = std::mem::take(&mut self.interrupt_warned);
            match event {
                Some(EditorEvent::Prompt(event)) => {
                    self.has_failed |= matches!(event, PromptEvent::Failed(_));
                    return Some(event);
                }
                None => return Some(PromptEvent::Hangup),
                Some(EditorEvent::CtrlC { .. }) if self.habits.leaves_at_ctrl_c => {
                    return Some(PromptEvent::Eof);
                }
                Some(EditorEvent::CtrlC { empty: true }) if warned => {
                    return Some(PromptEvent::Interrupt);
                }
                Some(EditorEvent::CtrlC { empty }) => {
                    if empty {
                        self.interrupt_warned = true;
                        self.print(&"(press Ctrl-C again to exit)".dimmed().to_string());
                    }
                    self.reply(PromptReply::Prompt);
                }
            }
        }
    }

    /// Replies to an event.
    pub(crate) fn reply(&self, reply: PromptReply) {
        // Set here, not by the editor thread: `close` must wait for the terminal from now on.
        let opens_editor = matches!(reply, PromptReply::Edit(_));
        // The line that was entered is no longer at the prompt, unless it is kept.
        let has_text = matches!(&reply, PromptReply::Keep(text) if !text.is_empty());
        self.line.empty.store(!has_text, Ordering::SeqCst);
        self.line.ready.store(false, Ordering::SeqCst);
        self.line.accepted.store(false, Ordering::SeqCst);
        self.line.editing.store(!opens_editor, Ordering::SeqCst);
        self.line.editor_open.store(opens_editor, Ordering::SeqCst);
        self.output.set_held(opens_editor);
        // The thread ends only when the terminal is closed.
        let _ = self.replies.send(reply);
    }

    /// Sets the look of the next prompt.
    pub(crate) fn set_look(&self, look: PromptLook) {
        self.line.set_look(look);
    }

    /// Changes the look of the prompt, also while a line is edited.
    pub(crate) fn change_look(&self, look: PromptLook) {
        self.line.set_look(look);
        // The editor paints its line again below any output.
        self.output.print(INVISIBLE);
    }

    /// Prints a note above the prompt.
    pub(crate) fn note(&self, text: impl Into<Shown>) {
        self.output.print(&fold(text.into().as_str(), whole_screen().columns));
    }

    /// Prints a formatted message above the prompt. Notes are printed by [`Prompt::note`].
    pub(crate) fn print(&self, text: &str) {
        self.output.print(text);
    }

    /// Returns a function that prints above the prompt while the prompt is borrowed elsewhere.
    pub(crate) fn printer(&self) -> impl Fn(&str) + use<> {
        let output = Arc::clone(&self.output);
        move |text| output.print(text)
    }

    /// Reports whether so much output is queued that its sources must not be read.
    pub(crate) fn is_full(&self) -> bool {
        self.output.is_full()
    }

    /// Reports whether the user has typed anything since the prompt was opened.
    pub(crate) fn is_touched(&self) -> bool {
        LineState::is_set(&self.line.touched)
    }

    /// Reports whether an external editor owns the terminal.
    pub(crate) fn is_editor_open(&self) -> bool {
        LineState::is_set(&self.line.editor_open)
    }

    /// Reports whether the line has a text, which may be accepted already.
    pub(crate) fn has_text(&self) -> bool {
        !LineState::is_set(&self.line.empty)
    }

    /// Returns the words that Tab offers.
    pub(crate) fn vocabulary(&self) -> MutexGuard<'_, Vocabulary> {
        self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all output is on the screen, for at most `limit`. Returns early while the editor
    /// searches the history or after it failed, since it prints nothing then, and when Ctrl-C or
    /// Ctrl-D is pressed, so that the user can cut a slow terminal short.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        if self.has_failed {
            return;
        }
        let deadline = Instant::now() + limit;
        while !self.output.lock().is_empty() && !LineState::is_set(&self.line.searching) {
            tokio::select! {
                () = self.output.progress.notified() => {}
                () = tokio::time::sleep_until(deadline.into()) => return,
                event = self.editor_events.recv() => match event {
                    // A line entered now is discarded: the session is over.
                    Some(EditorEvent::Prompt(PromptEvent::Line(_) | PromptEvent::Edit(_) | PromptEvent::Edited)) => self.reply(PromptReply::Leave),
                    _ => return,
                },
            }
        }
    }

    /// Returns the output that is not on the screen yet. If there is none, the editor could paint
    /// over later output: it is made to paint once more, and freezes before that paint.
    fn freeze(&self) -> String {
        let mut queue = self.output.lock();
        let unseen = queue.unseen();
        if unseen.is_empty() && LineState::is_set(&self.line.editing) {
            self.line.freeze_requested.store(true, Ordering::SeqCst);
            queue.push(INVISIBLE);
        }
        unseen
    }

    /// Writes the remaining output and restores the terminal. Returns whether the terminal accepted
    /// the output within `limit` and before `interrupted` is ready.
    pub(crate) async fn close(
        mut self,
        limit: Duration,
        interrupted: impl Future<Output = ()>,
    ) -> bool {
        // The editor would paint a chunk that it was handed over the output written below.
        self.flush(limit.min(BRIEF_LIMIT)).await;
        let line = &self.line;
        let is = |flag: &AtomicBool| LineState::is_set(flag);
        let deadline = Instant::now() + EDITOR_LIMIT;
        let wait = |done: &dyn Fn() -> bool| {
            while !done() && Instant::now() < deadline {
                thread::sleep(POLL_INTERVAL);
            }
        };
        if is(&line.editor_open) {
            external_editor::terminate(line);
            wait(&|| !is(&line.editor_open));
        }
        // An editor about to acquire the terminal would change its modes after they are restored.
        wait(&|| !is(&line.editing) || is(&line.ready));
        let unseen = self.freeze();
        line.wake_printer();
        if is(&line.freeze_requested) {
            wait(&|| !is(&line.editing) || is(&line.frozen) || is(&line.searching));
        }
        let mut end = String::new();
        if is(&line.editing) {
            // Disables bracketed paste, erases an empty prompt and keeps a partly typed line.
            end.push_str("\x1b[?2004l");
            let text = line.prompt_text();
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
        self.modes.restore();
        tokio::select! {
            biased;
            shown = write_within(&end, limit) => shown.unwrap_or(false),
            () = interrupted => false,
        }
    }
}

/// Binds a key to a handler, except within a paste.
fn bind(
    editor: &mut Editor<Assistant, FileHistory>,
    paste: &Paste,
    key: impl Into<Event>,
    handler: impl ConditionalEventHandler + 'static,
) {
    let handler = OutsidePaste(paste.clone(), handler);
    editor.bind_sequence(key, EventHandler::Conditional(Box::new(handler)));
}

/// Installs a panic hook that restores the terminal modes.
fn restore_on_panic(modes: TerminalModes) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        modes.restore();
        limit_writing_at_end();
        write("\x1b[?2004l\r\n");
        previous(panic);
    }));
}

/// Text that leaves the screen unchanged: cursor up, line feed. The line feed is required, because
/// the editor adds one to text that lacks it.
const INVISIBLE: &str = "\x1b[A\n";
/// The descriptors of the editor: a pipe to the printer, a pair of sockets for SIGWINCH, and those of
/// the history file and its lock. It fails on its own thread, when it is too late to say so.
const PROMPT_DESCRIPTORS: usize = 6;
/// The time allowed for a slow terminal to show the remaining output.
pub(crate) const SLOW_LIMIT: Duration = Duration::from_secs(10);
/// The time allowed for the remaining output when the process must end soon.
pub(crate) const BRIEF_LIMIT: Duration = Duration::from_millis(500);
/// The time allowed for the editor to acquire or release the terminal.
const EDITOR_LIMIT: Duration = Duration::from_secs(1);
/// The time in which an Esc key may turn out to begin a key sequence, as in readline.
const ESC_LIMIT_MS: u16 = 500;
const POLL_INTERVAL: Duration = Duration::from_millis(1);
