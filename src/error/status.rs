//! The sentence and the hint for an HTTP status that does not upgrade, from the cause that the
//! answer and the request suggest.

use super::{
    answer::Answer,
    cause::{Cause, evidence},
    page::Page,
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

impl Answer<'_> {
    /// The sentence, its evidence below it.
    pub(super) fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = Page::read(self.response, self.body);
        let cause = self.cause(&page);
        let url = self.request.target.to_string();
        let url = Secrets::Hidden.url(&url);
        write!(f, "{} answered {}", Escaped(&url), StatusLine(self.response))?;
        f.write_str(" instead of upgrading to WebSocket")?;
        self.tail(f, &cause, &page)?;
        if let Some((name, value)) = evidence(&cause, self.response) {
            let value = without_user(value);
            let value = short(&Secrets::Hidden.url(&value));
            write!(f, "\n  {name}: {}", Escaped(&value))?;
        }
        // The first line has the title of what is no error.
        let in_first = matches!(cause, Cause::Ordinary);
        page.write(f, if in_first { None } else { page.headline.as_deref() })
    }

    /// What the first line says beyond the status.
    fn tail(&self, f: &mut fmt::Formatter<'_>, cause: &Cause, page: &Page) -> fmt::Result {
        match cause {
            Cause::Ordinary if page.kind.is_empty() => Ok(()),
            Cause::Ordinary => {
                write!(f, ": {}", Escaped(&short(&page.kind)))?;
                match &page.title {
                    Some(title) => write!(f, ", '{}'", Escaped(&short(title))),
                    None => Ok(()),
                }
            }
            Cause::Version(versions) => {
                let request = self.request.version.as_deref().unwrap_or("none");
                let s = if versions.contains(',') { "s" } else { "" };
                write!(f, ": it speaks version{s} {}", Escaped(&short(versions)))?;
                write!(f, " of the protocol, not {}", Escaped(&short(request)))
            }
            Cause::Unseen => f.write_str(": it saw no upgrade in the request"),
            Cause::WantsTls => f.write_str(": the port wants TLS"),
            Cause::WantsOther(what) => write!(f, ": it wants {}", Escaped(&short(what))),
            Cause::WantsCertificate => f.write_str(": it wants a client certificate"),
            Cause::Itself => f.write_str(": it redirects to itself"),
            Cause::MovedFromTls => f.write_str(": it redirects to where there is no TLS"),
            Cause::Challenge => f.write_str(": it wants a browser to solve a challenge"),
            Cause::Login => f.write_str(": it redirects to a login"),
            _ => Ok(()),
        }
    }

    /// What there is to try.
    pub(super) fn hint(&self) -> Option<String> {
        let page = Page::read(self.response, self.body);
        let request = self.request;
        let between = self.between();
        let host = request.target.authority();
        let text = match self.cause(&page) {
            Cause::Ordinary => format!("check path and port, and {}", passes_on(between)),
            Cause::Moved => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("follow it with -L, or connect to {}", Escaped(&to))
            }
            Cause::MovedFromTls => {
                let to = Secrets::Hidden.url(self.location.unwrap_or_default());
                format!("connect to {} if that is wanted", Escaped(&to))
            }
            Cause::Challenge => "it lets a browser in that has solved it, by its cookie: --cookie \
                 cf_clearance=VALUE, with -A and the browser's own User-Agent"
                .into(),
            Cause::Login => format!("show who you are: {CREDENTIALS}"),
            Cause::Version(versions) => {
                let first = versions.split(',').next().unwrap_or_default();
                match first.parse::<u8>() {
                    Ok(version) => format!("ask for version {version} with -p {version}"),
                    Err(_) => return None,
                }
            }
            Cause::Unseen if !request.has(RequestPart::Upgrade) => {
                "the request has no Upgrade header: -H removed it".into()
            }
            Cause::Unseen => format!("see {}", passes_on(between)),
            Cause::WantsTls => format!("use {}", Escaped(&secured(request))),
            Cause::WantsOther(what) if is_http2(&what) => "see whether it goes with --http2".into(),
            Cause::WantsCertificate => "give one with --cert FILE and --key FILE".into(),
            Cause::EngineIo => "Socket.IO wants a path such as \
                 '/socket.io/?EIO=4&transport=websocket'"
                .into(),
            Cause::WantsUser(schemes) => user_hint(request, &schemes),
            Cause::Forbidden => return forbidden_hint(request),
            // Over HTTP/2 there are no such headers.
            Cause::NoPath => match between.filter(|_| self.response.version != Version::Http2) {
                None if request.target.resource == "/" => {
                    "check the path: a WebSocket is often at one such as /ws".into()
                }
                None => "check the path".into(),
                some => format!("check the path, and {}", passes_on(some)),
            },
            Cause::Gone => "the path was given up: look for the new one".into(),
            Cause::Method if self.response.version == Version::Http2 => "leave out --http2".into(),
            Cause::Method => {
                "check the path: what is there takes no GET, which opens a WebSocket".into()
            }
            Cause::MethodTaken => format!("check the path, and {}", passes_on(between)),
            Cause::Proxy => {
                format!("a proxy is there: connect through it, --proxy http://USER:PASSWORD@{host}")
            }
            Cause::Misdirected => "the server does not serve this name: check the URL's host, \
                 --host, --sni and --connect-to"
                .into(),
            Cause::Busy => match self.patience() {
                Some(seconds) => {
                    format!(
                        "it asks for {seconds} s of patience; --reconnect waits and tries again"
                    )
                }
                None => "try again later; --reconnect does so by itself".into(),
            },
            Cause::Behind { late } => {
                let name = between.unwrap_or_else(|| "the gateway".into());
                if late {
                    format!("see what keeps the server behind {name}: it did not answer in time")
                } else {
                    format!("see whether the server behind {name} runs: it gave no good answer")
                }
            }
            Cause::Downgraded => format!(
                "see that {} speaks HTTP/1.1 to the server behind it",
                between.unwrap_or_else(|| "a reverse proxy, if there is one,".into())
            ),
            Cause::Fails => "the fault is the server's: its log may say why".into(),
            Cause::Unknown if self.response.status == 400 => {
                return missing(request, &[RequestPart::Subprotocols, RequestPart::Origin]);
            }
            Cause::Itself | Cause::WantsOther(_) | Cause::Unknown => return None,
        };
        Some(text)
    }

    /// What stands between us and the server, if the answer names it.
    fn between(&self) -> Option<String> {
        let headers = &self.response.headers;
        let product = |value: &str| {
            let name = value.split(['/', ' ', '(']).next().unwrap_or_default().to_owned();
            BETWEEN.contains(&name.to_ascii_lowercase().as_str()).then_some(name)
        };
        let via = || headers.get("Via").and_then(|via| via.split_whitespace().nth(1));
        let named = headers.get("Server").and_then(product);
        let named = named.or_else(|| via().map(|name| short(name.trim_end_matches(','))));
        named.map(|name| Escaped(&name).to_string())
    }

    /// For how many seconds it asks to be left alone.
    fn patience(&self) -> Option<u32> {
        self.response.headers.get("Retry-After")?.trim().parse().ok()
    }
}

/// What to look at where a request may have lost its upgrade.
fn passes_on(between: Option<String>) -> String {
    match between {
        Some(name) => format!("that {name} passes the headers Upgrade and Connection on"),
        None => "that a reverse proxy, if there is one, passes the headers Upgrade and \
             Connection on"
            .to_owned(),
    }
}

fn user_hint(request: &RequestSummary, schemes: &[String]) -> String {
    let has = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    let way = match () {
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
        format!("the credentials that were sent are not taken: {way}")
    } else {
        way.to_owned()
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
/// Servers that mostly stand before others.
const BETWEEN: [&str; 12] = [
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
