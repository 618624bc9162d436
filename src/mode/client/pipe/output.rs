//! Stdout of a pipe: a buffer of rendered messages, or of the events that a sink appends. Both are
//! bounded, since the network is not read while the buffer is full. A stdout that is behind for a
//! while may be behind by more.

use crate::{
    proto::Piece,
    render::{buffer::OutputBuffer, renderer::Renderer},
    session::backlog::Backlog,
    sink::jsonl::EventBuffer,
    sys::stdio::Stdout,
};
use std::{
    io,
    time::{Duration, Instant},
};

/// Stdout and its buffer.
pub(crate) struct Output {
    stdout: Stdout,
    content: Content,
    /// False once stdout has no reader or cannot be written.
    read: bool,
    backlog: Backlog,
}

enum Content {
    Messages {
        renderer: Renderer,
        buffer: OutputBuffer,
        shows: bool,
    },
    /// The events of `--output jsonl`.
    Events(EventBuffer),
}

impl Output {
    /// Creates an output for messages, which are discarded unless `shows`.
    pub(crate) fn of_messages(stdout: Stdout, renderer: Renderer, shows: bool) -> Self {
        let buffer = OutputBuffer::default();
        let content = Content::Messages { renderer, buffer, shows };
        Self { stdout, content, read: true, backlog: Backlog::default() }
    }

    /// Creates an output for the events of `--output jsonl`.
    pub(crate) fn of_events(stdout: Stdout, events: EventBuffer) -> Self {
        let content = Content::Events(events);
        Self { stdout, content, read: true, backlog: Backlog::default() }
    }

    /// Reports whether the buffer has reached its limit.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let limit = self.backlog.limit();
        match &self.content {
            Content::Messages { buffer, .. } => buffer.ready().len() >= limit,
            Content::Events(events) => events.is_full(limit),
        }
    }

    /// Reports whether nothing may be sent for now: each message that is sent is an event, and the
    /// buffer of events is full.
    #[inline]
    pub(super) fn holds_input(&self) -> bool {
        matches!(self.content, Content::Events(_)) && self.is_full()
    }

    /// Returns the time at which [`Self::extend`] raises the limit of the buffer.
    pub(super) fn extends_at(&self) -> Option<Instant> {
        self.backlog.extends_at()
    }

    /// Raises the limit of the buffer if stdout has been behind for long enough.
    pub(super) fn extend(&mut self) {
        if self.backlog.extend() {
            match &mut self.content {
                Content::Messages { renderer, buffer, .. } => {
                    buffer.reserve_for_backlog();
                    // If it fails, `write` fails too.
                    let _ = renderer.fill(buffer, self.backlog.limit());
                }
                Content::Events(events) => events.reserve_for_backlog(),
            }
        }
    }

    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        match &self.content {
            Content::Messages { buffer, .. } => buffer.ready().is_empty(),
            Content::Events(events) => events.is_empty(),
        }
    }

    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Renders a piece of a received message.
    #[inline]
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if let Content::Messages { renderer, buffer, shows: true } = &mut self.content {
            match renderer {
                // Bypasses [`Renderer::piece`], because this format must be fast.
                Renderer::Lines(lines) => lines.piece(piece, buffer),
                other => {
                    other.piece(piece, buffer);
                    let _ = other.fill(buffer, self.backlog.limit());
                }
            }
        }
    }

    /// Ends an incomplete message. Returns how many bytes of it were rendered.
    pub(super) fn break_off(&mut self) -> u64 {
        match &mut self.content {
            Content::Messages { renderer, buffer, .. } => renderer.break_off(buffer),
            Content::Events(_) => 0,
        }
    }

    /// Separates the output of a lost session from that of the next one: terminates an incomplete
    /// message so that the next message does not continue it. Returns how many bytes of it were
    /// rendered.
    pub(super) fn gap(&mut self) -> u64 {
        let written = self.break_off();
        if written > 0
            && let Content::Messages { renderer: Renderer::Lines(lines), buffer, .. } =
                &mut self.content
        {
            lines.end(buffer);
        }
        written
    }

    /// Discards all further messages.
    pub(super) fn hide(&mut self) {
        match &mut self.content {
            Content::Messages { shows, .. } => *shows = false,
            Content::Events(events) => events.hide(),
        }
    }

    /// Writes as much as possible without blocking.
    #[inline]
    pub(crate) fn write(&mut self) -> io::Result<()> {
        let limit = self.backlog.limit();
        let keeps_up = match &mut self.content {
            Content::Messages { renderer, buffer, .. } => {
                let (ready, n) = (buffer.ready().len(), self.stdout.write(buffer.ready())?);
                buffer.advance(n);
                renderer.fill(buffer, limit)?;
                n == ready
            }
            Content::Events(events) => events.write(&self.stdout, limit)?,
        };
        self.backlog.wrote(self.is_written());
        if keeps_up && !self.is_written() {
            self.backlog.progressed();
        }
        Ok(())
    }

    /// Discards the buffer and all further output, since stdout cannot be written.
    pub(super) fn abandon(&mut self) {
        self.read = false;
        match &mut self.content {
            Content::Messages { buffer, shows, .. } => {
                *shows = false;
                buffer.clear();
            }
            Content::Events(events) => events.abandon(),
        }
    }

    /// Reports whether stdout is a file, which takes all bytes or fails.
    pub(super) fn is_file(&self) -> bool {
        self.stdout.is_file()
    }

    /// Waits until more can be written.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.stdout.writable().await
    }

    /// Waits until the reader closes stdout.
    pub(super) async fn gone(&self) {
        self.stdout.reader_gone().await;
    }

    /// Writes the buffer for at most `limit`. The rest is dropped.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        let all = async {
            while self.write().is_ok() && !self.is_written() {
                if self.writable().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, all).await;
    }
}
