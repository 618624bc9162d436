//! Checks of the encoding of text (RFC 6455, 8.1; RFC 3629).

use crate::{
    mode::check::{
        case::{Case, FrameProbe, Probe, Reaction, text},
        frames::{BINARY, CONTINUATION, SeenMessage, TEXT, fragment, frame},
        observed::ServerRule,
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = valid();
    cases.extend(invalid());
    cases.extend(invalid_fragments());
    cases.push(Case {
        probe: Probe::Observed(ServerRule::Utf8),
        consequence: "Clients must fail the connection: browsers end the session with 1007 or 1006.",
        fix: "Send text messages in UTF-8, and other data as binary messages.",
        ..case(Must, "8.1-server-utf8", "Sends text in UTF-8", Vec::new(), Reaction::Failure)
    });
    cases
}

fn case(
    level: CheckLevel,
    id: impl Into<String>,
    title: impl Into<String>,
    parts: Vec<Vec<u8>>,
    expects: Reaction,
) -> Case {
    let (consequence, fix) = match &expects {
        Reaction::Failure | Reaction::FailureCode(_) => (
            "Invalid text reaches the application, and other clients if it is passed on: their \
             connections fail.",
            "Validate text messages, fragment by fragment, and fail the connection with code 1007.",
        ),
        _ => (
            "Texts of some languages, or with some symbols, are lost or end the session.",
            "Validate UTF-8 over the whole message rather than in each fragment.",
        ),
    };
    Case {
        id: id.into(),
        group: CheckGroup::Utf8,
        section: "RFC 6455, 8.1",
        level,
        title: title.into(),
        consequence,
        fix,
        probe: Probe::Frames(FrameProbe { parts, expects }),
    }
}

fn valid() -> Vec<Case> {
    let texts = [
        ("ascii", "ASCII", "plain text"),
        ("two", "characters of two bytes", "\u{80} \u{e9} \u{7ff}"),
        ("three", "characters of three bytes", "\u{800} \u{20ac} \u{ffff}"),
        ("four", "characters of four bytes", "\u{10000} \u{1f41f} \u{10ffff}"),
        ("greek", "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}", "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}"),
        ("nul", "U+0000", "a\u{0}b"),
        ("controls", "control characters", "\u{1}\u{7}\u{8}\u{1b}\u{7f}"),
        ("bom", "a byte order mark", "\u{feff}text"),
        ("noncharacter", "noncharacters", "\u{fffe}\u{ffff}\u{fdd0}\u{1fffe}"),
        ("beside-surrogates", "U+D7FF and U+E000", "\u{d7ff}\u{e000}"),
    ];
    let mut cases: Vec<_> = texts
        .into_iter()
        .map(|(id, name, content)| {
            let parts = vec![frame(TEXT, content)];
            let expected = Reaction::Echo(vec![text(content)]);
            let id = format!("8.1-valid-{id}");
            case(Must, id, format!("Receives {name}"), parts, expected)
        })
        .collect();
    let fish = "\u{1f41f}";
    let split_fish = |at: usize| {
        let (start, end) = fish.as_bytes().split_at(at);
        vec![[fragment(TEXT, start), frame(CONTINUATION, end)].concat()]
    };
    for at in 1..4 {
        let parts = split_fish(at);
        cases.push(case(
            Must,
            format!("8.1-split-{at}"),
            format!("Receives a character that is split after {at} of its 4 bytes"),
            parts,
            Reaction::Echo(vec![text(fish)]),
        ));
    }
    let bytes: Vec<u8> = "\u{20ac}\u{1f41f}".bytes().collect();
    let mut single: Vec<_> = bytes
        .iter()
        .enumerate()
        .map(|(at, byte)| fragment(if at == 0 { TEXT } else { CONTINUATION }, [*byte]))
        .collect();
    single.push(frame(CONTINUATION, ""));
    cases.push(case(
        Must,
        "8.1-split-bytes",
        "Receives text in fragments of one byte",
        vec![single.concat()],
        Reaction::Echo(vec![text("\u{20ac}\u{1f41f}")]),
    ));
    let not_text = b"\xff\xfe\xc0\x80\xed\xa0\x80";
    let expected = SeenMessage { opcode: BINARY, payload: not_text.to_vec() };
    cases.push(case(
        Must,
        "8.1-binary",
        "Receives a binary message that is not UTF-8",
        vec![frame(BINARY, not_text)],
        Reaction::Echo(vec![expected]),
    ));
    cases
}

fn invalid() -> Vec<Case> {
    let texts: [(&str, &str, &[u8]); 19] = [
        ("ff", "the byte FF", b"a\xffb"),
        ("fe", "the byte FE", b"a\xfeb"),
        ("lone", "a continuation byte alone", b"a\x80b"),
        ("lone-last", "a continuation byte BF alone", b"a\xbfb"),
        ("cut-two", "a cut character of two bytes", b"a\xc3"),
        ("cut-three", "a cut character of three bytes", b"a\xe2\x82"),
        ("cut-four", "a cut character of four bytes", b"a\xf0\x9f\x90"),
        ("broken-two", "a character of two bytes without its end", b"\xc3a"),
        ("broken-three", "a character of three bytes without its end", b"\xe2\x82a"),
        ("overlong-two", "an overlong form of two bytes", b"\xc0\xaf"),
        ("overlong-three", "an overlong form of three bytes", b"\xe0\x80\xaf"),
        ("overlong-four", "an overlong form of four bytes", b"\xf0\x80\x80\xaf"),
        ("overlong-nul", "the overlong form of NUL", b"\xc0\x80"),
        ("surrogate", "the surrogate U+D800", b"\xed\xa0\x80"),
        ("surrogate-last", "the surrogate U+DFFF", b"\xed\xbf\xbf"),
        ("surrogates", "a pair of surrogates", b"\xed\xa0\xbd\xed\xb0\x9f"),
        ("beyond", "U+110000", b"\xf4\x90\x80\x80"),
        ("five", "a form of five bytes", b"\xf8\x88\x80\x80\x80"),
        ("latin-1", "Latin-1", b"caf\xe9 au lait"),
    ];
    let mut cases: Vec<_> = texts
        .into_iter()
        .map(|(id, name, content)| {
            let title = format!("Fails the connection on {name}");
            let parts = vec![frame(TEXT, content)];
            case(Must, format!("8.1-invalid-{id}"), title, parts, Reaction::Failure)
        })
        .collect();
    let mut long = vec![b'a'; 70_000];
    long.push(0xff);
    cases.push(case(
        Must,
        "8.1-invalid-late",
        "Fails the connection on FF at the end of a long text",
        vec![frame(TEXT, long)],
        Reaction::Failure,
    ));
    cases.push(Case {
        section: "RFC 6455, 7.4.1",
        consequence: "The client cannot tell the reason of the failure.",
        fix: "Send a Close with code 1007 when a text is not UTF-8.",
        ..case(
            Should,
            "7.4.1-code-1007",
            "Fails the connection on invalid text with code 1007",
            vec![frame(TEXT, b"\xff")],
            Reaction::FailureCode(&[1007]),
        )
    });
    cases
}

fn invalid_fragments() -> Vec<Case> {
    let fails = |level, id: &str, title: &str, frames: Vec<Vec<u8>>| {
        case(level, id, title, vec![frames.concat()], Reaction::Failure)
    };
    vec![
        fails(
            Must,
            "8.1-invalid-second",
            "Fails the connection on invalid text in a continuation",
            vec![fragment(TEXT, "valid"), frame(CONTINUATION, b"\xff")],
        ),
        fails(
            Must,
            "8.1-invalid-split",
            "Fails the connection on a split character that goes on wrongly",
            vec![fragment(TEXT, b"\xe2\x82"), frame(CONTINUATION, b"a")],
        ),
        fails(
            Must,
            "8.1-invalid-end",
            "Fails the connection if the last fragment ends within a character",
            vec![fragment(TEXT, "valid"), frame(CONTINUATION, b"\xf0\x9f")],
        ),
        fails(
            Must,
            "8.1-invalid-empty-end",
            "Fails the connection if an empty fragment ends a message within a character",
            vec![fragment(TEXT, b"\xe2\x82"), frame(CONTINUATION, b"")],
        ),
    ]
}
