//! Observation of a session: bytes and frames as they cross the transport, messages as the caller
//! sends and receives them. A session without an observer pays nothing for this.

use crate::proto::{
    Close, Event, Kind, Opcode, Piece, Violation,
    trace::{Direction, Frame, FrameReader},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Observer of a session.
pub trait Observer: Send {
    /// Returns true if the observer needs [`SessionEvent::Bytes`] and [`SessionEvent::Frame`].
    /// Without them, a message in a single frame takes the fast path of the decoder, and no byte is
    /// parsed twice.
    fn needs_wire(&self) -> bool {
        true
    }

    /// Handles an event that happened at this time.
    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>);

    /// Called when the session is about to wait, so that an observer may flush its buffers. While
    /// [`Self::is_behind`], it is called again and again, and should do a bounded part of its work.
    fn rest(&mut self) {}

    /// Returns true while the observer still writes a long message. The session decodes no further
    /// message until it is done, but it sends and keeps its deadlines.
    fn is_behind(&self) -> bool {
        false
    }
}

/// An event of an observed session.
#[derive(Debug)]
pub enum SessionEvent<'a> {
    /// Bytes read from or written to the transport; with TLS, the plaintext.
    Bytes(Direction, &'a [u8]),
    /// A frame. A partial frame is the last of its direction.
    Frame(Direction, &'a Frame),
    /// A received message, or a piece of one.
    Piece(&'a Piece<'a>),
    /// A received message of which no content is kept, since it is too long: its kind, its length in
    /// bytes, the payload bytes that carried it, and the number of its frames.
    TooLong(Kind, u64, u64, u32),
    /// A sent message: its kind, its payload unless that is longer than
    /// [`OBSERVED_PAYLOAD_LIMIT_BYTES`], and its length in bytes.
    Sent(Kind, Option<&'a [u8]>, u64),
    /// A received ping or pong, or one sent by the caller; a pong that answers one of our pings
    /// carries the round-trip time. Automatic pings and pongs appear only as frames.
    Control(Direction, Opcode, &'a [u8], Option<Duration>),
    /// A Close, received or sent.
    Close(Direction, &'a Close),
    /// The last reported frame violates this rule, and the connection fails.
    Broken(Violation),
}

/// An observer and the state that turns the traffic of a session into its events.
#[allow(clippy::struct_excessive_bools, reason = "each is an independent state")]
pub(super) struct Observation {
    observer: Box<dyn Observer>,
    /// The observer needs bytes and frames.
    wire: bool,
    incoming: FrameReader,
    outgoing: FrameReader,
    /// Received frames whose payload is not yet decoded. A frame is reported together with its
    /// contents.
    frames: VecDeque<Frame>,
    /// Number of decoded bytes.
    decoded: u64,
    /// The peer violated the protocol, so that the bytes that follow have no meaning.
    broken: bool,
    /// Our Close has been reported.
    closed: bool,
    /// The observer still writes a long message.
    behind: bool,
    outgoing_message: Option<OutgoingMessage>,
}

/// A message that the caller sends in parts.
struct OutgoingMessage {
    kind: Kind,
    /// Length of the parts so far.
    size: u64,
    /// The payload so far; `None` once the message is longer than [`OBSERVED_PAYLOAD_LIMIT_BYTES`].
    data: Option<Vec<u8>>,
}

impl Observation {
    /// Wraps an observer. `deflates` is true if permessage-deflate was negotiated.
    pub(super) fn new(observer: Box<dyn Observer>, deflates: bool) -> Self {
        Self {
            wire: observer.needs_wire(),
            observer,
            incoming: FrameReader::new(deflates, FRAME_PREVIEW_BYTES),
            outgoing: FrameReader::new(deflates, FRAME_PREVIEW_BYTES),
            frames: VecDeque::new(),
            decoded: 0,
            broken: false,
            closed: false,
            behind: false,
            outgoing_message: None,
        }
    }

    /// Reports that the session is about to wait.
    pub(super) fn rest(&mut self) {
        self.observer.rest();
        self.behind = self.behind && self.observer.is_behind();
    }

    /// Returns true while the observer still writes a long message.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Waits until the observer has written everything.
    pub(super) fn catch_up(&mut self) {
        while self.behind {
            self.rest();
        }
    }

    /// Reports bytes read from the transport.
    pub(super) fn received(&mut self, at: Instant, bytes: &[u8]) {
        if bytes.is_empty() || !self.wire {
            return;
        }
        self.observer.see(at, &SessionEvent::Bytes(Direction::In, bytes));
        if !self.broken {
            self.incoming.feed(bytes, |frame| self.frames.push_back(frame));
        }
    }

    /// Reports bytes written to the transport, and the frames that they complete.
    pub(super) fn transmitted(&mut self, at: Instant, bytes: &[u8]) {
        if !self.wire {
            return;
        }
        self.observer.see(at, &SessionEvent::Bytes(Direction::Out, bytes));
        let observer = &mut self.observer;
        self.outgoing
            .feed(bytes, |frame| observer.see(at, &SessionEvent::Frame(Direction::Out, &frame)));
    }

    /// Returns true if the observer needs bytes and frames.
    pub(super) fn needs_wire(&self) -> bool {
        self.wire
    }

    /// Reports a message that took the fast path of the decoder.
    pub(super) fn whole(&mut self, at: Instant, piece: &Piece<'_>) {
        self.observer.see(at, &SessionEvent::Piece(piece));
    }

    /// Reports that the decoder consumed `used` more bytes and produced `event`. `fault_at` is that of
    /// [`Received`](crate::proto::connection::Received).
    pub(super) fn decoded(
        &mut self,
        at: Instant,
        used: usize,
        event: Option<&Event<'_>>,
        fault_at: usize,
    ) {
        let before = self.decoded;
        self.decoded += used as u64;
        match event {
            Some(Event::Failed(violation)) => {
                self.fail(at, (before + fault_at as u64).saturating_sub(1), *violation);
            }
            Some(event) => {
                self.frames_before(at, self.decoded);
                self.event(at, event);
            }
            // After a failure the remaining bytes are not frames.
            None => self.frames_before(at, self.decoded),
        }
    }

    /// Reports the complete frames that begin before this byte. A control frame, or a frame that
    /// completes a message, is thus reported right before its event, a long frame once it is
    /// complete.
    fn frames_before(&mut self, at: Instant, byte: u64) {
        while let Some(frame) = self.frames.pop_front_if(|frame| frame.start < byte) {
            self.observer.see(at, &SessionEvent::Frame(Direction::In, &frame));
        }
    }

    /// Reports the frame that contains this byte, which may be partial, and its violation.
    fn fail(&mut self, at: Instant, byte: u64, violation: Violation) {
        if self.broken {
            return;
        }
        self.broken = true;
        self.frames_before(at, byte + 1);
        self.frames.clear();
        if let Some(frame) = self.incoming.rest().filter(|frame| frame.start <= byte) {
            self.observer.see(at, &SessionEvent::Frame(Direction::In, &frame));
        }
        self.observer.see(at, &SessionEvent::Broken(violation));
        self.sent_close(at, &Close::new(violation.close_code()));
    }

    fn event(&mut self, at: Instant, event: &Event<'_>) {
        match event {
            Event::Message(piece) => {
                self.observer.see(at, &SessionEvent::Piece(piece));
                // A message in one piece is short.
                self.behind |= piece.last && !piece.first && self.observer.is_behind();
            }
            Event::Ping(payload) => {
                self.observer
                    .see(at, &SessionEvent::Control(Direction::In, Opcode::Ping, payload, None));
            }
            Event::Pong { payload, rtt } => {
                self.observer
                    .see(at, &SessionEvent::Control(Direction::In, Opcode::Pong, payload, *rtt));
            }
            Event::Close(close) => {
                self.observer.see(at, &SessionEvent::Close(Direction::In, close));
                // The connection echoes it (RFC 6455, 5.5.1).
                self.sent_close(at, close);
            }
            Event::Failed(_) => {}
        }
    }

    /// Reports our Close, unless one has been reported.
    fn sent_close(&mut self, at: Instant, close: &Close) {
        if !std::mem::replace(&mut self.closed, true) {
            self.observer.see(at, &SessionEvent::Close(Direction::Out, close));
        }
    }

    /// Reports a Close by the caller.
    pub(super) fn close(&mut self, at: Instant, close: &Close) {
        self.sent_close(at, close);
    }

    /// Reports a whole message sent by the caller.
    pub(super) fn send(&mut self, at: Instant, kind: Kind, payload: &[u8]) {
        let (data, size) = (payload_within_limit(payload), payload.len() as u64);
        self.observer.see(at, &SessionEvent::Sent(kind, data, size));
    }

    /// Records that the caller begins a message that it sends in parts.
    pub(super) fn begin(&mut self, kind: Kind) {
        self.outgoing_message = Some(OutgoingMessage { kind, size: 0, data: Some(Vec::new()) });
    }

    /// Records a part of that message, and reports the message once it is complete.
    pub(super) fn part(&mut self, at: Instant, bytes: &[u8], last: bool) {
        let Some(message) = &mut self.outgoing_message else { return };
        message.size += bytes.len() as u64;
        if message.size > OBSERVED_PAYLOAD_LIMIT_BYTES as u64 {
            message.data = None;
        }
        if let Some(data) = &mut message.data {
            data.extend_from_slice(bytes);
        }
        if last && let Some(message) = self.outgoing_message.take() {
            let seen = SessionEvent::Sent(message.kind, message.data.as_deref(), message.size);
            self.observer.see(at, &seen);
        }
    }

    /// Reports a ping or pong sent by the caller.
    pub(super) fn control(&mut self, at: Instant, opcode: Opcode, payload: &[u8]) {
        let seen = SessionEvent::Control(Direction::Out, opcode, payload, None);
        self.observer.see(at, &seen);
    }

    /// Reports the end of the session: the remaining frames, including partial ones.
    pub(super) fn end(&mut self, at: Instant) {
        self.frames_before(at, u64::MAX);
        if let Some(frame) = self.incoming.rest().filter(|_| !self.broken) {
            self.observer.see(at, &SessionEvent::Frame(Direction::In, &frame));
        }
        if let Some(frame) = self.outgoing.rest() {
            self.observer.see(at, &SessionEvent::Frame(Direction::Out, &frame));
        }
        self.catch_up();
        self.observer.rest();
    }
}

fn payload_within_limit(payload: &[u8]) -> Option<&[u8]> {
    Some(payload).filter(|payload| payload.len() <= OBSERVED_PAYLOAD_LIMIT_BYTES)
}

/// The longest sent message whose payload is part of [`SessionEvent::Sent`], in bytes.
pub const OBSERVED_PAYLOAD_LIMIT_BYTES: usize = 64 << 10;
/// The number of payload bytes that a [`Frame`] keeps.
pub const FRAME_PREVIEW_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Connection, Role, Settings, connection::Received};
    use proptest::{collection::vec, prelude::*};
    use std::sync::{Arc, Mutex};

    /// Records the offset and name of each received frame, and violations.
    #[derive(Clone, Default)]
    struct FrameLog(Arc<Mutex<Vec<String>>>);

    impl Observer for FrameLog {
        fn see(&mut self, _: Instant, seen: &SessionEvent<'_>) {
            let line = match seen {
                SessionEvent::Frame(Direction::In, frame) => {
                    format!("{} {}", frame.start, frame.name())
                }
                SessionEvent::Broken(violation) => violation.to_string(),
                _ => return,
            };
            self.0.lock().unwrap().push(line);
        }
    }

    fn observe_chunks(chunks: &[&[u8]]) -> Vec<String> {
        let (log, now) = (FrameLog::default(), Instant::now());
        let settings = Settings {
            max_message: 40,
            ping_interval: None,
            ping_timeout: None,
            idle_timeout: None,
            close_timeout: Duration::ZERO,
            fragment: std::num::NonZeroUsize::MIN,
            compress_level: 1,
            compress_min: 0,
            lenient: false,
        };
        let mut connection = Connection::new(Role::Client, settings, Box::new(|_| {}), now);
        let mut observation = Observation::new(Box::new(log.clone()), false);
        let mut buffer = Vec::new();
        for chunk in chunks {
            observation.received(now, chunk);
            buffer.extend_from_slice(chunk);
            loop {
                let Received { used, event, fault_at } =
                    connection.receive_located(now, &mut buffer);
                let done = event.is_none();
                observation.decoded(now, used, event.as_ref(), fault_at);
                buffer.drain(..used);
                if done {
                    break;
                }
            }
        }
        observation.end(now);
        std::mem::take(&mut *log.0.lock().unwrap())
    }

    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            8 => prop::sample::select(vec![0x81u8, 0x01, 0x00, 0x80, 0x82, 0x89, 0x8a]),
            1 => any::<u8>(),
        ];
        let payload = vec(prop_oneof![4 => Just(b'a'), 1 => Just(0xc3), 1 => Just(0xa9)], 0..12);
        (first, payload).prop_map(|(first, payload)| {
            [&[first, u8::try_from(payload.len()).unwrap()], &payload[..]].concat()
        })
    }

    proptest! {
        #[test]
        fn reports_the_same_frames_and_violation_for_any_chunking(
            frames in vec(frame(), 0..12),
            cuts in vec(1usize..9, 0..60),
        ) {
            let bytes = frames.concat();
            let whole = observe_chunks(&[&bytes]);
            let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(observe_chunks(&chunks), whole);
        }
    }
}
