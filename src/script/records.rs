//! The JSON texts of a message, and the part of a message from which a template takes its values.

use serde_json::value::RawValue;

/// Iterates over the JSON texts of a message.
///
/// A message may hold several, as in `SignalR`, RFC 7464 and JSON Lines: with a control character
/// other than a tab between them, such as U+001E or a line feed. White space and control characters
/// around a text are ignored. A fault ends the texts up to the next U+001E.
#[derive(Clone, Debug)]
pub struct Records<'m> {
    message: &'m [u8],
    /// The offset of the next text.
    at: usize,
}

impl<'m> Records<'m> {
    /// Creates the iterator over the texts of a message.
    pub fn new(message: &'m [u8]) -> Self {
        Self { message, at: 0 }
    }

    /// Passes a faulty text.
    fn skip(&mut self, fault: &[u8]) {
        let end = memchr::memchr(RECORD_SEPARATOR, fault).unwrap_or(fault.len());
        self.at = self.message.len() - fault.len() + end;
    }
}

/// A text, and its offset in the message.
impl<'m> Iterator for Records<'m> {
    type Item = (usize, &'m str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.message.get(self.at..)?;
            let rest = rest.get(rest.iter().position(|byte| is_content(*byte))?..)?;
            let mut texts = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
            let text = texts.next().and_then(Result::ok).map(RawValue::get);
            let after = rest.get(texts.byte_offset()..).unwrap_or_default();
            let gap = after.split(|byte| is_content(*byte)).next().unwrap_or_default();
            let is_separated =
                gap.len() == after.len() || gap.iter().any(|byte| is_separator(*byte));
            if let Some(text) = text.filter(|_| is_separated) {
                let start = self.message.len() - rest.len();
                self.at = self.message.len() - after.len();
                return Some((start, text));
            }
            self.skip(rest);
        }
    }
}

/// The part of a received message from which a template takes its values.
#[derive(Clone, Copy, Debug)]
pub struct Source<'m> {
    /// The message, or the JSON text of it that matched.
    pub text: &'m [u8],
    /// The offset of the match, if the pattern has one.
    pub at: usize,
}

impl<'m> Source<'m> {
    /// Returns the JSON text for a template: the one with the match if `suits` accepts it, or else
    /// the first that it accepts.
    pub fn record(&self, suits: impl Fn(&str) -> bool) -> Option<&'m str> {
        let mut first = None;
        for (start, text) in Records::new(self.text).filter(|(_, text)| suits(text)) {
            if (start..start + text.len()).contains(&self.at) {
                return Some(text);
            }
            first = first.or(Some(text));
        }
        first
    }
}

fn is_content(byte: u8) -> bool {
    byte > b' '
}

fn is_separator(byte: u8) -> bool {
    byte < b' ' && byte != b'\t'
}

/// Separates JSON texts (RFC 7464, 2.2). It occurs in no JSON text.
const RECORD_SEPARATOR: u8 = 0x1e;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_texts_between_control_characters() {
        for (message, texts) in [
            ("{\"a\": 1}", &["{\"a\": 1}"][..]),
            (" [1]\0", &["[1]"]),
            ("{\n \"a\":\n 1\n}\n", &["{\n \"a\":\n 1\n}"]),
            ("{}\n[1]\r\n\n 2 \n", &["{}", "[1]", "2"]),
            ("\x1e{}\n\x1e{}\n", &["{}", "{}"]),
            ("{}\0{}\0", &["{}", "{}"]),
            ("{}{}", &[]),
            ("{} {}", &[]),
            ("{}\t{}", &[]),
            ("{} x", &[]),
            ("{\"a\":1", &[]),
            ("{]\x1e{}\x1ex\x1e[]", &["{}", "[]"]),
            ("{}\n{]\n{}\x1e[]", &["{}", "[]"]),
            ("", &[]),
            ("\x1e\n", &[]),
        ] {
            let found: Vec<_> = Records::new(message.as_bytes()).collect();
            assert_eq!(found.iter().map(|it| it.1).collect::<Vec<_>>(), texts, "{message:?}");
            assert!(found.iter().all(|(at, text)| message[*at..].starts_with(text)), "{message:?}");
        }
    }

    #[test]
    fn the_text_with_the_match_comes_first() {
        let text = b"{\"a\":1}\x1e{\"a\":2}\x1e{\"b\":3}";
        let record = |at, name: &str| Source { text, at }.record(|text| text.contains(name));
        assert_eq!(record(0, "a"), Some("{\"a\":1}"));
        assert_eq!(record(10, "a"), Some("{\"a\":2}"));
        assert_eq!(record(20, "a"), Some("{\"a\":1}"));
        assert_eq!(record(0, "b"), Some("{\"b\":3}"));
        assert_eq!(record(0, "c"), None);
    }
}
