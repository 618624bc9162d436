//! The client's judgement of the extensions in an answer (RFC 6455, 4.1 and 9.1; RFC 7692, 7.1).

use super::{
    list::listed,
    params::{BadParam, Deflate, NAME, Params},
};
use crate::proto::{excerpt::Excerpt, headers::Headers};
use std::fmt;

/// What is wrong with the extensions in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtensionFault {
    /// The header is not well-formed (RFC 6455, 9.1).
    Malformed(String),
    /// One that was not offered (RFC 6455, 4.1).
    NotOffered(String),
    /// One that was offered, with `-H`, and that we do not speak.
    NotSpoken(String),
    /// The same one twice.
    Repeated(String),
    /// A parameter of permessage-deflate breaks a rule.
    Param(BadParam),
}

impl fmt::Display for ExtensionFault {
    /// Writes a clause about the peer ("it"). What the peer wrote is cut and not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(line) => {
                write!(f, "its Sec-WebSocket-Extensions '{}' is malformed", Excerpt(line))
            }
            Self::NotOffered(name) => {
                write!(f, "it chose the extension '{}', never offered", Excerpt(name))
            }
            Self::NotSpoken(name) => {
                write!(f, "it chose the extension '{}', which is not supported", Excerpt(name))
            }
            Self::Repeated(name) => {
                write!(f, "it chose the extension '{}' twice", Excerpt(name))
            }
            Self::Param(bad) => write!(f, "it answered permessage-deflate with {bad}"),
        }
    }
}

/// Judges the answer to a request with these headers.
pub fn judge(request: &Headers, answer: &Headers) -> Result<Option<Deflate>, ExtensionFault> {
    let chosen = listed(answer).map_err(|line| ExtensionFault::Malformed(line.to_owned()))?;
    let offered = listed(request).unwrap_or_default();
    for (i, extension) in chosen.iter().enumerate() {
        let name = extension.name.clone();
        if !offered.iter().any(|offer| offer.name == name) {
            return Err(ExtensionFault::NotOffered(name));
        }
        if name != NAME {
            return Err(ExtensionFault::NotSpoken(name));
        }
        if i > 0 {
            return Err(ExtensionFault::Repeated(name));
        }
    }
    let Some(answer) = chosen.first() else { return Ok(None) };
    let answer = Params::read(answer).map_err(ExtensionFault::Param)?;
    let (mut agreed, mut fault): (Option<Deflate>, _) = (None, None);
    // It does not say which offer it accepts: any it fits will do, and what we promise in any of
    // those we keep.
    for offer in offered.iter().filter(|offer| offer.name == NAME) {
        match Params::read(offer).and_then(|offer| offer.answered(answer)) {
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
