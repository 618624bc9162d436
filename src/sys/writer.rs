//! Output to a descriptor that other processes share, without ever waiting in a write.
//!
//! `O_NONBLOCK` is a property of the file description, which the shell and its other children
//! share, so it is never set on an inherited descriptor. A pipe or a terminal is reopened through
//! /proc, which creates a description that is not shared; a socket takes the flag with each call.
//! Where neither works (no /proc, a pipe of another user), a thread writes. Polling first is not
//! enough: another process may fill the pipe, and a terminal may be stopped, between the two calls.

use super::{
    output_target::{ATOMIC_WRITE_BYTES, OutputTarget},
    readiness::{is_null, is_ready, is_ready_within},
    writer_thread::WriterThread,
};
use rustix::{
    event::PollFlags,
    fs::{FileType, Mode, OFlags, fstat, open},
    io::Errno,
    net::SendFlags,
};
use std::{io, sync::Arc, time::Duration};

/// A descriptor whose writes never wait.
pub(super) struct Writer {
    target: OutputTarget,
    method: Method,
}

enum Method {
    /// Write: a file, which never waits, or an unshared description with `O_NONBLOCK`.
    Write,
    /// Send with `MSG_DONTWAIT`.
    Send,
    Thread(WriterThread),
    /// Poll, then write as much as a pipe that polls as writable takes. The last resort, for
    /// descriptors of other kinds and where no thread can be started.
    Poll,
    /// The stream was closed when the process started.
    Closed,
}

impl Writer {
    /// Chooses the method for a descriptor, which is found again at `path`.
    pub(super) fn new(target: OutputTarget, path: &str) -> io::Result<Self> {
        let stat = fstat(&target)?;
        let method = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile | FileType::BlockDevice => Method::Write,
            FileType::CharacterDevice if is_null(&stat) => Method::Write,
            FileType::Socket => Method::Send,
            FileType::Fifo | FileType::CharacterDevice => {
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                if let Ok(own) = open(path, flags, Mode::empty()) {
                    let target = OutputTarget::Own(Arc::new(own));
                    return Ok(Self { target, method: Method::Write });
                }
                WriterThread::start(target.clone()).map_or(Method::Poll, Method::Thread)
            }
            _ => Method::Poll,
        };
        Ok(Self { target, method })
    }

    /// Returns the writer of a stream that was closed when the process started. Every write fails.
    pub(super) fn closed(target: OutputTarget) -> Self {
        Self { target, method: Method::Closed }
    }

    pub(super) fn target(&self) -> &OutputTarget {
        &self.target
    }

    /// Reports whether writes go to an unshared description, or to a file, which never waits.
    pub(super) fn is_own(&self) -> bool {
        matches!((&self.target, &self.method), (OutputTarget::Own(_), Method::Write))
    }

    /// Returns the thread that writes, if there is one.
    pub(super) fn thread(&self) -> Option<&WriterThread> {
        match &self.method {
            Method::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    /// Writes some of the bytes and returns their number. Fails with [`Errno::AGAIN`] instead of
    /// waiting; call it again later with the same bytes, or [`Self::abandon`] them.
    #[inline]
    pub(super) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.method {
            Method::Write => rustix::io::write(&self.target, bytes),
            Method::Send => {
                rustix::net::send(&self.target, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
            }
            Method::Thread(thread) => thread.write(bytes),
            Method::Poll if is_ready(&self.target, PollFlags::OUT) => {
                rustix::io::write(&self.target, bytes.get(..ATOMIC_WRITE_BYTES).unwrap_or(bytes))
            }
            Method::Poll => Err(Errno::AGAIN),
            Method::Closed => Err(Errno::BADF),
        }
    }

    /// Waits until [`Self::write`] may accept bytes, for at most `limit`.
    pub(super) fn wait(&self, limit: Duration) {
        match &self.method {
            Method::Thread(thread) => thread.wait(limit),
            // A terminal may poll as writable while another process writes to it.
            _ if is_ready(&self.target, PollFlags::OUT) => std::thread::sleep(RETRY_DELAY),
            _ => {
                is_ready_within(&self.target, PollFlags::OUT, limit);
            }
        }
    }

    /// Forgets bytes that [`Self::write`] did not accept.
    pub(super) fn abandon(&self) {
        if let Method::Thread(thread) = &self.method {
            thread.abandon();
        }
    }
}

/// The delay before a write is tried again to a descriptor that did not accept bytes and polls as
/// writable.
const RETRY_DELAY: Duration = Duration::from_millis(1);
