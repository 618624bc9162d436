//! Control over the byte stream of a session, beside the session that reads and writes it.

use super::http2;
use crate::sys::socket_handle::SocketHandle;

/// Control over a byte stream.
pub enum TransportHandle {
    /// The socket below it, which carries nothing else.
    Socket(SocketHandle),
    /// The HTTP/2 stream.
    Stream(http2::StreamHandle),
}

impl TransportHandle {
    /// Makes the stream end with a reset when the session drops it. If that is not possible, it ends
    /// in order.
    pub fn reset_at_end(&self) {
        match self {
            Self::Socket(socket) => {
                let _ = socket.reset_at_end();
            }
            Self::Stream(stream) => stream.reset_at_end(),
        }
    }

    /// Waits until the peer has ended the stream, which need not be read.
    pub async fn ended_by_peer(&self) {
        match self {
            Self::Socket(socket) => socket.ended_by_peer().await,
            Self::Stream(stream) => stream.ended_by_peer().await,
        }
    }
}
