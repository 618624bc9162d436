//! The driver: one task owns a transport and a connection, and moves bytes between them.
//!
//! A loop around it is always the same: take [`Session::next_event`] until there is none, send what
//! is to be sent, then wait in [`Session::progress`], which writes all that is queued with one call
//! and reads as much as there is.

pub mod clock;
mod context;
mod error;
pub mod limits;
mod observer;
mod quiet;
mod sending;
mod stats;
#[cfg(test)]
pub(crate) mod testbed;
#[cfg(test)]
mod tests;
mod verdict;

pub use context::SessionContext;
pub use error::SessionError;
pub use observer::{KEPT, Observer, Seen};
pub use stats::Stats;

pub use quiet::QuietPeriod;

use crate::{
    connect::{ClientConnection, Established},
    net::Transport,
    proto::{
        Cause, Close, CloseCode, Connection, Entropy, Event, Piece, Role, Settings, Tally,
        connection::Received, handshake::Version, silence, slice::Within,
    },
};
use observer::Observation;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Since when there has been no message.
struct Idle {
    /// Messages until then, both ways.
    messages: u64,
    since: Instant,
    /// For longer than there may be none: the session ends.
    for_good: bool,
}

/// An open session.
pub struct Session {
    transport: Box<dyn Transport>,
    connection: Connection,
    settings: Settings,
    authority: String,
    carrier: Version,
    /// Of a client.
    context: Option<SessionContext>,
    /// What has come and is not decoded is at `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When the last bytes came; events are dated with it.
    now: Instant,
    bytes_received: u64,
    opened: Instant,
    /// For how long at most no byte came.
    silence: Duration,
    /// When the transport last took something.
    last_sent: Instant,
    idle: Idle,
    /// The code of our Close, which a peer may echo without meaning an error.
    our_code: Option<CloseCode>,
    send_error: Option<io::Error>,
    receive_error: Option<io::Error>,
    /// The transport has ended; the connection is told when all it brought is decoded.
    eof: bool,
    quiet: silence::Silence,
    /// The quiet before the end.
    last_quiet: Option<QuietPeriod>,
    /// TLS may hold what it could not write at once.
    flushing: bool,
    shut: bool,
    timer: Pin<Box<Sleep>>,
    /// What `timer` is set to: at most the connection's deadline, so that it need not be moved for
    /// every byte that comes.
    armed: Option<Instant>,
    /// When the first message came.
    first_message: Option<Instant>,
    observation: Option<Box<Observation>>,
    /// What the sessions before it came to, if there were some.
    earlier: Option<Box<Stats>>,
}

impl Session {
    /// A session of a client. `entropy` makes the masking keys.
    pub fn client(opened: ClientConnection, settings: Settings, entropy: Entropy) -> Self {
        let agreed = &opened.established.agreed;
        let context = SessionContext {
            request: *opened.report.request,
            subprotocol: agreed.subprotocol.clone(),
            compression: agreed.deflate.is_some(),
            received: 0,
        };
        let session = Self::new(opened.established, Role::Client, settings, entropy);
        Self { context: Some(context), ..session }
    }

    /// A session of a server.
    pub fn server(established: Established, settings: Settings, entropy: Entropy) -> Self {
        Self::new(established, Role::Server, settings, entropy)
    }

    fn new(established: Established, role: Role, settings: Settings, entropy: Entropy) -> Self {
        let now = clock::now();
        let end = established.rest.len();
        let mut connection = Connection::new(role, settings, entropy, now);
        if let Some(deflate) = &established.agreed.deflate {
            connection = connection.with_deflate(deflate);
        }
        // Fresh zeros cost nothing until they are used; a Vec that grows is written through.
        let mut buffer = vec![0; READ.max(end)];
        for (to, from) in buffer.iter_mut().zip(established.rest) {
            *to = from;
        }
        Self {
            transport: established.transport,
            connection,
            settings,
            authority: established.authority,
            carrier: established.carrier,
            context: None,
            buffer,
            start: 0,
            end,
            now,
            bytes_received: end as u64,
            opened: now,
            silence: Duration::ZERO,
            last_sent: now,
            idle: Idle { messages: 0, since: now, for_good: false },
            our_code: None,
            send_error: None,
            receive_error: None,
            eof: false,
            quiet: silence::Silence::default(),
            last_quiet: None,
            flushing: false,
            shut: false,
            timer: Box::pin(sleep(Duration::ZERO)),
            armed: None,
            first_message: None,
            observation: None,
            earlier: None,
        }
    }

