//! Parts of the rules for a refused upgrade: conditions, hints and the words that servers use.

use super::{refusal::Refusal, words::API_KEYS};
use crate::{
    connect::RequestPart::{Credentials, Origin, Subprotocols},
    error::text::short,
    escape::Escaped,
    redact::Secrets,
};

pub(super) fn is_redirect(e: &Refusal) -> bool {
    e.status(&[301, 302, 303, 307, 308])
}

pub(super) fn is_page(e: &Refusal) -> bool {
    (200..300).contains(&e.response.status)
}

/// Reports whether the path of this URL looks like a login page.
pub(super) fn is_login(location: &str) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .skip(3)
        .any(|part| LOGIN_SEGMENTS.iter().any(|name| part.eq_ignore_ascii_case(name)))
}

/// Reports whether the answer asks for the upgrade that was requested. HTTP/2 has no upgrade.
pub(super) fn names_upgrade(e: &Refusal) -> bool {
    let asks = match e.response.status {
        426 => e.is_silent() || asks_for_websocket(e),
        400 => e.header("Sec-WebSocket-Version") || e.says(&["upgrade required"]),
        _ => return false,
    };
    !e.is_http2() && (asks || e.says(UPGRADE_WORDS))
}

fn asks_for_websocket(e: &Refusal) -> bool {
    e.response.headers.has_token("Upgrade", "websocket")
}

pub(super) fn is_api_gateway(e: &Refusal) -> bool {
    e.header("x-amz-apigw-id") || e.request.target.host_name().contains(".execute-api.")
}

/// Reports whether Envoy generated the answer rather than forwarded it. Its name is in both.
pub(super) fn is_envoys_own(e: &Refusal) -> bool {
    e.is_from("envoy") && !e.header("x-envoy-upstream-service-time")
}

pub(super) fn starts(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

pub(super) fn location(e: &Refusal) -> String {
    let to = Secrets::Hidden.url(e.location.as_deref().unwrap_or_default());
    Escaped(&to).to_string()
}

/// The path of the request without this end and without a last slash.
pub(super) fn prefix(e: &Refusal, end: &str) -> String {
    let path = e.path();
    let path = path.strip_suffix(end).unwrap_or(path).trim_end_matches('/');
    Escaped(path).to_string()
}

pub(super) fn versions(e: &Refusal) -> String {
    let versions = e.other_versions();
    let s = if versions.len() > 1 { "s" } else { "" };
    let requested = short(e.request.version.as_deref().unwrap_or("none"));
    format!(
        "the server supports version{s} {} of the protocol, not {}",
        Escaped(&short(&versions.join(", "))),
        Escaped(&requested)
    )
}

/// Reports whether an Upgrade header may have been lost on the way. HTTP/2 has none, and some
/// gateways always forward it.
pub(super) fn may_drop_upgrade(e: &Refusal) -> bool {
    let forwards = [
        "awselb",
        "caddy",
        "cloudflare",
        "cloudfront",
        "envoy",
        "google",
        "haproxy",
        "heroku",
        "nghttpx",
        "traefik",
    ];
    !e.is_http2() && !forwards.iter().any(|name| e.is_from(name))
}

pub(super) fn gateway(e: &Refusal) -> String {
    e.gateway().unwrap_or_else(|| "the gateway".into())
}

/// Returns the end of a hint for a request that may have lost its Upgrade header on the way.
pub(super) fn forwards_upgrade(e: &Refusal) -> String {
    match e.gateway() {
        _ if e.is_http2() => "that any reverse proxy supports WebSocket over HTTP/2".into(),
        Some(name) if name.eq_ignore_ascii_case("apache") => {
            "that Apache forwards the upgrade: ProxyPass with upgrade=websocket".into()
        }
        Some(name) if name.eq_ignore_ascii_case("lighttpd") => {
            "that lighttpd forwards the upgrade: proxy.header with upgrade enabled".into()
        }
        None if e.is_from("microsoft-iis") => {
            "that IIS has its feature WebSocket Protocol, which forwards the upgrade".into()
        }
        Some(name) if may_drop_upgrade(e) => {
            format!("that {name} forwards the Upgrade and Connection headers")
        }
        _ => "that any reverse proxy forwards the Upgrade and Connection headers".into(),
    }
}

pub(super) fn http_version(e: &Refusal) -> String {
    let name = e.gateway().unwrap_or_else(|| "any reverse proxy".into());
    format!("check that {name} uses HTTP/1.1 for the server behind it")
}

pub(super) fn origin_option(e: &Refusal) -> String {
    format!("an origin (-o {})", Escaped(&e.request.target.origin()))
}

pub(super) fn origin(e: &Refusal) -> String {
    if e.sent(Origin) {
        "pass an origin that the server allows: -o ORIGIN".into()
    } else {
        format!(
            "pass an origin that the server allows, such as -o {}",
            Escaped(&e.request.target.origin())
        )
    }
}

pub(super) fn subprotocol(e: &Refusal) -> String {
    if e.sent(Subprotocols) {
        "request another subprotocol with -s NAME".into()
    } else {
        "request a subprotocol with -s NAME".into()
    }
}

/// Returns a hint that names the parts that are lacking.
pub(super) fn pass(parts: &[(bool, String)]) -> String {
    let parts: Vec<_> =
        parts.iter().filter(|(lacks, _)| *lacks).map(|(_, part)| part.as_str()).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("pass {}, which the server may require", parts.join(" or "))
    }
}

