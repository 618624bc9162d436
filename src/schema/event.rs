//! The events of the schema, each with its own fields.

use super::{
    headers,
    scalar::{Base64, Hex, Seconds},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// An event, by the value of its `type` field.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// `request`: an HTTP request was sent.
    Request(Request<'a>),
    /// `response`: the answer to a request opened no session.
    Response(Response<'a>),
    /// `open`: a session was opened.
    Open(Box<Open<'a>>),
    /// `text`: a text message.
    Text(Message<'a>),
    /// `binary`: a binary message.
    Binary(Message<'a>),
    /// `ping`: a Ping frame.
    Ping(Control<'a>),
    /// `pong`: a Pong frame.
    Pong(Control<'a>),
    /// `close`: a Close frame.
    Close(Close<'a>),
    /// `frame`: a single frame.
    Frame(Box<Frame<'a>>),
    /// `violation`: the peer broke the protocol.
    Violation(Violation<'a>),
    /// `listening`: a server accepts connections.
    Listening(Listening<'a>),
    /// `refused`: a server gave a client no session.
    Refused(Refused<'a>),
    /// `gap`: the session was lost and will be opened again.
    Gap(Gap<'a>),
    /// `error`: the run failed.
    Error(Failure<'a>),
    /// `end`: the run ended, or the session of a server's client.
    End(Box<End<'a>>),
    /// An unknown type. Read only, never written.
    Unknown(Cow<'a, str>),
}

/// An HTTP request sent by this side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// URL of the request.
    pub url: Cow<'a, str>,
    /// HTTP method, such as GET.
    pub method: Cow<'a, str>,
    /// Path and query.
    #[serde(default)]
    pub target: Cow<'a, str>,
    /// Version number of HTTP.
    pub http: Cow<'a, str>,
    /// Header fields of the request.
    #[serde(default, deserialize_with = "headers::headers")]
    pub headers: Headers<'a>,
}

/// An answer that opened no session: a response, or bytes that are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response<'a> {
    /// Version number of HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Cow<'a, str>>,
    /// Status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Header fields.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "headers::some_headers"
    )]
    pub headers: Option<Headers<'a>>,
    /// Start of the bytes that are not a response, if it is valid UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// Start of the bytes that are not a response, if it is not valid UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
}

/// Header fields: names and values, in order.
pub type Headers<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// An opened session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open<'a> {
    /// Version of the schema.
    pub version: u64,
    /// URL of the session.
    pub url: Cow<'a, str>,
    /// Path and query of the request of a server's client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    /// Address of the peer.
    #[serde(default)]
    pub address: Option<Cow<'a, str>>,
    /// TLS version and cipher suite.
    #[serde(default)]
    pub tls: Option<Cow<'a, str>>,
    /// Protocol that TLS has selected for a server's client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Cow<'a, str>>,
    /// Server name that a server's client has sent in the TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<Cow<'a, str>>,
    /// Negotiated subprotocol.
    #[serde(default)]
    pub subprotocol: Option<Cow<'a, str>>,
    /// Parameters of permessage-deflate.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// Durations of the steps of opening.
    #[serde(default)]
    pub timing: OpenTiming,
    /// HTTP version that carries the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Cow<'a, str>>,
    /// Status code of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Header fields of the response.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "headers::some_headers"
    )]
    pub headers: Option<Headers<'a>>,
}

/// Compression parameters of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compression {
    /// Parameters of messages sent by this side.
    pub local: Side,
    /// Parameters of messages sent by the peer.
    pub remote: Side,
}

/// Compression parameters of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Base-2 logarithm of the window size.
    pub window_bits: u64,
    /// True if the window is kept from one message to the next.
    pub context_takeover: bool,
}

/// Durations of the steps of opening a session.
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

/// A message. A sent message has its content only if it is short, and never its wire size or number
/// of frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// Content of a text message.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// Content of a binary message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
    /// Length in bytes.
    pub size: u64,
    /// Bytes of frame payload that carried the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_size: Option<u64>,
    /// Number of frames that carried the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Text of a binary message, with `--decode`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub decoded: Option<Cow<'a, str>>,
}

/// A Ping or Pong frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control<'a> {
    /// Payload, if it is valid UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// Payload, if it is not valid UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
    /// Length of the payload in bytes.
    #[serde(default)]
    pub size: u64,
    /// Round-trip time, for a Pong that answers a Ping of this side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Seconds>,
}

/// A Close frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close<'a> {
    /// Close code; 1005 if the frame has none.
    pub code: u16,
    /// Close reason, often empty.
    pub reason: Cow<'a, str>,
    /// Registered name of the code.
    #[serde(default)]
    pub name: Cow<'a, str>,
}

/// A frame (RFC 6455, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<'a> {
    /// FIN bit.
    #[serde(default)]
    pub fin: bool,
    /// Reserved bits, as a three-bit number.
    #[serde(default)]
    pub rsv: u8,
    /// Numeric opcode.
    #[serde(default)]
    pub opcode: u8,
    /// Name of the opcode.
    #[serde(default)]
    pub name: Cow<'a, str>,
    /// MASK bit.
    #[serde(default)]
    pub masked: bool,
    /// Length of the payload; `None` if the header is truncated.
    #[serde(default)]
    pub size: Option<u64>,
    /// Length of header and payload.
    #[serde(default)]
    pub wire_size: u64,
    /// Number of the frame in its message, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u64>,
    /// Type of the message, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageKind>,
    /// True if the message is compressed.
    #[serde(default)]
    pub compressed: bool,
    /// Bytes of the header.
    pub header: Hex<'a>,
    /// Number of received bytes of the payload, if the frame is incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<u64>,
    /// Start of the payload, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// Start of the payload, if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64<'a>>,
}

/// Type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the types")]
pub enum MessageKind {
    Text,
    Binary,
}

/// A protocol violation by the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation<'a> {
    /// Description of the violation.
    pub message: Cow<'a, str>,
    /// RFC and section of the rule.
    pub section: Cow<'a, str>,
    /// Close code sent to the peer.
    #[serde(default)]
    pub code: u16,
}

/// The start of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening<'a> {
    /// Version of the schema.
    pub version: u64,
    /// URL at which clients connect.
    pub url: Cow<'a, str>,
    /// Pin of a certificate that was made for this run, in the form of `--pin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Cow<'a, str>>,
}

/// A connection that got no session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// Address of the client.
    pub address: Cow<'a, str>,
    /// Status of the response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Reason of the refusal.
    pub reason: Cow<'a, str>,
    /// The option that refused the request, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Cow<'a, str>>,
    /// Path and query of the request, if it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
}

