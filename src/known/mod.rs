//! The secrets of this run. They are removed from everything that is shown or recorded, even where
//! a server or proxy repeats them.
//!
//! A process has one run, so there is one registry. Secrets are added where they are obtained: from
//! the command line, the environment, files, prompts and the requests that are sent.

mod common;
mod decoded;
mod forms;
mod registry;
pub mod signs;
mod stream;

pub use registry::REDACTED;
pub use stream::{DumpedStream, overwrite};

use crate::proto::handshake::Headers;
use common::is_sentence_word;
use registry::{Cut, KnownSecrets, MAX_SECRETS, MIN_PART_BYTES, Origin};
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
    with(|known| known.add_pair(&format!("{user}:{password}")));
}

/// Adds the secrets in a header field that the user wrote, if its name or value suggests that it
/// contains any.
pub fn add_header(name: &str, value: &str) {
    for secret in signs::header_secrets(name, value) {
        with(|known| known.add(&secret, Origin::Given));
    }
}

/// Adds the value of a header field that the user gave by reference. All fields of that name are
/// secret from then on.
pub fn add_field(name: &str, value: &str) {
    add(value);
    add_header(name, value);
    with(|known| {
        if known.fields.len() < MAX_SECRETS && !known.has_field(name) {
            known.fields.push(name.to_ascii_lowercase());
        }
    });
}

/// Adds a line of a file of header fields, unless the field has a public meaning.
pub fn add_field_of_file(name: &str, value: &str) {
    if value.len() >= MIN_PART_BYTES && !signs::is_plain_header(name) {
        add(value);
    }
    add_header(name, value);
}

/// Reports whether the values of a header field are secret: by its name, or because the user gave
/// one by reference.
pub fn is_secret_field(name: &str) -> bool {
    signs::is_secret_header(name) || with(|known| known.has_field(name))
}

/// Reports whether a header field, as a user wrote it, must not be sent to another origin.
pub fn is_bound_to_origin(name: &str, value: &str) -> bool {
    let holds_secret = || with(|known| !known.find(value.as_bytes(), Cut::Marked).is_empty());
    name.eq_ignore_ascii_case("Host")
        || is_secret_field(name)
        || !signs::header_secrets(name, value).is_empty()
        || holds_secret()
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

/// Replaces the known secrets in a text, including any that is cut off before `...` or at its end.
pub fn redact(text: &str) -> Cow<'_, str> {
    replace(text, with(|known| known.find(text.as_bytes(), Cut::Marked)))
}

/// Replaces the known secrets in one of our own sentences, but not its own words. A peer's text must
/// have been redacted before it became part of it.
pub fn redact_sentence(text: &str) -> Cow<'_, str> {
    let mut found = with(|known| known.find(text.as_bytes(), Cut::Marked));
    found.retain(|range| !text.get(range.clone()).is_some_and(is_sentence_word));
    replace(text, found)
}

fn replace(text: &str, found: Vec<Range<usize>>) -> Cow<'_, str> {
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
    overwrite(&mut masked, &found);
    Some(masked)
}

/// Returns the ranges of secrets in the next part of a stream, and of what may be the beginning of
/// one at its end.
pub fn find_in_part(stream: &mut DumpedStream, part: &[u8]) -> Vec<Range<usize>> {
    with(|known| stream.find(part, known.longest(), |text| known.find(text, Cut::AtEnd)))
}

