//! Checks of the closing handshake (RFC 6455, 5.5.1 and 7).

use crate::{
    mode::check::{
        case::{Case, CloseRule, FrameProbe, Probe, Reaction},
        frames::{CLOSE, CONTINUATION, PING, TEXT, close_body, fragment, frame},
        observed::ServerRule,
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = answers();
    cases.extend(valid_codes());
    cases.extend(invalid_codes());
    cases.extend(invalid_bodies());
    cases.extend(order());
    cases.push(Case {
        probe: Probe::Observed(ServerRule::CloseBody),
        consequence: "Clients must fail the connection instead of closing it in order.",
        fix: "Send a code from 1000 to 1014 or from 3000 to 4999, and a reason in UTF-8.",
        ..case(
            Must,
            ("7.4-server-code", "RFC 6455, 7.4"),
            "Sends valid codes and reasons",
            Vec::new(),
            CloseRule::Answered,
        )
    });
    cases.push(Case {
        probe: Probe::Survival,
        consequence: "One client can end the service for all others.",
        fix: "Look for the crash in the log of the server, and handle the fault in the session only.",
        ..case(
            Must,
            ("7.1.7-survives", "RFC 6455, 10"),
            "Opens sessions after all checks",
            Vec::new(),
            CloseRule::Answered,
        )
    });
    cases
}

fn case(
    level: CheckLevel,
    (id, section): (impl Into<String>, &'static str),
    title: impl Into<String>,
    frames: impl IntoIterator<Item = Vec<u8>>,
    rule: CloseRule,
) -> Case {
    Case {
        id: id.into(),
        group: CheckGroup::Close,
        section,
        level,
        title: title.into(),
        consequence: "Clients wait for the end of the session, and report it as a loss (1006).",
        fix: "Answer a Close with a Close, then close TCP.",
        probe: Probe::Frames(FrameProbe {
            parts: vec![frames.into_iter().flatten().collect()],
            expects: Reaction::Close(rule),
        }),
    }
}

fn answers() -> Vec<Case> {
    let section = "RFC 6455, 5.5.1";
    let close = |body: &[u8]| vec![frame(CLOSE, body)];
    vec![
        case(
            Must,
            ("5.5.1-close", section),
            "Answers Close 1000 with a Close",
            close(&close_body(1000, b"")),
            CloseRule::Answered,
        ),
        case(
            Must,
            ("5.5.1-close-empty", section),
            "Answers a Close without a code",
            close(b""),
            CloseRule::Answered,
        ),
        case(
            Must,
            ("5.5.1-close-reason", section),
            "Answers a Close with a reason",
            close(&close_body(1000, "sockeye check \u{1f41f}".as_bytes())),
            CloseRule::Answered,
        ),
        case(
            Must,
            ("5.5.1-close-longest", section),
            "Answers a Close with a reason of 123 bytes",
            close(&close_body(1000, &[b'r'; 123])),
            CloseRule::Answered,
        ),
        Case {
            consequence: "The client cannot tell whether the server has understood the code.",
            fix: "Repeat the code of the Close in the answer.",
            ..case(
                Should,
                ("5.5.1-same-code", section),
                "Repeats the code of a Close",
                close(&close_body(1000, b"")),
                CloseRule::SameCode(Some(1000)),
            )
        },
        Case {
            fix: "Answer a Close before other work is done.",
            ..case(
                Should,
                ("5.5.1-soon", section),
                "Answers a Close within a second",
                close(&close_body(1000, b"")),
                CloseRule::Soon,
            )
        },
        Case {
            consequence: "Clients hold the connection, and its port, until they lose patience.",
            fix: "Close TCP as soon as a Close was sent and one received.",
            ..case(
                Must,
                ("7.1.1-server-ends", "RFC 6455, 7.1.1"),
                "Ends the connection after both Closes",
                close(&close_body(1000, b"")),
                CloseRule::EndsConnection,
            )
        },
    ]
}

fn valid_codes() -> Vec<Case> {
    let codes =
        [1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    let answered = |code: u16| {
        // 1012 to 1014 were registered after the RFC.
        let level = if (1012..=1014).contains(&code) { Should } else { Must };
        case(
            level,
            (format!("7.4-valid-{code}"), "RFC 6455, 7.4"),
            format!("Answers Close {code}"),
            vec![frame(CLOSE, close_body(code, b""))],
            CloseRule::Answered,
        )
    };
    codes.into_iter().map(answered).collect()
}

fn invalid_codes() -> Vec<Case> {
    let codes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
    let refused = |code: u16| {
        // Only these are forbidden by name for a Close that is sent.
        let level = if matches!(code, 1005 | 1006 | 1015) { Must } else { Should };
        Case {
            consequence: "The server sends a code that may not be sent, for which clients must fail \
                          the connection.",
            fix: "Fail the connection with 1002 if the code of a Close may not be sent.",
            ..case(
                level,
                (format!("7.4-invalid-{code}"), "RFC 6455, 7.4"),
                format!("Does not repeat the invalid code {code}"),
                vec![frame(CLOSE, close_body(code, b""))],
                CloseRule::NotRepeated(code),
            )
        }
    };
    codes.into_iter().map(refused).collect()
}

fn invalid_bodies() -> Vec<Case> {
    let invalid = close_body(1000, b"\xff\xfe");
    let refused = |id: (&str, &'static str), title: &str, body: Vec<u8>| Case {
        consequence: "The server sends a Close that clients must not accept.",
        fix: "Fail the connection with 1002 if a Close has one byte, and with 1007 if its reason is \
              not UTF-8.",
        ..case(Must, id, title, vec![frame(CLOSE, &body)], CloseRule::BodyNotRepeated(body))
    };
    vec![
        refused(
            ("5.5.1-one-byte", "RFC 6455, 5.5.1"),
            "Does not repeat a Close with a body of one byte",
            vec![3],
        ),
        refused(
            ("5.5.1-reason-utf8", "RFC 6455, 5.5.1"),
            "Does not repeat a reason that is not UTF-8",
            invalid,
        ),
        Case {
            consequence: "The client cannot tell the reason of the failure.",
            fix: "Send a Close with code 1002 when the peer breaks the protocol.",
            probe: Probe::Frames(FrameProbe {
                parts: vec![frame(0xb, "")],
                expects: Reaction::FailureCode(&[1002]),
            }),
            ..case(
                Should,
                ("7.4.1-code-1002", "RFC 6455, 7.4.1"),
                "Fails the connection with code 1002 when the protocol is broken",
                Vec::new(),
                CloseRule::Answered,
            )
        },
    ]
}

fn order() -> Vec<Case> {
    let normal = || frame(CLOSE, close_body(1000, b""));
    let section = "RFC 6455, 5.5.1";
    let after = "The session goes on for the server after it has ended for the client.";
    vec![
        Case {
            consequence: after,
            fix: "Send nothing after the Close.",
            ..case(
                Must,
                ("5.5.1-data-after", section),
                "Sends no message after its Close",
                vec![normal(), frame(TEXT, "after the Close")],
                CloseRule::NoDataAfter,
            )
        },
        Case {
            consequence: after,
            fix: "Discard what arrives after a Close.",
            ..case(
                Must,
                ("5.5.1-close-twice", section),
                "Answers two Closes with one",
                vec![normal(), normal()],
                CloseRule::Once,
            )
        },
        case(
            Must,
            ("5.5.1-ping-after", section),
            "Answers a Close that a Ping follows",
            vec![normal(), frame(PING, "after the Close")],
            CloseRule::Answered,
        ),
        case(
            Must,
            ("5.5.1-inside-message", section),
            "Answers a Close within a fragmented message",
            vec![fragment(TEXT, "not complete"), normal()],
            CloseRule::Accepted,
        ),
        case(
            Must,
            ("5.5.1-continuation-after", section),
            "Answers a Close that a continuation follows",
            vec![fragment(TEXT, "not complete"), normal(), frame(CONTINUATION, "late")],
            CloseRule::Answered,
        ),
    ]
}
