//! A peer whose bytes are known before, and the runs of futures with it.

use crate::net::Transport;
use std::{
    collections::VecDeque,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Builder, Runtime},
};

/// A transport whose peer sends chunks, each of which is read separately, and then ends the stream. It
/// takes all bytes that are written.
pub(super) struct ScriptedPeer {
    chunks: VecDeque<Vec<u8>>,
    is_ready: bool,
    written: Arc<Mutex<Vec<u8>>>,
}

impl ScriptedPeer {
    /// Creates the peer. The second value has the bytes that are written.
    pub(super) fn new(chunks: &[&[u8]]) -> (Self, Arc<Mutex<Vec<u8>>>) {
        let written = Arc::default();
        let chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        (Self { chunks, is_ready: true, written: Arc::clone(&written) }, written)
    }
}

impl Transport for ScriptedPeer {}

impl AsyncRead for ScriptedPeer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut chunk) = self.chunks.pop_front() else { return Poll::Ready(Ok(())) };
        if !self.is_ready {
            self.is_ready = true;
            self.chunks.push_front(chunk);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let rest = chunk.split_off(chunk.len().min(buf.remaining()));
        buf.put_slice(&chunk);
        if rest.is_empty() {
            self.is_ready = false;
        } else {
            self.chunks.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ScriptedPeer {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Remembers that it was woken.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future to its end. Time does not pass: a future that waits for a deadline fails, since its
/// peer has sent everything.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
    }
    RUNTIME.with(|runtime| {
        let _guard = runtime.enter();
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        for _ in 0..MAX_POLLS {
            if let Poll::Ready(done) = future.as_mut().poll(&mut cx) {
                return done;
            }
            assert!(flag.0.swap(false, Ordering::Relaxed), "it waits for what cannot happen");
        }
        panic!("it does not end");
    })
}

/// The greatest number of polls of one run.
const MAX_POLLS: usize = 100_000;
