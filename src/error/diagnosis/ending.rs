//! The evidence at the end of a session that failed.

use super::{outside_frames::OutsideFrames, words::Words};
use crate::{
    connect::RequestPart,
    proto::{Close, Violation, codes::Dialect},
    session::{QuietPeriod, SessionContext, SessionError},
};
use std::time::Duration;

/// The end of a session.
#[derive(Debug)]
pub(in crate::error) struct Ending {
    end: End,
    /// Facts about a client's session.
    pub(super) context: Option<SessionContext>,
    /// The reason of the Close.
    words: Words,
}

#[derive(Debug)]
enum End {
    Close(Close),
    /// The transport ended or failed without a Close.
    Cut {
        quiet: Option<QuietPeriod>,
        inside_message: bool,
    },
    Violation {
        violation: Violation,
        bytes: Box<[u8]>,
    },
    PongTimeout,
    Other,
}

impl Ending {
    pub(in crate::error) fn new(error: &SessionError) -> Self {
        let (end, context) = match error {
            SessionError::Closed { close, context, .. }
            | SessionError::Unsent { close, context, .. } => (End::Close(close.clone()), context),
            SessionError::NoClose { quiet, inside_message, context, .. } => {
                (End::Cut { quiet: *quiet, inside_message: *inside_message }, context)
            }
            SessionError::Receive { quiet, context, .. } => {
                (End::Cut { quiet: *quiet, inside_message: false }, context)
            }
            SessionError::Send { context, .. } => {
                (End::Cut { quiet: None, inside_message: false }, context)
            }
            SessionError::Protocol { violation, bytes, context, .. } => {
                (End::Violation { violation: *violation, bytes: bytes.clone() }, context)
            }
            SessionError::PongTimeout { .. } => (End::PongTimeout, &None),
            _ => (End::Other, &None),
        };
        let words = match &end {
            End::Close(close) => Words::new([&*close.reason]),
            _ => Words::default(),
        };
        Self { end, context: context.as_deref().cloned(), words }
    }

    /// Returns the code of the server's Close; 0 if there is none or this side is the server.
    pub(super) fn code(&self) -> u16 {
        match &self.end {
            End::Close(close) if self.context.is_some() => close.code.into(),
            _ => 0,
        }
    }

    /// Reports whether the server closed with one of these codes.
    pub(super) fn closed(&self, codes: &[u16]) -> bool {
        codes.contains(&self.code())
    }

    /// Reports whether the connection ended without a Close.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.end, End::Cut { inside_message: false, .. })
    }

    /// Returns the silence before the end.
    pub(super) fn quiet(&self) -> Option<QuietPeriod> {
        if let End::Cut { quiet, .. } = &self.end { *quiet } else { None }
    }

    pub(super) fn is_pong_timeout(&self) -> bool {
        matches!(self.end, End::PongTimeout)
    }

    pub(super) fn violation(&self) -> Option<Violation> {
        if let End::Violation { violation, .. } = &self.end { Some(*violation) } else { None }
    }

    /// Returns what was sent instead of a frame, and a description of it.
    pub(super) fn outside_frames(&self) -> Option<(OutsideFrames, String)> {
        let End::Violation { violation, bytes } = &self.end else { return None };
        let found = OutsideFrames::of(*violation, bytes)?;
        Some((found, found.sentence(bytes)))
    }

    /// Reports whether a message is compressed although compression was not negotiated.
    pub(super) fn is_compressed_frame(&self) -> bool {
        match &self.end {
            End::Violation { violation: Violation::ReservedBits(0x40), bytes } => {
                bytes.first().is_some_and(|first| matches!(first & 0x0f, 1 | 2))
            }
            _ => false,
        }
    }

    /// Reports whether the reason contains one of these phrases.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        self.words.say(phrases)
    }

    /// Reports whether a line of the reason has both one of `subjects` and one of `verdicts`.
    pub(super) fn says_that(&self, subjects: &[&str], verdicts: &[&str]) -> bool {
        self.words.say_that(subjects, verdicts)
    }

    /// Reports whether the reason adds nothing to the code.
    pub(super) fn is_unexplained(&self) -> bool {
        let End::Close(close) = &self.end else { return true };
        let words = close.reason.trim().trim_end_matches(['.', '!']).to_lowercase();
        words.is_empty() || GENERIC_REASONS.contains(&&*words) || close.code.name() == words
    }

    /// Returns the protocol that defines the code.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.context.as_ref().and_then(SessionContext::dialect)
    }

    /// Returns the subprotocol that the server selected.
    pub(super) fn subprotocol(&self) -> Option<&str> {
        self.context.as_ref().and_then(|it| it.subprotocol.as_deref())
    }

    /// Reports whether this subprotocol was requested.
    pub(super) fn requested(&self, name: &str) -> bool {
        let requested = self.context.as_ref().map(|it| it.request.subprotocols.as_slice());
        requested.unwrap_or_default().iter().any(|it| it == name)
    }

    /// Reports whether the request had this part.
    pub(super) fn requests(&self, part: RequestPart) -> bool {
        self.context.as_ref().is_some_and(|it| it.request.has(part))
    }

    /// Reports whether the path or query contains this, in lower case.
    pub(super) fn resource_has(&self, part: &str) -> bool {
        let context = self.context.as_ref();
        context.is_some_and(|it| it.request.target.resource.to_ascii_lowercase().contains(part))
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.context.as_ref().is_some_and(|it| it.compression)
    }

    /// Reports whether the server sent no message. A server that rejects the request sends none.
    pub(super) fn nothing_received(&self) -> bool {
        self.context.as_ref().is_some_and(|it| it.received == 0)
    }

    /// Reports whether the server closed right after the opening.
    pub(super) fn is_at_once(&self) -> bool {
        self.context.as_ref().is_some_and(|it| it.lasted <= REACTION_TIME)
    }

    /// Reports whether the reason is empty.
    pub(super) fn has_no_reason(&self) -> bool {
        matches!(&self.end, End::Close(close) if close.reason.trim().is_empty())
    }

    pub(super) fn sent_text(&self) -> bool {
        self.context.as_ref().is_some_and(|it| it.sent.text > 0)
    }

    pub(super) fn sent_binary(&self) -> bool {
        self.context.as_ref().is_some_and(|it| it.sent.binary > 0)
    }

    /// Reports whether the end came right after a message of ours.
    pub(super) fn is_after_our_message(&self) -> bool {
        let after = self.context.as_ref().and_then(|it| it.unanswered);
        after.is_some_and(|after| after <= REACTION_TIME)
    }
}

/// The longest time after a message, or after the opening, in which the end counts as a reaction to
/// it.
const REACTION_TIME: Duration = Duration::from_secs(2);
/// Reasons that repeat what a code means.
const GENERIC_REASONS: [&str; 12] = [
    "bye",
    "close",
    "closed",
    "closing",
    "connection closed",
    "error",
    "internal error",
    "internal server error",
    "policy",
    "policy violation",
    "protocol error",
    "unknown error",
];
