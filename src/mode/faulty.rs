//! A transport whose frames suffer faults on the way between a session and its peer.
//!
//! The faults themselves are decided and performed without I/O in `script::fault`. A session without
//! fault rules has no such transport.

use crate::{
    net::Transport,
    proto::{slice::Within as _, trace::Direction},
    script::fault::{ControlKind, Fault, FaultEnding, FaultSchedule, FaultStream, PerformedFault},
    session::clock,
};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Sleep, sleep},
};

/// A transport with faults.
pub(super) struct FaultyTransport {
    inner: Box<dyn Transport>,
    line: Arc<FaultLine>,
    /// Bytes read from the transport and not yet taken; those from `taken` on are left.
    arrived: Vec<u8>,
    taken: usize,
    /// True once the transport has ended.
    is_at_end: bool,
    /// True once our direction was ended. What the peer still sends is discarded then.
    is_shut: bool,
    /// The times at which something may be read, and may be written.
    timers: [Pin<Box<Sleep>>; 2],
}

/// The state of a faulty transport, which the task of its session shares.
pub(super) struct FaultLine {
    state: Mutex<State>,
    /// Notified when a fault ends or stalls the connection.
    pub(super) changed: Notify,
}

struct State {
    schedule: FaultSchedule,
    received: FaultStream,
    sent: FaultStream,
    flow: Flow,
    /// A fault that ends or stalls the connection and is not yet performed.
    ending: Option<FaultEnding>,
    /// True if the task waits until all that was passed on has left.
    reports_drained: bool,
}

/// The treatment of bytes in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// They are, with the faults of their messages.
    Open,
    /// None are taken until the connection goes on.
    Stalled,
    /// None are read, and those that are written are passed on: what the session has received is
    /// answered before the connection ends.
    Draining,
    /// Those that are written get lost, and none are read.
    Ended,
}

impl FaultyTransport {
    /// Wraps a transport, of which `rest` was already read.
    pub(super) fn new(
        inner: Box<dyn Transport>,
        rest: Vec<u8>,
        schedule: FaultSchedule,
    ) -> (Self, Arc<FaultLine>) {
        let line = Arc::new(FaultLine {
            state: Mutex::new(State {
                schedule,
                received: FaultStream::new(Direction::In),
                sent: FaultStream::new(Direction::Out),
                flow: Flow::Open,
                ending: None,
                reports_drained: false,
            }),
            changed: Notify::new(),
        });
        line.check(clock::now());
        let timers = [(); 2].map(|()| Box::pin(sleep(Duration::ZERO)));
        let shared = Arc::clone(&line);
        let (arrived, taken, is_at_end, is_shut) = (rest, 0, false, false);
        (Self { inner, line, arrived, taken, is_at_end, is_shut, timers }, shared)
    }

    /// Writes what may leave. Ready once nothing is left to write.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = self.line.lock();
            let now = clock::now();
            let ready = state.sent.ready(now);
            if ready.is_empty() {
                let Some(deadline) = state.sent.deadline() else {
                    if std::mem::take(&mut state.reports_drained) {
                        self.line.changed.notify_one();
                    }
                    return Poll::Ready(Ok(()));
                };
                drop(state);
                ready!(self.poll_timer(Direction::Out, deadline, cx));
                continue;
            }
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, ready))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            state.sent.advance(written, now);
        }
    }

    /// Waits for a time; the task is woken then.
    fn poll_timer(
        &mut self,
        direction: Direction,
        deadline: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let [reads, writes] = &mut self.timers;
        let timer = if direction == Direction::In { reads } else { writes };
        let deadline = deadline.into();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }

    /// Takes bytes that have arrived, as far as there is room.
    fn take_arrived(&mut self, state: &mut State, now: Instant) {
        if state.flow == Flow::Open && state.received.queued() < QUEUE_LIMIT_BYTES {
            let arrived = self.arrived.within(self.taken..);
            let State { received, schedule, .. } = state;
            let (taken, ending) = received.push(arrived, schedule, now);
            self.taken += taken;
            if self.taken == self.arrived.len() {
                self.arrived.clear();
                self.taken = 0;
            }
            if let Some(ending) = ending {
                self.line.end(state, ending, Flow::Draining);
            }
        }
    }
}

impl FaultLine {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a fault. `flow` is that of a connection which ends.
    fn end(&self, state: &mut State, ending: FaultEnding, flow: Flow) {
        let is_ending = state.flow == Flow::Draining;
        match ending {
            FaultEnding::Close(_) => {
                state.schedule.close(Direction::In);
                if flow == Flow::Ended {
                    state.schedule.close(Direction::Out);
                }
            }
            FaultEnding::Stall(_) if is_ending => {}
            FaultEnding::Stall(_) => state.flow = Flow::Stalled,
            FaultEnding::Cut(_) | FaultEnding::Reset => state.flow = flow,
        }
        // The first end counts.
        if !is_ending {
            state.ending = Some(ending);
        }
        state.reports_drained = true;
        self.changed.notify_one();
    }

