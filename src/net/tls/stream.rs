//! A TLS stream that delivers what was received before a failure.

use super::prefix_capture::PrefixCapture;
use crate::net::transport::Transport;
use rustls::ClientConnection;
use std::{
    io::{self, Read as _},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio_rustls::client::TlsStream;

/// The stream under the TLS records.
type Inner = BufReader<PrefixCapture<Box<dyn Transport>>>;

/// A TLS stream. `TlsStream` decrypts all records that it has received before it returns bytes of the
/// first one, and on a record that fails it returns only the error.
pub struct SecureStream {
    stream: TlsStream<Inner>,
    /// The failure to report after the decrypted bytes.
    fault: Option<io::Error>,
}

impl SecureStream {
    pub(super) fn new(stream: TlsStream<Inner>) -> Self {
        Self { stream, fault: None }
    }

    /// Returns the state of the TLS session.
    pub fn session(&self) -> &ClientConnection {
        self.stream.get_ref().1
    }

    /// Returns a failure, or the bytes that were decrypted before it.
    #[cold]
    fn fail(&mut self, fault: io::Error, room: &mut ReadBuf<'_>) -> io::Result<()> {
        let (_, session) = self.stream.get_mut();
        let n = session.reader().read(room.initialize_unfilled()).unwrap_or_default();
        if n == 0 {
            return Err(fault);
        }
        room.advance(n);
        self.fault = Some(fault);
        Ok(())
    }
}

impl Transport for SecureStream {
    fn reset_at_end(&mut self) {
        self.stream.get_mut().0.get_mut().get_mut().reset_at_end();
    }
}

impl AsyncRead for SecureStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let fault = match self.fault.take() {
            Some(fault) => fault,
            None => match Pin::new(&mut self.stream).poll_read(cx, room) {
                Poll::Ready(Err(fault)) => fault,
                done => return done,
            },
        };
        Poll::Ready(self.fail(fault, room))
    }
}

impl AsyncWrite for SecureStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
