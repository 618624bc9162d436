//! Readiness of descriptors: asked for without waiting, or reported by the runtime.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, Stat},
};
use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};
use tokio::io::{Interest, unix::AsyncFd};

/// Registers a descriptor with the runtime.
#[expect(
    deprecated,
    reason = "its replacement is an unsafe function, whose contract an owned or static descriptor always meets"
)]
pub(super) fn watch<T: AsRawFd>(fd: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(fd, interest)
}

/// Reports whether the descriptor is ready for one of these events now. A caller that then waits for
/// the runtime to report a change must not take a failure for "not ready": the change may have
/// happened already.
pub(super) fn ready_now(fd: impl AsFd, events: PollFlags) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), events)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready = rustix::io::retry_on_intr(|| poll(&mut fds, Some(&at_once)))?;
    Ok(ready > 0)
}

/// Reports whether the descriptor is known to be ready for one of these events now.
pub(super) fn is_ready(fd: impl AsFd, events: PollFlags) -> bool {
    ready_now(fd, events).unwrap_or(false)
}

/// Waits until the descriptor is ready for one of these events, for at most `limit`. Returns false
/// if it is not, or if a signal interrupts the wait.
pub(super) fn is_ready_within(fd: impl AsFd, events: PollFlags, limit: Duration) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), events)];
    let limit = Timespec::try_from(limit).unwrap_or_default();
    poll(&mut fds, Some(&limit)).is_ok_and(|n| n > 0)
}

/// Reports whether the other end of a pipe or socket is closed, which polls as ERR or HUP.
pub(super) fn has_no_reader(fd: impl AsFd) -> io::Result<bool> {
    ready_now(fd, PollFlags::empty())
}

/// Reports whether a file is /dev/null.
pub(super) fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
}
