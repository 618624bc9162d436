//! The line being typed, and everything that is printed above it.
//!
//! rustyline blocks a thread and owns the terminal while a line is edited, so there is one thread
//! for it as long as the process lives (it cannot be stopped: the process ends around it) and one
//! that hands it what is to be printed. Both are written to and read from without blocking.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{
    Cmd, ColorMode, ConditionalEventHandler, Config, Editor, Event, EventContext, EventHandler,
    ExternalPrinter, Helper, KeyEvent, RepeatCount, completion::Completer, config::Configurer as _,
    error::ReadlineError, highlight::Highlighter, hint::Hinter, history::FileHistory,
    validate::Validator,
};
use std::{
    borrow::Cow,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc as sync,
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, mpsc};

/// What a person did at the prompt.
#[derive(Debug)]
pub(super) enum Typed {
    /// A line, or several pasted at once.
    Line(String),
    /// Ctrl-C; whether there was something on the line.
    Interrupted {
        /// Nothing had been typed.
        empty: bool,
    },
    /// Ctrl-D on an empty line.
    Eof,
    /// The terminal is no longer there.
    Gone,
}

/// What the prompt does after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Asks for another.
    Prompt,
    /// Shows no prompt any more: we are leaving.
    Leave,
}

/// A prompt at the bottom of the terminal.
pub(super) struct Prompt {
    typed: mpsc::Receiver<Typed>,
    next: sync::Sender<Next>,
    output: Arc<Output>,
    line: Arc<Line>,
    found: Option<Termios>,
}

/// What is to be printed.
#[derive(Default)]
struct Output {
    state: Mutex<Waiting>,
    changed: Condvar,
    /// There is room again, or nothing is left.
    taken: Notify,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// Given to the editor, and not seen on the screen yet.
    handed: String,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.handed.is_empty()
    }
}

/// What the editor is doing, told by the helper that it calls.
#[derive(Default)]
struct Line {
    /// A line is being edited, or is about to be.
    editing: AtomicBool,
    /// The editor has the terminal: it has painted the line.
    entered: AtomicBool,
    empty: AtomicBool,
    /// The line ended by Ctrl-C.
    interrupted: AtomicBool,
    painted: AtomicU64,
    /// The editor searches its history, and paints no more than that until it has found.
    searching: AtomicBool,
    /// The printer, which waits for the editor to paint.
    printer: OnceLock<Thread>,
    /// The editor is to stop for ever before it paints again.
    freeze: AtomicBool,
    /// It has.
    frozen: AtomicBool,
    /// The prompt; once frozen, with what is typed behind it.
    text: Mutex<String>,
}

impl Prompt {
    /// Opens the prompt below a first line; `history` is the file it is kept in.
    pub(super) fn open(first: &str, history: Option<PathBuf>) -> io::Result<Self> {
        let found = tcgetattr(io::stdin()).ok();
        let line = Arc::new(Line::default());
        line.editing.store(true, Ordering::SeqCst);
        let mut stdout = io::stdout();
        writeln!(stdout, "{first}").and_then(|()| stdout.flush())?;
        let config = Config::builder()
            .history_ignore_space(true)
            // The helper is asked only where colours are; it adds none itself.
            .color_mode(ColorMode::Forced)
            .build();
        let mut editor = Editor::with_config(config).map_err(io::Error::other)?;
        // An end in the middle of an update would leave the terminal waiting for the rest.
        editor.enable_synchronized_output(false);
        editor.set_helper(Some(Watcher(Arc::clone(&line))));
        let interrupt = EventHandler::Conditional(Box::new(Watcher(Arc::clone(&line))));
        editor.bind_sequence(KeyEvent::ctrl('C'), interrupt);
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let output = Arc::new(Output::default());
        let (typed_to, typed) = mpsc::channel(1);
        let (next, next_from) = sync::channel();
        thread::Builder::new().name("prompt".into()).spawn({
            let line = Arc::clone(&line);
            move || edit(editor, history.as_deref(), &line, &typed_to, &next_from)
        })?;
        thread::Builder::new().name("printer".into()).spawn({
            let (output, line) = (Arc::clone(&output), Arc::clone(&line));
            move || show(printer, &output, &line)
        })?;
        Ok(Self { typed, next, output, line, found })
    }

