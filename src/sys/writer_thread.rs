//! A thread that writes to a descriptor whose writes may block. The thread is abandoned when the
//! process ends.

use super::output_target::{ATOMIC_WRITE_BYTES, OutputTarget};
use rustix::io::Errno;
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tokio::sync::Notify;

/// The thread and the bytes that it writes: one piece at a time, whose result is awaited, so that
/// bytes count as written only once they are.
pub(super) struct WriterThread(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Notified at each change of the state.
    changed: Condvar,
    /// Notified when a piece is written.
    written: Notify,
}

struct State {
    piece: Piece,
    /// The piece is no longer needed, so its result is discarded.
    abandoned: bool,
    /// The owner is gone, and the thread ends.
    closed: bool,
}

enum Piece {
    None,
    Waiting(Vec<u8>),
    InWrite,
    Written(Result<usize, Errno>),
}

impl WriterThread {
    /// Starts the thread. It must not be used by two callers at once.
    pub(super) fn start(target: OutputTarget) -> io::Result<Self> {
        let state = State { piece: Piece::None, abandoned: false, closed: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            written: Notify::new(),
        });
        let writes = Arc::clone(&shared);
        thread::Builder::new().name("writer".into()).spawn(move || writes.run(&target))?;
        Ok(Self(shared))
    }

    /// Hands bytes over, or returns the result of those handed over before, which were the first
    /// of the same bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut state = self.0.lock();
        if let Piece::Written(result) = state.piece {
            state.piece = Piece::None;
            if !std::mem::take(&mut state.abandoned) {
                return result;
            }
        }
        if matches!(state.piece, Piece::None) {
            let piece = bytes.get(..ATOMIC_WRITE_BYTES).unwrap_or(bytes);
            state.piece = Piece::Waiting(piece.to_vec());
            self.0.changed.notify_all();
        }
        Err(Errno::AGAIN)
    }

    /// Waits until a piece is written, for at most `limit`.
    pub(super) fn wait(&self, limit: Duration) {
        let state = self.0.lock();
        let _ = self.0.changed.wait_timeout_while(state, limit, |state| state.is_busy());
    }

    /// Waits until a piece is written. Cancel-safe.
    pub(super) async fn written(&self) {
        while self.0.lock().is_busy() {
            self.0.written.notified().await;
        }
    }

    /// Forgets the piece that was handed over.
    pub(super) fn abandon(&self) {
        let mut state = self.0.lock();
        match state.piece {
            Piece::None => {}
            Piece::InWrite => state.abandoned = true,
            Piece::Waiting(_) | Piece::Written(_) => state.piece = Piece::None,
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl State {
    fn is_busy(&self) -> bool {
        matches!(self.piece, Piece::Waiting(_) | Piece::InWrite)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, target: &OutputTarget) {
        loop {
            let state = self.lock();
            let idle =
                |state: &mut State| !state.closed && !matches!(state.piece, Piece::Waiting(_));
            let mut state =
                self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let Piece::Waiting(bytes) = std::mem::replace(&mut state.piece, Piece::InWrite) else {
                return;
            };
            drop(state);
            let result = loop {
                match rustix::io::write(target, &bytes) {
                    Err(Errno::INTR) => {}
                    // Another process has made the description non-blocking.
                    Err(Errno::AGAIN) => thread::sleep(RETRY_DELAY),
                    result => break result,
                }
            };
            self.lock().piece = Piece::Written(result);
            self.changed.notify_all();
            self.written.notify_one();
        }
    }
}

const RETRY_DELAY: Duration = Duration::from_millis(10);
