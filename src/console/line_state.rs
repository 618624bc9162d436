//! The state of the line being edited, shared between the threads of the console.

use super::{burst::Burst, prompt_look::PromptLook, unsent_line::UnsentLine};
use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// The state of the line being edited. The editor's helper updates it.
#[derive(Default)]
pub(super) struct LineState {
    /// A line is being edited or is about to be.
    pub(super) editing: AtomicBool,
    /// The editor owns the terminal and has painted the line.
    pub(super) ready: AtomicBool,
    pub(super) empty: AtomicBool,
    /// The user has typed something since the prompt was opened.
    pub(super) touched: AtomicBool,
    /// The line was accepted, and the editor is about to restore the terminal.
    pub(super) accepted: AtomicBool,
    /// The line was ended by Ctrl-C.
    pub(super) interrupted: AtomicBool,
    /// The line was ended by Ctrl-D although it is not empty.
    pub(super) eof_requested: AtomicBool,
    /// The line was ended to be opened in the external editor.
    pub(super) edit_requested: AtomicBool,
    /// The number of times that the line was painted.
    pub(super) paint_count: AtomicU64,
    /// The editor is searching the history and paints only the search.
    pub(super) searching: AtomicBool,
    /// The printer thread, which waits for output and for the editor to paint.
    pub(super) printer: OnceLock<Thread>,
    /// Held while the printer hands output to the editor.
    handover: Mutex<()>,
    /// The time at which the last handover began.
    handover_began: Mutex<Option<Instant>>,
    /// The editor thread must stop permanently before the next paint.
    pub(super) freeze_requested: AtomicBool,
    pub(super) frozen: AtomicBool,
    /// An external editor owns the terminal.
    pub(super) editor_open: AtomicBool,
    /// The process id of the external editor, or 0.
    pub(super) editor_pid: AtomicI32,
    /// The prompt, followed by the line once frozen.
    prompt_text: Mutex<String>,
    /// The most recent content of the line.
    content: Mutex<String>,
    /// The look of the next prompt.
    look: Mutex<PromptLook>,
    pub(super) burst: Burst,
    pub(super) unsent: UnsentLine,
}

impl LineState {
    pub(super) fn is_set(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }

    /// Records that the last key did not end the line.
    pub(super) fn continue_editing(&self) {
        self.accepted.store(false, Ordering::SeqCst);
        self.interrupted.store(false, Ordering::SeqCst);
        self.eof_requested.store(false, Ordering::SeqCst);
        self.edit_requested.store(false, Ordering::SeqCst);
    }

    /// Records the content of the line.
    pub(super) fn record(&self, content: &str) {
        content.clone_into(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner));
        self.empty.store(content.is_empty(), Ordering::SeqCst);
        if !content.is_empty() {
            self.touched.store(true, Ordering::SeqCst);
        }
    }

    /// Records that the editor is about to paint the line. Never returns if a freeze was requested.
    pub(super) fn before_paint(&self, content: &str) {
        self.record(content);
        if Self::is_set(&self.searching) {
            return;
        }
        if Self::is_set(&self.freeze_requested) {
            self.prompt_text().push_str(content);
            self.frozen.store(true, Ordering::SeqCst);
            loop {
                thread::park();
            }
        }
        self.ready.store(true, Ordering::SeqCst);
        self.paint_count.fetch_add(1, Ordering::SeqCst);
        self.wake_printer();
    }

    /// Records that the editor accepts the line. The editor is handed no output until it reads the
    /// next line, since it would write the output into the accepted one.
    pub(super) fn accept(&self) {
        self.accepted.store(true, Ordering::SeqCst);
        // A handover in progress either ends very soon or waits for the editor. If it waits, the
        // output can no longer end up in the line.
        for _ in 0..HANDOVER_POLLS {
            if self.handover.try_lock().is_ok() || self.handover_waits() {
                return;
            }
            thread::sleep(HANDOVER_POLL_INTERVAL);
        }
    }

    /// Reports whether the handover in progress waits for the editor, which prefers keys.
    fn handover_waits(&self) -> bool {
        let began = self.handover_began.lock().unwrap_or_else(PoisonError::into_inner);
        began.is_some_and(|began| began.elapsed() > HANDOVER_LIMIT)
    }

    /// Reports whether the editor can be handed output.
    pub(super) fn accepts_output(&self) -> bool {
        Self::is_set(&self.ready) && !Self::is_set(&self.accepted)
    }

    /// Locks the handover of output to the editor.
    pub(super) fn lock_handover(&self) -> MutexGuard<'_, ()> {
        // First, so that a handover in progress never has the time of the one before it.
        *self.handover_began.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.handover.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the printer thread, which then checks the state again.
    pub(super) fn wake_printer(&self) {
        if let Some(printer) = self.printer.get() {
            printer.unpark();
        }
    }

    /// Returns the most recent content of the line.
    pub(super) fn content(&self) -> String {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn look(&self) -> PromptLook {
        *self.look.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_look(&self, look: PromptLook) {
        *self.look.lock().unwrap_or_else(PoisonError::into_inner) = look;
    }

    pub(super) fn prompt_text(&self) -> MutexGuard<'_, String> {
        self.prompt_text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of polls for the end of a handover.
const HANDOVER_POLLS: u32 = 20;
/// A handover that takes longer waits for the editor.
const HANDOVER_LIMIT: Duration = Duration::from_millis(5);
const HANDOVER_POLL_INTERVAL: Duration = Duration::from_micros(50);
