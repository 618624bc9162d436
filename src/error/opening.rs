//! The sentences for what goes wrong on the way to an open session.

use super::{TlsFault, words::Words};
use crate::{
    escape::Escaped,
    proto::{
        extension::{BadParam, ExtensionFault, OfferFault, ParamFault},
        handshake::{Refusal, Response},
    },
    target::UrlFault,
};
use rustls::{CertificateError, pki_types::UnixTime};
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
    write!(f, "{} answered {}", Escaped(url), response.status)?;
    if !response.reason.is_empty() {
        write!(f, " ({})", Escaped(&response.reason))?;
    }
    f.write_str(" instead of upgrading to WebSocket")?;
    for name in ["Location", "WWW-Authenticate", "Sec-WebSocket-Version", "Retry-After"] {
        if let Some(value) = response.headers.get(name) {
            write!(f, "\n  {name}: {}", Escaped(&short(value)))?;
            break;
        }
    }
    let body = String::from_utf8_lossy(body);
    for line in body.lines().filter(|line| !line.trim().is_empty()).take(BODY_LINES) {
        write!(f, "\n  {}", Escaped(&short(line.trim_end())))?;
    }
    Ok(())
}

/// What there is to try after a status that does not upgrade.
pub(super) fn status_hint(response: &Response) -> Option<String> {
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

pub(super) fn tls(f: &mut fmt::Formatter<'_>, authority: &str, fault: &TlsFault) -> fmt::Result {
    match fault {
        TlsFault::Certificate(cause) => {
            write!(f, "the certificate of {authority} is refused: ")?;
            certificate(f, cause)
        }
        TlsFault::NotTls { http: true } => {
            write!(f, "TLS with {authority} failed: the port speaks plain HTTP")
        }
        TlsFault::NotTls { http: false } => {
            write!(f, "TLS with {authority} failed: the port does not speak TLS")
        }
        TlsFault::NoProtocol => {
            write!(f, "{authority} does not offer HTTP/1.1: it refused http/1.1 by ALPN")
        }
        TlsFault::Cut => write!(f, "{authority} closed the connection during the TLS handshake"),
        TlsFault::Other(cause) => write!(f, "TLS with {authority} failed: {cause}"),
    }
}

fn certificate(f: &mut fmt::Formatter<'_>, cause: &CertificateError) -> fmt::Result {
    match cause {
        CertificateError::Expired => f.write_str("it has expired"),
        CertificateError::ExpiredContext { time, not_after } => {
            write!(f, "it expired on {} (now {})", date(*not_after), date(*time))
        }
        CertificateError::NotValidYet => f.write_str("it is not valid yet"),
        CertificateError::NotValidYetContext { time, not_before } => {
            write!(f, "it is not valid before {} (now {})", date(*not_before), date(*time))
        }
        CertificateError::NotValidForName => f.write_str("it is for another name"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            write!(f, "it is not for {}", expected.to_str())?;
            let names: Vec<String> = presented.iter().take(SHOWN).map(|name| san(name)).collect();
            if names.is_empty() {
                return f.write_str(" and names no host");
            }
            let more = if presented.len() > SHOWN { ", ..." } else { "" };
            write!(f, ", only for {}{more}", names.join(", "))
        }
        CertificateError::UnknownIssuer => f.write_str("its issuer is not trusted"),
        CertificateError::Revoked => f.write_str("it has been revoked"),
        CertificateError::BadSignature => f.write_str("its signature is wrong"),
        CertificateError::BadEncoding => f.write_str("it is not a well-formed certificate"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            f.write_str("it is not meant for a server")
        }
        other if is_authority(other) => {
            f.write_str("it is an authority's own certificate, used as a server's")
        }
        other => write!(f, "{other}"),
    }
}

/// A name of a certificate: the verifier writes `DnsName("x")`.
fn san(name: &str) -> String {
    let inner = name.split_once("(\"").map_or(name, |(_, rest)| rest.trim_end_matches("\")"));
    Escaped(inner.trim_end_matches(')')).to_string()
}

/// A certificate with CA:TRUE as the server's own: what a plain `openssl req -x509` makes.
fn is_authority(cause: &CertificateError) -> bool {
    matches!(cause, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// What there is to try after a failure of TLS.
pub(super) fn tls_hint(fault: &TlsFault) -> Option<String> {
    let hint = match fault {
        TlsFault::NotTls { http: true } => "use ws:// for a port without TLS",
        TlsFault::NotTls { http: false } => "check the port, or use ws:// if it has no TLS",
        TlsFault::NoProtocol => "see whether it has WebSocket over HTTP/2: --http2",
        TlsFault::Certificate(cause) => match &**cause {
            CertificateError::UnknownIssuer => {
                "trust its authority with --ca FILE, or skip the check with -k"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server needs a new certificate; -k skips the check"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "check this machine's clock; -k skips the check"
            }
            other if is_authority(other) => {
                "make the certificate with CA:FALSE, or skip the check with -k"
            }
            _ => "-k skips the check",
        },
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
            Self::Fragment => f.write_str("a WebSocket URL has no fragment (#)"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
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
