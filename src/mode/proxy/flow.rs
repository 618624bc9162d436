//! One direction of a pair: what is read from one leg is written to the other.
//!
//! Nothing is assembled. A read takes what has arrived, up to a full buffer, and one write passes it on;
//! while that waits, nothing more is read, so that the sender is slowed down by the receiver. The
//! buffers belong to the thread: a flow has one only while bytes wait to be written.
//!
//! If there are fault rules, what was read goes through [`PairFaults`], and what comes out of it is
//! passed on.

use super::{faults::PairFaults, watcher::Watcher};
use crate::{
    net::Transport,
    proto::{
        Leg,
        mask::MaskKeys,
        raw_message::RawHeader,
        relay::{Boundary, FrameRelay, MAX_HELD_BYTES},
        slice::Within as _,
    },
    random::entropy,
    session::read_buffer,
};
use std::{
    cell::RefCell,
    collections::VecDeque,
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
    /// What arrives is no longer passed on, since a Close of ours was written.
    is_muted: bool,
    /// The writer may still buffer written bytes, as TLS does.
    is_flushing: bool,
    /// The leg that is read.
    from: Leg,
    /// Why the writer is broken.
    fault: Option<io::Error>,
    /// Frames of our own that wait for a boundary.
    inserted: VecDeque<(Vec<u8>, Boundary)>,
}

