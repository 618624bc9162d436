//! Incremental validation of UTF-8 (RFC 6455, 8.1).
//!
//! A text message may be split anywhere, even inside a character. The validator keeps the incomplete
//! character (at most three bytes) and rejects the first byte that cannot belong to it.

use super::slice::Within;

/// The bytes are not valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The number of bytes before the first invalid one that are whole, valid characters.
    pub valid: usize,
}

/// Reports whether the bytes are valid UTF-8 and end with a whole character.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // Most messages are short ASCII, which this check finds faster than a call of the validator.
    (bytes.len() <= ASCII_CHECK_MAX_BYTES && bytes.is_ascii())
        || simdutf8::basic::from_utf8(bytes).is_ok()
}

/// Returns the number of bytes at the start that are whole, valid characters.
pub fn valid_up_to(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(fault) => fault.valid_up_to(),
    }
}

/// The state of validation between two parts of a text: the incomplete character.
#[derive(Debug, Default)]
pub struct Utf8 {
    bytes: [u8; 4],
    have: usize,
    need: usize,
}

impl Utf8 {
    /// Validates `bytes`, which begin at the start of a character. Returns the number of bytes that are
    /// whole characters. The rest, at most three bytes, is an incomplete character, which is kept.
    #[inline]
    pub fn check(&mut self, bytes: &[u8]) -> Result<usize, Invalid> {
        self.have = 0;
        self.need = 0;
        // The faster validator does not locate errors, but nearly all text is valid and whole.
        if is_valid(bytes) {
            return Ok(bytes.len());
        }
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(bytes.len()),
            Err(e) if e.error_len().is_some() => Err(Invalid { valid: e.valid_up_to() }),
            Err(e) => {
                let begun = bytes.within(e.valid_up_to()..);
                self.need = match begun.first() {
                    Some(0xf0..) => 4,
                    Some(0xe0..) => 3,
                    _ => 2,
                };
                self.push(begun);
                Ok(e.valid_up_to())
            }
        }
    }

    /// Validates the next bytes of a text, wherever it was split. [`Invalid::valid`] counts bytes of
    /// this call; it is 0 if the character begun in an earlier call is invalid.
    pub fn push_all(&mut self, bytes: &[u8]) -> Result<(), Invalid> {
        let mut rest = bytes;
        while self.is_partial() && !rest.is_empty() {
            let (head, tail) = rest.split_at(self.missing().min(rest.len()));
            self.resume(head)?;
            rest = tail;
        }
        if self.is_partial() || rest.is_empty() {
            return Ok(());
        }
        let before = bytes.len() - rest.len();
        self.check(rest).map_err(|Invalid { valid }| Invalid { valid: before + valid })?;
        Ok(())
    }

    /// Adds at most [`Self::missing`] bytes to the incomplete character. Returns true once it is whole.
    pub fn resume(&mut self, bytes: &[u8]) -> Result<bool, Invalid> {
        self.push(bytes);
        match std::str::from_utf8(self.character()) {
            Ok(_) => Ok(!self.is_partial()),
            Err(e) if e.error_len().is_some() => Err(Invalid { valid: 0 }),
            Err(_) => Ok(false),
        }
    }

    /// Reports whether a character is incomplete.
    pub fn is_partial(&self) -> bool {
        self.have < self.need
    }

    /// Returns the number of bytes missing from the incomplete character.
    pub fn missing(&self) -> usize {
        self.need - self.have
    }

    /// Returns the bytes of the incomplete character, or of the one just completed.
    pub fn character(&self) -> &[u8] {
        self.bytes.within(..self.have)
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.bytes.get_mut(self.have) {
                *slot = *byte;
                self.have += 1;
            }
        }
    }
}

/// The longest input that is first checked for ASCII.
const ASCII_CHECK_MAX_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Validates `chunks` one after another. Returns the text or the index of the invalid chunk, which
    /// is `chunks.len()` if the text ends inside a character.
    fn feed(chunks: &[&[u8]]) -> Result<Vec<u8>, usize> {
        let mut utf8 = Utf8::default();
        let mut text = Vec::new();
        for (i, chunk) in chunks.iter().enumerate() {
            let mut rest = *chunk;
            while utf8.is_partial() && !rest.is_empty() {
                let (head, tail) = rest.split_at(utf8.missing().min(rest.len()));
                if utf8.resume(head).map_err(|_| i)? {
                    text.extend_from_slice(utf8.character());
                }
                rest = tail;
            }
            if utf8.is_partial() {
                continue;
            }
            let n = utf8.check(rest).map_err(|_| i)?;
            text.extend_from_slice(&rest[..n]);
        }
        if utf8.is_partial() { Err(chunks.len()) } else { Ok(text) }
    }

    #[test]
    fn rejects_the_first_invalid_byte() {
        let cases: &[(&[u8], usize)] = &[
            (b"\xff", 0),             // never valid in UTF-8
            (b"\xc0\xaf", 0),         // overlong "/": C0 alone is enough
            (b"\xe0\x80", 1),         // overlong, three bytes
            (b"\xed\xa0", 1),         // a surrogate
            (b"\xf4\x90", 1),         // above U+10FFFF
            (b"\xf5", 0),             // above U+10FFFF
            (b"\xf0\x9f\x98\x28", 3), // the last byte of four is wrong
            (b"a\x80", 1),            // a stray continuation byte
            (b"\xe2\x82", 2),         // ends inside the euro sign
        ];
        for (bytes, at) in cases {
            let chunks: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(feed(&chunks), Err(*at), "{bytes:x?}");
            assert!(feed(&[bytes]).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn reports_the_length_of_the_valid_prefix() {
        let long = [&b"0123456789".repeat(20)[..], b"\xff"].concat();
        assert_eq!(Utf8::default().check(&long), Err(Invalid { valid: 200 }));
    }

    proptest! {
        #[test]
        fn any_text_is_valid_however_it_is_split(text in "\\PC{0,80}", at in proptest::collection::vec(0usize..200, 0..6)) {
            let bytes = text.as_bytes();
            prop_assert_eq!(feed(&cut(bytes, at)), Ok(bytes.to_vec()));
        }

        #[test]
        fn agrees_with_the_standard_library(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in proptest::collection::vec(0usize..40, 0..4)) {
            prop_assert_eq!(feed(&cut(&bytes, at)).is_ok(), std::str::from_utf8(&bytes).is_ok());
        }
    }

    fn cut(bytes: &[u8], mut at: Vec<usize>) -> Vec<&[u8]> {
        at.sort_unstable();
        let mut cuts = Vec::new();
        let mut from = 0;
        for to in at.into_iter().map(|to| to.min(bytes.len())) {
            cuts.push(&bytes[from..to]);
            from = to;
        }
        cuts.push(&bytes[from..]);
        cuts
    }
}
