//! The user's offers of permessage-deflate, and a server's choice from a client's (RFC 7692, 7.1).

use super::{
    list::{Extension, parse_one},
    params::{BadParam, CLIENT_BITS, ClientBits, Deflate, MIN_BITS, NAME, PARAMS, Params},
};
use crate::proto::fields;
use std::fmt;

/// What the user wants of permessage-deflate: a client offers it, the first preferred, and a server
/// asks for it in its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    elements: Vec<String>,
    first: Params,
}

/// Why the user's offers cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferFault {
    /// It is no list of extensions.
    Malformed,
    /// It names another extension.
    Name(String),
    /// A parameter breaks a rule.
    Param(BadParam),
}

impl fmt::Display for OfferFault {
    /// Writes a fault of the user's text, which is not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("not a list of parameters, as NAME or NAME=VALUE with ; between them")
            }
            Self::Name(name) => {
                write!(f, "'{name}' is not permessage-deflate nor a parameter of it")
            }
            Self::Param(bad) => bad.fmt(f),
        }
    }
}

impl Default for Offers {
    /// What browsers offer.
    fn default() -> Self {
        let mut first = Params::default();
        first.client_max_window_bits = ClientBits::Any;
        Self { elements: vec![format!("{NAME}; {CLIENT_BITS}")], first }
    }
}

impl Offers {
    /// Offers as typed, separated by commas; each may leave the extension's name out.
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
            let params = Params::read(&extension).map_err(OfferFault::Param)?;
            if offers.elements.is_empty() {
                offers.first = params;
            }
            offers.elements.push(extension.to_string());
        }
        Ok(offers)
    }

    /// Whether they can be a server's: it has one answer, and nothing compresses with a window of
    /// 8 bits.
    pub fn can_serve(&self) -> bool {
        self.elements.len() == 1
            && self.first.server_max_window_bits.is_none_or(|bits| bits >= MIN_BITS)
    }

    /// The value of the client's header.
    pub fn header(&self) -> String {
        self.elements.join(", ")
    }

    /// The server's choice from what a client offers: what was agreed, and the value of its header.
    /// Offers that break a rule are declined, and the next one is looked at (7.1).
    pub fn choose(&self, offered: &[Extension]) -> Option<(Deflate, String)> {
        offered.iter().filter(|offer| offer.name == NAME).find_map(|offer| {
            let offer = Params::read(offer).ok()?;
            let answer = offer.accept(self.first)?;
            // What we grant is within the offer.
            Some((offer.answered(answer).ok()?, answer.to_string()))
        })
    }
}
