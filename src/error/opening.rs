//! The sentences for what goes wrong on the way to an open session.

use super::{service::Service, status::secured, words::Words};
use crate::{
    connect::RequestSummary,
    escape::Escaped,
    proto::{
        extension::{BadParam, ExtensionFault, OfferFault, ParamFault},
        handshake::{BadAccept, EXAMPLE_ACCEPT, Refusal, Response},
    },
    target::UrlFault,
};
use std::{fmt, io};

pub(super) fn connect(
    f: &mut fmt::Formatter<'_>,
    authority: &str,
    attempts: &[(std::net::SocketAddr, io::Error)],
) -> fmt::Result {
    match attempts {
        [(address, cause)] if authority.ends_with(&address.to_string()) => {
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

/// What there is to try where nobody answers.
pub(super) fn connect_hint(attempts: &[(std::net::SocketAddr, io::Error)]) -> Option<String> {
    let all = |kinds: &[io::ErrorKind]| {
        !attempts.is_empty() && attempts.iter().all(|(_, cause)| kinds.contains(&cause.kind()))
    };
    let hint = match () {
        () if all(&[io::ErrorKind::ConnectionRefused]) => {
            "check the port, and whether the server runs"
        }
        () if all(&[io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable]) => {
            "no way leads there from here: check the address, the network and any VPN"
        }
        () if all(&[io::ErrorKind::TimedOut]) => {
            "not even a refusal came: check the address, and any firewall on the way"
        }
        () => return None,
    };
    Some(hint.to_owned())
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(start) => match Service::of(start) {
                Some(Service::Tls) => f.write_str("it answered with a TLS alert"),
                Some(Service::Http2) => f.write_str("its answer is HTTP/2, not HTTP/1.1"),
                Some(Service::Other(name, true)) => {
                    write!(f, "its answer is {name}, not HTTP/1.1: '{}'", FirstLine(start))
                }
                Some(Service::Other(name, false)) => {
                    write!(f, "its answer is {name}, not HTTP/1.1")
                }
                _ => write!(f, "its answer is not HTTP/1.1: '{}'", FirstLine(start)),
            },
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
            Self::Accept(BadAccept::Missing) => f.write_str("101 without Sec-WebSocket-Accept"),
            Self::Accept(BadAccept::Key) => {
                f.write_str("Sec-WebSocket-Accept is our own key, not the answer to it")
            }
            Self::Accept(BadAccept::Example) => write!(
                f,
                "Sec-WebSocket-Accept '{EXAMPLE_ACCEPT}' is the answer to the RFC's example, not \
                 to our key"
            ),
            Self::Accept(BadAccept::Other(value)) => write!(
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

/// What there is to try after an answer that breaks the RFC.
pub(super) fn refusal_hint(refusal: &Refusal, request: &RequestSummary) -> Option<String> {
    let hint = match refusal {
        Refusal::NotHttp(start) => match Service::of(start) {
            Some(Service::Tls) => {
                return Some(format!("the port speaks TLS: use {}", secured(request)));
            }
            Some(Service::Http2) => "see whether it has WebSocket over HTTP/2: --http2",
            Some(Service::Other(..)) => "another service listens there: check host and port",
            _ => return None,
        },
        Refusal::Extension(ExtensionFault::Param(_) | ExtensionFault::Repeated(_)) => {
            "see whether it goes without compression: --no-compress"
        }
        Refusal::Accept(BadAccept::Missing | BadAccept::Other(_)) => {
            "a cache, a proxy or something that is no WebSocket server answered"
        }
        Refusal::Accept(BadAccept::Key) => {
            "the server must answer with the SHA-1 of key and GUID, in base64 (RFC 6455, 4.2.2)"
        }
        Refusal::Accept(BadAccept::Example) => {
            "the server must work the answer out anew for each key (RFC 6455, 4.2.2)"
        }
        Refusal::Upgrade(_) | Refusal::Connection(_) => {
            "a reverse proxy, if there is one, must pass the headers Upgrade and Connection back"
        }
        Refusal::Subprotocol(name) if is_plain(name) => {
            return Some(format!("ask for it with -s {name}"));
        }
        Refusal::Subprotocol(_) | Refusal::Subprotocols => {
            "the server must choose one of those asked for, or none"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether a shell takes a name as it is.
fn is_plain(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain)
}

/// The first line of what came instead of an answer.
pub(super) struct FirstLine<'a>(pub(super) &'a [u8]);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(self.0);
        write!(f, "{}", Escaped(&short(start.lines().next().unwrap_or_default())))
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
/// Characters of a peer's line shown.
const LINE: usize = 120;
