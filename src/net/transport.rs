//! The byte stream that the layers above TCP read and write.

use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to the peer: TCP, a Unix socket, TLS, a proxy tunnel or an HTTP/2 stream.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

/// The first bytes of a peer that are kept for an error message, should it not speak the expected
/// protocol.
pub(in crate::net) const EXCERPT_BYTES: usize = 80;

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
