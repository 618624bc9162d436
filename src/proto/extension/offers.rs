//! The user's offers of permessage-deflate, and a server's choice from a client's offers (RFC 7692,
//! 7.1).

use super::{
    list::{Extension, parse_one},
    params::{BadParam, CLIENT_BITS, ClientBits, Deflate, MIN_BITS, NAME, PARAMS, Params},
};
use crate::proto::fields;
use std::fmt;

/// The user's parameters of permessage-deflate: the offers of a client in order of preference, or the
/// preferred parameters of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    elements: Vec<String>,
    first: Params,
}

/// A fault in the user's offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferFault {
    /// The text is not a list of extensions.
    Malformed,
    /// The text names another extension: its name.
    Name(String),
    /// A parameter breaks a rule.
    Param(BadParam),
}

impl fmt::Display for OfferFault {
    /// Writes the fault. The user's text is not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("not a list of NAME or NAME=VALUE parameters separated by ;")
            }
            Self::Name(name) => {
                write!(f, "'{name}' is neither permessage-deflate nor one of its parameters")
            }
            Self::Param(bad) => bad.fmt(f),
        }
    }
}

impl Default for Offers {
    /// Returns the offer that browsers make.
    fn default() -> Self {
        let mut first = Params::default();
        first.client_max_window_bits = ClientBits::Any;
        Self { elements: vec![format!("{NAME}; {CLIENT_BITS}")], first }
    }
}

impl Offers {
    /// Parses comma-separated offers; each may omit the extension's name.
    pub fn parse(text: &str) -> Result<Self, OfferFault> {
        let mut offers = Self { elements: Vec::new(), first: Params::default() };
        for element in fields::split(text, ',') {
            let name = fields::split(element, ';').next().unwrap_or_default();
            let is_param = name.contains('=') || PARAMS.contains(&name);
            let element = match (element, is_param) {
                ("", _) => NAME.to_owned(),
                (params, true) => format!("{NAME}; {params}"),
                (whole, false) => whole.to_owned(),
            };
            let extension = parse_one(&element).ok_or(OfferFault::Malformed)?;
            if extension.name != NAME {
                return Err(OfferFault::Name(extension.name));
            }
            let params = Params::parse(&extension).map_err(OfferFault::Param)?;
            if offers.elements.is_empty() {
                offers.first = params;
            }
            offers.elements.push(extension.to_string());
        }
        Ok(offers)
    }

    /// Reports whether a server can use them: it needs exactly one, and a window of at least
    /// [`MIN_BITS`], the smallest that we can compress with.
    pub fn is_valid_for_server(&self) -> bool {
        self.elements.len() == 1
            && self.first.server_max_window_bits.is_none_or(|bits| bits >= MIN_BITS)
    }

    /// Returns the value of the client's header.
    pub fn header(&self) -> String {
        self.elements.join(", ")
    }

    /// Accepts the first acceptable of a client's offers. Returns the negotiated parameters and the
    /// value of the server's header. An offer that breaks a rule is declined, and the next one is
    /// considered (7.1).
    pub fn choose(&self, offered: &[Extension]) -> Option<(Deflate, String)> {
        offered.iter().filter(|offer| offer.name == NAME).find_map(|offer| {
            let offer = Params::parse(offer).ok()?;
            let answer = offer.accept(self.first)?;
            // Never fails: `accept` stays within the offer.
            Some((offer.agree(answer).ok()?, answer.to_string()))
        })
    }
}
