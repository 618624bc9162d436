//! The session driver: one task owns a transport and a connection and moves bytes between them.
//!
//! Every caller runs the same loop: take events from [`Session::next_event`] until there are none,
//! queue messages, then wait in [`Session::progress`], which writes everything queued in one call
//! and reads as much as is available.

mod alarm;
pub(crate) mod backlog;
pub mod clock;
mod context;
mod error;
mod held;
pub mod limits;
mod observer;
mod offending;
mod quiet;
pub(crate) mod read_buffer;
mod sending;
mod state;
mod stats;
pub mod tap;
#[cfg(test)]
pub(crate) mod testbed;
#[cfg(test)]
mod tests;
mod transfer;
mod verdict;

pub use context::{SentMessages, SessionContext};
pub use error::SessionError;
pub use observer::{FRAME_PREVIEW_BYTES, OBSERVED_PAYLOAD_LIMIT_BYTES, Observer, SessionEvent};
pub use stats::Stats;

pub use quiet::QuietPeriod;

use crate::{
    connect::{ClientConnection, Established},
    net::Transport,
    proto::{
        Close, CloseCode, Connection, Entropy, Event, Piece, Role, Settings, connection::Received,
        handshake::Version, silence, slice::Within,
    },
};
use alarm::Alarm;
use observer::Observation;
use offending::OffendingBytes;
use read_buffer::READ_BUFFER_BYTES;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::io::AsyncWrite;

/// The state of the idle timeout.
#[derive(Clone, Copy)]
struct Idle {
    /// Messages in both directions up to `since`.
    messages: u64,
    /// Bytes of an incomplete message received up to `since`.
    partial: Option<u64>,
    /// The last time at which a message, or part of one, was received or written.
    since: Instant,
    /// Reading is paused, so messages from the peer may be waiting.
    paused: bool,
    /// The caller reads nothing because the peer reads none of our messages.
    is_stalled: bool,
    /// The timeout has expired, and the session is closing because of it.
    expired: bool,
}

/// A Close that we sent.
struct OurClose {
    close: Close,
    /// The number of bytes received before it.
    received: u64,
}

/// An open session.
#[allow(clippy::struct_excessive_bools, reason = "each is an independent state")]
pub struct Session {
    transport: Box<dyn Transport>,
    connection: Connection,
    authority: String,
    carrier: Version,
    /// Set for a client. Boxed because a server may have very many sessions.
    context: Option<Box<SessionContext>>,
    /// Received bytes; those not yet decoded are at `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The time of the last read that returned bytes, which is also the timestamp of events.
    received_at: Instant,
    bytes_received: u64,
    opened: Instant,
    /// The longest time in which no byte was received.
    silence: Duration,
    /// The time of the last successful write.
    last_sent: Instant,
    idle: Idle,
    /// Our Close, if one was sent. A peer that merely echoes an error code does not report an
    /// error.
    our_close: Option<OurClose>,
    /// The offset in the received bytes at which the last message that arrived in pieces begins.
    message_start: u64,
    /// The number of messages written at least in part, and the time of the first write of the last
    /// one.
    written: (u64, Instant),
    send_error: Option<io::Error>,
    receive_error: Option<io::Error>,
    /// The transport has ended. The connection learns of it once all received bytes are decoded.
    eof: bool,
    quiet: silence::Silence,
    /// The quiet period before the transport ended.
    last_quiet: Option<QuietPeriod>,
    /// The number of messages sent before the last read that returned bytes.
    sent_before_read: u64,
    /// Time between our last message and what followed it, if that was the last read or the end of
    /// the transport.
    unanswered: Option<Duration>,
    offending: OffendingBytes,
    /// The transport may still buffer written bytes, as TLS does.
    flushing: bool,
    /// The last read ended because no more bytes were available, so that new ones wake the task.
    is_drained: bool,
    shut: bool,
    alarm: Alarm,
    first_message: Option<Instant>,
    observation: Option<Box<Observation>>,
    /// Statistics of the sessions that this one replaces.
    earlier: Option<Box<Stats>>,
}

impl Session {
    /// Creates a client's session. `entropy` generates the masking keys.
    pub fn client(opened: ClientConnection, settings: Settings, entropy: Entropy) -> Self {
        let agreement = &opened.established.agreement;
        let context = SessionContext {
            request: *opened.report.request,
            subprotocol: agreement.subprotocol.clone(),
            compression: agreement.deflate.is_some(),
            lasted: Duration::ZERO,
            received: 0,
            sent: SentMessages::default(),
            unanswered: None,
        };
        let session = Self::new(opened.established, Role::Client, settings, entropy);
        Self { context: Some(Box::new(context)), ..session }
    }

    /// Creates a server's session.
    pub fn server(established: Established, settings: Settings, entropy: Entropy) -> Self {
        Self::new(established, Role::Server, settings, entropy)
    }

