//! What a connection is given, and what it tells.

use super::{close::Close, piece::Piece, violation::Violation};
use std::time::Duration;

/// The limits and times of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The longest message taken, in bytes; `u64::MAX` for none. Over it: Close 1009.
    pub max_message: u64,
    /// Ping after this long without a byte from the peer, and again each time it passes.
    pub ping_interval: Option<Duration>,
    /// The peer is dead if no byte of any kind follows a keepalive ping for this long.
    pub ping_timeout: Option<Duration>,
    /// End the session after this long without a message either way.
    pub idle_timeout: Option<Duration>,
    /// How long an answer to our Close is waited for, and then the end of the transport.
    pub close_timeout: Duration,
    /// How hard to compress, where permessage-deflate was agreed on: 1 (fast) to 9 (small).
    pub compress_level: u32,
    /// Messages from this length on are compressed, in bytes.
    pub compress_min: u64,
}

/// What the peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Part of a message, or all of it.
    Message(Piece<'a>),
    /// A ping; it has been answered.
    Ping(&'a [u8]),
    /// A pong, and the round-trip time if it answers a ping of ours.
    Pong {
        /// What the pong carries.
        payload: &'a [u8],
        /// From our ping to this pong.
        rtt: Option<Duration>,
    },
    /// The peer's Close. It has been answered, and nothing follows it.
    Close(&'a Close),
    /// The peer broke a rule or passed a limit. It has been told so, and nothing follows.
    Failed(Violation),
}

/// Why the connection ends. The first cause stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// We sent a Close first.
    LocalClose,
    /// The peer sent a Close first.
    RemoteClose(Close),
    /// The peer broke a rule; we failed the connection.
    Violation(Violation),
    /// The transport ended and no Close had come (what 1006 stands for).
    TransportEnded,
    /// No sign of life after a keepalive ping.
    PongTimeout,
    /// The transport takes no more bytes.
    SendFailed,
}
