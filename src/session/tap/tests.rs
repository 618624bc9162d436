use super::*;
use crate::proto::{Kind, deflate::Deflater, raw::RawFrame};
use proptest::{collection::vec, prelude::*};
use std::sync::{Arc, Mutex};

/// Records what is observed as one word or phrase each. Pieces of messages are joined.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<u8>>>);

impl Observer for Log {
    fn see(&mut self, _: Instant, seen: &SessionEvent<'_>) {
        let line = match seen {
            SessionEvent::Frame(Direction::In, frame) => {
                let rest = if frame.is_whole() { "" } else { " truncated" };
                format!("frame {}{rest}", frame.name())
            }
            SessionEvent::Piece(piece) => {
                let mut joined = self.1.lock().unwrap();
                if piece.first {
                    joined.clear();
                }
                joined.extend_from_slice(piece.payload);
                if !piece.last {
                    return;
                }
                let kind = if piece.kind == Kind::Text { "text" } else { "binary" };
                format!("{kind} {}", String::from_utf8_lossy(&joined))
            }
            SessionEvent::Control(Direction::In, opcode, payload, None) => {
                format!("{opcode} {}", String::from_utf8_lossy(payload))
            }
            SessionEvent::Close(Direction::In, close) => format!("close {close}"),
            SessionEvent::Broken(violation) => format!("! {violation}"),
            SessionEvent::Bytes(Direction::In, _) => return,
            other => panic!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

fn seen_of(leg: Leg, deflate: Option<Deflate>, chunks: &[&[u8]]) -> Vec<String> {
    let log = Log::default();
    let mut tap = Tap::new(Box::new(log.clone()), leg, deflate.as_ref());
    let now = Instant::now();
    for chunk in chunks {
        tap.received(now, chunk);
        assert_eq!(tap.decode(|| true), Decoded::All);
        assert!(tap.pending.len() <= crate::proto::message::LOOKAHEAD, "{}", tap.pending.len());
    }
    tap.end(now);
    std::mem::take(&mut *log.0.lock().unwrap())
}

fn text(payload: &str) -> RawFrame {
    RawFrame::new(1).payload(payload)
}

fn masked(frame: RawFrame) -> Vec<u8> {
    frame.mask([7, 0, 200, 3]).encode()
}

fn side(keeps_context: bool) -> Side {
    Side { window_bits: 10, keeps_context }
}

fn deflate(keeps_context: bool) -> Deflate {
    Deflate { server: side(keeps_context), client: side(keeps_context) }
}

fn compressed(deflater: &mut Deflater, message: &str) -> RawFrame {
    deflater.message(message.as_bytes());
    let frame = text("").rsv(0x40).payload(deflater.output());
    deflater.clear();
    frame
}

#[test]
fn both_legs_are_read_with_their_masks() {
    let said = [
        masked(text("he").fin(false)),
        masked(RawFrame::new(9).payload("p")),
        masked(RawFrame::new(0).payload("llo")),
        masked(RawFrame::new(2).payload(vec![0xff; 200])),
        masked(RawFrame::new(8).payload(b"\x03\xe8bye")),
    ];
    let seen = seen_of(Leg::Client, None, &[&said.concat()]);
    let expected = ["frame text", "frame ping", "ping p", "frame continuation", "text hello"];
    assert_eq!(seen[..5], expected);
    assert!(seen[6].starts_with("binary \u{fffd}"));
    assert_eq!(seen[7..], ["frame close", "close 1000 (normal closure): bye"]);
    let told =
        [text("hi").encode(), RawFrame::new(10).encode(), RawFrame::new(8).encode()].concat();
    let seen = seen_of(Leg::Server, None, &[&told]);
    assert_eq!(seen[..4], ["frame text", "text hi", "frame pong", "pong "]);
}

#[test]
fn compressed_messages_are_inflated_as_agreed() {
    for keeps_context in [true, false] {
        let mut deflater = Deflater::new(side(keeps_context), 6, 0);
        let mut frames = Vec::new();
        for _ in 0..3 {
            frames.extend(compressed(&mut deflater, "again and again").encode());
        }
        let seen = seen_of(Leg::Server, Some(deflate(keeps_context)), &[&frames]);
        let expected = ["frame text", "text again and again"].repeat(3);
        assert_eq!(seen, expected, "{keeps_context}");
    }
}

#[test]
fn a_violation_is_reported_behind_its_frame_and_reading_continues() {
    let cases: [(RawFrame, &str); 5] = [
        (text("x").rsv(0x20), "reserved bit rsv2 set without an extension"),
        (RawFrame::new(3).payload("x"), "reserved opcode 3"),
        (RawFrame::new(0).payload("x"), "continuation frame while no message is open"),
        (RawFrame::new(9).payload(vec![b'x'; 200]), "ping frame longer than 125 bytes"),
        (RawFrame::new(8).payload("x"), "Close with a payload of one byte"),
    ];
    for (frame, violation) in cases {
        let bytes = [text("a").encode(), frame.encode(), text("b").encode()].concat();
        let seen = seen_of(Leg::Server, None, &[&bytes]);
        assert_eq!(seen[..2], ["frame text", "text a"]);
        assert!(seen[2].starts_with("frame "), "{seen:?}");
        let rest = [&*format!("! {violation}"), "frame text", "text b"];
        assert_eq!(seen[3..], rest);
    }
}

/// A tool that shows nothing of such a peer would be of no use against it.
#[test]
fn what_can_be_read_is_read_and_its_violation_reported_once() {
    let frames = [text("a").encode(), text("b").encode()].concat();
    let seen = seen_of(Leg::Client, None, &[&frames]);
    let violation = "! unmasked frame from a client";
    assert_eq!(seen, ["frame text", "text a", violation, "frame text", "text b"]);
    let frames = [masked(text("a")), masked(text("b"))].concat();
    let seen = seen_of(Leg::Server, None, &[&frames]);
    let violation = "! masked frame from a server";
    assert_eq!(seen, ["frame text", "text a", violation, "frame text", "text b"]);
    let seen = seen_of(Leg::Server, None, &[&RawFrame::new(1).payload(b"a\xff").encode()]);
    assert_eq!(seen, ["frame text", "text a\u{fffd}", "! text message that is not UTF-8"]);
}

#[test]
fn the_rest_of_an_abandoned_message_is_no_further_violation() {
    let bytes = [
        text("lost").fin(false).encode(),
        text("new").fin(false).encode(),
        RawFrame::new(0).fin(false).payload("x").encode(),
        RawFrame::new(9).payload("p").encode(),
        RawFrame::new(0).payload("y").encode(),
        text("next").encode(),
        RawFrame::new(0).encode(),
    ];
    let seen = seen_of(Leg::Server, None, &[&bytes.concat()]);
    let expected = [
        "frame text",
        "frame text",
        "! new message before the fragmented one has ended",
        "frame continuation",
        "frame ping",
        "ping p",
        "frame continuation",
        "frame text",
        "text next",
        "frame continuation",
        "! continuation frame while no message is open",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_message_goes_on_after_an_illegal_control_frame() {
    let bytes = [
        text("a").fin(false).encode(),
        RawFrame::new(9).fin(false).encode(),
        RawFrame::new(0).payload("b").encode(),
    ];
    let seen = seen_of(Leg::Server, None, &[&bytes.concat()]);
    let expected =
        ["frame text", "frame ping", "! fragmented ping frame", "frame continuation", "text ab"];
    assert_eq!(seen, expected);
}

/// Messages that were inflated with the wrong context would be wrong without a sign of it.
#[test]
fn after_invalid_data_only_independent_messages_are_inflated() {
    for keeps_context in [true, false] {
        let mut deflater = Deflater::new(side(keeps_context), 6, 0);
        let first = compressed(&mut deflater, "again and again");
        let second = compressed(&mut deflater, "again and again");
        let third = compressed(&mut deflater, "again and again").fin(false);
        let bytes = [
            first.encode(),
            text("").rsv(0x40).payload(b"\xff\xff\xff").encode(),
            second.encode(),
            text("plain").encode(),
            third.encode(),
            RawFrame::new(0).payload(b"").encode(),
        ];
        let seen = seen_of(Leg::Server, Some(deflate(keeps_context)), &[&bytes.concat()]);
        let messages: Vec<_> = seen.iter().filter(|line| line.starts_with("text")).collect();
        let again = "text again and again";
        if keeps_context {
            assert_eq!(messages, [again, "text plain"]);
        } else {
            assert_eq!(messages, [again, again, "text plain", again]);
        }
        assert_eq!(seen.iter().filter(|line| line.starts_with("frame")).count(), 6);
        assert_eq!(seen.iter().filter(|line| line.starts_with('!')).count(), 1, "{seen:?}");
    }
}

#[test]
fn bytes_wait_while_there_is_no_room() {
    let log = Log::default();
    let mut tap = Tap::new(Box::new(log.clone()), Leg::Server, None);
    let now = Instant::now();
    tap.received(now, &[text("a").encode(), text("b").encode()].concat());
    let mut room = 1;
    let one = || {
        room -= 1;
        room >= 0
    };
    assert_eq!(tap.decode(one), Decoded::Held);
    assert_eq!(*log.0.lock().unwrap(), ["frame text", "text a"]);
    assert_eq!(tap.decode(|| true), Decoded::All);
    assert_eq!(log.0.lock().unwrap().len(), 4);
}

#[test]
fn a_partial_frame_is_reported_at_the_end() {
    let bytes = RawFrame::new(3).payload("long").encode();
    let seen = seen_of(Leg::Server, None, &[&bytes[..4]]);
    assert_eq!(seen, ["frame opcode 3 truncated", "! reserved opcode 3"]);
    let seen = seen_of(Leg::Server, None, &[&text("long").encode()[..4]]);
    assert_eq!(seen, ["frame text truncated"]);
    assert_eq!(seen_of(Leg::Server, None, &[&[0x81]]), ["frame text truncated"]);
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81u8, 0x01, 0x00, 0x80, 0x82, 0x89, 0x8a, 0x88]),
        1 => any::<u8>(),
    ];
    let payload = vec(prop_oneof![4 => Just(b'a'), 1 => Just(0xc3), 1 => Just(0xa9)], 0..12);
    let mask = prop_oneof![1 => Just(None), 4 => any::<[u8; 4]>().prop_map(Some)];
    (first, payload, mask).prop_map(|(first, payload, mask)| {
        let frame = RawFrame::new(first).fin(first & 0x80 != 0).rsv(first & 0x70).payload(payload);
        if let Some(mask) = mask { frame.mask(mask).encode() } else { frame.encode() }
    })
}

proptest! {
    #[test]
    fn any_chunking_yields_the_same_events(
        frames in vec(frame(), 0..12),
        cuts in vec(1usize..9, 0..60),
        cut_off in 0usize..9,
        is_client: bool,
    ) {
        let mut bytes = frames.concat();
        bytes.truncate(bytes.len().saturating_sub(cut_off));
        let leg = if is_client { Leg::Client } else { Leg::Server };
        let whole = seen_of(leg, None, &[&bytes]);
        let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        prop_assert_eq!(seen_of(leg, None, &chunks), whole);
    }

    /// A tap sees the messages that an encoder sends.
    #[test]
    fn every_message_is_seen(
        messages in vec("[a-c]{0,40}", 0..20),
        size in 1usize..20,
        keeps_context: bool,
    ) {
        let mut deflater = Deflater::new(side(keeps_context), 1, 0);
        let mut bytes = Vec::new();
        for message in &messages {
            bytes.extend(compressed(&mut deflater, message).mask([1, 2, 3, 4]).encode());
        }
        let chunks: Vec<_> = bytes.chunks(size).collect();
        let seen = seen_of(Leg::Client, Some(deflate(keeps_context)), &chunks);
        let seen: Vec<_> = seen.iter().filter_map(|line| line.strip_prefix("text ")).collect();
        prop_assert_eq!(seen, messages);
    }
}
