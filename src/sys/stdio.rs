//! Stdin and stdout without threads: polled where the system supports it, accessed directly where
//! they never block (files, /dev/null).
//!
//! The descriptors are shared with the shell and its other children, so `O_NONBLOCK` is never set
//! on them. A pipe or a terminal is reopened through /proc, which creates a file description that
//! is not shared; where that fails (a socket, no /proc), the descriptor is polled before each call.

use crate::proto::slice::Within;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, Mode, OFlags, Stat, fstat, open},
    io::Errno,
    process::getpgrp,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::io::{Interest, unix::AsyncFd};

/// The kind of file that stdin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinKind {
    /// A terminal, with this process in its foreground.
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
    let Ok(stat) = fstat(&stdin) else { return StdinKind::Nothing };
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

fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
}

/// The descriptor of a standard stream, by how its readiness is determined.
enum Descriptor {
    /// Never blocks.
    Direct,
    /// A pipe or a terminal, reopened with an unshared, non-blocking file description.
    Own { fd: AsyncFd<OwnedFd>, pipe: bool },
    /// Shared and blocking, therefore polled before each call.
    Shared(AsyncFd<OwnedFd>),
}

impl Descriptor {
    fn new(fd: BorrowedFd<'_>, path: &str, access: OFlags, interest: Interest) -> io::Result<Self> {
        let stat = fstat(fd)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::RegularFile || is_null(&stat) {
            return Ok(Self::Direct);
        }
        if matches!(kind, FileType::Fifo | FileType::CharacterDevice)
            && let Ok(own) = open(
                path,
                access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
                Mode::empty(),
            )
            && let Ok(own) = watch(own, interest)
        {
            return Ok(Self::Own { fd: own, pipe: kind == FileType::Fifo });
        }
        // A file that cannot be polled is always ready.
        Ok(watch(fd.try_clone_to_owned()?, interest).map_or(Self::Direct, Self::Shared))
    }
}

/// Registers a descriptor with the runtime.
#[expect(
    deprecated,
    reason = "its safe successor is unsafe to call; an OwnedFd is what it asks for"
)]
fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, interest)
}

/// Stdin, read without a thread.
pub struct Stdin {
    descriptor: Descriptor,
}

impl Stdin {
    /// Opens stdin. Must be called within a runtime.
    pub fn new() -> io::Result<Self> {
        let descriptor = Descriptor::new(
            io::stdin().as_fd(),
            "/proc/self/fd/0",
            OFlags::RDONLY,
            Interest::READABLE,
        )?;
        Ok(Self { descriptor })
    }

    /// Opens another stream in place of stdin.
    #[cfg(test)]
    pub(crate) fn from_stream(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let descriptor =
            Descriptor::new(stream, &path_of(stream), OFlags::RDONLY, Interest::READABLE)?;
        Ok(Self { descriptor })
    }

    /// Returns true if [`Self::read`] would not wait.
    pub fn is_ready(&self) -> bool {
        match &self.descriptor {
            Descriptor::Direct => true,
            Descriptor::Own { fd, .. } | Descriptor::Shared(fd) => {
                is_ready(fd.get_ref().as_fd(), PollFlags::IN)
            }
        }
    }

