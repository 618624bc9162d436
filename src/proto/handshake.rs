//! The opening handshake without its carrier (RFC 6455, 4): headers, what is offered and accepted,
//! and everything that can be wrong with an answer. HTTP/1.1 carries it in [`upgrade`](super::upgrade),
//! HTTP/2 in [`extended`](super::extended).

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
use std::{error, fmt};

/// The version of HTTP that carries a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0, which has no upgrade.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
    /// HTTP/2.
    Http2,
}

/// A request head, as it is sent or as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Of HTTP.
    pub version: Version,
    /// Path and query.
    pub target: String,
    /// All header fields; of HTTP/2 the pseudo-header fields too.
    pub headers: Headers,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Of HTTP.
    pub version: Version,
    /// The status code.
    pub status: u16,
    /// The reason phrase: as it came, or as it is registered.
    pub reason: String,
    /// All header fields.
    pub headers: Headers,
}

impl Version {
    /// Its number alone.
    pub fn number(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
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

/// What both sides agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The subprotocol the server chose.
    pub subprotocol: Option<String>,
    /// How messages are compressed, if they may be.
    pub deflate: Option<Deflate>,
}

/// What is wrong with the server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not begin as HTTP/1; its first bytes.
    NotHttp(Vec<u8>),
    /// The heads, 1xx answers included, are over [`MAX_HEADS`] bytes.
    HeadsTooLong,
    /// The head is no well-formed HTTP.
    Malformed(httparse::Error),
    /// 101 in HTTP/1.0, which has no upgrade.
    Http10,
    /// No Upgrade header with the token `websocket`; what it said.
    Upgrade(Option<String>),
    /// No Connection header with the token `upgrade`; what it said.
    Connection(Option<String>),
    /// Sec-WebSocket-Accept is not the answer to our key.
    Accept(BadAccept),
    /// A subprotocol we did not ask for.
    Subprotocol(String),
    /// More than one subprotocol.
    Subprotocols,
    /// The extensions it chose.
    Extension(ExtensionFault),
}

/// What can be in the place of the answer to our key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAccept {
    /// Nothing.
    Missing,
    /// The key itself.
    Key,
    /// The answer to the key in the RFC's example (1.3).
    Example,
    /// The answer to another key, or none at all.
    Other(String),
}

impl fmt::Display for Refusal {
    /// Writes a clause about the peer ("it"). What the peer wrote is cut and not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(start) => {
                let start = String::from_utf8_lossy(start);
                let line = Excerpt(start.lines().next().unwrap_or_default());
                write!(f, "its answer is not HTTP/1.1: '{line}'")
            }
            Self::HeadsTooLong => f.write_str("the head of its answer is over 64 KiB"),
            Self::Malformed(cause) => write!(f, "the head of its answer is malformed: {cause}"),
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
                f.write_str("Sec-WebSocket-Accept is our own key, not the answer to it")
            }
            Self::Accept(BadAccept::Example) => write!(
                f,
                "Sec-WebSocket-Accept '{EXAMPLE_ACCEPT}' is the answer to the RFC's example, not \
                 to our key"
            ),
            Self::Accept(BadAccept::Other(value)) => {
                write!(f, "Sec-WebSocket-Accept '{}' is not the answer to our key", Excerpt(value))
            }
            Self::Subprotocol(name) => {
                write!(f, "it chose the subprotocol '{}', never asked for", Excerpt(name))
            }
            Self::Subprotocols => f.write_str("it chose more than one subprotocol"),
            Self::Extension(fault) => fault.fmt(f),
        }
    }
}

impl error::Error for Refusal {}

