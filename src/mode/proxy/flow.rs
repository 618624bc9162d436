//! One direction of a pair: what is read from one leg is written to the other.
//!
//! Nothing is assembled. A read takes what has arrived, up to a full buffer, and one write passes it on;
//! while that waits, nothing more is read, so that the sender is slowed down by the receiver. The
//! buffers belong to the thread: a flow has one only while bytes wait to be written.

use super::watcher::Watcher;
use crate::{
    net::Transport,
    proto::{
        Leg,
        mask::MaskKeys,
        relay::{FrameRelay, MAX_HELD_BYTES},
        slice::Within as _,
    },
    random::entropy,
    session::read_buffer,
};
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::ReadBuf;

thread_local! {
    /// The source of masking keys of all pairs.
    static KEYS: RefCell<MaskKeys> = RefCell::new(MaskKeys::new(entropy()));
}

/// One direction of a pair.
pub(super) struct Flow {
    pub(super) relay: FrameRelay,
    /// Bytes to be written, at `start..end`. Empty while there are none.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    stage: Stage,
    /// The writer may still buffer written bytes, as TLS does.
    is_flushing: bool,
    /// The leg that is read.
    from: Leg,
    /// Why the writer is broken.
    fault: Option<io::Error>,
}

/// The progress of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Bytes are passed on.
    Open,
    /// Frames that arrive are no longer passed on, since a Close of ours was written after the last one.
    Closing,
    /// The reader has ended; the writer is to be ended once all is written.
    Ending,
    /// The writer was ended.
    Done,
    /// The writer takes nothing more.
    Broken,
}

/// Why a pair ends at once.
#[derive(Debug)]
pub(super) struct LegFault {
    /// The leg that failed.
    pub(super) leg: Leg,
    pub(super) cause: io::Error,
}

impl Flow {
    /// Creates the flow of what is read from a leg, of which `received` was already read.
    pub(super) fn new(from: Leg, received: Vec<u8>, watcher: Option<&mut dyn Watcher>) -> Self {
        let mut flow = Self {
            relay: FrameRelay::default(),
            buffer: received,
            start: 0,
            end: 0,
            stage: Stage::Open,
            is_flushing: false,
            from,
            fault: None,
        };
        let length = flow.buffer.len();
        flow.pass(0, length, watcher);
        flow
    }

