//! Requests whose answers have rules of their own.

use super::build::judge;
use crate::{
    mode::check::{
        answer::Answer,
        case::Case,
        draft::{EXTENSIONS, KEY, PROTOCOL, RequestDraft, VERSION},
        judgement::Judgement,
    },
    proto::{
        extension::parse_fields,
        handshake::{Headers, validate},
    },
    schema::check::CheckLevel::{Must, Should},
};

/// Returns the checks.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
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
