//! `--output jsonl`: the events of a run as JSON Lines on stdout.

use super::{Interest, Outcome, Sink};
use crate::{
    connect::ClientConnection,
    error::Error,
    job::run_outcome::status,
    render::{buffer::OutputBuffer, jsonl::JsonLines},
    report::Report,
    session::SessionEvent,
    sys::stdio::Stdout,
};
use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Lines to be written to stdout. The sink appends to them; the pipe, which owns stdout, writes
/// them and stops reading from the network while the buffer is full. Clones share the lines.
#[derive(Clone)]
pub(crate) struct EventBuffer(Arc<Mutex<Events>>);

struct Events {
    buffer: OutputBuffer,
    /// True if received messages are written.
    shows: bool,
    /// True while stdout can be written.
    open: bool,
}

impl EventBuffer {
    /// Creates an empty buffer. Received messages are written only if `shows`.
    pub(crate) fn new(shows: bool) -> Self {
        let events = Events { buffer: OutputBuffer::default(), shows, open: true };
        Self(Arc::new(Mutex::new(events)))
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of buffered bytes.
    pub(crate) fn len(&self) -> usize {
        self.lock().buffer.ready().len()
    }

    /// Writes as much as possible without blocking.
    pub(crate) fn write(&self, stdout: &Stdout) -> io::Result<()> {
        let mut events = self.lock();
        if !events.buffer.ready().is_empty() {
            let n = stdout.write(events.buffer.ready())?;
            events.buffer.advance(n);
        }
        Ok(())
    }

    /// Makes room for the output that waits for a slow stdout.
    pub(crate) fn reserve_for_backlog(&self) {
        self.lock().buffer.reserve_for_backlog();
    }

    /// Discards all further received messages.
    pub(crate) fn hide(&self) {
        self.lock().shows = false;
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.lock().buffer.ready()).into_owned()
    }

    /// Discards the buffer and all further lines.
    pub(crate) fn abandon(&self) {
        let mut events = self.lock();
        events.open = false;
        events.buffer.clear();
    }
}

/// The sink of `--output jsonl`.
pub(super) struct JsonlOutput {
    events: EventBuffer,
    json: JsonLines,
}

impl JsonlOutput {
    pub(super) fn create(events: EventBuffer, report: Report) -> Box<dyn Sink> {
        let json = JsonLines::new(report.started, io::stdout().is_terminal(), report.secrets);
        Box::new(Self { events, json })
    }

    /// Appends to the buffer while stdout can be written.
    fn write(&mut self, write: impl FnOnce(&mut JsonLines, &mut OutputBuffer)) {
        let mut events = self.events.lock();
        if events.open {
            write(&mut self.json, &mut events.buffer);
        }
    }
}

impl Sink for JsonlOutput {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn opened(&mut self, opened: &ClientConnection) {
        self.write(|json, buffer| json.opened(opened, buffer));
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        let mut events = self.events.lock();
        match seen {
            SessionEvent::Bytes(..) | SessionEvent::Frame(..) => {}
            SessionEvent::Piece(_) if !events.shows => {}
            seen if events.open => self.json.seen(at, seen, &mut events.buffer),
            _ => {}
        }
    }

    fn gap(&mut self, error: &Error) {
        self.write(|json, buffer| json.gap(&error.to_string(), buffer));
    }

    fn conclude(&mut self, outcome: Outcome<'_>) {
        let Outcome { ended, stats, unsent } = outcome;
        let error = ended.as_ref().err();
        self.write(|json, buffer| json.end(error, status(ended), (stats, unsent), buffer));
    }
}