pub(super) fn requirements(e: &Refusal) -> String {
    let credentials = "credentials (--auth, --bearer, --cookie)".to_owned();
    let origin = if e.sent(Origin) && e.lacks(Credentials) {
        (true, "another origin (-o)".to_owned())
    } else {
        (e.lacks(Origin), origin_option(e))
    };
    pass(&[(e.lacks(Credentials), credentials), origin])
}

pub(super) fn authenticate(e: &Refusal) -> String {
    if e.is_authenticated() {
        REJECTED.into()
    } else if e.says(&["bearer"]) {
        "authenticate with --bearer TOKEN".into()
    } else if e.says(API_KEYS) {
        SEND_KEY.into()
    } else {
        AUTHENTICATE.into()
    }
}

pub(super) fn challenge(e: &Refusal) -> String {
    let schemes = e.challenges();
    let has = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    let user = has("Basic") || has("Digest");
    let advice = match (has("Bearer"), user) {
        (true, true) => "authenticate with --bearer TOKEN or --auth USER:PASSWORD",
        (true, false) => "authenticate with --bearer TOKEN",
        (false, true) => "authenticate with --auth USER:PASSWORD",
        (false, false)
            if !e.is_authenticated() && !schemes.iter().any(|scheme| is_negotiated(scheme)) =>
        {
            let scheme = short(schemes.first().map_or("", String::as_str));
            return format!("authenticate with -H 'Authorization: {} TOKEN'", Escaped(&scheme));
        }
        (false, false) if !schemes.iter().any(|scheme| is_negotiated(scheme)) => {
            return REJECTED.into();
        }
        (false, false) => {
            let schemes = short(&schemes.join(", "));
            return format!("sockeye does not support {} authentication", Escaped(&schemes));
        }
    };
    if e.is_authenticated() { format!("{REJECTED}: {advice}") } else { advice.into() }
}

/// Reports whether a scheme takes a negotiation, which no header field can replace.
fn is_negotiated(scheme: &str) -> bool {
    let scheme = scheme.to_ascii_lowercase();
    scheme.starts_with("scram")
        || ["negotiate", "ntlm", "kerberos", "mutual", "hoba"].contains(&&*scheme)
}

/// Returns the hint for a request that was sent to a proxy itself.
pub(super) fn proxy(e: &Refusal, user: &str) -> String {
    let host = e.request.target.authority();
    let host = Escaped(&host);
    format!("this port is a proxy: connect through it with --proxy http://{user}{host}")
}

pub(super) fn try_again(e: &Refusal) -> String {
    match e.retry_after() {
        Some(seconds) => format!("try again in {seconds} s; --reconnect does so automatically"),
        None => "try again later; --reconnect does so automatically".into(),
    }
}

pub(super) const NO_UPGRADE: &str = "the server did not see the Upgrade header";
pub(super) const AUTHENTICATE: &str =
    "authenticate with --auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE";
const SEND_KEY: &str =
    "authenticate with --bearer KEY or -H 'X-API-Key: KEY', as the server expects it";
pub(super) const REJECTED: &str = "the server rejected the credentials";
pub(super) const ENGINE_QUERY: &str = "'?EIO=4&transport=websocket'";
pub(super) const ENGINE_QUERY_QUOTED: &str = "?EIO=4&transport=websocket";
/// Node and Python write the same fault in different words.
pub(super) const ENGINE_VERSION: &[&str] =
    &["unsupported protocol version", "unsupported version of the socket.io"];
pub(super) const LOGIN_SEGMENTS: [&str; 7] =
    ["login", "signin", "sign-in", "sign_in", "sso", "oauth", "oauth2"];
/// Answers to plain HTTP on a TLS port from nginx and others, Apache, Go and Tomcat.
pub(super) const PLAIN_ON_TLS: &[&str] = &[
    "plain http request was sent to https",
    "plain http to an ssl",
    "http request to an https",
    "requires tls",
    "plaintext http traffic on an https",
    "https required",
    "https is required",
    "ssl required",
];
/// Answers to a GET without an upgrade.
pub(super) const UPGRADE_WORDS: &[&str] = &[
    "'upgrade' token not found",
    "can \"upgrade\" only",
    "missing connection header",
    "missing upgrade header",
    "no websocket upgrade",
    "not a websocket request",
    "not a valid websocket request",
    "not a websocket handshake",
    "expected websocket",
    "invalid upgrade header",
    "invalid connection header",
    "not websocket",
    "websocket upgrade",
    "header did not include",
    "connection header should contain",
    "upgrade request required",
    "missing 'upgrade'",
    "can't upgrade",
    "bad \"upgrade\" header",
    "bad \"connection\" header",
    "request header \"upgrade\"",
    "request header \"connection\"",
    "header 'upgrade'",
    "header 'connection'",
    "upgrade header missing",
    "upgrade header is missing",
    "expected upgrade",
    "not an upgrade request",
];

#[cfg(test)]
mod tests {
    use super::*;

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