/// The progress of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Bytes are passed on.
    Open,
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
    pub(super) fn new(
        from: Leg,
        received: Vec<u8>,
        watcher: Option<&mut dyn Watcher>,
        faults: Option<&mut PairFaults>,
    ) -> Self {
        let mut flow = Self {
            relay: FrameRelay::default(),
            buffer: received,
            start: 0,
            end: 0,
            stage: Stage::Open,
            is_muted: false,
            is_flushing: false,
            from,
            fault: None,
            inserted: VecDeque::new(),
        };
        let length = flow.buffer.len();
        flow.take(0, length, watcher, faults);
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

    /// Reports whether bytes may still be passed on.
    fn is_passing(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Ending)
    }

    /// Reports whether the leg that is read has ended.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.stage, Stage::Ending | Stage::Done)
    }

    /// Reports whether bytes wait to be written.
    pub(super) fn is_writing(&self) -> bool {
        self.start < self.end || self.is_flushing
    }

    /// Ends the writer without the end of the reader, once all frames are complete and written. Returns
    /// whether it begins to do so.
    pub(super) fn end(&mut self) -> bool {
        let ends =
            self.stage == Stage::Open && !self.is_writing() && self.relay.is_at(Boundary::Frame);
        if ends {
            self.stage = Stage::Ending;
        }
        ends
    }

    /// Inserts a frame of our own, complete as it is on the wire, at the next boundary after what has
    /// passed already. After a Close, no frame is passed on or inserted.
    pub(super) fn insert(
        &mut self,
        frame: Vec<u8>,
        boundary: Boundary,
        watcher: Option<&mut dyn Watcher>,
    ) {
        self.inserted.push_back((frame, boundary));
        let mut bytes = self.buffer.within(self.start..self.end).to_vec();
        self.append_inserted(&mut bytes, watcher);
        self.give_buffer();
        self.end = bytes.len();
        self.buffer = bytes;
    }

    /// Appends the frames that may be inserted here.
    fn append_inserted(&mut self, bytes: &mut Vec<u8>, mut watcher: Option<&mut dyn Watcher>) {
        while let Some((frame, boundary)) = self.inserted.pop_front() {
            if self.stage != Stage::Open || self.is_muted || self.relay.has_closed() {
                continue;
            }
            if !self.relay.is_at(boundary) {
                self.inserted.push_front((frame, boundary));
                return;
            }
            self.is_muted = RawHeader::read(&frame).is_some_and(|header| header.opcode() == CLOSE);
            bytes.extend_from_slice(&frame);
            if let Some(watcher) = &mut watcher {
                watcher.inserted(self.from.other(), &frame);
            }
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
        mut faults: Option<&mut PairFaults>,
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
            if self.is_passing() && self.pull(reborrow(&mut watcher), faults.as_deref_mut()) {
                if left == 0 {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                left -= 1;
                continue;
            }
            match self.stage {
                Stage::Done => return Poll::Ready(Ok(())),
                Stage::Broken => return Poll::Pending,
                Stage::Ending if faults.as_deref().is_some_and(|it| !it.is_finished(self.from)) => {
                    return Poll::Pending;
                }
                Stage::Ending => {
                    // A peer that is gone needs no end.
                    let _ = ready!(Pin::new(&mut *writer).poll_shutdown(cx));
                    self.stage = Stage::Done;
                    return Poll::Ready(Ok(()));
                }
                Stage::Open => {}
            }
            let is_held_up = watcher.as_mut().is_some_and(|it| it.poll_ready(cx).is_pending());
            let has_room = faults.as_deref().is_none_or(|it| it.has_room(self.from));
            if !reads || is_held_up || !has_room {
                let _ = Pin::new(reader).poll_flush(cx);
                return Poll::Pending;
            }
            if left == 0 {
                // Other pairs have their turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            left -= 1;
            ready!(self.poll_read(reader, reborrow(&mut watcher), faults.as_deref_mut(), cx))?;
        }
    }

    /// Reads once.
    fn poll_read(
        &mut self,
        reader: &mut dyn Transport,
        watcher: Option<&mut dyn Watcher>,
        faults: Option<&mut PairFaults>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LegFault>> {
        let mut buffer = read_buffer::take();
        let held = match &faults {
            None => self.relay.copy_held(buffer.within_mut(..MAX_HELD_BYTES)),
            Some(_) => 0,
        };
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
                self.take(held, length, watcher, faults);
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
                if let Some(faults) = faults {
                    faults.finish(self.from);
                    self.give_buffer();
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes bytes that were read into the buffer after those that were held.
    fn take(
        &mut self,
        held: usize,
        length: usize,
        mut watcher: Option<&mut dyn Watcher>,
        faults: Option<&mut PairFaults>,
    ) {
        let bytes = self.buffer.within(held..held + length);
        if let Some(watcher) = &mut watcher {
            watcher.passed(self.from, bytes);
        }
        match faults {
            None => self.pass(held + length, watcher),
            Some(faults) => {
                faults.push(self.from, bytes);
                self.give_buffer();
            }
        }
    }

    /// Takes bytes that have gone through the faults and may leave now, if there are any.
    fn pull(&mut self, watcher: Option<&mut dyn Watcher>, faults: Option<&mut PairFaults>) -> bool {
        let Some(faults) = faults else { return false };
        if faults.has_ready(self.from) {
            let mut buffer = read_buffer::take();
            let held = self.relay.copy_held(buffer.within_mut(..MAX_HELD_BYTES));
            let length = faults.pull(self.from, buffer.within_mut(held..));
            self.buffer = buffer;
            self.pass(held + length, watcher);
            return true;
        }
        if !self.is_muted && faults.is_last(self.from) && !self.relay.held().is_empty() {
            self.buffer = self.relay.take_held();
            (self.start, self.end) = (0, self.buffer.len());
            return true;
        }
        false
    }

    /// Passes on the bytes at the front of the buffer, which begin with those that were held.
    fn pass(&mut self, length: usize, watcher: Option<&mut dyn Watcher>) {
        if !self.inserted.is_empty() {
            return self.pass_and_insert(length, watcher);
        }
        let bytes = self.buffer.within_mut(..length);
        let passed = KEYS.with_borrow_mut(|keys| self.relay.pass(bytes, keys));
        (self.start, self.end) = if self.is_muted { (0, 0) } else { (0, passed) };
        if self.end == 0 {
            self.give_buffer();
        }
    }

    /// Passes on the bytes at the front of the buffer, with inserted frames between them.
    fn pass_and_insert(&mut self, length: usize, mut watcher: Option<&mut dyn Watcher>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let (mut at, mut passed) = (0, Vec::new());
        while at < length {
            let boundary = self.inserted.front().map(|(_, boundary)| *boundary);
            let rest = buffer.within_mut(at..length);
            let taken = KEYS.with_borrow_mut(|keys| match boundary {
                Some(boundary) => self.relay.pass_to(boundary, rest, keys),
                None => self.relay.pass(rest, keys),
            });
            if !self.is_muted {
                passed.extend_from_slice(rest.within(..taken));
            }
            at += taken;
            self.append_inserted(&mut passed, reborrow(&mut watcher));
            if taken == 0 || boundary.is_none() {
                break;
            }
        }
        self.buffer = buffer;
        self.give_buffer();
        self.end = passed.len();
        self.buffer = passed;
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

fn reborrow<'a>(watcher: &'a mut Option<&mut dyn Watcher>) -> Option<&'a mut dyn Watcher> {
    match watcher {
        Some(watcher) => Some(&mut **watcher),
        None => None,
    }
}

/// The opcode of a Close.
const CLOSE: u8 = 8;
/// The reads after which other pairs have their turn.
const TURN_READS: usize = 16;
/// The bytes that wait in memory of their own, rather than in a read buffer.
const KEPT_BYTES: usize = 32 << 10;
