//! What is printed above the line.

use super::line::Line;
use rustyline::ExternalPrinter;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// What is to be printed.
#[derive(Default)]
pub(super) struct Output {
    state: Mutex<Waiting>,
    pub(super) changed: Condvar,
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
    pub(super) fn print(&self, text: &str) {
        let mut waiting = self.lock();
        waiting.text.push_str(text);
        if !text.ends_with('\n') {
            waiting.text.push('\n');
        }
        self.changed.notify_one();
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
        self.changed.notify_one();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The printer's thread: hands over all that has gathered in one go, which keeps up with a flood
/// that single lines would not.
pub(super) fn show(mut printer: impl ExternalPrinter, output: &Output, line: &Line) {
    let _ = line.printer.set(thread::current());
    loop {
        let mut waiting = output.lock();
        waiting.handed.clear();
        output.taken.notify_one();
        while waiting.text.is_empty() || waiting.held {
            waiting = output.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.handed = std::mem::take(&mut waiting.text);
        let text = waiting.handed.clone();
        drop(waiting);
        output.taken.notify_one();
        let before = line.painted.load(Ordering::SeqCst);
        let edits = Line::is(&line.entered);
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

/// Bytes waiting to be printed at which nothing more is read.
const FULL: usize = 256 << 10;
/// How long the editor may take to paint.
const PAINT: Duration = Duration::from_millis(100);
