//! Checks of legal messages, pings and pongs.

use super::build::{binary, case, echoes, joined};
use crate::{
    mode::check::{
        case::{Case, Reaction, text},
        frames::{BINARY, CONTINUATION, PING, PONG, TEXT, fragment, frame, masked},
    },
    proto::raw::RawFrame,
    schema::check::CheckLevel::Must,
};

/// Returns the checks.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(fragments());
    cases.extend(pings());
    cases
}

fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let (letters, bytes) = (vec![b'*'; length], vec![0xfe; length]);
        let unit = if length == 1 { "byte" } else { "bytes" };
        cases.push(echoes(
            (format!("5.2-text-{length}"), "RFC 6455, 5.2"),
            format!("Receives a text message of {length} {unit}"),
            [frame(TEXT, &letters)],
            vec![text(&letters)],
        ));
        cases.push(echoes(
            (format!("5.2-binary-{length}"), "RFC 6455, 5.2"),
            format!("Receives a binary message of {length} {unit}"),
            [frame(BINARY, &bytes)],
            vec![binary(&bytes)],
        ));
    }
    let whole = frame(TEXT, "one byte at a time");
    let bytes = whole.iter().map(|byte| vec![*byte]).collect();
    let expected = Reaction::Echo(vec![text("one byte at a time")]);
    cases.push(case(
        Must,
        ("5.2-bytes", "RFC 6455, 5.2"),
        "Receives a frame that arrives byte by byte",
        (bytes, expected),
    ));
    let numbers: Vec<_> = (0..10).map(|number| format!("message {number}")).collect();
    cases.push(echoes(
        ("5.2-batch", "RFC 6455, 5.2"),
        "Receives ten messages that arrive at once, in order",
        numbers.iter().map(|number| frame(TEXT, number)),
        numbers.iter().map(text).collect(),
    ));
    cases.push(echoes(
        ("5.3-zero-key", "RFC 6455, 5.3"),
        "Receives a frame whose masking key is zero",
        [RawFrame::new(TEXT).mask([0; 4]).payload("zero key").encode()],
        vec![text("zero key")],
    ));
    cases.push(echoes(
        ("5.3-keys", "RFC 6455, 5.3"),
        "Uses the masking key of each frame",
        [
            RawFrame::new(TEXT).mask([1, 2, 3, 4]).payload("one").encode(),
            RawFrame::new(TEXT).mask([0xff, 0, 0xaa, 0x55]).payload("other").encode(),
        ],
        vec![text("one"), text("other")],
    ));
    cases
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn fragments() -> Vec<Case> {
    let section = "RFC 6455, 5.4";
    let letters = b"fragments of one byte";
    let single: Vec<_> = letters
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let opcode = if at == 0 { TEXT } else { CONTINUATION };
            let fin = at + 1 == letters.len();
            masked(RawFrame::new(opcode).fin(fin).payload([*byte]))
        })
        .collect();
    vec![
        echoes(
            ("5.4-two", section),
            "Puts two fragments together",
            [fragment(TEXT, "two "), frame(CONTINUATION, "fragments")],
            vec![text("two fragments")],
        ),
        echoes(
            ("5.4-binary", section),
            "Puts fragments of a binary message together",
            [fragment(BINARY, [0, 255]), fragment(CONTINUATION, [1]), frame(CONTINUATION, [254])],
            vec![binary([0, 255, 1, 254])],
        ),
        echoes(
            ("5.4-single-bytes", section),
            "Puts fragments of one byte together",
            single,
            vec![text(letters)],
        ),
        echoes(
            ("5.4-empty", section),
            "Receives a message of empty fragments",
            [fragment(TEXT, ""), fragment(CONTINUATION, ""), frame(CONTINUATION, "")],
            vec![text("")],
        ),
        echoes(
            ("5.4-empty-middle", section),
            "Receives an empty fragment between others",
            [fragment(TEXT, "a"), fragment(CONTINUATION, ""), frame(CONTINUATION, "b")],
            vec![text("ab")],
        ),
        echoes(
            ("5.4-empty-last", section),
            "Ends a message with an empty fragment",
            [fragment(TEXT, "ab"), frame(CONTINUATION, "")],
            vec![text("ab")],
        ),
        echoes(
            ("5.4-ping-between", section),
            "Receives a fragmented message with a Ping in between",
            [fragment(TEXT, "before "), frame(PING, "between"), frame(CONTINUATION, "after")],
            vec![text("before after")],
        ),
        echoes(
            ("5.4-pong-between", section),
            "Receives a fragmented message with a Pong in between",
            [fragment(TEXT, "before "), frame(PONG, "between"), frame(CONTINUATION, "after")],
            vec![text("before after")],
        ),
        case(
            Must,
            ("5.4-parts", section),
            "Puts fragments together that arrive with a pause",
            (
                vec![
                    fragment(TEXT, "first "),
                    fragment(CONTINUATION, "second "),
                    frame(CONTINUATION, "third"),
                ],
                Reaction::Echo(vec![text("first second third")]),
            ),
        ),
        echoes(
            ("5.4-two-messages", section),
            "Separates two fragmented messages",
            [
                fragment(TEXT, "a"),
                frame(CONTINUATION, "b"),
                fragment(BINARY, "c"),
                frame(CONTINUATION, "d"),
            ],
            vec![text("ab"), binary("cd")],
        ),
    ]
}

fn pings() -> Vec<Case> {
    let section = "RFC 6455, 5.5.2";
    let ping = |id: &str, title: &str, frames: Vec<Vec<u8>>, payload: &[u8]| {
        let expected = Reaction::Pong(payload.to_vec());
        case(Must, (id, section), title, (joined(frames), expected))
    };
    let longest = [b'p'; 125];
    let ten: Vec<_> = (0..10).map(|number| frame(PING, format!("ping {number}"))).collect();
    let tolerates = |id: &str, section, title: &str, frames: Vec<Vec<u8>>| {
        case(Must, (id, section), title, (joined(frames), Reaction::Tolerance))
    };
    let unsolicited = "RFC 6455, 5.5.3";
    vec![
        ping("5.5.2-ping-empty", "Answers a Ping without payload", vec![frame(PING, "")], b""),
        ping(
            "5.5.2-ping",
            "Answers a Ping with its payload",
            vec![frame(PING, "sockeye")],
            b"sockeye",
        ),
        ping(
            "5.5.2-ping-binary",
            "Answers a Ping whose payload is not text",
            vec![frame(PING, b"\0\xff\xfe\x80")],
            b"\0\xff\xfe\x80",
        ),
        ping("5.5.2-ping-125", "Answers a Ping of 125 bytes", vec![frame(PING, longest)], &longest),
        ping("5.5.2-ping-ten", "Answers the last of ten Pings", ten, b"ping 9"),
        ping(
            "5.5.2-ping-in-message",
            "Answers a Ping before a fragmented message ends",
            vec![fragment(TEXT, "not complete"), frame(PING, "now")],
            b"now",
        ),
        tolerates(
            "5.5.3-pong",
            unsolicited,
            "Ignores a Pong that it has not asked for",
            vec![frame(PONG, "unsolicited")],
        ),
        tolerates("5.5.3-pong-empty", unsolicited, "Ignores an empty Pong", vec![frame(PONG, "")]),
        tolerates(
            "5.5.3-pong-125",
            unsolicited,
            "Ignores a Pong of 125 bytes",
            vec![frame(PONG, longest)],
        ),
    ]
}
