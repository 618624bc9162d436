//! A check as data: its rule, what is sent, and what is expected.

use super::{
    answer::Answer,
    deflated::{DeflateProbe, DeflateReaction},
    draft::RequestDraft,
    frames::{SeenMessage, TEXT, opcodes},
    judgement::Judgement,
    observed::ServerRule,
    server::Server,
};
use crate::schema::check::{CheckGroup, CheckLevel};
use std::pin::Pin;

/// A check.
pub(crate) struct Case {
    /// The stable name: a section or a group, and a word.
    pub(crate) id: String,
    pub(crate) group: CheckGroup,
    /// The section of the RFC that has the rule.
    pub(crate) section: &'static str,
    pub(crate) level: CheckLevel,
    /// The rule: what the server does.
    pub(crate) title: String,
    /// What follows if the server does not.
    pub(crate) consequence: &'static str,
    /// What to change then.
    pub(crate) fix: &'static str,
    pub(crate) probe: Probe,
}

/// What is sent, and what is expected.
pub(crate) enum Probe {
    /// Bytes of a session.
    Frames(FrameProbe),
    /// Compressed frames.
    Deflate(DeflateProbe),
    /// The request of an opening handshake over HTTP/1.1.
    Request(RequestProbe),
    /// Exchanges that are made and judged by a function.
    Examined(Examination),
    /// The same, while no other check is made.
    Alone(Examination),
    /// The same in idle sessions, after all other checks.
    Idle(Examination),
    /// A rule for the frames that the server has sent in all other checks.
    Observed(ServerRule),
    /// A new session at the end of all checks.
    Survival,
}

/// A function that makes and judges exchanges.
pub(crate) type Examination =
    for<'a> fn(&'a Server) -> Pin<Box<dyn Future<Output = Judgement> + 'a>>;

/// Bytes to be sent in a new session, and the expected reaction.
pub(crate) struct FrameProbe {
    /// The bytes, each part by itself.
    pub(crate) parts: Vec<Vec<u8>>,
    pub(crate) expects: Reaction,
}

/// The expected reaction to frames.
pub(crate) enum Reaction {
    /// These messages come back, in this order.
    Echo(Vec<SeenMessage>),
    /// A Pong with this payload arrives.
    Pong(Vec<u8>),
    /// The server fails the connection: it sends a Close or ends the connection.
    Failure,
    /// The server sends a Close with one of these codes.
    FailureCode(&'static [u16]),
    /// The session goes on.
    Tolerance,
    /// A rule for the closing handshake holds.
    Close(CloseRule),
}

/// A rule for the closing handshake.
pub(crate) enum CloseRule {
    /// A Close arrives.
    Answered,
    /// A Close arrives that does not say that the client broke the protocol.
    Accepted,
    /// A Close with this code arrives.
    SameCode(Option<u16>),
    /// The server does not send a Close with this code, but fails the connection.
    NotRepeated(u16),
    /// The server does not send a Close with this body, but fails the connection.
    BodyNotRepeated(Vec<u8>),
    /// No data frame arrives after the server's Close, and these messages do not come back.
    NoDataAfter,
    /// The server sends one Close only.
    Once,
    /// The server ends the connection after both Closes.
    EndsConnection,
    /// The Close arrives soon.
    Soon,
}

/// A changed request, and the expected answer.
pub(crate) struct RequestProbe {
    /// Changes the request that opens a session.
    pub(crate) edit: fn(&mut RequestDraft),
    pub(crate) expects: ExpectedAnswer,
}

/// The expected answer to a request.
pub(crate) enum ExpectedAnswer {
    /// The session is opened.
    Accepted,
    /// The session is not opened.
    Refused,
    /// The answer is judged by a function.
    Judged(fn(&RequestDraft, &Answer) -> Judgement),
}

impl Case {
    /// Reports whether the check sends a message of this kind, which a server may not understand.
    pub(crate) fn sends(&self, opcode: u8) -> bool {
        match &self.probe {
            Probe::Frames(probe) => opcodes(&probe.parts.concat()).contains(&opcode),
            Probe::Deflate(probe) => opcodes(&probe.bytes).contains(&opcode),
            _ => false,
        }
    }

    /// Returns the messages that must come back.
    pub(crate) fn echoed(&self) -> &[SeenMessage] {
        match &self.probe {
            Probe::Frames(FrameProbe { expects: Reaction::Echo(messages), .. })
            | Probe::Deflate(DeflateProbe {
                expects: DeflateReaction::Echo(messages) | DeflateReaction::Window(messages),
                ..
            }) => messages,
            _ => &[],
        }
    }

    /// Reports whether the check needs permessage-deflate.
    pub(crate) fn is_compressed(&self) -> bool {
        matches!(self.probe, Probe::Deflate(_))
    }

    /// Reports whether the check is judged by an answer to a ping.
    pub(crate) fn needs_pong(&self) -> bool {
        let Probe::Frames(probe) = &self.probe else { return false };
        matches!(probe.expects, Reaction::Tolerance)
    }
}

/// Returns a text message.
pub(crate) fn text(payload: impl AsRef<[u8]>) -> SeenMessage {
    SeenMessage { opcode: TEXT, payload: payload.as_ref().to_vec() }
}
