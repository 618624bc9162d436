//! Connections: two that talk to each other, and one whose peer sends anything.

use super::input::Input;
use crate::proto::{
    Close, CloseCode, Connection, Event, Kind, Opcode, Role, Settings, SharedMessage,
    deflate::Inflater,
    extension::{Deflate, Side},
    message::{Decoder, Part},
    piece::Assembler,
};
use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

/// One end of a wire.
struct End {
    role: Role,
    connection: Connection,
    settings: Settings,
    /// Bytes that the peer sent and this end has not consumed.
    arrived: Vec<u8>,
    /// Messages passed to the connection, and the one that was begun.
    sent: Vec<(Kind, Vec<u8>)>,
    begun: Option<(Kind, Vec<u8>)>,
    received: Vec<(Kind, Vec<u8>)>,
    incomplete: Option<(Kind, Vec<u8>)>,
    assembler: Assembler,
    closed: bool,
    failed: bool,
    /// Writing has failed: what is still to be sent is lost.
    broken: bool,
}

impl End {
    fn new(role: Role, settings: Settings, deflate: Option<&Deflate>, now: Instant) -> Self {
        let mut key = 0u8;
        let entropy = move |keys: &mut [u8]| {
            for byte in keys {
                key = key.wrapping_mul(13).wrapping_add(7);
                *byte = key;
            }
        };
        let connection = Connection::new(role, settings, Box::new(entropy), now);
        let connection = match deflate {
            Some(deflate) => connection.with_deflate(deflate),
            None => connection,
        };
        Self {
            role,
            connection,
            settings,
            arrived: Vec::new(),
            sent: Vec::new(),
            begun: None,
            received: Vec::new(),
            incomplete: None,
            assembler: Assembler::default(),
            closed: false,
            failed: false,
            broken: false,
        }
    }

    /// Performs an action of the application.
    fn act(&mut self, input: &mut Input<'_>, now: Instant) {
        let is_open = self.connection.is_open();
        let action = input.byte();
        let kind = if action & 0x80 == 0 { Kind::Text } else { Kind::Binary };
        match action & 0x0f {
            0..=2 if self.begun.is_none() => {
                let payload = payload(input, kind);
                let sent = self.connection.send(kind, &payload);
                assert_eq!(sent.is_ok(), is_open);
                if is_open {
                    self.sent.push((kind, payload));
                }
            }
            3 if self.begun.is_none() => {
                let length = input.flag().then_some(u64::from(input.byte()));
                if self.connection.begin(kind, length).is_ok() {
                    self.begun = Some((kind, Vec::new()));
                }
            }
            0..=4 => {
                let Some((kind, mut message)) = self.begun.take() else { return };
                let payload = payload(input, kind);
                let last = input.flag();
                if self.connection.part(&payload, last).is_ok() {
                    message.extend_from_slice(&payload);
                    if last {
                        self.sent.push((kind, message));
                    } else {
                        self.begun = Some((kind, message));
                    }
                }
            }
            5 => {
                let payload = input.take(usize::from(action) % 131);
                let sent = self.connection.ping(payload, now);
                assert_eq!(sent.is_ok(), is_open && payload.len() <= 125);
                if let Err(fault) = sent {
                    assert!(!fault.to_string().is_empty());
                }
            }
            6 => {
                let length = usize::from(input.byte() % 20);
                let _ = self.connection.pong(input.take(length));
            }
            7 => {
                let code = CloseCode::new(input.number() % 5100);
                let close = Close { code, reason: "r".repeat(usize::from(input.byte())) };
                if let Err(fault) = self.connection.close(&close, now) {
                    assert!(!fault.to_string().is_empty());
                }
            }
            8 => {
                let _ = self.connection.close(&Close::new(CloseCode::NORMAL), now);
            }
            9 if self.role == Role::Server && self.begun.is_none() => self.share(input, kind),
            10 => self.connection.set_reading(input.flag(), now),
            11 => self.connection.refused(),
            12 => self.connection.release_memory(),
            13 if action == 0xfd => {
                self.connection.transmit_failed(now);
                self.broken = true;
            }
            14 if action == 0xfe => self.connection.receive_eof(),
            15 if self.begun.is_none() && self.incomplete.is_none() => self.send_back(),
            _ => {}
        }
    }

    /// Sends a message back that is at the front of what has arrived, as an echo server does.
    fn send_back(&mut self) {
        let opcode = self.arrived.first().map_or(0, |first| first & 0x0f);
        if let Some(range) = self.connection.send_back(&mut self.arrived) {
            let kind = if opcode == 1 { Kind::Text } else { Kind::Binary };
            let message = (kind, self.arrived[range.clone()].to_vec());
            self.sent.push(message.clone());
            self.received.push(message);
            self.arrived.drain(..range.end);
        }
    }

