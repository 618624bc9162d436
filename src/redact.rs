//! Redaction of secrets in headers, URLs and the words of a peer, for diagnostics and recordings.
//!
//! Messages are not redacted: they are the data.

use crate::{
    escape::{Escaped, escaped_lines},
    known::{
        self,
        signs::{is_secret_header, secret_parameters, subprotocol_secrets},
    },
    proto::{excerpt::Excerpt, handshake::Headers, slice::Within},
    target::without_user,
};
use std::{borrow::Cow, fmt, ops::Range, path::Path};

pub use crate::known::REDACTED;

/// Text that may be shown: without the secrets of this run and without characters that affect a
/// terminal. Everything that is written to stderr or above the input line, except messages, is of
/// this type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Redacts and escapes a text. Its line feeds are kept: they must be those of the program.
    pub fn new(text: &str) -> Self {
        Secrets::Hidden.shown(text)
    }

    /// Redacts and escapes a sentence of this program whose foreign parts are redacted already.
    pub fn sentence(text: &str) -> Self {
        Self(escaped_lines(&known::redact_sentence(text)))
    }

    /// Wraps text of which a formatter has redacted and escaped all parts, such as a line of a hex
    /// dump.
    pub fn formatted(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Displays the path of a file, without line breaks.
pub struct ShownPath<'a>(pub &'a Path);

impl fmt::Display for ShownPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&known::redact(&self.0.display().to_string())).fmt(f)
    }
}

/// The start of a message that is quoted in diagnostics. It holds the bytes as they were received,
/// because a secret that is cut off is recognized only where the cut is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    start: Vec<u8>,
    is_cut: bool,
}

impl Quote {
    /// Keeps the start of a message.
    pub fn new(message: &[u8]) -> Self {
        let start = message.within(..QUOTED_BYTES.min(message.len()));
        Self { start: start.to_vec(), is_cut: start.len() < message.len() }
    }

    /// Returns the text without secrets, followed by "..." if the message is longer. Escapes
    /// nothing.
    pub fn text(&self, secrets: Secrets) -> String {
        let mut bytes = self.start.clone();
        if self.is_cut && secrets == Secrets::Hidden {
            bytes = known::redact_bytes(bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        if self.is_cut {
            // The last character may be cut off.
            let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
            return secrets.text(&format!("{text}...")).into_owned();
        }
        secrets.text(&text).into_owned()
    }
}

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
    /// Redacts the secrets of this run in a text, and escapes it for a terminal.
    pub fn shown(self, text: &str) -> Shown {
        Shown(escaped_lines(&self.text(text)))
    }

    /// Redacts the secrets of this run in a text, such as the words of a peer.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Shown => text.into(),
            Self::Hidden => known::redact(text),
        }
    }

    /// Overwrites the secrets of this run in bytes to be dumped, without changing their length.
    pub fn dump(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let masked = if self == Self::Hidden { known::masked(bytes) } else { None };
        masked.map_or(Cow::Borrowed(bytes), Cow::Owned)
    }

    /// Redacts the value of a header.
    pub fn header<'a>(self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self == Self::Shown {
            return value.into();
        }
        if known::is_secret_field(name) {
            return REDACTED.into();
        }
        if name == ":path" {
            return self.target(value);
        }
        if name.eq_ignore_ascii_case("Sec-WebSocket-Protocol") {
            return self.subprotocols(value);
        }
        // Origin, Referer, Location, X-Forwarded-Uri, X-Original-URL and others.
        let is_url = value.contains("://") || value.trim_start().starts_with('/');
        if is_url { self.target(value) } else { self.text(value) }
    }

    /// Redacts the names and values of all headers.
    pub fn headers(self, headers: &Headers) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        headers.iter().map(move |(name, value)| (self.text(name), self.header(name, value)))
    }

    /// Redacts items that look like a token in a list of subprotocols.
    pub fn subprotocols(self, list: &str) -> Cow<'_, str> {
        match self {
            Self::Shown => list.into(),
            Self::Hidden => self.without(list, &subprotocol_secrets(list)),
        }
    }

    /// Redacts credentials and secret parameters of a request target: a path and query, or a URL.
    pub fn target(self, target: &str) -> Cow<'_, str> {
        if target.trim_start().starts_with('/') {
            self.url(target)
        } else {
            self.location(target).into()
        }
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
        match self {
            Self::Shown => url.into(),
            Self::Hidden => self.without(url, &secret_parameters(url)),
        }
    }

    /// Redacts these ranges, and the secrets of this run.
    fn without<'a>(self, text: &'a str, secrets: &[Range<usize>]) -> Cow<'a, str> {
        if secrets.is_empty() {
            return self.text(text);
        }
        let (mut shown, mut end) = (String::new(), 0);
        for secret in secrets {
            shown.push_str(text.within(end..secret.start));
            shown.push_str(REDACTED);
            end = secret.end;
        }
        shown.push_str(text.within(end..));
        Cow::Owned(self.text(&shown).into_owned())
    }
}

/// Redacts a word of the command line that is quoted in an error: it may be a secret in the wrong
/// place, as a second URL or the value of another option. A long word is cut.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let word = without_secrets(word);
    let shown = Excerpt(&word).to_string();
    if shown == word { word } else { shown.into() }
}

