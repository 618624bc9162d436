//! Stdin and stdout without threads: polled where the system can, read and written directly where
//! it never blocks (files, /dev/null).
//!
//! The descriptors are shared with the shell and its other children, so O_NONBLOCK is never set on
//! them. A pipe or a terminal is opened anew through /proc, which gives a file description of our
//! own; where that fails (a socket, no /proc), the descriptor is asked before each call.

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

/// What stdin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person.
    Terminal,
    /// A pipe, a file or a socket.
    Data,
    /// Closed, or /dev/null: there is no input and no end of it.
    Nothing,
}

/// Returns what stdin is.
pub fn source() -> Source {
    let stdin = io::stdin();
    let Ok(stat) = fstat(&stdin) else { return Source::Nothing };
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
        return Source::Data;
    }
    if rustix::termios::isatty(&stdin) {
        // A job in the background that reads the terminal is stopped (SIGTTIN).
        let ours = rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp());
        return if ours { Source::Terminal } else { Source::Nothing };
    }
    if is_null(&stat) { Source::Nothing } else { Source::Data }
}

fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
}

/// How a descriptor is waited for.
enum Way {
    /// It never blocks.
    Direct,
    /// Our own file description, non-blocking; a pipe, or a terminal.
    Own { fd: AsyncFd<OwnedFd>, pipe: bool },
    /// Shared and blocking: asked before each call.
    Shared(AsyncFd<OwnedFd>),
}

impl Way {
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
        // What cannot be polled is always ready.
        Ok(watch(fd.try_clone_to_owned()?, interest).map_or(Self::Direct, Self::Shared))
    }
}

/// Registers a descriptor to be waited for.
#[expect(
    deprecated,
    reason = "its safe successor is unsafe to call; an OwnedFd is what it asks for"
)]
fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, interest)
}

/// Stdin.
pub struct Stdin {
    way: Way,
}

impl Stdin {
    /// Stdin, ready to be waited for.
    pub fn new() -> io::Result<Self> {
        let way =
            Way::new(io::stdin().as_fd(), "/proc/self/fd/0", OFlags::RDONLY, Interest::READABLE)?;
        Ok(Self { way })
    }

    /// Another stream in the place of stdin.
    #[cfg(test)]
    pub(crate) fn of(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let way = Way::new(stream, &path_of(stream), OFlags::RDONLY, Interest::READABLE)?;
        Ok(Self { way })
    }

    /// Whether there is something to read, or the end, at once.
    pub fn is_ready(&self) -> bool {
        match &self.way {
            Way::Direct => true,
            Way::Own { fd, .. } | Way::Shared(fd) => is_ready(fd.get_ref().as_fd(), PollFlags::IN),
        }
    }

    /// Reads what there is, waiting until there is something; 0 is the end.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, shared, pipe) = match &self.way {
            Way::Direct => return Ok(rustix::io::read(io::stdin(), buffer)?),
            Way::Own { fd, pipe } => (fd, false, *pipe),
            Way::Shared(fd) => (fd, true, false),
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
                // A terminal that has gone away is the end of what is typed.
                Err(Errno::IO) if rustix::termios::isatty(fd.get_ref()) => return Ok(0),
                Err(cause) => return Err(cause.into()),
                Ok(n) => {
                    // A pipe that gave less than asked is empty: no need to ask it again. (A
                    // terminal gives a line at a time.)
                    if pipe && n < buffer.len() {
                        guard.clear_ready();
                    }
                    return Ok(n);
                }
            }
        }
    }
}

/// Stdout.
pub struct Stdout {
    way: Way,
}

