//! UTF-8 judged as it arrives, octet by octet, whatever way it is cut (RFC 6455, 8.1).
//!
//! A text message may be cut anywhere, also inside a character. The validator keeps the begun
//! character (at most three bytes) and refuses the first byte that cannot belong to it.

use super::slice::Within;

/// The bytes are not UTF-8: the first bad one is at this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// How many bytes before it are whole, valid characters.
    pub valid: usize,
}

/// Whether the bytes are UTF-8, whole characters only.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // Short ASCII, which most messages are, is seen faster than the validator can be called.
    (bytes.len() <= SHORT && bytes.is_ascii()) || simdutf8::basic::from_utf8(bytes).is_ok()
}

/// How many bytes at the start are whole, valid characters.
pub fn valid_up_to(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(fault) => fault.valid_up_to(),
    }
}

/// The state between two cuts of one text message: the character that was cut.
#[derive(Debug, Default)]
pub struct Utf8 {
    bytes: [u8; 4],
    have: usize,
    need: usize,
}

impl Utf8 {
    /// Judges `bytes` from a character's start on: how many are whole characters. What is left (at
    /// most three bytes) is a begun character and is kept.
    #[inline]
    pub fn check(&mut self, bytes: &[u8]) -> Result<usize, Invalid> {
        self.have = 0;
        self.need = 0;
        // The faster validator does not say where; text is nearly always whole, so ask it first.
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

    /// Judges the next bytes of a text, from wherever it was cut: how many bytes of it are good,
    /// counted from the begun character on, if they are not all.
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

    /// Goes on with the begun character, with at most [`Self::missing`] bytes; true if it is
    /// complete now.
    pub fn resume(&mut self, bytes: &[u8]) -> Result<bool, Invalid> {
        self.push(bytes);
        match std::str::from_utf8(self.character()) {
            Ok(_) => Ok(!self.is_partial()),
            Err(e) if e.error_len().is_some() => Err(Invalid { valid: 0 }),
            Err(_) => Ok(false),
        }
    }

    /// Whether a character is begun and not complete.
    pub fn is_partial(&self) -> bool {
        self.have < self.need
    }

    /// How many bytes the begun character lacks.
    pub fn missing(&self) -> usize {
        self.need - self.have
    }

    /// The bytes of the begun character, or of the one just completed.
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

/// Bytes up to which ASCII is looked for first.
const SHORT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `cuts` one after another; the text if all of it is valid, else the index of the cut
    /// that was refused (`cuts.len()`: it ended inside a character).
    fn feed(cuts: &[&[u8]]) -> Result<Vec<u8>, usize> {
        let mut utf8 = Utf8::default();
        let mut text = Vec::new();
        for (i, cut) in cuts.iter().enumerate() {
            let mut rest = *cut;
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
        if utf8.is_partial() { Err(cuts.len()) } else { Ok(text) }
    }

    #[test]
    fn a_byte_that_cannot_follow_is_refused_at_once() {
        let cases: &[(&[u8], usize)] = &[
            (b"\xff", 0),             // never a byte of UTF-8
            (b"\xc0\xaf", 0),         // overlong "/": C0 alone is enough
            (b"\xe0\x80", 1),         // overlong in three bytes
            (b"\xed\xa0", 1),         // a surrogate
            (b"\xf4\x90", 1),         // above U+10FFFF
            (b"\xf5", 0),             // above U+10FFFF
            (b"\xf0\x9f\x98\x28", 3), // the last byte of four is wrong
            (b"a\x80", 1),            // a continuation byte of nothing
            (b"\xe2\x82", 2),         // ends inside the euro sign
        ];
        for (bytes, at) in cases {
            let cuts: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(feed(&cuts), Err(*at), "{bytes:x?}");
            assert!(feed(&[bytes]).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn says_how_much_was_valid() {
        let long = [&b"0123456789".repeat(20)[..], b"\xff"].concat();
        assert_eq!(Utf8::default().check(&long), Err(Invalid { valid: 200 }));
    }

    proptest! {
        #[test]
        fn any_cut_of_any_text(text in "\\PC{0,80}", at in proptest::collection::vec(0usize..200, 0..6)) {
            let bytes = text.as_bytes();
            prop_assert_eq!(feed(&cut(bytes, at)), Ok(bytes.to_vec()));
        }

        #[test]
        fn any_bytes_as_the_standard_library_says(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in proptest::collection::vec(0usize..40, 0..4)) {
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
