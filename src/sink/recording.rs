//! `--record`: the events of a run as JSON Lines in a file. It shares the schema and the writer of
//! `--output jsonl`; requests, refusals and frames appear only in recordings.

use super::{Interest, Outcome, Sink, file::RecordFile};
use crate::{
    connect::{ClientConnection, Progress},
    decode::ContentDecoder,
    error::Error,
    job::run_outcome::status,
    render::{buffer::OutputBuffer, jsonl::JsonLines, long_content::LongContent},
    report::Report,
    session::{SessionEvent, limits::QUEUE_LIMIT_BYTES},
    stored::WholeMessage,
    target::Target,
};
use std::time::Instant;

/// The sink of `--record`.
pub(super) struct Recording {
    file: RecordFile,
    json: JsonLines,
    /// The long message that is being written, before the lines of `buffer`.
    long: Option<LongContent>,
    buffer: OutputBuffer,
    /// The line of the last response, held until it is known whether the response opens a session:
    /// `open` reports one that does.
    held: OutputBuffer,
    /// URL of the next request.
    url: String,
}

impl Recording {
    pub(super) fn create(
        file: RecordFile,
        target: &Target,
        report: Report,
        decoder: Option<ContentDecoder>,
    ) -> Box<dyn Sink> {
        let json = JsonLines::new(report.started, false, report.secrets);
        Box::new(Self {
            file,
            json: json.with_decoder(decoder),
            long: None,
            buffer: OutputBuffer::default(),
            held: OutputBuffer::default(),
            url: target.to_string(),
        })
    }

    /// Writes the response that is held: it opened no session.
    fn refused(&mut self) {
        let length = self.held.ready().len();
        if length > 0 {
            self.file.append(self.held.ready());
            self.held.advance(length);
        }
    }

    /// Writes everything, so that it survives if the process is killed.
    fn write(&mut self) {
        if let Some(mut long) = self.long.take() {
            self.file.append_all(&mut long);
        }
        let length = self.buffer.ready().len();
        if length > 0 {
            self.file.append(self.buffer.ready());
            self.buffer.advance(length);
        }
    }
}

impl Sink for Recording {
    fn interest(&self) -> Interest {
        Interest::Wire
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn progress(&mut self, step: &Progress<'_>) {
        match step {
            Progress::Response(response, _) => self.json.response(response, &mut self.held),
            Progress::Broken(bytes) => self.json.broken_response(bytes, &mut self.held),
            _ if !matches!(step, Progress::Open(_)) => self.refused(),
            _ => {}
        }
        match step {
            Progress::Redirected(target) => self.url = target.to_string(),
            Progress::Request(request, _) => {
                self.json.request(&self.url, request, &mut self.buffer);
                self.write();
            }
            _ => {}
        }
    }

    fn opened(&mut self, opened: &ClientConnection) {
        self.held.clear();
        self.json.opened(opened, &mut self.buffer);
        self.write();
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        self.json.seen(at, seen, &mut self.buffer);
        if self.buffer.ready().len() >= QUEUE_LIMIT_BYTES {
            self.write();
        }
    }

    fn message(&mut self, at: Instant, message: &WholeMessage<'_>) {
        if let Some(long) = self.json.message(at, message, &mut self.buffer) {
            self.write();
            self.long = Some(long);
        } else if self.buffer.ready().len() >= QUEUE_LIMIT_BYTES {
            self.write();
        }
    }

    fn rest(&mut self) {
        if let Some(long) = &mut self.long {
            let (_, is_last) = self.file.append_part(long);
            if !is_last {
                return;
            }
            self.long = None;
        }
        self.write();
    }

    fn is_behind(&self) -> bool {
        self.long.is_some()
    }

    fn gap(&mut self, error: &Error) {
        self.json.gap(&error.to_string(), &mut self.buffer);
        self.write();
    }

    fn end(&mut self, outcome: Outcome<'_>) -> Result<(), Error> {
        self.refused();
        // The failure of a run that reached no server is not worth overwriting an earlier
        // recording.
        if self.file.has_previous() && self.buffer.ready().is_empty() {
            return self.file.end();
        }
        let Outcome { ended, stats, unsent } = outcome;
        let error = ended.as_ref().err();
        self.json.end(error, status(ended), (stats, unsent), &mut self.buffer);
        self.write();
        self.file.end()
    }
}
