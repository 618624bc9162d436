//! Byte streams: how to reach a host. Nothing here knows a message.

pub mod http2;
pub mod proxy;
pub mod tcp;
pub mod tls;

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to the peer, whatever it is made of.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl std::fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}
