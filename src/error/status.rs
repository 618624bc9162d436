//! The sentence and the hint for an HTTP status that does not upgrade: what the answer, and what
//! was asked, tell of the cause.

use super::{
    Asked,
    circumstances::Missing,
    opening::{Status, short},
    page::Page,
};
use crate::{
    escape::Escaped,
    proto::handshake::{Response, Version},
    target::without_user,
};
use std::fmt;

/// An answer that does not upgrade.
pub(super) struct Answer<'a> {
    pub(super) asked: &'a Asked,
    pub(super) response: &'a Response,
    pub(super) body: &'a [u8],
    /// Where it sends us, if it does.
    pub(super) location: Option<&'a str>,
}

/// What it tells of the cause.
enum Cause {
    /// It answers as to an ordinary request.
    Ordinary,
    /// What is wanted is elsewhere.
    Moved,
    /// The browser is to show who it is first.
    Login,
    /// It speaks these versions of the protocol, and not the one asked for.
    Version(String),
    /// It has not seen that an upgrade was asked for.
    Unseen,
    /// The port wants TLS.
    WantsTls,
    /// It wants this instead.
    WantsOther(String),
    /// It wants a client certificate.
    WantsCertificate,
    /// It wants a transport of Engine.IO to be named.
    EngineIo,
    /// It wants to know who asks, in one of these ways.
    WantsUser(Vec<String>),
    /// Who asks, or from where, may not have it.
    Forbidden,
    /// Nothing is there.
    NoPath,
    /// What was there is gone.
    Gone,
    /// The method is not one it takes there.
    Method,
    /// A proxy answers that wants a user.
    Proxy,
    /// It does not know the host.
    Misdirected,
    /// It wants to be left alone for a while.
    Busy,
    /// What is behind it is not there, or is late.
    Behind {
        /// It is late.
        late: bool,
    },
    /// It fails by itself.
    Fails,
    /// It does not take the version of HTTP that reached it.
    Downgraded,
    /// No more than the status says.
    Unknown,
}

