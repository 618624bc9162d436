//! What the editor is doing, told by the helper that it calls.

use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

/// The line being typed, as far as others must know of it.
#[derive(Default)]
pub(super) struct Line {
    /// A line is being edited, or is about to be.
    pub(super) editing: AtomicBool,
    /// The editor has the terminal: it has painted the line.
    pub(super) entered: AtomicBool,
    pub(super) empty: AtomicBool,
    /// Something has been typed, ever.
    pub(super) touched: AtomicBool,
    /// The line has been accepted: the editor gives the terminal back.
    pub(super) ends: AtomicBool,
    /// The line ended by Ctrl-C.
    pub(super) interrupted: AtomicBool,
    pub(super) painted: AtomicU64,
    /// The editor searches its history, and paints no more than that until it has found.
    pub(super) searching: AtomicBool,
    /// The printer, which waits for something to print, and for the editor to paint.
    pub(super) printer: OnceLock<Thread>,
    handing: Mutex<()>,
    /// The editor is to stop for ever before it paints again.
    pub(super) freeze: AtomicBool,
    /// It has.
    pub(super) frozen: AtomicBool,
    /// An external editor has the terminal.
    pub(super) editor_open: AtomicBool,
    /// Its process id; 0: there is none.
    pub(super) editor_pid: AtomicI32,
    /// The prompt; once frozen, with what is typed behind it.
    text: Mutex<String>,
    /// What was on the line last.
    typed: Mutex<String>,
}

impl Line {
    /// Whether this holds now.
    pub(super) fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }

    /// The line is edited on, whatever was pressed.
    pub(super) fn goes_on(&self) {
        self.ends.store(false, Ordering::SeqCst);
        self.interrupted.store(false, Ordering::SeqCst);
    }

    /// Notes what is on the line.
    pub(super) fn holds(&self, typed: &str) {
        typed.clone_into(&mut self.typed.lock().unwrap_or_else(PoisonError::into_inner));
        self.empty.store(typed.is_empty(), Ordering::SeqCst);
        if !typed.is_empty() {
            self.touched.store(true, Ordering::SeqCst);
        }
    }

    /// The editor is about to paint.
    pub(super) fn paints(&self, typed: &str) {
        self.holds(typed);
        if Self::is(&self.searching) {
            return;
        }
        if Self::is(&self.freeze) {
            self.text().push_str(typed);
            self.frozen.store(true, Ordering::SeqCst);
            loop {
                thread::park();
            }
        }
        self.entered.store(true, Ordering::SeqCst);
        self.painted.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// The editor accepts the line: it is handed nothing more until it asks for the next one, for
    /// that would be written beside the line.
    pub(super) fn ends(&self) {
        self.ends.store(true, Ordering::SeqCst);
        // Who hands something over now is nearly done, or waits for the editor: then it is too late
        // to go wrong.
        for _ in 0..TRIES {
            if self.handing.try_lock().is_ok() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether the editor takes what is to be printed.
    pub(super) fn takes(&self) -> bool {
        Self::is(&self.entered) && !Self::is(&self.ends)
    }

    /// Held while the editor is handed something.
    pub(super) fn handing(&self) -> MutexGuard<'_, ()> {
        self.handing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The printer has something to do, or may go on.
    pub(super) fn wake(&self) {
        if let Some(printer) = self.printer.get() {
            printer.unpark();
        }
    }

    /// What was on the line last.
    pub(super) fn typed(&self) -> String {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What stands before the line, or is to.
    pub(super) fn text(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often the printer is looked for.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_micros(50);
