//! The descriptor that output is written to.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::Arc,
};

/// The descriptor that is written to.
#[derive(Clone)]
pub(super) enum OutputTarget {
    /// One of the standard streams.
    Inherited(BorrowedFd<'static>),
    Own(Arc<OwnedFd>),
}

impl AsFd for OutputTarget {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Inherited(fd) => *fd,
            Self::Own(fd) => fd.as_fd(),
        }
    }
}

impl AsRawFd for OutputTarget {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// `PIPE_BUF`, in bytes: a pipe that polls as writable takes them without blocking (POSIX), and
/// they are not mixed with those of other processes.
pub(super) const ATOMIC_WRITE_BYTES: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
