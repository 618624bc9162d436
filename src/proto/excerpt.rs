//! Truncation of a peer's words in messages.

use super::slice::Within;
use std::fmt;

/// Displays at most 120 characters of a text, followed by "..." if it is longer. Escapes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_CHARACTERS) {
            Some((end, _)) => write!(f, "{}...", self.0.within(..end)),
            None => f.write_str(self.0),
        }
    }
}

const MAX_CHARACTERS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_long_text() {
        let text = "\u{e9}".repeat(120);
        assert_eq!(Excerpt(&text).to_string(), text);
        assert_eq!(Excerpt(&format!("{text}x")).to_string(), format!("{text}..."));
    }
}
