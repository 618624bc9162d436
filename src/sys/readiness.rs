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

/// Reports whether the descriptor is ready for one of these events now.
pub(super) fn is_ready(fd: impl AsFd, events: PollFlags) -> bool {
    is_ready_within(fd, events, Duration::ZERO)
}

/// Waits until the descriptor is ready for one of these events, for at most `limit`. Returns false
/// if it is not, or if a signal interrupts the wait.
pub(super) fn is_ready_within(fd: impl AsFd, events: PollFlags, limit: Duration) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), events)];
    let limit = Timespec::try_from(limit).unwrap_or_default();
    poll(&mut fds, Some(&limit)).is_ok_and(|n| n > 0)
}

/// Reports whether the other end of a pipe or socket is closed.
pub(super) fn has_no_reader(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::empty())];
    let polled = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    polled.is_ok() && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// Reports whether a file is /dev/null.
pub(super) fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
}
