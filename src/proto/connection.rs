//! An open WebSocket connection as a state machine: bytes and times in, events and bytes out.
//!
//! Methods are of four kinds. What came from outside: [`received`], [`receive`], [`receive_eof`],
//! [`handle_timeout`], [`set_reading`]. What we want: [`send`], [`begin`], [`payload`], [`ping`],
//! [`pong`], [`close`]. What is to be done: [`transmit`], [`timeout`], [`wants_shutdown`]. How it
//! stands: the rest. Pongs, the echo of a Close, the Close after a violation and keepalive pings
//! are made here; the driver only sees bytes to write and a deadline.
//!
//! [`received`]: Connection::received
//! [`receive`]: Connection::receive
//! [`receive_eof`]: Connection::receive_eof
//! [`handle_timeout`]: Connection::handle_timeout
//! [`set_reading`]: Connection::set_reading
//! [`send`]: Connection::send
//! [`begin`]: Connection::begin
//! [`payload`]: Connection::payload
//! [`ping`]: Connection::ping
//! [`pong`]: Connection::pong
//! [`close`]: Connection::close
//! [`transmit`]: Connection::transmit
//! [`timeout`]: Connection::timeout
//! [`wants_shutdown`]: Connection::wants_shutdown

use super::{
    close::Close,
    deflate::{Deflater, Inflater},
    event::{Cause, Event, Settings},
    extension::params::Deflate,
    mask::Entropy,
    message::{Decoder, Fault, Part},
    opcode::{Kind, Opcode},
    outbox::{Outbox, UsageError},
    ping::{Pings, RoundTrips},
    role::Role,
    tally::Tally,
    timer::{Timer, Timers},
    violation::Violation,
};
use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// A connection after its opening handshake.
pub struct Connection {
    decoder: Decoder,
    /// All but the decoder: events borrow from that one while this one goes on.
    link: Link,
}

/// What was made of some bytes.
#[derive(Debug)]
pub struct Received<'a> {
    /// How many of them were used.
    pub used: usize,
    /// The next event.
    pub event: Option<Event<'a>>,
    /// With [`Event::Failed`]: the bytes up to and with one of the frame that broke the rule; 0 if
    /// that frame was used up before.
    pub fault_at: usize,
}

struct Link {
    role: Role,
    settings: Settings,
    outbox: Outbox,
    timers: Timers,
    pings: Pings,
    last_heard: Instant,
    /// Nothing is read.
    paused: bool,
    /// What was left of the pong's deadline then.
    pong_left: Option<Duration>,
    cause: Option<Cause>,
    close_sent: bool,
    /// The peer's Close, whoever began.
    remote_close: Option<Close>,
    over: bool,
    /// Messages the transport had not taken when the peer closed or sending failed.
    unsent: usize,
}

impl Connection {
    /// A connection in `role` whose opening handshake ended `now`.
    pub fn new(role: Role, settings: Settings, entropy: Entropy, now: Instant) -> Self {
        let mut timers = Timers::default();
        if let Some(interval) = settings.ping_interval {
            timers.set(Timer::KeepAlive, now + interval);
        }
        Self {
            decoder: Decoder::new(role, settings.max_message),
            link: Link {
                role,
                settings,
                outbox: Outbox::new(role, entropy),
                timers,
                pings: Pings::default(),
                last_heard: now,
                paused: false,
                pong_left: None,
                cause: None,
                close_sent: false,
                remote_close: None,
                over: false,
                unsent: 0,
            },
        }
    }

    /// From the start, messages are compressed as was agreed.
    #[must_use]
    pub fn with_deflate(mut self, deflate: &Deflate) -> Self {
        let (role, settings) = (self.link.role, self.link.settings);
        self.decoder.inflate(Inflater::new(deflate.side(role.peer())));
        let (level, min) = (settings.compress_level, settings.compress_min);
        self.link.outbox.compress(Deflater::new(deflate.side(role), level, min));
        self
    }

    /// Bytes came from the peer, whatever they are: it lives.
    pub fn received(&mut self, now: Instant) {
        self.link.last_heard = now;
        self.link.timers.stop(Timer::Pong);
    }