    fn new(established: Established, role: Role, settings: Settings, entropy: Entropy) -> Self {
        let now = clock::now();
        let end = established.rest.len();
        let mut connection = Connection::new(role, settings, entropy, now);
        if let Some(deflate) = &established.agreement.deflate {
            connection = connection.with_deflate(deflate);
        }
        Self {
            transport: established.transport,
            connection,
            authority: established.authority,
            carrier: established.carrier,
            context: None,
            buffer: established.rest,
            start: 0,
            end,
            received_at: now,
            bytes_received: end as u64,
            opened: now,
            silence: Duration::ZERO,
            last_sent: now,
            idle: Idle {
                messages: 0,
                partial: None,
                since: now,
                paused: false,
                is_stalled: false,
                expired: false,
            },
            our_close: None,
            message_start: 0,
            written: (0, now),
            send_error: None,
            receive_error: None,
            eof: false,
            quiet: silence::Silence::default(),
            last_quiet: None,
            sent_before_read: 0,
            unanswered: None,
            offending: OffendingBytes::default(),
            flushing: false,
            is_drained: false,
            shut: false,
            alarm: Alarm::new(),
            first_message: None,
            observation: None,
            earlier: None,
        }
    }

    /// Adds the statistics of the session that this one replaces.
    #[must_use]
    pub fn with_earlier(mut self, earlier: &Self) -> Self {
        self.earlier = Some(Box::new(earlier.stats()));
        self
    }

