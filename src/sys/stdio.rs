//! The standard streams. Stdin is read without a thread: polled where the system supports it,
//! accessed directly where it never blocks (files, /dev/null).
//!
//! The descriptor is shared with the shell and its other children, so `O_NONBLOCK` is never set on
//! it. A pipe or a terminal is reopened through /proc, which creates a file description that is not
//! shared; where that fails (a socket, no /proc), the descriptor is polled before each call.

pub use super::{
    patient::{
        give_up_writing_after, limit_writing_at_end, offer_stderr, write_stderr, write_stdout,
    },
    stdout::{Stdout, WaitingStdout, check_stdout, write_within},
};

use super::readiness::{is_null, is_ready, ready_now, watch};
use rustix::{
    event::PollFlags,
    fs::{FileType, Mode, OFlags, fstat, open, tell},
    io::Errno,
    process::getpgrp,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};
use tokio::io::{Interest, unix::AsyncFd};

/// The kind of input that stdin provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinKind {
    /// A terminal with this process in the foreground.
    Terminal,
    /// A pipe, a file or a socket.
    Data,
    /// Closed, /dev/null, or the terminal of a background job: there is neither input nor an end of
    /// input.
    Nothing,
}

/// Determines the kind of stdin.
pub fn stdin_kind() -> StdinKind {
    let stdin = io::stdin();
    let stat = match fstat(&stdin) {
        Ok(stat) => stat,
        Err(Errno::BADF) => return StdinKind::Nothing,
        // Reading it tells of the error.
        Err(_) => return StdinKind::Data,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
        return StdinKind::Data;
    }
    if rustix::termios::isatty(&stdin) {
        // SIGTTIN stops a background job that reads the terminal.
        let ours = rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp());
        return if ours { StdinKind::Terminal } else { StdinKind::Nothing };
    }
    if is_null(&stat) { StdinKind::Nothing } else { StdinKind::Data }
}

/// Reports whether nobody can read stdout: it is closed or /dev/null.
pub fn is_stdout_null() -> bool {
    fstat(io::stdout()).is_ok_and(|stat| is_null(&stat))
}

/// The descriptor of stdin, by how its readiness is determined.
enum Descriptor {
    /// Never blocks.
    Direct,
    /// A pipe or a terminal, reopened with an unshared, non-blocking file description.
    Own { fd: AsyncFd<OwnedFd>, pipe: bool },
    /// Shared and blocking, therefore polled before each call.
    Shared(AsyncFd<OwnedFd>),
}

impl Descriptor {
    fn new(fd: BorrowedFd<'_>, path: &str) -> io::Result<Self> {
        let stat = fstat(fd)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::RegularFile || is_null(&stat) {
            return Ok(Self::Direct);
        }
        if matches!(kind, FileType::Fifo | FileType::CharacterDevice)
            && let Ok(own) = open(
                path,
                OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
                Mode::empty(),
            )
            && let Ok(own) = watch(own, Interest::READABLE)
        {
            return Ok(Self::Own { fd: own, pipe: kind == FileType::Fifo });
        }
        // A file that cannot be polled is always ready.
        Ok(watch(fd.try_clone_to_owned()?, Interest::READABLE).map_or(Self::Direct, Self::Shared))
    }
}

/// Stdin, read without a thread.
pub struct Stdin {
    descriptor: Descriptor,
}

impl Stdin {
    /// Opens stdin. Must be called within a runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self { descriptor: Descriptor::new(io::stdin().as_fd(), "/proc/self/fd/0")? })
    }

    /// Opens another stream in place of stdin.
    #[cfg(test)]
    pub(crate) fn from_stream(stream: BorrowedFd<'_>) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
        Ok(Self { descriptor: Descriptor::new(stream, &path)? })
    }

    /// Returns true if [`Self::read`] would not wait.
    pub fn is_ready(&self) -> bool {
        match &self.descriptor {
            Descriptor::Direct => true,
            Descriptor::Own { fd, .. } | Descriptor::Shared(fd) => {
                is_ready(fd.get_ref(), PollFlags::IN)
            }
        }
    }

    /// Returns the number of bytes that [`Self::read`] would return without waiting, as far as the
    /// system reports it.
    pub fn available(&self) -> u64 {
        match &self.descriptor {
            Descriptor::Direct => {
                let stdin = io::stdin();
                let size = fstat(&stdin).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
                size.saturating_sub(tell(&stdin).unwrap_or(size))
            }
            Descriptor::Own { fd, .. } | Descriptor::Shared(fd) => {
                rustix::io::ioctl_fionread(fd.get_ref()).unwrap_or(0)
            }
        }
    }

    /// Waits for input and reads what is available. Returns the number of bytes, 0 at the end.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, shared, pipe) = match &self.descriptor {
            Descriptor::Direct => return Ok(rustix::io::read(io::stdin(), buffer)?),
            Descriptor::Own { fd, pipe } => (fd, false, *pipe),
            Descriptor::Shared(fd) => (fd, true, false),
        };
        loop {
            let mut guard = fd.readable().await?;
            if shared && !ready_now(fd.get_ref(), PollFlags::IN)? {
                guard.clear_ready();
                continue;
            }
            match rustix::io::read(fd.get_ref(), &mut *buffer) {
                Err(Errno::AGAIN) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                // The terminal was closed, which is the end of its input.
                Err(Errno::IO) if rustix::termios::isatty(fd.get_ref()) => return Ok(0),
                Err(cause) => return Err(cause.into()),
                Ok(n) => {
                    // A short read means that the pipe is empty, which saves another call. (A
                    // terminal returns one line per read.)
                    if pipe && n < buffer.len() {
                        guard.clear_ready();
                    }
                    return Ok(n);
                }
            }
        }
    }
}

/// Returns the name of the standard stream that refers to this file, if any. The file is identified
/// by its device and inode, as by [`file_id`](super::unix::file_id).
pub fn standard_stream_name((device, inode): (u64, u64)) -> Option<&'static str> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams =
        [(stdin.as_fd(), "stdin"), (stdout.as_fd(), "stdout"), (stderr.as_fd(), "stderr")];
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the type of a device number differs between systems"
    )]
    let is = |fd: BorrowedFd<'_>| {
        fstat(fd).is_ok_and(|found| found.st_dev as u64 == device && found.st_ino == inode)
    };
    streams.into_iter().find(|(fd, _)| is(*fd)).map(|(_, name)| name)
}
