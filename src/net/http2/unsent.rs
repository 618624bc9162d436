//! The bytes of a stream that h2 has not passed on to the transport, which h2 does not report.

use bytes::{Buf, Bytes};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The number of bytes of a stream that h2 holds.
#[derive(Debug, Default)]
pub(super) struct Unsent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    /// The task that waits until all bytes were passed on.
    waker: Option<Waker>,
}

/// A part of a stream. h2 drops it once it was passed on to the transport, or discarded.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Bytes,
    length: usize,
    unsent: Option<Arc<Unsent>>,
}

impl Unsent {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().bytes == 0
    }

    /// Waits until h2 holds no bytes.
    pub(super) fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.bytes == 0 {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Chunk {
    /// Creates a part whose bytes count as unsent until it is dropped.
    pub(super) fn new(bytes: Bytes, unsent: &Arc<Unsent>) -> Self {
        let length = bytes.len();
        unsent.lock().bytes += length;
        Self { bytes, length, unsent: Some(Arc::clone(unsent)) }
    }

    /// Creates a part without bytes, for `END_STREAM`.
    pub(super) fn empty() -> Self {
        Self { bytes: Bytes::new(), length: 0, unsent: None }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let Some(unsent) = &self.unsent else { return };
        let mut state = unsent.lock();
        state.bytes -= self.length;
        let waker = if state.bytes == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, n: usize) {
        self.bytes.advance(n);
    }
}
