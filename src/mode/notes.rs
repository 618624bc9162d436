//! Notes about clients and lines about their frames, on stderr or above the input line. They never
//! hold up the server.

use crate::{
    console::screen::{fold, whole_screen},
    error::Error,
    redact::Shown,
    report::{Report, Verbosity},
    sink::Print,
    sys::stdio::{offer_stderr, write_stderr},
};
use colored::Colorize as _;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// Writes notes.
pub(super) struct Notes {
    pub(super) report: Report,
    /// Prints above the prompt, if there is one.
    print: Option<Print>,
    waiting: Mutex<Waiting>,
    /// Notified when lines begin to wait.
    held_up: Notify,
}

/// The lines that a slow reader of stderr has not taken.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    dropped: usize,
}

impl Notes {
    pub(super) fn new(report: Report, print: Option<Print>) -> Self {
        Self { report, print, waiting: Mutex::default(), held_up: Notify::new() }
    }

    /// Writes a note, unless quiet.
    pub(super) fn note(&self, text: &str) {
        if self.report.verbosity >= Verbosity::Normal {
            self.write(&self.line(text));
        }
    }

    /// Writes a note about a client, unless quiet. Above a prompt it is dimmed.
    pub(super) fn event(&self, text: &str) {
        match &self.print {
            Some(print) if self.report.verbosity >= Verbosity::Normal => {
                let text = self.report.secrets.shown(text);
                print(&fold(text.as_str(), whole_screen().columns).dimmed().to_string());
            }
            Some(_) => {}
            None => self.note(text),
        }
    }

    /// Writes an error, even if quiet.
    pub(super) fn error(&self, text: &str) {
        self.write(&self.line(text));
    }

    /// Joins the outcome of a run with that of its recordings. A fault of a recording that does not decide
    /// the status is told: data was lost.
    pub(super) fn joined<T>(
        &self,
        outcome: Result<T, Error>,
        recorded: Result<(), Error>,
    ) -> Result<T, Error> {
        if let (Err(_), Err(error)) = (&outcome, &recorded) {
            self.error(error.shown().as_str());
        }
        outcome.and_then(|outcome| recorded.map(|()| outcome))
    }

    /// Writes a progress line, with `-v`.
    pub(super) fn detail(&self, text: &str) {
        if self.is_verbose() {
            let text = self.report.secrets.shown(&format!("* {text}"));
            self.write(&self.report.dated(&text, Instant::now()));
        }
    }

    /// Writes lines that are shown with `-v`.
    pub(super) fn details(&self, lines: &[Shown]) {
        for line in lines.iter().filter(|_| self.is_verbose()) {
            self.write(&self.report.dated(line, Instant::now()));
        }
    }

    /// Reports whether there is a prompt.
    pub(super) fn has_prompt(&self) -> bool {
        self.print.is_some()
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.report.verbosity >= Verbosity::Verbose
    }

    /// Returns a line. Above a prompt, it is clear whose it is.
    fn line(&self, text: &str) -> Shown {
        let name = if self.has_prompt() { "" } else { "sockeye: " };
        self.report.secrets.shown(&format!("{name}{text}"))
    }

    fn write(&self, text: &Shown) {
        match &self.print {
            Some(print) => print(&fold(text.as_str(), whole_screen().columns)),
            None => self.offer(text.as_str()),
        }
    }

    /// Writes lines, whose text is safe to show, to stderr.
    pub(super) fn offer(&self, lines: &str) {
        let mut waiting = self.lock();
        let was_empty = waiting.lines.is_empty();
        if waiting.lines.len() < LIMIT_BYTES {
            waiting.tell_dropped();
            waiting.lines.extend_from_slice(lines.as_bytes());
            waiting.lines.push(b'\n');
        } else {
            waiting.dropped += lines.lines().count();
        }
        waiting.write();
        if was_empty && !waiting.lines.is_empty() {
            self.held_up.notify_one();
        }
    }

    /// Waits until a line has to wait. [`Self::flush`] is to be called then until it returns true.
    pub(super) async fn held_up(&self) {
        self.held_up.notified().await;
    }

    /// Writes what waits for stderr. Returns false if something still waits.
    pub(super) fn flush(&self) -> bool {
        let mut waiting = self.lock();
        waiting.write();
        if waiting.lines.is_empty() {
            waiting.tell_dropped();
            waiting.write();
        }
        waiting.lines.is_empty()
    }

    /// Writes what waits for stderr, and waits for a slow reader as at the end of a run.
    pub(super) fn finish(&self) {
        let mut waiting = self.lock();
        waiting.tell_dropped();
        write_stderr(&std::mem::take(&mut waiting.lines));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn tell_dropped(&mut self) {
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            let line = format!("sockeye: {dropped} lines were dropped here\n");
            self.lines.extend(line.into_bytes());
        }
    }

    fn write(&mut self) {
        if !self.lines.is_empty() {
            let taken = offer_stderr(&self.lines);
            self.lines.drain(..taken.min(self.lines.len()));
        }
    }
}

/// The number of bytes that wait for stderr at most, and the lines of one call more.
const LIMIT_BYTES: usize = 256 << 10;
