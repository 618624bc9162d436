//! Building blocks of messages.

use crate::{
    escape::Escaped,
    known,
    proto::{excerpt::Excerpt, handshake::Response, slice::Within as _},
};
use std::{fmt, time::Duration};

/// Displays a status and its reason phrase, shortened and escaped.
pub(super) struct StatusLine<'a>(pub(super) &'a Response);

impl fmt::Display for StatusLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status)?;
        if self.0.reason.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", Escaped(&short(&self.0.reason)))
    }
}

/// Displays the first line of received bytes, shortened and escaped.
pub(super) struct FirstLine<'a>(pub(super) &'a [u8]);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = known::redact_bytes(self.0.to_vec());
        let start = String::from_utf8_lossy(&start);
        write!(f, "{}", Escaped(&short(start.lines().next().unwrap_or_default())))
    }
}

/// Redacts a peer's text and shortens it to 120 characters; the result is not escaped.
pub(super) fn short(s: &str) -> String {
    Excerpt(&known::redact(s)).to_string()
}

/// Redacts a line of a peer's explanation and shortens it to 400 characters, at the end of a word;
/// the result is not escaped.
pub(super) fn paragraph(line: &str) -> String {
    let line = known::redact(line);
    let Some((end, _)) = line.char_indices().nth(PARAGRAPH_CHARACTERS) else {
        return line.into_owned();
    };
    let cut = line.within(..end);
    let cut = cut.rfind(char::is_whitespace).map_or(cut, |at| cut.within(..at));
    format!("{} ...", cut.trim_end())
}

/// Cuts very long words of a sentence, such as a host name of 60 KB. Secrets must be redacted before: half
/// of one would not be recognized.
pub(super) fn with_short_words(sentence: &str) -> String {
    let words = sentence.split_inclusive(char::is_whitespace).map(|word| {
        let is_long = word.char_indices().nth(WORD_CHARACTERS).is_some();
        let cut = word.char_indices().nth(CUT_WORD_CHARACTERS).filter(|_| is_long);
        let end = word.len() - word.trim_end().len();
        match cut {
            Some((at, _)) => [word.within(..at), "...", word.within(word.len() - end..)].concat(),
            None => word.to_owned(),
        }
    });
    words.collect()
}

/// Returns the schemes in the value of a challenge (RFC 9110, 11.3). Unlike a parameter, a scheme has
/// no `=` in its first word.
pub(super) fn challenge_schemes(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let items = value.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    items.filter_map(|item| {
        let word = item.split_whitespace().next()?;
        (!word.contains(['=', '"'])).then_some(word)
    })
}

/// Formats a time limit in seconds, to the millisecond if it is longer than one.
pub(super) fn seconds(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    let rounded = (seconds * 1000.0).round() / 1000.0;
    let seconds = if rounded > 0.0 { rounded } else { seconds };
    format!("{seconds} {}", if limit == Duration::from_secs(1) { "second" } else { "seconds" })
}

const PARAGRAPH_CHARACTERS: usize = 400;
/// The longest word that is not cut, and what is left of others.
const WORD_CHARACTERS: usize = 500;
const CUT_WORD_CHARACTERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_words_that_nobody_reads() {
        let (long, start) = ("a".repeat(60_000), "a".repeat(CUT_WORD_CHARACTERS));
        let sentence = format!("cannot resolve {long}: host\n\nnot {long}");
        let expected = format!("cannot resolve {start}... host\n\nnot {start}...");
        assert_eq!(with_short_words(&sentence), expected);
        let short = "ä".repeat(WORD_CHARACTERS);
        assert_eq!(with_short_words(&short), short);
    }

    #[test]
    fn cuts_a_paragraph_at_the_end_of_a_word() {
        let line = "word ".repeat(100);
        assert_eq!(paragraph(&line), format!("{} ...", line.within(..399)));
        assert_eq!(paragraph("short"), "short");
        assert_eq!(paragraph(&"x".repeat(500)), format!("{} ...", "x".repeat(400)));
    }
}
