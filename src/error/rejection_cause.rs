//! The probable cause of a rejected upgrade, derived from the response and the request.

use super::{body::BodySummary, rejection::Rejection};
use crate::proto::handshake::{Response, Version};

/// The probable cause of a rejected upgrade.
pub(super) enum RejectionCause {
    /// 2xx: the server handled an ordinary request.
    OrdinaryRequest,
    /// A redirect to another URL.
    Moved,
    /// A redirect to the requested URL.
    RedirectLoop,
    /// A redirect from `wss:` to `ws:`.
    MovedWithoutTls,
    /// A redirect to a login body.
    Login,
    /// A challenge that only a browser can solve.
    BrowserChallenge,
    /// The server supports these versions of the protocol but not the requested one.
    UnsupportedVersion(String),
    /// The server did not receive the request's Upgrade header, or ignored it.
    NoUpgradeSeen,
    /// A plain-text request to a TLS port.
    TlsRequired,
    /// The server requires an upgrade to this protocol.
    OtherUpgradeRequired(String),
    ClientCertificateRequired,
    /// An Engine.IO server: the query must name a transport.
    EngineIo,
    /// The server requires credentials under one of these authentication schemes.
    CredentialsRequired(Vec<String>),
    Forbidden,
    NotFound,
    Gone,
    MethodNotAllowed,
    /// 405, although `Allow` lists GET.
    GetAllowed,
    /// 407: the URL's port belongs to a forward proxy.
    ForwardProxy,
    /// 421: the server does not serve this host.
    Misdirected,
    /// 429 or 503: the server is too busy.
    Overloaded,
    /// 502, 504 or a similar status: a gateway got no valid response from its upstream server.
    BadGateway {
        timed_out: bool,
    },
    ServerError,
    /// 505 to HTTP/1.1: a reverse proxy forwarded the request as HTTP/1.0.
    HttpDowngraded,
    /// Nothing beyond the status.
    Unknown,
}

impl Rejection<'_> {
    pub(super) fn cause(&self, body: &BodySummary) -> RejectionCause {
        let headers = &self.response.headers;
        let challenges: Vec<_> =
            headers.all("WWW-Authenticate").flat_map(challenges).map(ToOwned::to_owned).collect();
        if headers.has_token("Cf-Mitigated", "challenge") {
            return RejectionCause::BrowserChallenge;
        }
        match self.response.status {
            200..=299 => RejectionCause::OrdinaryRequest,
            301 | 302 | 303 | 307 | 308 if self.location.is_some_and(is_login) => {
                RejectionCause::Login
            }
            301 | 302 | 303 | 307 | 308 => {
                self.location.map_or(RejectionCause::Unknown, |location| {
                    let requested = &self.request.target;
                    if location == requested.to_string() {
                        RejectionCause::RedirectLoop
                    } else if requested.secure && location.starts_with("ws:") {
                        RejectionCause::MovedWithoutTls
                    } else {
                        RejectionCause::Moved
                    }
                })
            }
            400 | 426 => self.bad_request(body),
            401 => RejectionCause::CredentialsRequired(challenges),
            403 if !challenges.is_empty() => RejectionCause::CredentialsRequired(challenges),
            403 => RejectionCause::Forbidden,
            404 => RejectionCause::NotFound,
            // Over HTTP/2 the method is CONNECT, not GET.
            405 if self.response.version != Version::Http2 && headers.has_token("Allow", "GET") => {
                RejectionCause::GetAllowed
            }
            405 => RejectionCause::MethodNotAllowed,
            407 => RejectionCause::ForwardProxy,
            410 => RejectionCause::Gone,
            421 => RejectionCause::Misdirected,
            429 | 503 => RejectionCause::Overloaded,
            502 | 520 | 521 | 523 | 525 | 526 | 530 => {
                RejectionCause::BadGateway { timed_out: false }
            }
            504 | 522 | 524 => RejectionCause::BadGateway { timed_out: true },
            505 if self.response.version == Version::Http11 => RejectionCause::HttpDowngraded,
            500..=599 => RejectionCause::ServerError,
            _ => RejectionCause::Unknown,
        }
    }

    /// Returns the cause of a 400 or a 426. A 426 names the protocol that the server requires
    /// instead (RFC 9110, 15.5.22).
    fn bad_request(&self, body: &BodySummary) -> RejectionCause {
        let headers = &self.response.headers;
        let versions: Vec<_> = headers.list("Sec-WebSocket-Version").collect();
        let requested = self.request.version.as_deref().map(str::trim);
        if !versions.is_empty() && !versions.iter().any(|version| Some(*version) == requested) {
            return RejectionCause::UnsupportedVersion(versions.join(", "));
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
                RejectionCause::TlsRequired
            } else {
                RejectionCause::OtherUpgradeRequired((*first).to_owned())
            };
        }
        if !self.request.target.secure && body.mentions(PLAIN_ON_TLS) {
            RejectionCause::TlsRequired
        } else if body.mentions(NO_CERTIFICATE) {
            RejectionCause::ClientCertificateRequired
        } else if body.mentions(ENGINE_IO) {
            RejectionCause::EngineIo
        } else if self.response.version == Version::Http2 {
            // HTTP/2 has no upgrade.
            RejectionCause::Unknown
        } else if self.response.status == 426 || !versions.is_empty() || body.mentions(NO_UPGRADE) {
            // The server asks for the upgrade that was requested.
            RejectionCause::NoUpgradeSeen
        } else {
            RejectionCause::Unknown
        }
    }
}

