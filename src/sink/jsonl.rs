//! `--output jsonl`: the events of a run as JSON Lines on stdout.

use super::{Interest, Outcome, Sink};
use crate::{
    connect::ClientConnection,
    decode::ContentDecoder,
    error::Error,
    job::run_outcome::status,
    proto::Leg,
    render::{buffer::OutputBuffer, jsonl::JsonLines, long_content::LongContent},
    report::Report,
    session::{SessionEvent, limits::QUEUE_LIMIT_BYTES},
    stored::WholeMessage,
    sys::stdio::Stdout,
};
use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// Lines to be written to stdout. The sink appends to them; the pipe, which owns stdout, writes
/// them and stops reading from the network while the buffer is full. Clones share the lines.
#[derive(Clone)]
pub(crate) struct EventBuffer(Arc<Mutex<Events>>, Arc<Notify>);

struct Events {
    buffer: OutputBuffer,
    /// The long message at the end of `buffer`, which is written in parts.
    long: Option<LongContent>,
    /// The lines after the long message. Few: while it is written, the network is not read.
    after: OutputBuffer,
    /// True if received messages are written.
    shows: bool,
    /// True while stdout can be written.
    open: bool,
}

impl EventBuffer {
    /// Creates an empty buffer. Received messages are written only if `shows`.
    pub(crate) fn new(shows: bool) -> Self {
        let (buffer, after) = (OutputBuffer::default(), OutputBuffer::default());
        let events = Events { buffer, long: None, after, shows, open: true };
        Self(Arc::new(Mutex::new(events)), Arc::default())
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a received message, if they are shown. `write` returns a long one, which is written in
    /// parts.
    pub(super) fn message(&self, write: impl FnOnce(&mut OutputBuffer) -> Option<LongContent>) {
        let mut events = self.lock();
        if events.open && events.shows {
            // The network is not read while a long message is written, so this does nothing.
            let _ = events.fill(usize::MAX);
            events.long = write(&mut events.buffer);
        }
    }

    /// Wakes the waiter of [`Self::appended`].
    pub(super) fn tell(&self) {
        self.1.notify_one();
    }

    /// Waits until a session has appended lines and waits itself. For one waiter.
    pub(crate) async fn appended(&self) {
        self.1.notified().await;
    }

    /// Appends lines while stdout can be written.
    pub(crate) fn append(&self, write: impl FnOnce(&mut OutputBuffer)) {
        let mut events = self.lock();
        if events.open {
            write(events.end());
        }
        drop(events);
        self.1.notify_one();
    }

    /// Reports whether `limit` bytes are buffered or a long message is being written.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        let events = self.lock();
        events.long.is_some() || events.buffer.ready().len() >= limit
    }

    /// Reports whether a long message is being written.
    pub(crate) fn has_long(&self) -> bool {
        self.lock().long.is_some()
    }

    /// Returns the number of bytes that are buffered before and after a long message.
    pub(crate) fn len(&self) -> usize {
        let events = self.lock();
        events.buffer.ready().len() + events.after.ready().len()
    }

    /// Reports whether all lines are written.
    pub(crate) fn is_empty(&self) -> bool {
        let events = self.lock();
        events.long.is_none() && events.buffer.ready().is_empty()
    }

    /// Writes as much as possible without blocking. Of a long message, at most `limit` bytes are
    /// buffered, and few at once, so that the caller sees signals and deadlines meanwhile. Returns
    /// true if stdout accepted all that was buffered.
    pub(crate) fn write(&self, stdout: &Stdout, limit: usize) -> io::Result<bool> {
        let limit = limit.min(QUEUE_LIMIT_BYTES);
        let mut events = self.lock();
        events.fill(limit)?;
        let ready = events.buffer.ready().len();
        if ready == 0 {
            return Ok(true);
        }
        let n = stdout.write(events.buffer.ready())?;
        events.buffer.advance(n);
        events.fill(limit)?;
        Ok(n == ready)
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
        let mut events = self.lock();
        events.fill(usize::MAX).unwrap();
        String::from_utf8_lossy(events.buffer.ready()).into_owned()
    }

    /// Discards the buffer and all further lines.
    pub(crate) fn abandon(&self) {
        let mut events = self.lock();
        events.open = false;
        events.long = None;
        events.buffer.clear();
        events.after.clear();
    }
}

impl Events {
    /// Returns the buffer to append a line to.
    fn end(&mut self) -> &mut OutputBuffer {
        if self.long.is_some() { &mut self.after } else { &mut self.buffer }
    }

    /// Continues the long message until `limit` bytes are buffered, and adds the lines after it.
    fn fill(&mut self, limit: usize) -> io::Result<()> {
        if self.long.is_none() {
            return Ok(());
        }
        LongContent::fill(&mut self.long, &mut self.buffer, limit)?;
        if self.long.is_none() {
            self.buffer.bytes().extend_from_slice(self.after.ready());
            self.buffer.release();
            self.after.clear();
        }
        Ok(())
    }
}

/// The sink of `--output jsonl`.
pub(super) struct JsonlOutput {
    events: EventBuffer,
    json: JsonLines,
}

impl JsonlOutput {
    pub(super) fn create(
        events: EventBuffer,
        report: Report,
        decoder: Option<ContentDecoder>,
    ) -> Box<dyn Sink> {
        let json = JsonLines::new(report.started, io::stdout().is_terminal(), report.secrets);
        let json = json.with_decoder(decoder);
        Box::new(Self { events, json })
    }

    /// Creates the sink of a server's client, or of one of its connections through a proxy.
    pub(super) fn of_client(
        events: EventBuffer,
        report: Report,
        conn: u64,
        leg: Option<Leg>,
    ) -> Box<dyn Sink> {
        let json = JsonLines::new(report.started, io::stdout().is_terminal(), report.secrets);
        Box::new(Self { events, json: json.of_client(conn).with_leg(leg) })
    }

    /// Appends to the buffer while stdout can be written.
    fn write(&mut self, write: impl FnOnce(&mut JsonLines, &mut OutputBuffer)) {
        let mut events = self.events.lock();
        if events.open {
            write(&mut self.json, events.end());
        }
    }
}

impl Sink for JsonlOutput {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn opened(&mut self, opened: &ClientConnection) {
        self.write(|json, buffer| json.opened(opened, buffer));
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        let mut events = self.events.lock();
        match seen {
            SessionEvent::Bytes(..) | SessionEvent::Frame(..) => {}
            seen if events.open => self.json.seen(at, seen, events.end()),
            _ => {}
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        self.events.message(|buffer| self.json.message(at, message, buffer));
    }

    fn rest(&mut self) {
        self.events.tell();
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
