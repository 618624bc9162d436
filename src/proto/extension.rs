//! Extensions: the grammar of `Sec-WebSocket-Extensions` (RFC 6455, 9.1), and how
//! permessage-deflate is offered, accepted and judged (RFC 7692, 7.1).

use super::{
    Role,
    handshake::{Headers, is_token},
};
use std::fmt::Write as _;

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

/// The parameters of permessage-deflate in an offer or an answer (7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: ClientBits,
}

/// `client_max_window_bits`, which an offer may have without a value (7.1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ClientBits {
    #[default]
    Absent,
    Any,
    AtMost(u8),
}

impl ClientBits {
    fn value(self) -> Option<u8> {
        if let Self::AtMost(bits) = self { Some(bits) } else { None }
    }
}

/// A parameter that breaks a rule of RFC 7692.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadParam {
    /// Its name.
    pub name: String,
    /// The rule.
    pub fault: ParamFault,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamFault {
    /// permessage-deflate has no such parameter.
    Unknown,
    /// It stands there twice.
    Repeated,
    /// It takes no value.
    Value(String),
    /// Its value is not a number from 8 to 15 without leading zeros; `None`: there is none.
    Bits(Option<String>),
    /// The answer has it, the offer did not (7.1.2.2).
    NotOffered,
    /// The answer wants a larger window than the offer allows (7.1.2).
    AboveOffer {
        /// Window bits offered.
        offered: u8,
        /// Window bits in the answer.
        chosen: u8,
    },
    /// The offer asks for it, the answer does not grant it (7.1.1.1, 7.1.2.1).
    NotGranted,
}

impl Params {
    fn read(extension: &Extension) -> Result<Self, BadParam> {
        let mut read = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &extension.params {
            let bad = |fault| BadParam { name: name.clone(), fault };
            if seen.contains(&name.as_str()) {
                return Err(bad(ParamFault::Repeated));
            }
            seen.push(name);
            let switch = || match value {
                None => Ok(true),
                Some(value) => Err(bad(ParamFault::Value(value.clone()))),
            };
            let bits =
                || bits(value.as_deref()).ok_or_else(|| bad(ParamFault::Bits(value.clone())));
            match name.as_str() {
                SERVER_NO_CONTEXT => read.server_no_context_takeover = switch()?,
                CLIENT_NO_CONTEXT => read.client_no_context_takeover = switch()?,
                SERVER_BITS => read.server_max_window_bits = Some(bits()?),
                CLIENT_BITS if value.is_none() => read.client_max_window_bits = ClientBits::Any,
                CLIENT_BITS => read.client_max_window_bits = ClientBits::AtMost(bits()?),
                _ => return Err(bad(ParamFault::Unknown)),
            }
        }
        Ok(read)
    }

    /// What this offer and the server's answer to it agree on, as the client sees it.
    fn answered(self, answer: Self) -> Result<Deflate, BadParam> {
        let bad = |name: &str, fault| Err(BadParam { name: name.to_owned(), fault });
        if self.server_no_context_takeover && !answer.server_no_context_takeover {
            return bad(SERVER_NO_CONTEXT, ParamFault::NotGranted);
        }
        let server_bits = match (self.server_max_window_bits, answer.server_max_window_bits) {
            (Some(_), None) => return bad(SERVER_BITS, ParamFault::NotGranted),
            (Some(offered), Some(chosen)) if chosen > offered => {
                return bad(SERVER_BITS, ParamFault::AboveOffer { offered, chosen });
            }
            // The server may bind itself to a smaller window unasked (7.1.2.1).
            (_, chosen) => chosen.unwrap_or(MAX_BITS),
        };
        let client_bits = match (self.client_max_window_bits, answer.client_max_window_bits) {
            (_, ClientBits::Any) => return bad(CLIENT_BITS, ParamFault::Bits(None)),
            (ClientBits::Absent, ClientBits::AtMost(_)) => {
                return bad(CLIENT_BITS, ParamFault::NotOffered);
            }
            (ClientBits::AtMost(offered), ClientBits::AtMost(chosen)) if chosen > offered => {
                return bad(CLIENT_BITS, ParamFault::AboveOffer { offered, chosen });
            }
            // A value offered is a promise, whatever the answer says (7.1.2.2).
            (offered, ClientBits::Absent) => offered.value().unwrap_or(MAX_BITS),
            (_, ClientBits::AtMost(chosen)) => chosen,
        };
        let no_client_context =
            self.client_no_context_takeover || answer.client_no_context_takeover;
        Ok(Deflate {
            server: Side {
                window_bits: server_bits,
                keeps_context: !answer.server_no_context_takeover,
            },
            client: Side { window_bits: client_bits, keeps_context: !no_client_context },
        })
    }

    /// The server's answer to this offer, with what `wishes` asks for as far as the offer allows;
    /// `None` declines it.
    fn accept(self, wishes: Self) -> Option<Self> {
        let least = |a: Option<u8>, b: Option<u8>| a.into_iter().chain(b).min();
        let server_max_window_bits =
            least(self.server_max_window_bits, wishes.server_max_window_bits);
        // A window of 8 bits cannot be made for what we send.
        if server_max_window_bits.is_some_and(|bits| bits < MIN_BITS) {
            return None;
        }
        let (offered, ours) = (self.client_max_window_bits, wishes.client_max_window_bits);
        let client_max_window_bits = match least(offered.value(), ours.value()) {
            // Only a client that offers it understands it.
            Some(bits) if offered != ClientBits::Absent => ClientBits::AtMost(bits),
            _ => ClientBits::Absent,
        };
        Some(Self {
            server_no_context_takeover: self.server_no_context_takeover
                || wishes.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || wishes.client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        })
    }

    /// As an element of the header.
    fn element(self) -> String {
        let mut text = NAME.to_owned();
        for (set, name) in [
            (self.server_no_context_takeover, SERVER_NO_CONTEXT),
            (self.client_no_context_takeover, CLIENT_NO_CONTEXT),
        ] {
            if set {
                text.push_str("; ");
                text.push_str(name);
            }
        }
        let client_bits = self.client_max_window_bits.value();
        for (bits, name) in [(self.server_max_window_bits, SERVER_BITS), (client_bits, CLIENT_BITS)]
        {
            if let Some(bits) = bits {
                // Writing to a String cannot fail.
                let _ = write!(text, "; {name}={bits}");
            }
        }
        text
    }
}

/// What permessage-deflate was agreed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// How the server compresses.
    pub server: Side,
    /// How the client does.
    pub client: Side,
}

/// How one side compresses what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The base-2 logarithm of its LZ77 window, 8 to 15.
    pub window_bits: u8,
    /// Context takeover: the window goes on from message to message.
    pub keeps_context: bool,
}

impl Deflate {
    /// How this role compresses.
    pub fn side(&self, role: Role) -> Side {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
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
        let first = Params { client_max_window_bits: ClientBits::Any, ..Params::default() };
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

/// 7.1.2: a decimal number without leading zeros.
fn bits(value: Option<&str>) -> Option<u8> {
    let value = value.filter(|value| !value.starts_with(['0', '+']))?;
    value.parse().ok().filter(|bits| (8..=MAX_BITS).contains(bits))
}

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";
const PARAMS: [&str; 4] = [SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT, SERVER_BITS, CLIENT_BITS];

/// The largest window, and the one that is meant when none is named.
pub const MAX_BITS: u8 = 15;
/// The smallest window we can compress with.
pub const MIN_BITS: u8 = 9;

#[cfg(test)]
mod tests;