    /// Begins a fault that is due at this time without a message.
    pub(super) fn check(&self, now: Instant) {
        let mut state = self.lock();
        if state.flow == Flow::Open
            && let Some(ending) = state.schedule.due(now)
        {
            self.end(&mut state, ending, Flow::Draining);
        }
    }

    /// Returns the time of the next such fault, if there is one.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        state.schedule.deadline().filter(|_| state.flow == Flow::Open)
    }

    /// Reports whether a received message was corrupted.
    pub(super) fn has_corrupted(&self) -> bool {
        self.lock().schedule.has_corrupted()
    }

    /// Takes the faults that have happened, if they are recorded.
    pub(super) fn take_happened(&self) -> Vec<PerformedFault> {
        self.lock().schedule.take_happened()
    }

    /// Takes a fault that ends or stalls the connection.
    pub(super) fn take_ending(&self) -> Option<FaultEnding> {
        self.lock().ending.take()
    }

    /// Reports whether all that was passed on has left.
    pub(super) fn is_drained(&self) -> bool {
        self.lock().sent.queued() == 0
    }

    /// Notifies [`Self::changed`] once all that was passed on has left.
    pub(super) fn report_drained(&self) {
        self.lock().reports_drained = true;
    }

    /// Goes on after a stall.
    pub(super) fn resume(&self) {
        let mut state = self.lock();
        if state.flow == Flow::Stalled {
            state.flow = Flow::Open;
        }
    }

    /// Adds faults of the message with this number of those that are sent, from 1.
    pub(super) fn add_once(&self, message: u64, faults: &[Fault]) {
        self.lock().schedule.add_once(message, faults);
    }

    /// Passes on no more control frames of this type.
    pub(super) fn swallow(&self, kind: ControlKind) {
        self.lock().schedule.swallow(kind);
    }
}

impl Transport for FaultyTransport {
    fn reset_at_end(&mut self) {
        self.inner.reset_at_end();
    }
}

impl AsyncRead for FaultyTransport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_shut {
            return Pin::new(&mut this.inner).poll_read(cx, buf);
        }
        let line = Arc::clone(&this.line);
        loop {
            let mut state = line.lock();
            let now = clock::now();
            this.take_arrived(&mut state, now);
            let ready = state.received.ready(now);
            if !ready.is_empty() {
                let length = ready.len().min(buf.remaining());
                buf.put_slice(ready.within(..length));
                state.received.advance(length, now);
                return Poll::Ready(Ok(()));
            }
            let deadline = state.received.deadline();
            let has_room = state.received.queued() < QUEUE_LIMIT_BYTES;
            let may_read =
                state.flow == Flow::Open && this.arrived.is_empty() && !this.is_at_end && has_room;
            if this.is_at_end && deadline.is_none() && state.flow == Flow::Open {
                return Poll::Ready(Ok(()));
            }
            drop(state);
            if may_read {
                let mut room = [0; READ_BYTES];
                let mut read = ReadBuf::new(&mut room);
                match Pin::new(&mut this.inner).poll_read(cx, &mut read) {
                    Poll::Pending => {}
                    Poll::Ready(Err(cause)) => return Poll::Ready(Err(cause)),
                    Poll::Ready(Ok(())) if read.filled().is_empty() => {
                        this.is_at_end = true;
                        line.lock().received.finish(now);
                        continue;
                    }
                    Poll::Ready(Ok(())) => {
                        this.arrived.extend_from_slice(read.filled());
                        continue;
                    }
                }
            }
            match deadline {
                Some(deadline) => ready!(this.poll_timer(Direction::In, deadline, cx)),
                None => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for FaultyTransport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let line = Arc::clone(&this.line);
        if line.lock().sent.queued() >= QUEUE_LIMIT_BYTES {
            // The task is woken when something may leave.
            if let Poll::Ready(Err(cause)) = this.poll_drain(cx) {
                return Poll::Ready(Err(cause));
            }
        }
        let mut state = line.lock();
        let used = match state.flow {
            Flow::Ended => bytes.len(),
            Flow::Stalled => return Poll::Pending,
            Flow::Open | Flow::Draining if state.sent.queued() >= QUEUE_LIMIT_BYTES => {
                return Poll::Pending;
            }
            Flow::Open | Flow::Draining => {
                let bytes = bytes.within(..bytes.len().min(QUEUE_LIMIT_BYTES));
                let State { sent, schedule, .. } = &mut *state;
                let (used, ending) = sent.push(bytes, schedule, clock::now());
                if let Some(ending) = ending {
                    line.end(&mut state, ending, Flow::Ended);
                }
                used
            }
        };
        drop(state);
        match this.poll_drain(cx) {
            Poll::Ready(Err(cause)) => Poll::Ready(Err(cause)),
            _ => Poll::Ready(Ok(used)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        this.is_shut = this.line.lock().flow == Flow::Ended;
        Poll::Ready(Ok(()))
    }
}

/// The bytes that wait in each direction at most, and one message more.
const QUEUE_LIMIT_BYTES: usize = 256 << 10;
/// The bytes that are read at once.
const READ_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests;
