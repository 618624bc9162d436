//! Escaping of text from the peer, which could otherwise move the cursor, change the window title,
//! paste commands or reverse the text direction of a terminal.

use std::fmt;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Displays text with the characters escaped that affect a terminal, including line breaks.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        units(self.0).try_for_each(|unit| write_unit(unit, f))
    }
}

/// Appends escaped text to `out`. Line feeds and tabs, which are harmless, are kept.
pub fn escape_lines(text: &str, out: &mut String) {
    for unit in units(text) {
        // Writing to a String cannot fail.
        let _ = match unit {
            Unit::Escaped(c @ ('\n' | '\t')) => fmt::Write::write_char(out, c),
            unit => write_unit(unit, out),
        };
    }
}

/// Returns escaped text. Line feeds and tabs are kept.
pub fn escaped_lines(text: &str) -> String {
    let mut out = String::new();
    escape_lines(text, &mut out);
    out
}

/// A part of a text that is written to a terminal as one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// Printable ASCII.
    Ascii(&'a str),
    /// One character with its marks, or an emoji of several characters.
    Cluster(&'a str),
    /// A character that must be escaped, including line feeds and tabs.
    Escaped(char),
}

impl Unit<'_> {
    /// Returns the number of bytes of the text in this unit.
    pub fn text_length(self) -> usize {
        match self {
            Self::Ascii(text) | Self::Cluster(text) => text.len(),
            Self::Escaped(c) => c.len_utf8(),
        }
    }

    /// Returns the number of columns that the unit occupies, once escaped.
    pub fn width(self) -> usize {
        match self {
            Self::Ascii(text) => text.len(),
            Self::Cluster(text) => text.width(),
            Self::Escaped('\n' | '\r' | '\t') => "\\n".len(),
            Self::Escaped('\0'..='\x1f' | '\x7f') => "\\x00".len(),
            Self::Escaped(c) => {
                let digits = u32::from(c).ilog2() / 4 + 1;
                "\\u{}".len() + usize::try_from(digits).unwrap_or_default()
            }
        }
    }
}

/// Splits a text into units.
pub fn units(text: &str) -> impl Iterator<Item = Unit<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let unit = first_unit(rest)?;
        rest = rest.get(unit.text_length()..)?;
        Some(unit)
    })
}

/// Writes a unit, escaped if necessary.
pub fn write_unit(unit: Unit<'_>, out: &mut impl fmt::Write) -> fmt::Result {
    match unit {
        Unit::Ascii(text) | Unit::Cluster(text) => out.write_str(text),
        Unit::Escaped('\n') => out.write_str("\\n"),
        Unit::Escaped('\r') => out.write_str("\\r"),
        Unit::Escaped('\t') => out.write_str("\\t"),
        Unit::Escaped(c @ ('\0'..='\x1f' | '\x7f')) => write!(out, "\\x{:02x}", u32::from(c)),
        Unit::Escaped(c) => write!(out, "\\u{{{:x}}}", u32::from(c)),
    }
}

fn first_unit(text: &str) -> Option<Unit<'_>> {
    let bytes = text.as_bytes();
    let ascii = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~')).unwrap_or(bytes.len());
    // The last character of a run may have marks.
    let ascii = match bytes.get(ascii) {
        Some(0x80..) if ascii > 1 => ascii - 1,
        Some(0x80..) => 0,
        _ => ascii,
    };
    if ascii > 0 {
        return text.get(..ascii).map(Unit::Ascii);
    }
    let c = text.chars().next()?;
    // A mark without a base would combine with the character before the text.
    if affects_terminal(c) || is_mark(c) {
        return Some(Unit::Escaped(c));
    }
    text.get(..cluster_length(c, text)).map(Unit::Cluster)
}

