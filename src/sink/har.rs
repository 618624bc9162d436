//! `--har`: a HAR file that is complete after every write. Each write overwrites the closing
//! brackets of the previous one.

use super::{Interest, Outcome, Sink, file::RecordFile};
use crate::{
    connect::{Progress, Timing},
    error::Error,
    proto::{Kind, trace::Direction},
    redact::Secrets,
    render::{
        har::{Answer, END, ENTRY_END, Exchange, entry, head, long_message, message},
        jsonl::MAX_BROKEN_BYTES,
        long_content::LongContent,
    },
    report::Report,
    session::{SessionEvent, limits::QUEUE_LIMIT_BYTES},
    stored::{Content, StoredMessage, WholeMessage},
    target::Target,
};
use std::{
    borrow::Cow,
    io,
    time::{Instant, SystemTime},
};

/// Writes a HAR file incrementally.
pub(crate) struct HarWriter {
    file: RecordFile,
    /// Offset of the closing brackets, which the next write overwrites.
    end: u64,
    pending: String,
    /// The long message that is being written after `end`, and the bytes written of it.
    long: Option<(LongContent, u64)>,
    /// Number of entries, and of messages in the last one.
    entries: usize,
    messages: usize,
    /// Number of entries completed by the last successful write.
    whole: usize,
}

impl HarWriter {
    /// Turns an empty file into a HAR without entries. Content of an earlier run remains until the
    /// first entry is written.
    pub(crate) fn create(file: RecordFile) -> Self {
        let (pending, end) = (head(), 0);
        let mut writer = Self { file, end, pending, long: None, entries: 0, messages: 0, whole: 0 };
        writer.write();
        writer
    }

    pub(crate) fn exchange(&mut self, exchange: &Exchange) {
        if self.entries > 0 {
            self.pending.push_str(ENTRY_END);
            self.pending.push(',');
        }
        self.pending.push_str(&entry(exchange));
        (self.entries, self.messages) = (self.entries + 1, 0);
    }

    pub(crate) fn message(
        &mut self,
        direction: Direction,
        kind: Kind,
        data: Option<&[u8]>,
        at: SystemTime,
    ) {
        if self.entries == 0 {
            return;
        }
        if self.messages > 0 {
            self.pending.push(',');
        }
        self.messages += 1;
        self.pending.push_str(&message(direction, kind, data, at));
        if self.pending.len() >= QUEUE_LIMIT_BYTES {
            self.write();
        }
    }

    /// Begins a long received message, which [`Self::write_part`] writes. The file is complete again
    /// once all of it is written.
    fn long_message(&mut self, kind: Kind, stored: &StoredMessage, at: SystemTime) {
        self.write();
        if self.entries == 0 || self.file.has_failed() {
            return;
        }
        let separator = if self.messages > 0 { "," } else { "" };
        self.messages += 1;
        self.file.write_at(self.end, separator.as_bytes());
        let long = long_message(Direction::In, kind, stored.clone(), at);
        self.long = Some((long, separator.len() as u64));
    }

    /// Writes the next part of a long message or, if there is none, pending data.
    fn write_part(&mut self) {
        let Some((long, length)) = &mut self.long else { return self.write() };
        let (part, is_last) = self.file.append_part(long);
        *length += part;
        if !is_last {
            return;
        }
        let length = *length;
        self.long = None;
        self.file.append(format!("{ENTRY_END}{END}").as_bytes());
        if self.file.has_failed() {
            self.cut();
        } else {
            self.end += length;
        }
    }

    /// Writes an entry whose text, without its end, `read` passes on in parts. Fails if the text
    /// cannot be read; the entry is missing then.
    pub(super) fn spooled(
        &mut self,
        read: impl FnOnce(&mut dyn FnMut(&[u8])) -> io::Result<()>,
    ) -> io::Result<()> {
        self.file.begin();
        self.write();
        if self.file.has_failed() {
            return Ok(());
        }
        let separator = if self.entries > 0 { format!("{ENTRY_END},") } else { String::new() };
        self.file.write_at(self.end, separator.as_bytes());
        let (file, mut length) = (&mut self.file, separator.len() as u64);
        let read = read(&mut |part| {
            file.append(part);
            length += part.len() as u64;
        });
        self.file.append(format!("{ENTRY_END}{END}").as_bytes());
        if read.is_err() || self.file.has_failed() {
            self.cut();
        } else {
            self.end += length;
            (self.entries, self.messages) = (self.entries + 1, 1);
            self.whole = self.entries;
        }
        read
    }

