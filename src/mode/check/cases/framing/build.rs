//! Builders of checks of frames.

use crate::{
    mode::check::{
        case::{Case, FrameProbe, Probe, Reaction},
        frames::{BINARY, SeenMessage},
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Must},
    },
};

/// A check of frames, with the words for what is expected.
pub(super) fn case(
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
pub(super) fn fails(
    level: CheckLevel,
    named: (impl Into<String>, &'static str),
    title: impl Into<String>,
    frames: impl IntoIterator<Item = Vec<u8>>,
) -> Case {
    case(level, named, title, (joined(frames), Reaction::Failure))
}

/// Messages that come back.
pub(super) fn echoes(
    named: (impl Into<String>, &'static str),
    title: impl Into<String>,
    frames: impl IntoIterator<Item = Vec<u8>>,
    expected: Vec<SeenMessage>,
) -> Case {
    case(Must, named, title, (joined(frames), Reaction::Echo(expected)))
}

/// Sends these frames at once.
pub(super) fn joined(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    vec![frames.into_iter().flatten().collect()]
}

/// Returns a binary message.
pub(super) fn binary(payload: impl AsRef<[u8]>) -> SeenMessage {
    SeenMessage { opcode: BINARY, payload: payload.as_ref().to_vec() }
}
