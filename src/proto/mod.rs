//! The WebSocket protocol (RFC 6455, RFC 7692), sans-IO and for both roles.
//!
//! Nothing here knows a socket, a clock or a random source: bytes, [`Instant`]s and masking keys
//! are handed in, bytes and events come out, and nobody calls back up.
//!
//! | module | holds |
//! | --- | --- |
//! | [`handshake`] | what is offered and how an answer is judged, whatever carries it |
//! | [`extension`] | extensions: the grammar, and how permessage-deflate is agreed on |
//! | [`upgrade`] | the HTTP/1.1 carrier of the opening handshake: key, accept, heads |
//! | [`frame`] | the frame header and its rules |
//! | [`mask`] | masking and its keys |
//! | [`utf8`] | UTF-8 judged octet by octet, across fragments |
//! | [`message`] | incoming frames to pieces of messages |
//! | [`piece`] | pieces of messages, and whole messages where one is needed |
//! | [`outbox`] | outgoing messages to frames, and the bytes that wait for the transport |
//! | [`deflate`] | messages in and out of DEFLATE |
//! | [`tally`] | what has gone one way |
//! | [`close`] | close codes and reasons |
//! | [`codes`] | what close codes mean, also to applications that many meet |
//! | [`ping`] | the pings that wait for their pong |
//! | [`timer`] | deadlines as data |
//! | [`silence`] | how long nothing went either way before an end |
//! | [`trace`] | frames as they stand on the wire, for those who want to look |
//! | [`violation`] | the rules a peer can break |
//! | [`event`] | what a connection is given, and what it tells |
//! | [`connection`] | the state machine that owns all of the above |
//!
//! [`Instant`]: std::time::Instant

pub mod close;
pub mod codes;
pub mod connection;
pub mod deflate;
pub mod event;
pub mod extended;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod mask;
pub mod message;
pub mod outbox;
pub mod piece;
pub mod ping;
pub mod silence;
pub mod tally;
pub mod timer;
pub mod trace;
pub mod upgrade;
pub mod utf8;
pub mod violation;

pub use close::{Close, CloseCode};
pub use connection::Connection;
pub use event::{Cause, Event, Settings};
pub use frame::{Kind, Opcode};
pub use mask::Entropy;
pub use outbox::UsageError;
pub use piece::{Assembler, Piece};
pub use tally::Tally;
pub use violation::Violation;

/// Which side of the connection we play (RFC 6455, 5.1: it decides who masks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We opened the connection: our frames are masked, the peer's are not.
    Client,
    /// We accepted it: the peer's frames are masked, ours are not.
    Server,
}
