//! `--har`: a HAR on disk that is whole behind every write. What ends it is written over by what
//! comes next.

use crate::{
    connect::{Progress, Timing},
    error::Error,
    proto::{Assembler, Kind, trace::Direction},
    redact::Secrets,
    render::{
        har::{Answer, END, ENTRY_END, Exchange, entry, head, message},
        jsonl::method,
    },
    report::Report,
    session::Seen,
    target::Target,
};
use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    time::{Instant, SystemTime},
};

/// A HAR that grows.
pub(crate) struct HarWriter {
    path: PathBuf,
    file: File,
    /// Where what ends it begins.
    end: u64,
    pending: String,
    /// How many entries there are, and messages in the last one.
    entries: usize,
    messages: usize,
    /// Entries that the last write made whole.
    whole: usize,
    /// Nothing is written any more.
    fault: Option<io::Error>,
}

impl HarWriter {
    pub(crate) fn new(path: PathBuf, file: File) -> Result<Self, Error> {
        file.set_len(0).map_err(|cause| Error::File { path: path.clone(), cause })?;
        let mut writer = Self {
            path,
            file,
            end: 0,
            pending: head(),
            entries: 0,
            messages: 0,
            whole: 0,
            fault: None,
        };
        writer.write();
        Ok(writer)
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
        if self.pending.len() >= FULL {
            self.write();
        }
    }

    /// Writes what waits, and what ends it, with one call.
    pub(crate) fn write(&mut self) {
        if self.pending.is_empty() || self.fault.is_some() {
            return;
        }
        let more = self.pending.len() as u64;
        if self.entries > 0 {
            self.pending.push_str(ENTRY_END);
        }
        self.pending.push_str(END);
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(self.pending.as_bytes()));
        if written.is_err() {
            // What does not fit is left out, so that the rest can be read.
            self.close();
        } else {
            self.whole = self.entries;
        }
        self.fault = written.err();
        self.end += more;
        self.pending.clear();
    }

    /// Ends the file where the last whole write did.
    fn close(&mut self) {
        let tail = if self.whole > 0 { format!("{ENTRY_END}{END}") } else { END.to_owned() };
        let _ = self.file.set_len(self.end);
        let _ = self.file.seek(SeekFrom::Start(self.end));
        let _ = self.file.write_all(tail.as_bytes());
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.write();
        match self.fault.take() {
            Some(cause) => Err(Error::File { path: self.path.clone(), cause }),
            None => Ok(()),
        }
    }
}

/// What of a run goes into one.
pub(super) struct HarFile {
    writer: HarWriter,
    secrets: Secrets,
    started: Instant,
    wall: SystemTime,
    /// The handshake that goes on.
    exchange: Exchange,
    /// Its request has gone, and no answer has come.
    waits: bool,
    /// What had been taken of the time when it began.
    before: Timing,
    assembler: Assembler,
}

impl HarFile {
    pub(super) fn new(
        path: PathBuf,
        file: File,
        target: &Target,
        report: Report,
    ) -> Result<Self, Error> {
        let secrets = report.secrets;
        let url = secrets.url(&target.to_string()).into_owned();
        Ok(Self {
            writer: HarWriter::new(path, file)?,
            secrets,
            started: report.started,
            wall: SystemTime::now() - report.started.elapsed(),
            exchange: Exchange { url, ..Exchange::default() },
            waits: false,
            before: Timing::default(),
            assembler: Assembler::default(),
        })
    }

    fn wall(&self, at: Instant) -> SystemTime {
        self.wall + at.saturating_duration_since(self.started)
    }

    pub(super) fn progress(&mut self, step: &Progress<'_>) {
        let owned = |(name, value): (&str, std::borrow::Cow<'_, str>)| {
            (name.to_owned(), value.into_owned())
        };
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
                method(request.version).clone_into(&mut self.exchange.method);
                request.version.number().clone_into(&mut self.exchange.http);
                self.exchange.request = self.secrets.headers(&request.headers).map(owned).collect();
                self.exchange.timing = taken;
                self.exchange.started = SystemTime::now().checked_sub(taken.total());
            }
            Progress::Response(response, timing) => {
                self.exchange.answer = Some(Answer {
                    status: response.status,
                    reason: response.reason.clone(),
                    headers: self.secrets.headers(&response.headers).map(owned).collect(),
                });
                self.exchange.timing = timing.since(&self.before);
                self.before = **timing;
                self.finish();
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

    /// The handshake has come to what it comes to.
    fn finish(&mut self) {
        self.writer.exchange(&self.exchange);
        self.writer.write();
        self.waits = false;
        self.exchange.answer = None;
        self.assembler = Assembler::default();
    }

    pub(super) fn see(&mut self, at: Instant, seen: &Seen<'_>) {
        let at = self.wall(at);
        match seen {
            Seen::Piece(piece) => {
                if let Some(message) = self.assembler.push(piece) {
                    self.writer.message(Direction::In, piece.kind, Some(message), at);
                }
            }
            Seen::Sent(kind, data, _) => self.writer.message(Direction::Out, *kind, *data, at),
            _ => {}
        }
    }

    pub(super) fn write(&mut self) {
        self.writer.write();
    }

    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.writer.end()
    }
}

/// Bytes waiting at which they are written.
const FULL: usize = 64 << 10;
