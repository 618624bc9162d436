//! The WebSocket protocol (RFC 6455, RFC 7692), sans-IO and for both roles.
//!
//! This module has no socket, clock or random source: bytes, [`Instant`]s and masking keys are
//! passed in, bytes and events are returned. It imports nothing else from the crate, and no two of
//! its files import each other. The public modules are those that a client or server built on it
//! needs, and those that benchmarks measure separately; modules without a link are internal.
//!
//! | module | holds |
//! | --- | --- |
//! | [`connection`] | the state machine of an open connection |
//! | [`event`] | its settings, its events and the cause of its end |
//! | [`message`] | the decoder: received frames to pieces of messages |
//! | [`outbox`] | the encoder: messages to frames, and the bytes queued for the transport |
//! | [`shared`] | messages for many peers, encoded once |
//! | [`deflate`] | compression and decompression of messages |
//! | [`piece`] | pieces of messages, and their assembly |
//! | [`utf8`] | incremental validation of UTF-8 |
//! | [`frame`] | the frame header and its rules |
//! | [`mask`] | masking and its keys |
//! | [`opcode`], [`role`] | opcodes, message types and the two sides of a connection |
//! | [`leg`] | the two connections of a proxy |
//! | [`close`], [`close_code`], [`codes`] | the body of a Close, its code, the registered and some private codes |
//! | [`violation`] | the rules that a peer can break |
//! | [`ping`], `timer`, `silence` | round-trip times, deadlines, idle time before an end |
//! | [`tally`] | counts of messages and bytes in one direction |
//! | [`trace`] | the frames of a byte stream for inspection, legal or not |
//! | [`raw`] | an encoder of illegal frames, for peers that break the protocol on purpose |
//! | [`raw_message`] | the frames of a byte stream as they are on the wire, to be changed |
//! | [`relay`] | the frames of a byte stream, passed on to another connection |
//! | [`body`] | bodies of HTTP/1.1 messages that are passed on |
//! | [`passing`] | header fields on their way through a proxy |
//! | [`handshake`] | the part of the opening handshake that all HTTP versions share |
//! | [`upgrade`], [`server_upgrade`] | the opening handshake over HTTP/1.1, as client and server |
//! | [`extended`] | the opening handshake over HTTP/2 |
//! | [`extension`] | the negotiation of permessage-deflate |
//! | `excerpt` | truncation of a peer's words in messages |
//! | `buffers` | buffers shared by the connections of a thread |
//! | `slice` | slicing with ranges in bounds by construction |
//! | [`headers`], `fields` | header fields and the grammar of their values |
//!
//! [`Instant`]: std::time::Instant

pub mod body;
pub(crate) mod buffers;
pub mod close;
pub mod close_code;
pub mod codes;
pub mod connection;
pub mod deflate;
pub mod event;
pub(crate) mod excerpt;
pub mod extended;
pub mod extension;
pub(crate) mod fields;
pub mod frame;
pub mod handshake;
pub mod headers;
pub mod leg;
pub mod lenience;
pub mod mask;
pub mod message;
pub mod opcode;
pub mod outbox;
pub mod passing;
pub mod piece;
pub mod ping;
pub mod raw;
pub mod raw_message;
pub mod recode;
pub mod relay;
pub mod request_fault;
pub mod role;
pub mod server_upgrade;
pub mod shared;
pub(crate) mod silence;
pub(crate) mod slice;
pub mod tally;
pub(crate) mod timer;
pub mod trace;
pub mod upgrade;
pub mod utf8;
pub mod violation;

pub use close::Close;
pub use close_code::CloseCode;
pub use connection::Connection;
pub use event::{Cause, Event, Settings};
pub use leg::Leg;
pub use mask::Entropy;
pub use opcode::{Kind, Opcode};
pub use outbox::UsageError;
pub use piece::{Assembler, Piece};
pub use role::Role;
pub use shared::SharedMessage;
pub use tally::Tally;
pub use violation::Violation;
