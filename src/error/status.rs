//! The sentence and hint for a rejected upgrade.

use super::{
    body::BodySummary,
    rejection::Rejection,
    rejection_cause::{RejectionCause, evidence},
    request::{missing, secured},
    text::{StatusLine, short},
};
use crate::{
    connect::{RequestPart, RequestSummary},
    escape::Escaped,
    proto::handshake::Version,
    redact::Secrets,
    target::without_user,
};
use std::fmt;

impl Rejection<'_> {
    /// Writes the sentence and, below it, the header field and body lines that support it.
    pub(super) fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = BodySummary::read(self.response, self.body);
        let cause = self.cause(&body);
        let url = self.request.target.to_string();
        let url = Secrets::Hidden.url(&url);
        write!(f, "{} answered {}", Escaped(&url), StatusLine(self.response))?;
        f.write_str(" instead of upgrading to WebSocket")?;
        self.detail(f, &cause, &body)?;
        if let Some((name, value)) = evidence(&cause, self.response) {
            let value = without_user(value);
            let value = short(&Secrets::Hidden.url(&value));
            write!(f, "\n  {name}: {}", Escaped(&value))?;
        }
        // The first line already has the title of an ordinary page.
        let is_shown = matches!(cause, RejectionCause::OrdinaryRequest);
        body.write(f, if is_shown { None } else { body.headline.as_deref() })
    }

    /// Writes the part of the first line after the status.
    fn detail(
        &self,
        f: &mut fmt::Formatter<'_>,
        cause: &RejectionCause,
        body: &BodySummary,
    ) -> fmt::Result {
        match cause {
            RejectionCause::OrdinaryRequest if body.kind.is_empty() => Ok(()),
            RejectionCause::OrdinaryRequest => {
                write!(f, ": {}", Escaped(&short(&body.kind)))?;
                match &body.title {
                    Some(title) => write!(f, ", '{}'", Escaped(&short(title))),
                    None => Ok(()),
                }
            }
            RejectionCause::UnsupportedVersion(versions) => {
                let request = self.request.version.as_deref().unwrap_or("none");
                let s = if versions.contains(',') { "s" } else { "" };
                write!(f, ": the server supports version{s} {}", Escaped(&short(versions)))?;
                write!(f, " of the protocol, not {}", Escaped(&short(request)))
            }
            RejectionCause::NoUpgradeSeen => {
                f.write_str(": the server did not see the Upgrade header")
            }
            RejectionCause::TlsRequired => f.write_str(": the port requires TLS"),
            RejectionCause::OtherUpgradeRequired(what) => {
                write!(f, ": the server requires an upgrade to {}", Escaped(&short(what)))
            }
            RejectionCause::ClientCertificateRequired => {
                f.write_str(": the server requires a client certificate")
            }
            RejectionCause::RedirectLoop => f.write_str(": it redirects to itself"),
            RejectionCause::MovedWithoutTls => f.write_str(": it redirects to a URL without TLS"),
            RejectionCause::BrowserChallenge => {
                f.write_str(": the server requires a browser to solve a challenge")
            }
            RejectionCause::Login => f.write_str(": it redirects to a login page"),
            _ => Ok(()),
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each cause")]
    pub(super) fn hint(&self) -> Option<String> {
        let body = BodySummary::read(self.response, self.body);
        let request = self.request;
        let gateway = self.gateway();
        let host = request.target.authority();
        let hint = match self.cause(&body) {
            RejectionCause::OrdinaryRequest => {
                format!("check the path and port, and {}", forwards_upgrade(gateway))
            }
            RejectionCause::Moved => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("follow it with -L, or connect to {}", Escaped(&to))
            }
            RejectionCause::MovedWithoutTls => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("to allow this, connect to {} directly", Escaped(&to))
            }
            RejectionCause::BrowserChallenge => {
                "solve it in a browser, then pass its cookie with --cookie cf_clearance=VALUE and \
                 its User-Agent with -A"
                    .into()
            }
            RejectionCause::Login => format!("authenticate with {CREDENTIALS}"),
            RejectionCause::UnsupportedVersion(versions) => {
                let first = versions.split(',').next().unwrap_or_default();
                match first.parse::<u8>() {
                    Ok(version) => format!("request version {version} with -p {version}"),
                    Err(_) => return None,
                }
            }
            RejectionCause::NoUpgradeSeen if !request.has(RequestPart::Upgrade) => {
                "the request has no Upgrade header: -H removed it".into()
            }
            RejectionCause::NoUpgradeSeen => format!("check {}", forwards_upgrade(gateway)),
            RejectionCause::TlsRequired => format!("use {}", Escaped(&secured(request))),
            RejectionCause::OtherUpgradeRequired(what) if is_http2(&what) => "try --http2".into(),
            RejectionCause::ClientCertificateRequired => {
                "pass one with --cert FILE and --key FILE".into()
            }
            RejectionCause::EngineIo => "for Socket.IO, use a path such as \
                 '/socket.io/?EIO=4&transport=websocket'"
                .into(),
            RejectionCause::CredentialsRequired(schemes) => user_hint(request, &schemes),
            RejectionCause::Forbidden => return forbidden_hint(request),
            // HTTP/2 has no Upgrade and Connection headers that a gateway could drop.
            RejectionCause::NotFound => {
                match gateway.filter(|_| self.response.version != Version::Http2) {
                    None if request.target.resource == "/" => {
                        "check the path: WebSocket endpoints often have one such as /ws".into()
                    }
                    None => "check the path".into(),
                    some => format!("check the path, and {}", forwards_upgrade(some)),
                }
            }
            RejectionCause::Gone => "the endpoint was removed: look for its new path".into(),
            RejectionCause::MethodNotAllowed if self.response.version == Version::Http2 => {
                "try without --http2".into()
            }
            RejectionCause::MethodNotAllowed => {
                "check the path: it does not allow GET, which opens a WebSocket".into()
            }
            RejectionCause::GetAllowed => {
                format!("check the path, and {}", forwards_upgrade(gateway))
            }
            RejectionCause::ForwardProxy => {
                format!(
                    "this port is a proxy: connect through it with --proxy \
                    http://USER:PASSWORD@{host}"
                )
            }
            RejectionCause::Misdirected => {
                "the server does not serve this host: check the URL's host, \
                 --host, --sni and --connect-to"
                    .into()
            }
            RejectionCause::Overloaded => match self.retry_after() {
                Some(seconds) => {
                    format!("try again in {seconds} s; --reconnect does so automatically")
                }
                None => "try again later; --reconnect does so automatically".into(),
            },
            RejectionCause::BadGateway { timed_out } => {
                let name = gateway.unwrap_or_else(|| "the gateway".into());
                if timed_out {
                    format!("check the server behind {name}: it did not respond in time")
                } else {
                    format!(
                        "check that the server behind {name} is running: it gave no valid \
                        response"
                    )
                }
            }
            RejectionCause::HttpDowngraded => format!(
                "check that {} uses HTTP/1.1 for the server behind it",
                gateway.unwrap_or_else(|| "a reverse proxy, if there is one,".into())
            ),
            RejectionCause::ServerError => "this is a server error: check the server's log".into(),
            RejectionCause::Unknown if self.response.status == 400 => {
                return missing(request, &[RequestPart::Subprotocols, RequestPart::Origin]);
            }
            RejectionCause::RedirectLoop
            | RejectionCause::OtherUpgradeRequired(_)
            | RejectionCause::Unknown => return None,
        };
        Some(hint)
    }

    /// Returns the name of the reverse proxy that sent the response, if a header field names one.
    fn gateway(&self) -> Option<String> {
        let headers = &self.response.headers;
        let product = |value: &str| {
            let name = value.split(['/', ' ', '(']).next().unwrap_or_default().to_owned();
            GATEWAYS.contains(&name.to_ascii_lowercase().as_str()).then_some(name)
        };
        let via = || headers.get("Via").and_then(|via| via.split_whitespace().nth(1));
        let named = headers.get("Server").and_then(product);
        let named = named.or_else(|| via().map(|name| short(name.trim_end_matches(','))));
        named.map(|name| Escaped(&name).to_string())
    }

    /// Returns the seconds of `Retry-After`; its other form, a date, is ignored.
    fn retry_after(&self) -> Option<u32> {
        self.response.headers.get("Retry-After")?.trim().parse().ok()
    }
}

