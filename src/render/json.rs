//! JSON for display: a tokenizer for syntax colouring, and pretty-printing.
//!
//! Nothing is parsed into numbers or maps, so every token stays as the peer wrote it.

use super::page::Page;
use crate::{proto::slice::Within, script::json::is_space};
use colored::Color;
use std::fmt;

/// The kind of a JSON token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A run of white space.
    Space,
    /// A string used as a member name.
    Key,
    /// Any other string, including an unterminated one.
    String,
    /// A number in any notation.
    Number,
    /// `true`, `false` or `null`.
    Literal,
    /// A bracket, brace, comma or colon.
    Mark,
    /// Text that is not JSON.
    Other,
}

/// An iterator over the tokens of a text. Concatenated, the tokens are the text.
#[derive(Clone, Debug)]
pub struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// Creates a tokenizer. The text may be incomplete JSON.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Token, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0;
        let first = text.chars().next()?;
        let run = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
        let (token, length) = match first {
            c if is_space(c) => (Token::Space, run(is_space)),
            '"' => {
                let length = string(text);
                let after = text.within(length..).trim_start_matches(is_space);
                (if after.starts_with(':') { Token::Key } else { Token::String }, length)
            }
            '-' | '0'..='9' => (Token::Number, run(|c| c.is_ascii_digit() || "+-.eE".contains(c))),
            '{' | '}' | '[' | ']' | ',' | ':' => (Token::Mark, 1),
            c if c.is_ascii_alphabetic() => {
                let length = run(|c| c.is_ascii_alphabetic());
                let known = matches!(text.get(..length), Some("true" | "false" | "null"));
                (if known { Token::Literal } else { Token::Other }, length)
            }
            c => (Token::Other, c.len_utf8()),
        };
        let (token_text, rest) = text.split_at_checked(length)?;
        self.0 = rest;
        Some((token, token_text))
    }
}

/// Returns the length in bytes of the string at the start of `text`.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| match c {
        _ if escaped => {
            escaped = false;
            false
        }
        '\\' => {
            escaped = true;
            false
        }
        c => *c == '"',
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Appends a token in its colour, escaped for a terminal. Returns the number of its bytes that were
/// written.
pub fn paint<W: fmt::Write>(
    token: Token,
    text: &str,
    page: &mut Page<'_, W>,
) -> Result<usize, fmt::Error> {
    if !matches!(token, Token::Key | Token::String | Token::Number | Token::Literal)
        || !colored::control::SHOULD_COLORIZE.should_colorize()
    {
        return page.text(text);
    }
    // These colours are legible on light and dark backgrounds.
    let color = match token {
        Token::Key => Color::BrightBlue,
        Token::String => Color::Green,
        _ => Color::Magenta,
    };
    // Written by hand for speed: a flood of messages has many tokens.
    page.sequence("\x1b[")?;
    page.sequence(&color.to_fg_str())?;
    page.sequence("m")?;
    let shown = page.text(text)?;
    page.sequence("\x1b[0m")?;
    Ok(shown)
}

/// Appends a complete JSON text laid out with one member or element per line, until the page is
/// full. Anything nested deeper than `MAX_DEPTH` stays on one line, since the indentation would
/// otherwise grow with the square of the length.
pub fn lay_out<W: fmt::Write>(text: &str, page: &mut Page<'_, W>) -> fmt::Result {
    let mut depth = 0usize;
    let line = |page: &mut Page<'_, W>, depth: usize| {
        if depth > MAX_DEPTH { Ok(()) } else { page.line(depth * INDENT) }
    };
    let mut tokens = Tokens::new(text).filter(|(token, _)| *token != Token::Space).peekable();
    while let Some((token, text)) = tokens.next() {
        if page.is_full() {
            return Ok(());
        }
        let next = tokens.peek().map_or("", |(_, token)| token);
        match text {
            "{" | "[" if next == "}" || next == "]" => {
                page.text(text)?;
                page.text(next)?;
                tokens.next();
            }
            "{" | "[" => {
                depth += 1;
                page.text(text)?;
                line(page, depth)?;
            }
            "}" | "]" => {
                let is_laid_out = depth <= MAX_DEPTH;
                depth = depth.saturating_sub(1);
                if is_laid_out {
                    line(page, depth)?;
                }
                page.text(text)?;
            }
            "," if depth > MAX_DEPTH => {
                page.text(", ")?;
            }
            "," => {
                page.text(text)?;
                line(page, depth)?;
            }
            ":" => {
                page.text(": ")?;
            }
            _ => {
                paint(token, text, page)?;
            }
        }
    }
    Ok(())
}

/// Deepest nesting level whose members are laid out on separate lines.
const MAX_DEPTH: usize = 32;
/// Columns per level.
const INDENT: usize = 2;

#[cfg(test)]
mod tests {
    use super::{super::extent::Extent, *};

    #[test]
    fn tokens_cover_the_whole_text() {
        let text = r#" {"a\"b" : [-1.5e+3,true ,"x:y" , nul], é "cut\"#;
        let tokens: Vec<_> = Tokens::new(text).collect();
        assert_eq!(tokens.iter().map(|(_, text)| *text).collect::<String>(), text);
        let of = |wanted| {
            let all = tokens.iter().filter(move |(token, _)| *token == wanted);
            all.map(|(_, text)| *text).collect::<Vec<_>>()
        };
        assert_eq!(of(Token::Key), [r#""a\"b""#]);
        assert_eq!(of(Token::String), [r#""x:y""#, r#""cut\"#]);
        assert_eq!(of(Token::Number), ["-1.5e+3"]);
        assert_eq!(of(Token::Literal), ["true"]);
        assert_eq!(of(Token::Other), ["nul", "é"]);
    }

    #[test]
    fn pretty_printing_keeps_every_token() {
        let text = r#"{"a":1.10,"b":[],"c":[1,{"d":"x, y"}] , "a":1e400}"#;
        let expected = r#"{
  "a": 1.10,
  "b": [],
  "c": [
    1,
    {
      "d": "x, y"
    }
  ],
  "a": 1e400
}"#;
        assert_eq!(pretty(text), expected);
    }

    fn pretty(text: &str) -> String {
        let mut out = String::new();
        lay_out(text, &mut Page::new(Extent::Whole, 0, 0, &mut out)).unwrap();
        out
    }

    #[test]
    fn deep_nesting_is_not_laid_out_to_the_square_of_its_length() {
        let deep = format!("{}1,2{}", "[".repeat(20_000), "]".repeat(20_000));
        let out = pretty(&deep);
        assert!(out.len() < deep.len() + 10_000, "{}", out.len());
        let kept: String = out.chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(kept, deep);
        assert_eq!(out.lines().count(), 2 * MAX_DEPTH + 1);
        assert!(out.ends_with("\n  ]\n]"));
    }
}