impl Answer<'_> {
    /// The sentence, its evidence below it.
    pub(super) fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = Page::read(self.response, self.body);
        let cause = self.cause(&page);
        let url = self.asked.target.to_string();
        write!(f, "{} answered {}", Escaped(&url), Status(self.response))?;
        f.write_str(" instead of upgrading to WebSocket")?;
        self.tail(f, &cause, &page)?;
        for name in evidence(&cause, self.response.status) {
            if let Some(value) = self.response.headers.get(name) {
                write!(f, "\n  {name}: {}", Escaped(&short(&without_user(value))))?;
                break;
            }
        }
        for line in page.lines.iter().take(BODY_LINES) {
            write!(f, "\n  {}", Escaped(&short(line)))?;
        }
        Ok(())
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
                let asked = self.asked.version.as_deref().unwrap_or("none");
                write!(f, ": it speaks version {}", Escaped(&short(versions)))?;
                write!(f, " of the protocol, not {}", Escaped(&short(asked)))
            }
            Cause::Unseen => f.write_str(": it saw no upgrade in the request"),
            Cause::WantsTls => f.write_str(": the port wants TLS"),
            Cause::WantsOther(what) => write!(f, ": it wants {}", Escaped(&short(what))),
            Cause::WantsCertificate => f.write_str(": it wants a client certificate"),
            Cause::Login => f.write_str(": it redirects to a login"),
            _ => Ok(()),
        }
    }

    fn cause(&self, page: &Page) -> Cause {
        let headers = &self.response.headers;
        let challenges: Vec<_> =
            headers.all("WWW-Authenticate").flat_map(challenges).map(ToOwned::to_owned).collect();
        match self.response.status {
            200..=299 => Cause::Ordinary,
            301 | 302 | 303 | 307 | 308 if self.location.is_some_and(is_login) => Cause::Login,
            301 | 302 | 303 | 307 | 308 if self.location.is_some() => Cause::Moved,
            400 | 426 => self.bad_request(page),
            401 => Cause::WantsUser(challenges),
            403 if !challenges.is_empty() => Cause::WantsUser(challenges),
            403 => Cause::Forbidden,
            404 => Cause::NoPath,
            405 => Cause::Method,
            407 => Cause::Proxy,
            410 => Cause::Gone,
            421 => Cause::Misdirected,
            429 | 503 => Cause::Busy,
            502 | 520 | 521 | 523 | 525 | 526 | 530 => Cause::Behind { late: false },
            504 | 522 | 524 => Cause::Behind { late: true },
            505 if self.response.version == Version::Http11 => Cause::Downgraded,
            500..=599 => Cause::Fails,
            _ => Cause::Unknown,
        }
    }

    /// What a 400 or a 426 is about: the second is also sent to say what is wanted instead
    /// (RFC 9110, 15.5.22).
    fn bad_request(&self, page: &Page) -> Cause {
        let headers = &self.response.headers;
        let versions: Vec<_> = headers.list("Sec-WebSocket-Version").collect();
        let asked = self.asked.version.as_deref().map(str::trim);
        if !versions.is_empty() && !versions.iter().any(|version| Some(*version) == asked) {
            return Cause::Version(versions.join(", "));
        }
        let upgrade: Vec<_> = headers.list("Upgrade").collect();
        let is_asked = |name: &&str| name.eq_ignore_ascii_case("websocket");
        if self.response.status == 426
            && let Some(first) = upgrade.iter().find(|name| !is_asked(name))
            && !upgrade.iter().any(is_asked)
        {
            let secure = self.asked.target.secure;
            let is_tls = first.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("tls"));
            return if is_tls && !secure {
                Cause::WantsTls
            } else {
                Cause::WantsOther((*first).to_owned())
            };
        }
        if !self.asked.target.secure && page.says(PLAIN_ON_TLS) {
            Cause::WantsTls
        } else if page.says(NO_CERTIFICATE) {
            Cause::WantsCertificate
        } else if page.says(ENGINE_IO) {
            Cause::EngineIo
        } else if self.response.status == 426 || !versions.is_empty() || page.says(NO_UPGRADE) {
            // What it asks for is what was asked for.
            Cause::Unseen
        } else {
            Cause::Unknown
        }
    }

    /// What there is to try.
    pub(super) fn hint(&self) -> Option<String> {
        let page = Page::read(self.response, self.body);
        let asked = self.asked;
        let between = self.between();
        let host = asked.target.authority();
        let text = match self.cause(&page) {
            Cause::Ordinary => format!("check path and port, and {}", passes_on(between)),
            Cause::Moved => {
                let to = self.location.unwrap_or_default();
                format!("follow it with -L, or connect to {}", Escaped(to))
            }
            Cause::Login => format!("show who you are: {CREDENTIALS}"),
            Cause::Version(versions) => {
                let first = versions.split(',').next().unwrap_or_default();
                match first.parse::<u8>() {
                    Ok(version) => format!("ask for that one with -p {version}"),
                    Err(_) => return None,
                }
            }
            Cause::Unseen => format!("see {}", passes_on(between)),
            Cause::WantsTls => format!("use {}", Escaped(&secured(asked))),
            Cause::WantsOther(what) if is_http2(&what) => "see whether it goes with --http2".into(),
            Cause::WantsCertificate => "give one with --cert FILE and --key FILE".into(),
            Cause::EngineIo => "Socket.IO wants a path such as \
                 '/socket.io/?EIO=4&transport=websocket'"
                .into(),
            Cause::WantsUser(schemes) => return user_hint(asked, &schemes),
            Cause::Forbidden => return forbidden_hint(asked),
            Cause::NoPath => match between {
                _ if asked.target.resource == "/" && between.is_none() => {
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
                let name = between.unwrap_or_else(|| "a gateway".into());
                let did = if late { "did not answer in time" } else { "gave no good answer" };
                format!("{name} answered for the server behind it, which {did}")
            }
            Cause::Downgraded => format!(
                "see that {} speaks HTTP/1.1 to the server behind it",
                between.unwrap_or_else(|| "a reverse proxy, if there is one,".into())
            ),
            Cause::Fails => "the fault is the server's: its log may say why".into(),
            Cause::Unknown if self.response.status == 400 => {
                return asked.missing(&[Missing::Subprotocol, Missing::Origin]);
            }
            Cause::WantsOther(_) | Cause::Unknown => return None,
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

/// The header fields that prove it; the first that is there is shown.
fn evidence(cause: &Cause, status: u16) -> &'static [&'static str] {
    match cause {
        Cause::WantsUser(_) => &["WWW-Authenticate"],
        Cause::Method => &["Allow"],
        Cause::Proxy => &["Proxy-Authenticate"],
        Cause::Busy => &["Retry-After", "Server", "Via"],
        Cause::Unseen
        | Cause::Downgraded
        | Cause::Behind { .. }
        | Cause::Ordinary
        | Cause::NoPath => &["Server", "Via"],
        _ if (300..400).contains(&status) => &["Location"],
        Cause::Unknown => &["Sec-WebSocket-Version", "Upgrade", "Retry-After", "Server"],
        _ => &[],
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

fn user_hint(asked: &Asked, schemes: &[String]) -> Option<String> {
    let has = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    let way = match () {
        () if has("Bearer") && (has("Basic") || has("Digest")) => {
            "give a token with --bearer TOKEN, or a user with --auth USER:PASSWORD"
        }
        () if has("Bearer") => "give a token with --bearer TOKEN",
        () if has("Basic") || has("Digest") => "give user and password with --auth USER:PASSWORD",
        () if schemes.is_empty() => {
            return Some(if asked.credentials {
                "the credentials that were sent are not taken".to_owned()
            } else {
                format!("show who you are: {CREDENTIALS}")
            });
        }
        () => {
            let schemes = short(&schemes.join(", "));
            return Some(format!("sockeye does not speak {}", Escaped(&schemes)));
        }
    };
    Some(if asked.credentials {
        format!("the credentials that were sent are not taken: {way}")
    } else {
        way.to_owned()
    })
}

fn forbidden_hint(asked: &Asked) -> Option<String> {
    if asked.origin && !asked.credentials {
        return Some(
            "it may want another origin, or credentials (--auth, --bearer, --cookie)".into(),
        );
    }
    asked.missing(&[Missing::Origin, Missing::Credentials])
}

/// The schemes of a challenge (RFC 9110, 11.3): words that begin one have no `=` behind them.
fn challenges(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let items = value.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    items.filter_map(|item| {
        let word = item.split_whitespace().next()?;
        (!word.contains(['=', '"'])).then_some(word)
    })
}

/// Whether a place is one where a browser logs in.
fn is_login(location: &str) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.split('/').skip(3).any(|part| LOGIN.iter().any(|name| part.eq_ignore_ascii_case(name)))
}

fn is_http2(upgrade: &str) -> bool {
    ["h2", "h2c", "HTTP/2", "HTTP/2.0"].iter().any(|name| upgrade.eq_ignore_ascii_case(name))
}

/// The same with TLS.
pub(super) fn secured(asked: &Asked) -> String {
    let target = &asked.target;
    // The port was given, or it is 80, where none would be the other scheme's own.
    format!("wss://{}{}", target.authority(), target.resource)
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
const LOGIN: [&str; 7] = ["login", "signin", "sign-in", "sign_in", "sso", "oauth", "oauth2"];
/// nginx and others; Apache; Go; Tomcat.
const PLAIN_ON_TLS: &[&str] = &[
    "plain http request was sent to https",
    "plain http to an ssl",
    "http request to an https",
    "requires tls",
];
/// nginx.
const NO_CERTIFICATE: &[&str] = &["no required ssl certificate"];
/// Engine.IO's errors 0 and 5.
const ENGINE_IO: &[&str] = &["transport unknown", "unsupported protocol version\""];
/// What servers of many makers say to a plain GET.
const NO_UPGRADE: &[&str] = &[
    "upgrade required",
    "'upgrade' token not found",
    "can \"upgrade\" only",
    "missing connection header",
    "missing upgrade header",
    "no websocket upgrade",
    "not a websocket request",
    "not a websocket handshake",
    "expected websocket",
    "invalid upgrade header",
];
/// Lines of a body shown: with status, one header and hint a message has five lines.
const BODY_LINES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_from_their_parameters() {
        let schemes = |value| challenges(value).collect::<Vec<_>>();
        assert_eq!(schemes("Basic realm=\"a, b\""), ["Basic"]);
        assert_eq!(
            schemes("Digest realm=\"x\", nonce=\"n\", Bearer scope=\"a\""),
            ["Digest", "Bearer"]
        );
        assert_eq!(schemes("Negotiate"), ["Negotiate"]);
        assert_eq!(schemes("NTLM, Basic realm=x"), ["NTLM", "Basic"]);
        assert_eq!(schemes(""), Vec::<&str>::new());
    }

    #[test]
    fn a_login_is_told_by_its_path() {
        for location in ["https://h/login", "wss://h/auth/SignIn?next=/ws", "ws://h/oauth2/start"] {
            assert!(is_login(location), "{location}");
        }
        for location in ["https://h/ws", "https://login/ws", "wss://h/a?to=/login", "wss://h/"] {
            assert!(!is_login(location), "{location}");
        }
    }
}