    /// What is typed next. Each line wants an answer by [`Self::next`].
    pub(super) async fn typed(&mut self) -> Typed {
        self.typed.recv().await.unwrap_or(Typed::Gone)
    }

    /// Goes on after a line.
    pub(super) fn next(&self, next: Next) {
        // Said here, not by the thread: from now on the terminal is to be waited for.
        self.line.entered.store(false, Ordering::SeqCst);
        self.line.editing.store(true, Ordering::SeqCst);
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
        self.output.lock().text.len() >= FULL
    }

    /// Waits until there is room again.
    pub(super) async fn room(&self) {
        while self.is_full() {
            self.output.taken.notified().await;
        }
    }

    /// Waits until all that was printed is on the screen; not while the editor searches, when
    /// nothing can be. A person who has seen enough of a slow terminal says so with a key.
    pub(super) async fn flush(&mut self) {
        let deadline = Instant::now() + SLOW;
        while !self.output.lock().is_empty() && !self.line.searching.load(Ordering::SeqCst) {
            tokio::select! {
                () = self.output.taken.notified() => {}
                () = tokio::time::sleep_until(deadline.into()) => return,
                typed = self.typed.recv() => match typed {
                    // Too late to be sent.
                    Some(Typed::Line(_)) => self.next(Next::Leave),
                    _ => return,
                },
            }
        }
    }

    /// Leaves the terminal as it was found, below all that is not on the screen yet.
    pub(super) fn close(self) {
        let line = &self.line;
        let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        let deadline = Instant::now() + PATIENCE;
        let wait = |done: &dyn Fn() -> bool| {
            while is(&line.editing) && !done() && Instant::now() < deadline {
                thread::sleep(TICK);
            }
        };
        // An editor that is about to take the terminal would have it after we gave it back.
        wait(&|| is(&line.entered));
        let mut waiting = self.output.lock();
        let unseen = format!("{}{}", waiting.handed, waiting.text);
        if unseen.is_empty() && is(&line.editing) {
            // One that paints would do so over what comes now: it is made to paint once more, and
            // stopped there.
            line.freeze.store(true, Ordering::SeqCst);
            waiting.text.push_str(NOTHING);
            self.output.changed.notify_one();
        }
        drop(waiting);
        wait(&|| is(&line.frozen) || is(&line.searching));
        let mut end = String::new();
        if is(&line.editing) {
            // Bracketed paste off; an empty prompt goes, a line begun stays readable.
            end.push_str("\x1b[?2004l");
            let text = line.lock_text();
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
        if let Some(found) = &self.found {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, found);
        }
        let mut stdout = io::stdout();
        let _ = stdout.write_all(end.as_bytes()).and_then(|()| stdout.flush());
    }
}

impl Line {
    /// The editor is about to paint.
    fn paints(&self, typed: &str) {
        self.empty.store(typed.is_empty(), Ordering::SeqCst);
        if self.searching.load(Ordering::SeqCst) {
            return;
        }
        if self.freeze.load(Ordering::SeqCst) {
            self.lock_text().push_str(typed);
            self.frozen.store(true, Ordering::SeqCst);
            loop {
                thread::park();
            }
        }
        self.entered.store(true, Ordering::SeqCst);
        self.painted.fetch_add(1, Ordering::SeqCst);
        if let Some(printer) = self.printer.get() {
            printer.unpark();
        }
    }