/// The loss of a session that will be opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap<'a> {
    /// Reason for the loss.
    pub message: Cow<'a, str>,
}

/// The failure of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure<'a> {
    /// Exit status of the run.
    #[serde(default)]
    pub code: u64,
    /// Error message as printed on stderr.
    pub message: Cow<'a, str>,
    /// Hint as printed on stderr.
    #[serde(default)]
    pub hint: Option<Cow<'a, str>>,
}

/// The end of a run, by exit status or by signal, or of the session of a server's client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End<'a> {
    /// Exit status, unless a signal ended the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u64>,
    /// Number of the signal that ended the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<u64>,
    /// Code of the Close that a server's client sent; 1006 if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
    /// Reason of that Close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<Cow<'a, str>>,
    /// The side that sent the first Close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<ClosedBy>,
    /// Cause of the failure of a client's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'a, str>>,
    /// RFC and section of the rule that the client broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Cow<'a, str>>,
    /// Totals of received messages.
    #[serde(default)]
    pub received: Traffic,
    /// Totals of sent messages.
    #[serde(default)]
    pub sent: Traffic,
    /// Times of the run.
    #[serde(default)]
    pub timing: EndTiming,
}

/// The side that sent the first Close of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClosedBy {
    /// This side.
    Local,
    /// The peer.
    Remote,
}

/// Message totals of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Number of messages.
    pub messages: u64,
    /// Total length in bytes.
    pub size: u64,
    /// Bytes of frame payload that carried the messages.
    pub wire_size: u64,
    /// Number of sent messages that did not reach the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
}

/// Times of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndTiming {
    /// Time from the opening of the last session to its first message.
    pub first_message: Option<Seconds>,
    /// Duration of the run, or of the session of a server's client.
    pub total: Seconds,
}
