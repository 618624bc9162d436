//! Standard streams that were closed when the process started.
//!
//! Rust's runtime opens /dev/null in their place, so that no other file gets their descriptors.
//! That cannot be distinguished from a /dev/null passed on purpose, and everything written to it
//! would count as written. The streams are therefore examined before the runtime starts.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    stdio::{stderr, stdin, stdout},
};
use std::{
    os::fd::{AsRawFd as _, BorrowedFd},
    sync::atomic::{AtomicBool, Ordering},
};

/// Reports whether this standard stream was closed when the process started.
pub(super) fn was_closed(stream: BorrowedFd<'_>) -> bool {
    let index = usize::try_from(stream.as_raw_fd()).ok();
    index.and_then(|index| CLOSED.get(index)).is_some_and(|closed| closed.load(Ordering::Relaxed))
}

/// Records which streams are closed. Runs before `main`, with one thread and without the runtime.
#[ctor::ctor]
fn record() {
    let streams = [stdin(), stdout(), stderr()];
    let mut fds = streams.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty()));
    if poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok() {
        for (closed, fd) in CLOSED.iter().zip(&fds) {
            closed.store(fd.revents().contains(PollFlags::NVAL), Ordering::Relaxed);
        }
    }
}

static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
