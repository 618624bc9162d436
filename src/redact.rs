//! What of a request may be seen by others: on a screen, in a log, in a recording.
//!
//! What is said of the exchange hides secrets, unless it was asked not to. Payloads are shown as
//! they are: there is no knowing which of them are secret.

use crate::{proto::handshake::Headers, target::without_user};
use std::borrow::Cow;

/// What happens to secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// [`REDACTED`] stands for them.
    #[default]
    Hidden,
    /// They are shown (`--show-secrets`).
    Shown,
}

impl Secrets {
    /// The value of a header as it may be seen.
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
        if is_url { self.url(&without_user(value)).into_owned().into() } else { value.into() }
    }

    /// All of them, each as it may be seen.
    pub fn headers(self, headers: &Headers) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        headers.iter().map(move |(name, value)| (name, self.header(name, value)))
    }

    /// A URL, or path and query, as it may be seen: parameters that are named as secrets have no
    /// value.
    pub fn url(self, url: &str) -> Cow<'_, str> {
        let Some((path, query)) = url.split_once('?').filter(|_| self == Self::Hidden) else {
            return url.into();
        };
        if !query.split('&').any(is_secret) {
            return url.into();
        }
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(pair) => format!("{name}={REDACTED}").into(),
            _ => Cow::Borrowed(pair),
        });
        format!("{path}?{}", pairs.collect::<Vec<_>>().join("&")).into()
    }
}

/// Whether a parameter of a query holds a secret.
fn is_secret(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    // Their case and what joins their words are anybody's choice.
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    !value.is_empty() && PARAMETERS.iter().any(|secret| secret.eq_ignore_ascii_case(&plain))
}

/// What stands for a secret.
pub const REDACTED: &str = "[redacted]";

/// Headers that hold secrets.
const HEADERS: [&str; 7] = [
    "Authorization",
    "Cookie",
    "Proxy-Authorization",
    "Set-Cookie",
    "X-Api-Key",
    "X-Auth-Token",
    "X-Access-Token",
];

/// Headers that hold URLs.
const URLS: [&str; 3] = ["Location", "Referer", "Content-Location"];

/// Parameters of a query that hold secrets, without what joins their words.
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
    fn secrets_of_headers_are_hidden_unless_asked_for() {
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
    fn secrets_of_a_query_are_hidden_by_their_names() {
        for (url, expected) in [
            ("/", "/"),
            ("/?a=b", "/?a=b"),
            ("/token=x", "/token=x"),
            ("/?token", "/?token"),
            ("/?token=", "/?token="),
            ("/?a=b&api_key=x&c", "/?a=b&api_key=[redacted]&c"),
            ("ws://h/p?Access-Token=x=y", "ws://h/p?Access-Token=[redacted]"),
            ("/?monkey=x&tokens=y", "/?monkey=x&tokens=y"),
        ] {
            assert_eq!(Secrets::Hidden.url(url), expected);
            assert_eq!(Secrets::Shown.url(url), url);
        }
    }
}
