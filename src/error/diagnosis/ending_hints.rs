//! Parts of the rules for the end of a session: conditions, hints and the words that servers use.

use super::{ending::Ending, outside_frames::OutsideFrames};
use crate::{
    connect::RequestPart::{self, Credentials, Origin},
    error::{request::missing, text::short},
    escape::Escaped,
    proto::codes::Dialect,
};

pub(super) fn outside_frames(e: &Ending) -> String {
    e.outside_frames().map(|(_, sentence)| sentence).unwrap_or_default()
}

pub(super) fn is_http(e: &Ending) -> bool {
    matches!(e.outside_frames(), Some((OutsideFrames::HttpResponse(_), _)))
}

pub(super) fn is_graphql(e: &Ending) -> bool {
    e.dialect() == Some(Dialect::Graphql)
}

/// Reports whether a server that does not know the subprotocol may end the session in this way.
pub(super) fn is_refused(e: &Ending) -> bool {
    e.closed(&[1002, 1008, 4400, 4406]) || (e.is_cut() && e.quiet().is_none())
}

/// Reports whether the reason is about something other than the protocol that is spoken.
pub(super) fn is_about_more(e: &Ending) -> bool {
    !e.is_unexplained()
        && !e.says(&["protocol", "subprotocol", "invalid message", "not acceptable"])
}

/// Reports whether the subprotocol carries binary messages only.
pub(super) fn is_binary_subprotocol(e: &Ending) -> bool {
    e.subprotocol().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        BINARY_SUBPROTOCOLS.contains(&name.as_str())
            || BINARY_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    })
}

pub(super) fn subprotocol(e: &Ending) -> String {
    Escaped(&short(e.subprotocol().unwrap_or_default())).to_string()
}

pub(super) fn missing_parts(e: &Ending, parts: &[RequestPart]) -> String {
    let request = e.context.as_ref().map(|it| &it.request);
    request.and_then(|request| missing(request, parts)).unwrap_or_default()
}

pub(super) fn origin(e: &Ending) -> String {
    let Some(context) = &e.context else { return String::new() };
    let own = context.request.target.origin();
    if e.requests(Origin) {
        "pass another origin with -o: the server does not accept this one".into()
    } else {
        format!("pass an origin that the server accepts: -o {}", Escaped(&own))
    }
}

pub(super) fn subprotocol_hint(e: &Ending) -> String {
    if e.requests(RequestPart::Subprotocols) {
        "request another subprotocol with -s NAME".into()
    } else {
        "request a subprotocol with -s NAME".into()
    }
}

pub(super) fn credentials(e: &Ending) -> String {
    let options = "--auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE";
    if e.requests(Credentials) {
        "the server rejected the credentials".into()
    } else if e.sent_text() || e.sent_binary() {
        format!("authenticate with {options}, or in the first message, as the server expects it")
    } else {
        format!("authenticate with {options}")
    }
}

const BINARY_SUBPROTOCOLS: [&str; 8] =
    ["amqp", "amqpwsb10", "binary", "mqtt", "mqttv3.1", "msgpack", "protobuf", "thrift"];
const BINARY_SUFFIXES: [&str; 4] = [".cbor", ".msgpack", "+protobuf", ".flatbuffers"];
pub(super) const TYPE_WORDS: &[&str] = &["binary", "text"];
pub(super) const ONLY_TEXT: &[&str] =
    &["only text", "text only", "text expected", "expected text", "must be text"];
pub(super) const FORMAT_WORDS: &[&str] = &[
    "bad message",
    "decode*",
    "expected json",
    "bad format",
    "invalid format",
    "wrong format",
    "invalid message",
    "json",
    "malformed",
    "parse*",
    "parsing",
    "syntax",
    "unexpected token",
    "unknown command",
    "unknown message",
    "unsupported message",
];
