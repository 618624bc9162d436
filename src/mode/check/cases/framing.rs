//! Checks of frames, fragments, pings and pongs (RFC 6455, 5).

use crate::{
    mode::check::{
        case::{Case, FrameProbe, Probe, Reaction, text},
        frames::{
            BINARY, CLOSE, CONTINUATION, PING, PONG, SeenMessage, TEXT, close_body, fragment,
            frame, masked,
        },
        observed::ServerRule,
    },
    proto::raw::{Length, RawFrame},
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(fragments());
    cases.extend(pings());
    cases.extend(reserved());
    cases.extend(masks());
    cases.extend(wrong_lengths());
    cases.extend(control_frames());
    cases.extend(wrong_fragments());
    cases.extend(observed());
    cases
}

fn case(
    level: CheckLevel,
    (id, section): (impl Into<String>, &'static str),
    title: impl Into<String>,
    (parts, expects): (Vec<Vec<u8>>, Reaction),
) -> Case {
    let (consequence, fix) = match &expects {
        Reaction::Failure | Reaction::FailureCode(_) => (
            "The server goes on with a peer that breaks the protocol. It and a proxy in front of it \
             may disagree about where a message begins.",
            "Fail the connection: send a Close with code 1002 and close TCP.",
        ),
        Reaction::Echo(_) => (
            "Messages of some clients are lost or changed.",
            "Read frames of all lengths, and put fragments together as RFC 6455, 5.4 says.",
        ),
        Reaction::Pong(_) => (
            "Clients take the connection for lost and close it.",
            "Answer a Ping with a Pong that has the same payload, also between fragments.",
        ),
        Reaction::Tolerance | Reaction::Close(_) => (
            "Sessions of clients that follow the protocol end.",
            "Accept the frame, and go on with the session.",
        ),
    };
    Case {
        id: id.into(),
        group: CheckGroup::Framing,
        section,
        level,
        title: title.into(),
        consequence,
        fix,
        probe: Probe::Frames(FrameProbe { parts, expects }),
    }
}

/// Bytes that fail the connection.
fn fails(
    level: CheckLevel,
    named: (impl Into<String>, &'static str),
    title: impl Into<String>,
    frames: impl IntoIterator<Item = Vec<u8>>,
) -> Case {
    case(level, named, title, (joined(frames), Reaction::Failure))
}

/// Messages that come back.
fn echoes(
    named: (impl Into<String>, &'static str),
    title: impl Into<String>,
    frames: impl IntoIterator<Item = Vec<u8>>,
    expected: Vec<SeenMessage>,
) -> Case {
    case(Must, named, title, (joined(frames), Reaction::Echo(expected)))
}

/// Sends these frames at once.
fn joined(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    vec![frames.into_iter().flatten().collect()]
}

fn binary(payload: impl AsRef<[u8]>) -> SeenMessage {
    SeenMessage { opcode: BINARY, payload: payload.as_ref().to_vec() }
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

fn observed() -> Vec<Case> {
    let rules = [
        ("5.1-server-mask", "RFC 6455, 5.1", ServerRule::Unmasked, "Does not mask its frames"),
        ("5.2-server-rsv", "RFC 6455, 5.2", ServerRule::ReservedBits, "Sets no reserved bits"),
        ("5.2-server-opcode", "RFC 6455, 5.2", ServerRule::Opcodes, "Uses defined opcodes only"),
        (
            "5.2-server-length",
            "RFC 6455, 5.2",
            ServerRule::ShortestLength,
            "Sends payload lengths in their shortest form",
        ),
        (
            "5.5-server-control",
            "RFC 6455, 5.5",
            ServerRule::ControlFrames,
            "Sends control frames of at most 125 bytes, in one piece",
        ),
        (
            "5.4-server-fragments",
            "RFC 6455, 5.4",
            ServerRule::Fragments,
            "Sends the fragments of a message in order",
        ),
    ];
    let case = |(id, section, rule, title): (&str, _, _, &str)| Case {
        id: id.to_owned(),
        group: CheckGroup::Framing,
        section,
        level: Must,
        title: title.to_owned(),
        consequence: "Clients must fail the connection: browsers end the session with 1002 or 1006.",
        fix: "Encode frames as RFC 6455, 5.2 says; a server does not mask.",
        probe: Probe::Observed(rule),
    };
    rules.into_iter().map(case).collect()
}