    /// The short way of nearly every message, to be tried before [`Self::receive`]: the type of the
    /// one that is at the front of `input`, and where it lies; it is used up to there.
    #[inline]
    pub fn whole(&mut self, input: &[u8]) -> Option<(Kind, Range<usize>)> {
        if self.link.discards() { None } else { self.decoder.whole(input) }
    }

    /// Takes bytes from the front of `input`: how many were used, and the next event. Call again
    /// with the rest until there is no event; what then is left, less than
    /// [`LOOKAHEAD`](super::message::LOOKAHEAD) bytes, must come again with more behind it.
    pub fn receive<'a>(
        &'a mut self,
        now: Instant,
        input: &'a mut [u8],
    ) -> (usize, Option<Event<'a>>) {
        let Received { used, event, .. } = self.receive_watched(now, input);
        (used, event)
    }

    /// As [`Self::receive`], and where a frame that broke a rule lies.
    pub fn receive_watched<'a>(&'a mut self, now: Instant, input: &'a mut [u8]) -> Received<'a> {
        let (all, link) = (input.len(), &mut self.link);
        let found = |used, event| Received { used, event, fault_at: used };
        if link.discards() {
            return found(all, None);
        }
        match self.decoder.decode(input) {
            Ok((used, None)) => found(used, None),
            Ok((used, Some(Part::Piece(piece)))) => found(used, Some(Event::Message(piece))),
            Ok((used, Some(Part::Control(opcode, payload)))) => {
                found(used, Some(link.control(opcode, payload, now)))
            }
            Err(Fault { violation, at }) => {
                Received { used: all, event: Some(link.fail(violation, now)), fault_at: at }
            }
        }
    }

    /// No message takes the short way any more: somebody looks at each.
    pub fn watch(&mut self) {
        self.decoder.watch();
    }

    /// Whether permessage-deflate was agreed on.
    pub fn deflates(&self) -> bool {
        self.decoder.inflates()
    }

    /// The transport has no more bytes.
    pub fn receive_eof(&mut self) {
        let link = &mut self.link;
        link.over = true;
        link.unsent = link.unsent.max(link.outbox.unsent_messages());
        link.cause.get_or_insert(Cause::TransportEnded);
    }

    /// Says that what the peer sends is read from now on, or (for a stuck output) is not. A
    /// deadline on the peer's answer does not run while its bytes are left unread.
    pub fn set_reading(&mut self, reading: bool, now: Instant) {
        let link = &mut self.link;
        if reading != link.paused {
            return;
        }
        link.paused = !reading;
        if reading {
            if let Some(left) = link.pong_left.take() {
                link.timers.set(Timer::Pong, now + left);
            }
        } else {
            link.pong_left = link.timers.get(Timer::Pong).map(|deadline| deadline - now);
            link.timers.stop(Timer::Pong);
        }
    }

    /// A deadline of [`Self::timeout`] may have passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.link.timers.expired(now) {
            self.link.expire(timer, now);
        }
    }

    /// Sends a whole message in one frame.
    #[inline]
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), UsageError> {
        self.link.writable()?;
        self.link.outbox.message(kind, payload);
        Ok(())
    }

    /// Begins a data frame of `length` bytes, the next fragment if a message is open; `fin`: the
    /// message ends with it.
    pub fn begin(&mut self, kind: Kind, length: u64, fin: bool) -> Result<(), UsageError> {
        self.link.writable()?;
        self.link.outbox.begin(kind, length, fin);
        Ok(())
    }

    /// Brings payload for the frame that [`Self::begin`] began. It is allowed also when a Close
    /// waits for that frame to end.
    pub fn payload(&mut self, bytes: &[u8]) {
        self.link.outbox.payload(bytes);
    }

    /// Sends a ping.
    pub fn ping(&mut self, payload: &[u8], now: Instant) -> Result<(), UsageError> {
        self.link.control_out(Opcode::Ping, payload)?;
        self.link.pings.sent(payload, now);
        Ok(())
    }

    /// Sends a pong nobody asked for (5.5.3 allows it).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.link.control_out(Opcode::Pong, payload)
    }

    /// Begins the closing handshake.
    pub fn close(&mut self, close: &Close, now: Instant) -> Result<(), UsageError> {
        let payload = close.payload();
        if !payload.is_empty() && !close.code.is_sendable() {
            return Err(UsageError::CloseCode(close.code));
        }
        self.link.writable()?;
        if payload.len() > MAX_CONTROL {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.link.cause.get_or_insert(Cause::LocalClose);
        self.link.send_close(&payload, now);
        Ok(())
    }

    /// The bytes for the transport; [`Self::transmitted`] tells how many it took.
    pub fn transmit(&self) -> &[u8] {
        self.link.outbox.pending()
    }

    /// The transport took `n` of the bytes of [`Self::transmit`]. While it takes more, an answer to
    /// a Close behind them cannot be late.
    #[inline]
    pub fn transmitted(&mut self, n: usize, now: Instant) {
        let link = &mut self.link;
        link.outbox.advance(n);
        if link.close_sent && link.remote_close.is_none() && !link.over {
            link.timers.set(Timer::Close, now + link.settings.close_timeout);
        }
    }

    /// The transport has passed on all that it took: until then it has not left.
    #[inline]
    pub fn flushed(&mut self) {
        self.link.outbox.flushed();
    }

    /// The transport takes no more bytes. What the peer sent before it went may still be there, and
    /// may say why: it is read on, for a time.
    pub fn transmit_failed(&mut self, now: Instant) {
        let link = &mut self.link;
        link.cause.get_or_insert(Cause::SendFailed);
        link.unsent = link.unsent.max(link.outbox.unsent_messages());
        link.outbox.abandon();
        link.close_sent = true;
        link.stop_keepalive();
        link.timers.set(Timer::Close, now + link.settings.close_timeout);
    }

    /// The next deadline: when it has passed, call [`Self::handle_timeout`].
    pub fn timeout(&self) -> Option<Instant> {
        self.link.timers.next()
    }

    /// Whether our side of the transport is to be shut as soon as all is transmitted: we failed
    /// the connection, or we are the server and the closing handshake is done (7.1.1: it is the
    /// server that closes first).
    pub fn wants_shutdown(&self) -> bool {
        let link = &self.link;
        matches!(link.cause, Some(Cause::Violation(_)))
            || (self.is_closed() && link.role == Role::Server)
    }

    /// Whether the closing handshake is done, but for what waits for the transport.
    pub fn is_closed(&self) -> bool {
        self.link.close_sent && self.link.remote_close.is_some()
    }

    /// Whether nothing is left to wait for: the transport may be dropped.
    pub fn is_over(&self) -> bool {
        self.link.over
    }

    /// Whether messages may be sent.
    pub fn is_open(&self) -> bool {
        !self.link.close_sent && !self.link.over
    }

    /// Whether a begun frame waits for its payload.
    pub fn is_frame_open(&self) -> bool {
        self.link.outbox.is_frame_open()
    }

    /// Whether part of a message has come and its end has not.
    pub fn is_inside_message(&self) -> bool {
        self.decoder.is_inside_message()
    }

    /// Bytes that wait for the transport.
    pub fn queued(&self) -> usize {
        self.link.outbox.queued()
    }

    /// Messages the transport had not wholly taken when the peer closed or sending failed.
    pub fn unsent_messages(&self) -> usize {
        self.link.unsent
    }

    /// The messages that have come, and those that were sent.
    pub fn tallies(&self) -> (Tally, Tally) {
        (self.decoder.tally(), self.link.outbox.tally())
    }

    /// What the round-trip times of our pings came to, if one was answered.
    pub fn round_trips(&self) -> Option<RoundTrips> {
        self.link.pings.round_trips()
    }

    /// Why the connection ends, once it does.
    pub fn cause(&self) -> Option<&Cause> {
        self.link.cause.as_ref()
    }

    /// The peer's Close, first or as an answer, if it came.
    pub fn remote_close(&self) -> Option<&Close> {
        self.link.remote_close.as_ref()
    }

    /// When the last byte came from the peer.
    pub fn last_heard(&self) -> Instant {
        self.link.last_heard
    }
}

