//! The queue of output to print above the line, and the thread that prints it.

use super::line_state::LineState;
use crate::session::backlog::Backlog;
use rustyline::ExternalPrinter;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
};
use tokio::{sync::Notify, time::timeout_at};

/// The queue of output to print.
pub(super) struct PrintQueue {
    line: Arc<LineState>,
    state: Mutex<QueueState>,
    /// Notified when a chunk leaves the queue and when it is on the screen.
    pub(super) progress: Notify,
}

pub(super) struct QueueState {
    /// Groups of lines, each handed to the editor at once.
    chunks: VecDeque<String>,
    /// The total size of `chunks`.
    bytes: usize,
    /// The chunk handed to the editor that is not on the screen yet.
    in_flight: String,
    /// True while another program owns the terminal.
    held: bool,
    /// The number of prints since the queue was too long for them.
    dropped: u64,
    backlog: Backlog,
}

impl Default for QueueState {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            bytes: 0,
            in_flight: String::new(),
            held: false,
            dropped: 0,
            backlog: Backlog::new(PRINT_LIMIT_BYTES),
        }
    }
}

impl QueueState {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.in_flight.is_empty()
    }

    /// Returns the output that is not on the screen yet.
    pub(super) fn unseen(&self) -> String {
        let chunks = self.chunks.iter().map(String::as_str);
        std::iter::once(self.in_flight.as_str()).chain(chunks).collect()
    }

    pub(super) fn push(&mut self, mut text: &str) {
        self.backlog.wrote(false);
        while !text.is_empty() {
            let start = text.as_bytes().get(..CHUNK_BYTES).unwrap_or_default();
            // A line is never split, whatever its length.
            let end = memchr::memrchr(b'\n', start)
                .filter(|_| text.len() > CHUNK_BYTES)
                .or_else(|| {
                    memchr::memchr(b'\n', text.as_bytes()).filter(|_| text.len() > CHUNK_BYTES)
                })
                .map_or(text.len(), |at| at + 1);
            let (chunk, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            match self.chunks.back_mut() {
                Some(last) if last.len() + chunk.len() <= CHUNK_BYTES => last.push_str(chunk),
                _ => self.chunks.push_back(chunk.to_owned()),
            }
            self.bytes += chunk.len();
            text = rest;
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.backlog.limit()
    }

    /// Records that a chunk is on the screen.
    fn shown(&mut self) {
        self.in_flight.clear();
        if self.chunks.is_empty() {
            self.backlog.wrote(true);
        } else {
            self.backlog.progressed();
        }
    }

    fn take(&mut self) -> String {
        let chunk = self.chunks.pop_front().unwrap_or_default();
        self.bytes -= chunk.len();
        chunk
    }
}

impl PrintQueue {
    pub(super) fn new(line: Arc<LineState>) -> Self {
        Self { line, state: Mutex::default(), progress: Notify::default() }
    }

    /// Queues a text, unless far more waits than the sources that can wait ever leave: notes about
    /// peers do not wait.
    pub(super) fn print(&self, text: &str) {
        let mut queue = self.lock();
        if queue.bytes >= DROP_LIMIT_BYTES {
            queue.dropped += 1;
            return;
        }
        if queue.dropped > 0 {
            let dropped = std::mem::take(&mut queue.dropped);
            queue.push(&format!("({dropped} notes were dropped here)\n"));
        }
        queue.push(text);
        if !text.ends_with('\n') {
            queue.push("\n");
        }
        drop(queue);
        self.line.wake_printer();
    }

    /// Reports whether the queue has reached its limit, at which reading from the sources of output
    /// stops.
    pub(super) fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    /// Waits until the queue is below its limit, which is raised if the terminal shows nothing for
    /// a while.
    pub(super) async fn room(&self) {
        loop {
            let extends_at = {
                let mut queue = self.lock();
                queue.backlog.extend();
                if !queue.is_full() {
                    return;
                }
                queue.backlog.extends_at()
            };
            let progress = self.progress.notified();
            match extends_at {
                // Either way, the queue is looked at again.
                Some(at) => drop(timeout_at(at.into(), progress).await),
                None => progress.await,
            }
        }
    }

    /// Stops or resumes printing.
    pub(super) fn set_held(&self, held: bool) {
        self.lock().held = held;
        self.line.wake_printer();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the printer thread, which hands queued output to the editor in chunks. Single lines could
/// not keep up with a flood; larger chunks would delay the keys. Output is handed over only while
/// the editor has painted its line: while a line begins or ends, the editor would write the output
/// into it.
pub(super) fn run_printer(mut printer: impl ExternalPrinter, output: &PrintQueue) {
    let line = &output.line;
    let _ = line.printer.set(thread::current());
    loop {
        output.lock().shown();
        output.progress.notify_one();
        let before = loop {
            let handover = line.lock_handover();
            let mut queue = output.lock();
            if queue.chunks.is_empty() || queue.held || !line.accepts_output() {
                drop((queue, handover));
                thread::park();
                continue;
            }
            queue.in_flight = queue.take();
            let text = queue.in_flight.clone();
            drop(queue);
            let before = line.paint_count.load(Ordering::SeqCst);
            // Does not block: the editor has already painted the previous chunk.
            if printer.print(text).is_err() {
                return;
            }
            break before;
        };
        output.progress.notify_one();
        // The chunk is on the screen once the editor has painted a line below it.
        while line.paint_count.load(Ordering::SeqCst) == before {
            thread::park();
        }
    }
}

/// The size of the queue at which reading from the sources of output stops while the terminal keeps
/// up.
const PRINT_LIMIT_BYTES: usize = 256 << 10;
/// The largest chunk, unless a single line is longer.
const CHUNK_BYTES: usize = 32 << 10;
/// The length of the queue at which even notes are dropped.
const DROP_LIMIT_BYTES: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testbed;
    use std::time::Duration;

    /// Once reading stopped at the first limit, and pings of the peer were not answered.
    #[test]
    fn a_terminal_that_shows_nothing_for_a_while_may_be_behind_by_more() {
        testbed::run(async {
            let queue = PrintQueue::new(Arc::default());
            let line = format!("{}\n", "x".repeat(999));
            // Returns the number of lines printed until the queue is full.
            let fill = || {
                let mut lines = 0;
                while !queue.is_full() {
                    queue.print(&line);
                    lines += 1;
                }
                lines
            };
            assert_eq!(fill(), PRINT_LIMIT_BYTES.div_ceil(1000));
            // A chunk on the screen postpones it.
            tokio::time::advance(Duration::from_millis(90)).await;
            let chunk = queue.lock().take();
            queue.lock().shown();
            assert!(!queue.is_full());
            queue.print(&chunk);
            let before = tokio::time::Instant::now();
            queue.room().await;
            assert_eq!(before.elapsed(), Duration::from_millis(100));
            let more = fill() * 1000;
            assert!((7 << 20..9 << 20).contains(&more), "{more}");
            // Below the limit there is room without waiting.
            queue.lock().take();
            queue.room().await;
            assert_eq!(before.elapsed(), Duration::from_millis(100));
            while !queue.lock().chunks.is_empty() {
                queue.lock().take();
            }
            queue.lock().shown();
            assert_eq!(fill(), PRINT_LIMIT_BYTES.div_ceil(1000));
        });
    }

    #[test]
    fn notes_are_dropped_and_counted_when_nothing_is_printed_for_long() {
        let queue = PrintQueue::new(Arc::default());
        let note = "x".repeat((1 << 20) - 1);
        for _ in 0..40 {
            queue.print(&note);
        }
        assert!(queue.lock().bytes <= DROP_LIMIT_BYTES + note.len());
        queue.lock().take();
        while queue.lock().bytes > 0 {
            queue.lock().take();
        }
        queue.print("next");
        assert_eq!(queue.lock().unseen(), "(8 notes were dropped here)\nnext\n");
    }
}
