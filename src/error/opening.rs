//! The sentences for what goes wrong on the way to an open session.

use super::words::Words;
use crate::{
    escape::Escaped,
    proto::{
        extension::{BadParam, ExtensionFault, OfferFault, ParamFault},
        handshake::{Refusal, Response},
    },
    target::{UrlFault, without_user},
};
use std::{fmt, io};

pub(super) fn connect(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    attempts: &[(std::net::SocketAddr, io::Error)],
) -> fmt::Result {
    match attempts {
        [(address, cause)] if authority == address.to_string() => {
            write!(f, "cannot connect to {authority}: {}", Words(cause))
        }
        [(address, cause)] => {
            write!(f, "cannot connect to {authority} ({}): {}", address.ip(), Words(cause))
        }
        _ => {
            write!(f, "cannot connect to {authority}: no address answered")?;
            for (address, cause) in attempts.iter().take(SHOWN) {
                write!(f, "\n  {}: {}", address.ip(), Words(cause))?;
            }
            let more = attempts.len().saturating_sub(SHOWN);
            if more > 0 {
                write!(f, "\n  and {more} more")?;
            }
            Ok(())
        }
    }
}

pub(super) fn status(
    f: &mut fmt::Formatter<'_>,
    url: &str,
    response: &Response,
    body: &[u8],
) -> fmt::Result {
    write!(f, "{} answered {}", Escaped(url), Status(response))?;
    f.write_str(" instead of upgrading to WebSocket")?;
    let first = if matches!(response.status, 300..=399) { "Location" } else { "WWW-Authenticate" };
    for name in [first, "Sec-WebSocket-Version", "Retry-After"] {
        if let Some(value) = response.headers.get(name) {
            write!(f, "\n  {name}: {}", Escaped(&short(&without_user(value))))?;
            break;
        }
    }
    lines(f, body)
}

/// A status and its reason.
pub(super) struct Status<'a>(pub(super) &'a Response);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status)?;
        if self.0.reason.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", Escaped(&self.0.reason))
    }
}

/// The first lines of a body.
pub(super) fn lines(f: &mut fmt::Formatter<'_>, body: &[u8]) -> fmt::Result {
    let body = String::from_utf8_lossy(body);
    for line in body.lines().filter(|line| !line.trim().is_empty()).take(BODY_LINES) {
        write!(f, "\n  {}", Escaped(&short(line.trim_end())))?;
    }
    Ok(())
}

/// What there is to try after a status that does not upgrade.
pub(super) fn status_hint(response: &Response, location: Option<&str>) -> Option<String> {
    if let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status, location) {
        return Some(format!("follow it with -L, or connect to {}", Escaped(location)));
    }
    let hint = match response.status {
        200 => "this is a web page or an ordinary API: the path or the port is wrong",
        300..=399 => "connect to the place it names",
        400 if response.headers.get("Sec-WebSocket-Version").is_some() => {
            "the server wants another version of the protocol"
        }
        401 => "give credentials with --auth USER:PASSWORD or -H 'Authorization: ...'",
        403 => "the server may want an origin (-o) or credentials",
        404 => "check the path",
        426 => "the server wants another version of the protocol, or HTTPS",
        502..=504 => "a gateway answered; the server behind it did not",
        _ => return None,
    };
    Some(hint.to_owned())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(start) if start.starts_with(b"\x15\x03") => {
                f.write_str("it answered with a TLS alert")
            }
            Self::NotHttp(start) => {
                let start = String::from_utf8_lossy(start);
                let line = start.lines().next().unwrap_or_default();
                write!(f, "its answer is not HTTP/1.1: '{}'", Escaped(&short(line)))
            }
            Self::HeadsTooLong => f.write_str("the head of its answer is over 64 KiB"),
            Self::Malformed(cause) => write!(f, "the head of its answer is malformed: {cause}"),
            Self::Http10 => f.write_str("101 in HTTP/1.0, which has no upgrade"),
            Self::Upgrade(None) => f.write_str("101 without an Upgrade header"),
            Self::Upgrade(Some(value)) => {
                write!(f, "101 with 'Upgrade: {}' instead of websocket", Escaped(&short(value)))
            }
            Self::Connection(None) => f.write_str("101 without a Connection header"),
            Self::Connection(Some(value)) => {
                write!(f, "101 with 'Connection: {}' instead of Upgrade", Escaped(&short(value)))
            }
            Self::Accept(None) => f.write_str("101 without Sec-WebSocket-Accept"),
            Self::Accept(Some(value)) => write!(
                f,
                "Sec-WebSocket-Accept '{}' is not the answer to our key",
                Escaped(&short(value))
            ),
            Self::Subprotocol(name) => {
                write!(f, "it chose the subprotocol '{}', never asked for", Escaped(&short(name)))
            }
            Self::Subprotocols => f.write_str("it chose more than one subprotocol"),
            Self::Extension(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for ExtensionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(line) => {
                write!(f, "its Sec-WebSocket-Extensions '{}' is malformed", Escaped(&short(line)))
            }
            Self::NotOffered(name) => {
                write!(f, "it chose the extension '{}', never offered", Escaped(&short(name)))
            }
            Self::NotSpoken(name) => write!(
                f,
                "it chose the extension '{}', offered with -H, which sockeye does not speak",
                Escaped(&short(name))
            ),
            Self::Repeated(name) => {
                write!(f, "it chose the extension '{}' twice", Escaped(&short(name)))
            }
            Self::Param(bad) => write!(f, "it answered permessage-deflate with {bad}"),
        }
    }
}

