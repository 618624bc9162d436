//! Streams of frames, whole and split anywhere.

use super::*;
use crate::proto::{deflate::Deflater, extension::Side, outbox::Outbox, raw::RawFrame};
use hex_literal::hex;
use proptest::prelude::*;
use std::num::NonZeroUsize;

/// A decoded part, copied.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Message(Kind, Vec<u8>),
    Control(Opcode, Vec<u8>),
    Unfinished(Kind, Vec<u8>),
    Violation(Violation),
}

/// Decodes chunks as a session does: unconsumed bytes are passed again, followed by new ones.
fn decode(role: Role, max: u64, chunks: &[&[u8]]) -> Vec<Seen> {
    run(Decoder::new(role, max), chunks)
}

/// The same with permessage-deflate.
fn inflate(role: Role, max: u64, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut decoder = Decoder::new(role, max);
    decoder.set_inflater(Inflater::new(SIDE));
    run(decoder, chunks)
}

const SIDE: Side = Side { window_bits: 15, keeps_context: true };

fn run(mut decoder: Decoder, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut open: Option<(Kind, Vec<u8>)> = None;
    let mut buffer = Vec::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            // The fast path first, as in a session.
            if let Some((kind, range)) = decoder.whole_message(&buffer) {
                assert_eq!(open, None);
                seen.push(Seen::Message(kind, buffer[range.clone()].to_vec()));
                buffer.drain(..range.end);
                continue;
            }
            match decoder.decode(&mut buffer) {
                Err(Fault { violation, .. }) => {
                    seen.extend(open.map(|(kind, bytes)| Seen::Unfinished(kind, bytes)));
                    seen.push(Seen::Violation(violation));
                    return seen;
                }
                Ok((used, part)) => {
                    let done = part.is_none();
                    match part {
                        None => {}
                        Some(Part::Control(opcode, payload)) => {
                            seen.push(Seen::Control(opcode, payload.to_vec()));
                        }
                        Some(Part::Piece(piece)) => {
                            assert_eq!(piece.first, open.is_none());
                            let (kind, bytes) = open.get_or_insert((piece.kind, Vec::new()));
                            assert_eq!(*kind, piece.kind);
                            bytes.extend_from_slice(piece.payload);
                            if *kind == Kind::Text {
                                assert!(std::str::from_utf8(piece.payload).is_ok());
                            }
                            if piece.last {
                                seen.extend(open.take().map(|(k, b)| Seen::Message(k, b)));
                            }
                        }
                    }
                    buffer.drain(..used);
                    if done {
                        assert!(buffer.len() < LOOKAHEAD);
                        break;
                    }
                }
            }
        }
    }
    seen.extend(open.map(|(kind, bytes)| Seen::Unfinished(kind, bytes)));
    seen
}

fn client(bytes: &[u8]) -> Vec<Seen> {
    let whole = decode(Role::Client, u64::MAX, &[bytes]);
    let bytewise = decode(Role::Client, u64::MAX, &bytes.chunks(1).collect::<Vec<_>>());
    assert_eq!(whole, bytewise, "{bytes:x?}");
    whole
}

fn text(s: &str) -> Seen {
    Seen::Message(Kind::Text, s.into())
}

