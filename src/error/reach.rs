//! The sentences for what goes wrong with proxies and redirects.

use super::{
    ProxyFault, RedirectFault,
    opening::{Status, lines, short},
    words::Words,
};
use crate::{escape::Escaped, net::tcp::From, target::without_user};
use std::{fmt, io};

pub(super) fn proxy(f: &mut fmt::Formatter<'_>, proxy: &str, fault: &ProxyFault) -> fmt::Result {
    match fault {
        ProxyFault::Status { response, body } => {
            write!(f, "the proxy {proxy} does not connect: it answered {}", Status(response))?;
            if let Some(challenge) = response.headers.get("Proxy-Authenticate") {
                write!(f, "\n  Proxy-Authenticate: {}", Escaped(&short(challenge)))?;
            }
            lines(f, body)
        }
        ProxyFault::Answer(refusal) => write!(f, "the proxy {proxy} does not connect: {refusal}"),
        ProxyFault::Socks { words, .. } => {
            let words = super::words::lower(words);
            write!(f, "the proxy {proxy} does not connect: {}", Escaped(&words))
        }
        ProxyFault::Cut => write!(f, "the proxy {proxy} closed the connection without an answer"),
        ProxyFault::Network(cause) => {
            write!(f, "the connection with the proxy {proxy} broke: {}", Words(cause))
        }
        ProxyFault::Tls(fault) => super::tls::sentence(f, &format!("the proxy {proxy}"), fault),
    }
}

pub(super) fn proxy_hint(fault: &ProxyFault) -> Option<String> {
    let hint = match fault {
        ProxyFault::Status { response, .. } if response.status == 407 => USER,
        ProxyFault::Socks { wants_user: true, .. } => USER,
        ProxyFault::Tls(fault) => return super::tls::hint(fault),
        ProxyFault::Answer(_) | ProxyFault::Cut => {
            "see whether it is a proxy of this kind: http://, https://, socks5h://"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

const USER: &str = "give user and password: --proxy http://USER:PASSWORD@HOST:PORT";

pub(super) fn redirect(
    f: &mut fmt::Formatter<'_>,
    from: &str,
    status: u16,
    fault: &RedirectFault,
) -> fmt::Result {
    let from = Escaped(from);
    match fault {
        RedirectFault::TooMany(limit) => {
            write!(f, "{from} answered {status}: the limit of {limit} redirects is reached")
        }
        RedirectFault::NoLocation => {
            write!(f, "{from} answered {status} without saying where to (no Location)")
        }
        RedirectFault::Location { location, fault } => {
            let location = without_user(location);
            write!(f, "{from} redirects to '{}': {fault}", Escaped(&short(&location)))
        }
        RedirectFault::Downgrade(to) => {
            write!(f, "{from} redirects to {}, which has no TLS: not followed", Escaped(to))
        }
    }
}

pub(super) fn redirect_hint(fault: &RedirectFault) -> Option<String> {
    match fault {
        RedirectFault::TooMany(_) => Some("raise the limit with --max-redirects N".to_owned()),
        RedirectFault::Downgrade(to) => {
            Some(format!("if that is wanted, connect there: {}", Escaped(to)))
        }
        _ => None,
    }
}

pub(super) fn interface(f: &mut fmt::Formatter<'_>, from: &From, cause: &io::Error) -> fmt::Result {
    match from {
        From::Interface(name) => write!(f, "cannot use the interface {}", Escaped(name))?,
        From::Address(address) => write!(f, "cannot connect from {address}")?,
        From::Anywhere => f.write_str("cannot connect")?,
    }
    write!(f, ": {}", Words(cause))
}
