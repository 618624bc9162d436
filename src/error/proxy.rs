//! Messages and hints for proxies that fail to connect.

use super::{
    body::BodySummary,
    response_fault::FaultText,
    text::{StatusLine, challenge_schemes, short},
    tls,
};
use crate::{
    escape::Escaped,
    net::proxy::ProxyFault,
    proto::handshake::Response,
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
        ProxyFault::Status { response, body, .. } => {
            write!(
                f,
                "cannot connect to {to} through the proxy {proxy}: it answered {}",
                StatusLine(response)
            )?;
            let mut above = 0;
            for name in ["Proxy-Authenticate", "X-Squid-Error", "Allow"] {
                if let Some(value) = response.headers.get(name) {
                    write!(f, "\n  {name}: {}", Escaped(&short(value)))?;
                    above = 1;
                    break;
                }
            }
            let body = BodySummary::read(response, body);
            body.write(f, body.headline.as_deref(), above)
        }
        ProxyFault::Answer(fault) => {
            let reason = FaultText(fault);
            write!(f, "cannot connect to {to} through the proxy {proxy}: {reason}")
        }
        ProxyFault::NotSocks { http } => {
            let what = if *http { "in HTTP, not SOCKS" } else { "in a protocol other than SOCKS" };
            write!(f, "cannot connect to {to} through the proxy {proxy}: it answered {what}")
        }
        ProxyFault::Socks { words, .. } => {
            let words = lower(words);
            write!(f, "cannot connect to {to} through the proxy {proxy}: {}", Escaped(&words))
        }
        ProxyFault::Cut => write!(f, "the proxy {proxy} closed the connection without a response"),
        ProxyFault::Network(cause) => {
            write!(f, "the connection to the proxy {proxy} failed: {}", system_error(cause))
        }
        ProxyFault::Tls(fault) => tls::sentence(f, &format!("the proxy {proxy}"), fault),
    }
}

pub(super) fn hint(proxy: &str, fault: &ProxyFault) -> Option<String> {
    let hint = match fault {
        ProxyFault::Status { response, authorized, .. } => match response.status {
            407 => return Some(authentication(response, *authorized)),
            403 => "the proxy may allow only some hosts and ports, often only port 443",
            400 | 404 | 405 | 501 => "check the proxy's host and port: this may be a web server",
            500 if is_from_proxy(response) => CANNOT_REACH,
            502..=504 => CANNOT_REACH,
            _ => return None,
        },
        ProxyFault::Socks { wants_user: true, .. } => GIVE_CREDENTIALS,
        ProxyFault::Tls(fault) => return tls::hint(fault),
        ProxyFault::NotSocks { http: true } => {
            return Some(format!("use it as an HTTP proxy: --proxy http://{proxy}"));
        }
        ProxyFault::Answer(_) | ProxyFault::Cut | ProxyFault::NotSocks { http: false } => {
            "check the type of the proxy: http://, https:// or socks5h://"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the hint for a 407. Only the scheme Basic is supported.
fn authentication(response: &Response, authorized: bool) -> String {
    let challenges: Vec<_> =
        response.headers.all("Proxy-Authenticate").flat_map(challenge_schemes).collect();
    let has_basic = challenges.iter().any(|scheme| scheme.eq_ignore_ascii_case("Basic"));
    if challenges.is_empty() || has_basic {
        return if authorized {
            "check the user and password of the proxy: it rejected them".to_owned()
        } else {
            GIVE_CREDENTIALS.to_owned()
        };
    }
    let schemes = challenges.iter().map(|scheme| short(scheme)).collect::<Vec<_>>().join(" or ");
    let verb =
        if authorized { "it did not accept Basic" } else { "Basic is the only scheme of sockeye" };
    format!(
        "use a proxy that accepts Basic: this one requires {}, and {verb}",
        Escaped(&short(&schemes))
    )
}

/// Reports whether a proxy that answers 500 for an unreachable server sent this.
fn is_from_proxy(response: &Response) -> bool {
    let server = response.headers.get("Server").unwrap_or_default();
    server.to_ascii_lowercase().starts_with("tinyproxy")
}

const CANNOT_REACH: &str = "check the server's host and port: the proxy cannot reach it";
const GIVE_CREDENTIALS: &str = "authenticate with --proxy http://USER:PASSWORD@HOST:PORT";
