//! An in-memory connection between two ends, and its faults.

use crate::{net::Transport, proto::Role, session::clock};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A fault of the network after a number of bytes in one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedFault {
    /// The end that writes the bytes.
    pub(crate) writer: Role,
    pub(crate) at: u64,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Both directions end in order after the bytes written so far.
    Cut,
    /// Both directions fail after the bytes written so far.
    Reset,
    /// Bytes written later arrive in neither direction, without notice.
    Stall,
    /// Bytes written later in this direction take this long to arrive.
    Delay(Duration),
    /// Bytes written before and after are read separately.
    Split,
}

/// One direction of a wire.
#[allow(clippy::struct_excessive_bools, reason = "each is an independent state")]
#[derive(Debug)]
struct Direction {
    /// Bytes in flight or unread, with their arrival times.
    chunks: VecDeque<(Instant, Vec<u8>)>,
    buffer: usize,
    delay: Duration,
    /// The time at which the reader sees the end of the stream.
    ended: Option<Instant>,
    /// Nothing arrives while this is set.
    stalled: bool,
    /// The reader was dropped.
    unread: bool,
    reset: bool,
    /// The reset follows the bytes in flight.
    resets_in_order: bool,
    /// Bytes written to a dead network, which occupy the buffer for ever.
    swallowed: Option<usize>,
    /// The byte at which a fault is planned.
    planned: Option<(u64, FaultKind)>,
    /// The number of bytes written before the fault, if there was one that ended the delivery.
    deliverable: Option<u64>,
    /// The error of the next call of the reader or of the writer, and of all later ones.
    reading_fails: Option<io::ErrorKind>,
    writing_fails: Option<io::ErrorKind>,
    /// The total number of bytes written.
    written: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn room(&self) -> usize {
        let held: usize = self.chunks.iter().map(|(_, bytes)| bytes.len()).sum();
        self.buffer.saturating_sub(held + self.swallowed.unwrap_or_default())
    }

    /// Returns the planned fault if it is due.
    fn due(&mut self) -> Option<FaultKind> {
        let (at, kind) = self.planned?;
        (self.written >= at).then(|| {
            self.planned = None;
            kind
        })
    }

    /// Suffers a fault that ends the delivery of bytes.
    fn suffer(&mut self, kind: FaultKind) {
        match kind {
            FaultKind::Cut => self.end(),
            FaultKind::Reset => self.resets_in_order = true,
            FaultKind::Stall => self.swallowed = Some(0),
            FaultKind::Delay(_) | FaultKind::Split => return,
        }
        self.deliverable.get_or_insert(self.written);
        self.wake();
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn end(&mut self) {
        if self.swallowed.is_some() || self.resets_in_order {
            return;
        }
        self.ended.get_or_insert(clock::now() + self.delay);
        self.wake();
    }
}

type Shared = Arc<Mutex<Direction>>;

fn lock(direction: &Shared) -> MutexGuard<'_, Direction> {
    direction.lock().unwrap()
}

/// The network between two ends, under the control of a test.
#[derive(Debug)]
pub(crate) struct Wire {
    to_server: Shared,
    to_client: Shared,
}

impl Wire {
    fn both(&self, mut change: impl FnMut(&mut Direction)) {
        for direction in [&self.to_server, &self.to_client] {
            let mut direction = lock(direction);
            change(&mut direction);
            direction.wake();
        }
    }

    /// Sets the time that bytes written from now on take to arrive.
    pub(crate) fn delay(&self, delay: Duration) {
        self.both(|direction| direction.delay = delay);
    }

    /// Stops delivery without notice, like an unplugged cable. Writes succeed until the buffers are
    /// full.
    pub(crate) fn stall(&self) {
        self.both(|direction| direction.stalled = true);
    }

    pub(crate) fn resume(&self) {
        self.both(|direction| direction.stalled = false);
    }

    /// Ends both directions after the bytes in flight, as when the process at each end exits.
    pub(crate) fn cut(&self) {
        self.both(Direction::end);
    }

    /// Resets the connection: bytes in flight are lost, reads and writes fail.
    pub(crate) fn reset(&self) {
        self.both(|direction| direction.reset = true);
    }

    /// Makes reads and writes of one end fail. A direction without an error makes no progress.
    pub(crate) fn lose(&self, end: Role, loss: Loss) {
        let (incoming, outgoing) = match end {
            Role::Client => (&self.to_client, &self.to_server),
            Role::Server => (&self.to_server, &self.to_client),
        };
        lock(incoming).reading_fails = loss.read;
        lock(outgoing).writing_fails = loss.write;
        self.both(|_| ());
    }

