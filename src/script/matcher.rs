//! The patterns of `--until`, `--expect`, `--filter` and `/filter`.

use regex::bytes::Regex;
use std::fmt;

/// A regular expression over the bytes of a message. It may match anywhere.
#[derive(Clone, Debug)]
pub struct Matcher(Regex);

impl Matcher {
    /// Compiles a pattern. The error is a one-line phrase without a prefix.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        Regex::new(pattern).map(Self).map_err(|fault| match fault {
            // The library shows the position on several lines; the last one names the fault.
            regex::Error::Syntax(text) => {
                text.lines().last().unwrap_or_default().replace("error: ", "")
            }
            other => other.to_string(),
        })
    }

    /// Reports whether a complete message matches.
    pub fn is_match(&self, message: &[u8]) -> bool {
        self.0.is_match(message)
    }
}

/// Writes the pattern as it was given.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Compares the text of the patterns.
impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Matcher {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_anywhere_in_the_bytes() {
        let matcher = Matcher::parse("o+k$").unwrap();
        assert!(matcher.is_match(b"\xff ook"));
        assert!(!matcher.is_match(b"ok?"));
        assert_eq!(matcher.to_string(), "o+k$");
        assert_eq!(matcher, Matcher::parse("o+k$").unwrap());
        assert_ne!(matcher, Matcher::parse("oo*k$").unwrap());
    }

    #[test]
    fn a_fault_is_one_phrase() {
        assert_eq!(Matcher::parse("a(b").unwrap_err(), "unclosed group");
        let large = Matcher::parse(r"\w{1000}{1000}").unwrap_err();
        assert!(large.contains("size limit") && !large.contains('\n'), "{large}");
    }
}