#[test]
fn decodes_streams_however_they_are_split() {
    use Seen::{Control, Message, Unfinished, Violation as V};
    let cases: &[(&[u8], &[Seen])] = &[
        (&hex!("81 05 48656c6c6f"), &[text("Hello")]),
        (&hex!("81 00"), &[text("")]),
        (&hex!("82 00"), &[Message(Kind::Binary, vec![])]),
        (&hex!("01 03 48656c 80 02 6c6f"), &[text("Hello")]),
        // Empty fragments at the beginning, in the middle and at the end.
        (&hex!("01 00 00 00 00 01 61 80 00"), &[text("a")]),
        (&hex!("02 00 80 00"), &[Message(Kind::Binary, vec![])]),
        // 5.4: control frames between fragments are not delayed.
        (
            &hex!("01 01 61 89 01 78 80 01 62 8a 00"),
            &[Control(Opcode::Ping, b"x".to_vec()), text("ab"), Control(Opcode::Pong, vec![])],
        ),
        // A character split over three frames, one of them empty, with a ping between.
        (
            &hex!("01 02 f09f 89 00 00 00 00 01 98 80 02 80 21"),
            &[Control(Opcode::Ping, vec![]), text("\u{1f600}!")],
        ),
        // 5.4: order of frames.
        (&hex!("80 01 61"), &[V(Violation::UnexpectedContinuation)]),
        (
            &hex!("01 01 61 81 01 62"),
            &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::InterleavedMessage)],
        ),
        // 8.1: fails at the invalid byte, not at the end of the message, after the valid text.
        (&hex!("81 7e 0fff ff"), &[V(Violation::TextNotUtf8)]),
        (&hex!("01 02 61ff"), &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::TextNotUtf8)]),
        (&hex!("01 01 c3 80 01 28"), &[V(Violation::TextNotUtf8)]),
        // A message that ends inside a character.
        (&hex!("81 02 e282"), &[V(Violation::TextNotUtf8)]),
        (&hex!("01 01 c3 80 00"), &[V(Violation::TextNotUtf8)]),
        (&hex!("81 02 61c3"), &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::TextNotUtf8)]),
        // Binary messages are not validated.
        (&hex!("82 02 ffc3"), &[Message(Kind::Binary, vec![0xff, 0xc3])]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(client(bytes), *expected, "{bytes:x?}");
    }
}

#[test]
fn a_violation_does_not_count_bytes_that_were_announced_but_did_not_arrive() {
    let cases: &[(&[u8], u64)] = &[
        (&hex!("82 7f 0000010000000000 616263"), 3),
        (&hex!("81 7e 0fff ff6263"), 3),
        (&hex!("81 7e 0fff 61ff6263"), 4),
        (&hex!("01 02 6162 80 7e 0fff 63ff"), 4),
        (&hex!("01 02 6162 81 7e 0fff 63"), 2),
    ];
    for (bytes, arrived) in cases {
        for split in [bytes.len(), bytes.len() - 1, bytes.len() - 2] {
            let mut decoder = Decoder::new(Role::Client, 5000);
            let (mut buffer, mut rest) = (bytes[..split].to_vec(), bytes[split..].to_vec());
            loop {
                match decoder.decode(&mut buffer) {
                    Err(_) => break,
                    Ok((used, part)) => {
                        let done = part.is_none();
                        buffer.drain(..used);
                        if done {
                            buffer.append(&mut rest);
                        }
                    }
                }
            }
            decoder.discard(rest.len());
            assert_eq!(decoder.incomplete_message(), Some((*arrived, *arrived)), "{bytes:x?}");
        }
    }
}

#[test]
fn the_limit_applies_to_the_message_and_before_its_bytes_arrive() {
    let limit = |max, bytes: &[u8]| decode(Role::Client, max, &[bytes]);
    let too_long = |limit| Seen::Violation(Violation::MessageTooLong { limit });
    assert_eq!(limit(5, &hex!("81 05 48656c6c6f")), [text("Hello")]);
    assert_eq!(limit(4, &hex!("81 05")), [too_long(4)]);
    let fragments = hex!("01 03 48656c 80 02 6c6f");
    assert_eq!(limit(5, &fragments), [text("Hello")]);
    assert_eq!(limit(4, &fragments).last(), Some(&too_long(4)));
    // Two lengths whose sum does not fit in 64 bits.
    let huge = hex!("02 01 00 80 7f 7fffffffffffffff");
    assert_eq!(limit(u64::MAX >> 2, &huge).last(), Some(&too_long(u64::MAX >> 2)));
}

/// Cases 9.3.1 and 9.4.1 of the conformance suite send 65,536 fragments.
#[test]
fn the_number_of_fragments_is_not_limited() {
    let mut bytes = hex!("02 00").to_vec();
    for _ in 0..200_000 {
        bytes.extend(hex!("00 01 61"));
    }
    bytes.extend(hex!("80 00"));
    let message = Seen::Message(Kind::Binary, vec![b'a'; 200_000]);
    assert_eq!(decode(Role::Client, 200_000, &[&bytes]), [message]);
}

