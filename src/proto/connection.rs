//! An open WebSocket connection as a state machine: bytes and times in, events and bytes out.
//!
//! The methods fall into four groups:
//!
//! - input from the transport and the clock: [`received`], [`receive`], [`receive_eof`],
//!   [`handle_timeout`], [`set_reading`];
//! - requests of the application: [`send`], [`begin`], [`part`], [`ping`], [`pong`], [`close`];
//! - work for the driver: [`transmit`], [`timeout`], [`wants_shutdown`];
//! - state: the rest.
//!
//! The connection itself produces pongs, the echo of a Close, the Close after a violation and
//! keepalive pings; the driver only sees bytes to write and a deadline.
//!
//! [`received`]: Connection::received
//! [`receive`]: Connection::receive
//! [`receive_eof`]: Connection::receive_eof
//! [`handle_timeout`]: Connection::handle_timeout
//! [`set_reading`]: Connection::set_reading
//! [`send`]: Connection::send
//! [`begin`]: Connection::begin
//! [`part`]: Connection::part
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
    shared::SharedMessage,
    slice::Within,
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
    /// The state apart from the decoder: it changes while an event borrows from the decoder.
    link: Link,
}

/// The result of [`Connection::receive_located`].
#[derive(Debug)]
pub struct Received<'a> {
    /// The number of input bytes consumed.
    pub used: usize,
    /// The next event, if any.
    pub event: Option<Event<'a>>,
    /// With [`Event::Failed`], the number of input bytes up to and including one byte of the
    /// offending frame; 0 if all of that frame was consumed by earlier calls.
    pub fault_at: usize,
}

struct Link {
    role: Role,
    settings: Settings,
    outbox: Outbox,
    timers: Timers,
    pings: Pings,
    last_heard: Instant,
    /// The time at which received bytes that had to wait were decoded.
    resumed: Instant,
    /// True while the driver does not read from the transport.
    paused: bool,
    /// The time left for the pong when reading was paused.
    pong_time_left: Option<Duration>,
    keepalive: Keepalive,
    cause: Option<Cause>,
    close_sent: bool,
    /// The peer's Close, whichever side closed first.
    remote_close: Option<Close>,
    over: bool,
    /// Messages that were cut off before our Close, or not entirely sent at the end.
    unsent: usize,
    /// Messages not entirely sent when the peer's Close was received.
    late: usize,
}

/// The state of the last keepalive ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keepalive {
    /// It was written, or there was none.
    Sent,
    /// It waits for the transport.
    Queued,
    /// It waits for the transport, and the pong limit was started for it.
    QueuedAndLimited,
}

impl Connection {
    /// Creates a connection in `role` whose opening handshake was completed at `now`.
    pub fn new(role: Role, settings: Settings, entropy: Entropy, now: Instant) -> Self {
        let mut timers = Timers::default();
        if let Some(interval) = settings.ping_interval {
            timers.set(Timer::KeepAlive, now + interval);
        }
        let mut decoder = Decoder::new(role, settings.max_message);
        if settings.lenient {
            decoder.set_lenient();
        }
        Self {
            decoder,
            link: Link {
                role,
                settings,
                outbox: Outbox::new(role, entropy, settings.fragment),
                timers,
                pings: Pings::default(),
                last_heard: now,
                resumed: now,
                paused: false,
                pong_time_left: None,
                keepalive: Keepalive::Sent,
                cause: None,
                close_sent: false,
                remote_close: None,
                over: false,
                unsent: 0,
                late: 0,
            },
        }
    }

    /// Returns the next violation that was accepted and not reported before
    /// ([`Settings::lenient`]).
    pub fn accepted_violation(&mut self) -> Option<Violation> {
        self.decoder.accepted_violation()
    }

    /// Enables permessage-deflate with the negotiated parameters. Call before any other method.
    #[must_use]
    pub fn with_deflate(mut self, deflate: &Deflate) -> Self {
        let (role, settings) = (self.link.role, self.link.settings);
        self.decoder.set_inflater(Inflater::new(deflate.side(role.peer())));
        let (level, min) = (settings.compress_level, settings.compress_min);
        let mut side = deflate.side(role);
        // No side is obliged to use its context (RFC 7692, 7.1.1). A server does not: its shared
        // messages are encoded without one, and an idle connection would hold the window.
        side.keeps_context &= role == Role::Client;
        self.link.outbox.set_deflater(Deflater::new(side, level, min));
        self
    }

