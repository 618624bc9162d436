//! The secrets of this run. They are removed from everything that is shown or recorded, even where
//! a server or proxy repeats them.
//!
//! A process has one run, so there is one registry. Secrets are added where they are obtained: from
//! the command line, the environment, files, prompts and the requests that are sent.

mod common;
mod decoded;
mod forms;
pub mod signs;

use crate::proto::handshake::Headers;
use common::{MIN_NUMBER_DIGITS, is_common};
use decoded::{Decoded, Escapes};
use std::{borrow::Cow, ops::Range};

/// Adds a secret. Values of fewer than 4 bytes, numbers of fewer than 6 digits and words of our own
/// sentences are ignored: they would match by chance.
pub fn add(secret: &str) {
    with(|known| known.add(secret, Origin::Given));
}

/// Adds a user and password. A user without a password is treated as a token.
pub fn add_user(user: &str, password: &str) {
    if password.is_empty() {
        return add(user);
    }
    add(password);
    add(&format!("{user}:{password}"));
}

/// Adds the secrets in a header field that the user wrote, if its name or value suggests that it
/// contains any.
pub fn add_header(name: &str, value: &str) {
    for secret in signs::header_secrets(name, value) {
        with(|known| known.add(&secret, Origin::Given));
    }
}

/// Adds the secrets in the header fields of a request and in its path and query.
pub fn add_request(headers: &Headers, resource: &str) {
    for (name, value) in headers.iter() {
        for secret in signs::header_secrets(name, value) {
            with(|known| known.add(&secret, Origin::Computed));
        }
    }
    add_url(resource);
}

/// Adds the secret parameters in the query or fragment of a URL.
pub fn add_url(url: &str) {
    for value in signs::secret_parameters(url) {
        add(url.get(value).unwrap_or_default());
    }
}

/// Declares a host name as public, even if a password equals it.
pub fn add_host(host: &str) {
    with(|known| known.publish(host));
}

/// Replaces the known secrets in a text, including any that is cut off before `...`.
pub fn redact(text: &str) -> Cow<'_, str> {
    with(|known| {
        let found = known.find(text.as_bytes(), Cut::Marked);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for secret in found {
            // Every form is valid UTF-8, so only one that is cut off can end inside a character.
            out.push_str(text.get(end..secret.start).unwrap_or_default());
            out.push_str(REDACTED);
            end = secret.end;
            while !text.is_char_boundary(end) {
                end += 1;
            }
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Cow::Owned(out)
    })
}

/// Replaces the known secrets in received bytes, including one that is cut off at the end.
pub fn redact_bytes(bytes: Vec<u8>) -> Vec<u8> {
    let found = with(|known| known.find(&bytes, Cut::AtEnd));
    if found.is_empty() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut end = 0;
    for secret in found {
        out.extend_from_slice(bytes.get(end..secret.start).unwrap_or_default());
        out.extend_from_slice(REDACTED.as_bytes());
        end = secret.end;
    }
    out.extend_from_slice(bytes.get(end..).unwrap_or_default());
    out
}

/// Overwrites the known secrets in bytes to be dumped, so that lengths and offsets remain correct.
/// Returns `None` if there are none.
pub fn masked(bytes: &[u8]) -> Option<Vec<u8>> {
    let found = with(|known| known.find(bytes, Cut::AtEnd));
    if found.is_empty() {
        return None;
    }
    let mut masked = bytes.to_vec();
    for secret in found {
        masked.get_mut(secret).unwrap_or_default().fill(b'*');
    }
    Some(masked)
}

/// The secrets of a run, in all forms in which they are recognized.
#[derive(Debug, Default)]
struct KnownSecrets {
    secrets: Vec<Secret>,
    /// Host names, in lower case.
    public: Vec<String>,
}

#[derive(Debug)]
struct Secret {
    text: String,
    origin: Origin,
    forms: Vec<Vec<u8>>,
    /// The minimum length of a prefix that counts as the secret where it is cut off.
    cut_bytes: usize,
}

/// The origin of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Provided by the user.
    Given,
    /// Computed for a request. The oldest is forgotten when there are too many.
    Computed,
}

/// The place where a secret may be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Before each `...`.
    Marked,
    /// At the end.
    AtEnd,
}

impl KnownSecrets {
    const fn new() -> Self {
        Self { secrets: Vec::new(), public: Vec::new() }
    }

    fn add(&mut self, secret: &str, origin: Origin) {
        let text = secret.trim();
        let is_sensible =
            (MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&text.len()) && !is_common(text);
        let is_known = self.secrets.iter().any(|known| known.text == text);
        if !is_sensible || is_known || self.is_public(text) || REDACTED.contains(text) {
            return;
        }
        if self.secrets.len() >= MAX_SECRETS {
            let oldest = self.secrets.iter().position(|it| it.origin == Origin::Computed);
            let Some(oldest) = oldest else { return };
            self.secrets.remove(oldest);
        }
        let mut forms = forms::forms(text);
        forms.retain(|form| form.len() >= MIN_SECRET_BYTES);
        // The beginning may be an authentication scheme, which is public.
        let cut_bytes = MIN_SECRET_BYTES + text.find(' ').map_or(0, |at| at + 1);
        self.secrets.push(Secret { text: text.to_owned(), origin, forms, cut_bytes });
    }

