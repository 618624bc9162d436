//! JSON for people: what stands in a text, for colours, and the same laid out in lines.
//!
//! Nothing is parsed into numbers or maps: every token stays as the peer wrote it.

use crate::{escape::escape_lines, proto::slice::Within, script::json::is_space};
use colored::Color;

/// What a part of a JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// White space.
    Space,
    /// A string that names a member.
    Key,
    /// Another string, also one that has no end yet.
    String,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Literal,
    /// A bracket, brace, comma or colon.
    Mark,
    /// What is no JSON.
    Other,
}

/// The tokens of a text, which together are all of it.
#[derive(Clone, Debug)]
pub struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// The tokens of this text, which need not be whole.
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

/// The length of the string that a text begins with.
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

/// A token in its colour, safe for a terminal.
pub fn paint(token: Token, text: &str, out: &mut String) {
    if !matches!(token, Token::Key | Token::String | Token::Number | Token::Literal)
        || !colored::control::SHOULD_COLORIZE.should_colorize()
    {
        return escape_lines(text, out);
    }
    // Colours that can be read on light and on dark.
    let color = match token {
        Token::Key => Color::Blue,
        Token::String => Color::Green,
        _ => Color::Magenta,
    };
    // By hand: there are many of them in a flood.
    out.push_str("\x1b[");
    out.push_str(&color.to_fg_str());
    out.push('m');
    escape_lines(text, out);
    out.push_str("\x1b[0m");
}

/// A whole text, laid out: a member or element a line.
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
    fn tokens_are_all_of_the_text() {
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
    fn laid_out_with_every_token_as_it_was() {
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
