//! Whole sessions, in bytes and virtual time.

use super::*;
use crate::proto::{CloseCode, message::LOOKAHEAD, raw::RawFrame};
use hex_literal::hex;
use proptest::prelude::*;
use std::num::NonZeroUsize;

/// An event with its bytes copied.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Message(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>, Option<Duration>),
    Close(Close),
    Failed(Violation),
}

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings {
        max_message: 1000,
        ping_interval: Some(30 * SECOND),
        ping_timeout: None,
        idle_timeout: None,
        close_timeout: 2 * SECOND,
        fragment: NonZeroUsize::new(64 << 10).unwrap(),
        compress_level: 1,
        compress_min: 0,
        lenient: false,
    }
}

/// A connection and its virtual clock.
struct World {
    connection: Connection,
    now: Instant,
    unread: Vec<u8>,
}

impl World {
    /// Uses masking keys of zeros, so that sent payloads are readable.
    fn new(role: Role, settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            connection: Connection::new(role, settings, Box::new(|bytes| bytes.fill(0)), now),
            now,
            unread: Vec::new(),
        }
    }

    fn client() -> Self {
        Self::new(Role::Client, settings())
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Seen> {
        self.connection.received(self.now);
        self.unread.extend_from_slice(bytes);
        let mut seen = Vec::new();
        loop {
            let (used, event) = self.connection.receive(self.now, &mut self.unread);
            let done = event.is_none();
            seen.extend(event.map(|event| match event {
                Event::Message(piece) => {
                    Seen::Message(piece.kind, piece.payload.into(), piece.last)
                }
                Event::Ping(payload) => Seen::Ping(payload.into()),
                Event::Pong { payload, rtt } => Seen::Pong(payload.into(), rtt),
                Event::Close(close) => Seen::Close(close.clone()),
                Event::Failed(violation) => Seen::Failed(violation),
            }));
            self.unread.drain(..used);
            if done {
                assert!(self.unread.len() < LOOKAHEAD);
                return seen;
            }
        }
    }

    /// Takes all pending bytes, as the transport would.
    fn sent(&mut self) -> Vec<u8> {
        let bytes = self.connection.transmit().to_vec();
        self.connection.transmitted(bytes.len(), self.now);
        bytes
    }

    /// Advances the clock, and handles each deadline on the way.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.connection.timeout().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            self.connection.handle_timeout(self.now);
        }
        self.now = end;
    }
}

fn close(code: u16, reason: &str) -> Close {
    Close { code: code.into(), reason: reason.into() }
}

#[test]
fn a_client_echoes_and_closes() {
    let mut world = World::client();
    world.connection.send(Kind::Text, b"Hello").unwrap();
    assert_eq!(world.sent(), hex!("81 85 00000000 48656c6c6f"));
    let hello = Seen::Message(Kind::Text, b"Hello".into(), true);
    assert_eq!(world.receive(&hex!("81 05 48656c6c6f")), [hello]);
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    assert_eq!(world.sent(), hex!("88 82 00000000 03e8"));
    assert_eq!(world.connection.send(Kind::Text, b"late"), Err(UsageError::Closed));
    // Messages that the peer had already sent are still delivered.
    let late = Seen::Message(Kind::Binary, vec![1], true);
    let answer = Seen::Close(close(1000, ""));
    assert_eq!(world.receive(&hex!("82 01 01 88 02 03e8")), [late, answer]);
    assert_eq!(world.sent(), b"");
    assert_eq!(world.connection.cause(), Some(&Cause::LocalClose));
    assert!(!world.connection.is_over());
    assert!(!world.connection.wants_shutdown());
    world.connection.receive_eof();
    assert!(world.connection.is_over());
    assert_eq!(world.connection.cause(), Some(&Cause::LocalClose));
}

#[test]
fn the_peers_close_is_echoed_unchanged() {
    for payload in [&hex!("")[..], &hex!("03e8"), &hex!("0bb8 6279 65"), &hex!("03f3")] {
        let mut world = World::client();
        let frame = RawFrame::from(Opcode::Close).payload(payload).encode();
        let expected = Close::parse(payload).unwrap();
        assert_eq!(world.receive(&frame), [Seen::Close(expected.clone())]);
        assert_eq!(world.sent()[6..], *payload);
        assert_eq!(world.connection.cause(), Some(&Cause::RemoteClose(expected)));
        // Everything after a Close is ignored (5.5.1).
        assert_eq!(world.receive(&hex!("81 01 61")), []);
        assert!(!world.connection.is_open());
    }
}