/// Returns the length in bytes of the cluster at the start of `text`, whose first character is `c`.
/// Characters without a width belong to a cluster only as part of an emoji (Unicode UTS #51, 1.4.9)
/// or as one of a few combining marks.
fn cluster_length(c: char, text: &str) -> usize {
    let mut chars = Chars { text, length: 0 };
    chars.take_if(|_| true);
    match c {
        '\u{1f1e6}'..='\u{1f1ff}' => {
            chars.take_if(|c| matches!(c, '\u{1f1e6}'..='\u{1f1ff}'));
        }
        '0'..='9' | '#' | '*' => {
            chars.take_str("\u{fe0f}\u{20e3}");
        }
        '\u{1f3f4}' if chars.take_tags() => return chars.length,
        _ => chars.take_emoji(c),
    }
    for _ in 0..MAX_MARKS {
        if !chars.take_if(|c| is_mark(c) && !affects_terminal(c)) {
            break;
        }
    }
    chars.length
}

/// The characters of a cluster.
struct Chars<'a> {
    text: &'a str,
    length: usize,
}

impl<'a> Chars<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.length..).unwrap_or_default()
    }

    /// Adds the next character if it is accepted.
    fn take_if(&mut self, accepts: impl FnOnce(char) -> bool) -> bool {
        let next = self.rest().chars().next().filter(|c| accepts(*c));
        self.length += next.map_or(0, char::len_utf8);
        next.is_some()
    }

    /// Adds these characters if they are next.
    fn take_str(&mut self, text: &str) {
        if self.rest().starts_with(text) {
            self.length += text.len();
        }
    }

    /// Adds the tags of a subdivision's flag, if they are complete.
    fn take_tags(&mut self) -> bool {
        let mut tags = Self { text: self.rest(), length: 0 };
        let is_tag = |c| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
        let count = (0..MAX_TAGS).take_while(|_| tags.take_if(is_tag)).count();
        let is_whole = count > 0 && tags.take_if(|c| c == '\u{e007f}');
        let length = tags.length;
        self.length += if is_whole { length } else { 0 };
        is_whole
    }

    /// Adds the characters that follow a pictograph: a presentation selector, a skin tone, and
    /// further pictographs after joiners.
    fn take_emoji(&mut self, first: char) {
        let mut last = first;
        for _ in 0..MAX_JOINED {
            let next = self.rest().chars().next();
            let follows = matches!(
                next,
                Some('\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
            );
            if !follows || !is_pictograph(last) {
                return;
            }
            if !self.take_if(|c| matches!(c, '\u{1f3fb}'..='\u{1f3ff}')) {
                self.take_if(|c| matches!(c, '\u{fe0e}' | '\u{fe0f}'));
            }
            let mut joined = self.rest().chars();
            match (joined.next(), joined.next()) {
                (Some('\u{200d}'), Some(next)) if is_pictograph(next) => {
                    self.length += '\u{200d}'.len_utf8() + next.len_utf8();
                    last = next;
                }
                _ => return,
            }
        }
    }
}

/// Reports whether a joiner can connect the character with a pictograph (rule GB11 of Unicode
/// UAX #29).
fn is_pictograph(c: char) -> bool {
    let mut joined = String::from(c);
    joined.push_str("\u{200d}\u{2764}");
    joined.graphemes(true).count() == 1
}

/// Reports whether a character is drawn over the one before it.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0)
}