    /// Records that bytes arrived from the peer, which is a sign of life regardless of their
    /// content.
    pub fn received(&mut self, now: Instant) {
        self.link.last_heard = now;
        self.link.timers.stop(Timer::Pong);
    }

    /// Records that received bytes are decoded at `now`, later than they were received. A Close or a
    /// violation among them starts the time limit of the closing now.
    pub fn resumed(&mut self, now: Instant) {
        self.link.resumed = now;
    }

    /// Tries the fast path, which suffices for nearly all messages; call it before
    /// [`Self::receive`]. If a complete, simple message is at the front of `input`, consumes it and
    /// returns its type and the range of its payload.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call costs a tenth of the time of a short message")]
    pub fn whole_message(&mut self, input: &[u8]) -> Option<(Kind, Range<usize>)> {
        if self.link.discards_input() { None } else { self.decoder.whole_message(input) }
    }

    /// Sends the message at the front of `input` back, if it is short and complete. Returns the range of
    /// its payload; `input` is consumed up to the end of that range. `None` leaves the decision to
    /// [`Self::receive`].
    #[inline]
    pub fn send_back(&mut self, input: &mut [u8]) -> Option<Range<usize>> {
        if self.link.discards_input() || self.link.ensure_open().is_err() {
            return None;
        }
        let (kind, range) = self.decoder.whole_masked_message(input)?;
        self.link.outbox.message(kind, input.within(range.clone()));
        Some(range)
    }