    /// Plans a fault. It comes at once if it is due after no byte.
    pub(crate) fn plan(&self, fault: PlannedFault) {
        let direction = match fault.writer {
            Role::Client => &self.to_server,
            Role::Server => &self.to_client,
        };
        lock(direction).planned = Some((fault.at, fault.kind));
        begin_due(&self.to_server, &self.to_client);
        begin_due(&self.to_client, &self.to_server);
    }

    /// Returns the number of bytes that the client and the server wrote before a fault ended the
    /// delivery, or have written so far.
    pub(crate) fn deliverable(&self) -> (u64, u64) {
        let bytes = |direction: &Shared| {
            let direction = lock(direction);
            direction.deliverable.unwrap_or(direction.written)
        };
        (bytes(&self.to_server), bytes(&self.to_client))
    }

    /// Returns the number of bytes written by the client and by the server.
    pub(crate) fn written(&self) -> (u64, u64) {
        (lock(&self.to_server).written, lock(&self.to_client).written)
    }
}

/// Begins the fault that is planned for a direction, if it is due.
fn begin_due(direction: &Shared, opposite: &Shared) {
    let due = lock(direction).due();
    match due {
        None => {}
        Some(FaultKind::Delay(delay)) => lock(direction).delay = delay,
        Some(kind) => {
            lock(direction).suffer(kind);
            lock(opposite).suffer(kind);
        }
    }
}

/// The errors of a lost connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) read: Option<io::ErrorKind>,
    pub(crate) write: Option<io::ErrorKind>,
}

/// One end of a wire, a transport. Dropping it ends both directions.
pub(crate) struct End {
    incoming: Shared,
    outgoing: Shared,
    /// The timer of the next arrival.
    arrival: Pin<Box<Sleep>>,
}

/// Creates the client's end, the server's end and the wire between them. Each direction holds
/// `buffer` bytes.
pub(crate) fn wire(buffer: usize) -> (End, End, Wire) {
    let direction = || {
        Arc::new(Mutex::new(Direction {
            chunks: VecDeque::new(),
            buffer,
            delay: Duration::ZERO,
            ended: None,
            stalled: false,
            unread: false,
            reset: false,
            resets_in_order: false,
            swallowed: None,
            planned: None,
            deliverable: None,
            reading_fails: None,
            writing_fails: None,
            written: 0,
            reader: None,
            writer: None,
        }))
    };
    let (to_server, to_client) = (direction(), direction());
    let end = |incoming: &Shared, outgoing: &Shared| End {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        arrival: Box::pin(sleep(Duration::ZERO)),
    };
    let (client, server) = (end(&to_client, &to_server), end(&to_server, &to_client));
    (client, server, Wire { to_server, to_client })
}

impl Transport for End {}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let End { incoming, arrival, .. } = self.get_mut();
        let mut incoming = lock(incoming);
        if incoming.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(kind) = incoming.reading_fails {
            return Poll::Ready(Err(kind.into()));
        }
        let now = clock::now();
        let next = incoming.chunks.front().map(|(at, _)| *at).or(incoming.ended);
        match next.filter(|_| !incoming.stalled) {
            Some(at) if at > now => {
                arrival.as_mut().reset(at.into());
                if arrival.as_mut().poll(cx).is_pending() {
                    incoming.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
            Some(_) => {}
            None if incoming.resets_in_order => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            None => {
                incoming.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        if let Some((at, mut bytes)) = incoming.chunks.pop_front() {
            let n = bytes.len().min(room.remaining());
            let rest = bytes.split_off(n);
            room.put_slice(&bytes);
            if !rest.is_empty() {
                incoming.chunks.push_front((at, rest));
            }
            if let Some(writer) = incoming.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.reset || outgoing.resets_in_order {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(kind) = outgoing.writing_fails {
            return Poll::Ready(Err(kind.into()));
        }
        let is_gone = outgoing.unread && outgoing.swallowed.is_none();
        if is_gone || outgoing.ended.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut n = outgoing.room().min(bytes.len());
        if let Some((at, _)) = outgoing.planned {
            n = n.min(usize::try_from(at - outgoing.written).unwrap());
        }
        if n == 0 {
            outgoing.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        outgoing.written += n as u64;
        if let Some(swallowed) = &mut outgoing.swallowed {
            *swallowed += n;
            return Poll::Ready(Ok(n));
        }
        let arrival = clock::now() + outgoing.delay;
        outgoing.chunks.push_back((arrival, bytes[..n].to_vec()));
        if let Some(reader) = outgoing.reader.take() {
            reader.wake();
        }
        drop(outgoing);
        begin_due(&self.outgoing, &self.incoming);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outgoing).end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.outgoing).end();
        let mut incoming = lock(&self.incoming);
        incoming.unread = true;
        incoming.wake();
    }
}
