//! The transfer of bytes between the transport and the connection of a session.

use super::{
    Session, clock,
    quiet::QuietPeriod,
    read_buffer::{self, READ_BUFFER_BYTES},
};
use crate::proto::{handshake::Version, slice::Within};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

impl Session {
    /// Writes queued bytes, flushes the transport, and shuts it down after the last byte. Returns true if
    /// bytes were written.
    pub(super) fn poll_transmit(&mut self, cx: &mut Context<'_>, reading: bool) -> bool {
        let mut progressed = false;
        if self.connection.queued() > 0 {
            progressed = self.poll_write_queued(cx);
        }
        self.flushing |= progressed;
        // HTTP/2 must be driven even while nothing is read, for example to answer PINGs.
        if (self.flushing || !reading) && self.send_error.is_none() {
            match Pin::new(&mut self.transport).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => {
                    self.flushing = false;
                    self.connection.flushed();
                }
                Poll::Ready(Err(cause)) => self.fail_sending(cause),
            }
        }
        let all_sent = self.connection.queued() == 0;
        // On an HTTP/2 stream either side may end first, and some servers wait for the client.
        let ends = self.connection.wants_shutdown()
            || (self.carrier == Version::Http2 && self.connection.is_closed());
        if ends && !self.shut && all_sent {
            self.shut = Pin::new(&mut self.transport).poll_shutdown(cx).is_ready();
        }
        progressed
    }

    /// Writes queued bytes. Returns true if the transport accepted some, or failed.
    fn poll_write_queued(&mut self, cx: &mut Context<'_>) -> bool {
        let now = clock::now();
        let mut progressed = false;
        while self.connection.queued() > 0 {
            let bytes = self.connection.transmit();
            match Pin::new(&mut self.transport).poll_write(cx, bytes) {
                Poll::Pending => {
                    self.connection.refused();
                    break;
                }
                Poll::Ready(Ok(n)) if n > 0 => {
                    if self.connection.settings().idle_timeout.is_some()
                        && self.connection.has_unsent_message()
                    {
                        self.idle.since = now;
                    }
                    if let Some(observation) = &mut self.observation {
                        observation.transmitted(now, bytes.within(..n));
                    }
                    self.quiet.sent(now, self.connection.last_heard(), self.last_sent);
                    self.connection.transmitted(n, now);
                    self.last_sent = now;
                    let sent = self.connection.messages_sent();
                    if sent != self.written.0 {
                        self.written = (sent, now);
                    }
                }
                Poll::Ready(result) => {
                    let cause = result.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    self.fail_sending(cause);
                }
            }
            progressed = true;
        }
        progressed
    }

    fn fail_sending(&mut self, cause: io::Error) {
        self.send_error.get_or_insert(cause);
        self.connection.transmit_failed(clock::now());
    }

    /// Reads until the buffer is full, `most` bytes were read or the transport has no more bytes
    /// available.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, most: usize) -> bool {
        self.offending.keep(self.buffer.within(..self.end));
        if self.buffer.len() < READ_BUFFER_BYTES {
            let mut buffer = read_buffer::take();
            let rest = self.buffer.within(self.start..self.end);
            buffer.within_mut(..rest.len()).copy_from_slice(rest);
            self.buffer = buffer;
            (self.start, self.end) = (0, self.end - self.start);
        } else if self.start > 0 {
            // Cheap: the decoder leaves at most a partial header.
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let before = self.end;
        let last = self.buffer.len().min(before.saturating_add(most));
        self.is_drained = false;
        while self.end < last {
            match self.poll_read_once(cx, last) {
                Poll::Pending => {
                    self.is_drained = true;
                    break;
                }
                Poll::Ready(Ok(n)) if n > 0 => self.end += n,
                Poll::Ready(result) => {
                    // The end of TLS without close_notify is treated like any other end: only the
                    // presence of the peer's Close matters.
                    self.receive_error =
                        result.err().filter(|e| e.kind() != io::ErrorKind::UnexpectedEof);
                    self.eof = true;
                    self.note_received(before);
                    let (heard, sent) = (self.last_heard(), self.last_sent);
                    let now = clock::now();
                    self.last_quiet = self.quiet.before(now, heard, sent).map(QuietPeriod::new);
                    if self.end == before && self.connection.remote_close().is_none() {
                        self.note_unanswered(now);
                    }
                    return true;
                }
            }
        }
        self.note_received(before)
    }

    /// Reads into the buffer up to this position.
    fn poll_read_once(&mut self, cx: &mut Context<'_>, last: usize) -> Poll<io::Result<usize>> {
        let room = self.buffer.within_mut(self.end..last);
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }

    /// Records the receipt of the bytes at `start..self.end`. Returns false if there are none.
    fn note_received(&mut self, start: usize) -> bool {
        let n = self.end - start;
        if n == 0 {
            return false;
        }
        let now = clock::now();
        self.note_unanswered(now);
        self.offending.append(self.buffer.within(start..self.end));
        self.silence = self.silence.max(now.saturating_duration_since(self.last_heard()));
        self.received_at = now;
        self.bytes_received += n as u64;
        self.connection.received(self.received_at);
        if let Some(observation) = &mut self.observation {
            observation.received(now, self.buffer.within(start..self.end));
        }
        true
    }

    /// Records whether a message of ours came directly before this read.
    fn note_unanswered(&mut self, now: Instant) {
        let sent = self.connection.messages_sent();
        let unanswered = sent > self.sent_before_read;
        self.unanswered = unanswered.then(|| now.saturating_duration_since(self.last_sent));
        self.sent_before_read = sent;
    }
}
