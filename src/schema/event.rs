//! The events, each with the fields that only it has.

use super::scalar::{Base64, Hex, Seconds};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// `request`.
    Request(Request<'a>),
    /// `open`.
    Open(Box<Open<'a>>),
    /// `text`.
    Text(Message<'a>),
    /// `binary`.
    Binary(Message<'a>),
    /// `ping`.
    Ping(Control<'a>),
    /// `pong`.
    Pong(Control<'a>),
    /// `close`.
    Close(Close<'a>),
    /// `frame`.
    Frame(Box<Frame<'a>>),
    /// `violation`.
    Violation(Violation<'a>),
    /// `gap`.
    Gap(Gap<'a>),
    /// `error`.
    Error(Failure<'a>),
    /// `end`.
    End(End),
    /// A type that is not known here; only ever read.
    Unknown(Cow<'a, str>),
}

/// A request of this side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// The URL.
    pub url: Cow<'a, str>,
    /// The method.
    pub method: Cow<'a, str>,
    /// Path and query.
    #[serde(default)]
    pub target: Cow<'a, str>,
    /// The version of HTTP, as a number.
    pub http: Cow<'a, str>,
    /// Names and values, in order.
    #[serde(default)]
    pub headers: Headers<'a>,
}

/// Header fields: names and values, in order.
pub type Headers<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open<'a> {
    /// The version of the schema.
    pub version: u64,
    /// The URL.
    pub url: Cow<'a, str>,
    /// The peer's address.
    #[serde(default)]
    pub address: Option<Cow<'a, str>>,
    /// TLS version and cipher suite.
    #[serde(default)]
    pub tls: Option<Cow<'a, str>>,
    /// The subprotocol that was chosen.
    #[serde(default)]
    pub subprotocol: Option<Cow<'a, str>>,
    /// The parameters of permessage-deflate.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// Duration of the steps of opening.
    #[serde(default)]
    pub timing: OpenTiming,
    /// The version of HTTP that carries the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Cow<'a, str>>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The header fields of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers<'a>>,
}

/// Compression, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compression {
    /// What this side sends.
    pub local: Side,
    /// What the peer sends.
    pub remote: Side,
}

/// Compression, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The base-2 logarithm of the window size.
    pub window_bits: u64,
    /// The window outlives a message.
    pub context_takeover: bool,
}

/// Duration of the steps of opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are those of the steps")]
pub struct OpenTiming {
    pub resolve: Seconds,
    pub connect: Seconds,
    pub proxy: Seconds,
    pub tls: Seconds,
    pub handshake: Seconds,
    pub total: Seconds,
}

/// A message. One of this side has its content only if it is short, and neither wire size nor frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// The content, if it is text.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// The content, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
    /// Its length in bytes.
    pub size: u64,
    /// Bytes of payload that carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_size: Option<u64>,
    /// Number of frames that carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
}

/// A ping or pong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control<'a> {
    /// The payload, if it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// The payload, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
    /// The length of the payload in bytes.
    #[serde(default)]
    pub size: u64,
    /// Of a pong that answers a ping of this side: the time in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Seconds>,
}

/// A Close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close<'a> {
    /// The close code; 1005 stands for none.
    pub code: u16,
    /// The reason, often empty.
    pub reason: Cow<'a, str>,
    /// The registered name of the code.
    #[serde(default)]
    pub name: Cow<'a, str>,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<'a> {
    /// Its fin bit.
    #[serde(default)]
    pub fin: bool,
    /// Its reserved bits, as a number of three bits.
    #[serde(default)]
    pub rsv: u8,
    /// Its opcode.
    #[serde(default)]
    pub opcode: u8,
    /// The name of its opcode.
    #[serde(default)]
    pub name: Cow<'a, str>,
    /// Its mask bit.
    #[serde(default)]
    pub masked: bool,
    /// The length of its payload; `None`: its header is cut.
    #[serde(default)]
    pub size: Option<u64>,
    /// The length of header and payload.
    #[serde(default)]
    pub wire_size: u64,
    /// Its number in its message, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u64>,
    /// The type of its message, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageKind>,
    /// Its message is compressed.
    #[serde(default)]
    pub compressed: bool,
    /// Its header.
    pub header: Hex<'a>,
    /// Of a frame that is not whole: bytes of its payload that were received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<u64>,
    /// The beginning of the payload, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// The beginning of the payload, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
}

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the types")]
pub enum MessageKind {
    Text,
    Binary,
}

/// A rule that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation<'a> {
    /// The fault.
    pub message: Cow<'a, str>,
    /// The RFC and its section.
    pub section: Cow<'a, str>,
    /// The close code that the peer is told.
    #[serde(default)]
    pub code: u16,
}

/// The loss of a session that is to be opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap<'a> {
    /// The reason.
    pub message: Cow<'a, str>,
}

/// The failure of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure<'a> {
    /// The exit status.
    #[serde(default)]
    pub code: u64,
    /// The error as stderr has it.
    pub message: Cow<'a, str>,
    /// The hint as stderr has it.
    #[serde(default)]
    pub hint: Option<Cow<'a, str>>,
}

/// The end of a run, by exit status or by signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u64>,
    /// The signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<u64>,
    /// Received messages.
    #[serde(default)]
    pub received: Traffic,
    /// Sent messages.
    #[serde(default)]
    pub sent: Traffic,
    /// Times of the run.
    #[serde(default)]
    pub timing: EndTiming,
}

/// The messages of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Number of messages.
    pub messages: u64,
    /// Their length in bytes.
    pub size: u64,
    /// Bytes of payload that carried them.
    pub wire_size: u64,
    /// Of sent ones: those that did not reach the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
}

/// Times of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndTiming {
    /// From the opening of the last session to its first message.
    pub first_message: Option<Seconds>,
    /// Of the whole run.
    pub total: Seconds,
}