/// Returns the name and value of the header field that supports `cause` best.
pub(super) fn evidence<'a>(
    cause: &RejectionCause,
    response: &'a Response,
) -> Option<(&'static str, &'a str)> {
    let headers = &response.headers;
    let name =
        evidence_fields(cause, response.status).iter().find(|name| headers.get(name).is_some())?;
    // Prefer a challenge with a supported scheme: the hint is about that one.
    let can_be_met = |value: &&str| {
        matches!(cause, RejectionCause::CredentialsRequired(_))
            && challenges(value).any(is_supported)
    };
    let supported = headers.all(name).find(can_be_met);
    Some((name, supported.or_else(|| headers.get(name))?))
}

/// Reports whether an option exists for this authentication scheme.
fn is_supported(scheme: &str) -> bool {
    ["Basic", "Bearer", "Digest"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// Returns the header fields that may support `cause`, the best first.
fn evidence_fields(cause: &RejectionCause, status: u16) -> &'static [&'static str] {
    match cause {
        RejectionCause::CredentialsRequired(_) => &["WWW-Authenticate"],
        RejectionCause::MethodNotAllowed | RejectionCause::GetAllowed => &["Allow"],
        RejectionCause::BrowserChallenge => &["Cf-Mitigated"],
        RejectionCause::ForwardProxy => &["Proxy-Authenticate"],
        RejectionCause::Overloaded => &["Retry-After", "Server", "Via"],
        RejectionCause::NoUpgradeSeen
        | RejectionCause::HttpDowngraded
        | RejectionCause::BadGateway { .. }
        | RejectionCause::OrdinaryRequest
        | RejectionCause::NotFound => &["Server", "Via"],
        _ if (300..400).contains(&status) => &["Location"],
        RejectionCause::Unknown => &["Sec-WebSocket-Version", "Upgrade", "Retry-After", "Server"],
        _ => &[],
    }
}

/// Returns the schemes in a `WWW-Authenticate` value (RFC 9110, 11.3). Unlike a parameter, a scheme
/// has no `=` in its first word.
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

/// Reports whether the path of this URL looks like a login page.
fn is_login(location: &str) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .skip(3)
        .any(|part| LOGIN_SEGMENTS.iter().any(|name| part.eq_ignore_ascii_case(name)))
}

const LOGIN_SEGMENTS: [&str; 7] =
    ["login", "signin", "sign-in", "sign_in", "sso", "oauth", "oauth2"];
/// Messages for plain HTTP on a TLS port from nginx and others, Apache, Go and Tomcat.
const PLAIN_ON_TLS: &[&str] = &[
    "plain http request was sent to https",
    "plain http to an ssl",
    "http request to an https",
    "requires tls",
];
/// The message of nginx.
const NO_CERTIFICATE: &[&str] = &["no required ssl certificate"];
/// Errors 0 and 5 of Engine.IO.
const ENGINE_IO: &[&str] = &["transport unknown", "unsupported protocol version\""];
/// Messages of various servers in answer to a GET without an upgrade.
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
    fn distinguishes_schemes_from_their_parameters() {
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
    fn recognizes_a_login_by_its_path() {
        for location in ["https://h/login", "wss://h/auth/SignIn?next=/ws", "ws://h/oauth2/start"] {
            assert!(is_login(location), "{location}");
        }
        for location in ["https://h/ws", "https://login/ws", "wss://h/a?to=/login", "wss://h/"] {
            assert!(!is_login(location), "{location}");
        }
    }
}