/// Returns the end of a hint for a request that may have lost its Upgrade header on the way.
fn forwards_upgrade(gateway: Option<String>) -> String {
    match gateway {
        Some(name) => format!("that {name} forwards the Upgrade and Connection headers"),
        None => "that any reverse proxy forwards the Upgrade and Connection headers".to_owned(),
    }
}

fn user_hint(request: &RequestSummary, schemes: &[String]) -> String {
    let has = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    let advice = match () {
        () if has("Bearer") && (has("Basic") || has("Digest")) => {
            "authenticate with --bearer TOKEN or --auth USER:PASSWORD"
        }
        () if has("Bearer") => "authenticate with --bearer TOKEN",
        () if has("Basic") || has("Digest") => "authenticate with --auth USER:PASSWORD",
        () if schemes.is_empty() => {
            return if request.has(RequestPart::Credentials) {
                "the server rejected the credentials".to_owned()
            } else {
                format!("authenticate with {CREDENTIALS}")
            };
        }
        () => {
            let schemes = short(&schemes.join(", "));
            return format!("sockeye does not support {} authentication", Escaped(&schemes));
        }
    };
    if request.has(RequestPart::Credentials) {
        format!("the server rejected the credentials: {advice}")
    } else {
        advice.to_owned()
    }
}

fn forbidden_hint(request: &RequestSummary) -> Option<String> {
    if request.has(RequestPart::Origin) && !request.has(RequestPart::Credentials) {
        return Some(
            "the server may require another origin, or credentials (--auth, --bearer, --cookie)"
                .into(),
        );
    }
    missing(request, &[RequestPart::Origin, RequestPart::Credentials])
}

fn is_http2(upgrade: &str) -> bool {
    ["h2", "h2c", "HTTP/2", "HTTP/2.0"].iter().any(|name| upgrade.eq_ignore_ascii_case(name))
}

const CREDENTIALS: &str = "--auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE";
/// `Server` values of software that is mostly used as a reverse proxy, in lower case.
const GATEWAYS: [&str; 12] = [
    "apache",
    "awselb",
    "caddy",
    "cloudflare",
    "envoy",
    "haproxy",
    "istio-envoy",
    "kong",
    "nginx",
    "openresty",
    "traefik",
    "varnish",
];
