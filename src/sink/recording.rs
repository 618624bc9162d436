//! `--record`: what happens, as lines of JSON in a file. The schema is that of `--output jsonl`, and
//! so is the writer.

use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    job::ended::{Ended, status},
    proto::Opcode,
    render::{
        Sheet,
        jsonl::{JsonLines, Opening},
    },
    report::Report,
    session::{Seen, Stats},
    target::Target,
};
use std::{
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
    time::Instant,
};

pub(super) struct Recording {
    path: PathBuf,
    file: File,
    json: JsonLines,
    sheet: Sheet,
    /// Where the next request goes.
    url: String,
    /// Nothing is written any more.
    fault: Option<io::Error>,
}

impl Recording {
    pub(super) fn new(
        path: PathBuf,
        file: File,
        target: &Target,
        report: Report,
    ) -> Result<Self, Error> {
        file.set_len(0).map_err(|cause| Error::File { path: path.clone(), cause })?;
        Ok(Self {
            path,
            file,
            json: JsonLines::new(report.started, false, report.secrets),
            sheet: Sheet::default(),
            url: target.to_string(),
            fault: None,
        })
    }

    pub(super) fn progress(&mut self, step: &Progress<'_>) {
        match step {
            Progress::Redirected(target) => self.url = target.to_string(),
            Progress::Request(request, _) => {
                self.json.at(Instant::now());
                self.json.request(&self.url, request, &mut self.sheet);
                self.write();
            }
            _ => {}
        }
    }

    pub(super) fn opened(&mut self, opened: &ClientConnection) {
        self.json.at(Instant::now());
        self.json.open(&Opening::new(opened), &mut self.sheet);
        self.write();
    }

    pub(super) fn gap(&mut self, error: &Error) {
        self.json.gap(&error.to_string(), &mut self.sheet);
        self.write();
    }

    pub(super) fn see(&mut self, at: Instant, seen: &Seen<'_>) {
        let Self { json, sheet, .. } = self;
        json.at(at);
        match seen {
            Seen::Bytes(..) => {}
            Seen::Frame(direction, frame) => json.frame(*direction, frame, sheet),
            Seen::Piece(piece) => json.piece(piece, sheet),
            Seen::Sent(kind, data, size) => json.sent(*kind, *data, *size, sheet),
            Seen::Control(direction, opcode, payload, rtt) => {
                let name = if *opcode == Opcode::Ping { "ping" } else { "pong" };
                json.control(name, *direction, payload, *rtt, sheet);
            }
            Seen::Close(direction, close) => json.close(*direction, close, sheet),
            Seen::Broken(violation) => json.violation(*violation, sheet),
        }
        if self.sheet.ready().len() >= FULL {
            self.write();
        }
    }

    /// Writes what waits: all of it, so that a process that is killed has written it.
    pub(super) fn write(&mut self) {
        let ready = self.sheet.ready();
        if self.fault.is_none()
            && !ready.is_empty()
            && let Err(cause) = self.file.write_all(ready)
        {
            self.fault = Some(cause);
        }
        self.sheet.advance(self.sheet.ready().len());
    }

    /// The run ends so.
    pub(super) fn end(
        &mut self,
        ended: &Result<Ended, Error>,
        stats: Option<&(Stats, usize)>,
    ) -> Result<(), Error> {
        if let Err(error) = ended {
            let hint = error.hint();
            self.json.error(error.code(), &error.to_string(), hint.as_deref(), &mut self.sheet);
        }
        let unsent = stats.map_or(0, |(_, unsent)| *unsent);
        let stats = stats.map(|(stats, _)| stats);
        self.json.end(status(ended), stats, unsent, &mut self.sheet);
        self.write();
        match self.fault.take() {
            Some(cause) => Err(Error::File { path: self.path.clone(), cause }),
            None => Ok(()),
        }
    }
}

/// Bytes waiting at which they are written.
const FULL: usize = 64 << 10;