#[test]
fn a_server_ends_the_transport_after_the_closing_handshake() {
    let mut world = World::new(Role::Server, settings());
    let bye = close(1000, "");
    assert_eq!(world.receive(&hex!("88 82 00000000 03e8")), [Seen::Close(bye)]);
    assert_eq!(world.sent(), hex!("88 02 03e8"));
    assert!(world.connection.wants_shutdown());
}

#[test]
fn each_violation_sends_its_close_code_and_ends_reading() {
    let cases: &[(&[u8], Violation, u16)] = &[
        (&hex!("83 00"), Violation::ReservedOpcode(3), 1002),
        (&hex!("81 01 ff"), Violation::TextNotUtf8, 1007),
        (&hex!("82 7e 03e9"), Violation::MessageTooLong { limit: 1000 }, 1009),
        (&hex!("88 01 03"), Violation::CloseTooShort, 1002),
        (&hex!("88 02 03ed"), Violation::CloseCodeInvalid(CloseCode::NO_STATUS), 1002),
        (&hex!("88 03 03e8 ff"), Violation::CloseReasonNotUtf8, 1007),
    ];
    for (bytes, violation, code) in cases {
        let mut world = World::client();
        assert_eq!(world.receive(bytes), [Seen::Failed(*violation)], "{bytes:x?}");
        assert_eq!(world.sent(), [&hex!("88 82 00000000")[..], &code.to_be_bytes()].concat());
        assert_eq!(world.receive(&hex!("81 01 61")), []);
        assert_eq!(world.connection.cause(), Some(&Cause::Violation(*violation)));
        assert!(world.connection.wants_shutdown());
        world.pass(2 * SECOND);
        assert!(world.connection.is_over());
    }
}

#[test]
fn a_violation_after_our_close_is_reported() {
    let mut world = World::client();
    world.connection.close(&Close::new(CloseCode::NO_STATUS), world.now).unwrap();
    assert_eq!(world.sent(), hex!("88 80 00000000"));
    world.receive(&hex!("81 01 ff"));
    assert_eq!(world.sent(), b"", "a second Close is never sent");
    let cause = Cause::Violation(Violation::TextNotUtf8);
    assert_eq!(world.connection.cause(), Some(&cause));
}

#[test]
fn pings_are_answered_after_our_close_but_not_after_the_peers() {
    let mut world = World::client();
    assert_eq!(world.receive(&hex!("89 02 6869")), [Seen::Ping(b"hi".into())]);
    assert_eq!(world.sent(), hex!("8a 82 00000000 6869"));
    world.connection.close(&Close::new(CloseCode::NO_STATUS), world.now).unwrap();
    world.sent();
    world.receive(&hex!("89 00"));
    assert_eq!(world.sent(), hex!("8a 80 00000000"));
    world.receive(&hex!("88 00 89 00"));
    assert_eq!(world.sent(), b"");
}

#[test]
fn an_unanswered_close_times_out() {
    let mut world = World::client();
    world.connection.close(&Close::new(CloseCode::NO_STATUS), world.now).unwrap();
    world.sent();
    world.pass(SECOND);
    assert!(!world.connection.is_over());
    world.pass(SECOND);
    assert!(world.connection.is_over());
    assert_eq!(world.connection.remote_close(), None);
}

#[test]
fn nothing_extends_the_limit_of_the_closing_handshake() {
    let mut world = World::client();
    world.connection.send(Kind::Text, b"Hello").unwrap();
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    for _ in 0..3 {
        world.pass(SECOND / 2);
        world.connection.refused();
        world.connection.transmitted(1, world.now);
        world.receive(&hex!("89 01 70"));
        world.receive(&hex!("81 01 61"));
    }
    assert!(!world.connection.is_over());
    world.pass(SECOND / 2);
    assert!(world.connection.is_over());
    assert_eq!(world.connection.unsent_messages(), 1);
}