impl fmt::Display for OfferFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("not a list of parameters, as NAME or NAME=VALUE with ; between them")
            }
            Self::Name(name) => {
                write!(f, "'{}' is not permessage-deflate nor a parameter of it", Escaped(name))
            }
            Self::Param(bad) => bad.fmt(f),
        }
    }
}

impl fmt::Display for BadParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&short(&self.name)))?;
        match &self.fault {
            ParamFault::Unknown => f.write_str(", a parameter it does not have (RFC 7692, 7.1)"),
            ParamFault::Repeated => f.write_str(" twice (RFC 7692, 7.1)"),
            ParamFault::Value(value) => {
                write!(f, "={}, which takes no value (RFC 7692, 7.1.1)", Escaped(&short(value)))
            }
            ParamFault::Bits(None) => {
                f.write_str(" without a value, a number from 8 to 15 (RFC 7692, 7.1.2)")
            }
            ParamFault::Bits(Some(value)) => write!(
                f,
                "={}, which is not a number from 8 to 15 without leading zeros (RFC 7692, 7.1.2)",
                Escaped(&short(value))
            ),
            ParamFault::NotOffered => f.write_str(", never offered (RFC 7692, 7.1.2.2)"),
            ParamFault::AboveOffer { offered, chosen } => {
                write!(f, "={chosen}, above the {offered} offered (RFC 7692, 7.1.2)")
            }
            ParamFault::NotGranted => f.write_str(" left out, which was asked for (RFC 7692, 7.1)"),
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Space => f.write_str("white space or a control character"),
            Self::Scheme(scheme) => write!(f, "unknown scheme '{}'", Escaped(scheme)),
            Self::Slashes => f.write_str("no // after the scheme"),
            Self::NoHost => f.write_str("no host"),
            Self::Host => f.write_str("not a host name or address"),
            Self::Port => f.write_str("not a port from 1 to 65535"),
            Self::User => f.write_str("a control character in user or password"),
            Self::Fragment => f.write_str("a WebSocket URL has no fragment (#)"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

pub(super) fn short(s: &str) -> String {
    match s.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}...", s.get(..end).unwrap_or_default()),
        None => s.to_owned(),
    }
}

/// Addresses and names listed in a message.
const SHOWN: usize = 3;
/// Lines of a body shown: with status, one header and hint a message has six lines.
const BODY_LINES: usize = 2;
/// Characters of a peer's line shown.
const LINE: usize = 120;