#[test]
fn decodes_compressed_streams_however_they_are_split() {
    use Seen::{Control, Message, Unfinished, Violation as V};
    let cases: &[(&[u8], &[Seen])] = &[
        // RFC 7692, 7.2.3.1: in one frame, in two, and again with context takeover.
        (&hex!("c1 07 f248cdc9c90700"), &[text("Hello")]),
        (&hex!("41 03 f248cd 80 04 c9c90700 c1 05 f200110000"), &[text("Hello"), text("Hello")]),
        // An uncompressed message between compressed ones.
        (
            &hex!("c2 07 f248cdc9c90700 81 01 61 c1 05 f200110000"),
            &[Message(Kind::Binary, b"Hello".to_vec()), text("a"), text("Hello")],
        ),
        // A control frame and an empty fragment inside a message.
        (
            &hex!("41 03 f248cd 89 01 78 00 00 80 04 c9c90700"),
            &[Control(Opcode::Ping, b"x".to_vec()), text("Hello")],
        ),
        (&hex!("c1 01 00 c1 00 41 00 80 00"), &[text(""), text(""), text("")]),
        // RFC 7692, 6: rsv1 is for a message's first frame.
        (
            &hex!("41 03 f248cd c0 04 c9c90700"),
            &[
                Unfinished(Kind::Text, b"He".to_vec()),
                V(Violation::Rsv1Misplaced(Opcode::Continuation)),
            ],
        ),
        (&hex!("c9 00"), &[V(Violation::Rsv1Misplaced(Opcode::Ping))]),
        (&hex!("a1 00"), &[V(Violation::ReservedBits(0x20))]),
        // Invalid DEFLATE, and a truncated message.
        (&hex!("c1 01 ff"), &[V(Violation::InvalidDeflate)]),
        (
            &hex!("c1 05 f248cdc9c9"),
            &[Unfinished(Kind::Text, b"Hell".to_vec()), V(Violation::InvalidDeflate)],
        ),
        // "a", FF, "b" in a stored block: fails at the invalid byte, after the valid text.
        (
            &hex!("c1 09 00 0300 fcff 61ff62 00"),
            &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::TextNotUtf8)],
        ),
        // A message that ends inside a character.
        (&hex!("c1 08 00 0200 fdff e282 00"), &[V(Violation::TextNotUtf8)]),
        // A character over two blocks and frames.
        (&hex!("41 07 00 0200 fdff e282 80 07 00 0100 feff ac 00"), &[text("\u{20ac}")]),
    ];
    for (bytes, expected) in cases {
        let whole = inflate(Role::Client, u64::MAX, &[bytes]);
        assert_eq!(whole, *expected, "{bytes:x?}");
        let bytewise = inflate(Role::Client, u64::MAX, &bytes.chunks(1).collect::<Vec<_>>());
        assert_eq!(bytewise, *expected, "{bytes:x?}");
    }
}

/// A character is split over two frames, and the first part of the second frame inflates to more than
/// its rest. The bytes left in the inflater must not stop the decoder from reading further input.
#[test]
fn undelivered_inflated_bytes_do_not_stop_the_input() {
    let mut deflater = Deflater::new(SIDE, 1, 0);
    deflater.message("\u{1f600}\u{20ac}".as_bytes());
    let data = deflater.output();
    for cut in 1..data.len() {
        let (one, two) = data.split_at(cut);
        let first = RawFrame::from(Opcode::Message(Kind::Text)).fin(false).rsv(RSV1).payload(one);
        let frames =
            [first.encode(), RawFrame::from(Opcode::Continuation).payload(two).encode()].concat();
        for cut in 1..frames.len() {
            let (one, two) = frames.split_at(cut);
            assert_eq!(inflate(Role::Client, 9, &[one, two]), [text("\u{1f600}\u{20ac}")]);
        }
    }
}

#[test]
fn the_limit_applies_to_the_inflated_size() {
    let hello = hex!("c1 07 f248cdc9c90700");
    assert_eq!(inflate(Role::Client, 5, &[&hello]), [text("Hello")]);
    let too_long = Seen::Violation(Violation::MessageTooLong { limit: 4 });
    assert_eq!(inflate(Role::Client, 4, &[&hello]), [too_long]);
    // 64 KiB of zeros in 79 bytes: only the inflated size exceeds the limit.
    let mut deflater = Deflater::new(SIDE, 9, 0);
    deflater.message(&vec![0; 65_536]);
    let opcode = Opcode::Message(Kind::Binary);
    let bytes = RawFrame::from(opcode).rsv(RSV1).payload(deflater.output()).encode();
    let seen = inflate(Role::Client, 65_535, &bytes.chunks(1).collect::<Vec<_>>());
    assert_eq!(seen.last(), Some(&Seen::Violation(Violation::MessageTooLong { limit: 65_535 })));
    let whole = inflate(Role::Client, 65_536, &[&bytes]);
    assert_eq!(whole, [Seen::Message(Kind::Binary, vec![0; 65_536])]);
}