impl Stdout {
    /// Stdout, ready to be waited for.
    pub fn new() -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let way = Way::new(io::stdout().as_fd(), "/proc/self/fd/1", OFlags::WRONLY, interest)?;
        Ok(Self { way })
    }

    /// Another stream in the place of stdout.
    #[cfg(test)]
    pub(crate) fn of(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let way = Way::new(stream, &path_of(stream), OFlags::WRONLY, interest)?;
        Ok(Self { way })
    }

    /// Writes as much as goes without waiting: how many bytes. Less than all: wait for
    /// [`Self::writable`].
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
        {
            let written = match &self.way {
                Way::Direct => rustix::io::write(io::stdout(), rest),
                Way::Own { fd, .. } => rustix::io::write(fd.get_ref(), rest),
                Way::Shared(fd) if is_ready(fd.get_ref().as_fd(), PollFlags::OUT) => {
                    // A pipe that is ready takes this much without blocking (POSIX).
                    rustix::io::write(fd.get_ref(), rest.get(..ATOMIC).unwrap_or(rest))
                }
                Way::Shared(_) => Err(Errno::AGAIN),
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
        let (Way::Own { fd, .. } | Way::Shared(fd)) = &self.way else { return Ok(()) };
        loop {
            let mut guard = fd.ready(Interest::WRITABLE).await?;
            if is_ready(fd.get_ref().as_fd(), PollFlags::OUT) {
                return Ok(());
            }
            guard.clear_ready_matching(tokio::io::Ready::WRITABLE);
        }
    }

    /// Waits until the reader has gone, which a quiet feed would never notice.
    pub async fn gone(&self) {
        // A pipe reports an error, a socket that it is hung up.
        let (fd, interest) = match &self.way {
            Way::Direct => return std::future::pending().await,
            Way::Own { fd, .. } => (fd, Interest::ERROR),
            Way::Shared(fd) => (fd, Interest::READABLE),
        };
        while let Ok(mut guard) = fd.ready(interest).await {
            if is_gone(fd.get_ref().as_fd()) {
                return;
            }
            if guard.ready().is_read_closed() {
                // It only says no more itself, and this never changes back: writing will tell.
                break;
            }
            guard.clear_ready();
        }
        std::future::pending::<()>().await;
    }
}

/// Writes all of a text to stdout, if it takes it within the limit; whether it has.
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

/// Which of the three streams is this file, if one is.
pub fn name_of((device, inode): (u64, u64)) -> Option<&'static str> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams =
        [(stdin.as_fd(), "stdin"), (stdout.as_fd(), "stdout"), (stderr.as_fd(), "stderr")];
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the number of a device has another type on each system"
    )]
    let is = |fd: BorrowedFd<'_>| {
        fstat(fd).is_ok_and(|found| found.st_dev as u64 == device && found.st_ino == inode)
    };
    streams.into_iter().find(|(fd, _)| is(*fd)).map(|(_, name)| name)
}

/// From now on stderr is not waited for once this is set.
pub fn hurry_when(asked: Arc<AtomicBool>) {
    let _ = ASKED.set(asked);
}

/// stderr is not waited for after this moment.
pub fn hurry_after(deadline: Instant) {
    let _ = DEADLINE.set(deadline);
}

/// Writes to stderr, which may be closed or full; that is no reason to end. One that takes nothing
/// is waited for, but not when we are to end: what remains is dropped then.
pub fn write_stderr(bytes: &[u8]) {
    let stderr = io::stderr();
    // A pipe that is ready takes this much without blocking (POSIX).
    for piece in bytes.chunks(ATOMIC) {
        let mut rest = piece;
        while !rest.is_empty() {
            let asked = ASKED.get().is_some_and(|asked| asked.load(Ordering::SeqCst));
            let late = asked || DEADLINE.get().is_some_and(|at| *at <= Instant::now());
            let tv_nsec = if late { 0 } else { SLICE };
            let mut fds = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
            let ready = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec }));
            match ready {
                Ok(0) if late => return,
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

fn is_ready(fd: BorrowedFd<'_>, what: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, what)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|n| n > 0)
}

fn is_gone(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
    let asked = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    asked.is_ok() && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// `PIPE_BUF`, in bytes.
const ATOMIC: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
/// How often it is asked whether we are to end, in nanoseconds.
const SLICE: i64 = 50_000_000;
static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static DEADLINE: OnceLock<Instant> = OnceLock::new();
