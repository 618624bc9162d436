//! JSON for display: a tokenizer for syntax colouring, and pretty-printing.
//!
//! Nothing is parsed into numbers or maps, so every token stays as the peer wrote it.

use crate::{escape::escape_lines, proto::slice::Within, script::json::is_space};
use colored::Color;

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

/// Appends a token in its colour, escaped for a terminal.
pub fn paint(token: Token, text: &str, out: &mut String) {
    if !matches!(token, Token::Key | Token::String | Token::Number | Token::Literal)
        || !colored::control::SHOULD_COLORIZE.should_colorize()
    {
        return escape_lines(text, out);
    }
    // These colours are legible on light and dark backgrounds.
    let color = match token {
        Token::Key => Color::Blue,
        Token::String => Color::Green,
        _ => Color::Magenta,
    };
    // Written by hand for speed: a flood of messages has many tokens.
    out.push_str("\x1b[");
    out.push_str(&color.to_fg_str());
    out.push('m');
    escape_lines(text, out);
    out.push_str("\x1b[0m");
}

/// Returns a complete JSON text laid out with one member or element per line.
pub fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut tokens = Tokens::new(text).filter(|(token, _)| *token != Token::Space).peekable();
    while let Some((_, token)) = tokens.next() {
        let next = tokens.peek().map_or("", |(_, token)| token);
        match token {
            "{" | "[" if next == "}" || next == "]" => {
                out.push_str(token);
                out.push_str(next);
                tokens.next();
            }
            "{" | "[" => {
                depth += 1;
                out.push_str(token);
                line(&mut out, depth);
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push_str(token);
            }
            "," => {
                out.push_str(token);
                line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