    fn publish(&mut self, host: &str) {
        let host = host.to_ascii_lowercase();
        self.secrets.retain(|secret| !secret.text.eq_ignore_ascii_case(&host));
        if self.public.len() < MAX_SECRETS && !self.public.contains(&host) {
            self.public.push(host);
        }
    }

    fn is_public(&self, text: &str) -> bool {
        self.public.iter().any(|host| host.eq_ignore_ascii_case(text))
    }

    /// Returns the ranges of the secrets in a text, in order and without overlaps.
    fn find(&self, text: &[u8], cut: Cut) -> Vec<Range<usize>> {
        if self.secrets.is_empty() {
            return Vec::new();
        }
        let mut found = self.find_forms(text, cut);
        let escapes = [Escapes::Percent, Escapes::Markup, Escapes::All];
        for decoded in escapes.into_iter().filter_map(|it| Decoded::new(text, it)) {
            let encoded = self.find_forms(&decoded.bytes, cut);
            found.extend(encoded.iter().map(|range| decoded.origin(range)));
        }
        found.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Returns the ranges of all forms of the secrets in a text.
    fn find_forms(&self, text: &[u8], cut: Cut) -> Vec<Range<usize>> {
        let cuts: Vec<_> = match cut {
            Cut::Marked => memchr::memmem::find_iter(text, "...").take(MAX_CUTS).collect(),
            Cut::AtEnd => vec![text.len()],
        };
        let mut found = Vec::new();
        let forms = self.secrets.iter().flat_map(|it| it.forms.iter().map(|f| (f, it.cut_bytes)));
        for (form, cut_bytes) in forms {
            let whole = memchr::memmem::find_iter(text, form).map(|at| at..at + form.len());
            let is_pair = is_pair(form);
            let anywhere = form.len() >= MIN_PART_BYTES && !is_pair;
            found.extend(whole.filter(|range| anywhere || is_word(text, range, is_pair)));
            found.extend(cuts.iter().filter_map(|end| cut_off(text, *end, form, cut_bytes)));
        }
        found
    }
}

/// Returns the range before `end` that is the beginning of `form`, of at least `least` bytes, if any.
fn cut_off(text: &[u8], end: usize, form: &[u8], least: usize) -> Option<Range<usize>> {
    let before = text.get(..end)?;
    let longest = form.len().saturating_sub(1).min(end);
    let length = (least..=longest)
        .rev()
        .find(|length| form.get(..*length).is_some_and(|start| before.ends_with(start)))?;
    Some(end - length..end)
}

/// Reports whether a form is the name and value of a cookie whose value is too short to be a secret
/// by itself.
fn is_pair(form: &[u8]) -> bool {
    let value = form.iter().rev().position(|c| *c == b'=');
    value.is_some_and(|length| (1..MIN_NUMBER_DIGITS).contains(&length) && length + 1 < form.len())
}

/// Reports whether a range of a text is neither part of a longer word nor a label of a host name.
/// The words of a name may be joined by `-` and `_`.
fn is_word(text: &[u8], range: &Range<usize>, is_name: bool) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| text.get(index)).copied();
    let is_letter = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let joins = |edge: Option<u8>, near: Option<u8>, far: Option<u8>| match near {
        _ if !is_letter(edge) => false,
        Some(b'.') => is_letter(far),
        Some(b'-' | b'_') => is_name,
        near => is_letter(near),
    };
    let (start, end) = (range.start, range.end);
    !joins(at(Some(start)), at(start.checked_sub(1)), at(start.checked_sub(2)))
        && !joins(at(end.checked_sub(1)), at(Some(end)), at(Some(end + 1)))
}

