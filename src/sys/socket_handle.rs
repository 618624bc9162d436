//! A second handle of a connected socket, for what is done below its stream.

use super::{readiness::watch, unix};
use rustix::fd::{AsFd, OwnedFd};
use std::io;
use tokio::io::Interest;

/// A handle of a socket, which stays open until the handle is dropped, too.
#[derive(Debug)]
pub struct SocketHandle(OwnedFd);

impl SocketHandle {
    /// Creates a handle of a socket. It takes a descriptor.
    pub fn new(socket: impl AsFd) -> io::Result<Self> {
        socket.as_fd().try_clone_to_owned().map(Self)
    }

    /// Makes the connection end with a reset when the socket is closed.
    pub fn reset_at_end(&self) -> io::Result<()> {
        unix::reset_at_end(&self.0)
    }

    /// Waits until the peer has ended the connection, which need not be read.
    pub async fn ended_by_peer(&self) {
        let Ok(handle) = watch(self.0.as_fd(), Interest::READABLE) else {
            return std::future::pending().await;
        };
        while let Ok(mut guard) = handle.readable().await {
            if guard.ready().is_read_closed() {
                return;
            }
            guard.clear_ready();
        }
    }
}