    /// Decodes from the front of `input`. Returns the number of bytes consumed and the next event.
    /// Call again with the rest until no event is returned. The remaining bytes, fewer than
    /// [`LOOKAHEAD`](super::message::LOOKAHEAD), must be passed again, followed by new ones.
    pub fn receive<'a>(
        &'a mut self,
        now: Instant,
        input: &'a mut [u8],
    ) -> (usize, Option<Event<'a>>) {
        let Received { used, event, .. } = self.receive_located(now, input);
        (used, event)
    }

    /// Does the same as [`Self::receive`], and also locates a frame that broke a rule.
    pub fn receive_located<'a>(&'a mut self, now: Instant, input: &'a mut [u8]) -> Received<'a> {
        let (all, link) = (input.len(), &mut self.link);
        let found = |used, event| Received { used, event, fault_at: used };
        if self.decoder.has_failed() {
            self.decoder.discard(all);
            return found(all, None);
        }
        if link.discards_input() {
            return found(all, None);
        }
        match self.decoder.decode(input) {
            Ok((used, None)) => found(used, None),
            Ok((used, Some(Part::Piece(piece)))) => found(used, Some(Event::Message(piece))),
            Ok((used, Some(Part::Control(opcode, payload)))) => {
                found(used, Some(link.handle_control(opcode, payload, now)))
            }
            Err(Fault { violation, at }) => {
                Received { used: all, event: Some(link.fail(violation, now)), fault_at: at }
            }
        }
    }

    /// Disables the fast path, so that an observer sees the frames of every message.
    pub fn disable_fast_path(&mut self) {
        self.decoder.disable_fast_path();
    }

    /// Reports whether permessage-deflate was negotiated.
    pub fn deflates(&self) -> bool {
        self.decoder.inflates()
    }

    /// Records that the transport ended: no more bytes will arrive.
    pub fn receive_eof(&mut self) {
        let link = &mut self.link;
        link.end();
        link.cause.get_or_insert(Cause::TransportEnded);
    }

    /// Records whether the driver expects bytes of the peer; it may not read because the output is
    /// blocked. Until it does, the time limit on the peer's pong does not run.
    pub fn set_reading(&mut self, reading: bool, now: Instant) {
        let link = &mut self.link;
        if reading != link.paused {
            return;
        }
        link.paused = !reading;
        if reading {
            if let Some(left) = link.pong_time_left.take() {
                link.timers.set(Timer::Pong, now + left);
            }
        } else {
            link.pong_time_left = link.timers.get(Timer::Pong).map(|deadline| deadline - now);
            link.timers.stop(Timer::Pong);
        }
    }

    /// Reports whether the driver expects bytes of the peer ([`Self::set_reading`]).
    #[inline]
    pub fn is_reading(&self) -> bool {
        !self.link.paused
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.link.settings
    }

    /// Handles every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.link.timers.expired(now) {
            self.link.expire(timer, now);
        }
    }

    /// Queues a whole message, in fragments if it is longer than [`Settings::fragment`].
    #[inline]
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), UsageError> {
        self.link.ensure_open()?;
        self.link.outbox.message(kind, payload);
        Ok(())
    }

    /// Queues frames of a shared message as a server, from the one with number `from` on, until
    /// `limit` bytes are queued. Returns the number of the next frame, or `None` once all are
    /// queued; no other message may be queued before.
    pub fn send_shared(
        &mut self,
        message: &SharedMessage,
        from: usize,
        limit: usize,
    ) -> Result<Option<usize>, UsageError> {
        self.link.ensure_open()?;
        let (outbox, kind) = (&mut self.link.outbox, message.kind());
        let length = message.payload().len() as u64;
        let frames = message.frames(outbox.compression(length));
        let mut number = from;
        loop {
            let (frame, last) = frames.frame(number);
            outbox.encoded(kind, frame);
            number += 1;
            if last {
                outbox.end_encoded(kind, length, frames.carried, number as u64);
                return Ok(None);
            }
            if outbox.queued() >= limit {
                return Ok(Some(number));
            }
        }
    }

    /// Gives back the memory that is not needed while the peer is silent.
    pub fn release_memory(&mut self) {
        self.decoder.release_memory();
    }

    /// Begins a message whose payload is passed to [`Self::part`]. `length` is the length of the
    /// payload, if known.
    pub fn begin(&mut self, kind: Kind, length: Option<u64>) -> Result<(), UsageError> {
        self.link.ensure_open()?;
        self.link.outbox.begin(kind, length);
        Ok(())
    }

    /// Queues payload of the message begun by [`Self::begin`], in one frame or several. `last` ends
    /// the message. If a Close is sent first, the message remains incomplete.
    pub fn part(&mut self, bytes: &[u8], last: bool) -> Result<(), UsageError> {
        self.link.ensure_open()?;
        self.link.outbox.part(bytes, last);
        Ok(())
    }

    /// Queues a ping; its pong will report the round-trip time.
    pub fn ping(&mut self, payload: &[u8], now: Instant) -> Result<(), UsageError> {
        self.link.send_control(Opcode::Ping, payload)?;
        self.link.pings.queued(payload, now);
        Ok(())
    }

    /// Queues an unsolicited pong (5.5.3).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.link.send_control(Opcode::Pong, payload)
    }

    /// Begins the closing handshake: queues a Close and starts the time limit for the answer.
    pub fn close(&mut self, close: &Close, now: Instant) -> Result<(), UsageError> {
        let payload = close.payload();
        if !payload.is_empty() && !close.code.is_sendable() {
            return Err(UsageError::CloseCode(close.code));
        }
        self.link.ensure_open()?;
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.link.cause.get_or_insert(Cause::LocalClose);
        self.link.outbox.control(Opcode::Close, &payload);
        self.link.close_queued(now);
        Ok(())
    }

    /// Returns the bytes to write to the transport. Report progress with [`Self::transmitted`].
    pub fn transmit(&self) -> &[u8] {
        self.link.outbox.pending()
    }

    /// Records that the transport accepted `n` bytes of [`Self::transmit`].
    #[inline]
    pub fn transmitted(&mut self, n: usize, now: Instant) {
        let link = &mut self.link;
        link.outbox.advance(n);
        if link.outbox.is_refused() || link.pings.are_queued() {
            link.note_written(now);
        }
        if link.remote_close.is_some() {
            link.linger(now);
        }
    }

    /// Records that the transport accepts no more bytes at present.
    #[inline]
    pub fn refused(&mut self) {
        self.link.outbox.set_refused(true);
    }

    /// Records that the transport flushed all bytes that it accepted. Messages count as unsent until
    /// they are flushed.
    #[inline]
    pub fn flushed(&mut self) {
        self.link.outbox.flushed();
    }

    /// Records that writing to the transport failed. The connection is still read for
    /// [`Settings::close_timeout`], because bytes that the peer sent earlier may state the reason.
    pub fn transmit_failed(&mut self, now: Instant) {
        let link = &mut self.link;
        link.cause.get_or_insert(Cause::SendFailed);
        link.unsent += link.outbox.unsent_messages();
        link.outbox.abandon();
        link.close_sent = true;
        link.stop_keepalive();
        link.limit_closing(now);
    }

    /// Returns the next deadline, if any. Call [`Self::handle_timeout`] when it has passed.
    pub fn timeout(&self) -> Option<Instant> {
        self.link.timers.next()
    }

    /// Reports whether to shut down our side of the transport once all is transmitted: after we failed
    /// the connection and, as a server, after the closing handshake, because the server closes TCP
    /// first (7.1.1).
    pub fn wants_shutdown(&self) -> bool {
        let link = &self.link;
        matches!(link.cause, Some(Cause::Violation(_)))
            || (self.is_closed() && link.role == Role::Server)
    }

    /// Reports whether both sides have sent a Close; ours may still be queued.
    pub fn is_closed(&self) -> bool {
        self.link.close_sent && self.link.remote_close.is_some()
    }

    /// Reports whether there is nothing left to wait for, so that the transport may be dropped.
    pub fn is_over(&self) -> bool {
        self.link.over
    }

    /// Reports whether messages may be sent.
    pub fn is_open(&self) -> bool {
        !self.link.close_sent && !self.link.over
    }

    /// Reports whether a received message has begun but not ended.
    pub fn is_inside_message(&self) -> bool {
        self.decoder.is_inside_message()
    }

    /// Reports whether `rest`, which [`Self::receive`] left, is part of the header of a data frame.
    pub fn is_inside_data_header(&self, rest: &[u8]) -> bool {
        !self.link.discards_input() && self.decoder.is_inside_data_header(rest)
    }

    /// Returns the size of an incomplete received message, in bytes: its decompressed content and
    /// its payload on the wire.
    pub fn incomplete_message(&self) -> Option<(u64, u64)> {
        self.decoder.incomplete_message()
    }

    /// Reports whether a message waits for the transport or for the rest of its payload.
    pub fn has_unsent_message(&self) -> bool {
        self.link.outbox.has_unsent_message()
    }

    /// Returns the number of bytes to be written to the transport.
    pub fn queued(&self) -> usize {
        self.link.outbox.queued()
    }

    /// Returns the number of messages that were not entirely sent before our Close and the end of the
    /// connection.
    pub fn unsent_messages(&self) -> usize {
        self.link.unsent
    }

    /// Returns the number of messages that the peer need not have read: those not entirely sent, and
    /// those sent after its Close, which it may discard (5.5.1).
    pub fn unread_messages(&self) -> usize {
        self.link.unsent.max(self.link.late)
    }

    /// Returns the counts of received and sent messages.
    pub fn tallies(&self) -> (Tally, Tally) {
        (self.decoder.tally(), self.link.outbox.tally())
    }

    /// Returns the number of messages queued so far.
    #[inline]
    pub fn messages_sent(&self) -> u64 {
        self.link.outbox.tally().messages()
    }

    /// Summarizes the round-trip times of our pings, if any was answered.
    pub fn round_trips(&self) -> Option<RoundTrips> {
        self.link.pings.round_trips()
    }

    /// Returns the reason why the connection ends, once it does.
    pub fn cause(&self) -> Option<&Cause> {
        self.link.cause.as_ref()
    }

    /// Returns the peer's Close, if received, whichever side closed first.
    pub fn remote_close(&self) -> Option<&Close> {
        self.link.remote_close.as_ref()
    }

    /// Returns the time at which the last byte arrived from the peer.
    pub fn last_heard(&self) -> Instant {
        self.link.last_heard
    }
}