#[test]
fn a_client_leaves_soon_after_both_closes_are_exchanged() {
    let tenth = SECOND / 10;
    let mut world = World::client();
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    world.sent();
    world.receive(&hex!("88 02 03e8"));
    world.pass(Duration::from_millis(99));
    assert!(!world.connection.is_over());
    world.pass(Duration::from_millis(1));
    assert!(world.connection.is_over());

    // Our answer must be sent first.
    let mut world = World::client();
    world.receive(&hex!("88 02 03e8"));
    world.pass(SECOND);
    assert!(!world.connection.is_over());
    world.sent();
    world.pass(tenth);
    assert!(world.connection.is_over());

    // The rest of the limit may be shorter.
    let mut world = World::client();
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    world.sent();
    world.pass(Duration::from_millis(1950));
    world.receive(&hex!("88 02 03e8"));
    world.pass(Duration::from_millis(50));
    assert!(world.connection.is_over());

    // A server waits for the client to end the transport.
    let mut world = World::new(Role::Server, settings());
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    world.sent();
    world.receive(&hex!("88 82 00000000 03e8"));
    world.pass(SECOND);
    assert!(!world.connection.is_over());
    world.pass(SECOND);
    assert!(world.connection.is_over());
}

#[test]
fn the_ping_timeout_starts_when_a_queued_ping_is_written() {
    let limits = Settings { ping_timeout: Some(5 * SECOND), ..settings() };
    let mut world = World::new(Role::Client, limits);
    world.connection.send(Kind::Binary, &[7; 100]).unwrap();
    world.connection.refused();
    world.pass(30 * SECOND);
    // The peer takes ten bytes of the message, then of the ping, every four seconds.
    let mut left = world.connection.queued();
    assert_eq!(left, 106 + 14);
    while left > 0 {
        world.pass(4 * SECOND);
        assert!(world.connection.is_open(), "{left}");
        world.connection.transmitted(10, world.now);
        left -= 10;
        if left > 0 {
            world.connection.refused();
        }
    }
    assert_eq!(world.connection.queued(), 0);
    world.pass(4 * SECOND);
    assert!(world.connection.is_open());
    world.pass(SECOND);
    assert_eq!(world.connection.cause(), Some(&Cause::PongTimeout));
}

#[test]
fn a_peer_that_reads_nothing_fails_the_ping_timeout_however_much_is_queued() {
    let limits = Settings { ping_timeout: Some(5 * SECOND), ..settings() };
    let mut world = World::new(Role::Client, limits);
    world.connection.send(Kind::Binary, &vec![7; 1 << 20]).unwrap();
    world.connection.transmitted(1000, world.now);
    world.connection.refused();
    world.pass(34 * SECOND);
    assert!(world.connection.is_open());
    world.pass(SECOND);
    assert_eq!(world.connection.cause(), Some(&Cause::PongTimeout));
    assert_eq!(world.connection.tallies().1.pings, 1);
}

#[test]
fn messages_that_the_transport_buffers_do_not_postpone_the_ping_timeout() {
    let limits = Settings { ping_timeout: Some(5 * SECOND), ..settings() };
    let mut world = World::new(Role::Client, limits);
    world.pass(30 * SECOND);
    world.sent();
    for _ in 0..4 {
        world.pass(SECOND);
        world.connection.send(Kind::Text, b"a").unwrap();
        world.sent();
    }
    assert!(world.connection.is_open());
    world.pass(SECOND);
    assert_eq!(world.connection.cause(), Some(&Cause::PongTimeout));
}

#[test]
fn a_round_trip_does_not_include_the_wait_behind_our_own_messages() {
    let mut world = World::client();
    world.connection.send(Kind::Binary, &[7; 100]).unwrap();
    world.connection.ping(b"x", world.now).unwrap();
    world.pass(9 * SECOND);
    world.sent();
    world.pass(SECOND);
    assert_eq!(world.receive(&hex!("8a 01 78")), [Seen::Pong(b"x".into(), Some(SECOND))]);
}