#[cfg(not(any(test, fuzzing)))]
fn with<T>(act: impl FnOnce(&mut KnownSecrets) -> T) -> T {
    use std::sync::{Mutex, PoisonError};
    static KNOWN: Mutex<KnownSecrets> = Mutex::new(KnownSecrets::new());
    act(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Unit tests share a process, so each has its own registry.
/// Forgets all secrets of this thread.
#[cfg(any(test, fuzzing))]
pub(crate) fn forget() {
    with(|known| *known = KnownSecrets::new());
}

#[cfg(any(test, fuzzing))]
fn with<T>(act: impl FnOnce(&mut KnownSecrets) -> T) -> T {
    use std::cell::RefCell;
    thread_local! {
        static KNOWN: RefCell<KnownSecrets> = const { RefCell::new(KnownSecrets::new()) };
    }
    KNOWN.with_borrow_mut(act)
}

#[cfg(test)]
mod tests {
    use super::{
        registry::{MAX_SECRET_BYTES, MAX_SECRETS},
        *,
    };
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
    fn a_long_secret_is_recognized_in_any_case() {
        add("S3cr3tT0ken");
        add("PassW");
        assert_eq!(redact("wss://s3cr3tt0ken.h/ S3CR3TT0KEN"), "wss://[redacted].h/ [redacted]");
        assert_eq!(redact("s3cr3t%540ken.h s3cr3tt0..."), "[redacted].h [redacted]...");
    }

    #[test]
    fn a_short_secret_is_recognized_in_any_case_as_a_word() {
        add("PassW");
        add("Ab1x");
        assert_eq!(redact("passw, PASSW; passwords bypassw"), {
            "[redacted], [redacted]; passwords bypassw"
        });
        assert_eq!(redact("key=AB1X, cab1x, ab%31x"), "key=[redacted], cab1x, [redacted]");
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
        assert_eq!(redact("bad S3cr3tT… and"), "bad [redacted]… and");
        assert_eq!(redact("bad S3cr3tT0k"), "bad [redacted]");
        assert_eq!(redact("bad S3cr3"), "bad S3cr3");
        assert_eq!(redact("bad S%33cr3%7..."), "bad [redacted]...");
        assert_eq!(redact("bad S\\u0033cr3tT0k\\u00"), "bad [redacted]");
        assert_eq!(redact("bad S3cr3tT0k&#1"), "bad [redacted]");
        assert_eq!(redact("bad S%2533cr3tT0ken, S\\\\u0033cr3tT0ken"), {
            "bad [redacted], [redacted]"
        });
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
        add_user("a", "b");
        assert_eq!(redact("a:b, b, aa:b"), "[redacted], b, aa:b");
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
        add_user("me", "password");
        assert_eq!(redact("no password"), "no [redacted]");
        assert_eq!(redact_sentence("no password (me:password)"), "no password ([redacted])");
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

    fn dumped(parts: &[&[u8]]) -> String {
        let (mut stream, mut dump) = (DumpedStream::default(), Vec::new());
        for part in parts {
            let mut part = part.to_vec();
            let found = find_in_part(&mut stream, &part);
            overwrite(&mut part, &found);
            dump.extend(part);
        }
        String::from_utf8(dump).unwrap()
    }

    #[test]
    fn a_secret_that_is_split_between_parts_is_found() {
        add("S3cr3tT0ken");
        assert_eq!(dumped(&[b"is S3cr3t", b"T0ken."]), "is ***********.");
        assert_eq!(dumped(&[b"is S3c", b"r3", b"tT0k", b"en."]), "is S3c********.");
        assert_eq!(dumped(&[b"S3cr3t%5", b"40ken."]), "*************.");
        assert_eq!(dumped(&[b"S3cr3tX", b"T0ken"]), "S3cr3tXT0ken");
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

        #[test]
        fn no_split_lets_a_secret_through(cuts in prop::collection::vec(1usize..9, 0..40)) {
            add("S3cr3tT0ken");
            let text = b"a S3cr3tT0ken b UzNjcjN0VDBrZW4= c S\\u0033cr3t&#84;0ken d";
            let (mut parts, mut rest) = (Vec::new(), &text[..]);
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = after;
            }
            parts.push(rest);
            let dump = dumped(&parts);
            prop_assert_eq!(dump.len(), text.len());
            for end in ["T0ken", "UzNjcj", "BrZW", "r3t&#84", "0ken"] {
                prop_assert!(!dump.contains(end), "{}", dump);
            }
        }
    }
}
