//! The words of a peer, and the vocabulary in which rules look for them.
//!
//! A phrase is in lower case and matches whole words. One that ends with `*` matches their beginning,
//! and the last word may have the `s` of a plural.

/// Texts of a peer, one per line, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(String);

impl Words {
    /// Takes texts as they were received. Names such as `TokenExpired` are also split into words.
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = String::new();
        for line in texts.into_iter().flat_map(str::lines) {
            let (line, split) = (line.to_lowercase(), split_names(line));
            all.push_str(&line);
            all.push('\n');
            if split != line {
                all.push_str(&split);
                all.push('\n');
            }
        }
        Self(all)
    }

    /// Reports whether one of these phrases occurs.
    pub(super) fn say(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| mentions(&self.0, phrase))
    }

    /// Reports whether a line has both one of `subjects` and one of `verdicts`.
    pub(super) fn say_that(&self, subjects: &[&str], verdicts: &[&str]) -> bool {
        self.0.lines().any(|line| {
            let has = |phrases: &[&str]| phrases.iter().any(|phrase| mentions(line, phrase));
            has(subjects) && has(verdicts)
        })
    }
}

/// Returns a line in lower case, with a space between the words of a name in camel case.
fn split_names(line: &str) -> String {
    let mut split = String::with_capacity(line.len());
    let mut after_lower = false;
    for c in line.chars() {
        if after_lower && c.is_uppercase() {
            split.push(' ');
        }
        after_lower = c.is_lowercase();
        split.extend(c.to_lowercase());
    }
    split
}

/// Reports whether a text contains a phrase.
fn mentions(text: &str, phrase: &str) -> bool {
    let (phrase, is_stem) = phrase.strip_suffix('*').map_or((phrase, false), |stem| (stem, true));
    let is_word = |c: char| c.is_alphanumeric();
    text.match_indices(phrase).any(|(start, _)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let rest = text.get(start + phrase.len()..).unwrap_or_default();
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let starts = !phrase.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = is_stem || !phrase.ends_with(is_word) || !rest.starts_with(is_word);
        starts && ends
    })
}

/// Credentials, of any kind.
pub(super) const CREDENTIALS: &[&str] = &[
    "access key",
    "access_token",
    "api key",
    "api-key",
    "api_key",
    "apikey",
    "authenticat*",
    "authoriz*",
    "bearer",
    "credential",
    "jwt",
    "log in",
    "login",
    "not logged",
    "password",
    "session expired",
    "signature",
    "token",
    "unauth*",
];
/// Keys of an API, which have no standard place in a request.
pub(super) const API_KEYS: &[&str] = &["api key", "api-key", "api_key", "apikey", "access key"];
/// Verdicts on a part of the request.
pub(super) const REJECTION: &[&str] = &[
    "accepted",
    "allowed",
    "bad",
    "blocked",
    "cross",
    "denied",
    "disallowed",
    "does not match",
    "forbidden",
    "incorrect",
    "invalid",
    "mismatch",
    "missing",
    "not permitted",
    "rejected",
    "required",
    "not authorized",
    "unauthorized",
    "unknown",
    "whitelist*",
    "wrong",
];
/// Subprotocols.
pub(super) const SUBPROTOCOLS: &[&str] =
    &["subprotocol", "sec-websocket-protocol", "sub-protocol", "unable to negotiate protocol"];
/// Origins.
pub(super) const ORIGINS: &[&str] = &["origin", "cors"];
/// Verdicts on the key of the opening handshake.
pub(super) const KEY_WORDS: &[&str] = &["websocket", "handshake", "header", "missing", "invalid"];
/// Limits of use.
pub(super) const LIMITS: &[&str] = &[
    "rate limit",
    "rate-limit",
    "ratelimit",
    "too many",
    "limit exceeded",
    "limit reached",
    "quota",
    "throttl*",
    "slow down",
];
/// Limits of size.
pub(super) const SIZES: &[&str] =
    &["too large", "too big", "too long", "size limit", "maximum size", "max payload"];
/// Nouns of things that have a size.
pub(super) const SIZED: &[&str] =
    &["body", "content", "data", "frame", "max payload", "message", "packet", "payload", "size"];
/// Ends of a session in favour of a later one.
pub(super) const REPLACED: &[&str] =
    &["another", "duplicate*", "elsewhere", "new login", "other device", "replaced"];
/// Servers behind the peer.
pub(super) const BEHIND: &[&str] = &["downstream", "upstream", "backend", "failed to connect"];
/// Compression, in the words of WebSocket.
pub(super) const COMPRESSION: &[&str] = &[
    "permessage-deflate",
    "window_bits",
    "sec-websocket-extension",
    "websocket extension",
    "compression",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_matches_whole_words() {
        for (text, phrase) in [
            ("Not an accepted origin.", "origin"),
            ("all origins are blocked", "origin"),
            ("unauthorized", "unauth*"),
            ("client_max_window_bits", "window_bits"),
            ("{\"detail\":\"Not Found\"}", "\"detail\":"),
            ("TokenExpired", "token"),
            ("DisallowedHost at /", "host"),
            ("WebSocket", "websocket"),
        ] {
            assert!(Words::new([text]).say(&[phrase]), "{text}: {phrase}");
        }
        for (text, phrase) in [
            ("the original room is not allowed", "origin"),
            ("hosted room", "host"),
            ("catalog in detail", "log in"),
            ("tokenizer", "token"),
            ("context", "text"),
        ] {
            assert!(!Words::new([text]).say(&[phrase]), "{text}: {phrase}");
        }
    }

    #[test]
    fn subject_and_verdict_are_in_one_line() {
        let words = Words::new(["Origin http://a", "the room is not allowed"]);
        assert!(!words.say_that(&["origin"], &["allowed"]));
        assert!(words.say_that(&["room"], &["allowed"]));
    }
}
