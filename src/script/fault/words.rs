//! The words of a rule, which may be in quotes.

/// A mistake in the text of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The offset in the text, in bytes.
    pub at: usize,
    /// A phrase that names the fault.
    pub words: String,
}

/// A word of a rule, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) at: usize,
    pub(super) text: String,
}

/// Splits a text at spaces. A word or a part of one may be in single or double quotes; in double
/// quotes, `\"` and `\\` stand for `"` and `\`.
pub(super) fn words(text: &str) -> Result<Vec<Word>, RuleFault> {
    let mut words: Vec<Word> = Vec::new();
    let mut is_inside = false;
    let mut quote: Option<(char, usize)> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            is_inside = false;
            continue;
        }
        if !is_inside {
            words.push(Word { at, text: String::new() });
            is_inside = true;
        }
        let Some(word) = words.last_mut() else { continue };
        match (quote, c) {
            (None, '"' | '\'') => quote = Some((c, at)),
            (Some((mark, _)), c) if mark == c => quote = None,
            (Some(('"', _)), '\\') => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => word.text.push(escaped),
                None => word.text.push('\\'),
            },
            (_, c) => word.text.push(c),
        }
    }
    match quote {
        Some((mark, at)) => Err(RuleFault { at, words: format!("there is no closing {mark}") }),
        None => Ok(words),
    }
}

/// Writes a word so that [`words`] reads it.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