    /// Writes the rest of a long message, and pending data and the closing brackets with one call.
    pub(crate) fn write(&mut self) {
        while self.long.is_some() {
            self.write_part();
        }
        let keeps_previous = self.entries == 0 && self.file.has_previous();
        if self.pending.is_empty() || keeps_previous || self.file.has_failed() {
            return;
        }
        let more = self.pending.len() as u64;
        if self.entries > 0 {
            self.pending.push_str(ENTRY_END);
        }
        self.pending.push_str(END);
        if self.file.write_at(self.end, self.pending.as_bytes()) {
            self.whole = self.entries;
        } else {
            self.cut();
        }
        self.end += more;
        self.pending.clear();
    }

    /// Omits the data that did not fit, so that the file remains readable.
    fn cut(&mut self) {
        let tail = if self.whole > 0 { format!("{ENTRY_END}{END}") } else { END.to_owned() };
        self.file.cut(self.end, tail.as_bytes());
    }

    /// Removes the content of an earlier run even if no entry follows.
    pub(crate) fn discard_previous(&mut self) {
        self.file.begin();
    }

    /// Returns the write error once, as soon as there is one.
    pub(super) fn news(&mut self) -> Option<Error> {
        self.file.news()
    }

    /// Writes pending data. Fails if any data could not be written.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.write();
        self.file.end()
    }
}

/// The sink of `--har`.
pub(super) struct HarFile {
    writer: HarWriter,
    secrets: Secrets,
    started: Instant,
    wall: SystemTime,
    /// The current handshake.
    exchange: Exchange,
    /// True if the request was sent and no response was received.
    waits: bool,
    /// Time already spent on opening when the handshake began.
    before: Timing,
}

impl HarFile {
    pub(super) fn create(file: RecordFile, target: &Target, report: Report) -> Box<dyn Sink> {
        let secrets = report.secrets;
        let url = secrets.url(&target.to_string()).into_owned();
        Box::new(Self {
            writer: HarWriter::create(file),
            secrets,
            started: report.started,
            wall: SystemTime::now() - report.started.elapsed(),
            exchange: Exchange { url, ..Exchange::default() },
            waits: false,
            before: Timing::default(),
        })
    }

    fn wall(&self, at: Instant) -> SystemTime {
        self.wall + at.saturating_duration_since(self.started)
    }

    /// Writes the finished HTTP exchange.
    fn finish(&mut self) {
        self.writer.exchange(&self.exchange);
        self.writer.write();
        self.waits = false;
        (self.exchange.answer, self.exchange.body) = (None, None);
    }
}

impl Sink for HarFile {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn progress(&mut self, step: &Progress<'_>) {
        let owned =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        match step {
            Progress::Redirected(target) => {
                self.exchange.url = self.secrets.url(&target.to_string()).into_owned();
            }
            Progress::Connected(address) | Progress::ConnectedToProxy(address) => {
                self.exchange.address = Some(address.ip().to_string());
            }
            Progress::Request(request, timing) => {
                let taken = timing.since(&self.before);
                self.waits = true;
                request.version.method().clone_into(&mut self.exchange.method);
                request.version.number().clone_into(&mut self.exchange.http);
                self.exchange.request = self.secrets.headers(&request.headers).map(owned).collect();
                self.exchange.timing = taken;
                self.exchange.started = SystemTime::now().checked_sub(taken.total());
            }
            Progress::Response(response, timing) => {
                self.exchange.answer = Some(Answer {
                    status: response.status,
                    reason: self.secrets.text(&response.reason).into_owned(),
                    headers: self.secrets.headers(&response.headers).map(owned).collect(),
                });
                self.exchange.timing = timing.since(&self.before);
                self.before = **timing;
                self.finish();
            }
            Progress::Broken(bytes) => {
                let mut bytes = self.secrets.dump(bytes).into_owned();
                bytes.truncate(MAX_BROKEN_BYTES);
                self.exchange.body = Some(bytes);
            }
            Progress::Failed(timing) => {
                if self.waits {
                    self.exchange.timing = timing.since(&self.before);
                    self.finish();
                }
                self.before = Timing::default();
            }
            Progress::Open(_) => self.before = Timing::default(),
            _ => {}
        }
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        if let SessionEvent::Sent(kind, data, _) = seen {
            self.writer.message(Direction::Out, *kind, *data, self.wall(at));
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        let (at, kind) = (self.wall(at), message.kind);
        match message.content {
            Content::Short(data) => self.writer.message(Direction::In, kind, Some(data), at),
            Content::Long(stored) => self.writer.long_message(kind, stored, at),
        }
    }

    fn rest(&mut self) {
        self.writer.write_part();
    }

    fn is_behind(&self) -> bool {
        self.writer.long.is_some()
    }

    fn end(&mut self, _outcome: Outcome<'_>) -> Result<(), Error> {
        self.writer.end()
    }
}
