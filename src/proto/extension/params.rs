//! The parameters of permessage-deflate and their negotiation (RFC 7692, 7.1).

use super::list::Extension;
use crate::proto::{excerpt::Excerpt, role::Role};
use std::fmt;

/// The parameters of permessage-deflate in an offer or an answer (7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: ClientBits,
}

/// `client_max_window_bits`, which an offer may carry without a value (7.1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ClientBits {
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
    /// The parameter's name.
    pub name: String,
    /// The broken rule.
    pub fault: ParamFault,
}

/// A fault of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamFault {
    /// permessage-deflate has no such parameter.
    Unknown,
    /// The parameter is repeated.
    Repeated,
    /// The parameter takes no value, but has this one.
    Value(String),
    /// The value, `None` if missing, is not a number from 8 to 15 without leading zeros.
    Bits(Option<String>),
    /// The response has the parameter, but the offer did not (7.1.2.2).
    NotOffered,
    /// The response chooses a larger window than the offer allows (7.1.2).
    AboveOffer {
        /// Window bits in the offer.
        offered: u8,
        /// Window bits in the response.
        chosen: u8,
    },
    /// The offer requires the parameter, but the response omits it (7.1.1.1, 7.1.2.1).
    NotGranted,
}

impl fmt::Display for BadParam {
    /// Writes the parameter and its fault, to follow "with". The peer's words are truncated but not
    /// escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Excerpt(&self.name))?;
        match &self.fault {
            ParamFault::Unknown => f.write_str(", an unknown parameter (RFC 7692, 7.1)"),
            ParamFault::Repeated => f.write_str(" twice (RFC 7692, 7.1)"),
            ParamFault::Value(value) => {
                write!(f, "={}, which takes no value (RFC 7692, 7.1.1)", Excerpt(value))
            }
            ParamFault::Bits(None) => {
                f.write_str(" without a value, a number from 8 to 15 (RFC 7692, 7.1.2)")
            }
            ParamFault::Bits(Some(value)) => write!(
                f,
                "={}, which is not a number from 8 to 15 without leading zeros (RFC 7692, 7.1.2)",
                Excerpt(value)
            ),
            ParamFault::NotOffered => f.write_str(", which was not offered (RFC 7692, 7.1.2.2)"),
            ParamFault::AboveOffer { offered, chosen } => {
                write!(f, "={chosen}, above the {offered} offered (RFC 7692, 7.1.2)")
            }
            ParamFault::NotGranted => {
                f.write_str(" omitted, although the offer requires it (RFC 7692, 7.1)")
            }
        }
    }
}

impl Extension {
    /// Reports whether this is permessage-deflate.
    pub fn is_deflate(&self) -> bool {
        self.name == NAME
    }
}

impl Params {
    pub(super) fn parse(extension: &Extension) -> Result<Self, BadParam> {
        let mut params = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &extension.params {
            let bad = |fault| BadParam { name: name.clone(), fault };
            if seen.contains(&name.as_str()) {
                return Err(bad(ParamFault::Repeated));
            }
            seen.push(name);
            let flag = || match value {
                None => Ok(true),
                Some(value) => Err(bad(ParamFault::Value(value.clone()))),
            };
            let bits =
                || parse_bits(value.as_deref()).ok_or_else(|| bad(ParamFault::Bits(value.clone())));
            match name.as_str() {
                SERVER_NO_CONTEXT => params.server_no_context_takeover = flag()?,
                CLIENT_NO_CONTEXT => params.client_no_context_takeover = flag()?,
                SERVER_BITS => params.server_max_window_bits = Some(bits()?),
                CLIENT_BITS if value.is_none() => params.client_max_window_bits = ClientBits::Any,
                CLIENT_BITS => params.client_max_window_bits = ClientBits::AtMost(bits()?),
                _ => return Err(bad(ParamFault::Unknown)),
            }
        }
        Ok(params)
    }

