//! The byte stream that every layer above TCP reads and writes.

use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to the peer: TCP, a Unix socket, TLS, a tunnel through a proxy or a stream of
/// HTTP/2.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