    fn lock_text(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    fn print(&self, text: &str) {
        let mut waiting = self.lock();
        waiting.text.push_str(text);
        if !text.ends_with('\n') {
            waiting.text.push('\n');
        }
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The prompt's thread.
fn edit(
    mut editor: Editor<Watcher, FileHistory>,
    history: Option<&Path>,
    line: &Line,
    to: &mpsc::Sender<Typed>,
    next: &sync::Receiver<Next>,
) {
    if let Some(path) = history {
        // None yet, or not readable: typing is more important.
        let _ = editor.load_history(path);
    }
    let mut prompt = "> ";
    loop {
        line.empty.store(true, Ordering::SeqCst);
        let read = editor.readline(prompt);
        line.editing.store(false, Ordering::SeqCst);
        let typed = match read {
            Ok(text) if line.interrupted.swap(false, Ordering::SeqCst) => {
                Typed::Interrupted { empty: text.is_empty() }
            }
            Ok(text) => {
                let kept = !text.is_empty() && editor.add_history_entry(&text).unwrap_or(false);
                if let Some(path) = history
                    && kept
                {
                    let _ = editor.append_history(path);
                }
                Typed::Line(text)
            }
            Err(ReadlineError::Interrupted) => {
                Typed::Interrupted { empty: line.empty.load(Ordering::SeqCst) }
            }
            Err(ReadlineError::Eof) if tcgetattr(io::stdin()).is_ok() => Typed::Eof,
            Err(_) => {
                let _ = to.blocking_send(Typed::Gone);
                return;
            }
        };
        if to.blocking_send(typed).is_err() {
            return;
        }
        match next.recv() {
            Ok(Next::Prompt) => {}
            // The editor goes on without a prompt: it shows what it has been handed.
            Ok(Next::Leave) => prompt = "",
            Err(_) => return,
        }
    }
}

/// The printer's thread: hands over all that has gathered in one go, which keeps up with a flood
/// that single lines would not.
fn show(mut printer: impl ExternalPrinter, output: &Output, line: &Line) {
    let _ = line.printer.set(thread::current());
    loop {
        let mut waiting = output.lock();
        waiting.handed.clear();
        output.taken.notify_one();
        while waiting.text.is_empty() {
            waiting = output.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.handed = std::mem::take(&mut waiting.text);
        let text = waiting.handed.clone();
        drop(waiting);
        output.taken.notify_one();
        let before = line.painted.load(Ordering::SeqCst);
        let edits = line.entered.load(Ordering::SeqCst);
        if printer.print(text).is_err() {
            return;
        }
        // It is on the screen when the editor has painted its line again below it. Without an
        // editor it has been written; one that is just coming may have it still.
        let deadline = Instant::now() + PAINT;
        while line.painted.load(Ordering::SeqCst) == before && (edits || Instant::now() < deadline)
        {
            thread::park_timeout(PAINT);
        }
    }
}

/// Learns from the editor's own calls what is on the line.
struct Watcher(Arc<Line>);

impl Highlighter for Watcher {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        self.0.paints(line);
        Cow::Borrowed(line)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        default: bool,
    ) -> Cow<'b, str> {
        self.0.searching.store(!default, Ordering::SeqCst);
        prompt.clone_into(&mut self.0.lock_text());
        Cow::Borrowed(prompt)
    }

    fn highlight_char(&self, line: &str, _: usize, _: rustyline::highlight::CmdKind) -> bool {
        self.0.empty.store(line.is_empty(), Ordering::SeqCst);
        false
    }
}

/// Ctrl-C ends the line as Enter does: the editor's own way drops what is typed ahead.
impl ConditionalEventHandler for Watcher {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.interrupted.store(true, Ordering::SeqCst);
        Some(Cmd::AcceptLine)
    }
}

impl Completer for Watcher {
    type Candidate = String;
}

impl Hinter for Watcher {
    type Hint = String;
}

impl Validator for Watcher {}

impl Helper for Watcher {}

/// Where history is kept: `SOCKEYE_HISTORY`, or the XDG state directory.
pub(super) fn history_file() -> Option<PathBuf> {
    let path = match std::env::var_os("SOCKEYE_HISTORY") {
        Some(off) if off == "off" || off.is_empty() => return None,
        Some(path) => PathBuf::from(path),
        None => {
            let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let state = state.filter(|path| path.is_absolute()).or_else(|| {
                std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"))
            })?;
            state.join("sockeye").join("history")
        }
    };
    private(&path).ok()?;
    Some(path)
}

/// Makes the file, readable by its owner only.
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

/// Bytes waiting to be printed at which nothing more is read.
const FULL: usize = 256 << 10;
/// Text that changes nothing on the screen: a line up, a line down. (Text without a line end gets one.)
const NOTHING: &str = "\x1b[A\n";
/// How long a slow terminal may take to show the last of it.
const SLOW: Duration = Duration::from_secs(10);
/// How long an editor may take to have the terminal.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the editor may take to paint.
const PAINT: Duration = Duration::from_millis(100);
/// How often that is looked at.
const TICK: Duration = Duration::from_millis(1);
