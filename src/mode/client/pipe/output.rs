//! Stdout of a pipe: messages rendered into a buffer, or the events of a run that a sink appends to
//! one. Either is bounded, since nothing is read from the network while it is full.

use crate::{
    proto::Piece,
    render::{buffer::OutputBuffer, renderer::Renderer},
    session::limits::QUEUE_LIMIT_BYTES,
    sink::jsonl::EventBuffer,
    sys::stdio::Stdout,
};
use std::{io, time::Duration};

/// Stdout, and what waits for it.
pub(crate) struct Output {
    stdout: Stdout,
    content: Content,
    /// Stdout has a reader.
    read: bool,
}

/// What is written.
enum Content {
    /// Received messages.
    Messages {
        renderer: Renderer,
        buffer: OutputBuffer,
        /// Messages are shown.
        shows: bool,
    },
    /// `--output jsonl`: what its sink tells.
    Events(EventBuffer),
}

impl Output {
    /// Stdout for messages in this format. `shows`: messages are shown.
    pub(crate) fn of_messages(stdout: Stdout, renderer: Renderer, shows: bool) -> Self {
        let buffer = OutputBuffer::default();
        Self { stdout, content: Content::Messages { renderer, buffer, shows }, read: true }
    }

    /// Stdout for events.
    pub(crate) fn of_events(stdout: Stdout, events: EventBuffer) -> Self {
        Self { stdout, content: Content::Events(events), read: true }
    }

    /// Number of bytes that wait.
    #[inline]
    fn waiting(&self) -> usize {
        match &self.content {
            Content::Messages { buffer, .. } => buffer.ready().len(),
            Content::Events(events) => events.len(),
        }
    }

    /// Whether so much waits that nothing more should be rendered.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.waiting() >= QUEUE_LIMIT_BYTES
    }

    /// Whether nothing waits.
    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        self.waiting() == 0
    }

    /// Whether stdout has a reader.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Takes part of a message.
    #[inline]
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if let Content::Messages { renderer, buffer, shows: true } = &mut self.content {
            match renderer {
                // Of all formats the one that has to be quick.
                Renderer::Lines(lines) => lines.piece(piece, buffer),
                other => other.piece(piece, buffer),
            }
        }
    }

    /// Gives up a message that will not end. Returns how many bytes of it were let through.
    pub(super) fn break_off(&mut self) -> u64 {
        match &mut self.content {
            Content::Messages { renderer, buffer, .. } => renderer.break_off(buffer),
            Content::Events(_) => 0,
        }
    }

    /// Notes that the session was lost and another one follows. What was shown of a message that did
    /// not end is ended, so that the next one is not taken for more of it.
    pub(super) fn gap(&mut self) {
        if self.break_off() > 0
            && let Content::Messages { renderer: Renderer::Lines(lines), buffer, .. } =
                &mut self.content
        {
            lines.end(buffer);
        }
    }

    /// Shows no message any more.
    pub(super) fn hide(&mut self) {
        match &mut self.content {
            Content::Messages { shows, .. } => *shows = false,
            Content::Events(events) => events.hide(),
        }
    }

    /// Writes what goes without waiting.
    #[inline]
    pub(crate) fn write(&mut self) -> io::Result<()> {
        match &mut self.content {
            Content::Messages { buffer, .. } => {
                if !buffer.ready().is_empty() {
                    let n = self.stdout.write(buffer.ready())?;
                    buffer.advance(n);
                }
                Ok(())
            }
            Content::Events(events) => events.write(&self.stdout),
        }
    }

    /// Gives up stdout, which has no reader or cannot be written.
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

    /// Waits until more can be written.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.stdout.writable().await
    }

    /// Waits until the reader has gone.
    pub(super) async fn gone(&self) {
        self.stdout.reader_gone().await;
    }

    /// Writes all that waits, for at most `limit`. The rest is dropped.
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
