//! The sentences for what goes wrong on the way to an open session.

use super::{service::Service, status::secured, words::Words};
use crate::{
    connect::RequestSummary,
    escape::Escaped,
    proto::{
        excerpt::Excerpt,
        extension::ExtensionFault,
        handshake::{BadAccept, Refusal, Response},
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

/// The reason why an answer was refused, escaped.
pub(super) struct Refused<'a>(pub(super) &'a Refusal);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Refusal::NotHttp(start) => match Service::of(start) {
                Some(Service::Tls) => f.write_str("it answered with a TLS alert"),
                Some(Service::Http2) => f.write_str("its answer is HTTP/2, not HTTP/1.1"),
                Some(Service::Other(name, true)) => {
                    write!(f, "its answer is {name}, not HTTP/1.1: '{}'", FirstLine(start))
                }
                Some(Service::Other(name, false)) => {
                    write!(f, "its answer is {name}, not HTTP/1.1")
                }
                Some(Service::Http) | None => Escaped(&self.0.to_string()).fmt(f),
            },
            Refusal::Extension(ExtensionFault::NotSpoken(name)) => write!(
                f,
                "it chose the extension '{}', offered with -H, which sockeye does not speak",
                Escaped(&short(name))
            ),
            other => Escaped(&other.to_string()).fmt(f),
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
    Excerpt(s).to_string()
}

/// Addresses and names listed in a message.
const SHOWN: usize = 3;
