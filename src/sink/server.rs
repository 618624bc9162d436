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
    proto::{Leg, trace::Direction},
    redact::Secrets,
    render::{buffer::OutputBuffer, har::Exchange, jsonl::JsonLines, long_content::LongContent},
    report::Report,
    session::{SessionEvent, Stats, limits::QUEUE_LIMIT_BYTES},
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
    /// The long message that is being written, and the client that sent it.
    long: Option<(u64, LongContent)>,
    /// The lines after the long message.
    after: Vec<u8>,
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
                record = Some(Arc::new(Mutex::new(LineFile::new(file))));
            }
        }
        Ok(Self { report, record, har })
    }

    /// Reports whether there is a recording.
    pub(crate) fn are_open(&self) -> bool {
        self.record.is_some() || self.har.is_some()
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

    /// Creates the sinks of a client, or of one of its connections through a proxy.
    pub(super) fn sinks(&self, conn: u64, leg: Option<Leg>) -> impl Iterator<Item = Box<dyn Sink>> {
        let Report { started, secrets, .. } = self.report;
        let record = self.record.clone().map(|record| {
            let json = JsonLines::new(started, false, secrets).of_client(conn);
            let json = json.with_leg(leg);
            let buffer = OutputBuffer::default();
            Box::new(ClientLines { record, conn, json, buffer }) as Box<dyn Sink>
        });
        let har = self.har.clone().map(|har| {
            let leg = leg.unwrap_or(Leg::Client);
            let now = Instant::now();
            let wall = SystemTime::now();
            Box::new(ClientEntry { har, conn, leg, now, wall }) as Box<dyn Sink>
        });
        record.into_iter().chain(har)
    }

    /// Returns a write error that was not returned before. The recording is incomplete from then on.
    pub(crate) fn news(&self) -> Option<Error> {
        let recorded = self.record.as_ref().and_then(|record| lock(record).file.news());
        recorded.or_else(|| self.har.as_ref().and_then(|har| lock(har).news()))
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
            record.finish_long();
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
    fn new(file: RecordFile) -> Self {
        Self { file, held: Vec::new(), long: None, after: Vec::new() }
    }

    /// Appends lines. Those of other clients than the sender of a long message wait until it is
    /// written; if much waits, it is written at once.
    fn append(&mut self, lines: &[u8]) {
        if self.long.is_some() {
            self.after.extend_from_slice(lines);
            if self.after.len() >= QUEUE_LIMIT_BYTES {
                self.finish_long();
            }
            return;
        }
        self.begin();
        self.file.append(lines);
    }

    /// Begins a long message of a client, which [`Self::write_part`] writes.
    fn begin_long(&mut self, conn: u64, long: LongContent) {
        self.finish_long();
        self.begin();
        self.long = Some((conn, long));
    }

    /// Reports whether a long message of this client is being written.
    fn is_behind(&self, conn: u64) -> bool {
        self.long.as_ref().is_some_and(|(sender, _)| *sender == conn)
    }

    /// Writes a part of the long message, and after the last one the lines that wait.
    fn write_part(&mut self) {
        if let Some((_, long)) = &mut self.long
            && self.file.append_part(long).1
        {
            self.long = None;
            self.file.append(&std::mem::take(&mut self.after));
        }
    }

    /// Writes the rest of the long message, if there is one.
    fn finish_long(&mut self) {
        while self.long.is_some() {
            self.write_part();
        }
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
    conn: u64,
    json: JsonLines,
    buffer: OutputBuffer,
}

impl ClientLines {
    /// Passes on all buffered lines. They keep no memory: a server may have many clients.
    fn flush(&mut self) {
        if !self.buffer.ready().is_empty() {
            lock(&self.record).append(self.buffer.ready());
            self.buffer.clear();
        }
    }
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
            self.flush();
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        if let Some(long) = self.json.message(at, message, &mut self.buffer) {
            self.flush();
            lock(&self.record).begin_long(self.conn, long);
        } else if self.buffer.ready().len() >= QUEUE_LIMIT_BYTES {
            self.flush();
        }
    }

    fn rest(&mut self) {
        self.flush();
        let mut record = lock(&self.record);
        if record.is_behind(self.conn) {
            record.write_part();
        }
    }

    fn is_behind(&self) -> bool {
        lock(&self.record).is_behind(self.conn)
    }

    fn over(&mut self) {
        let mut record = lock(&self.record);
        if record.is_behind(self.conn) {
            record.finish_long();
        }
        drop(record);
        self.flush();
    }
}

/// The sink that writes the HAR entry of a client. As in the HAR of the client, a message that the
/// client sent is one of the type `send`.
struct ClientEntry {
    har: Arc<Mutex<HarEntries>>,
    conn: u64,
    /// That of the client, or the connection of a proxy.
    leg: Leg,
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
        let (direction, kind, data) = match seen {
            SessionEvent::Sent(kind, data, _) => (Direction::Out, *kind, *data),
            SessionEvent::TooLong(kind, ..) => (Direction::In, *kind, None),
            _ => return,
        };
        let (conn, at) = (Some(self.conn), self.wall(at));
        lock(&self.har).message(conn, self.leg.as_client_sees(direction), (kind, data), at);
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        let (conn, kind, at) = (Some(self.conn), message.kind, self.wall(at));
        let (mut har, direction) = (lock(&self.har), self.leg.as_client_sees(Direction::In));
        match message.content {
            Content::Short(data) => har.message(conn, direction, (kind, Some(data)), at),
            Content::Long(stored) => har.long_message(conn, direction, (kind, stored), at),
        }
    }

    fn rest(&mut self) {
        lock(&self.har).write_part(Some(self.conn));
    }

    fn is_behind(&self) -> bool {
        lock(&self.har).is_behind(Some(self.conn))
    }

    fn over(&mut self) {
        lock(&self.har).finish(Some(self.conn));
    }
}

