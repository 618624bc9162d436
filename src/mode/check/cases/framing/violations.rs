//! Checks of frames that break a rule.

use super::build::fails;
use crate::{
    mode::check::{
        case::Case,
        frames::{
            BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_body, fragment, frame, masked,
        },
    },
    proto::raw::{Length, RawFrame},
    schema::check::CheckLevel::{Must, Should},
};

/// Returns the checks.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = reserved();
    cases.extend(masks());
    cases.extend(wrong_lengths());
    cases.extend(control_frames());
    cases.extend(wrong_fragments());
    cases
}

fn reserved() -> Vec<Case> {
    let section = "RFC 6455, 5.2";
    let mut cases = Vec::new();
    let frames: [(&str, u8, &[u8]); 4] = [
        ("text", TEXT, b"reserved"),
        ("binary", BINARY, b"reserved"),
        ("ping", PING, b"reserved"),
        ("close", CLOSE, b"\x03\xe8"),
    ];
    for (name, opcode, payload) in frames {
        for (number, bit) in [(1, 0x40), (2, 0x20), (3, 0x10)] {
            cases.push(fails(
                Must,
                (format!("5.2-rsv{number}-{name}"), section),
                format!("Fails the connection on RSV{number} in a {name} frame"),
                [masked(RawFrame::new(opcode).rsv(bit).payload(payload))],
            ));
        }
    }
    cases.push(fails(
        Must,
        ("5.2-rsv-continuation", section),
        "Fails the connection on a reserved bit in a continuation",
        [fragment(TEXT, "a"), masked(RawFrame::new(CONTINUATION).rsv(0x20).payload("b"))],
    ));
    for opcode in (3..8).chain(11..16) {
        let kind = if opcode < 8 { "data" } else { "control" };
        cases.push(fails(
            Must,
            (format!("5.2-opcode-{opcode}"), section),
            format!("Fails the connection on the undefined {kind} opcode {opcode}"),
            [frame(opcode, "undefined")],
        ));
    }
    cases
}

fn masks() -> Vec<Case> {
    let kinds = [("text", TEXT), ("binary", BINARY), ("ping", PING), ("pong", PONG)];
    let mut cases: Vec<_> = kinds
        .into_iter()
        .map(|(name, opcode)| {
            fails(
                Must,
                (format!("5.1-unmasked-{name}"), "RFC 6455, 5.1"),
                format!("Fails the connection on a {name} frame without a mask"),
                [RawFrame::new(opcode).payload("unmasked").encode()],
            )
        })
        .collect();
    cases.push(fails(
        Must,
        ("5.1-unmasked-continuation", "RFC 6455, 5.1"),
        "Fails the connection on a continuation without a mask",
        [fragment(TEXT, "masked"), RawFrame::new(CONTINUATION).payload("unmasked").encode()],
    ));
    for case in &mut cases {
        case.consequence = "Scripts on web pages can choose the bytes that the server receives, and so \
                            poison the caches of proxies (RFC 6455, 10.3).";
    }
    cases
}

fn wrong_lengths() -> Vec<Case> {
    let section = "RFC 6455, 5.2";
    let wrong = |opcode, length, payload: &[u8]| {
        masked(RawFrame::new(opcode).length(length).payload(payload))
    };
    let filled = [b'*'; 300];
    let mut cases = vec![
        fails(
            Should,
            ("5.2-length-16", section),
            "Fails the connection on a length below 126 in 16 bits",
            [wrong(TEXT, Length::Bits16(5), b"Hello")],
        ),
        fails(
            Should,
            ("5.2-length-64", section),
            "Fails the connection on a length below 126 in 64 bits",
            [wrong(TEXT, Length::Bits64(5), b"Hello")],
        ),
        fails(
            Should,
            ("5.2-length-64-of-16", section),
            "Fails the connection on a length in 64 bits that fits 16",
            [wrong(BINARY, Length::Bits64(300), &filled)],
        ),
        fails(
            Should,
            ("5.2-length-top-bit", section),
            "Fails the connection on a length of 2^63 or more",
            [wrong(BINARY, Length::Bits64(1 << 63), b"")],
        ),
        fails(
            Should,
            ("5.2-length-all-bits", section),
            "Fails the connection on a length of 2^64 - 1",
            [wrong(BINARY, Length::Bits64(u64::MAX), b"")],
        ),
    ];
    for case in &mut cases {
        case.fix = "Require the shortest form of a length, and 0 as its top bit; fail the connection \
                    with 1002 otherwise.";
    }
    cases
}

fn control_frames() -> Vec<Case> {
    let section = "RFC 6455, 5.5";
    let long = [b'*'; 126];
    let close = close_body(1000, &[b'*'; 124]);
    let mut cases = Vec::new();
    let frames: [(&str, u8, &[u8]); 3] =
        [("ping", PING, &long), ("pong", PONG, &long), ("close", CLOSE, &close)];
    for (name, opcode, payload) in frames {
        cases.push(fails(
            Must,
            (format!("5.5-long-{name}"), section),
            format!("Fails the connection on a {name} frame of 126 bytes"),
            [frame(opcode, payload)],
        ));
    }
    let frames: [(&str, u8, &[u8]); 3] =
        [("ping", PING, b"a"), ("pong", PONG, b"a"), ("close", CLOSE, b"\x03\xe8")];
    for (name, opcode, payload) in frames {
        cases.push(fails(
            Must,
            (format!("5.5-fragmented-{name}"), section),
            format!("Fails the connection on a fragmented {name} frame"),
            [fragment(opcode, payload)],
        ));
    }
    cases
}

fn wrong_fragments() -> Vec<Case> {
    let section = "RFC 6455, 5.4";
    vec![
        fails(
            Must,
            ("5.4-continuation-first", section),
            "Fails the connection on a continuation of no message",
            [frame(CONTINUATION, "of nothing")],
        ),
        fails(
            Must,
            ("5.4-continuation-open", section),
            "Fails the connection on a continuation of no message that is not final",
            [fragment(CONTINUATION, "of nothing")],
        ),
        fails(
            Must,
            ("5.4-continuation-after", section),
            "Fails the connection on a continuation of a complete message",
            [frame(TEXT, "complete"), frame(CONTINUATION, "more")],
        ),
        fails(
            Must,
            ("5.4-text-inside", section),
            "Fails the connection on a text message within another message",
            [fragment(TEXT, "outer"), frame(TEXT, "inner")],
        ),
        fails(
            Must,
            ("5.4-binary-inside", section),
            "Fails the connection on a binary message within another message",
            [fragment(TEXT, "outer"), frame(BINARY, "inner")],
        ),
        fails(
            Must,
            ("5.4-fragment-inside", section),
            "Fails the connection on a first fragment within another message",
            [fragment(BINARY, "outer"), fragment(TEXT, "inner")],
        ),
    ]
}