    /// Returns the compression that this offer and the server's response agree on, or the first rule
    /// that the response breaks.
    pub(super) fn agree(self, answer: Self) -> Result<Deflate, BadParam> {
        let bad = |name: &str, fault| Err(BadParam { name: name.to_owned(), fault });
        if self.server_no_context_takeover && !answer.server_no_context_takeover {
            return bad(SERVER_NO_CONTEXT, ParamFault::NotGranted);
        }
        let server_bits = match (self.server_max_window_bits, answer.server_max_window_bits) {
            (Some(_), None) => return bad(SERVER_BITS, ParamFault::NotGranted),
            (Some(offered), Some(chosen)) if chosen > offered => {
                return bad(SERVER_BITS, ParamFault::AboveOffer { offered, chosen });
            }
            // The server may limit its own window unasked (7.1.2.1).
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
            // An offered value is a promise, whatever the response says (7.1.2.2).
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

    /// Returns the server's response to this offer, which grants `preferred` as far as the offer
    /// allows. `None` declines the offer.
    pub(super) fn accept(self, preferred: Self) -> Option<Self> {
        let least = |a: Option<u8>, b: Option<u8>| a.into_iter().chain(b).min();
        let server_max_window_bits =
            least(self.server_max_window_bits, preferred.server_max_window_bits);
        // We cannot compress with a window of 8 bits.
        if server_max_window_bits.is_some_and(|bits| bits < MIN_BITS) {
            return None;
        }
        let (offered, ours) = (self.client_max_window_bits, preferred.client_max_window_bits);
        let client_max_window_bits = match least(offered.value(), ours.value()) {
            // Only a client that offers the parameter understands it (7.1.2.2).
            Some(bits) if offered != ClientBits::Absent => ClientBits::AtMost(bits),
            _ => ClientBits::Absent,
        };
        Some(Self {
            server_no_context_takeover: self.server_no_context_takeover
                || preferred.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || preferred.client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        })
    }
}

impl fmt::Display for Params {
    /// Writes the extension with these parameters as an element of the header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        for (set, name) in [
            (self.server_no_context_takeover, SERVER_NO_CONTEXT),
            (self.client_no_context_takeover, CLIENT_NO_CONTEXT),
        ] {
            if set {
                write!(f, "; {name}")?;
            }
        }
        let client_bits = self.client_max_window_bits.value();
        for (bits, name) in [(self.server_max_window_bits, SERVER_BITS), (client_bits, CLIENT_BITS)]
        {
            if let Some(bits) = bits {
                write!(f, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}

/// The negotiated parameters of permessage-deflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// Compression of messages from the server.
    pub server: Side,
    /// Compression of messages from the client.
    pub client: Side,
}

/// Compression in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The base-2 logarithm of the LZ77 window size, 8 to 15.
    pub window_bits: u8,
    /// True for context takeover: the window is kept from message to message.
    pub keeps_context: bool,
}

impl Deflate {
    /// Returns the parameters for messages from `role`.
    pub fn side(&self, role: Role) -> Side {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

/// Parses window bits, a decimal number without leading zeros (7.1.2).
fn parse_bits(value: Option<&str>) -> Option<u8> {
    let value = value.filter(|value| !value.starts_with(['0', '+']))?;
    value.parse().ok().filter(|bits| (8..=MAX_BITS).contains(bits))
}

pub(super) const NAME: &str = "permessage-deflate";
pub(super) const SERVER_NO_CONTEXT: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT: &str = "client_no_context_takeover";
pub(super) const SERVER_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_BITS: &str = "client_max_window_bits";
pub(super) const PARAMS: [&str; 4] =
    [SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT, SERVER_BITS, CLIENT_BITS];

/// The largest window, in bits, and the default.
pub const MAX_BITS: u8 = 15;
/// The smallest window that we can compress with, in bits.
pub const MIN_BITS: u8 = 9;
