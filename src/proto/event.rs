//! Settings, events and the cause of the end of a connection.

use super::{close::Close, piece::Piece, violation::Violation};
use std::{num::NonZeroUsize, time::Duration};

/// Limits and timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The longest message accepted, in bytes after decompression; `u64::MAX` for no limit. A longer
    /// one fails the connection with 1009.
    pub max_message: u64,
    /// Time without a byte from the peer after which a keepalive ping is sent, and the interval at
    /// which it is repeated. `None` disables keepalive pings.
    pub ping_interval: Option<Duration>,
    /// Time without a byte from the peer, after a keepalive ping was written, until the peer is
    /// considered dead.
    pub ping_timeout: Option<Duration>,
    /// Time without a message in either direction until the session ends. The connection itself
    /// does not measure it: its driver does.
    pub idle_timeout: Option<Duration>,
    /// Limit on the time from the first Close to the end of the transport.
    pub close_timeout: Duration,
    /// The longest payload of a data frame that is sent. A longer message is sent in fragments,
    /// with control frames between them.
    pub fragment: NonZeroUsize,
    /// Compression level with permessage-deflate: 1 (fastest) to 9 (smallest).
    pub compress_level: u32,
    /// The length from which messages are compressed, in bytes.
    pub compress_min: u64,
    /// Accepts masked frames from a server, lengths that are not minimal, and text that is not UTF-8.
    /// Invalid text is replaced with U+FFFD.
    pub lenient: bool,
}

/// An event caused by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Part of a message, or a whole one.
    Message(Piece<'a>),
    /// A ping. The pong is already queued.
    Ping(&'a [u8]),
    /// A pong, solicited or not.
    Pong {
        /// The pong's payload.
        payload: &'a [u8],
        /// The round-trip time, if the pong answers one of our pings.
        rtt: Option<Duration>,
    },
    /// The peer's Close. Our answer is already queued; no event follows.
    Close(&'a Close),
    /// The peer broke a rule or exceeded a limit. Our Close is already queued; no event follows.
    Failed(Violation),
}

/// The reason why a connection ends. The first cause is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// We sent a Close first.
    LocalClose,
    /// The peer sent a Close first.
    RemoteClose(Close),
    /// The peer broke a rule; we failed the connection.
    Violation(Violation),
    /// The transport ended before a Close was received; reported as 1006.
    TransportEnded,
    /// No byte arrived after a keepalive ping within [`Settings::ping_timeout`].
    PongTimeout,
    /// Writing to the transport failed.
    SendFailed,
}
