//! The vocabulary of scripts: `-x` and `--expect`, lines of jsonl input, and slash commands.

use super::matcher::Matcher;
use crate::proto::{Close, Kind};
use std::time::Duration;

/// A step of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sends something.
    Send(Outgoing),
    /// Performs nothing further for this long.
    Wait(Duration),
    /// Performs nothing further until a message matches.
    Expect(Matcher),
}

impl Action {
    /// Sends a message.
    pub fn message(kind: Kind, payload: impl Into<Vec<u8>>) -> Self {
        Self::Send(Outgoing::Message(kind, payload.into()))
    }

    /// Whether it sends a message.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Send(Outgoing::Message(..)))
    }
}

/// What a script sends. Payloads and reasons of control frames are within the limits of RFC 6455,
/// 5.5, and close codes may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message(Kind, Vec<u8>),
    /// A ping with this payload.
    Ping(Vec<u8>),
    /// An unsolicited pong with this payload.
    Pong(Vec<u8>),
    /// A Close, which begins the closing handshake.
    Close(Close),
}