    /// Returns the next message if it arrived whole in a single frame, as nearly all messages do.
    /// On `None`, call [`Self::next_event`].
    #[inline]
    pub fn next_whole(&mut self) -> Option<Piece<'_>> {
        if self.observation.is_some() {
            return self.next_whole_observed();
        }
        let input = self.buffer.get(self.start..self.end)?;
        let (kind, range) = self.connection.whole_message(input)?;
        let payload = input.get(range.clone())?;
        self.start += range.end;
        Some(Piece::whole(kind, payload))
    }

    /// [`Self::next_whole`] with an observer. A separate function, so that without an observer the
    /// piece need not be held in memory.
    #[cold]
    fn next_whole_observed(&mut self) -> Option<Piece<'_>> {
        if self.is_held() {
            return None;
        }
        let input = self.buffer.get(self.start..self.end)?;
        let (kind, range) = self.connection.whole_message(input)?;
        let payload = input.get(range.clone())?;
        self.start += range.end;
        let piece = Piece::whole(kind, payload);
        if let Some(observation) = &mut self.observation {
            observation.whole(self.received_at, &piece);
        }
        Some(piece)
    }

    /// Sends the next message back, and returns its payload, if it is short and arrived whole and
    /// nothing observes the session. On `None`, call [`Self::next_event`].
    #[inline]
    pub fn send_back(&mut self) -> Option<&[u8]> {
        if self.observation.is_some() {
            return None;
        }
        let input = self.buffer.get_mut(self.start..self.end)?;
        let range = self.connection.send_back(input)?;
        self.start += range.end;
        Some(input.within(range))
    }

    /// Returns the next event in the received bytes; `None` if more bytes are needed or if
    /// [`Self::is_held`].
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        if self.is_held() && !self.may_decode_held() {
            return None;
        }
        // The decoder runs even if no bytes are left: a violation may be pending after the piece
        // returned last.
        if !self.connection.is_inside_message() {
            self.message_start = self.bytes_received - (self.end - self.start) as u64;
        }
        if !self.connection.is_reading() {
            // The bytes may have waited.
            self.connection.resumed(clock::now());
        }
        let from = self.start;
        let input = self.buffer.get_mut(from..self.end)?;
        let Received { used, event, fault_at } =
            self.connection.receive_located(self.received_at, input);
        self.start += used;
        if let Some(Event::Failed(violation)) = &event
            && violation.is_in_header()
        {
            self.offending.begin(from + fault_at.saturating_sub(1));
        }
        if let Some(observation) = &mut self.observation {
            observation.decoded(self.received_at, used, event.as_ref(), fault_at);
        }
        event
    }

    /// Attaches an observer, which sees everything from the first byte on.
    #[must_use]
    pub fn with_observer(mut self, observer: Box<dyn Observer>) -> Self {
        let mut observation = Observation::new(observer, self.connection.deflates());
        let rest = self.buffer.within(self.start..self.end);
        observation.received(self.received_at, rest);
        if observation.needs_wire() {
            self.connection.disable_fast_path();
        }
        self.observation = Some(Box::new(observation));
        self
    }

    /// Informs the observer that the session is over.
    pub fn end(&mut self) {
        if let Some(observation) = &mut self.observation {
            observation.end(clock::now());
        }
    }

    /// Informs the observer that the session is about to wait.
    fn rest(&mut self) {
        if let Some(observation) = &mut self.observation {
            observation.rest();
        }
    }

    /// Writes queued bytes, reads available bytes and handles deadlines; returns as soon as any of
    /// these has made progress. With `reading` false, because the caller cannot take more events,
    /// nothing is read. Cancel-safe.
    pub async fn progress(&mut self, reading: bool) {
        if self.is_held() {
            // Each call writes a part of the message without waiting, which must not starve signals
            // and timers.
            tokio::task::yield_now().await;
        }
        poll_fn(|cx| self.poll_progress(cx, reading)).await;
    }

    /// Records whether the caller reads nothing because our messages, which the peer does not read,
    /// leave no room for answers. The limits on the peer then run as if it were read.
    pub fn set_stalled(&mut self, is_stalled: bool) {
        self.idle.is_stalled = is_stalled;
    }

    /// Writes as many queued bytes as the transport takes without waiting.
    pub async fn write(&mut self) {
        poll_fn(|cx| {
            self.poll_write(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Does the same as [`Self::write`], and has the task woken when the transport takes more.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) {
        self.rest();
        self.poll_transmit(cx, true);
    }

    /// Polls for [`Self::progress`]. While [`Self::is_held`], let other tasks run between calls.
    pub fn poll_progress(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<()> {
        self.note_first_message();
        let is_held = self.is_held();
        self.rest();
        let is_blocked = is_held && self.has_held_frame();
        let reading = reading && !is_blocked;
        let expects = reading || self.idle.is_stalled;
        if self.connection.is_reading() != expects {
            self.connection.set_reading(expects, clock::now());
        }
        let (mut progressed, received) = (is_held, self.bytes_received);
        progressed |= self.poll_transmit(cx, reading);
        if is_held && self.eof {
            // The end is handled once everything before it is decoded.
        } else if reading && self.eof {
            self.connection.receive_eof();
            // TLS sends its close_notify (RFC 8446, 6.1), if that is possible without waiting.
            self.shut |= Pin::new(&mut self.transport).poll_shutdown(cx).is_ready();
        } else if reading {
            progressed |= self.poll_read(cx, READ_BUFFER_BYTES);
        }
        // The clock costs as much as a short message.
        let has_received = self.bytes_received > received;
        let now = if has_received { self.received_at } else { clock::now() };
        self.check_idle_timeout(now, expects);
        progressed |= self.poll_timer(cx, now);
        if progressed || self.connection.is_over() {
            return Poll::Ready(());
        }
        self.release_memory();
        Poll::Pending
    }

    /// Reports whether another [`Self::poll_progress`] in the same poll of the task would only find that
    /// there is nothing more to do. If so, the task may wait.
    pub fn is_settled(&mut self) -> bool {
        let is_settled = self.is_drained
            && self.connection.queued() == 0
            && !(self.flushing || self.eof || self.connection.is_over())
            && self.connection.settings().idle_timeout.is_none()
            && self.connection.timeout().is_none_or(|deadline| self.alarm.is_set_for(deadline));
        if is_settled {
            self.release_memory();
        }
        is_settled
    }

    /// Gives back the memory that is not needed while the session waits.
    pub fn release_memory(&mut self) {
        self.connection.release_memory();
        if self.buffer.len() == READ_BUFFER_BYTES && self.end - self.start <= KEPT_REST_BYTES {
            self.offending.keep(self.buffer.within(..self.end));
            let rest = self.buffer.within(self.start..self.end).to_vec();
            (self.start, self.end) = (0, rest.len());
            read_buffer::give(std::mem::replace(&mut self.buffer, rest));
        }
    }

    /// Records the time of the first message: that of the last read, from which it was decoded.
    fn note_first_message(&mut self) {
        if self.first_message.is_none() && self.connection.tallies().0.messages() > 0 {
            self.first_message = Some(self.received_at);
        }
    }

    /// Returns the deadline of the idle timeout, if there is one.
    fn idle_deadline(&self) -> Option<Instant> {
        let limit =
            self.connection.settings().idle_timeout.filter(|_| self.connection.is_open())?;
        Some(self.idle.since + limit)
    }

    fn check_idle_timeout(&mut self, now: Instant, expects: bool) {
        let Some(deadline) = self.idle_deadline() else { return };
        let (received, sent) = self.connection.tallies();
        let messages = received.messages() + sent.messages();
        let partial = self.connection.incomplete_message().map(|(_, carried)| carried);
        let moved = (messages, partial) != (self.idle.messages, self.idle.partial);
        if moved || !expects || self.idle.paused {
            self.idle = Idle { messages, partial, since: now, paused: !expects, ..self.idle };
        } else if deadline <= now {
            // The session is open, since there is a deadline.
            self.idle.expired = self.close(&Close::new(CloseCode::NORMAL)).is_ok();
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let idle = self.idle_deadline();
        let Some(deadline) = self.connection.timeout().into_iter().chain(idle).min() else {
            return false;
        };
        if self.alarm.poll(cx, deadline, now).is_pending() {
            return false;
        }
        self.connection.handle_timeout(clock::now());
        // Counts as progress even if nothing expired, so that the timer is polled again.
        true
    }
}

/// The largest number of received bytes that wait without a whole read buffer.
const KEPT_REST_BYTES: usize = 512;