    /// Checks what the connection says of itself.
    fn inspect(&mut self) {
        let connection = &mut self.connection;
        assert_eq!(connection.accepted_violation(), None);
        let (received, sent) = connection.tallies();
        assert_eq!(sent.messages(), connection.messages_sent());
        let both = received.merged_with(&sent);
        assert_eq!(both.messages(), received.messages() + sent.messages());
        assert_eq!(both.total().messages, both.messages());
        assert!(connection.unread_messages() >= connection.unsent_messages());
        assert!(connection.has_unsent_message() || connection.queued() < 1 << 30);
        assert!(!connection.is_over() || !connection.is_open());
        assert_eq!(connection.settings().fragment, self.settings.fragment);
        if let Some(times) = connection.round_trips() {
            assert!(times.min <= times.avg && times.avg <= times.max && times.p99 <= times.max);
            assert_eq!(times.merged_with(&times).count, 2 * times.count);
        }
        if connection.incomplete_message().is_some() {
            assert!(connection.is_inside_message() || self.failed);
        }
        let _ = connection.is_inside_data_header(&self.arrived);
    }

    /// Sends a message that is encoded once for several clients.
    fn share(&mut self, input: &mut Input<'_>, kind: Kind) {
        let payload = payload(input, kind);
        let message = SharedMessage::new(kind, payload.clone(), self.settings);
        let mut next = Some(0);
        while let Some(from) = next {
            match self.connection.send_shared(&message, from, usize::from(input.byte())) {
                Ok(number) => next = number,
                Err(_) => return,
            }
        }
        self.sent.push((kind, payload));
    }

    /// Writes at most `limit` bytes.
    fn write(&mut self, limit: usize, now: Instant) -> Vec<u8> {
        let bytes = self.connection.transmit();
        let bytes = bytes[..limit.min(bytes.len())].to_vec();
        self.connection.transmitted(bytes.len(), now);
        if self.connection.queued() == 0 {
            self.connection.flushed();
        }
        if self.broken { Vec::new() } else { bytes }
    }

    /// Receives bytes and handles all events.
    fn read(&mut self, bytes: &[u8], now: Instant) {
        if !bytes.is_empty() {
            self.connection.received(now);
        }
        self.arrived.extend_from_slice(bytes);
        loop {
            // Half of the ends try the fast path, as sessions do.
            if self.settings.compress_level > 2
                && let Some((kind, range)) = self.connection.whole_message(&self.arrived)
            {
                assert!(self.incomplete.is_none() && !self.closed && !self.failed);
                self.received.push((kind, self.arrived[range.clone()].to_vec()));
                self.arrived.drain(..range.end);
                continue;
            }
            let received = self.connection.receive_located(now, &mut self.arrived);
            assert!(received.fault_at <= received.used);
            let used = received.used;
            let is_done = match received.event {
                None => true,
                Some(event) => {
                    assert!(!self.closed && !self.failed, "{event:?} after the end");
                    match event {
                        Event::Message(piece) => {
                            assert_eq!(piece.first, self.incomplete.is_none());
                            let open = self.incomplete.get_or_insert((piece.kind, Vec::new()));
                            open.1.extend_from_slice(piece.payload);
                            let joined = self.assembler.push(&piece);
                            assert_eq!(joined, piece.last.then_some(&open.1[..]));
                            if piece.last {
                                self.received.extend(self.incomplete.take());
                            }
                        }
                        Event::Ping(payload) | Event::Pong { payload, .. } => {
                            assert!(payload.len() <= 125);
                        }
                        Event::Close(_) => self.closed = true,
                        Event::Failed(_) => self.failed = true,
                    }
                    false
                }
            };
            self.arrived.drain(..used);
            if is_done {
                break;
            }
        }
        assert_eq!(
            self.connection.remote_close().is_some(),
            self.closed,
            "the peer's Close and its event"
        );
    }

    fn expire(&mut self, now: Instant) {
        if self.connection.timeout().is_some_and(|deadline| deadline <= now) {
            self.connection.handle_timeout(now);
        }
        assert!(self.connection.timeout().is_none_or(|deadline| deadline > now));
    }
}

/// Takes a payload. A long one is made of a short input, so that a fuzzer reaches several frames.
fn payload(input: &mut Input<'_>, kind: Kind) -> Vec<u8> {
    let (length, times) = (usize::from(input.byte() % 32), usize::from(input.byte()));
    let part = input.take(length);
    let part = match kind {
        Kind::Text => String::from_utf8_lossy(part).into_owned().into_bytes(),
        Kind::Binary => part.to_vec(),
    };
    part.repeat(if times < 192 { 1 } else { times })
}

fn settings(input: &mut Input<'_>) -> Settings {
    let bits = input.byte();
    let keeps_alive = bits & 1 != 0;
    Settings {
        lenient: false,
        max_message: u64::MAX,
        ping_interval: keeps_alive.then_some(Duration::from_millis(700)),
        ping_timeout: (bits & 3 == 3).then_some(Duration::from_millis(300)),
        idle_timeout: None,
        close_timeout: Duration::from_secs(2),
        fragment: NonZeroUsize::new(usize::from(bits >> 4)).unwrap_or(NonZeroUsize::MAX),
        compress_level: 1 + u32::from(bits >> 2 & 3),
        compress_min: u64::from(bits >> 5),
    }
}

