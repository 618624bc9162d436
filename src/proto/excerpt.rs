//! A limit on a peer's words in messages.

use super::slice::Within;
use std::fmt;

/// Shows a text in at most 120 characters; "..." follows them if it is longer. Nothing is escaped.
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
    fn what_is_longer_is_cut() {
        let text = "\u{e9}".repeat(120);
        assert_eq!(Excerpt(&text).to_string(), text);
        assert_eq!(Excerpt(&format!("{text}x")).to_string(), format!("{text}..."));
    }
}
