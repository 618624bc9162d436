//! The vocabulary of scripts: `-x` and `--expect`, lines of jsonl input, and slash commands.

use super::{
    draft::{Content, Draft},
    matcher::Matcher,
};
use crate::proto::{Close, Kind};
use bytes::Bytes;
use std::time::Duration;

/// A step of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sends a message or control frame.
    Send(Outgoing),
    /// Sends a message that depends on earlier ones.
    Expand(Draft),
    /// Delays the actions after it.
    Wait(Duration),
    /// Delays the actions after it until a received message matches.
    Expect(Matcher),
}

impl Action {
    /// Returns the action that sends a message.
    pub fn message(kind: Kind, payload: impl Into<Vec<u8>>) -> Self {
        Self::Send(Outgoing::Message(kind, Bytes::from(payload.into())))
    }

    /// Reports whether the action sends a message.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Send(Outgoing::Message(..)) | Self::Expand(_))
    }
}

impl From<Draft> for Action {
    fn from(draft: Draft) -> Self {
        match draft.content {
            Content::Fixed(bytes) => Self::message(draft.kind, bytes),
            Content::Template(_) => Self::Expand(draft),
        }
    }
}

/// A message or control frame to send. Control payloads and close reasons are within the limits of
/// RFC 6455, 5.5, and close codes are sendable (7.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message of this type and payload. Clones share the payload.
    Message(Kind, Bytes),
    /// A ping with this payload (RFC 6455, 5.5.2).
    Ping(Vec<u8>),
    /// An unsolicited pong with this payload (RFC 6455, 5.5.3).
    Pong(Vec<u8>),
    /// A Close, which starts the closing handshake.
    Close(Close),
}
