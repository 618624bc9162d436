//! Builders of checks of requests.

use crate::{
    mode::check::{
        answer::Answer,
        case::{Case, ExpectedAnswer, Probe, RequestProbe},
        draft::RequestDraft,
        judgement::Judgement,
    },
    schema::check::{CheckGroup, CheckLevel},
};

/// A request that opens a session.
pub(super) fn accepts(
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
pub(super) fn refuses(
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

/// A request whose answer has a rule of its own.
pub(super) fn judge(
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
