//! What of a request may be seen by others: on a screen, in a log, in a recording.
//!
//! What is said of the exchange hides secrets, unless it was asked not to. Payloads are shown as
//! they are: there is no knowing which of them are secret.

use crate::{
    proto::{handshake::Headers, slice::Within},
    target::without_user,
};
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
        if is_url { self.location(value).into() } else { value.into() }
    }

    /// All of them, each as it may be seen.
    pub fn headers(self, headers: &Headers) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        headers.iter().map(move |(name, value)| (name, self.header(name, value)))
    }

    /// A URL of somebody else's, or path and query, as it may be seen.
    pub fn location(self, url: &str) -> String {
        match self {
            Self::Shown => url.to_owned(),
            Self::Hidden => self.url(&without_user(url)).into_owned(),
        }
    }

    /// A URL without a user, or path and query, as it may be seen: parameters of the query or the
    /// fragment that are named as secrets have no value.
    pub fn url(self, url: &str) -> Cow<'_, str> {
        let Some(start) = url.find(['?', '#']).filter(|_| self == Self::Hidden) else {
            return url.into();
        };
        let (path, rest) = url.split_at_checked(start).unwrap_or((url, ""));
        let mut shown = path.to_owned();
        for part in rest.split_inclusive(BETWEEN) {
            let (pair, end) = match part.strip_suffix(BETWEEN) {
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

/// What the peer says without the secrets of our own headers, which some peers repeat.
pub fn without_ours(mut said: Vec<u8>, ours: &Headers) -> Vec<u8> {
    let secret = |name: &str| HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name));
    for (_, value) in ours.iter().filter(|(name, _)| secret(name)) {
        // Also without the scheme before it.
        for part in [value, value.split_once(' ').map_or("", |(_, rest)| rest)] {
            let part = part.trim();
            if part.len() < SHORTEST || REDACTED.contains(part) {
                continue;
            }
            let mut from = 0;
            while let Some(rest) = said.get(from..)
                && let Some(at) = memchr::memmem::find(rest, part.as_bytes())
            {
                let at = from + at;
                said.splice(at..at + part.len(), REDACTED.bytes());
                from = at + REDACTED.len();
            }
        }
    }
    said
}

/// Whether a parameter of a query holds a secret.
fn is_secret(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let name = url::form_urlencoded::parse(name.as_bytes()).next();
    let name = name.map(|(name, _)| name.into_owned()).unwrap_or_default();
    // Their case and what joins their words are anybody's choice.
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    !value.is_empty() && PARAMETERS.iter().any(|secret| secret.eq_ignore_ascii_case(&plain))
}

/// What stands between the parameters of a URL, and before the first.
const BETWEEN: [char; 4] = ['?', '#', '&', ';'];

/// What stands for a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter than this it may be anything.
const SHORTEST: usize = 4;

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
    fn what_is_repeated_of_ours_is_hidden() {
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
            ("/?a=b;tok%65n=x", "/?a=b;tok%65n=[redacted]"),
            ("/cb#access_token=x&c=d", "/cb#access_token=[redacted]&c=d"),
            ("/?a=b#token=x", "/?a=b#token=[redacted]"),
        ] {
            assert_eq!(Secrets::Hidden.url(url), expected);
            assert_eq!(Secrets::Shown.url(url), url);
        }
    }
}
