//! Diagnostics on stderr, and the first lines on a terminal. They wait for a slow reader, but never
//! keep the process from ending.

use super::{
    closed,
    output_target::{ATOMIC_WRITE_BYTES, OutputTarget},
    writer::Writer,
};
use crate::proto::slice::Within;
use rustix::io::Errno;
use std::{
    os::fd::BorrowedFd,
    sync::{
        Arc, LazyLock, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Returns the flag that makes writes stop waiting. Signal handlers set it.
pub(super) fn give_up_flag() -> Arc<AtomicBool> {
    Arc::clone(&GIVE_UP)
}

/// Makes [`write_stderr`] and [`write_stdout`] stop waiting at this deadline.
pub fn give_up_writing_after(deadline: Instant) {
    let _ = DEADLINE.set(deadline);
}

/// Limits all further waiting, because the run is over: a reader that accepts nothing for two
/// seconds does not keep the process from ending.
pub fn limit_writing_at_end() {
    ENDING.store(true, Ordering::SeqCst);
}

/// Writes to stderr and ignores errors, since a run continues even if stderr is closed.
///
/// Waits while stderr is full, without being stuck in a write. After a signal that ends the run,
/// the deadline of [`give_up_writing_after`] or the limit of [`limit_writing_at_end`], the remaining
/// bytes are dropped instead.
pub fn write_stderr(bytes: &[u8]) {
    STDERR.write(bytes);
}

/// Writes to stderr as much as it takes without waiting. Returns the number of bytes written, or
/// dropped because stderr cannot be written.
pub fn offer_stderr(bytes: &[u8]) -> usize {
    STDERR.offer(bytes)
}

/// Writes to stdout, where it is a terminal, in the same way as [`write_stderr`].
pub fn write_stdout(bytes: &[u8]) {
    STDOUT.write(bytes);
}

/// A standard stream. Threads take turns, so that lines are not mixed.
struct Stream {
    descriptor: fn() -> BorrowedFd<'static>,
    path: &'static str,
    writer: Mutex<Option<Writer>>,
}

impl Stream {
    fn write(&self, bytes: &[u8]) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            *writer = self.open();
        }
        if let Some(writer) = &*writer {
            write_all(writer, bytes);
        }
    }

    fn offer(&self, bytes: &[u8]) -> usize {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            *writer = self.open();
        }
        let Some(writer) = &*writer else { return bytes.len() };
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match writer.write(rest) {
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return bytes.len(),
            }
        }
        done
    }

    fn open(&self) -> Option<Writer> {
        let descriptor = (self.descriptor)();
        if closed::was_closed(descriptor) {
            return None;
        }
        Writer::new(OutputTarget::Inherited(descriptor), self.path).ok()
    }
}

fn write_all(writer: &Writer, bytes: &[u8]) {
    for piece in bytes.chunks(ATOMIC_WRITE_BYTES) {
        let mut rest = piece;
        let mut progress = Instant::now();
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(n) => {
                    rest = rest.within(n..);
                    progress = Instant::now();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if gives_up(progress) => return writer.abandon(),
                Err(Errno::AGAIN) => writer.wait(POLL_INTERVAL),
                Err(_) => return,
            }
        }
    }
}

/// Reports whether to stop waiting for a stream that last accepted bytes at `progress`.
fn gives_up(progress: Instant) -> bool {
    let now = Instant::now();
    if ENDING.load(Ordering::SeqCst) && now - progress >= END_LIMIT {
        // Further lines do not wait again.
        GIVE_UP.store(true, Ordering::SeqCst);
    }
    GIVE_UP.load(Ordering::SeqCst) || DEADLINE.get().is_some_and(|at| *at <= now)
}

static STDERR: Stream =
    Stream { descriptor: rustix::stdio::stderr, path: "/proc/self/fd/2", writer: Mutex::new(None) };
static STDOUT: Stream =
    Stream { descriptor: rustix::stdio::stdout, path: "/proc/self/fd/1", writer: Mutex::new(None) };
static GIVE_UP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static ENDING: AtomicBool = AtomicBool::new(false);
static DEADLINE: OnceLock<Instant> = OnceLock::new();
/// The interval at which a waiting write checks whether to give up.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The longest time without progress at the end of a run.
const END_LIMIT: Duration = Duration::from_secs(2);
