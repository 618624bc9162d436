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
    /// Both.
    All,
}

impl Decoded {
    /// Decodes a text. Returns `None` if nothing in it is encoded.
    pub(super) fn new(text: &[u8], escapes: Escapes) -> Option<Self> {
        let (percent, markup) = (escapes != Escapes::Markup, escapes != Escapes::Percent);
        let has_percent = percent && text.contains(&b'%');
        let has_markup = markup && memchr::memchr2(b'\\', b'&', text).is_some();
        if !(has_percent || has_markup) || (escapes == Escapes::All && !(has_percent && has_markup))
        {
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
            let at = text.len() - rest.len();
            let (unit, length) = escape.unwrap_or((Unit::Byte(*byte), 1));
            match unit {
                Unit::Byte(byte) => decoded.push(&[byte], at),
                Unit::Char(c) => decoded.push(c.encode_utf8(&mut [0; 4]).as_bytes(), at),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        decoded.offsets.push(text.len());
        (decoded.bytes.len() < text.len()).then_some(decoded)
    }

    fn push(&mut self, bytes: &[u8], at: usize) {
        self.bytes.extend_from_slice(bytes);
        self.offsets.resize(self.bytes.len(), at);
    }

    /// Returns the range of the text from which a range of the bytes was decoded.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or_default();
        at(range.start)..at(range.end)
    }
}

/// What an escape stands for.
enum Unit {
    Byte(u8),
    Char(char),
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
/// The maximum length of a character reference, with some leading zeros.
const MAX_ENTITY_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_bytes_know_their_place() {
        let decoded = Decoded::new(b"a%4Ab%zz%2", Escapes::Percent).unwrap();
        assert_eq!(decoded.bytes, b"aJb%zz%2");
        assert_eq!(decoded.origin(&(1..2)), 1..4);
        assert_eq!(decoded.origin(&(2..8)), 4..10);
        assert!(Decoded::new(b"100 %, no more", Escapes::Percent).is_none());
        let decoded = Decoded::new("a&#xfc;b".as_bytes(), Escapes::Markup).unwrap();
        assert_eq!(decoded.bytes, "aüb".as_bytes());
        assert_eq!(decoded.origin(&(1..3)), 1..7);
    }

    #[test]
    fn the_escapes_of_json_and_html_are_decoded() {
        for (text, expected) in [
            ("\\u003D\\u003d\\/\\\\u", "==/\\u"),
            ("\\ud83d\\uDE00 \\ud83d \\u+123 \\x3d", "😀 \\ud83d \\u+123 ="),
            ("&#x3D;&#X3d;&#61;&#0061;&#39;&apos;&quot;&amp;&lt;&gt;&sol;", "====''\"&<>/"),
            ("&#x110000; &no; & &#; &amp", "&#x110000; &no; & &#; &amp"),
        ] {
            let decoded = Decoded::new(text.as_bytes(), Escapes::Markup);
            let bytes = decoded.map_or_else(|| text.as_bytes().to_vec(), |it| it.bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