impl Link {
    #[inline]
    fn discards(&self) -> bool {
        self.remote_close.is_some() || matches!(self.cause, Some(Cause::Violation(_)))
    }

    fn control<'a>(&'a mut self, opcode: Opcode, payload: &'a [u8], now: Instant) -> Event<'a> {
        match opcode {
            Opcode::Ping => {
                // Also after our own Close: only the peer's ends the duty (5.5.2).
                self.outbox.control(Opcode::Pong, payload);
                Event::Ping(payload)
            }
            Opcode::Pong => Event::Pong { payload, rtt: self.pings.answered(payload, now) },
            _ => match Close::parse(payload) {
                Ok(close) => self.closed(close, payload, now),
                Err(violation) => self.fail(violation, now),
            },
        }
    }

    fn closed(&mut self, close: Close, payload: &[u8], now: Instant) -> Event<'_> {
        self.cause.get_or_insert_with(|| Cause::RemoteClose(close.clone()));
        if !self.close_sent {
            self.unsent = self.outbox.unsent_messages();
            // Echoed byte for byte: an empty Close has no code, and rebuilding it would put 1005
            // on the wire, which 7.4.1 forbids.
            self.send_close(payload, now);
        }
        // Deviation: 7.1.1 lets a client wait for the server to end TCP for as long as it takes.
        self.timers.set(Timer::Close, now + self.settings.close_timeout);
        Event::Close(self.remote_close.insert(close))
    }

    /// Fails the connection (7.1.7).
    fn fail(&mut self, violation: Violation, now: Instant) -> Event<'static> {
        // That we had begun to close is no reason to keep quiet about what came after.
        if matches!(self.cause, None | Some(Cause::LocalClose)) {
            self.cause = Some(Cause::Violation(violation));
        }
        if !self.close_sent {
            let payload = Close::new(violation.close_code()).payload();
            self.send_close(&payload, now);
        }
        Event::Failed(violation)
    }

    fn send_close(&mut self, payload: &[u8], now: Instant) {
        self.outbox.control(Opcode::Close, payload);
        self.close_sent = true;
        self.stop_keepalive();
        self.timers.set(Timer::Close, now + self.settings.close_timeout);
    }

    fn stop_keepalive(&mut self) {
        self.timers.stop(Timer::KeepAlive);
        self.timers.stop(Timer::Pong);
        self.pong_left = None;
    }

    fn expire(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::KeepAlive => self.keepalive(now),
            Timer::Pong => {
                self.unsent = self.unsent.max(self.outbox.unsent_messages());
                self.cause.get_or_insert(Cause::PongTimeout);
                self.over = true;
            }
            Timer::Close => {
                self.unsent = self.unsent.max(self.outbox.unsent_messages());
                self.over = true;
            }
        }
    }

    fn keepalive(&mut self, now: Instant) {
        let Some(interval) = self.settings.ping_interval else {
            return;
        };
        let due = self.last_heard + interval;
        if due > now {
            self.timers.set(Timer::KeepAlive, due);
            return;
        }
        self.timers.set(Timer::KeepAlive, now + interval);
        if self.outbox.queued() > PING_ROOM {
            // It does not read: a ping more would only gather, and none can be answered.
            return;
        }
        let payload = self.pings.keepalive();
        self.outbox.control(Opcode::Ping, &payload);
        self.pings.sent(&payload, now);
        if let Some(timeout) = self.settings.ping_timeout {
            if self.paused {
                self.pong_left.get_or_insert(timeout);
            } else if self.timers.get(Timer::Pong).is_none() {
                self.timers.set(Timer::Pong, now + timeout);
            }
        }
    }

    fn writable(&self) -> Result<(), UsageError> {
        if self.close_sent || self.over {
            return Err(UsageError::Closed);
        }
        Ok(())
    }

    fn control_out(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), UsageError> {
        self.writable()?;
        if payload.len() > MAX_CONTROL {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.outbox.control(opcode, payload);
        Ok(())
    }
}

/// With more than this waiting (bytes) no keepalive ping is added.
const PING_ROOM: usize = 256 << 10;

/// The longest payload of a control frame (5.5), in bytes.
const MAX_CONTROL: usize = 125;

#[cfg(test)]
mod tests;
