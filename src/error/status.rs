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
                write!(f, ": it speaks version{s} {}", Escaped(&short(versions)))?;
                write!(f, " of the protocol, not {}", Escaped(&short(request)))
            }
            RejectionCause::NoUpgradeSeen => f.write_str(": it saw no upgrade in the request"),
            RejectionCause::TlsRequired => f.write_str(": the port wants TLS"),
            RejectionCause::OtherUpgradeRequired(what) => {
                write!(f, ": it wants {}", Escaped(&short(what)))
            }
            RejectionCause::ClientCertificateRequired => {
                f.write_str(": it wants a client certificate")
            }
            RejectionCause::RedirectLoop => f.write_str(": it redirects to itself"),
            RejectionCause::MovedWithoutTls => {
                f.write_str(": it redirects to where there is no TLS")
            }
            RejectionCause::BrowserChallenge => {
                f.write_str(": it wants a browser to solve a challenge")
            }
            RejectionCause::Login => f.write_str(": it redirects to a login"),
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
                format!("check path and port, and {}", forwards_upgrade(gateway))
            }
            RejectionCause::Moved => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("follow it with -L, or connect to {}", Escaped(&to))
            }
            RejectionCause::MovedWithoutTls => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("connect to {} if that is wanted", Escaped(&to))
            }
            RejectionCause::BrowserChallenge => {
                "it lets a browser in that has solved it, by its cookie: --cookie \
                 cf_clearance=VALUE, with -A and the browser's own User-Agent"
                    .into()
            }
            RejectionCause::Login => format!("show who you are: {CREDENTIALS}"),
            RejectionCause::UnsupportedVersion(versions) => {
                let first = versions.split(',').next().unwrap_or_default();
                match first.parse::<u8>() {
                    Ok(version) => format!("ask for version {version} with -p {version}"),
                    Err(_) => return None,
                }
            }
            RejectionCause::NoUpgradeSeen if !request.has(RequestPart::Upgrade) => {
                "the request has no Upgrade header: -H removed it".into()
            }
            RejectionCause::NoUpgradeSeen => format!("see {}", forwards_upgrade(gateway)),
            RejectionCause::TlsRequired => format!("use {}", Escaped(&secured(request))),
            RejectionCause::OtherUpgradeRequired(what) if is_http2(&what) => {
                "see whether it goes with --http2".into()
            }
            RejectionCause::ClientCertificateRequired => {
                "give one with --cert FILE and --key FILE".into()
            }
            RejectionCause::EngineIo => "Socket.IO wants a path such as \
                 '/socket.io/?EIO=4&transport=websocket'"
                .into(),
            RejectionCause::CredentialsRequired(schemes) => user_hint(request, &schemes),
            RejectionCause::Forbidden => return forbidden_hint(request),
            // HTTP/2 has no Upgrade and Connection headers that a gateway could drop.
            RejectionCause::NotFound => {
                match gateway.filter(|_| self.response.version != Version::Http2) {
                    None if request.target.resource == "/" => {
                        "check the path: a WebSocket is often at one such as /ws".into()
                    }
                    None => "check the path".into(),
                    some => format!("check the path, and {}", forwards_upgrade(some)),
                }
            }
            RejectionCause::Gone => "the path was given up: look for the new one".into(),
            RejectionCause::MethodNotAllowed if self.response.version == Version::Http2 => {
                "leave out --http2".into()
            }
            RejectionCause::MethodNotAllowed => {
                "check the path: what is there takes no GET, which opens a WebSocket".into()
            }
            RejectionCause::GetAllowed => {
                format!("check the path, and {}", forwards_upgrade(gateway))
            }
            RejectionCause::ForwardProxy => {
                format!("a proxy is there: connect through it, --proxy http://USER:PASSWORD@{host}")
            }
            RejectionCause::Misdirected => {
                "the server does not serve this name: check the URL's host, \
                 --host, --sni and --connect-to"
                    .into()
            }
            RejectionCause::Overloaded => match self.retry_after() {
                Some(seconds) => {
                    format!(
                        "it asks for {seconds} s of patience; --reconnect waits and tries again"
                    )
                }
                None => "try again later; --reconnect does so by itself".into(),
            },
            RejectionCause::BadGateway { timed_out } => {
                let name = gateway.unwrap_or_else(|| "the gateway".into());
                if timed_out {
                    format!("see what keeps the server behind {name}: it did not answer in time")
                } else {
                    format!("see whether the server behind {name} runs: it gave no good answer")
                }
            }
            RejectionCause::HttpDowngraded => format!(
                "see that {} speaks HTTP/1.1 to the server behind it",
                gateway.unwrap_or_else(|| "a reverse proxy, if there is one,".into())
            ),
            RejectionCause::ServerError => "the fault is the server's: its log may say why".into(),
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
        Some(name) => format!("that {name} passes the headers Upgrade and Connection on"),
        None => "that a reverse proxy, if there is one, passes the headers Upgrade and \
             Connection on"
            .to_owned(),
    }
}

fn user_hint(request: &RequestSummary, schemes: &[String]) -> String {
    let has = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    let advice = match () {
        () if has("Bearer") && (has("Basic") || has("Digest")) => {
            "give a token with --bearer TOKEN, or a user with --auth USER:PASSWORD"
        }
        () if has("Bearer") => "give a token with --bearer TOKEN",
        () if has("Basic") || has("Digest") => "give user and password with --auth USER:PASSWORD",
        () if schemes.is_empty() => {
            return if request.has(RequestPart::Credentials) {
                "the credentials that were sent are not taken".to_owned()
            } else {
                format!("show who you are: {CREDENTIALS}")
            };
        }
        () => {
            let schemes = short(&schemes.join(", "));
            return format!("sockeye does not speak {}", Escaped(&schemes));
        }
    };
    if request.has(RequestPart::Credentials) {
        format!("the credentials that were sent are not taken: {advice}")
    } else {
        advice.to_owned()
    }
}

fn forbidden_hint(request: &RequestSummary) -> Option<String> {
    if request.has(RequestPart::Origin) && !request.has(RequestPart::Credentials) {
        return Some(
            "it may want another origin, or credentials (--auth, --bearer, --cookie)".into(),
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
