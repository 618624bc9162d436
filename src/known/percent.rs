//! Percent-decoding that keeps the place of each octet: an encoder may choose which characters it
//! encodes.

use std::ops::Range;

/// Decoded bytes and their positions in the text.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// The offset of each decoded byte in the text, and the length of the text.
    offsets: Vec<usize>,
}

impl Decoded {
    /// Decodes a text. Returns `None` if nothing in it is encoded.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let mut decoded = Self { bytes: Vec::new(), offsets: Vec::new() };
        memchr::memchr(b'%', text)?;
        let mut rest = text;
        loop {
            let (byte, length) = match *rest {
                [b'%', high, low, ..] if octet(high, low).is_some() => {
                    (octet(high, low).unwrap_or_default(), 3)
                }
                [byte, ..] => (byte, 1),
                [] => break,
            };
            decoded.bytes.push(byte);
            decoded.offsets.push(text.len() - rest.len());
            rest = rest.get(length..).unwrap_or_default();
        }
        decoded.offsets.push(text.len());
        (decoded.bytes.len() < text.len()).then_some(decoded)
    }

    /// Returns the range of the text from which a range of the bytes was decoded.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or_default();
        at(range.start)..at(range.end)
    }
}

/// Returns the octet with these hexadecimal digits.
fn octet(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_bytes_know_their_place() {
        let decoded = Decoded::new(b"a%4Ab%zz%2").unwrap();
        assert_eq!(decoded.bytes, b"aJb%zz%2");
        assert_eq!(decoded.origin(&(1..2)), 1..4);
        assert_eq!(decoded.origin(&(2..8)), 4..10);
        assert!(Decoded::new(b"100 %, no more").is_none());
    }
}
