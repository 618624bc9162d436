//! Where a pipe's messages go: rendered into one sheet, written to stdout.

use crate::{
    connect::ClientConnection,
    error::Error,
    job::ended::{Ended, status},
    proto::{Close, Kind, Piece, trace::Direction},
    render::{
        Renderer, Sheet,
        jsonl::{JsonLines, Opening},
    },
    session::Stats,
    sys::stdio::Stdout,
};
use std::{
    io,
    time::{Duration, Instant},
};

/// Stdout, and what waits for it.
pub(crate) struct Output {
    stdout: Stdout,
    renderer: Renderer,
    sheet: Sheet,
    /// Messages are shown.
    shows: bool,
    /// Somebody reads.
    read: bool,
}

impl Output {
    /// Stdout in this format; `shows`: messages are shown.
    pub(crate) fn new(renderer: Renderer, shows: bool) -> io::Result<Self> {
        let stdout = Stdout::new()?;
        Ok(Self { stdout, renderer, sheet: Sheet::default(), shows, read: true })
    }

    /// So much waits that nothing more should be rendered.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.sheet.ready().len() >= FULL
    }

    /// Nothing waits.
    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        self.sheet.ready().is_empty()
    }

    /// Somebody reads it.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// What is rendered next came `now`.
    #[inline]
    pub(super) fn at(&mut self, now: Instant) {
        if let Renderer::JsonLines(json) = &mut self.renderer {
            json.at(now);
        }
    }

    /// Part of a message.
    #[inline]
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        match &mut self.renderer {
            _ if !self.shows => {}
            // Out of the many ways, the one that has to be short.
            Renderer::Lines(lines) => lines.piece(piece, &mut self.sheet),
            other => other.piece(piece, &mut self.sheet),
        }
    }

    /// A message of ours.
    #[inline]
    pub(super) fn sent(&mut self, kind: Kind, bytes: &[u8]) {
        if matches!(self.renderer, Renderer::JsonLines(_)) {
            self.tell_sent(kind, bytes);
        }
    }

    fn tell_sent(&mut self, kind: Kind, bytes: &[u8]) {
        self.event(|json, sheet| {
            let data = Some(bytes).filter(|bytes| bytes.len() <= FULL);
            json.sent(kind, data, bytes.len() as u64, sheet);
        });
    }

    /// A message of ours that was not kept.
    pub(super) fn streamed(&mut self, kind: Kind, size: u64) {
        self.event(|json, sheet| json.sent(kind, None, size, sheet));
    }

    pub(super) fn control(
        &mut self,
        name: &str,
        direction: Direction,
        payload: &[u8],
        rtt: Option<Duration>,
    ) {
        self.event(|json, sheet| json.control(name, direction, payload, rtt, sheet));
    }

    pub(super) fn close(&mut self, direction: Direction, close: &Close) {
        self.event(|json, sheet| json.close(direction, close, sheet));
    }

    pub(crate) fn open(&mut self, opened: &ClientConnection) {
        self.event(|json, sheet| json.open(&Opening::new(opened), sheet));
    }

    /// Writes the events of the end of the run.
    pub(crate) fn end(
        &mut self,
        ended: &Result<Ended, Error>,
        stats: Option<&Stats>,
        unsent: usize,
    ) {
        self.event(|json, sheet| {
            if let Err(error) = ended {
                json.error(error.code(), &error.to_string(), error.hint().as_deref(), sheet);
            }
            json.end(status(ended), stats, unsent, sheet);
        });
    }

    #[inline]
    fn event(&mut self, write: impl FnOnce(&mut JsonLines, &mut Sheet)) {
        if let Renderer::JsonLines(json) = &mut self.renderer
            && self.read
        {
            write(json, &mut self.sheet);
        }
    }

    /// The open message will not end: how many bytes of it were let through.
    pub(super) fn break_off(&mut self) -> u64 {
        self.renderer.break_off(&mut self.sheet)
    }

    /// The session is lost for this reason, and another one follows. What was shown of a message
    /// that did not end is ended, so that the next one is not taken for more of it.
    pub(super) fn gap(&mut self, error: &Error) {
        if self.break_off() > 0
            && let Renderer::Lines(lines) = &self.renderer
        {
            lines.end(&mut self.sheet);
        }
        self.event(|json, sheet| json.gap(&error.to_string(), sheet));
    }

    /// No message is shown any more.
    pub(super) fn hide(&mut self) {
        self.shows = false;
    }

    /// Writes what goes without waiting.
    #[inline]
    pub(crate) fn write(&mut self) -> io::Result<()> {
        if !self.is_written() {
            let n = self.stdout.write(self.sheet.ready())?;
            self.sheet.advance(n);
        }
        Ok(())
    }

    /// Nobody reads it, or nobody can write it.
    pub(super) fn abandon(&mut self) {
        (self.shows, self.read) = (false, false);
        self.sheet.clear();
    }

    /// Waits until more can be written.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.stdout.writable().await
    }

    /// Waits until the reader has gone.
    pub(super) async fn gone(&self) {
        self.stdout.gone().await;
    }

    /// Writes all of it, for as long as that may take.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        let all = async {
            while self.write().is_ok() && !self.is_written() {
                if self.writable().await.is_err() {
                    return;
                }
            }
        };
        // What a reader does not take by then is dropped.
        let _ = tokio::time::timeout(limit, all).await;
    }
}

/// Bytes waiting at which the network is no longer read.
const FULL: usize = 64 << 10;