#[cfg(not(test))]
fn with<T>(act: impl FnOnce(&mut KnownSecrets) -> T) -> T {
    use std::sync::{Mutex, PoisonError};
    static KNOWN: Mutex<KnownSecrets> = Mutex::new(KnownSecrets::new());
    act(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Unit tests share a process, so each has its own registry.
#[cfg(test)]
fn with<T>(act: impl FnOnce(&mut KnownSecrets) -> T) -> T {
    use std::cell::RefCell;
    thread_local! {
        static KNOWN: RefCell<KnownSecrets> = const { RefCell::new(KnownSecrets::new()) };
    }
    KNOWN.with_borrow_mut(act)
}

/// Replacement for a secret.
pub const REDACTED: &str = "[redacted]";
/// Shorter text would match by chance.
const MIN_SECRET_BYTES: usize = 4;
/// No server accepts a header field with longer text.
const MAX_SECRET_BYTES: usize = 16 << 10;
/// Shorter secrets are recognized only as whole words.
const MIN_PART_BYTES: usize = 8;
/// The maximum number of secrets, which bounds the time of a search.
const MAX_SECRETS: usize = 256;
/// The maximum number of `...` in a text before which a secret that is cut off is searched for.
const MAX_CUTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_is_recognized_in_every_form() {
        add("S3cr3t/T0ken+ü");
        for said in [
            "S3cr3t/T0ken+ü",
            "S3cr3t%2FT0ken%2B%C3%BC",
            "S3cr3t%2fT0ken%2b%c3%bc",
            "S3cr3t%2FT0ken+%c3%Bc",
            "S%33cr3t/T0%6ben%2bü",
            "S3cr3t\\/T0ken+ü",
            "S3cr3t\\/T0ken+\\u00fc",
            "S3cr3t\\u002FT0ken\\u002b\\u00FC",
            "\\u0053\\u0033cr3t/T0ken\\u002bü",
            "S3cr3t&#x2F;T0ken&#43;&#xFC;",
            "S3cr3t&#47;T0ken&plus;ü",
            "S3cr3t%2FT0ken\\u002bü",
            data_encoding::BASE64.encode("S3cr3t/T0ken+ü".as_bytes()).as_str(),
        ] {
            assert_eq!(redact(&format!("bad '{said}'")), "bad '[redacted]'", "{said}");
        }
        // Base64 of a longer text, in all three alignments.
        for before in ["", "a", "ab"] {
            let text = format!("{before}S3cr3t/T0ken+ü!!!");
            let said = data_encoding::BASE64.encode(text.as_bytes());
            assert!(redact(&said).contains(REDACTED), "{said}");
        }
    }

    #[test]
    fn an_encoded_secret_is_recognized_decoded() {
        add_url("ws://h/?token=a%20b%2Fc%3Dd&x=y");
        assert_eq!(redact("a b/c=d and a%20b%2Fc%3Dd"), "[redacted] and [redacted]");
    }

    #[test]
    fn a_secret_that_is_cut_off_is_recognized() {
        add("S3cr3tT0ken");
        assert_eq!(redact("bad S3cr3tT..."), "bad [redacted]...");
        assert_eq!(redact("bad S3c..."), "bad S3c...");
        assert_eq!(redact_bytes(b"bad S3cr3".to_vec()), b"bad [redacted]");
    }

    #[test]
    fn a_masked_dump_keeps_its_length() {
        add("S3cr3tT0ken");
        assert_eq!(masked(b"a S3cr3tT0ken b").unwrap(), b"a *********** b");
        assert_eq!(masked(b"nothing"), None);
    }

    #[test]
    fn short_secrets_are_recognized_as_words_only() {
        add("test");
        add("abc");
        assert_eq!(redact("latest test, test.example.com: abc"), {
            "latest [redacted], test.example.com: abc"
        });
        add_host("test");
        add("TEST");
        assert_eq!(redact("test TEST"), "test TEST");
    }

    #[test]
    fn a_short_cookie_is_recognized_as_a_whole_only() {
        add_header("Cookie", "id=1; session=1234");
        assert_eq!(
            redact("roomid=12 grid=100 id=10 user_id=1 id=1; mysession=1234 session=1234 1234"),
            "roomid=12 grid=100 id=10 user_id=1 [redacted]; mysession=1234 [redacted] 1234"
        );
    }

    #[test]
    fn our_own_words_and_short_numbers_are_not_replaced() {
        add_user("me", "WebSocket");
        add_user("me", "2026");
        add("8080");
        add("Upgrade");
        let said = "connected to 127.0.0.1:8080: WebSocket, Upgrade: websocket in 2026";
        assert_eq!(redact(said), said);
        assert_eq!(redact("me:WebSocket me:2026"), "[redacted] [redacted]");
    }

    #[test]
    fn the_registry_is_bounded_and_keeps_secrets_from_the_user() {
        add("given-by-user");
        let mut headers = Headers::default();
        for i in 0..2 * MAX_SECRETS {
            headers.push("Authorization", format!("Bearer computed{i:04}x"));
        }
        add_request(&headers, "/");
        assert_eq!(with(|known| known.secrets.len()), MAX_SECRETS);
        assert_eq!(redact("given-by-user"), REDACTED);
        assert_eq!(redact(&format!("computed{:04}x", 2 * MAX_SECRETS - 1)), REDACTED);
        add(&"x".repeat(MAX_SECRET_BYTES + 1));
        assert_eq!(with(|known| known.secrets.len()), MAX_SECRETS);
    }

    proptest! {
        #[test]
        fn no_text_around_a_secret_hides_it(before in "\\PC*", after in "\\PC*") {
            add("S3cr3tT0ken");
            let text = format!("{before}S3cr3tT0ken{after}");
            prop_assert!(!redact(&text).contains("S3cr3tT0ken"));
            let bytes = redact_bytes(text.into_bytes());
            prop_assert!(memchr::memmem::find(&bytes, b"S3cr3tT0ken").is_none());
        }
    }
}