#[test]
fn a_transport_may_end_without_a_close() {
    let mut world = World::client();
    world.receive(&hex!("01 01 61"));
    assert!(world.connection.is_inside_message());
    world.connection.receive_eof();
    assert_eq!(world.connection.cause(), Some(&Cause::TransportEnded));
    assert!(world.connection.is_over());
}

#[test]
fn keepalive_pings_are_sent_only_in_silence() {
    let mut world = World::client();
    world.pass(29 * SECOND);
    assert_eq!(world.sent(), b"");
    world.receive(&hex!("81"));
    world.pass(29 * SECOND);
    assert_eq!(world.sent(), b"", "half a header is a sign of life");
    world.pass(SECOND);
    assert_eq!(world.sent(), hex!("89 88 00000000 0000000000000001"));
    // Without a pong and without a timeout, only the next ping follows.
    world.pass(30 * SECOND);
    assert_eq!(world.sent(), hex!("89 88 00000000 0000000000000002"));
    assert!(world.connection.is_open());
    world.pass(SECOND / 2);
    let empty = Seen::Message(Kind::Text, vec![], true);
    let pong = Seen::Pong(2u64.to_be_bytes().into(), Some(SECOND / 2));
    assert_eq!(world.receive(&hex!("00 8a 08 0000000000000002")), [empty, pong]);
}

#[test]
fn without_an_interval_no_pings_are_sent() {
    let mut world = World::new(Role::Client, Settings { ping_interval: None, ..settings() });
    world.pass(3600 * SECOND);
    assert_eq!(world.sent(), b"");
}

#[test]
fn a_missing_pong_ends_the_session_with_a_ping_timeout() {
    let limits = Settings { ping_timeout: Some(5 * SECOND), ..settings() };
    let mut world = World::new(Role::Client, limits);
    world.pass(30 * SECOND);
    world.sent();
    world.pass(4 * SECOND);
    world.receive(&hex!("81 01 61"));
    world.pass(29 * SECOND);
    assert!(world.connection.is_open(), "any byte counts as life");
    world.pass(6 * SECOND);
    assert!(world.connection.is_over());
    assert_eq!(world.connection.cause(), Some(&Cause::PongTimeout));
}

#[test]
fn the_pong_deadline_is_suspended_while_reading_is_paused() {
    let limits = Settings { ping_timeout: Some(5 * SECOND), ..settings() };
    let mut world = World::new(Role::Client, limits);
    world.pass(30 * SECOND);
    world.sent();
    world.pass(SECOND);
    world.connection.set_reading(false, world.now);
    world.pass(600 * SECOND);
    assert!(world.connection.is_open());
    assert!(!world.sent().is_empty(), "our own pings go on");
    world.connection.set_reading(true, world.now);
    world.pass(3 * SECOND);
    assert!(world.connection.is_open());
    world.pass(SECOND);
    assert!(world.connection.is_over());
}

#[test]
fn a_users_ping_reports_its_round_trip_time() {
    let mut world = World::client();
    world.connection.ping(b"x", world.now).unwrap();
    assert_eq!(world.sent(), hex!("89 81 00000000 78"));
    world.pass(SECOND);
    assert_eq!(world.receive(&hex!("8a 01 78")), [Seen::Pong(b"x".into(), Some(SECOND))]);
    assert_eq!(world.receive(&hex!("8a 01 78")), [Seen::Pong(b"x".into(), None)]);
    assert_eq!(world.connection.ping(&[0; 126], world.now), Err(UsageError::ControlTooLong(126)));
}

#[test]
fn invalid_closes_are_refused() {
    let mut world = World::client();
    for code in [0, 999, 1004, 1006, 1015, 5000] {
        let refused = world.connection.close(&close(code, ""), world.now);
        assert_eq!(refused, Err(UsageError::CloseCode(code.into())));
    }
    let long = close(1000, &"r".repeat(124));
    assert_eq!(world.connection.close(&long, world.now), Err(UsageError::ControlTooLong(126)));
    assert!(world.connection.is_open());
    assert_eq!(world.sent(), b"");
}

