//! Why an answer does not upgrade, by what it says.

use super::{answer::Answer, page::Page};
use crate::proto::handshake::{Response, Version};

/// What it tells of the cause.
pub(super) enum Cause {
    /// It answers as to an ordinary request.
    Ordinary,
    /// What is wanted is elsewhere.
    Moved,
    /// What is wanted is here, it says.
    Itself,
    /// What is wanted is elsewhere, without TLS.
    MovedFromTls,
    /// A browser is to prove that it is one.
    Challenge,
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
    /// It says so, and that it takes this one.
    MethodTaken,
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
    pub(super) fn cause(&self, page: &Page) -> Cause {
        let headers = &self.response.headers;
        let challenges: Vec<_> =
            headers.all("WWW-Authenticate").flat_map(challenges).map(ToOwned::to_owned).collect();
        if headers.has_token("Cf-Mitigated", "challenge") {
            return Cause::Challenge;
        }
        match self.response.status {
            200..=299 => Cause::Ordinary,
            301 | 302 | 303 | 307 | 308 if self.location.is_some_and(is_login) => Cause::Login,
            301 | 302 | 303 | 307 | 308 => self.location.map_or(Cause::Unknown, |location| {
                let asked = &self.request.target;
                if location == asked.to_string() {
                    Cause::Itself
                } else if asked.secure && location.starts_with("ws:") {
                    Cause::MovedFromTls
                } else {
                    Cause::Moved
                }
            }),
            400 | 426 => self.bad_request(page),
            401 => Cause::WantsUser(challenges),
            403 if !challenges.is_empty() => Cause::WantsUser(challenges),
            403 => Cause::Forbidden,
            404 => Cause::NoPath,
            // Over HTTP/2 the method is another one.
            405 if self.response.version != Version::Http2 && headers.has_token("Allow", "GET") => {
                Cause::MethodTaken
            }
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
        let asked = self.request.version.as_deref().map(str::trim);
        if !versions.is_empty() && !versions.iter().any(|version| Some(*version) == asked) {
            return Cause::Version(versions.join(", "));
        }
        let upgrade: Vec<_> = headers.list("Upgrade").collect();
        let is_asked = |name: &&str| name.eq_ignore_ascii_case("websocket");
        if self.response.status == 426
            && let Some(first) = upgrade.iter().find(|name| !is_asked(name))
            && !upgrade.iter().any(is_asked)
        {
            let secure = self.request.target.secure;
            let is_tls = first.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("tls"));
            return if is_tls && !secure {
                Cause::WantsTls
            } else {
                Cause::WantsOther((*first).to_owned())
            };
        }
        if !self.request.target.secure && page.says(PLAIN_ON_TLS) {
            Cause::WantsTls
        } else if page.says(NO_CERTIFICATE) {
            Cause::WantsCertificate
        } else if page.says(ENGINE_IO) {
            Cause::EngineIo
        } else if self.response.version == Version::Http2 {
            // Nothing is upgraded there.
            Cause::Unknown
        } else if self.response.status == 426 || !versions.is_empty() || page.says(NO_UPGRADE) {
            // What it asks for is what was asked for.
            Cause::Unseen
        } else {
            Cause::Unknown
        }
    }
}

/// The header field that proves it, and its name.
pub(super) fn evidence<'a>(
    cause: &Cause,
    response: &'a Response,
) -> Option<(&'static str, &'a str)> {
    let headers = &response.headers;
    let name = fields(cause, response.status).iter().find(|name| headers.get(name).is_some())?;
    // Of many challenges that which can be met: the hint is about it.
    let is_met =
        |value: &&str| matches!(cause, Cause::WantsUser(_)) && challenges(value).any(is_spoken);
    let met = headers.all(name).find(is_met);
    Some((name, met.or_else(|| headers.get(name))?))
}

/// Whether there is an option for this scheme.
fn is_spoken(scheme: &str) -> bool {
    ["Basic", "Bearer", "Digest"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// The header fields that may prove it, the best first.
fn fields(cause: &Cause, status: u16) -> &'static [&'static str] {
    match cause {
        Cause::WantsUser(_) => &["WWW-Authenticate"],
        Cause::Method | Cause::MethodTaken => &["Allow"],
        Cause::Challenge => &["Cf-Mitigated"],
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