fn without_secrets(word: &str) -> Cow<'_, str> {
    let header = word.split_once([':', '=', ' ']);
    let is_header = header.is_some_and(|(name, value)| {
        !value.is_empty() && !value.starts_with("//") && is_secret_header(name)
    });
    let looks_secret = |text: &str| !text.contains("//") && known::signs::looks_secret(text);
    if is_header || looks_secret(word) || word.split_whitespace().any(looks_secret) {
        return REDACTED.into();
    }
    if word.starts_with('@') {
        return Secrets::Hidden.url(word);
    }
    Secrets::Hidden.location(word).into()
}

/// The number of bytes that are quoted from the start of a message.
const QUOTED_BYTES: usize = 100;

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
        assert_eq!(hidden("Origin", "https://u:p@h"), "https://[redacted]@h");
        assert_eq!(hidden("X-Forwarded-Uri", "/a@b?api_key=x"), "/a@b?api_key=[redacted]");
        assert_eq!(hidden(":path", "/a:b@c?token=x"), "/a:b@c?token=[redacted]");
        assert_eq!(Secrets::Shown.header("Cookie", "x"), "x");
    }

    #[test]
    fn redacts_the_secrets_of_a_request_in_a_response() {
        let mut ours = Headers::default();
        ours.push("Authorization", "Bearer sesame");
        ours.push("Cookie", "id=1");
        ours.push("Host", "host");
        ours.push("X-Api-Key", "redacted");
        known::add_request(&ours, "/?token=in%20query");
        let said = "host got 'Bearer sesame', sesame, id=1 and in query";
        let expected = "host got '[redacted]', [redacted], [redacted] and [redacted]";
        assert_eq!(Secrets::Hidden.header("X-Echo", said), expected);
        assert_eq!(Secrets::Shown.header("X-Echo", said), said);
        assert_eq!(Shown::new(said).as_str(), expected);
        assert_eq!(String::from_utf8(known::redact_bytes(said.into())).unwrap(), expected);
    }

    #[test]
    fn shown_text_neither_affects_a_terminal_nor_contains_secrets() {
        known::add("opensesame");
        let shown = Shown::new("a\x1b[2J\nopensesame \u{202e}");
        assert_eq!(shown.as_str(), "a\\x1b[2J\n[redacted] \\u{202e}");
        let path = Path::new("/tmp/a\nb\x1b-opensesame");
        assert_eq!(ShownPath(path).to_string(), "/tmp/a\\nb\\x1b-[redacted]");
    }

    #[test]
    fn a_quote_shows_no_part_of_a_secret_wherever_it_is_cut() {
        known::add("S3cr3tPässwört-Tökenß");
        let secret = "S3cr3tPässwört-Tökenß";
        for before in 0..QUOTED_BYTES - 4 {
            let message = format!("{}{secret} and more{}", "a".repeat(before), "b".repeat(99));
            let text = Quote::new(message.as_bytes()).text(Secrets::Hidden);
            let (shown, rest) = text.split_at(before);
            assert_eq!(shown, "a".repeat(before));
            assert!(rest.starts_with(REDACTED) && rest.ends_with("..."), "{text}");
            assert!(!rest.contains("S3c"), "{text}");
        }
        assert_eq!(Quote::new(secret.as_bytes()).text(Secrets::Hidden), REDACTED);
        assert_eq!(Quote::new(secret.as_bytes()).text(Secrets::Shown), secret);
        let long = "\u{e9}".repeat(QUOTED_BYTES);
        let quote = Quote::new(format!("a{long}").as_bytes()).text(Secrets::Hidden);
        assert_eq!(quote, format!("a{}...", "\u{e9}".repeat(49)));
    }

    #[test]
    fn tokens_among_subprotocols_are_redacted() {
        let shown = Secrets::Hidden.header("sec-websocket-protocol", "chat, bearer, abcdef");
        assert_eq!(shown, "chat, bearer, [redacted]");
    }

    #[test]
    fn quoted_words_of_the_command_line_hold_no_secret() {
        for (word, shown) in [
            ("hello", "hello"),
            ("ws://b", "ws://b"),
            ("ws://user:S3cr3t@h/?token=x", "ws://[redacted]@h/?token=[redacted]"),
            ("X-Api-Key: x", REDACTED),
            ("Authorization=x", REDACTED),
            ("S3cr3tT0ken", REDACTED),
            ("Host: x", "Host: x"),
            ("chat S3cr3tT0ken", REDACTED),
            ("@/path/to/file", "@/path/to/file"),
        ] {
            assert_eq!(quoted(word), shown, "{word}");
        }
        let long = format!("ws://h/{}?token=secret&a=b", "x ".repeat(6000));
        assert_eq!(quoted(&long), format!("ws://h/{}x...", "x ".repeat(56)));
        assert_eq!(quoted("T0ken".repeat(2000).as_str()), REDACTED);
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
            (
                "/?pass=x&otp=1&pin=2&passcode=3",
                "/?pass=[redacted]&otp=[redacted]&pin=[redacted]&passcode=[redacted]",
            ),
            ("/?k=AbCdEf0123456789XyZw&v=2", "/?k=[redacted]&v=2"),
            ("/?code=SplxlOBeZQQYbYS&state=xyz", "/?code=[redacted]&state=xyz"),
            ("/?code=404", "/?code=404"),
        ] {
            assert_eq!(Secrets::Hidden.url(url), expected);
            assert_eq!(Secrets::Shown.url(url), url);
        }
    }
}
