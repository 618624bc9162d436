//! The byte stream that the layers above TCP read and write.

use crate::sys::unix;
use std::{fmt, io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// A byte stream to the peer: TCP, a Unix socket, TLS, a proxy tunnel or an HTTP/2 stream.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// Makes the stream end with a reset when it is dropped. A stream that cannot be reset ends in
    /// order.
    fn reset_at_end(&mut self) {}
}

/// The number of bytes kept from the start of a peer's data, for an error message if it does not
/// speak the expected protocol.
pub(in crate::net) const EXCERPT_BYTES: usize = 80;

impl Transport for TcpStream {
    fn reset_at_end(&mut self) {
        // A connection that has ended cannot be reset.
        let _ = unix::reset_at_end(&*self);
    }
}

impl Transport for UnixStream {}

impl Transport for Box<dyn Transport> {
    fn reset_at_end(&mut self) {
        (**self).reset_at_end();
    }
}

#[cfg(test)]
impl Transport for tokio::io::DuplexStream {}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// Reads from an answer to a request. If the request could not be written, any answer has already
/// been sent: returns `None` if none arrives within [`LATE_ANSWER_LIMIT`].
pub(crate) async fn read_answer(
    transport: &mut dyn Transport,
    buffer: &mut [u8],
    is_unsent: bool,
) -> Option<io::Result<usize>> {
    let read = transport.read(buffer);
    if is_unsent { timeout(LATE_ANSWER_LIMIT, read).await.ok() } else { Some(read.await) }
}

const LATE_ANSWER_LIMIT: Duration = Duration::from_millis(500);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };
    use tokio::io::ReadBuf;

    /// A peer that refuses every write and sends nothing.
    pub(crate) struct Refusing;

    impl Transport for Refusing {}

    impl AsyncRead for Refusing {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Refusing {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