impl Link {
    #[inline]
    fn discards_input(&self) -> bool {
        self.remote_close.is_some() || matches!(self.cause, Some(Cause::Violation(_)))
    }

    fn handle_control<'a>(
        &'a mut self,
        opcode: Opcode,
        payload: &'a [u8],
        now: Instant,
    ) -> Event<'a> {
        match opcode {
            Opcode::Ping => {
                // Even after our own Close: only a Close from the peer ends this duty (5.5.2).
                self.outbox.control(Opcode::Pong, payload);
                Event::Ping(payload)
            }
            Opcode::Pong => Event::Pong { payload, rtt: self.pings.answered(payload, now) },
            _ => match Close::parse(payload) {
                Ok(close) => self.handle_close(close, payload, now),
                Err(violation) => self.fail(violation, now),
            },
        }
    }

    fn handle_close(&mut self, close: Close, payload: &[u8], now: Instant) -> Event<'_> {
        self.cause.get_or_insert_with(|| Cause::RemoteClose(close.clone()));
        if !self.close_sent {
            // Echoed byte for byte: an empty Close has no code, and encoding it again would put
            // 1005 on the wire, which 7.4.1 forbids.
            self.late = self.answer_close(payload);
            self.close_queued(now);
        }
        self.linger(now);
        Event::Close(self.remote_close.insert(close))
    }

    /// Shortens the wait for the transport to end once nothing else is pending.
    fn linger(&mut self, now: Instant) {
        // Deviation: 7.1.1 lets a client wait without limit for the server to close TCP. Some servers
        // leave it open.
        if self.role == Role::Client && self.close_sent && self.outbox.is_drained() {
            let end = now.max(self.resumed) + LINGER;
            let end = self.timers.get(Timer::Close).map_or(end, |close| close.min(end));
            self.timers.set(Timer::Close, end);
        }
    }

    /// Fails the connection (7.1.7).
    fn fail(&mut self, violation: Violation, now: Instant) -> Event<'static> {
        // A violation is reported even if we had already begun to close.
        if matches!(self.cause, None | Some(Cause::LocalClose)) {
            self.cause = Some(Cause::Violation(violation));
        }
        if !self.close_sent {
            self.answer_close(&Close::new(violation.close_code()).payload());
            self.close_queued(now);
        }
        Event::Failed(violation)
    }

    /// Queues a Close that answers the peer's or reports its fault. Messages before it count as sent
    /// if they leave. Returns the number of messages that were waiting.
    fn answer_close(&mut self, payload: &[u8]) -> usize {
        let waiting = self.outbox.unsent_messages();
        self.outbox.answer_close(payload);
        self.unsent += waiting.saturating_sub(self.outbox.unsent_messages());
        waiting
    }

    /// Ends the connection.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            self.unsent += self.outbox.unsent_messages();
        }
    }

    fn close_queued(&mut self, now: Instant) {
        self.close_sent = true;
        self.stop_keepalive();
        self.limit_closing(now);
    }

    /// Starts the time limit of the closing handshake, unless it is already running.
    fn limit_closing(&mut self, now: Instant) {
        if self.timers.get(Timer::Close).is_none() {
            let start = now.max(self.resumed);
            self.timers.set(Timer::Close, start + self.settings.close_timeout);
        }
    }

    fn stop_keepalive(&mut self) {
        self.timers.stop(Timer::KeepAlive);
        self.timers.stop(Timer::Pong);
        self.pong_time_left = None;
    }

    fn expire(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::KeepAlive => self.keepalive(now),
            Timer::Pong => {
                self.cause.get_or_insert(Cause::PongTimeout);
                self.end();
            }
            Timer::Close => self.end(),
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
        let is_limited = self.is_pong_limited();
        // While a ping waits for the transport, more pings would only pile up.
        if self.keepalive == Keepalive::Sent {
            let payload = self.pings.keepalive();
            self.outbox.control(Opcode::Ping, &payload);
            self.pings.queued(&payload, now);
            self.keepalive =
                if is_limited { Keepalive::Queued } else { Keepalive::QueuedAndLimited };
        }
        if !is_limited {
            self.limit_pong(now);
        }
    }

    fn is_pong_limited(&self) -> bool {
        self.timers.get(Timer::Pong).is_some() || self.pong_time_left.is_some()
    }

    /// Starts or restarts the pong limit, if one is configured.
    fn limit_pong(&mut self, now: Instant) {
        match self.settings.ping_timeout {
            Some(timeout) if self.paused => self.pong_time_left = Some(timeout),
            Some(timeout) => self.timers.set(Timer::Pong, now + timeout),
            None => {}
        }
    }

    /// Records that bytes were written after the transport had refused some, or while a ping waited.
    #[cold]
    fn note_written(&mut self, now: Instant) {
        let sent_ping = self.pings.are_queued() && !self.outbox.has_unsent_ping();
        if sent_ping {
            self.pings.written(now);
        }
        // The time limit of a ping starts when it leaves the queue, where our own messages may
        // delay it.
        let left = if sent_ping {
            std::mem::replace(&mut self.keepalive, Keepalive::Sent)
        } else {
            Keepalive::Sent
        };
        let starts = match left {
            Keepalive::Sent => false,
            Keepalive::Queued => !self.is_pong_limited(),
            Keepalive::QueuedAndLimited => true,
        };
        // A full transport accepts bytes again only because the peer read some.
        let is_alive = self.outbox.is_refused() && self.is_pong_limited();
        self.outbox.set_refused(false);
        if !self.close_sent && (starts || is_alive) {
            self.limit_pong(now);
        }
    }

    fn ensure_open(&self) -> Result<(), UsageError> {
        if self.close_sent || self.over {
            return Err(UsageError::Closed);
        }
        Ok(())
    }

    fn send_control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), UsageError> {
        self.ensure_open()?;
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.outbox.control(opcode, payload);
        Ok(())
    }
}

/// The time that a client gives the server to end the transport after both Closes.
const LINGER: Duration = Duration::from_millis(100);

/// The longest payload of a control frame (5.5).
const MAX_CONTROL_BYTES: usize = 125;

#[cfg(test)]
mod tests;
