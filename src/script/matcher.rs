//! The patterns of `--until`, `--expect`, `--filter` and `/filter`.

use super::{
    pointer::{Pointer, equals},
    records::{Records, Source},
};
use regex::bytes::Regex;
use serde_json::Value;
use std::fmt;

/// A pattern for messages: a regular expression, or a JSON pointer with or without a value.
///
/// | form | matches |
/// | --- | --- |
/// | `REGEX` | the regular expression matches anywhere in the bytes of the message |
/// | `json:/pointer` | the message is JSON and has a value at this pointer (RFC 6901) |
/// | `json:/pointer=VALUE` | that value is equal to VALUE, as JSON: `1` is `1.0` and not `"1"`. A VALUE that is not JSON is a string |
///
/// A message may hold several JSON texts, see [`Records`]: one of them must match. A regular
/// expression that begins with `json:` is written `[j]son:`.
#[derive(Clone, Debug)]
pub struct Matcher {
    text: String,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Regex(Regex),
    Json { pointer: Pointer, value: Option<Value> },
}

impl Matcher {
    /// Compiles a pattern. The error is a one-line phrase without a prefix.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pattern = match text.strip_prefix(JSON) {
            Some(rest) => {
                let (pointer, value) = match rest.split_once('=') {
                    Some((pointer, value)) => (pointer, Some(value)),
                    None => (rest, None),
                };
                let pointer = Pointer::parse(pointer).map_err(|fault| {
                    format!("{} at column {}", fault.words, JSON.len() + fault.position + 1)
                })?;
                let json = |value| serde_json::from_str(value).unwrap_or_else(|_| value.into());
                Pattern::Json { pointer, value: value.map(json) }
            }
            None => Pattern::Regex(Regex::new(text).map_err(|fault| match fault {
                // The library shows the position on several lines; the last one names the fault.
                regex::Error::Syntax(text) => {
                    text.lines().last().unwrap_or_default().replace("error: ", "")
                }
                other => other.to_string(),
            })?),
        };
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// Reports whether a complete message matches.
    pub fn is_match(&self, message: &[u8]) -> bool {
        match &self.pattern {
            Pattern::Regex(regex) => regex.is_match(message),
            Pattern::Json { .. } => self.records(message).next().is_some(),
        }
    }

    /// Returns what matches in a message: with a JSON pointer, each JSON text of the message that
    /// matches, otherwise the message.
    pub fn sources<'m>(&self, message: &'m [u8]) -> impl Iterator<Item = Source<'m>> {
        let found = match &self.pattern {
            Pattern::Regex(regex) => regex.find(message),
            Pattern::Json { .. } => None,
        };
        let whole = found.map(|found| Source { text: message, at: found.start() });
        whole.into_iter().chain(self.records(message))
    }

    /// Returns the JSON texts of a message that match; none for a regular expression.
    fn records<'m>(&self, message: &'m [u8]) -> impl Iterator<Item = Source<'m>> {
        let json = match &self.pattern {
            Pattern::Json { pointer, value } if pointer.may_be_in(message) => {
                Some((pointer, value))
            }
            _ => None,
        };
        json.into_iter().flat_map(move |(pointer, value)| {
            let is_wanted = |found| value.as_ref().is_none_or(|value| equals(found, value));
            Records::new(message)
                .filter(move |(_, text)| pointer.find(text).is_some_and(is_wanted))
                .map(|(_, text)| Source { text: text.as_bytes(), at: 0 })
        })
    }

    /// Returns the regular expression, if it is one.
    pub(super) fn regex(&self) -> Option<&Regex> {
        match &self.pattern {
            Pattern::Regex(regex) => Some(regex),
            Pattern::Json { .. } => None,
        }
    }

    /// Returns the names of the groups of a regular expression.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.regex().into_iter().flat_map(|regex| regex.capture_names().flatten())
    }

    /// Returns the named groups of the first match in a message, each with its bytes. A group that
    /// took no part in the match is empty.
    pub fn groups<'m>(&self, message: &'m [u8]) -> Vec<(&str, &'m [u8])> {
        let Pattern::Regex(regex) = &self.pattern else { return Vec::new() };
        if regex.capture_names().flatten().next().is_none() {
            return Vec::new();
        }
        let Some(captures) = regex.captures(message) else { return Vec::new() };
        let bytes = |name| captures.name(name).map_or(&b""[..], |group| group.as_bytes());
        regex.capture_names().flatten().map(|name| (name, bytes(name))).collect()
    }
}

/// Writes the pattern as it was given.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Compares the text of the patterns.
impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Matcher {}

const JSON: &str = "json:";

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, message: &str) -> bool {
        Matcher::parse(pattern).unwrap().is_match(message.as_bytes())
    }

    #[test]
    fn a_regular_expression_matches_anywhere_in_the_bytes() {
        let matcher = Matcher::parse("o+k$").unwrap();
        assert!(matcher.is_match(b"\xff ook"));
        assert!(!matcher.is_match(b"ok?"));
        assert_eq!(matcher.to_string(), "o+k$");
        assert_eq!(matcher, Matcher::parse("o+k$").unwrap());
        assert_ne!(matcher, Matcher::parse("oo*k$").unwrap());
    }

    #[test]
    fn json_patterns_compare_values() {
        for (pattern, message, expected) in [
            ("json:/id", r#"{"id":null}"#, true),
            ("json:/id", r#"{"x":"id"}"#, false),
            ("json:/id=1", r#"{ "id" : 1.0 }"#, true),
            ("json:/id=1", r#"{"id":10}"#, false),
            ("json:/id=1", r#"{"id":"1"}"#, false),
            ("json:/id=\"1\"", r#"{"id":"1"}"#, true),
            ("json:/id=1", "{\"id\":2}\u{1e}{\"id\":1}\u{1e}", true),
            ("json:/id=1", "{\"id\":2}\n{\"id\":1}", true),
            ("json:/id=1", "{\"id\":2}\n{\"x\":1}", false),
            ("json:/op=sub", r#"{"op":"sub"}"#, true),
            ("json:/op=", r#"{"op":""}"#, true),
            ("json:/op=a=b", r#"{"op":"a=b"}"#, true),
            ("json:/a={\"b\":[1]}", r#"{"a":{"b":[1]}}"#, true),
            ("json:=[1]", "[1]", true),
            ("json:", "x", false),
            ("[j]son:/id", "json:/id", true),
        ] {
            assert_eq!(matches(pattern, message), expected, "{pattern} {message}");
        }
    }

    #[test]
    fn groups_are_those_of_the_first_match() {
        let matcher = Matcher::parse(r"(?P<a>\d)(?<b>x)?(\d)?").unwrap();
        assert_eq!(matcher.group_names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(matcher.groups(b"12 3x"), [("a", &b"1"[..]), ("b", b"")]);
        assert!(matcher.groups(b"-").is_empty());
        let json = Matcher::parse("json:/a").unwrap();
        assert_eq!((json.group_names().count(), json.groups(b"{\"a\":1}").len()), (0, 0));
    }

    #[test]
    fn a_fault_is_one_phrase() {
        let fault = |pattern| Matcher::parse(pattern).unwrap_err();
        assert_eq!(fault("a(b"), "unclosed group");
        assert_eq!(fault("json:id=1"), "a JSON pointer begins with / at column 6");
        let words = "in a JSON pointer, ~ is followed by 0 or 1 at column 8";
        assert_eq!(fault("json:/a~"), words);
        let large = fault(r"\w{1000}{1000}");
        assert!(large.contains("size limit") && !large.contains('\n'), "{large}");
    }
}
