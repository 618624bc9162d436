//! The part of the opening handshake that HTTP/1.1 and HTTP/2 share (RFC 6455, 4): heads, the
//! negotiation of subprotocol and extensions, and the faults of a response.
//! [`upgrade`](super::upgrade) carries it over HTTP/1.1, [`extended`](super::extended) over HTTP/2.

use super::{
    excerpt::Excerpt,
    extension::{
        answer::{self, ExtensionFault},
        list,
        offers::Offers,
        params::Deflate,
    },
};
pub use super::{
    fields::is_token,
    headers::{HeaderEdit, Headers},
};
use http::StatusCode;
use std::{error, fmt};

/// The version of HTTP that carries a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0, which has no upgrade.
    Http10,
    /// HTTP/1.1, carried by an upgrade (RFC 6455).
    #[default]
    Http11,
    /// HTTP/2, carried by an extended CONNECT (RFC 8441).
    Http2,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The HTTP version.
    pub version: Version,
    /// The request target: path and query.
    pub target: String,
    /// All header fields, in HTTP/2 including the pseudo-header fields.
    pub headers: Headers,
}

impl Request {
    /// Returns the host and port that the client asked for: `:authority` or Host.
    pub fn authority(&self) -> Option<&str> {
        self.headers.get(":authority").or_else(|| self.headers.get("Host"))
    }
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP version.
    pub version: Version,
    /// The status code.
    pub status: u16,
    /// The reason phrase: as received, or the registered one in HTTP/2.
    pub reason: String,
    /// All header fields.
    pub headers: Headers,
}

impl Version {
    /// Returns the version number alone.
    pub fn number(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }

    /// Returns the status that opens a session.
    pub fn accepting_status(self) -> StatusCode {
        if self == Self::Http2 { StatusCode::OK } else { StatusCode::SWITCHING_PROTOCOLS }
    }

    /// The method of an opening handshake.
    pub fn method(self) -> &'static str {
        if self == Self::Http2 { "CONNECT" } else { "GET" }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}", self.number())
    }
}

/// The outcome of a negotiation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The parameters of permessage-deflate, if it was negotiated.
    pub deflate: Option<Deflate>,
}

/// A fault in the server's response, for which the client fails the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFault {
    /// The response does not begin like HTTP/1: its first bytes, at most 80.
    NotHttp(Vec<u8>),
    /// The heads, including those of 1xx responses, exceed [`MAX_HEAD_BYTES`].
    HeadsTooLong,
    /// The head is malformed.
    Malformed {
        /// The rule that it breaks.
        cause: httparse::Error,
        /// The first header line that is not a field, if that is the cause.
        line: Option<String>,
    },
    /// Status 101 in HTTP/1.0, which has no upgrade.
    Http10,
    /// The Upgrade header, if any, is not `websocket`.
    Upgrade(Option<String>),
    /// The Connection header, if any, lacks the token `upgrade`.
    Connection(Option<String>),
    /// Sec-WebSocket-Accept does not match our key.
    Accept(BadAccept),
    /// The server chose a subprotocol that was not offered.
    Subprotocol(String),
    /// The server chose more than one subprotocol.
    Subprotocols,
    /// The extensions that the server chose are invalid.
    Extension(ExtensionFault),
}

/// A wrong Sec-WebSocket-Accept, by its likely origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAccept {
    /// The header is missing.
    Missing,
    /// Our key, echoed.
    Key,
    /// The value from the RFC's example (1.3).
    Example,
    /// Any other value.
    Other(String),
}

impl fmt::Display for ResponseFault {
    /// Writes a clause about the peer ("it"). The peer's words are truncated but not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(start) => {
                let start = String::from_utf8_lossy(start);
                let line = Excerpt(start.lines().next().unwrap_or_default());
                write!(f, "the response is not HTTP/1.1: '{line}'")
            }
            Self::HeadsTooLong => f.write_str("the response head exceeds 64 KiB"),
            Self::Malformed { cause, line: None } => write!(f, "malformed response head: {cause}"),
            Self::Malformed { cause, line: Some(line) } => {
                write!(f, "malformed response head: {cause}: '{}'", Excerpt(line))
            }
            Self::Http10 => f.write_str("101 in HTTP/1.0, which has no upgrade"),
            Self::Upgrade(None) => f.write_str("101 without an Upgrade header"),
            Self::Upgrade(Some(value)) => {
                write!(f, "101 with 'Upgrade: {}' instead of websocket", Excerpt(value))
            }
            Self::Connection(None) => f.write_str("101 without a Connection header"),
            Self::Connection(Some(value)) => {
                write!(f, "101 with 'Connection: {}' instead of Upgrade", Excerpt(value))
            }
            Self::Accept(BadAccept::Missing) => f.write_str("101 without Sec-WebSocket-Accept"),
            Self::Accept(BadAccept::Key) => {
                f.write_str("Sec-WebSocket-Accept is the request's key, not its hash")
            }
            Self::Accept(BadAccept::Example) => write!(
                f,
                "Sec-WebSocket-Accept '{EXAMPLE_ACCEPT}' matches the RFC's example key, not the \
                 request's"
            ),
            Self::Accept(BadAccept::Other(value)) => {
                write!(
                    f,
                    "Sec-WebSocket-Accept '{}' does not match the request's key",
                    Excerpt(value)
                )
            }
            Self::Subprotocol(name) => {
                write!(
                    f,
                    "the server selected the subprotocol '{}', which was not requested",
                    Excerpt(name)
                )
            }
            Self::Subprotocols => f.write_str("the server selected more than one subprotocol"),
            Self::Extension(fault) => fault.fmt(f),
        }
    }
}