    /// It takes the place of another one, whose figures it adds to its own.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        self.earlier = Some(Box::new(earlier.stats()));
        self
    }

    /// The next message, if it came whole in one frame, as nearly all do; otherwise
    /// [`Self::next_event`] tells what is next.
    #[inline]
    pub fn next_whole(&mut self) -> Option<Piece<'_>> {
        let input = self.buffer.get(self.start..self.end)?;
        let (kind, range) = self.connection.whole_message(input)?;
        let payload = input.get(range.clone())?;
        self.start += range.end;
        let piece = Piece::whole(kind, payload);
        if let Some(observation) = &mut self.observation {
            observation.whole(self.now, &piece);
        }
        Some(piece)
    }

    /// The next event in what has been read.
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        // Also when all bytes are used: a fault may wait behind the piece that came before it.
        let input = self.buffer.get_mut(self.start..self.end)?;
        let Received { used, event, fault_at } = self.connection.receive_located(self.now, input);
        self.start += used;
        if let Some(observation) = &mut self.observation {
            observation.decoded(self.now, used, event.as_ref(), fault_at);
        }
        event
    }

    /// Attaches an observer, which is told of everything from the first byte on.
    #[must_use]
    pub fn watched(mut self, observer: Box<dyn Observer>) -> Self {
        let mut observation = Observation::new(observer, self.connection.deflates());
        let rest = self.buffer.within(self.start..self.end);
        observation.received(self.now, rest);
        if observation.needs_wire() {
            self.connection.disable_fast_path();
        }
        self.observation = Some(Box::new(observation));
        self
    }

    /// Tells the observer that the session is over.
    pub fn end(&mut self) {
        if let Some(observation) = &mut self.observation {
            observation.end(clock::now());
        }
    }

    /// Tells the observer that the session is about to wait.
    fn rest(&mut self) {
        if let Some(observation) = &mut self.observation {
            observation.rest();
        }
    }

    /// Writes what is queued, reads what there is (unless `reading` is false, because the events
    /// have nowhere to go), and minds the deadlines; returns as soon as any of it has happened.
    /// May be dropped at any time without loss.
    pub async fn progress(&mut self, reading: bool) {
        poll_fn(|cx| self.poll_progress(cx, reading)).await;
    }

    /// Writes what goes without waiting.
    pub async fn write(&mut self) {
        self.rest();
        poll_fn(|cx| {
            self.poll_write(cx, clock::now(), true);
            Poll::Ready(())
        })
        .await;
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<()> {
        let now = clock::now();
        self.mind_first_message();
        self.rest();
        self.connection.set_reading(reading, now);
        let mut progressed = self.poll_write(cx, now, reading);
        if reading && self.eof {
            self.connection.receive_eof();
            // For TLS: its own farewell (RFC 8446, 6.1), as far as it goes at once.
            self.shut |= Pin::new(&mut self.transport).poll_shutdown(cx).is_ready();
        } else if reading {
            progressed |= self.poll_read(cx);
        }
        self.mind_idleness(now);
        progressed |= self.poll_timer(cx);
        if progressed || self.connection.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now: Instant, reading: bool) -> bool {
        let mut progressed = false;
        while self.connection.queued() > 0 {
            let bytes = self.connection.transmit();
            match Pin::new(&mut self.transport).poll_write(cx, bytes) {
                Poll::Pending => break,
                Poll::Ready(Ok(n)) if n > 0 => {
                    if let Some(observation) = &mut self.observation {
                        observation.transmitted(now, bytes.within(..n));
                    }
                    self.quiet.sent(now, self.connection.last_heard(), self.last_sent);
                    self.connection.transmitted(n, now);
                    self.last_sent = now;
                }
                Poll::Ready(result) => {
                    let cause = result.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    self.fail_sending(cause);
                }
            }
            progressed = true;
        }
        self.flushing |= progressed;
        // A carrier has duties of its own also while nothing is read.
        if (self.flushing || !reading) && self.send_error.is_none() {
            match Pin::new(&mut self.transport).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => {
                    self.flushing = false;
                    self.connection.flushed();
                }
                Poll::Ready(Err(cause)) => self.fail_sending(cause),
            }
        }
        let all_sent = self.connection.queued() == 0 && !self.connection.is_frame_open();
        // On a stream of HTTP/2 it does not matter who ends first, and some servers wait for us.
        let ends = self.connection.wants_shutdown()
            || (self.carrier == Version::Http2 && self.connection.is_closed());
        if ends && !self.shut && all_sent {
            self.shut = Pin::new(&mut self.transport).poll_shutdown(cx).is_ready();
        }
        progressed
    }

    fn fail_sending(&mut self, cause: io::Error) {
        self.send_error.get_or_insert(cause);
        self.connection.transmit_failed(clock::now());
    }

    /// Reads until the buffer is full or the transport has no more.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.start > 0 {
            // What a decoder leaves is a header at most.
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let before = self.end;
        while self.end < self.buffer.len() {
            match self.poll_read_once(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(n)) if n > 0 => self.end += n,
                Poll::Ready(result) => {
                    // A TLS peer that leaves without close_notify is an end like any other: what
                    // counts is whether its Close had come.
                    self.receive_error =
                        result.err().filter(|e| e.kind() != io::ErrorKind::UnexpectedEof);
                    self.eof = true;
                    self.note_received(before);
                    let (heard, sent) = (self.last_heard(), self.last_sent);
                    self.last_quiet =
                        self.quiet.before(clock::now(), heard, sent).map(QuietPeriod::new);
                    return true;
                }
            }
        }
        self.note_received(before)
    }

    fn poll_read_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.buffer.within_mut(self.end..);
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }

    /// What stands in the buffer from there on has come.
    fn note_received(&mut self, start: usize) -> bool {
        let n = self.end - start;
        if n == 0 {
            return false;
        }
        let now = clock::now();
        self.silence = self.silence.max(now.saturating_duration_since(self.last_heard()));
        self.now = now;
        self.bytes_received += n as u64;
        self.connection.received(self.now);
        if let Some(observation) = &mut self.observation {
            observation.received(now, self.buffer.within(start..self.end));
        }
        true
    }

    /// Notes when the first message came: with the last read, if it was decoded since.
    fn mind_first_message(&mut self) {
        if self.first_message.is_none() && self.connection.tallies().0.messages() > 0 {
            self.first_message = Some(self.now);
        }
    }

    /// When there will have been no message for too long.
    fn idle_deadline(&self) -> Option<Instant> {
        let limit = self.settings.idle_timeout.filter(|_| self.connection.is_open())?;
        Some(self.idle.since + limit)
    }

    fn mind_idleness(&mut self, now: Instant) {
        let Some(deadline) = self.idle_deadline() else { return };
        let (received, sent) = self.connection.tallies();
        let messages = received.messages() + sent.messages();
        if messages != self.idle.messages || self.connection.is_inside_message() {
            (self.idle.messages, self.idle.since) = (messages, now);
        } else if deadline <= now {
            // It is open: the deadline says so.
            self.idle.for_good = self.close(&Close::new(CloseCode::NORMAL)).is_ok();
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let idle = self.idle_deadline();
        let Some(deadline) = self.connection.timeout().into_iter().chain(idle).min() else {
            return false;
        };
        if self.armed.is_none_or(|armed| armed > deadline) {
            self.timer.as_mut().reset(deadline.into());
            self.armed = Some(deadline);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.armed = None;
        self.connection.handle_timeout(clock::now());
        // Woken either to act on what happened or to arm the timer anew.
        true
    }

    /// Host and port, as errors name them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether messages may be sent.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Whether nothing is left to wait for.
    pub fn is_over(&self) -> bool {
        self.connection.is_over()
    }

    /// Whether part of a message has come and its end has not.
    pub fn is_inside_message(&self) -> bool {
        self.connection.is_inside_message()
    }

    /// Whether a begun frame waits for its payload.
    pub fn is_frame_open(&self) -> bool {
        self.connection.is_frame_open()
    }

    /// Bytes that wait for the network.
    pub fn queued(&self) -> usize {
        self.connection.queued()
    }

    /// The messages that have come, and those that were sent.
    pub fn tallies(&self) -> (Tally, Tally) {
        self.connection.tallies()
    }

    /// What it has come to.
    pub fn stats(&self) -> Stats {
        let (received, sent) = self.connection.tallies();
        let now = clock::now();
        let first_message = self.first_message.or((received.messages() > 0).then_some(self.now));
        let own = Stats {
            duration: now.saturating_duration_since(self.opened),
            received,
            sent,
            round_trips: self.connection.round_trips(),
            silence: self.silence.max(now.saturating_duration_since(self.last_heard())),
            first_message: first_message.map(|at| at.saturating_duration_since(self.opened)),
        };
        match &self.earlier {
            Some(earlier) => own.and(earlier),
            None => own,
        }
    }

    /// Messages that the network had not wholly taken when the session ended.
    pub fn unsent_messages(&self) -> usize {
        self.connection.unsent_messages()
    }

    /// Whether something that was sent has not left.
    pub fn is_leaving(&self) -> bool {
        self.connection.queued() > 0 || self.flushing
    }

    /// Bytes that have come since the opening handshake.
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    /// When the last of them came, or the session opened.
    pub fn last_heard(&self) -> Instant {
        self.connection.last_heard()
    }

    /// When the network last took something, or the session opened.
    pub fn last_sent(&self) -> Instant {
        self.last_sent
    }

    /// The peer's Close, first or as an answer, if one came.
    pub fn remote_close(&self) -> Option<&Close> {
        self.connection.remote_close()
    }

    /// Whether we began the closing handshake.
    pub fn is_closed_by_us(&self) -> bool {
        matches!(self.connection.cause(), Some(Cause::LocalClose))
    }
}

/// Bytes read at a time. From this size on the allocator takes fresh pages from the system, and
/// only those are paid for that are used.
const READ: usize = 128 << 10;
