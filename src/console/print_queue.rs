//! Text that waits to be printed above the line.

use super::line::Line;
use rustyline::ExternalPrinter;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
};
use tokio::sync::Notify;

/// Text that waits to be printed.
pub(super) struct PrintQueue {
    line: Arc<Line>,
    state: Mutex<Waiting>,
    /// There is room again, or nothing is left.
    pub(super) taken: Notify,
}

#[derive(Default)]
pub(super) struct Waiting {
    /// Lines, so many together as the editor is handed at a time.
    pieces: VecDeque<String>,
    bytes: usize,
    /// Given to the editor, and not seen on the screen yet.
    handed: String,
    /// Another program has the terminal.
    held: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.handed.is_empty()
    }

    /// What is not on the screen yet.
    pub(super) fn unseen(&self) -> String {
        let pieces = self.pieces.iter().map(String::as_str);
        std::iter::once(self.handed.as_str()).chain(pieces).collect()
    }

    pub(super) fn push(&mut self, mut text: &str) {
        while !text.is_empty() {
            let start = text.as_bytes().get(..PIECE).unwrap_or_default();
            // A line is not cut, however long it is.
            let end = memchr::memrchr(b'\n', start)
                .filter(|_| text.len() > PIECE)
                .or_else(|| memchr::memchr(b'\n', text.as_bytes()).filter(|_| text.len() > PIECE))
                .map_or(text.len(), |at| at + 1);
            let (piece, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            match self.pieces.back_mut() {
                Some(last) if last.len() + piece.len() <= PIECE => last.push_str(piece),
                _ => self.pieces.push_back(piece.to_owned()),
            }
            self.bytes += piece.len();
            text = rest;
        }
    }

    fn take(&mut self) -> String {
        let piece = self.pieces.pop_front().unwrap_or_default();
        self.bytes -= piece.len();
        piece
    }
}

impl PrintQueue {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, state: Mutex::default(), taken: Notify::default() }
    }

    pub(super) fn print(&self, text: &str) {
        let mut waiting = self.lock();
        waiting.push(text);
        if !text.ends_with('\n') {
            waiting.push("\n");
        }
        drop(waiting);
        self.line.wake();
    }

    /// Whether so much waits that nothing more should be read.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes >= PRINT_LIMIT_BYTES
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

/// The printer's thread: hands over what has gathered together, which keeps up with a flood that
/// single lines would not, but not so much that keys would have to wait for it. Only an editor that has painted takes it: one that begins or ends
/// would have it written into its line.
pub(super) fn show(mut printer: impl ExternalPrinter, output: &PrintQueue) {
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
            if waiting.pieces.is_empty() || waiting.held || !line.takes() {
                drop((waiting, handing));
                thread::park();
                continue;
            }
            waiting.handed = waiting.take();
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
const PRINT_LIMIT_BYTES: usize = 256 << 10;
/// Bytes that the editor is handed at a time.
const PIECE: usize = 32 << 10;