#[test]
fn a_close_is_sent_between_fragments_and_nothing_follows_it() {
    let mut world = World::client();
    world.connection.begin(Kind::Text, Some(4)).unwrap();
    world.connection.part(b"ab", false).unwrap();
    world.connection.close(&Close::new(CloseCode::NO_STATUS), world.now).unwrap();
    assert_eq!(world.connection.part(b"cd", true), Err(UsageError::Closed));
    assert_eq!(world.sent(), hex!("01 82 00000000 6162 88 80 00000000"));
}

/// A peer that has closed, or broken a rule, does not wait for all of a long message.
#[test]
fn a_close_that_answers_the_peer_does_not_wait_for_a_long_message() {
    for bytes in [&hex!("88 02 03e8")[..], &hex!("8b 00")] {
        let mut world = World::client();
        world.connection.send(Kind::Binary, &vec![0; 10 << 20]).unwrap();
        world.receive(bytes);
        let close = world.sent();
        assert!(close.len() <= 6 * (64 << 10), "{}", close.len());
        assert_eq!(close[close.len() - 8..][..2], hex!("88 82"));
        assert_eq!(world.connection.unsent_messages(), 1);
    }
}

#[test]
fn a_message_that_leaves_before_our_close_is_sent() {
    for leaves in [true, false] {
        let mut world = World::client();
        world.connection.send(Kind::Text, b"a").unwrap();
        world.receive(&hex!("88 02 03e8"));
        if leaves {
            assert_eq!(world.sent(), hex!("81 81 00000000 61 88 82 00000000 03e8"));
            world.connection.flushed();
        }
        world.connection.receive_eof();
        world.connection.receive_eof();
        let (unsent, unread) =
            (world.connection.unsent_messages(), world.connection.unread_messages());
        assert_eq!((unsent, unread), (usize::from(!leaves), 1));
    }
}

proptest! {
    /// Whatever the client sends and however the transport splits it.
    #[test]
    fn a_server_receives_the_messages_a_client_sends(
        messages in proptest::collection::vec((any::<bool>(), "\\PC{0,60}", 1usize..20), 0..8),
        cut in 1usize..40,
    ) {
        let now = Instant::now();
        let mut seed = 1u8;
        let keys: Entropy = Box::new(move |bytes| for byte in bytes {
            seed = seed.wrapping_mul(37).wrapping_add(11);
            *byte = seed;
        });
        let mut client = Connection::new(Role::Client, settings(), keys, now);
        let mut server = World::new(Role::Server, settings());
        let mut expected: Vec<(Kind, Vec<u8>)> = Vec::new();
        for (is_text, content, fragment) in &messages {
            let kind = if *is_text { Kind::Text } else { Kind::Binary };
            let mut parts = content.as_bytes().chunks(*fragment).peekable();
            if parts.peek().is_none() {
                client.send(kind, b"").unwrap();
            } else {
                client.begin(kind, None).unwrap();
            }
            while let Some(part) = parts.next() {
                client.part(part, parts.peek().is_none()).unwrap();
            }
            expected.push((kind, content.as_bytes().to_vec()));
        }
        let bytes = client.transmit().to_vec();
        let mut got: Vec<(Kind, Vec<u8>)> = Vec::new();
        let mut open = Vec::new();
        for chunk in bytes.chunks(cut) {
            for seen in server.receive(chunk) {
                let Seen::Message(kind, payload, last) = seen else {
                    return Err(TestCaseError::fail(format!("{seen:?}")));
                };
                open.extend(payload);
                if last {
                    got.push((kind, std::mem::take(&mut open)));
                }
            }
        }
        prop_assert_eq!(got, expected);
    }

    /// A server sends the same bytes whether or not it tries [`Connection::send_back`] first, whatever
    /// the client sends and however the transport splits it.
    #[test]
    fn messages_are_sent_back_as_if_they_were_received_and_sent(
        frames in proptest::collection::vec((0u8..16, any::<u8>(), "\\PC{0,40}", any::<[u8; 4]>()), 0..12),
        cut in 1usize..60,
    ) {
        let mut wire = Vec::new();
        for (choice, odd, content, mask) in &frames {
            let opcode = match choice {
                0 => Opcode::Continuation,
                1 => Opcode::Ping,
                2 => Opcode::Close,
                3..8 => Opcode::Message(Kind::Binary),
                _ => Opcode::Message(Kind::Text),
            };
            let mut payload = content.as_bytes().to_vec();
            if opcode == Opcode::Close {
                payload.clear();
            } else if odd % 32 == 0 {
                payload.push(0xff);
            }
            payload.truncate(125);
            let mut frame = RawFrame::from(opcode).mask(*mask).payload(&payload).encode();
            if odd % 8 == 1 {
                frame[0] &= 0x7f;
            }
            wire.extend(frame);
        }
        let [tries, receives] = [true, false].map(|tries| {
            let mut server = World::new(Role::Server, settings());
            let (mut unread, mut message, mut sent_back) = (Vec::new(), Vec::new(), 0);
            for chunk in wire.chunks(cut) {
                unread.extend_from_slice(chunk);
                loop {
                    if tries && let Some(range) = server.connection.send_back(&mut unread) {
                        unread.drain(..range.end);
                        sent_back += 1;
                        continue;
                    }
                    let (used, event) = server.connection.receive(server.now, &mut unread);
                    let is_over = event.is_none();
                    let piece = match event {
                        Some(Event::Message(piece)) => Some((piece.kind, piece.payload.to_vec(), piece.last)),
                        _ => None,
                    };
                    unread.drain(..used);
                    if let Some((kind, payload, last)) = piece {
                        message.extend(payload);
                        if last {
                            let _ = server.connection.send(kind, &std::mem::take(&mut message));
                        }
                    }
                    if is_over {
                        break;
                    }
                }
            }
            (server.sent(), server.connection.tallies(), server.connection.cause().cloned(), sent_back)
        });
        prop_assert_eq!((&tries.0, &tries.1, &tries.2), (&receives.0, &receives.1, &receives.2));
        prop_assert_eq!(receives.3, 0);
    }

    /// No input causes a panic, and no event follows a violation or a Close.
    #[test]
    fn any_input_ends_in_at_most_one_fault(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..20) {
        let mut world = World::client();
        let mut failed = false;
        for chunk in bytes.chunks(cut) {
            for seen in world.receive(chunk) {
                prop_assert!(!failed);
                failed = matches!(seen, Seen::Failed(_) | Seen::Close(_));
            }
        }
    }
}

