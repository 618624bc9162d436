//! What the editor is doing, told by the helper that it calls.

use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Thread},
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
    /// The line ended by Ctrl-C.
    pub(super) interrupted: AtomicBool,
    pub(super) painted: AtomicU64,
    /// The editor searches its history, and paints no more than that until it has found.
    pub(super) searching: AtomicBool,
    /// The printer, which waits for the editor to paint.
    pub(super) printer: OnceLock<Thread>,
    /// The editor is to stop for ever before it paints again.
    pub(super) freeze: AtomicBool,
    /// It has.
    pub(super) frozen: AtomicBool,
    /// Another program has the terminal.
    pub(super) elsewhere: AtomicBool,
    /// The prompt; once frozen, with what is typed behind it.
    text: Mutex<String>,
}

impl Line {
    /// Whether this holds now.
    pub(super) fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }

    /// Notes what is on the line.
    pub(super) fn holds(&self, typed: &str) {
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
        if let Some(printer) = self.printer.get() {
            printer.unpark();
        }
    }

    /// What stands before the line, or is to.
    pub(super) fn text(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