    /// Reports whether all that was read until the end was written.
    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Reports whether nothing more can be written.
    pub(super) fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// Takes the reason why nothing more can be written.
    pub(super) fn take_fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }

    /// Reports whether the leg that is read has ended.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.stage, Stage::Ending | Stage::Done)
    }

    /// Reports whether bytes wait to be written.
    pub(super) fn is_writing(&self) -> bool {
        self.start < self.end || self.is_flushing
    }

    /// Reports whether frames of our own are sent: none is after a Close.
    pub(super) fn takes_frames(&self) -> bool {
        self.stage == Stage::Open && !self.relay.has_closed()
    }

    /// Queues a frame of our own, if this is where a frame may begin, after what waits. Returns false if
    /// it has to be tried again later. Nothing is sent after a Close.
    pub(super) fn insert(&mut self, frame: &[u8], is_message: bool) -> bool {
        if !self.takes_frames() {
            return true;
        }
        let may_begin = if is_message {
            self.relay.is_between_messages() && self.relay.held().is_empty()
        } else {
            self.relay.is_between_frames()
        };
        if !may_begin {
            return false;
        }
        let mut bytes = self.buffer.within(self.start..self.end).to_vec();
        bytes.extend_from_slice(frame);
        self.give_buffer();
        (self.start, self.end) = (0, bytes.len());
        self.buffer = bytes;
        true
    }

    /// Passes on no frame that arrives from now on.
    pub(super) fn begin_closing(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Closing;
        }
    }

    /// Moves bytes from `reader` to `writer` as far as possible without waiting. Ready once the flow is
    /// done, or with a fault of the leg that is read. With `reads` false, nothing is read.
    pub(super) fn poll(
        &mut self,
        reader: &mut dyn Transport,
        writer: &mut dyn Transport,
        reads: bool,
        mut watcher: Option<&mut dyn Watcher>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LegFault>> {
        let mut left = TURN_READS;
        loop {
            if self.poll_write(writer, cx).is_pending() {
                self.rest();
                // HTTP/2 must be driven even while nothing is read, for example to answer PINGs.
                let _ = Pin::new(reader).poll_flush(cx);
                return Poll::Pending;
            }
            match self.stage {
                Stage::Done => return Poll::Ready(Ok(())),
                Stage::Broken => return Poll::Pending,
                Stage::Ending => {
                    // A peer that is gone needs no end.
                    let _ = ready!(Pin::new(&mut *writer).poll_shutdown(cx));
                    self.stage = Stage::Done;
                    return Poll::Ready(Ok(()));
                }
                Stage::Open | Stage::Closing => {}
            }
            let is_held_up = watcher.as_mut().is_some_and(|it| it.poll_ready(cx).is_pending());
            if !reads || is_held_up {
                let _ = Pin::new(reader).poll_flush(cx);
                return Poll::Pending;
            }
            if left == 0 {
                // Other pairs have their turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            left -= 1;
            let watcher: Option<&mut dyn Watcher> = match &mut watcher {
                Some(watcher) => Some(&mut **watcher),
                None => None,
            };
            ready!(self.poll_read(reader, watcher, cx))?;
        }
    }

    /// Reads once.
    fn poll_read(
        &mut self,
        reader: &mut dyn Transport,
        watcher: Option<&mut dyn Watcher>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LegFault>> {
        let mut buffer = read_buffer::take();
        let held = self.relay.copy_held(buffer.within_mut(..MAX_HELD_BYTES));
        let mut room = ReadBuf::new(buffer.within_mut(held..));
        let polled = Pin::new(reader).poll_read(cx, &mut room);
        let length = room.filled().len();
        match polled {
            Poll::Pending => {
                read_buffer::give(buffer);
                return Poll::Pending;
            }
            Poll::Ready(Ok(())) if length > 0 => {
                self.buffer = buffer;
                self.pass(held, length, watcher);
            }
            // TLS without close_notify is an ordinary end of TCP.
            Poll::Ready(Err(cause)) if cause.kind() != io::ErrorKind::UnexpectedEof => {
                read_buffer::give(buffer);
                return Poll::Ready(Err(LegFault { leg: self.from, cause }));
            }
            Poll::Ready(_) => {
                // The start of a header that is never completed belongs to the stream, too.
                self.buffer = buffer;
                (self.start, self.end) = (0, held);
                self.stage = Stage::Ending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes bytes that were read into the buffer after those that were held.
    fn pass(&mut self, held: usize, length: usize, watcher: Option<&mut dyn Watcher>) {
        let bytes = self.buffer.within_mut(..held + length);
        if let Some(watcher) = watcher {
            watcher.passed(self.from, bytes.within(held..));
        }
        let passed = KEYS.with_borrow_mut(|keys| self.relay.pass(bytes, keys));
        (self.start, self.end) = if self.stage == Stage::Open { (0, passed) } else { (0, 0) };
        if self.end == 0 {
            self.give_buffer();
        }
    }

    /// Writes what waits. Ready once all of it has left, or the writer is broken.
    fn poll_write(&mut self, writer: &mut dyn Transport, cx: &mut Context<'_>) -> Poll<()> {
        while self.start < self.end {
            let bytes = self.buffer.within(self.start..self.end);
            match ready!(Pin::new(&mut *writer).poll_write(cx, bytes)) {
                Ok(written) if written > 0 => {
                    self.start += written;
                    self.is_flushing = true;
                }
                Ok(_) => return self.fail(io::ErrorKind::WriteZero.into()),
                Err(cause) => return self.fail(cause),
            }
        }
        self.give_buffer();
        if self.is_flushing {
            if let Err(cause) = ready!(Pin::new(writer).poll_flush(cx)) {
                return self.fail(cause);
            }
            self.is_flushing = false;
        }
        Poll::Ready(())
    }

    fn fail(&mut self, cause: io::Error) -> Poll<()> {
        self.stage = Stage::Broken;
        self.fault = Some(cause);
        self.is_flushing = false;
        self.give_buffer();
        Poll::Ready(())
    }

    /// Returns the buffer, in which nothing is left, to the thread.
    fn give_buffer(&mut self) {
        (self.start, self.end) = (0, 0);
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() == read_buffer::READ_BUFFER_BYTES {
            read_buffer::give(buffer);
        }
    }

    /// Keeps only what waits, if that is little: a leg that does not read may do so for long.
    fn rest(&mut self) {
        let waiting = self.end - self.start;
        if self.buffer.len() == read_buffer::READ_BUFFER_BYTES && waiting <= KEPT_BYTES {
            let waits = self.buffer.within(self.start..self.end).to_vec();
            self.give_buffer();
            (self.start, self.end) = (0, waits.len());
            self.buffer = waits;
        }
    }
}

/// The reads after which other pairs have their turn.
const TURN_READS: usize = 16;
/// The bytes that wait in memory of their own, rather than in a read buffer.
const KEPT_BYTES: usize = 32 << 10;
