//! A stream of a server's connection. `END_STREAM` is the end of the bytes, a reset is an error (RFC
//! 8441, 5).

use super::{
    fault::Http2Fault,
    link::connection_fault,
    preface::PeerState,
    unsent::{Chunk, Unsent},
};
use crate::{net::transport::Transport, proto::slice::Within};
use bytes::{Buf as _, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Notify, futures::OwnedNotified},
};

/// State that the streams of a connection share with the task that drives it.
#[derive(Debug)]
pub(super) struct StreamLink {
    pub(super) peer: Arc<Mutex<PeerState>>,
    /// Notified when the transport has ended. h2 is not told before all streams are dropped.
    pub(super) ended: Arc<Notify>,
}

/// A stream whose request was accepted. Dropping it ends the stream: in order if all bytes were sent,
/// otherwise with CANCEL.
pub struct ServerStream(Arc<Mutex<StreamState>>);

/// Control over a stream, beside the session that reads and writes it.
pub struct StreamHandle(Arc<Mutex<StreamState>>);

struct StreamState {
    send: SendStream<Chunk>,
    recv: RecvStream,
    /// Received bytes that were not read yet. The flow control window grows only as they are read.
    chunk: Bytes,
    /// Received bytes after `chunk`, taken from h2 while the session reads nothing: the frames that
    /// carry short messages take far more memory than the messages.
    held: BytesMut,
    /// `END_STREAM` was received.
    is_read: bool,
    /// The failure to report once all received bytes were read.
    fault: Option<Http2Fault>,
    /// `END_STREAM` was queued.
    is_written: bool,
    unsent: Arc<Unsent>,
    link: Arc<StreamLink>,
    /// Ready once the transport has ended; `None` afterwards.
    ended: Option<Pin<Box<OwnedNotified>>>,
    /// Dropping the stream resets it.
    is_reset_at_end: bool,
}

impl ServerStream {
    pub(super) fn new(
        send: SendStream<Chunk>,
        recv: RecvStream,
        link: Arc<StreamLink>,
        ended: Pin<Box<OwnedNotified>>,
    ) -> Self {
        Self(Arc::new(Mutex::new(StreamState {
            send,
            recv,
            chunk: Bytes::new(),
            held: BytesMut::new(),
            is_read: false,
            fault: None,
            is_written: false,
            unsent: Arc::default(),
            link,
            ended: Some(ended),
            is_reset_at_end: false,
        })))
    }

    /// Returns control over the stream.
    pub fn handle(&self) -> StreamHandle {
        StreamHandle(Arc::clone(&self.0))
    }

    /// Sends the only content of the stream and ends it. Dropping the future resets the stream if the
    /// client has not taken the content.
    pub(super) async fn finish(&mut self, content: Bytes) -> io::Result<()> {
        {
            let mut state = lock(&self.0);
            let content = Chunk::new(content, &state.unsent);
            state.send.send_data(content, true).map_err(io::Error::other)?;
        }
        poll_fn(|cx| lock(&self.0).poll_sent(cx)).await?;
        lock(&self.0).is_written = true;
        Ok(())
    }
}

impl StreamHandle {
    /// Makes the stream end with `RST_STREAM` CANCEL when the session drops it.
    pub fn reset_at_end(&self) {
        lock(&self.0).is_reset_at_end = true;
    }

    /// Waits until the client has ended its side, which need not be read.
    pub async fn ended_by_peer(&self) {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            state.hold(cx);
            if state.is_over() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn lock(state: &Mutex<StreamState>) -> MutexGuard<'_, StreamState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StreamState {
    /// Reports whether the client sends nothing more.
    fn is_over(&self) -> bool {
        self.is_read || self.fault.is_some()
    }

    /// Reports whether the transport has ended.
    fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(ended) = &mut self.ended
            && ended.as_mut().poll(cx).is_ready()
        {
            self.ended = None;
        }
        self.ended.is_none()
    }

    /// Takes the next bytes from h2. Empty at the end, and after a failure.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        while !self.is_over() {
            match self.recv.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) if chunk.is_empty() => {}
                Poll::Ready(Some(Ok(chunk))) => return Poll::Ready(chunk),
                Poll::Ready(Some(Err(error))) => {
                    self.fault = Some(connection_fault(&self.link.peer, Some(error)));
                }
                Poll::Ready(None) => self.is_read = true,
                // Everything that was received before the end was read.
                Poll::Pending if self.has_ended(cx) => {
                    self.fault = Some(connection_fault(&self.link.peer, None));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Bytes::new())
    }

    /// Takes from h2 what was received, which the flow control window bounds.
    fn hold(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(chunk) = self.poll_next(cx) {
            if chunk.is_empty() {
                return;
            }
            self.held.extend_from_slice(&chunk);
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.chunk.is_empty() {
            self.chunk = if self.held.is_empty() {
                ready!(self.poll_next(cx))
            } else {
                self.held.split().freeze()
            };
        }
        if self.chunk.is_empty()
            && let Some(fault) = self.fault.take()
        {
            self.is_read = true;
            return Poll::Ready(Err(fault.into()));
        }
        let n = self.chunk.len().min(buf.remaining());
        buf.put_slice(self.chunk.within(..n));
        self.chunk.advance(n);
        if n > 0 {
            // This fails only for more bytes than were received.
            let _ = self.recv.flow_control().release_capacity(n);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_written || self.has_ended(cx) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.send.reserve_capacity(bytes.len());
        while self.send.capacity() == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                // The next read reports the reason.
                _ => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let n = bytes.len().min(self.send.capacity());
        let chunk = Chunk::new(Bytes::copy_from_slice(bytes.within(..n)), &self.unsent);
        match self.send.send_data(chunk, false) {
            Ok(()) => Poll::Ready(Ok(n)),
            Err(_) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Waits until h2 has passed on all bytes.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.poll_empty(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if self.has_ended(cx) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Pending
    }

    /// Ends our side in order.
    fn shut_down(&mut self) {
        if !self.is_written {
            self.is_written = true;
            // A client that has reset the stream needs no END_STREAM.
            let _ = self.send.send_data(Chunk::empty(), true);
        }
    }

    fn end(&mut self) {
        if self.is_reset_at_end || !(self.is_written || self.unsent.is_empty()) {
            self.send.send_reset(Reason::CANCEL);
        } else {
            self.shut_down();
        }
    }
}

impl Drop for ServerStream {
    fn drop(&mut self) {
        lock(&self.0).end();
    }
}

impl Transport for ServerStream {
    fn reset_at_end(&mut self) {
        lock(&self.0).is_reset_at_end = true;
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        lock(&self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        state.hold(cx);
        state.poll_sent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).shut_down();
        Poll::Ready(Ok(()))
    }
}
