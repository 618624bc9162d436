//! Escaping of text from the peer, which could otherwise move the cursor, change the window title,
//! paste commands or reverse the text direction of a terminal.

use std::fmt;

/// Displays text with the characters escaped that affect a terminal, including line breaks.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_escaped(c, f))
    }
}

/// Appends escaped text to `out`. Line feeds and tabs, which are harmless, are kept.
pub fn escape_lines(text: &str, out: &mut String) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        // Fast path: almost all messages are printable ASCII.
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        if matches!(c, '\n' | '\t') {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write_escaped(c, out);
        }
    }
}

/// Returns escaped text. Line feeds and tabs are kept.
pub fn escaped_lines(text: &str) -> String {
    let mut out = String::new();
    escape_lines(text, &mut out);
    out
}

fn write_escaped(c: char, out: &mut impl fmt::Write) -> fmt::Result {
    match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0'..='\x1f' | '\x7f' => write!(out, "\\x{:02x}", u32::from(c)),
        c if affects_terminal(c) => write!(out, "\\u{{{:x}}}", u32::from(c)),
        c => out.write_char(c),
    }
}

/// Reports whether a character may affect a terminal: C0 and C1 controls, bidirectional marks and
/// overrides, zero-width characters, and line and paragraph separators.
pub fn affects_terminal(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f'
        | '\x7f'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_characters_that_affect_a_terminal() {
        let hostile = "\x1b]0;title\x07 \u{9b}31m \u{202e}txt\u{200b}\u{feff}\x7f\r\0";
        let shown = Escaped(hostile).to_string();
        let expected = "\\x1b]0;title\\x07 \\u{9b}31m \\u{202e}txt\\u{200b}\\u{feff}\\x7f\\r\\x00";
        assert_eq!(shown, expected);
    }

    #[test]
    fn keeps_plain_text() {
        let text = "{\"a\": \"gr\u{fc}\u{df}e \u{1f600} \u{65e5}\u{672c}\\n\"}";
        assert_eq!(Escaped(text).to_string(), text);
        let mut out = String::new();
        escape_lines("a\n\tb\x1b", &mut out);
        assert_eq!(out, "a\n\tb\\x1b");
    }
}