#[test]
fn a_server_unmasks_frames() {
    let frame = RawFrame::from(Opcode::Message(Kind::Text)).mask([1, 2, 3, 4]).payload("hi");
    let mut world = World::new(Role::Server, settings());
    let expected = Seen::Message(Kind::Text, b"hi".into(), true);
    assert_eq!(world.receive(&frame.encode()), [expected]);
}

#[test]
fn short_messages_that_arrived_whole_are_sent_back() {
    let frame = |opcode, payload: &[u8]| {
        RawFrame::from(opcode).mask([1, 2, 3, 4]).payload(payload).encode()
    };
    let mut world = World::new(Role::Server, settings());
    let mut wire = frame(Opcode::Message(Kind::Text), b"hi");
    assert_eq!(world.connection.send_back(&mut wire[..7]), None);
    assert_eq!(world.connection.send_back(&mut wire), Some(6..8));
    assert_eq!(&wire[6..], b"hi");
    assert_eq!(world.sent(), hex!("81 02 6869"));
    let (received, sent) = world.connection.tallies();
    assert_eq!((received.text.bytes, sent.text.bytes), (2, 2));
    // Others are left as they were.
    for (opcode, payload) in [
        (Opcode::Ping, &b"hi"[..]),
        (Opcode::Message(Kind::Text), b"\xff"),
        (Opcode::Message(Kind::Binary), &[0; 126]),
        (Opcode::Continuation, b"hi"),
    ] {
        let (mut tried, untried) = (frame(opcode, payload), frame(opcode, payload));
        assert_eq!(world.connection.send_back(&mut tried), None);
        assert_eq!(tried, untried);
    }
    // Nothing is sent after a Close.
    world.connection.close(&Close::new(CloseCode::NORMAL), world.now).unwrap();
    world.sent();
    assert_eq!(world.connection.send_back(&mut frame(Opcode::Message(Kind::Text), b"hi")), None);
    assert_eq!(world.sent(), b"");
}