/// Arbitrary messages and their encoding in arbitrary fragments, masked, some compressed.
fn stream() -> impl Strategy<Value = (Vec<Seen>, Vec<u8>)> {
    let message = (
        any::<bool>(),
        "\\PC{0,40}",
        proptest::collection::vec(0usize..120, 0..4),
        any::<[u8; 4]>(),
        any::<bool>(),
        1usize..30,
    );
    proptest::collection::vec(message, 0..6).prop_map(|messages| {
        let mut seen = Vec::new();
        let mut bytes = Vec::new();
        let mut deflater = Deflater::new(SIDE, 1, 0);
        for (is_text, content, mut cuts, key, compressed, times) in messages {
            let kind = if is_text { Kind::Text } else { Kind::Binary };
            let message = content.repeat(times).into_bytes();
            let content = if compressed {
                deflater.message(&message);
                deflater.output().to_vec()
            } else {
                message.clone()
            };
            cuts.push(content.len());
            cuts.sort_unstable();
            let (mut from, mut opcode) = (0, Opcode::Message(kind));
            for to in cuts {
                let to = to.min(content.len());
                let fin = to == content.len();
                let compressed = compressed && opcode != Opcode::Continuation;
                let rsv = if compressed { RSV1 } else { 0 };
                let frame = RawFrame::from(opcode).fin(fin).rsv(rsv).mask(key);
                frame.payload(&content[from..to]).append(&mut bytes);
                (from, opcode) = (to, Opcode::Continuation);
                if fin {
                    break;
                }
            }
            seen.push(Seen::Message(kind, message));
        }
        (seen, bytes)
    })
}

proptest! {
    #[test]
    fn any_messages_survive_any_fragmentation_and_chunking((expected, bytes) in stream(), size in 1usize..50) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(inflate(Role::Server, u64::MAX, &chunks), expected);
    }

    #[test]
    fn chunking_does_not_change_the_result_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        client(&bytes);
        let whole = inflate(Role::Client, u64::MAX, &[&bytes]);
        let bytewise = inflate(Role::Client, u64::MAX, &bytes.chunks(1).collect::<Vec<_>>());
        prop_assert_eq!(whole, bytewise);
    }

    /// With any parameters, whole messages and pieces.
    #[test]
    fn a_decoder_inflates_the_output_of_an_outbox(
        messages in proptest::collection::vec(("\\PC{0,30}", 0usize..400, any::<bool>()), 1..6),
        window_bits in 9u8..=15,
        keeps_context: bool,
        level in 1u32..=9,
        cut in 1usize..5000,
        fragment in 1usize..3000,
        size in 1usize..5000,
    ) {
        let side = Side { window_bits, keeps_context };
        let limit = NonZeroUsize::new(fragment).unwrap();
        let mut outbox = Outbox::new(Role::Client, Box::new(|bytes| bytes.fill(7)), limit);
        outbox.set_deflater(Deflater::new(side, level, 200));
        let mut expected = Vec::new();
        for (content, times, whole) in messages {
            let message = content.repeat(times).into_bytes();
            if whole {
                outbox.message(Kind::Text, &message);
            } else {
                outbox.begin(Kind::Text, Some(message.len() as u64));
                message.chunks(cut).for_each(|part| outbox.part(part, false));
                outbox.part(b"", true);
            }
            expected.push(Seen::Message(Kind::Text, message));
        }
        prop_assert_eq!(outbox.unsent_messages(), expected.len());
        let mut rest = outbox.pending();
        while let Ok(Some((header, size))) = Header::parse(rest, Role::Server, RESERVED ^ RSV1) {
            prop_assert!(header.length <= fragment as u64);
            rest = &rest[size + header.length as usize..];
        }
        prop_assert!(rest.is_empty());
        let mut decoder = Decoder::new(Role::Server, u64::MAX);
        decoder.set_inflater(Inflater::new(side));
        let chunks: Vec<&[u8]> = outbox.pending().chunks(size).collect();
        prop_assert_eq!(run(decoder, &chunks), expected);
    }
}