impl error::Error for ResponseFault {}

/// Validates the subprotocol and the extensions in the response to a request with these headers
/// (4.1, items 5 and 6), whatever carries the handshake.
pub fn validate(request: &Headers, answer: &Headers) -> Result<Agreement, ResponseFault> {
    let deflate = answer::validate(request, answer).map_err(ResponseFault::Extension)?;
    let mut chosen = answer.all("Sec-WebSocket-Protocol").map(str::trim);
    let subprotocol = match (chosen.next(), chosen.next()) {
        (None, _) => None,
        (Some(_), Some(_)) => return Err(ResponseFault::Subprotocols),
        (Some(one), None) if request.list("Sec-WebSocket-Protocol").any(|asked| asked == one) => {
            Some(one.to_owned())
        }
        (Some(other), None) => return Err(ResponseFault::Subprotocol(other.to_owned())),
    };
    Ok(Agreement { subprotocol, deflate })
}

/// The subprotocols and extensions that a server supports.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The supported subprotocols.
    pub subprotocols: Subprotocols,
    /// The preferred parameters of permessage-deflate; `None` declines compression.
    pub compress: Option<Offers>,
}

/// The subprotocols that a server supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subprotocols {
    /// Any: the client's first one is chosen. A browser fails a session whose server chooses none
    /// of those it asked for.
    Any,
    /// These; their order does not matter.
    These(Vec<String>),
}

impl Default for Subprotocols {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Subprotocols {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::Any => is_token(name),
            Self::These(names) => names.iter().any(|ours| ours == name),
        }
    }
}

/// Chooses from a client's request, as a server (4.2.2): the client's first subprotocol that is
/// supported, and the extensions. Returns the choice and the header fields that announce it.
/// Fails with the value of a Sec-WebSocket-Extensions field that is malformed.
pub fn choose(request: &Headers, choices: &Choices) -> Result<(Agreement, Headers), String> {
    let mut answer = Headers::default();
    let subprotocol = request
        .list("Sec-WebSocket-Protocol")
        .find(|asked| choices.subprotocols.contains(asked))
        .map(ToOwned::to_owned);
    if let Some(subprotocol) = &subprotocol {
        answer.push("Sec-WebSocket-Protocol", subprotocol);
    }
    let offered = list::parse_fields(request).map_err(ToOwned::to_owned)?;
    let chosen = choices.compress.as_ref().and_then(|offers| offers.choose(&offered));
    let deflate = chosen.map(|(deflate, value)| {
        answer.push("Sec-WebSocket-Extensions", value);
        deflate
    });
    Ok((Agreement { subprotocol, deflate }, answer))
}

/// The Sec-WebSocket-Accept of the RFC's example (1.3).
pub const EXAMPLE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The limit on a request head, and on all heads of a response together, in bytes.
pub const MAX_HEAD_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subprotocol_must_be_offered_exactly_once() {
        let asked =
            Headers::of(&[("Sec-WebSocket-Protocol", "a, b"), ("sec-websocket-protocol", "c")]);
        let answer = |fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|v| ("Sec-WebSocket-Protocol", *v)).collect();
            validate(&asked, &Headers::of(&fields)).map(|agreement| agreement.subprotocol)
        };
        assert_eq!(answer(&[]), Ok(None));
        assert_eq!(answer(&["c"]), Ok(Some("c".into())));
        assert_eq!(answer(&["C"]), Err(ResponseFault::Subprotocol("C".into())));
        assert_eq!(answer(&["d"]), Err(ResponseFault::Subprotocol("d".into())));
        assert_eq!(answer(&["a, b"]), Err(ResponseFault::Subprotocol("a, b".into())));
        assert_eq!(answer(&["a", "b"]), Err(ResponseFault::Subprotocols));
        let chosen = |subprotocols: &[&str]| {
            let names = subprotocols.iter().map(|s| (*s).to_owned()).collect();
            let subprotocols = Subprotocols::These(names);
            choose(&asked, &Choices { subprotocols, compress: None }).unwrap().0.subprotocol
        };
        assert_eq!(chosen(&["c", "b"]), Some("b".into()));
        assert_eq!(chosen(&[]), None);
        let any = Choices { subprotocols: Subprotocols::Any, compress: None };
        assert_eq!(choose(&asked, &any).unwrap().0.subprotocol.as_deref(), Some("a"));
    }

    #[test]
    fn a_server_accepts_compression_unless_it_is_disabled() {
        let offer = Headers::of(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
        let choices = Choices { compress: Some(Offers::default()), ..Choices::default() };
        let (agreement, answer) = choose(&offer, &choices).unwrap();
        assert_eq!(answer, offer);
        assert_eq!(validate(&offer, &answer), Ok(agreement));
        let (agreement, answer) = choose(&offer, &Choices::default()).unwrap();
        assert_eq!((agreement.deflate, answer), (None, Headers::default()));
        let broken = Headers::of(&[("Sec-WebSocket-Extensions", "a b")]);
        assert_eq!(choose(&broken, &Choices::default()), Err("a b".to_owned()));
    }
}
