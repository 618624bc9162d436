//! The sentences for what goes wrong with proxies and redirects.

use super::{
    opening::{Refused, Status, short},
    page::Page,
    words::Words,
};
use crate::{
    connect::RedirectFault,
    escape::Escaped,
    net::{proxy::ProxyFault, tcp::LocalAddr},
    redact::Secrets,
    target::without_user,
};
use std::{fmt, io};

/// Why a name has no address: the resolver's words, and what they mean.
pub(super) fn unresolved(cause: &io::Error) -> String {
    let words = Words(cause);
    match Unresolved::of(cause) {
        Some(Unresolved::Name) => format!("no such name ({words})"),
        Some(Unresolved::Resolver) => format!("no answer from the resolver ({words})"),
        None => words.to_string(),
    }
}

pub(super) fn resolve_hint(cause: &io::Error) -> Option<String> {
    let hint = match Unresolved::of(cause)? {
        Unresolved::Name => {
            "check the spelling, or give its address with --resolve HOST:PORT:ADDRESS"
        }
        Unresolved::Resolver => "check the network and the name servers (/etc/resolv.conf)",
    };
    Some(hint.to_owned())
}

/// Whose fault it is that a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unresolved {
    /// The name's.
    Name,
    /// The resolver's, or that of the way to it.
    Resolver,
}

impl Unresolved {
    /// The system tells them apart only in words, those of glibc and of musl.
    fn of(cause: &io::Error) -> Option<Self> {
        let words = cause.to_string();
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if has(&["Name or service not known", "No address associated", "Name does not resolve"]) {
            Some(Self::Name)
        } else if has(&["Temporary failure in name resolution", "Try again"]) {
            Some(Self::Resolver)
        } else {
            None
        }
    }
}

pub(super) fn socket_hint(cause: &io::Error) -> Option<String> {
    let hint = match cause.kind() {
        io::ErrorKind::NotFound => "check the path, and whether the server runs",
        io::ErrorKind::ConnectionRefused => "nobody listens at it: see whether the server runs",
        _ => return None,
    };
    Some(hint.to_owned())
}

pub(super) fn proxy(
    f: &mut fmt::Formatter<'_>,
    proxy: &str,
    to: &str,
    fault: &ProxyFault,
) -> fmt::Result {
    let to = Escaped(to);
    match fault {
        ProxyFault::Status { response, body } => {
            write!(
                f,
                "the proxy {proxy} does not connect to {to}: it answered {}",
                Status(response)
            )?;
            for name in ["Proxy-Authenticate", "X-Squid-Error", "Allow"] {
                if let Some(value) = response.headers.get(name) {
                    write!(f, "\n  {name}: {}", Escaped(&short(value)))?;
                    break;
                }
            }
            let page = Page::read(response, body);
            page.write(f, page.headline.as_deref())
        }
        ProxyFault::Answer(refusal) => {
            let refused = Refused(refusal);
            write!(f, "the proxy {proxy} does not connect to {to}: {refused}")
        }
        ProxyFault::NotSocks { http } => {
            let what = if *http { "in HTTP, not in SOCKS" } else { "in something else than SOCKS" };
            write!(f, "the proxy {proxy} does not connect to {to}: it answered {what}")
        }
        ProxyFault::Socks { words, .. } => {
            let words = super::words::lower(words);
            write!(f, "the proxy {proxy} does not connect to {to}: {}", Escaped(&words))
        }
        ProxyFault::Cut => write!(f, "the proxy {proxy} closed the connection without an answer"),
        ProxyFault::Network(cause) => {
            write!(f, "the connection with the proxy {proxy} broke: {}", Words(cause))
        }
        ProxyFault::Tls(fault) => super::tls::sentence(f, &format!("the proxy {proxy}"), fault),
    }
}

pub(super) fn proxy_hint(proxy: &str, fault: &ProxyFault) -> Option<String> {
    let hint = match fault {
        ProxyFault::Status { response, .. } => match response.status {
            407 => USER,
            403 => "it may allow this only for other hosts or ports, many only for port 443",
            400 | 404 | 405 | 501 => {
                "this may be a web server and no proxy: check its host and port"
            }
            502..=504 => "it is the proxy that does not reach the server: check host and port",
            _ => return None,
        },
        ProxyFault::Socks { wants_user: true, .. } => USER,
        ProxyFault::Tls(fault) => return super::tls::hint(fault),
        ProxyFault::NotSocks { http: true } => {
            return Some(format!("speak to it in HTTP: --proxy http://{proxy}"));
        }
        ProxyFault::Answer(_) | ProxyFault::Cut | ProxyFault::NotSocks { http: false } => {
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
    let from = Secrets::Hidden.url(from);
    let from = Escaped(&from);
    match fault {
        RedirectFault::TooMany(limit) => {
            write!(f, "{from} answered {status}: the limit of {limit} redirects is reached")
        }
        RedirectFault::NoLocation => {
            write!(f, "{from} answered {status} without saying where to (no Location)")
        }
        RedirectFault::Location { location, fault } => {
            let location = without_user(location);
            let location = Secrets::Hidden.url(&location);
            write!(f, "{from} redirects to '{}': {fault}", Escaped(&short(&location)))
        }
        RedirectFault::Downgrade(to) => {
            write!(
                f,
                "{from} redirects to {}, which has no TLS: not followed",
                Escaped(&Secrets::Hidden.url(to))
            )
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

pub(super) fn interface(
    f: &mut fmt::Formatter<'_>,
    local: &LocalAddr,
    cause: &io::Error,
) -> fmt::Result {
    match local {
        LocalAddr::Interface(name) => write!(f, "cannot use the interface {}", Escaped(name))?,
        LocalAddr::Address(address) => write!(f, "cannot connect from {address}")?,
        LocalAddr::Anywhere => f.write_str("cannot connect")?,
    }
    write!(f, ": {}", Words(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_told_from_a_resolver_that_is_not() {
        let told = |words: &str| {
            let words = format!("failed to lookup address information: {words}");
            unresolved(&io::Error::other(words))
        };
        assert_eq!(told("Name or service not known"), "no such name (name or service not known)");
        assert_eq!(
            told("Temporary failure in name resolution"),
            "no answer from the resolver (temporary failure in name resolution)"
        );
        assert_eq!(told("System error"), "system error");
    }
}
