//! Decoding that keeps the place of each byte: an encoder may choose which characters it encodes,
//! and how.

use std::ops::Range;

/// Decoded bytes and their positions in the text.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// The offset of each decoded byte in the text, and the length of the text.
    offsets: Vec<usize>,
}

/// The escapes that are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Percent-encoding.
    Percent,
    /// Those of JSON strings and of HTML.
    Markup,
    /// All of these.
    All,
}

impl Decoded {
    /// Decodes a text. Returns `None` if nothing in it is encoded.
    pub(super) fn new(text: &[u8], escapes: Escapes) -> Option<Self> {
        let (percent, markup) = (escapes != Escapes::Markup, escapes != Escapes::Percent);
        let has_percent = percent && text.contains(&b'%');
        let has_markup = markup && memchr::memchr2(b'\\', b'&', text).is_some();
        if !(has_percent || has_markup) {
            return None;
        }
        let mut decoded = Self { bytes: Vec::new(), offsets: Vec::new() };
        let mut rest = text;
        while let Some(byte) = rest.first() {
            let escape = match byte {
                b'%' if percent => octet(rest.get(1..)).map(|byte| (Unit::Byte(byte), 3)),
                b'\\' if markup => backslash(rest),
                b'&' if markup => entity(rest),
                _ => None,
            };
            let is_escape =
                matches!(byte, b'%' if percent) || matches!(byte, b'\\' | b'&' if markup);
            let escape = escape.or_else(|| Some((Unit::None, cut(rest).filter(|_| is_escape)?)));
            let at = text.len() - rest.len();
            let (unit, length) = escape.unwrap_or((Unit::Byte(*byte), 1));
            match unit {
                Unit::None => {}
                Unit::Byte(byte) => decoded.push(&[byte], at),
                Unit::Char(c) => decoded.push(c.encode_utf8(&mut [0; 4]).as_bytes(), at),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        decoded.offsets.push(text.len());
        (decoded.bytes.len() < text.len()).then_some(decoded)
    }

    /// Decodes the decoded bytes again. Returns `None` if nothing in them is encoded.
    pub(super) fn again(&self) -> Option<Self> {
        let mut decoded = Self::new(&self.bytes, Escapes::All)?;
        for offset in &mut decoded.offsets {
            *offset = self.offset(*offset);
        }
        Some(decoded)
    }

    fn push(&mut self, bytes: &[u8], at: usize) {
        self.bytes.extend_from_slice(bytes);
        self.offsets.resize(self.bytes.len(), at);
    }

    fn offset(&self, index: usize) -> usize {
        self.offsets.get(index).copied().unwrap_or_default()
    }

    /// Returns the range of the text from which a range of the bytes was decoded, with an escape
    /// that is cut off after it.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }
}

/// The meaning of an escape.
enum Unit {
    None,
    Byte(u8),
    Char(char),
}

/// Returns the length of the escape at the start of a text if the text is cut off inside it.
fn cut(text: &[u8]) -> Option<usize> {
    let end = text.len().min(MAX_ENTITY_BYTES);
    let end = (1..=end).find(|at| ends_at(text, *at))?;
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let is_cut = match text.get(..end)? {
        [b'%' | b'&' | b'\\'] | [b'&', b'#'] => true,
        [b'%', digits @ ..] | [b'\\', b'x', digits @ ..] => digits.len() < 2 && is_hex(digits),
        // One unit, or the first and a part of the second of a pair.
        [b'\\', b'u', digits @ ..] => match digits.split_at_checked(4) {
            None => is_hex(digits),
            Some((unit, [] | [b'\\'])) => is_hex(unit),
            Some((unit, [b'\\', b'u', second @ ..])) => is_hex(unit) && is_hex(second),
            Some(_) => false,
        },
        [b'&', b'#', b'x' | b'X', digits @ ..] | [b'&', b'#', digits @ ..] => is_hex(digits),
        [b'&', name @ ..] => NAMED.iter().any(|(named, _)| named.as_bytes().starts_with(name)),
        _ => false,
    };
    is_cut.then_some(end)
}

/// Reports whether a text is cut off at this place.
pub(super) fn ends_at(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    rest.is_empty() || ELLIPSES.iter().any(|dots| rest.starts_with(dots.as_bytes()))
}

/// Decodes the escape at the start of a text, as in a JSON or JavaScript string. Returns its length
/// as well.
fn backslash(text: &[u8]) -> Option<(Unit, usize)> {
    let byte = match text.get(1)? {
        b'u' => return unicode(text),
        b'x' => return Some((Unit::Byte(octet(text.get(2..))?), 4)),
        b'b' => 0x8,
        b'f' => 0xc,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        c @ (b'"' | b'\'' | b'\\' | b'/') => *c,
        _ => return None,
    };
    Some((Unit::Byte(byte), 2))
}

/// Decodes `\uXXXX`, or two that are a surrogate pair.
fn unicode(text: &[u8]) -> Option<(Unit, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::try_from(number(digits, 16)?).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some((Unit::Char(c), 6));
    }
    let pair = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((Unit::Char(pair), 12))
}

/// Decodes the character reference of HTML at the start of a text.
fn entity(text: &[u8]) -> Option<(Unit, usize)> {
    let end = text.iter().take(MAX_ENTITY_BYTES).position(|c| *c == b';')?;
    let c = match text.get(1..end)? {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name => NAMED.iter().find(|(named, _)| named.as_bytes() == name)?.1,
    };
    Some((Unit::Char(c), end + 1))
}

/// Returns the octet with the first two hexadecimal digits.
fn octet(digits: Option<&[u8]>) -> Option<u8> {
    u8::try_from(number(digits?.get(..2)?, 16)?).ok()
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    // `from_str_radix` also accepts a sign.
    let is_digit = |c: &u8| char::from(*c).is_digit(radix);
    let digits = std::str::from_utf8(digits).ok().filter(|it| it.bytes().all(|c| is_digit(&c)))?;
    u32::from_str_radix(digits, radix).ok()
}

/// The named character references that stand for characters of secrets.
const NAMED: [(&str, char); 11] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("equals", '='),
    ("plus", '+'),
    ("sol", '/'),
    ("colon", ':'),
    ("percnt", '%'),
    ("nbsp", '\u{a0}'),
];
/// Marks after a text that is cut off.
pub(super) const ELLIPSES: [&str; 2] = ["...", "…"];
/// The maximum length of a character reference, with some leading zeros.
const MAX_ENTITY_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_bytes_know_their_place() {
        let decoded = Decoded::new(b"a%4Ab%zz%2", Escapes::Percent).unwrap();
        assert_eq!(decoded.bytes, b"aJb%zz");
        assert_eq!(decoded.origin(&(1..2)), 1..4);
        assert_eq!(decoded.origin(&(2..6)), 4..10);
        assert!(Decoded::new(b"100 %, no more", Escapes::Percent).is_none());
        let decoded = Decoded::new("a&#xfc;b".as_bytes(), Escapes::Markup).unwrap();
        assert_eq!(decoded.bytes, "aüb".as_bytes());
        assert_eq!(decoded.origin(&(1..3)), 1..7);
    }

    #[test]
    fn an_escape_that_is_cut_off_is_dropped() {
        for text in [
            "ab%",
            "ab%5",
            "ab\\",
            "ab\\u",
            "ab\\u00",
            "ab\\x4",
            "ab\\ud83d",
            "ab\\ud83d\\ude",
            "ab&",
            "ab&#",
            "ab&#x0",
            "ab&#3",
            "ab&amp",
            "a%62%5",
        ] {
            for dots in ["", "...", "… and more"] {
                let text = format!("{text}{dots}");
                let decoded = Decoded::new(text.as_bytes(), Escapes::All).unwrap();
                assert_eq!(decoded.bytes, format!("ab{dots}").as_bytes(), "{text}");
                assert_eq!(decoded.origin(&(0..2)), 0..text.len() - dots.len());
            }
        }
        for text in ["ab%zz", "ab&name", "ab\\q", "ab% of it", "ab&#zz"] {
            assert!(Decoded::new(text.as_bytes(), Escapes::All).is_none(), "{text}");
        }
    }

    #[test]
    fn nested_escapes_are_decoded_again() {
        let decoded = Decoded::new(b"x\\\\u0041%2542", Escapes::All).unwrap().again().unwrap();
        assert_eq!(decoded.bytes, b"xAB");
        assert_eq!(decoded.origin(&(1..2)), 1..8);
        assert!(decoded.again().is_none());
    }

    #[test]
    fn the_escapes_of_json_and_html_are_decoded() {
        for (text, expected) in [
            ("\\u003D\\u003d\\/\\\\u", "==/\\u"),
            ("\\ud83d\\uDE00 \\ud83d \\u+123 \\x3d", "😀 \\ud83d \\u+123 ="),
            ("&#x3D;&#X3d;&#61;&#0061;&#39;&apos;&quot;&amp;&lt;&gt;&sol;", "====''\"&<>/"),
            ("&#x110000; &no; & &#; &amp ", "&#x110000; &no; & &#; &amp "),
        ] {
            let decoded = Decoded::new(text.as_bytes(), Escapes::Markup);
            let bytes = decoded.map_or_else(|| text.as_bytes().to_vec(), |it| it.bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
