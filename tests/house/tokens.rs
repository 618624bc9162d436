//! A scanner of Rust source that drops comments, literals and test code.

/// A word or a punctuation mark, with its line.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(is_word)
    }
}

/// Splits a file into tokens. `::` is one token; every other punctuation mark is a token by itself.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let length = match first {
                _ if rest.starts_with("::") => 2,
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.push(Token { text: rest[..length].to_owned(), line });
            }
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the length of a comment, literal or lifetime at the start of `rest`.
fn skipped(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    // A literal's prefix: r, b, br, c or cr, then the hashes of a raw literal.
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|p| rest.starts_with(p))?;
    let after = &rest[prefix.len()..];
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    match after.as_bytes().get(hashes) {
        Some(b'"') if prefix.ends_with('r') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = prefix.len() + hashes + 1;
            Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()))
        }
        Some(b'"') if hashes == 0 => Some(quoted(rest, prefix.len(), b'"')),
        Some(b'\'') if hashes == 0 && matches!(prefix, "" | "b") => {
            // 'a' and '\n' are characters; 'a alone is a lifetime.
            let start = prefix.len() + 1;
            let first = rest[start..].chars().next()?;
            let is_literal =
                first == '\\' || bytes.get(start + first.len_utf8()).is_some_and(|b| *b == b'\'');
            if is_literal {
                return Some(quoted(rest, prefix.len(), b'\''));
            }
            let end = rest[start..].find(|c| !is_word(c));
            Some(end.map_or(rest.len(), |end| start + end))
        }
        _ => None,
    }
}

/// Returns the length of a literal whose first quote is at `start`.
fn quoted(rest: &str, start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    let bytes = rest.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Returns the length of a comment, which may be nested.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        match rest.get(at..at + 2) {
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 || at >= rest.len() {
            return at.min(rest.len());
        }
    }
}

/// Takes out each item under `#[cfg(test)]`. Returns the other tokens and the modules in other
/// files that were declared there.
pub fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let mut left = Vec::new();
    let mut modules = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_test_attribute(&tokens[at..]) {
            left.push(tokens[at].clone());
            at += 1;
            continue;
        }
        while tokens.get(at).is_some_and(|token| token.text == "#") {
            at = end_of_group(tokens, at + 1);
        }
        let end = end_of_item(tokens, at);
        if let Some(module) = tokens[at..end].iter().position(|token| token.text == "mod")
            && tokens.get(at + module + 2).is_some_and(|token| token.text == ";")
        {
            modules.push(tokens[at + module + 1].text.clone());
        }
        at = end;
    }
    (left, modules)
}

fn is_test_attribute(tokens: &[Token]) -> bool {
    let is = |expected: &[&str]| {
        expected.iter().enumerate().all(|(i, text)| tokens.get(i).is_some_and(|t| t.text == *text))
    };
    is(&["#", "[", "cfg", "(", "test", ")"])
        || is(&["#", "[", "cfg", "(", "all", "(", "test"])
        || is(&["#", "[", "cfg", "(", "any", "(", "test", ",", "fuzzing", ")"])
}

/// Returns the index after the bracket that closes the one at `start`.
pub fn end_of_group(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Returns the index after the item that begins here: after its `;` or its body.
pub fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let is_keyword = |token: &Token| KEYWORDS.contains(&token.text.as_str());
    let keyword = start + tokens[start..].iter().take_while(|token| !is_keyword(token)).count();
    let next = tokens.get(keyword + 1).map_or("", |token| token.text.as_str());
    // The braces of these items' values do not end the item.
    let valued = match tokens.get(keyword).map_or("", |token| token.text.as_str()) {
        "const" => !matches!(next, "fn" | "unsafe" | "async"),
        keyword => matches!(keyword, "use" | "static" | "type"),
    };
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" if !valued => return end_of_group(tokens, at),
            "(" | "[" | "{" => at = end_of_group(tokens, at),
            _ => at += 1,
        }
    }
    at
}

const KEYWORDS: &[&str] = &[
    "const",
    "enum",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "union",
    "use",
];