    /// Returns the number of bytes that [`Self::read`] would return without waiting, as far as the
    /// system knows it.
    pub fn available(&self) -> u64 {
        match &self.descriptor {
            Descriptor::Direct => 0,
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
            if shared && !is_ready(fd.get_ref().as_fd(), PollFlags::IN) {
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

/// Stdout, written without a thread.
pub struct Stdout {
    descriptor: Descriptor,
}

impl Stdout {
    /// Opens stdout. Must be called within a runtime.
    pub fn new() -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let descriptor =
            Descriptor::new(io::stdout().as_fd(), "/proc/self/fd/1", OFlags::WRONLY, interest)?;
        Ok(Self { descriptor })
    }

    /// Opens another stream in place of stdout.
    #[cfg(test)]
    pub(crate) fn from_stream(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let descriptor = Descriptor::new(stream, &path_of(stream), OFlags::WRONLY, interest)?;
        Ok(Self { descriptor })
    }

    /// Writes as many bytes as possible without waiting and returns their number. If that is not
    /// all of them, wait for [`Self::writable`].
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
        {
            let written = match &self.descriptor {
                Descriptor::Direct => rustix::io::write(io::stdout(), rest),
                Descriptor::Own { fd, .. } => rustix::io::write(fd.get_ref(), rest),
                Descriptor::Shared(fd) if is_ready(fd.get_ref().as_fd(), PollFlags::OUT) => {
                    // A pipe that polls as writable takes this many bytes without blocking (POSIX).
                    rustix::io::write(fd.get_ref(), rest.get(..ATOMIC_WRITE_BYTES).unwrap_or(rest))
                }
                Descriptor::Shared(_) => Err(Errno::AGAIN),
            };
            match written {
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(cause) => return Err(cause.into()),
            }
        }
        Ok(done)
    }

    /// Waits until more can be written.
    pub async fn writable(&self) -> io::Result<()> {
        let (Descriptor::Own { fd, .. } | Descriptor::Shared(fd)) = &self.descriptor else {
            return Ok(());
        };
        loop {
            let mut guard = fd.ready(Interest::WRITABLE).await?;
            if is_ready(fd.get_ref().as_fd(), PollFlags::OUT) {
                return Ok(());
            }
            guard.clear_ready_matching(tokio::io::Ready::WRITABLE);
        }
    }

    /// Waits until stdout has no reader any more. Without this, a run that has nothing to write
    /// would not notice.
    pub async fn reader_gone(&self) {
        // Without a reader, a pipe polls as POLLERR and a socket as POLLHUP.
        let (fd, interest) = match &self.descriptor {
            Descriptor::Direct => return std::future::pending().await,
            Descriptor::Own { fd, .. } => (fd, Interest::ERROR),
            Descriptor::Shared(fd) => (fd, Interest::READABLE),
        };
        while let Ok(mut guard) = fd.ready(interest).await {
            if has_no_reader(fd.get_ref().as_fd()) {
                return;
            }
            if guard.ready().is_read_closed() {
                // The peer only shut down its sending side, a state that never changes back. From
                // here on, a failing write has to report the loss of the reader.
                break;
            }
            guard.clear_ready();
        }
        std::future::pending::<()>().await;
    }
}

/// Writes a text to stdout. Returns false if stdout does not take all of it within the limit.
pub async fn write_within(text: &str, limit: Duration) -> bool {
    let Ok(stdout) = Stdout::new() else { return false };
    let mut rest = text.as_bytes();
    let all = async {
        while let Ok(n) = stdout.write(rest) {
            rest = rest.within(n..);
            if rest.is_empty() {
                return true;
            }
            if stdout.writable().await.is_err() {
                break;
            }
        }
        false
    };
    tokio::time::timeout(limit, all).await.unwrap_or(false)
}

/// Returns the name of the standard stream that is this file, if one is. The file is identified by
/// its device and inode, as by [`file_id`](super::unix::file_id).
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

/// Makes [`write_stderr`] stop waiting for stderr once this flag is set.
pub fn give_up_stderr_when(flag: Arc<AtomicBool>) {
    let _ = STDERR_GIVE_UP.set(flag);
}

/// Makes [`write_stderr`] stop waiting for stderr at this deadline.
pub fn give_up_stderr_after(deadline: Instant) {
    let _ = STDERR_DEADLINE.set(deadline);
}

/// Writes to stderr and ignores errors, since a run continues even if stderr is closed.
///
/// Blocks while stderr is full. Once the flag of [`give_up_stderr_when`] is set or the deadline of
/// [`give_up_stderr_after`] has passed, the remaining bytes are dropped instead.
pub fn write_stderr(bytes: &[u8]) {
    let stderr = io::stderr();
    // A pipe that polls as writable takes this many bytes without blocking (POSIX).
    for piece in bytes.chunks(ATOMIC_WRITE_BYTES) {
        let mut rest = piece;
        while !rest.is_empty() {
            let flagged = STDERR_GIVE_UP.get().is_some_and(|flag| flag.load(Ordering::SeqCst));
            let gives_up = flagged || STDERR_DEADLINE.get().is_some_and(|at| *at <= Instant::now());
            let tv_nsec = if gives_up { 0 } else { STDERR_POLL_NANOS };
            let mut fds = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
            let ready = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec }));
            match ready {
                Ok(0) if gives_up => return,
                Ok(0) => continue,
                _ => {}
            }
            match rustix::io::write(stderr.as_fd(), rest) {
                Ok(n) => rest = rest.within(n..),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
fn path_of(stream: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&stream))
}

fn is_ready(fd: BorrowedFd<'_>, events: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, events)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|n| n > 0)
}

fn has_no_reader(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
    let polled = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    polled.is_ok() && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// `PIPE_BUF`, in bytes.
const ATOMIC_WRITE_BYTES: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
/// The interval at which a blocked write checks whether to give up.
const STDERR_POLL_NANOS: i64 = 50_000_000;
static STDERR_GIVE_UP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static STDERR_DEADLINE: OnceLock<Instant> = OnceLock::new();
