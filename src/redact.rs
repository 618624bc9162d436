//! Redaction of secrets in headers and URLs, for diagnostics, logs and recordings.
//!
//! Messages are not redacted: their secrets cannot be recognized.

use crate::{
    proto::{handshake::Headers, slice::Within},
    target::without_user,
};
use std::borrow::Cow;

/// Treatment of secrets in output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Replaced by [`REDACTED`].
    #[default]
    Hidden,
    /// Shown as they are (`--show-secrets`).
    Shown,
}

impl Secrets {
    /// Redacts the value of a header.
    pub fn header<'a>(self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self == Self::Shown {
            return value.into();
        }
        if HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
            return REDACTED.into();
        }
        if name == ":path" {
            return self.url(value);
        }
        let is_url = URLS.iter().any(|url| url.eq_ignore_ascii_case(name));
        if is_url { self.location(value).into() } else { value.into() }
    }

    /// Redacts the values of all headers.
    pub fn headers(self, headers: &Headers) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        headers.iter().map(move |(name, value)| (name, self.header(name, value)))
    }

    /// Redacts credentials and secret parameters of a URL, or of a path and query.
    pub fn location(self, url: &str) -> String {
        match self {
            Self::Shown => url.to_owned(),
            Self::Hidden => self.url(&without_user(url)).into_owned(),
        }
    }

    /// Redacts the secret parameters in the query and fragment of a URL. It must not contain
    /// credentials: for other URLs, use [`Secrets::location`].
    pub fn url(self, url: &str) -> Cow<'_, str> {
        let Some(start) = url.find(['?', '#']).filter(|_| self == Self::Hidden) else {
            return url.into();
        };
        let (path, rest) = url.split_at_checked(start).unwrap_or((url, ""));
        let mut shown = path.to_owned();
        for part in rest.split_inclusive(SEPARATORS) {
            let (pair, end) = match part.strip_suffix(SEPARATORS) {
                Some(pair) => (pair, part.within(pair.len()..)),
                None => (part, ""),
            };
            match pair.split_once('=') {
                Some((name, _)) if is_secret(pair) => {
                    shown.push_str(name);
                    shown.push('=');
                    shown.push_str(REDACTED);
                }
                _ => shown.push_str(pair),
            }
            shown.push_str(end);
        }
        shown.into()
    }
}

/// Redacts the secrets of the request's headers in the peer's response, which may repeat them.
pub fn without_ours(mut response: Vec<u8>, sent: &Headers) -> Vec<u8> {
    let is_secret = |name: &str| HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name));
    for (_, value) in sent.iter().filter(|(name, _)| is_secret(name)) {
        // With and without the authentication scheme.
        for part in [value, value.split_once(' ').map_or("", |(_, rest)| rest)] {
            let part = part.trim();
            if part.len() < MIN_SECRET_BYTES || REDACTED.contains(part) {
                continue;
            }
            let mut from = 0;
            while let Some(rest) = response.get(from..)
                && let Some(at) = memchr::memmem::find(rest, part.as_bytes())
            {
                let at = from + at;
                response.splice(at..at + part.len(), REDACTED.bytes());
                from = at + REDACTED.len();
            }
        }
    }
    response
}

/// Reports whether a query parameter, in the form `NAME=VALUE`, holds a secret.
fn is_secret(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let name = url::form_urlencoded::parse(name.as_bytes()).next();
    let name = name.map(|(name, _)| name.into_owned()).unwrap_or_default();
    // Names vary in case and in the separator between words.
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    !value.is_empty() && PARAMETERS.iter().any(|secret| secret.eq_ignore_ascii_case(&plain))
}

/// Characters that precede a URL parameter.
const SEPARATORS: [char; 4] = ['?', '#', '&', ';'];

/// Replacement for a secret.
pub const REDACTED: &str = "[redacted]";

/// Minimum length of a secret to redact in a response. Shorter text would match by chance.
const MIN_SECRET_BYTES: usize = 4;

/// Headers whose values are secret.
const HEADERS: [&str; 7] = [
    "Authorization",
    "Cookie",
    "Proxy-Authorization",
    "Set-Cookie",
    "X-Api-Key",
    "X-Auth-Token",
    "X-Access-Token",
];

/// Headers whose values are URLs.
const URLS: [&str; 3] = ["Location", "Referer", "Content-Location"];

/// Query parameters whose values are secret, without separators between words.
const PARAMETERS: [&str; 19] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "authtoken",
    "clientsecret",
    "idtoken",
    "jwt",
    "passwd",
    "password",
    "refreshtoken",
    "secret",
    "sessiontoken",
    "sig",
    "signature",
    "token",
    "xamzsecuritytoken",
    "xamzsignature",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacts_secret_headers() {
        let hidden = |name, value| Secrets::Hidden.header(name, value).into_owned();
        assert_eq!(hidden("authorization", "Bearer x"), REDACTED);
        assert_eq!(hidden("X-Api-Key", "x"), REDACTED);
        assert_eq!(hidden("Host", "x"), "x");
        assert_eq!(
            hidden("Location", "ws://u:p@h/?token=x&a=b"),
            "ws://[redacted]@h/?token=[redacted]&a=b"
        );
        assert_eq!(Secrets::Shown.header("Cookie", "x"), "x");
    }

    #[test]
    fn redacts_request_secrets_in_a_response() {
        let mut ours = Headers::default();
        ours.push("Authorization", "Bearer sesame");
        ours.push("Cookie", "id=1");
        ours.push("Host", "host");
        ours.push("X-Api-Key", "redacted");
        let said = b"host got 'Bearer sesame', sesame and id=1".to_vec();
        let expected = "host got '[redacted]', [redacted] and [redacted]";
        assert_eq!(String::from_utf8(without_ours(said, &ours)).unwrap(), expected);
    }

    #[test]
    fn redacts_query_parameters_by_name() {
        for (url, expected) in [
            ("/", "/"),
            ("/?a=b", "/?a=b"),
            ("/token=x", "/token=x"),
            ("/?token", "/?token"),
            ("/?token=", "/?token="),
            ("/?a=b&api_key=x&c", "/?a=b&api_key=[redacted]&c"),
            ("ws://h/p?Access-Token=x=y", "ws://h/p?Access-Token=[redacted]"),
            ("/?monkey=x&tokens=y", "/?monkey=x&tokens=y"),
            ("/?a=b;tok%65n=x", "/?a=b;tok%65n=[redacted]"),
            ("/cb#access_token=x&c=d", "/cb#access_token=[redacted]&c=d"),
            ("/?a=b#token=x", "/?a=b#token=[redacted]"),
        ] {
            assert_eq!(Secrets::Hidden.url(url), expected);
            assert_eq!(Secrets::Shown.url(url), url);
        }
    }
}
