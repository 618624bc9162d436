//! Stdout, written without waiting.

use super::{
    closed,
    output_target::OutputTarget,
    readiness::{has_no_reader, ready_now, watch},
    writer::Writer,
};
use crate::proto::slice::Within;
use rustix::{event::PollFlags, io::Errno};
use std::{
    io::{self, StdoutLock, Write},
    sync::Arc,
    time::Duration,
};
use tokio::io::{Interest, unix::AsyncFd};

/// Stdout, whose writes never wait.
pub struct Stdout {
    writer: Writer,
    /// `None` for a file, which is always ready.
    readiness: Option<AsyncFd<OutputTarget>>,
}

impl Stdout {
    /// Opens stdout. Must be called within a runtime.
    pub fn new() -> io::Result<Self> {
        let target = OutputTarget::Inherited(rustix::stdio::stdout());
        if closed::was_closed(rustix::stdio::stdout()) {
            return Ok(Self { writer: Writer::closed(target), readiness: None });
        }
        Self::open(target, "/proc/self/fd/1")
    }

    /// Opens another stream in place of stdout.
    #[cfg(test)]
    pub(crate) fn from_stream(stream: std::os::fd::BorrowedFd<'_>) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let target = OutputTarget::Own(stream.try_clone_to_owned()?.into());
        Self::open(target, &format!("/proc/self/fd/{}", stream.as_raw_fd()))
    }

    fn open(target: OutputTarget, path: &str) -> io::Result<Self> {
        let writer = Writer::new(target, path)?;
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let watched = match writer.target() {
            // The runtime registers a descriptor only once, and this may be the second [`Stdout`].
            OutputTarget::Inherited(fd) => OutputTarget::Own(Arc::new(fd.try_clone_to_owned()?)),
            own @ OutputTarget::Own(_) => own.clone(),
        };
        let readiness = match watch(watched, interest) {
            Ok(readiness) => Some(readiness),
            Err(cause) if is_always_ready(&cause) => None,
            Err(cause) => return Err(cause),
        };
        Ok(Self { writer, readiness })
    }

    /// Writes as many bytes as possible without waiting and returns their number. If that is not
    /// all of them, wait for [`Self::writable`] and continue with the rest.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..)
            && !rest.is_empty()
        {
            match self.writer.write(rest) {
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(cause) => return Err(cause.into()),
            }
        }
        Ok(done)
    }

    /// Reports whether stdout is a file, which takes all bytes or fails.
    pub fn is_file(&self) -> bool {
        self.readiness.is_none() && self.writer.thread().is_none()
    }

    /// Waits until more can be written.
    pub async fn writable(&self) -> io::Result<()> {
        // A descriptor may poll as writable and still accept nothing: timers and signals go on.
        tokio::task::coop::consume_budget().await;
        if let Some(thread) = self.writer.thread() {
            thread.written().await;
            return Ok(());
        }
        let Some(readiness) = &self.readiness else { return Ok(()) };
        loop {
            let mut guard = readiness.ready(Interest::WRITABLE).await?;
            if ready_now(readiness.get_ref(), PollFlags::OUT)? {
                return Ok(());
            }
            guard.clear_ready_matching(tokio::io::Ready::WRITABLE);
        }
    }

    /// Waits until stdout no longer has a reader. Otherwise a run that has nothing to write would
    /// not notice.
    pub async fn reader_gone(&self) {
        let Some(readiness) = &self.readiness else { return std::future::pending().await };
        // Without a reader, a pipe polls as POLLERR and a socket as POLLHUP.
        let interest = if self.writer.is_own() { Interest::ERROR } else { Interest::READABLE };
        while let Ok(mut guard) = readiness.ready(interest).await {
            match has_no_reader(readiness.get_ref()) {
                Ok(true) => return,
                Ok(false) => {}
                // Unknown: it is asked again.
                Err(_) => continue,
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

/// Reports whether a descriptor that cannot be registered is always ready, as files are. Otherwise,
/// it is registered already, or the system lacks resources.
fn is_always_ready(cause: &io::Error) -> bool {
    let others = [Errno::EXIST, Errno::NOSPC, Errno::NOMEM].map(Errno::raw_os_error);
    cause.raw_os_error().is_none_or(|cause| !others.contains(&cause))
}

/// Writes a text to stdout. Returns false if stdout does not take all of it within the limit.
pub async fn write_within(text: &str, limit: Duration) -> io::Result<bool> {
    let stdout = Stdout::new()?;
    let mut rest = text.as_bytes();
    let all = async {
        loop {
            rest = rest.within(stdout.write(rest)?..);
            if rest.is_empty() {
                return Ok(true);
            }
            stdout.writable().await?;
        }
    };
    tokio::time::timeout(limit, all).await.unwrap_or(Ok(false))
}

/// Fails if stdout was closed when the process started.
pub fn check_stdout() -> io::Result<()> {
    if closed::was_closed(rustix::stdio::stdout()) {
        return Err(Errno::BADF.into());
    }
    Ok(())
}

/// Stdout of a command that only writes. Its writes wait: a signal ends such a command by its
/// default action.
pub struct WaitingStdout(StdoutLock<'static>);

impl WaitingStdout {
    /// Locks stdout.
    pub fn lock() -> Self {
        Self(io::stdout().lock())
    }
}

impl Write for WaitingStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_stdout()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
