//! Checks of permessage-deflate (RFC 7692).

use crate::{
    mode::check::{
        case::{Case, Probe, text},
        deflated::{DeflateProbe, DeflateReaction},
        frames::{BINARY, CONTINUATION, PING, SeenMessage, TEXT, frame, masked},
    },
    proto::raw::RawFrame,
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must},
    },
};
use flate2::{Compress, Compression, FlushCompress};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = offers();
    cases.extend(messages());
    cases.extend(violations());
    cases
}

fn case(
    level: CheckLevel,
    (id, section): (&str, &'static str),
    title: &str,
    (offer, bytes, expects): (&'static str, Vec<u8>, DeflateReaction),
) -> Case {
    let (consequence, fix) = match &expects {
        DeflateReaction::Failure => (
            "The server goes on with data that it cannot have understood.",
            "Fail the connection with code 1002, or 1007 for text that is not UTF-8.",
        ),
        _ => (
            "Messages of clients that compress are lost or changed; browsers compress by default.",
            "Follow RFC 7692, 7, or do not select permessage-deflate.",
        ),
    };
    Case {
        id: id.to_owned(),
        group: CheckGroup::Deflate,
        section,
        level,
        title: title.to_owned(),
        consequence,
        fix,
        probe: Probe::Deflate(DeflateProbe { offer, bytes, expects }),
    }
}

/// Compresses messages one after the other, with one context, for a window of this many bits.
fn compressed(messages: &[&[u8]], bits: u8) -> Vec<Vec<u8>> {
    let mut state = Compress::new_with_window_bits(Compression::new(6), false, bits);
    let compress = |message: &&[u8]| {
        let mut out = Vec::with_capacity(message.len() + 1024);
        // The room suffices for any message.
        let _ = state.compress_vec(message, &mut out, FlushCompress::Sync);
        let end = out.len().saturating_sub(TAIL_BYTES);
        out.truncate(end);
        out
    };
    messages.iter().map(compress).collect()
}

/// Returns a compressed message in one frame.
fn deflated(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(RawFrame::new(opcode).rsv(RSV1).payload(payload))
}

/// Returns a text that repeats itself after this many bytes.
fn repeating(distance: usize) -> Vec<u8> {
    let mut value = 1_u32;
    let mut next = || {
        value = value.wrapping_mul(1_103_515_245).wrapping_add(12345);
        b'!' + ((value >> 16) as u8) % 90
    };
    let block: Vec<u8> = (0..distance).map(|_| next()).collect();
    [block.clone(), block].concat()
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn offers() -> Vec<Case> {
    let hello = || deflated(TEXT, compressed(&[b"Hello"], 9).concat());
    let echo = || DeflateReaction::Echo(vec![text("Hello")]);
    let far = repeating(1500);
    let long = || deflated(TEXT, compressed(&[&far], 15).concat());
    let window = || DeflateReaction::Window(vec![text(&far)]);
    let twice = compressed(&[b"the same text twice"], 15).concat();
    let two = || [deflated(TEXT, &twice), deflated(TEXT, &twice)].concat();
    let same = || text("the same text twice");
    vec![
        case(
            Must,
            ("7692-offer", "RFC 7692, 7.1"),
            "Answers the offer of Firefox and compresses",
            ("permessage-deflate", hello(), echo()),
        ),
        case(
            Must,
            ("7692-offer-chrome", "RFC 7692, 7.1.2.2"),
            "Answers the offer of Chrome and compresses",
            ("permessage-deflate; client_max_window_bits", hello(), echo()),
        ),
        case(
            Must,
            ("7692-client-bits-9", "RFC 7692, 7.1.2.2"),
            "Answers an offer of client_max_window_bits=9",
            ("permessage-deflate; client_max_window_bits=9", hello(), echo()),
        ),
        case(
            Must,
            ("7692-server-bits-9", "RFC 7692, 7.1.2.1"),
            "Keeps to a window of 9 bits",
            ("permessage-deflate; server_max_window_bits=9", long(), window()),
        ),
        case(
            Must,
            ("7692-server-bits-10", "RFC 7692, 7.1.2.1"),
            "Keeps to a window of 10 bits",
            ("permessage-deflate; server_max_window_bits=10", long(), window()),
        ),
        case(
            Must,
            ("7692-server-bits-15", "RFC 7692, 7.1.2.1"),
            "Answers an offer of server_max_window_bits=15",
            ("permessage-deflate; server_max_window_bits=15", long(), window()),
        ),
        case(
            Must,
            ("7692-server-no-context", "RFC 7692, 7.1.1.1"),
            "Compresses each message by itself if asked to",
            (
                "permessage-deflate; server_no_context_takeover",
                two(),
                DeflateReaction::Echo(vec![same(), same()]),
            ),
        ),
        case(
            Must,
            ("7692-client-no-context", "RFC 7692, 7.1.1.2"),
            "Reads messages that are compressed by themselves",
            (
                "permessage-deflate; client_no_context_takeover",
                two(),
                DeflateReaction::Echo(vec![same(), same()]),
            ),
        ),
        case(
            Must,
            ("7692-alternatives", "RFC 7692, 5"),
            "Selects one of several offers",
            ("permessage-deflate; server_max_window_bits=9, permessage-deflate", hello(), echo()),
        ),
        case(
            Must,
            ("7692-other-first", "RFC 7692, 5"),
            "Finds its offer behind an unknown extension",
            ("x-sockeye-check, permessage-deflate", hello(), echo()),
        ),
    ]
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn messages() -> Vec<Case> {
    let section = "RFC 7692, 7.2";
    let echo = |id: &str, title: &str, bytes: Vec<u8>, expected: Vec<SeenMessage>| {
        let expects = DeflateReaction::Echo(expected);
        case(Must, (id, section), title, ("permessage-deflate", bytes, expects))
    };
    let letters = "sockeye ".repeat(200);
    let whole = compressed(&[letters.as_bytes()], 15).concat();
    let thirds: Vec<_> = whole.chunks(whole.len().div_ceil(3).max(1)).collect();
    let mut fragments = Vec::new();
    for (at, part) in thirds.iter().enumerate() {
        let first = RawFrame::new(if at == 0 { TEXT } else { CONTINUATION });
        let first = first.rsv(if at == 0 { RSV1 } else { 0 }).fin(at + 1 == thirds.len());
        fragments.extend(masked(first.payload(part)));
    }
    let pair = compressed(&[b"context takeover", b"context takeover"], 15);
    let context: Vec<u8> = pair.iter().flat_map(|payload| deflated(TEXT, payload)).collect();
    let zeros = vec![0; 1 << 20];
    vec![
        echo(
            "7692-long",
            "Reads a compressed message",
            deflated(TEXT, &whole),
            vec![text(&letters)],
        ),
        echo(
            "7692-fragments",
            "Reads a compressed message in fragments",
            fragments,
            vec![text(&letters)],
        ),
        echo(
            "7692-uncompressed",
            "Reads messages that are not compressed",
            frame(TEXT, "not compressed"),
            vec![text("not compressed")],
        ),
        echo(
            "7692-empty",
            "Reads an empty compressed message",
            deflated(TEXT, [0]),
            vec![text("")],
        ),
        echo(
            "7692-stored",
            "Reads a block that is stored",
            deflated(TEXT, b"\x00\x05\x00\xfa\xffHello\x00"),
            vec![text("Hello")],
        ),
        echo(
            "7692-two-blocks",
            "Reads a message of two blocks",
            deflated(TEXT, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
            vec![text("Hello")],
        ),
        echo(
            "7692-final-block",
            "Reads a message that ends with a final block",
            deflated(TEXT, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
            vec![text("Hello")],
        ),
        echo(
            "7692-context",
            "Reads a message that refers to the one before it",
            context,
            vec![text("context takeover"), text("context takeover")],
        ),
        echo(
            "7692-binary",
            "Reads a compressed binary message",
            deflated(BINARY, compressed(&[b"\x00\xff\xfe"], 15).concat()),
            vec![SeenMessage { opcode: BINARY, payload: vec![0, 0xff, 0xfe] }],
        ),
        echo(
            "7692-megabyte",
            "Reads a message that grows from 1 KB to 1 MiB",
            deflated(BINARY, compressed(&[&zeros], 15).concat()),
            vec![SeenMessage { opcode: BINARY, payload: zeros.clone() }],
        ),
    ]
}

fn violations() -> Vec<Case> {
    let fails = |named: (&str, &'static str), title: &str, bytes: Vec<u8>| {
        case(Must, named, title, ("permessage-deflate", bytes, DeflateReaction::Failure))
    };
    let hello = compressed(&[b"Hello"], 15).concat();
    let first = |rsv| RawFrame::new(TEXT).rsv(rsv).fin(false);
    vec![
        fails(
            ("7692-rsv1-continuation", "RFC 7692, 6.1"),
            "Fails the connection on RSV1 in a continuation",
            [masked(first(RSV1).payload(&hello)), masked(RawFrame::new(CONTINUATION).rsv(RSV1))]
                .concat(),
        ),
        fails(
            ("7692-rsv1-ping", "RFC 7692, 6.1"),
            "Fails the connection on RSV1 in a Ping",
            masked(RawFrame::new(PING).rsv(RSV1).payload("ping")),
        ),
        fails(
            ("7692-rsv2", "RFC 6455, 5.2"),
            "Fails the connection on RSV2 in a compressed message",
            masked(RawFrame::new(TEXT).rsv(RSV1 | 0x20).payload(&hello)),
        ),
        fails(
            ("7692-invalid", "RFC 7692, 7.2.2"),
            "Fails the connection on data that is not DEFLATE",
            deflated(TEXT, b"\xff\xff\xff\xff"),
        ),
        fails(
            ("7692-utf8", "RFC 6455, 8.1"),
            "Fails the connection on compressed text that is not UTF-8",
            deflated(TEXT, compressed(&[b"\xff\xfe"], 15).concat()),
        ),
    ]
}

/// The bit of a compressed message.
const RSV1: u8 = 0x40;
/// The end of a flush, which a message is sent without.
const TAIL_BYTES: usize = 4;
