//! Messages and hints for a response that violates RFC 6455.

use super::{
    request::secured,
    service::{SOCKS, Service},
    text::{FirstLine, short},
};
use crate::{
    connect::RequestSummary,
    escape::Escaped,
    known,
    proto::{
        extension::ExtensionFault,
        handshake::{BadAccept, ResponseFault},
    },
};
use std::fmt;

/// Displays the reason for refusing a response, escaped.
pub(super) struct FaultText<'a>(pub(super) &'a ResponseFault);

impl fmt::Display for FaultText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ResponseFault::NotHttp(start) => match Service::detect(start) {
                Some(Service::Tls) => f.write_str("the response is a TLS alert"),
                Some(Service::Http2) => f.write_str("the response is HTTP/2, not HTTP/1.1"),
                Some(Service::Other { name, is_text: true }) => {
                    write!(f, "the response is {name}, not HTTP/1.1: '{}'", FirstLine(start))
                }
                Some(Service::Other { name, is_text: false }) => {
                    write!(f, "the response is {name}, not HTTP/1.1")
                }
                Some(Service::Http1) | None => Escaped(&known::redact(&self.0.to_string())).fmt(f),
            },
            ResponseFault::Extension(ExtensionFault::Unsupported(name)) => write!(
                f,
                "the server selected the extension '{}', offered with -H, which sockeye does not \
                 support",
                Escaped(&short(name))
            ),
            other => Escaped(&known::redact(&other.to_string())).fmt(f),
        }
    }
}

pub(super) fn hint(fault: &ResponseFault, request: &RequestSummary) -> Option<String> {
    let hint = match fault {
        ResponseFault::NotHttp(start) => match Service::detect(start) {
            Some(Service::Tls) => {
                return Some(format!("the port speaks TLS: use {}", secured(request)));
            }
            Some(Service::Http2) => "try WebSocket over HTTP/2: --http2",
            Some(Service::Other { name: SOCKS, .. }) => {
                let host = request.target.authority();
                return Some(format!(
                    "this port is a proxy: connect through it with --proxy socks5h://{}",
                    Escaped(&host)
                ));
            }
            Some(Service::Other { .. }) => "check the host and port: another service listens there",
            _ => return None,
        },
        ResponseFault::Extension(ExtensionFault::Param(_) | ExtensionFault::Repeated(_)) => {
            "try without compression: --no-compress"
        }
        ResponseFault::Accept(BadAccept::Missing | BadAccept::Other(_)) => {
            "check the URL: a cache, a proxy or an ordinary web server may have answered"
        }
        ResponseFault::Accept(BadAccept::Key) => {
            "the server must send the SHA-1 of key and GUID in base64 (RFC 6455, 4.2.2)"
        }
        ResponseFault::Accept(BadAccept::Example) => {
            "the server must compute the value from each request's key (RFC 6455, 4.2.2)"
        }
        ResponseFault::Upgrade(_) | ResponseFault::Connection(_) => {
            "check that any reverse proxy returns the Upgrade and Connection headers"
        }
        ResponseFault::Subprotocol(name) if is_plain_word(name) => {
            return Some(format!("request it with -s {name}"));
        }
        ResponseFault::Subprotocol(_) | ResponseFault::Subprotocols => {
            "the server must select one of the requested subprotocols, or none"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Reports whether a name needs no quoting in a shell and does not look like an option.
fn is_plain_word(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain)
}
