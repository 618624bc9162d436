//! `--record` and `--har` of a server: one file for all connections.

use super::{
    Interest, Sink,
    file::{RecordFile, open_for},
    har_entries::HarEntries,
};
use crate::{
    error::Error,
    job::{
        listen::ServerRecordOptions,
        run_outcome::{RunOutcome, status},
    },
    proto::trace::Direction,
    redact::Secrets,
    render::{buffer::OutputBuffer, har::Exchange, jsonl::JsonLines},
    report::Report,
    session::{Session, SessionEvent, Stats, limits::QUEUE_LIMIT_BYTES},
    stored::{Content, WholeMessage},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

/// The recordings of a server.
pub(crate) struct ServerRecorders {
    report: Report,
    record: Option<Arc<Mutex<LineFile>>>,
    har: Option<Arc<Mutex<HarEntries>>>,
}

/// The file of a recording.
struct LineFile {
    file: RecordFile,
    /// The lines that are not worth overwriting an earlier recording.
    held: Vec<u8>,
}

impl ServerRecorders {
    /// Opens the files. Fails if one cannot be opened or has another purpose in this run; no file
    /// was created or changed then.
    pub(crate) fn open(options: &ServerRecordOptions, report: Report) -> Result<Self, Error> {
        let paths = [(&options.record, "a recording", false), (&options.har, "a HAR", true)];
        let mut files: Vec<(RecordFile, &str, bool)> = Vec::new();
        for (path, noun, is_har) in paths {
            let Some(path) = path else { continue };
            match open_for(path, noun, &files, &options.inputs) {
                Ok(file) => files.push((file, noun, is_har)),
                Err(error) => {
                    for (file, ..) in files {
                        file.discard();
                    }
                    return Err(error);
                }
            }
        }
        let (mut record, mut har) = (None, None);
        for (file, _, is_har) in files {
            if let Some(note) = file.make_private() {
                report.note(&note);
            }
            if is_har {
                har = Some(Arc::new(Mutex::new(HarEntries::create(file))));
            } else {
                record = Some(Arc::new(Mutex::new(LineFile { file, held: Vec::new() })));
            }
        }
        Ok(Self { report, record, har })
    }

    /// Writes events of a client, or of no client, to the recording.
    pub(crate) fn lines(
        &self,
        conn: Option<u64>,
        write: impl FnOnce(&mut JsonLines, &mut OutputBuffer),
    ) {
        if let Some(record) = &self.record {
            lock(record).append(&self.rendered(conn, write));
        }
    }

    /// Writes the events of the start. They replace an earlier recording only if others follow.
    pub(crate) fn first_lines(&self, write: impl FnOnce(&mut JsonLines, &mut OutputBuffer)) {
        let Some(record) = &self.record else { return };
        let lines = self.rendered(None, write);
        let mut record = lock(record);
        if record.file.has_previous() {
            record.held = lines;
        } else {
            record.file.append(&lines);
        }
    }

    fn rendered(
        &self,
        conn: Option<u64>,
        write: impl FnOnce(&mut JsonLines, &mut OutputBuffer),
    ) -> Vec<u8> {
        let mut json = JsonLines::new(self.report.started, false, self.report.secrets);
        if let Some(conn) = conn {
            json = json.of_client(conn);
        }
        let mut buffer = OutputBuffer::default();
        write(&mut json, &mut buffer);
        std::mem::take(buffer.bytes())
    }

    /// Begins the HAR entry of a session, or writes that of a refused request, which has no number.
    pub(crate) fn exchange(&self, conn: Option<u64>, exchange: impl FnOnce(Secrets) -> Exchange) {
        let Some(har) = &self.har else { return };
        let exchange = exchange(self.report.secrets);
        match conn {
            Some(_) => lock(har).begin(conn, &exchange),
            None => lock(har).refused(&exchange),
        }
    }

    /// Creates the sinks of a client.
    pub(super) fn sinks(&self, conn: u64) -> impl Iterator<Item = Box<dyn Sink>> {
        let Report { started, secrets, .. } = self.report;
        let record = self.record.clone().map(|record| {
            let json = JsonLines::new(started, false, secrets).of_client(conn);
            Box::new(ClientLines { record, json, buffer: OutputBuffer::default() }) as Box<dyn Sink>
        });
        let har = self.har.clone().map(|har| {
            let now = Instant::now();
            let wall = SystemTime::now();
            Box::new(ClientEntry { har, conn, now, wall }) as Box<dyn Sink>
        });
        record.into_iter().chain(har)
    }

    /// Finishes the files with the outcome of the run and the statistics of all sessions. Fails if
    /// any data could not be written.
    pub(crate) fn end(
        &self,
        ended: &Result<RunOutcome, Error>,
        stats: (Option<&Stats>, usize),
    ) -> Result<(), Error> {
        let recorded = self.record.as_ref().map_or(Ok(()), |record| {
            let lines = self.rendered(None, |json, out| {
                json.end(ended.as_ref().err(), status(ended), stats, out);
            });
            let mut record = lock(record);
            if record.held.is_empty() {
                record.append(&lines);
            }
            record.file.end()
        });
        let har = self.har.as_ref().map_or(Ok(()), |har| lock(har).end());
        recorded.and(har)
    }
}

impl LineFile {
    fn append(&mut self, lines: &[u8]) {
        self.begin();
        self.file.append(lines);
    }

    /// Writes the lines that were held.
    fn begin(&mut self) {
        if !self.held.is_empty() {
            self.file.append(&std::mem::take(&mut self.held));
        }
    }
}

/// The sink that writes the events of a client to the recording.
struct ClientLines {
    record: Arc<Mutex<LineFile>>,
    json: JsonLines,
    buffer: OutputBuffer,
}

impl Sink for ClientLines {
    fn interest(&self) -> Interest {
        Interest::Wire
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        self.json.seen(at, seen, &mut self.buffer);
        if self.buffer.ready().len() >= QUEUE_LIMIT_BYTES {
            self.rest();
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        if let Some(mut long) = self.json.message(at, message, &mut self.buffer) {
            self.rest();
            let mut record = lock(&self.record);
            record.begin();
            record.file.append_all(&mut long);
        } else if self.buffer.ready().len() >= QUEUE_LIMIT_BYTES {
            self.rest();
        }
    }

    /// Writes all buffered lines. They keep no memory: a server may have many clients.
    fn rest(&mut self) {
        if !self.buffer.ready().is_empty() {
            lock(&self.record).append(self.buffer.ready());
            self.buffer.clear();
        }
    }

    fn left(&mut self, _session: &Session) {
        self.rest();
    }
}

/// The sink that writes the HAR entry of a client. As in the HAR of the client, a message that the
/// client sent is one of the type `send`.
struct ClientEntry {
    har: Arc<Mutex<HarEntries>>,
    conn: u64,
    /// A moment on both clocks.
    now: Instant,
    wall: SystemTime,
}

impl ClientEntry {
    fn wall(&self, at: Instant) -> SystemTime {
        self.wall + at.saturating_duration_since(self.now)
    }
}

impl Sink for ClientEntry {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        if let SessionEvent::Sent(kind, data, _) = seen {
            let (conn, at) = (Some(self.conn), self.wall(at));
            lock(&self.har).message(conn, Direction::In, (*kind, *data), at);
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        let (conn, kind, at) = (Some(self.conn), message.kind, self.wall(at));
        let (mut har, direction) = (lock(&self.har), Direction::Out);
        match message.content {
            Content::Short(data) => har.message(conn, direction, (kind, Some(data)), at),
            Content::Long(stored) => har.long_message(conn, direction, (kind, stored), at),
        }
    }

    fn left(&mut self, _session: &Session) {
        lock(&self.har).finish(Some(self.conn));
    }
}

/// Locks what clients share. A panic in one client does not end the recording of the others.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