/// Locks what clients share. A panic in one client does not end the recording of the others.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::{Kind, Piece},
        report::Verbosity,
        stored::{Collected, Collector},
    };
    use serde_json::Value;
    use std::path::PathBuf;

    /// A message of two mebibytes.
    fn long() -> Collected<'static> {
        let (mut collector, part) = (Collector::default(), vec![b'x'; 1 << 20]);
        let whole = Piece::whole(Kind::Text, &part);
        assert!(collector.push(&Piece { last: false, ..whole }).is_none());
        match collector.push(&Piece { first: false, ..whole }) {
            Some(Collected::Long(stored)) => Collected::Long(stored),
            other => panic!("{other:?}"),
        }
    }

    fn open(dir: &std::path::Path) -> (ServerRecorders, [PathBuf; 2]) {
        let paths = ["run.jsonl", "run.har"].map(|name| dir.join(name));
        let [record, har] = paths.clone().map(Some);
        let options = ServerRecordOptions { record, har, inputs: Vec::new() };
        let started = Instant::now();
        let report = Report { verbosity: Verbosity::Normal, secrets: Secrets::Hidden, started };
        (ServerRecorders::open(&options, report).unwrap(), paths)
    }

    /// Between the parts, the other clients are served.
    #[test]
    fn a_long_message_is_written_in_parts_and_lines_of_others_follow_it() {
        let dir = tempfile::tempdir().unwrap();
        let (recorders, [record, har]) = open(dir.path());
        let collected = long();
        let message = WholeMessage {
            kind: Kind::Text,
            content: collected.content(),
            carried: 2 << 20,
            frames: 2,
        };
        let mut one: Vec<_> = recorders.sinks(1, None).collect();
        let mut two: Vec<_> = recorders.sinks(2, None).collect();
        for conn in [1, 2] {
            recorders.exchange(Some(conn), |_| Exchange::default());
        }
        let now = Instant::now();
        for sink in &mut one {
            sink.message(now, &message);
            sink.rest();
            assert!(sink.is_behind());
        }
        for sink in &mut two {
            sink.see(now, &SessionEvent::Sent(Kind::Text, Some(b"short"), 5));
            sink.rest();
            assert!(!sink.is_behind());
        }
        let mut turns = 0;
        for sink in &mut one {
            while sink.is_behind() {
                sink.rest();
                turns += 1;
            }
        }
        assert!(turns > 4, "{turns}");
        assert!(recorders.end(&Ok(RunOutcome::Done), (None, 0)).is_ok());
        let lines = std::fs::read_to_string(record).unwrap();
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["conn"], &lines[0]["size"]), (&1.into(), &(2 << 20).into()));
        assert_eq!((&lines[1]["conn"], &lines[1]["data"]), (&2.into(), &"short".into()));
        let har: Value = serde_json::from_slice(&std::fs::read(har).unwrap()).unwrap();
        let messages = |at: usize| har["log"]["entries"][at]["_webSocketMessages"].clone();
        assert_eq!(messages(0)[0]["data"].as_str().unwrap().len(), 2 << 20);
        assert_eq!(messages(1)[0]["data"], "short");
    }

    #[test]
    fn a_session_that_ends_inside_a_long_message_is_written_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (recorders, [record, har]) = open(dir.path());
        let collected = long();
        let content = collected.content();
        let message = WholeMessage { kind: Kind::Text, content, carried: 2 << 20, frames: 2 };
        recorders.exchange(Some(1), |_| Exchange::default());
        for mut sink in recorders.sinks(1, None) {
            sink.message(Instant::now(), &message);
        }
        assert!(recorders.end(&Ok(RunOutcome::Done), (None, 0)).is_ok());
        let lines = std::fs::read_to_string(record).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        let har: Value = serde_json::from_slice(&std::fs::read(har).unwrap()).unwrap();
        let data = &har["log"]["entries"][0]["_webSocketMessages"][0]["data"];
        assert_eq!(data.as_str().unwrap().len(), 2 << 20);
    }
}
