//! The client's validation of the extensions in a response (RFC 6455, 4.1 and 9.1; RFC 7692, 7.1).

use super::{
    list::parse_fields,
    params::{BadParam, Deflate, NAME, Params},
};
use crate::proto::{excerpt::Excerpt, headers::Headers};
use std::fmt;

/// A fault in the extensions that a server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtensionFault {
    /// The header is malformed (RFC 6455, 9.1): its value.
    Malformed(String),
    /// The extension was not offered (RFC 6455, 4.1): its name.
    NotOffered(String),
    /// The extension was offered, with `-H`, but is not supported: its name.
    Unsupported(String),
    /// The extension was chosen twice: its name.
    Repeated(String),
    /// A parameter of permessage-deflate breaks a rule.
    Param(BadParam),
}

impl fmt::Display for ExtensionFault {
    /// Writes a clause about the peer ("it"). The peer's words are truncated but not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(line) => {
                write!(f, "malformed Sec-WebSocket-Extensions '{}'", Excerpt(line))
            }
            Self::NotOffered(name) => {
                write!(
                    f,
                    "the server selected the extension '{}', which was not offered",
                    Excerpt(name)
                )
            }
            Self::Unsupported(name) => {
                write!(
                    f,
                    "the server selected the extension '{}', which is not supported",
                    Excerpt(name)
                )
            }
            Self::Repeated(name) => {
                write!(f, "the server selected the extension '{}' twice", Excerpt(name))
            }
            Self::Param(bad) => write!(f, "the server accepted permessage-deflate with {bad}"),
        }
    }
}

/// Validates the extensions in the response to a request with these headers. Returns the negotiated
/// compression, if any.
pub fn validate(request: &Headers, answer: &Headers) -> Result<Option<Deflate>, ExtensionFault> {
    let chosen = parse_fields(answer).map_err(|line| ExtensionFault::Malformed(line.to_owned()))?;
    let offered = parse_fields(request).unwrap_or_default();
    for (i, extension) in chosen.iter().enumerate() {
        let name = extension.name.clone();
        if !offered.iter().any(|offer| offer.name == name) {
            return Err(ExtensionFault::NotOffered(name));
        }
        if name != NAME {
            return Err(ExtensionFault::Unsupported(name));
        }
        if i > 0 {
            return Err(ExtensionFault::Repeated(name));
        }
    }
    let Some(answer) = chosen.first() else { return Ok(None) };
    let answer = Params::parse(answer).map_err(ExtensionFault::Param)?;
    let (mut agreed, mut fault): (Option<Deflate>, _) = (None, None);
    // The response does not name the offer that it accepts. Any offer that it fits is valid, and
    // our promises in all of those are kept.
    for offer in offered.iter().filter(|offer| offer.name == NAME) {
        match Params::parse(offer).and_then(|offer| offer.agree(answer)) {
            Ok(fits) => {
                let agreed = agreed.get_or_insert(fits);
                agreed.client.window_bits = agreed.client.window_bits.min(fits.client.window_bits);
                agreed.client.keeps_context &= fits.client.keeps_context;
            }
            Err(bad) => fault = fault.or(Some(bad)),
        }
    }
    match (agreed, fault) {
        (None, Some(bad)) => Err(ExtensionFault::Param(bad)),
        (agreed, _) => Ok(agreed),
    }
}
