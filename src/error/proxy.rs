//! Sentences and hints for proxies that fail to connect.

use super::{
    body::BodySummary,
    response_fault::FaultText,
    text::{StatusLine, short},
    tls,
};
use crate::{
    escape::Escaped,
    net::proxy::ProxyFault,
    wording::{lower, system_error},
};
use std::fmt;

pub(super) fn sentence(
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
                StatusLine(response)
            )?;
            for name in ["Proxy-Authenticate", "X-Squid-Error", "Allow"] {
                if let Some(value) = response.headers.get(name) {
                    write!(f, "\n  {name}: {}", Escaped(&short(value)))?;
                    break;
                }
            }
            let body = BodySummary::read(response, body);
            body.write(f, body.headline.as_deref())
        }
        ProxyFault::Answer(fault) => {
            let reason = FaultText(fault);
            write!(f, "the proxy {proxy} does not connect to {to}: {reason}")
        }
        ProxyFault::NotSocks { http } => {
            let what = if *http { "in HTTP, not in SOCKS" } else { "in something else than SOCKS" };
            write!(f, "the proxy {proxy} does not connect to {to}: it answered {what}")
        }
        ProxyFault::Socks { words, .. } => {
            let words = lower(words);
            write!(f, "the proxy {proxy} does not connect to {to}: {}", Escaped(&words))
        }
        ProxyFault::Cut => write!(f, "the proxy {proxy} closed the connection without an answer"),
        ProxyFault::Network(cause) => {
            write!(f, "the connection with the proxy {proxy} broke: {}", system_error(cause))
        }
        ProxyFault::Tls(fault) => tls::sentence(f, &format!("the proxy {proxy}"), fault),
    }
}

pub(super) fn hint(proxy: &str, fault: &ProxyFault) -> Option<String> {
    let hint = match fault {
        ProxyFault::Status { response, .. } => match response.status {
            407 => GIVE_CREDENTIALS,
            403 => "it may allow this only for other hosts or ports, many only for port 443",
            400 | 404 | 405 | 501 => {
                "this may be a web server and no proxy: check its host and port"
            }
            502..=504 => "it is the proxy that does not reach the server: check host and port",
            _ => return None,
        },
        ProxyFault::Socks { wants_user: true, .. } => GIVE_CREDENTIALS,
        ProxyFault::Tls(fault) => return tls::hint(fault),
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

const GIVE_CREDENTIALS: &str = "give user and password: --proxy http://USER:PASSWORD@HOST:PORT";