fn deflate(input: &mut Input<'_>) -> Option<Deflate> {
    let bits = input.byte();
    let side = |bits: u8| Side { window_bits: 8 + bits % 8, keeps_context: bits & 8 != 0 };
    (bits & 1 == 1).then(|| Deflate { server: side(bits >> 4), client: side(bits >> 1) })
}

/// A client and a server talk over a wire that splits and delays their bytes. Neither breaks a rule,
/// and each receives what the other sent, in order.
pub(super) fn pair(data: &[u8]) {
    let mut input = Input::new(data);
    let mut now = Instant::now();
    let (client, server) = (settings(&mut input), settings(&mut input));
    let deflate = deflate(&mut input);
    let mut ends = [
        End::new(Role::Client, client, deflate.as_ref(), now),
        End::new(Role::Server, server, deflate.as_ref(), now),
    ];
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let step = input.byte();
        let [client, server] = &mut ends;
        let (one, other) = if step & 1 == 0 { (client, server) } else { (server, client) };
        match step >> 1 & 3 {
            0 | 1 => one.act(&mut input, now),
            2 => {
                let bytes = one.write(usize::from(step >> 3) * 9, now);
                other.read(&bytes, now);
            }
            _ => {
                now += Duration::from_millis(u64::from(step) * 3);
                one.expire(now);
                other.expire(now);
            }
        }
    }
    // Deliver the rest.
    while ends.iter().any(|end| !end.connection.transmit().is_empty()) {
        let [client, server] = &mut ends;
        let bytes = client.write(usize::MAX, now);
        server.read(&bytes, now);
        let bytes = server.write(usize::MAX, now);
        client.read(&bytes, now);
    }
    ends.iter_mut().for_each(End::inspect);
    for (one, other) in [(0, 1), (1, 0)] {
        let (one, other) = (&ends[one], &ends[other]);
        assert!(!other.failed, "the peer broke no rule");
        let received = &other.received;
        assert!(received.len() <= one.sent.len());
        assert_eq!(received[..], one.sent[..received.len()]);
        // After a Close, what the peer sends is discarded.
        if one.connection.cause().is_none() && other.connection.cause().is_none() {
            assert_eq!(received.len(), one.sent.len());
            assert_eq!(one.connection.unsent_messages(), 0);
        }
        if one.closed && other.closed {
            assert!(one.connection.is_closed() && other.connection.is_closed());
        }
    }
}

/// A peer sends any bytes. What the connection sends breaks no rule, and after its Close it sends
/// nothing but pongs.
pub(super) fn peer(data: &[u8]) {
    let mut input = Input::new(data);
    let mut now = Instant::now();
    let role = if input.flag() { Role::Client } else { Role::Server };
    let settings = Settings { max_message: 300, ..settings(&mut input) };
    let deflate = deflate(&mut input);
    let mut end = End::new(role, settings, deflate.as_ref(), now);
    let mut peer = Decoder::new(role.peer(), u64::MAX);
    if let Some(deflate) = &deflate {
        peer.set_inflater(Inflater::new(deflate.side(role)));
    }
    let (mut sent, mut is_closed) = (Vec::new(), false);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let step = input.byte();
        match step & 3 {
            0 => end.act(&mut input, now),
            1 | 2 => end.read(input.take(usize::from(step >> 2)), now),
            _ => {
                now += Duration::from_millis(u64::from(step));
                end.expire(now);
            }
        }
        let had_failed = end.connection.unsent_messages();
        sent.extend(end.write(usize::from(step) * 2, now));
        assert!(end.connection.unsent_messages() >= had_failed);
        is_closed |= check(&mut peer, &mut sent, is_closed);
    }
    if end.failed {
        assert!(end.connection.wants_shutdown() || end.connection.cause().is_some());
        assert!(!end.connection.is_open());
    }
    end.inspect();
    sent.extend(end.write(usize::MAX, now));
    check(&mut peer, &mut sent, is_closed);
}

/// Decodes what was sent. Returns true if it has a Close.
fn check(peer: &mut Decoder, sent: &mut Vec<u8>, mut is_closed: bool) -> bool {
    loop {
        let (used, part) = peer.decode(sent).unwrap_or_else(|fault| panic!("{fault:?} was sent"));
        let is_done = part.is_none();
        if let Some(part) = part {
            // Pings are answered until the peer has sent a Close, too (5.5.2).
            assert!(!is_closed || matches!(part, Part::Control(Opcode::Pong, _)), "{part:?}");
            if let Part::Control(Opcode::Close, payload) = part {
                Close::parse(payload).unwrap_or_else(|fault| panic!("{fault} was sent"));
                is_closed = true;
            }
        }
        sent.drain(..used);
        if is_done {
            return is_closed;
        }
    }
}

/// The greatest number of steps of one run.
const MAX_STEPS: usize = 200;
