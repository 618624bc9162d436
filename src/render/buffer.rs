//! The output waiting for stdout: one buffer, written with as few calls as can be.

use crate::proto::slice::Within;

/// Bytes to be written, the last of which may be held back until their message is complete.
#[derive(Debug, Default)]
pub struct OutputBuffer {
    bytes: Vec<u8>,
    written: usize,
    /// Up to here it may be written.
    released: usize,
}

impl OutputBuffer {
    /// Where rendering appends; what is appended is held until [`Self::release`].
    #[inline]
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// All there is may be written.
    #[inline]
    pub fn release(&mut self) {
        self.released = self.bytes.len();
    }

    /// Forgets what is held.
    pub fn take_back(&mut self) {
        self.bytes.truncate(self.released);
    }

    /// How much is held.
    #[inline]
    pub fn held(&self) -> usize {
        self.bytes.len() - self.released
    }

    /// What may be written now.
    #[inline]
    pub fn ready(&self) -> &[u8] {
        self.bytes.within(self.written..self.released)
    }

    /// `n` bytes of [`Self::ready`] have been written.
    pub fn advance(&mut self, n: usize) {
        self.written = (self.written + n).min(self.released);
        // A slow reader may never let it run dry: what is written must go all the same.
        if self.written == self.released || self.written >= GONE {
            self.bytes.drain(..self.written);
            self.released -= self.written;
            self.written = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Throws everything away: nobody reads it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Written bytes at which room is made, in bytes.
const GONE: usize = 64 << 10;
/// Capacity kept when all is written, in bytes.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_not_ready_and_can_be_taken_back() {
        let mut buffer = OutputBuffer::default();
        buffer.bytes().extend(b"one");
        buffer.release();
        buffer.bytes().extend(b"two");
        assert_eq!(buffer.ready(), b"one");
        buffer.advance(2);
        assert_eq!(buffer.ready(), b"e");
        buffer.advance(1);
        assert_eq!((buffer.ready(), buffer.held()), (&b""[..], 3));
        buffer.take_back();
        buffer.bytes().extend(b"three");
        buffer.release();
        assert_eq!(buffer.ready(), b"three");
    }

    #[test]
    fn a_reader_that_is_always_behind_costs_no_memory() {
        let mut buffer = OutputBuffer::default();
        for _ in 0..10_000 {
            buffer.bytes().extend([b'x'; 1000]);
            buffer.release();
            if buffer.ready().len() > 2000 {
                buffer.advance(1000);
            }
        }
        assert!(buffer.bytes.capacity() < 4 * GONE, "{}", buffer.bytes.capacity());
    }
}