/// Reports whether a character may affect a terminal or is invisible: C0 and C1 controls,
/// bidirectional marks and overrides, characters without a width that are not combining marks, and
/// line and paragraph separators. Emoji contain some of them; see [`units`].
pub fn affects_terminal(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f'
        | '\x7f'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The maximum number of combining marks on one character; more would cover other lines.
const MAX_MARKS: usize = 8;
/// Pictographs that may be joined to one emoji.
const MAX_JOINED: usize = 8;
/// Tags of a flag: a country and its subdivision.
const MAX_TAGS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        Escaped(text).to_string()
    }

    #[test]
    fn escapes_characters_that_affect_a_terminal() {
        let hostile = "\x1b]0;title\x07 \u{9b}31m \u{202e}txt\u{200b}\u{feff}\x7f\r\0";
        let expected = "\\x1b]0;title\\x07 \\u{9b}31m \\u{202e}txt\\u{200b}\\u{feff}\\x7f\\r\\x00";
        assert_eq!(escaped(hostile), expected);
    }

    #[test]
    fn keeps_plain_text() {
        let text = "{\"a\": \"gr\u{fc}\u{df}e \u{1f600} \u{65e5}\u{672c}\\n\"}";
        assert_eq!(escaped(text), text);
        let mut out = String::new();
        escape_lines("a\n\tb\x1b", &mut out);
        assert_eq!(out, "a\n\tb\\x1b");
    }

    #[test]
    fn emoji_of_several_characters_are_shown() {
        for (emoji, columns) in [
            // A family, a rainbow flag, and a couple with skin tones.
            ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}", 2),
            ("\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}", 2),
            ("\u{1f469}\u{1f3fd}\u{200d}\u{2764}\u{fe0f}\u{200d}\u{1f468}\u{1f3ff}", 2),
            // A thumb with a skin tone, a heart, a key cap, and the flags of Japan and of Scotland.
            ("\u{1f44d}\u{1f3fd}", 2),
            ("\u{2764}\u{fe0f}", 2),
            ("1\u{fe0f}\u{20e3}", 2),
            ("\u{1f1ef}\u{1f1f5}", 2),
            ("\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", 2),
        ] {
            let text = format!("a {emoji}{emoji} b");
            assert_eq!(escaped(&text), text);
            let found: Vec<_> = units(&text).filter(|unit| *unit == Unit::Cluster(emoji)).collect();
            assert_eq!((found.len(), found[0].width()), (2, columns), "{emoji}");
        }
    }

    #[test]
    fn invisible_characters_outside_emoji_are_escaped() {
        for (text, expected) in [
            ("a\u{200d}b", "a\\u{200d}b"),
            ("\u{1f600}\u{200d}", "\u{1f600}\\u{200d}"),
            ("\u{1f600}\u{200d}a", "\u{1f600}\\u{200d}a"),
            ("a\u{200d}\u{1f600}", "a\\u{200d}\u{1f600}"),
            ("\u{1f600}\u{200d}\u{200d}\u{1f600}", "\u{1f600}\\u{200d}\\u{200d}\u{1f600}"),
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("1\u{fe0f}", "1\\u{fe0f}"),
            ("\u{2764}\u{fe0f}\u{fe0f}", "\u{2764}\u{fe0f}\\u{fe0f}"),
            ("\u{1f600}\u{e0101}", "\u{1f600}\\u{e0101}"),
            ("\u{1f3f4}\u{e0067}\u{e0062}", "\u{1f3f4}\\u{e0067}\\u{e0062}"),
            ("\u{1f600}\u{e0067}\u{e007f}", "\u{1f600}\\u{e0067}\\u{e007f}"),
            ("\u{1f600}\u{202e}", "\u{1f600}\\u{202e}"),
            ("\u{34f}\u{180c}", "\\u{34f}\\u{180c}"),
        ] {
            assert_eq!(escaped(text), expected);
        }
        let endless = "\u{1f468}\u{200d}".repeat(1000);
        assert!(escaped(&endless).matches("\\u{200d}").count() > 100);
    }

    #[test]
    fn marks_need_a_base_and_are_few() {
        for kept in ["e\u{301}", "a\u{323}\u{302}", "\u{e01}\u{e49}", "\u{1112}\u{1161}\u{11ab}"] {
            assert_eq!(escaped(kept), kept);
        }
        assert_eq!(escaped("\u{301}a"), "\\u{301}a");
        assert_eq!(escaped("\x1b\u{301}"), "\\x1b\\u{301}");
        let zalgo = format!("a{}", "\u{301}".repeat(MAX_MARKS + 2));
        assert_eq!(escaped(&zalgo), format!("a{}\\u{{301}}\\u{{301}}", "\u{301}".repeat(8)));
    }

    #[test]
    fn a_width_is_that_of_the_escaped_unit() {
        for c in
            ['\n', '\t', '\0', '\x7f', '\u{80}', '\u{ad}', '\u{200d}', '\u{1bca0}', '\u{e0001}']
        {
            let width = escaped(&c.to_string()).len();
            assert_eq!(units(&c.to_string()).next().map(Unit::width), Some(width), "{c:?}");
        }
    }
}
