//! Extensions: the grammar of `Sec-WebSocket-Extensions` (RFC 6455, 9.1), and how
//! permessage-deflate is offered, accepted and judged (RFC 7692, 7.1).

mod params;

pub use params::{BadParam, Deflate, MAX_BITS, MIN_BITS, ParamFault, Params, Side};

use super::{
    Role,
    handshake::{Headers, is_token},
};
use params::{CLIENT_BITS, ClientBits, NAME, PARAMS};

/// One extension as a header lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its parameters in order: name, and value if there is one.
    pub params: Vec<(String, Option<String>)>,
}

impl Extension {
    /// Whether it is permessage-deflate.
    pub fn is_deflate(&self) -> bool {
        self.name == NAME
    }
}

/// Reads a list of extensions; `None` if it is not well-formed.
pub fn parse(list: &str) -> Option<Vec<Extension>> {
    // Empty elements are legal (RFC 9110, 5.6.1).
    let elements = split(list, ',').filter(|element| !element.is_empty());
    elements.map(parse_one).collect()
}

fn parse_one(element: &str) -> Option<Extension> {
    let mut parts = split(element, ';');
    let name = parts.next().filter(|name| is_token(name))?.to_owned();
    let params = parts.map(|param| {
        let (name, value) = match param.split_once('=') {
            None => (param, None),
            Some((name, value)) => (trim(name), Some(unquoted(trim(value))?)),
        };
        is_token(name).then(|| (name.to_owned(), value))
    });
    Some(Extension { name, params: params.collect::<Option<_>>()? })
}

/// An extension as an element of the header.
fn written(extension: &Extension) -> String {
    let mut text = extension.name.clone();
    for (name, value) in &extension.params {
        text.push_str("; ");
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// A value without its quotes; what they hold must be a token too (9.1).
fn unquoted(value: &str) -> Option<String> {
    let token = match value.strip_prefix('"') {
        None => value.to_owned(),
        Some(rest) => {
            let mut token = String::new();
            let mut chars = rest.strip_suffix('"')?.chars();
            while let Some(c) = chars.next() {
                token.push(if c == '\\' { chars.next()? } else { c });
            }
            token
        }
    };
    is_token(&token).then_some(token)
}

/// The parts between separators that stand outside quotes, trimmed.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
    .map(trim)
}

/// Optional white space is SP and HTAB, and nothing else (RFC 9110, 5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The extensions that a head lists, over all its lines; the line that is not well-formed.
pub fn listed(headers: &Headers) -> Result<Vec<Extension>, &str> {
    let mut all = Vec::new();
    for line in headers.all("Sec-WebSocket-Extensions") {
        all.extend(parse(line).ok_or(line)?);
    }
    Ok(all)
}

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
        for element in split(text, ',') {
            let name = split(element, ';').next().unwrap_or_default();
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
            offers.elements.push(written(&extension));
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
            Some((offer.answered(answer).ok()?, answer.element()))
        })
    }
}

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

#[cfg(test)]
mod tests;
