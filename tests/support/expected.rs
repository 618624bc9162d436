//! Expected output and status of a run, and reports of any difference.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

/// The expected content of a stream.
pub enum Expected {
    /// Exactly this text, with `{port}` and `{peer}` replaced; `[..]` matches any part of a line.
    Text(String),
    Bytes(Vec<u8>),
    /// These parts in this order, with `{port}` and `{peer}` replaced, and anything around them.
    Parts(Vec<String>),
}

impl From<&str> for Expected {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Expected {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Expected {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl Expected {
    /// Describes the difference from the output `got`, if there is one.
    pub fn difference(&self, name: &str, got: &[u8], port: u16) -> Option<String> {
        match self {
            Self::Bytes(expected) => byte_difference(name, got, expected),
            Self::Text(expected) => {
                let expected = with_port(expected, port);
                let got = String::from_utf8_lossy(got);
                let same = got.split('\n').count() == expected.split('\n').count()
                    && got.split('\n').zip(expected.split('\n')).all(|(a, b)| line_matches(a, b));
                (!same).then(|| {
                    format!("{name}: got\n{}\nexpected\n{}", short(&got), short(&expected))
                })
            }
            Self::Parts(parts) => {
                let got = String::from_utf8_lossy(got);
                let mut rest = &*got;
                for part in parts {
                    let wanted = with_port(part, port);
                    let Some((_, after)) = rest.split_once(&wanted) else {
                        return Some(format!("{name}: got\n{}\nwithout\n{wanted}", short(&got)));
                    };
                    rest = after;
                }
                None
            }
        }
    }
}

fn with_port(text: &str, port: u16) -> String {
    text.replace("{peer}", &format!("127.0.0.1:{port}")).replace("{port}", &port.to_string())
}

fn line_matches(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut wild = false;
    for part in parts {
        wild = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        // At the end of a line the wildcard matches as much as possible.
        if part.is_empty() || pattern.ends_with(part) && line.ends_with(part) {
            rest = "";
        }
    }
    rest.is_empty() || (wild && pattern.ends_with("[..]"))
}

/// Returns the start of a text that may be megabytes long.
fn short(text: &str) -> String {
    match text.char_indices().nth(2000) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// Returns the start of a stream, escaped.
pub fn brief(bytes: &[u8]) -> String {
    let start = bytes.get(..200).unwrap_or(bytes);
    format!("{} bytes: {}", bytes.len(), start.escape_ascii())
}

fn byte_difference(name: &str, got: &[u8], expected: &[u8]) -> Option<String> {
    if got == expected {
        return None;
    }
    let at = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let part = |bytes: &[u8]| {
        let from = at.saturating_sub(20).min(bytes.len());
        bytes[from..bytes.len().min(from + 60)].escape_ascii().to_string()
    };
    let (a, b) = (got.len(), expected.len());
    let (got, expected) = (part(got), part(expected));
    Some(format!(
        "{name}: {a} bytes, expected {b}; at {at} ...{got}... instead of ...{expected}..."
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Code(i32),
    Signal(i32),
}

impl Status {
    /// Describes the difference from the status `got`, if there is one.
    pub fn difference(self, got: Option<ExitStatus>) -> Option<String> {
        let Some(got) = got else { return Some("it did not end and was killed".to_owned()) };
        let right = match self {
            Self::Code(code) => got.code() == Some(code),
            Self::Signal(signal) => got.signal() == Some(signal),
        };
        (!right).then(|| format!("it ended with {got}, expected {self:?}"))
    }
}

#[test]
fn patterns_match_whole_lines() {
    for (line, pattern) in
        [("abc", "abc"), ("abc", "a[..]c"), ("a", "a[..]"), ("", ""), ("xcbc", "[..]bc")]
    {
        assert!(line_matches(line, pattern), "{line} {pattern}");
    }
    for (line, pattern) in [("abc", "ab"), ("abc", "b"), ("abc", "a[..]b"), ("", "a"), ("a", "")] {
        assert!(!line_matches(line, pattern), "{line} {pattern}");
    }
}