/// Judges what the carriers have in common: the subprotocol and the extensions in an answer to a
/// request with these headers (4.1, items 5 and 6).
pub fn judge(request: &Headers, answer: &Headers) -> Result<Agreed, Refusal> {
    let deflate = answer::judge(request, answer).map_err(Refusal::Extension)?;
    let mut chosen = answer.all("Sec-WebSocket-Protocol").map(str::trim);
    let subprotocol = match (chosen.next(), chosen.next()) {
        (None, _) => None,
        (Some(_), Some(_)) => return Err(Refusal::Subprotocols),
        (Some(one), None) if request.list("Sec-WebSocket-Protocol").any(|asked| asked == one) => {
            Some(one.to_owned())
        }
        (Some(other), None) => return Err(Refusal::Subprotocol(other.to_owned())),
    };
    Ok(Agreed { subprotocol, deflate })
}

/// What a server has to choose from.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The subprotocols it speaks.
    pub subprotocols: Vec<String>,
    /// What it asks for when a client offers compression; `None`: that there is none.
    pub compress: Option<Offers>,
}

/// The server's side of the same (4.2.2): the first subprotocol the client asks for that we have,
/// and the extensions. Also the header fields that tell the client, and the line of its request
/// that is not well-formed.
pub fn choose(request: &Headers, choices: &Choices) -> Result<(Agreed, Headers), String> {
    let mut answer = Headers::default();
    let subprotocol = request
        .list("Sec-WebSocket-Protocol")
        .find(|asked| choices.subprotocols.iter().any(|ours| ours == asked))
        .map(ToOwned::to_owned);
    if let Some(subprotocol) = &subprotocol {
        answer.push("Sec-WebSocket-Protocol", subprotocol);
    }
    let offered = list::listed(request).map_err(ToOwned::to_owned)?;
    let chosen = choices.compress.as_ref().and_then(|offers| offers.choose(&offered));
    let deflate = chosen.map(|(deflate, value)| {
        answer.push("Sec-WebSocket-Extensions", value);
        deflate
    });
    Ok((Agreed { subprotocol, deflate }, answer))
}

/// The answer to the key in the RFC's example (1.3).
pub const EXAMPLE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// All heads of an answer together may have this many bytes.
pub const MAX_HEADS: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in fields {
            headers.push(*name, *value);
        }
        headers
    }

    #[test]
    fn subprotocols() {
        let asked = headers(&[("Sec-WebSocket-Protocol", "a, b"), ("sec-websocket-protocol", "c")]);
        let answer = |fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|v| ("Sec-WebSocket-Protocol", *v)).collect();
            judge(&asked, &headers(&fields)).map(|agreed| agreed.subprotocol)
        };
        assert_eq!(answer(&[]), Ok(None));
        assert_eq!(answer(&["c"]), Ok(Some("c".into())));
        assert_eq!(answer(&["C"]), Err(Refusal::Subprotocol("C".into())));
        assert_eq!(answer(&["d"]), Err(Refusal::Subprotocol("d".into())));
        assert_eq!(answer(&["a, b"]), Err(Refusal::Subprotocol("a, b".into())));
        assert_eq!(answer(&["a", "b"]), Err(Refusal::Subprotocols));
        let chosen = |subprotocols: &[&str]| {
            let subprotocols = subprotocols.iter().map(|s| (*s).to_owned()).collect();
            choose(&asked, &Choices { subprotocols, compress: None }).unwrap().0.subprotocol
        };
        assert_eq!(chosen(&["c", "b"]), Some("b".into()));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_server_answers_an_offer_unless_told_not_to() {
        let offer = headers(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
        let choices = Choices { subprotocols: vec![], compress: Some(Offers::default()) };
        let (agreed, answer) = choose(&offer, &choices).unwrap();
        assert_eq!(answer, offer);
        assert_eq!(judge(&offer, &answer), Ok(agreed));
        let (agreed, answer) = choose(&offer, &Choices::default()).unwrap();
        assert_eq!((agreed.deflate, answer), (None, Headers::default()));
        let broken = headers(&[("Sec-WebSocket-Extensions", "a b")]);
        assert_eq!(choose(&broken, &Choices::default()), Err("a b".to_owned()));
    }
}
