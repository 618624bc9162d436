//! The stream that carries a session. `END_STREAM` is the end of the bytes, a reset is an error.

use super::link::Link;
use crate::{net::transport::Transport, proto::slice::Within};
use bytes::{Buf as _, Bytes};
use h2::{Reason, RecvStream, SendStream};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream with its connection, which has no other streams.
pub struct Http2Stream {
    link: Link,
    /// `None` after both directions have ended.
    halves: Option<(SendStream<Bytes>, RecvStream)>,
    /// Received bytes that were not read yet. The flow control window grows only as they are read.
    chunk: Bytes,
    /// `END_STREAM` was received.
    is_read: bool,
    /// `END_STREAM` was queued.
    is_written: bool,
}

impl Http2Stream {
    pub(super) fn new(link: Link, send: SendStream<Bytes>, recv: RecvStream) -> Self {
        let halves = Some((send, recv));
        Self { link, halves, chunk: Bytes::new(), is_read: false, is_written: false }
    }

    /// Takes the bytes that were received, without waiting for more.
    pub fn take_received(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        if let Some((_, recv)) = &mut self.halves {
            while let Poll::Ready(Some(Ok(chunk))) = recv.poll_data(&mut cx) {
                bytes.extend_from_slice(&chunk);
                let _ = recv.flow_control().release_capacity(chunk.len());
            }
        }
        bytes
    }

    /// Reads the next bytes; empty at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some((_, recv)) = &mut self.halves else { return Poll::Ready(Ok(Bytes::new())) };
        let mut is_driven = false;
        loop {
            match recv.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) if chunk.is_empty() => {}
                Poll::Ready(Some(Ok(chunk))) => return Poll::Ready(Ok(chunk)),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(self.link.fault(error).into()));
                }
                Poll::Ready(None) => return Poll::Ready(Ok(Bytes::new())),
                Poll::Pending if is_driven && !self.link.release_end() => return Poll::Pending,
                Poll::Pending => {
                    self.link.drive(cx);
                    is_driven = true;
                }
            }
        }
    }
}

impl Transport for Http2Stream {
    fn reset_at_end(&mut self) {
        if let Some((send, _)) = &mut self.halves {
            send.send_reset(Reason::CANCEL);
        }
        // Nothing drives the connection any more.
        self.link.drive(&mut Context::from_waker(Waker::noop()));
    }
}

impl AsyncRead for Http2Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.chunk.is_empty() && !this.is_read {
            this.chunk = ready!(this.poll_chunk(cx))?;
            this.is_read = this.chunk.is_empty();
        }
        let n = this.chunk.len().min(buf.remaining());
        buf.put_slice(this.chunk.within(..n));
        this.chunk.advance(n);
        if let Some((_, recv)) = &mut this.halves
            && n > 0
        {
            // This fails only for more bytes than were received.
            let _ = recv.flow_control().release_capacity(n);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Http2Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Some((send, _)) = &mut this.halves else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        send.reserve_capacity(buf.len());
        let mut is_driven = false;
        while send.capacity() == 0 {
            match send.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Poll::Pending if is_driven => return Poll::Pending,
                Poll::Pending => {
                    this.link.drive(cx);
                    is_driven = true;
                }
            }
        }
        let n = buf.len().min(send.capacity());
        let bytes = Bytes::copy_from_slice(buf.within(..n));
        match send.send_data(bytes, false) {
            Ok(()) => Poll::Ready(Ok(n)),
            // The next read reports the reason.
            Err(_) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.link.drive(cx);
        if this.link.is_write_blocked() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some((send, _)) = &mut this.halves
            && !this.is_written
        {
            this.is_written = true;
            // A peer that has reset the stream needs no END_STREAM.
            let _ = send.send_data(Bytes::new(), true);
        }
        if this.is_written && this.is_read {
            // With no stream left, h2 closes the connection: GOAWAY, then the close_notify of TLS.
            this.halves = None;
        }
        this.link.drive(cx);
        Poll::Ready(Ok(()))
    }
}
