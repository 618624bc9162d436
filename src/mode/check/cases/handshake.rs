//! Checks of the opening handshake over HTTP/1.1 (RFC 6455, 4; RFC 9110; RFC 9112).

use crate::{
    mode::check::{
        answer::Answer,
        case::{Case, ExpectedAnswer, Probe, RequestProbe},
        draft::{EXTENSIONS, KEY, PROTOCOL, RequestDraft, VERSION},
        judgement::Judgement,
    },
    proto::{
        extension::parse_fields,
        handshake::{Headers, validate},
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(refused());
    cases.extend(judged());
    cases
}

/// A request that opens a session.
fn accepts(
    level: CheckLevel,
    (id, section): (&str, &'static str),
    title: &str,
    edit: fn(&mut RequestDraft),
) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Handshake,
        section,
        level,
        title: title.to_owned(),
        consequence: "Some clients, and clients behind some proxies, get no session.",
        fix: "Parse the request as HTTP does: names and tokens in any case, lists, and whitespace.",
        probe: Probe::Request(RequestProbe { edit, expects: ExpectedAnswer::Accepted }),
    }
}

/// A request that opens no session.
fn refuses(
    level: CheckLevel,
    (id, section): (&str, &'static str),
    title: &str,
    edit: fn(&mut RequestDraft),
) -> Case {
    Case {
        consequence: "A request that is not a valid opening handshake opens a session. Pages and \
                      proxies that cannot speak WebSocket can be made to send such requests.",
        fix: "Check each requirement of RFC 6455, 4.2.1, and answer with status 400 otherwise.",
        probe: Probe::Request(RequestProbe { edit, expects: ExpectedAnswer::Refused }),
        ..accepts(level, (id, section), title, edit)
    }
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn accepted() -> Vec<Case> {
    let token = "RFC 6455, 4.2.1";
    let fields = "RFC 9112, 5";
    vec![
        accepts(
            Must,
            ("4.2.2-accept", "RFC 6455, 4.2.2"),
            "Answers a valid request with 101",
            |_| {},
        ),
        accepts(
            Must,
            ("4.2.1-upgrade-case", token),
            "Accepts Upgrade: WebSocket in any case",
            |r| {
                r.set("Upgrade", "WebSocket");
            },
        ),
        accepts(Must, ("4.2.1-upgrade-upper", token), "Accepts Upgrade: WEBSOCKET", |r| {
            r.set("Upgrade", "WEBSOCKET");
        }),
        accepts(Must, ("4.2.1-connection-case", token), "Accepts Connection: upgrade", |r| {
            r.set("Connection", "upgrade");
        }),
        accepts(
            Must,
            ("4.2.1-connection-list", token),
            "Accepts Connection: keep-alive, Upgrade, as Firefox sends it",
            |r| r.set("Connection", "keep-alive, Upgrade"),
        ),
        accepts(
            Should,
            ("4.2.1-connection-lines", "RFC 9110, 5.3"),
            "Accepts the tokens of Connection on two lines",
            |r| {
                r.set("Connection", "keep-alive");
                r.add("Connection", "Upgrade");
            },
        ),
        accepts(
            Must,
            ("4.2.1-names-lower", "RFC 9110, 5.1"),
            "Accepts field names in lower case",
            |r| r.rename_fields(str::to_ascii_lowercase),
        ),
        accepts(
            Must,
            ("4.2.1-names-upper", "RFC 9110, 5.1"),
            "Accepts field names in upper case",
            |r| r.rename_fields(str::to_ascii_uppercase),
        ),
        accepts(
            Must,
            ("9112-no-space", fields),
            "Accepts fields without a space after the colon",
            |r| {
                r.set_line("Upgrade", "Upgrade:websocket");
                r.set_line("Connection", "Connection:Upgrade");
            },
        ),
        accepts(Must, ("9112-spaces", fields), "Ignores spaces and tabs around values", |r| {
            r.set_line("Upgrade", "Upgrade: \t websocket \t ");
            r.set_line("Connection", "Connection:   Upgrade  ");
        }),
        accepts(Must, ("9112-order", "RFC 9110, 5.3"), "Accepts fields in any order", |r| {
            for name in ["Upgrade", "Connection", KEY, VERSION] {
                r.move_to_front(name);
            }
        }),
        accepts(Must, ("9112-unknown-field", "RFC 9110, 5.1"), "Ignores unknown fields", |r| {
            r.add("X-Sockeye-Check", "1");
        }),
        accepts(Should, ("9112-many-fields", "RFC 9110, 5.4"), "Accepts 50 more fields", |r| {
            for number in 0..50 {
                r.add(&format!("X-Sockeye-{number}"), "1");
            }
        }),
        accepts(
            Should,
            ("9112-long-field", "RFC 9110, 5.4"),
            "Accepts a field of 4,000 bytes",
            |r| {
                r.add("X-Sockeye-Long", &"x".repeat(4000));
            },
        ),
        accepts(
            Must,
            ("9112-parts", "RFC 9112, 2.2"),
            "Accepts a head that arrives in parts",
            |r| {
                r.parts = 4;
            },
        ),
        accepts(
            Should,
            ("9112-empty-line", "RFC 9112, 2.2"),
            "Ignores an empty line before the request",
            |r| r.method = format!("\r\n{}", r.method),
        ),
        accepts(
            Must,
            ("4.2.1-protocol-unknown", "RFC 6455, 4.2.2"),
            "Accepts or ignores an additional subprotocol",
            |r| {
                let offered = r.get(PROTOCOL).map(|list| format!("{list}, ")).unwrap_or_default();
                r.set(PROTOCOL, &format!("{offered}sockeye.check.unknown"));
            },
        ),
        accepts(
            Must,
            ("9.1-extension-unknown", "RFC 6455, 9.1"),
            "Ignores an extension that it does not know",
            |r| r.set(EXTENSIONS, "x-sockeye-check; a=1; b=\"2\""),
        ),
        accepts(
            Should,
            ("9.1-extension-lines", "RFC 6455, 9.1"),
            "Accepts offers of extensions on two lines",
            |r| {
                r.set(EXTENSIONS, "x-sockeye-one");
                r.add(EXTENSIONS, "x-sockeye-two");
            },
        ),
        accepts(
            Should,
            ("7692-parameter-unknown", "RFC 7692, 5"),
            "Declines an offer with an unknown parameter, and opens the session",
            |r| r.set(EXTENSIONS, "permessage-deflate; x_sockeye_unknown=1"),
        ),
        accepts(Should, ("4.2.1-user-agent", "RFC 9110, 10.1.5"), "Needs no User-Agent", |r| {
            r.remove("User-Agent");
        }),
    ]
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn refused() -> Vec<Case> {
    let rule = "RFC 6455, 4.2.1";
    let key = "RFC 6455, 4.2.1";
    vec![
        refuses(Must, ("4.2.1-method", rule), "Refuses POST", |r| {
            "POST".clone_into(&mut r.method);
            r.add("Content-Length", "0");
        }),
        refuses(Must, ("4.2.1-http10", rule), "Refuses HTTP/1.0", |r| {
            "HTTP/1.0".clone_into(&mut r.version);
        }),
        refuses(Must, ("4.2.1-upgrade-absent", rule), "Refuses a request without Upgrade", |r| {
            r.remove("Upgrade");
        }),
        refuses(Must, ("4.2.1-upgrade-other", rule), "Refuses Upgrade: h2c", |r| {
            r.set("Upgrade", "h2c");
        }),
        refuses(
            Must,
            ("4.2.1-connection-absent", rule),
            "Refuses a request without Connection",
            |r| r.remove("Connection"),
        ),
        refuses(Must, ("4.2.1-connection-other", rule), "Refuses Connection: keep-alive", |r| {
            r.set("Connection", "keep-alive");
        }),
        refuses(
            Must,
            ("4.2.1-connection-part", rule),
            "Refuses a token of Connection that only contains the word upgrade",
            |r| r.set("Connection", "x-upgrade-x"),
        ),
        refuses(Must, ("4.2.1-key-absent", key), "Refuses a request without a key", |r| {
            r.remove(KEY);
        }),
        refuses(Must, ("4.2.1-key-empty", key), "Refuses an empty key", |r| r.set(KEY, "")),
        refuses(Should, ("4.2.1-key-short", key), "Refuses a key of 15 bytes", |r| {
            r.set(KEY, "c29ja2V5ZS1jaGVjay4=");
        }),
        refuses(Should, ("4.2.1-key-long", key), "Refuses a key of 17 bytes", |r| {
            r.set(KEY, "c29ja2V5ZS1jaGVjay0xNy4=");
        }),
        refuses(Should, ("4.2.1-key-encoding", key), "Refuses a key that is not base64", |r| {
            r.set(KEY, "~~not base64 at all~~~==");
        }),
        refuses(Should, ("11.3.1-key-twice", "RFC 6455, 11.3.1"), "Refuses two keys", |r| {
            r.add(KEY, "c29ja2V5ZS1jaGVjay0xNg==");
        }),
        refuses(
            Must,
            ("4.4-version-absent", "RFC 6455, 4.2.1"),
            "Refuses a missing version",
            |r| {
                r.remove(VERSION);
            },
        ),
        refuses(Must, ("4.4-version-0", "RFC 6455, 4.4"), "Refuses version 0", |r| {
            r.set(VERSION, "0");
        }),
        refuses(Must, ("4.4-version-99", "RFC 6455, 4.4"), "Refuses version 99", |r| {
            r.set(VERSION, "99");
        }),
        refuses(Must, ("4.4-version-word", "RFC 6455, 4.4"), "Refuses a version in words", |r| {
            r.set(VERSION, "thirteen");
        }),
        refuses(
            Must,
            ("9112-host-absent", "RFC 9112, 3.2"),
            "Refuses a request without Host",
            |r| {
                r.remove("Host");
            },
        ),
        refuses(Must, ("9112-host-twice", "RFC 9112, 3.2"), "Refuses two Host fields", |r| {
            let host = r.get("Host").unwrap_or_default();
            r.add("Host", &host);
        }),
        refuses(
            Must,
            ("9112-space-colon", "RFC 9112, 5.1"),
            "Refuses a space between a field name and its colon",
            |r| r.add_line("X-Sockeye-Check : 1"),
        ),
        refuses(Must, ("9110-nul", "RFC 9110, 5.5"), "Refuses NUL in a field", |r| {
            r.add_line(b"X-Sockeye-Check: a\0b".to_vec());
        }),
        refuses(
            Should,
            ("9112-no-colon", "RFC 9112, 5"),
            "Refuses a line that is not a field",
            |r| {
                r.add_line("this line has no colon");
            },
        ),
        refuses(
            Should,
            ("9.1-extension-malformed", "RFC 6455, 9.1"),
            "Refuses a malformed list of extensions",
            |r| r.set(EXTENSIONS, "=;=,;"),
        ),
    ]
}

/// A request whose answer has a rule of its own.
fn judge(
    level: CheckLevel,
    (id, section): (&str, &'static str),
    (title, consequence, fix): (&str, &'static str, &'static str),
    edit: fn(&mut RequestDraft),
    judged: fn(&RequestDraft, &Answer) -> Judgement,
) -> Case {
    Case {
        consequence,
        fix,
        probe: Probe::Request(RequestProbe { edit, expects: ExpectedAnswer::Judged(judged) }),
        ..accepts(level, (id, section), title, edit)
    }
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn judged() -> Vec<Case> {
    let unasked = "Clients must fail the connection: browsers get no session.";
    vec![
        judge(
            Must,
            ("4.2.2-version-list", "RFC 6455, 4.2.2"),
            (
                "Answers another version with the versions that it supports",
                "Clients of another version cannot find out which one to use.",
                "Answer with status 426 and Sec-WebSocket-Version: 13.",
            ),
            |r| r.set(VERSION, "99"),
            |_, answer| refusal(answer, |response| response.get(VERSION).is_some()),
        ),
        judge(
            Should,
            ("4.4-version-426", "RFC 6455, 4.4"),
            (
                "Answers another version with status 426",
                "Clients cannot tell this refusal from others.",
                "Answer with status 426 and Sec-WebSocket-Version: 13.",
            ),
            |r| r.set(VERSION, "99"),
            |_, answer| match answer.status() {
                Some(426) => Judgement::Holds(answer.to_string()),
                Some(101) | None => Judgement::Unknown(answer.to_string()),
                Some(_) => Judgement::Broken(answer.to_string()),
            },
        ),
        judge(
            Must,
            ("4.2.1-error-response", "RFC 6455, 4.2.1"),
            (
                "Answers an invalid request with an HTTP error",
                "Clients cannot tell an invalid request from a failure of the network.",
                "Answer with status 400 before the connection is closed.",
            ),
            |r| r.remove(KEY),
            |_, answer| match answer.status() {
                Some(101) => Judgement::Unknown(answer.to_string()),
                Some(400..) => Judgement::Holds(answer.to_string()),
                Some(_) | None => Judgement::Broken(answer.to_string()),
            },
        ),
        judge(
            Must,
            ("4.2.2-protocol-unasked", "RFC 6455, 4.2.2"),
            (
                "Selects no subprotocol if none was offered",
                unasked,
                "Send Sec-WebSocket-Protocol only with a value that the client has offered.",
            ),
            |r| r.remove(PROTOCOL),
            |draft, answer| acceptance(draft, answer, |_, fields| fields.get(PROTOCOL).is_none()),
        ),
        judge(
            Must,
            ("4.2.2-protocol-selected", "RFC 6455, 4.2.2"),
            (
                "Selects one of the offered subprotocols at most",
                unasked,
                "Send Sec-WebSocket-Protocol once, with one value that the client has offered.",
            ),
            |r| {
                let offered = r.get(PROTOCOL).map(|list| format!("{list}, ")).unwrap_or_default();
                r.set(PROTOCOL, &format!("{offered}sockeye.check.one, sockeye.check.two"));
            },
            |draft, answer| {
                acceptance(draft, answer, |offer, fields| validate(offer, fields).is_ok())
            },
        ),
        judge(
            Must,
            ("4.2.2-extension-unasked", "RFC 6455, 4.2.2"),
            (
                "Selects no extension if none was offered",
                unasked,
                "Send Sec-WebSocket-Extensions only in answer to an offer.",
            ),
            |r| r.remove(EXTENSIONS),
            |draft, answer| acceptance(draft, answer, |_, fields| fields.get(EXTENSIONS).is_none()),
        ),
        judge(
            Must,
            ("4.2.2-extension-unknown", "RFC 6455, 9.1"),
            (
                "Does not select an extension that it does not know",
                unasked,
                "Select only extensions that are implemented.",
            ),
            |r| r.set(EXTENSIONS, "x-sockeye-check"),
            |draft, answer| acceptance(draft, answer, |_, fields| fields.get(EXTENSIONS).is_none()),
        ),
        judge(
            Must,
            ("9.1-extension-answer", "RFC 6455, 9.1"),
            (
                "Answers an offer of permessage-deflate with valid parameters",
                "Browsers fail the connection.",
                "Answer only with parameters of RFC 7692, each once, with values in their range.",
            ),
            |r| r.set(EXTENSIONS, "permessage-deflate; client_max_window_bits"),
            |draft, answer| {
                acceptance(draft, answer, |offer, fields| {
                    parse_fields(fields).is_ok() && validate(offer, fields).is_ok()
                })
            },
        ),
    ]
}

/// Judges the answer to a request that is refused.
fn refusal(answer: &Answer, holds: fn(&Headers) -> bool) -> Judgement {
    match answer.response() {
        None => Judgement::Unknown(answer.to_string()),
        Some(response) if response.status == 101 => Judgement::Unknown(answer.to_string()),
        Some(response) if holds(&response.headers) => Judgement::Holds(answer.to_string()),
        Some(_) => Judgement::Broken(answer.to_string()),
    }
}

/// Judges the answer to a request that is accepted; `holds` has the fields of both.
fn acceptance(
    draft: &RequestDraft,
    answer: &Answer,
    holds: fn(&Headers, &Headers) -> bool,
) -> Judgement {
    let words = |fields: &Headers| {
        let shown = [PROTOCOL, EXTENSIONS]
            .into_iter()
            .filter_map(|name| fields.get(name).map(|value| format!(", {name}: {value}")));
        format!("{answer}{}", shown.collect::<String>())
    };
    match answer.response() {
        Some(response) if response.status == 101 => {
            let is_accepted = draft.is_accepted_by(response);
            if is_accepted && holds(&draft.headers(), &response.headers) {
                Judgement::Holds(words(&response.headers))
            } else {
                Judgement::Broken(words(&response.headers))
            }
        }
        _ => Judgement::Unknown(answer.to_string()),
    }
}
