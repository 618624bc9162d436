//! Who watches a session: frames and bytes as the transport has them, messages as the caller has
//! them. A session that nobody watches pays nothing for it.

use crate::proto::{
    Close, Event, Kind, Opcode, Piece, Violation,
    trace::{Direction, Frame, Tap},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Observer of a session.
pub trait Observer: Send {
    /// Whether it needs [`Seen::Bytes`] and [`Seen::Frame`]. Without them a message that came whole
    /// is decoded the short way, and no byte is looked at twice.
    fn needs_wire(&self) -> bool {
        true
    }

    /// Takes an event of the session.
    fn see(&mut self, at: Instant, seen: &Seen<'_>);

    /// Notes that nothing more happens for now.
    fn rest(&mut self) {}
}

/// What happens in a session.
#[derive(Debug)]
pub enum Seen<'a> {
    /// Bytes on the wire, behind TLS.
    Bytes(Direction, &'a [u8]),
    /// A frame; one that is not whole is the last of its direction.
    Frame(Direction, &'a Frame),
    /// Part of a message of the peer, or all of it.
    Piece(&'a Piece<'a>),
    /// A message of ours of so many bytes; its data only up to [`KEPT`].
    Sent(Kind, Option<&'a [u8]>, u64),
    /// A ping or pong of the peer, or one that we were asked for; for a pong how long it took.
    Control(Direction, Opcode, &'a [u8], Option<Duration>),
    /// A Close.
    Close(Direction, &'a Close),
    /// The frame that was told last broke this rule, and the connection fails.
    Broken(Violation),
}

/// What a watched session needs beside the observer.
pub(super) struct Observation {
    observer: Box<dyn Observer>,
    /// The observer is told of bytes and frames.
    wire: bool,
    incoming: Tap,
    outgoing: Tap,
    /// Frames that have come and are not decoded: they are told with what they bring.
    frames: VecDeque<Frame>,
    /// How many bytes have been decoded.
    decoded: u64,
    /// The peer broke a rule: what follows means nothing.
    broken: bool,
    /// A Close of ours has been told.
    closed: bool,
    long: Option<Long>,
}

/// A message of ours that comes piece by piece.
struct Long {
    kind: Kind,
    size: u64,
    data: Option<Vec<u8>>,
    /// What its open frame lacks.
    left: u64,
    fin: bool,
}

impl Observation {
    /// `deflates`: permessage-deflate was agreed on.
    pub(super) fn new(observer: Box<dyn Observer>, deflates: bool) -> Self {
        Self {
            wire: observer.needs_wire(),
            observer,
            incoming: Tap::new(deflates, PREVIEW),
            outgoing: Tap::new(deflates, PREVIEW),
            frames: VecDeque::new(),
            decoded: 0,
            broken: false,
            closed: false,
            long: None,
        }
    }

    /// The caller is about to wait.
    pub(super) fn rest(&mut self) {
        self.observer.rest();
    }

    /// These bytes have come.
    pub(super) fn received(&mut self, at: Instant, bytes: &[u8]) {
        if bytes.is_empty() || !self.wire {
            return;
        }
        self.observer.see(at, &Seen::Bytes(Direction::In, bytes));
        if !self.broken {
            self.incoming.feed(bytes, |frame| self.frames.push_back(frame));
        }
    }

    /// The transport took these.
    pub(super) fn transmitted(&mut self, at: Instant, bytes: &[u8]) {
        if !self.wire {
            return;
        }
        self.observer.see(at, &Seen::Bytes(Direction::Out, bytes));
        let observer = &mut self.observer;
        self.outgoing.feed(bytes, |frame| observer.see(at, &Seen::Frame(Direction::Out, &frame)));
    }

    /// Whether the observer is told of bytes and frames.
    pub(super) fn needs_wire(&self) -> bool {
        self.wire
    }

    /// Tells of a message that was decoded the short way.
    pub(super) fn whole(&mut self, at: Instant, piece: &Piece<'_>) {
        self.observer.see(at, &Seen::Piece(piece));
    }

    /// Of what has come so many bytes more were used, and this came of them. `fault_at`: as in
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
            // Once the connection has failed nothing is a frame any more.
            None => self.frames_before(at, self.decoded),
        }
    }

    /// Tells of the frames that begin before this byte. A control frame or the end of a message
    /// comes with its event, a longer one when it is whole.
    fn frames_before(&mut self, at: Instant, byte: u64) {
        while let Some(frame) = self.frames.pop_front_if(|frame| frame.start < byte) {
            self.observer.see(at, &Seen::Frame(Direction::In, &frame));
        }
    }

    /// The frame with this byte broke a rule. It may not be whole.
    fn fail(&mut self, at: Instant, byte: u64, violation: Violation) {
        if self.broken {
            return;
        }
        self.broken = true;
        self.frames_before(at, byte + 1);
        self.frames.clear();
        if let Some(frame) = self.incoming.rest().filter(|frame| frame.start <= byte) {
            self.observer.see(at, &Seen::Frame(Direction::In, &frame));
        }
        self.observer.see(at, &Seen::Broken(violation));
        self.answered(at, &Close::new(violation.close_code()));
    }

    fn event(&mut self, at: Instant, event: &Event<'_>) {
        match event {
            Event::Message(piece) => self.observer.see(at, &Seen::Piece(piece)),
            Event::Ping(payload) => {
                self.observer.see(at, &Seen::Control(Direction::In, Opcode::Ping, payload, None));
            }
            Event::Pong { payload, rtt } => {
                self.observer.see(at, &Seen::Control(Direction::In, Opcode::Pong, payload, *rtt));
            }
            Event::Close(close) => {
                self.observer.see(at, &Seen::Close(Direction::In, close));
                // It is echoed.
                self.answered(at, close);
            }
            Event::Failed(_) => {}
        }
    }

    /// Our Close in answer to what the peer did, unless there was one.
    fn answered(&mut self, at: Instant, close: &Close) {
        if !std::mem::replace(&mut self.closed, true) {
            self.observer.see(at, &Seen::Close(Direction::Out, close));
        }
    }

    /// The caller closes.
    pub(super) fn close(&mut self, at: Instant, close: &Close) {
        self.answered(at, close);
    }

    /// The caller sends a whole message.
    pub(super) fn send(&mut self, at: Instant, kind: Kind, payload: &[u8]) {
        let (data, size) = (kept(payload), payload.len() as u64);
        self.observer.see(at, &Seen::Sent(kind, data, size));
    }

    /// The caller begins a frame of a message.
    pub(super) fn begin(&mut self, at: Instant, kind: Kind, length: u64, fin: bool) {
        let long = Long { kind, size: 0, data: Some(Vec::new()), left: 0, fin };
        let long = self.long.get_or_insert(long);
        (long.size, long.left, long.fin) = (long.size + length, length, fin);
        if long.size > KEPT as u64 {
            // Its data is not told, so there is nothing to wait for.
            long.data = None;
            if fin {
                let seen = Seen::Sent(long.kind, None, long.size);
                self.observer.see(at, &seen);
                self.long = None;
                return;
            }
        }
        self.payload(at, &[]);
    }

    /// The caller brings payload for it.
    pub(super) fn payload(&mut self, at: Instant, bytes: &[u8]) {
        let Some(long) = &mut self.long else { return };
        long.left = long.left.saturating_sub(bytes.len() as u64);
        if let Some(data) = &mut long.data {
            data.extend_from_slice(bytes);
        }
        if long.left == 0
            && let Some(long) = self.long.take_if(|long| long.fin)
        {
            let seen = Seen::Sent(long.kind, long.data.as_deref(), long.size);
            self.observer.see(at, &seen);
        }
    }

    /// The caller sends a ping or pong.
    pub(super) fn control(&mut self, at: Instant, opcode: Opcode, payload: &[u8]) {
        let seen = Seen::Control(Direction::Out, opcode, payload, None);
        self.observer.see(at, &seen);
    }

    /// The session has come to its end: what is not whole is told as far as it came.
    pub(super) fn end(&mut self, at: Instant) {
        self.frames_before(at, u64::MAX);
        if let Some(frame) = self.incoming.rest().filter(|_| !self.broken) {
            self.observer.see(at, &Seen::Frame(Direction::In, &frame));
        }
        if let Some(frame) = self.outgoing.rest() {
            self.observer.see(at, &Seen::Frame(Direction::Out, &frame));
        }
        self.observer.rest();
    }
}

/// The data of a message of ours, if it is not too long to be kept.
fn kept(payload: &[u8]) -> Option<&[u8]> {
    Some(payload).filter(|payload| payload.len() <= KEPT)
}

/// The longest message of ours whose data is told, in bytes.
pub const KEPT: usize = 64 << 10;
/// Bytes of payload that are told of a frame.
const PREVIEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Connection, Role, Settings, connection::Received};
    use proptest::{collection::vec, prelude::*};
    use std::sync::{Arc, Mutex};

    /// Notes where each frame of the peer begins, and which rule it broke.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Observer for Log {
        fn see(&mut self, _: Instant, seen: &Seen<'_>) {
            let line = match seen {
                Seen::Frame(Direction::In, frame) => format!("{} {}", frame.start, frame.name()),
                Seen::Broken(violation) => violation.to_string(),
                _ => return,
            };
            self.0.lock().unwrap().push(line);
        }
    }

    fn told(chunks: &[&[u8]]) -> Vec<String> {
        let (log, now) = (Log::default(), Instant::now());
        let settings = Settings {
            max_message: 40,
            ping_interval: None,
            ping_timeout: None,
            idle_timeout: None,
            close_timeout: Duration::ZERO,
            compress_level: 1,
            compress_min: 0,
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
        /// However the bytes come, the same frames are told, and the one that breaks a rule is the
        /// last before the rule.
        #[test]
        fn the_frame_that_breaks_a_rule_is_the_same_one_in_any_cut(
            frames in vec(frame(), 0..12),
            cuts in vec(1usize..9, 0..60),
        ) {
            let bytes = frames.concat();
            let whole = told(&[&bytes]);
            let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(told(&chunks), whole);
        }
    }
}
