//! A stream that keeps the first bytes of the peer, to identify an unexpected protocol.

use crate::net::transport::EXCERPT_BYTES;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that keeps the first [`EXCERPT_BYTES`] received.
#[derive(Debug)]
pub(crate) struct PrefixCapture<S> {
    stream: S,
    prefix: Vec<u8>,
}

impl<S> PrefixCapture<S> {
    pub(in crate::net) fn new(stream: S) -> Self {
        Self { stream, prefix: Vec::new() }
    }

    pub(in crate::net) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub(in crate::net) fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(in crate::net) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PrefixCapture<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        let room = EXCERPT_BYTES.saturating_sub(self.prefix.len());
        if room > 0 {
            let new = buf.filled().iter().skip(before).take(room);
            self.prefix.extend(new);
        }
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PrefixCapture<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
