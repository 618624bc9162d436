//! The input of a fuzzer, taken apart.

/// Bytes that a fuzzer chose. Choices are taken from the front, and are 0 once no bytes are left.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Takes at most `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Returns the rest if it is text. Another target is not told apart from invalid UTF-8, which
    /// all callers of the tested functions reject.
    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.0).ok()
    }
}

/// Splits bytes into chunks of lengths that `seed` determines: all of one byte for 0, and one chunk
/// for 1.
pub(super) fn chunks(bytes: &[u8], seed: u16) -> Vec<&[u8]> {
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        // The multiplier and increment of Numerical Recipes.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = match seed {
            0 => 1,
            1 => rest.len(),
            _ => (state >> 24) as usize % (2 + usize::from(seed % 61)) + 1,
        };
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}
