//! What is printed above the line.

use super::line::Line;
use rustyline::ExternalPrinter;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
};
use tokio::sync::Notify;

/// What is to be printed.
pub(super) struct Output {
    line: Arc<Line>,
    state: Mutex<Waiting>,
    /// There is room again, or nothing is left.
    pub(super) taken: Notify,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) text: String,
    /// Given to the editor, and not seen on the screen yet.
    pub(super) handed: String,
    /// Another program has the terminal.
    pub(super) held: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.handed.is_empty()
    }
}

impl Output {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, state: Mutex::default(), taken: Notify::default() }
    }

    pub(super) fn print(&self, text: &str) {
        let mut waiting = self.lock();
        waiting.text.push_str(text);
        if !text.ends_with('\n') {
            waiting.text.push('\n');
        }
        drop(waiting);
        self.line.wake();
    }

    /// Whether so much waits that nothing more should be read.
    pub(super) fn is_full(&self) -> bool {
        self.lock().text.len() >= FULL
    }

    /// Waits until less does.
    pub(super) async fn room(&self) {
        while self.is_full() {
            self.taken.notified().await;
        }
    }

    /// Prints nothing, or what has gathered meanwhile.
    pub(super) fn hold(&self, held: bool) {
        self.lock().held = held;
        self.line.wake();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The printer's thread: hands over all that has gathered in one go, which keeps up with a flood
/// that single lines would not. Only an editor that has painted takes it: one that begins or ends
/// would have it written into its line.
pub(super) fn show(mut printer: impl ExternalPrinter, output: &Output) {
    let line = &output.line;
    let _ = line.printer.set(thread::current());
    loop {
        let mut waiting = output.lock();
        waiting.handed.clear();
        drop(waiting);
        output.taken.notify_one();
        let before = loop {
            let handing = line.handing();
            let mut waiting = output.lock();
            if waiting.text.is_empty() || waiting.held || !line.takes() {
                drop((waiting, handing));
                thread::park();
                continue;
            }
            waiting.handed = std::mem::take(&mut waiting.text);
            let text = waiting.handed.clone();
            drop(waiting);
            let before = line.painted.load(Ordering::SeqCst);
            // It does not wait: the editor has painted what it was handed before.
            if printer.print(text).is_err() {
                return;
            }
            break before;
        };
        output.taken.notify_one();
        // It is on the screen when the editor has painted its line again below it, this one or the
        // next.
        while line.painted.load(Ordering::SeqCst) == before {
            thread::park();
        }
    }
}

/// Bytes waiting to be printed at which nothing more is read.
const FULL: usize = 256 << 10;
