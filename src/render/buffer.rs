//! The output buffer of stdout, written with as few system calls as possible.

use crate::proto::slice::Within;

/// Pending output. The last bytes may be held back until their message is complete.
#[derive(Debug, Default)]
pub struct OutputBuffer {
    bytes: Vec<u8>,
    written: usize,
    /// End of the bytes that may be written.
    released: usize,
}

impl OutputBuffer {
    /// Returns the buffer to append to. Appended bytes are held until [`Self::release`].
    #[inline]
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Releases all held bytes for writing.
    #[inline]
    pub fn release(&mut self) {
        self.released = self.bytes.len();
    }

    /// Discards the held bytes.
    pub fn take_back(&mut self) {
        self.bytes.truncate(self.released);
    }

    /// Returns the number of held bytes.
    #[inline]
    pub fn held(&self) -> usize {
        self.bytes.len() - self.released
    }

    /// Returns the bytes that may be written now.
    #[inline]
    pub fn ready(&self) -> &[u8] {
        self.bytes.within(self.written..self.released)
    }

    /// Marks the first `n` bytes of [`Self::ready`] as written.
    pub fn advance(&mut self, n: usize) {
        self.written = (self.written + n).min(self.released);
        // With a slow reader the buffer may never run empty, so written bytes are also removed once
        // there are many, compared with those that have to be moved.
        let moved = self.bytes.len() - self.written;
        if self.written == self.released || self.written >= GONE.max(moved / 4) {
            self.bytes.drain(..self.written);
            self.released -= self.written;
            self.written = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Makes room for [`HELD_LIMIT_BYTES`](crate::session::limits::HELD_LIMIT_BYTES). Pages take
    /// memory only once they are used, and an allocation of this size is returned to the system
    /// when the buffer is empty again (mallopt(3), `M_MMAP_THRESHOLD`).
    pub fn reserve_for_backlog(&mut self) {
        // Without it, the buffer grows as it is filled.
        let _ = self.bytes.try_reserve_exact(BACKLOG_CAPACITY);
    }

    /// Discards everything because the reader is gone.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Number of written bytes at which they are removed from the buffer.
const GONE: usize = 64 << 10;
/// Above the largest size that glibc ever takes from its heap.
const BACKLOG_CAPACITY: usize = 33 << 20;
/// Largest capacity kept when the buffer is empty, in bytes.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_bytes_are_not_ready_and_can_be_discarded() {
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

    /// Moving the rest at each partial write would take time quadratic in the length of a message.
    #[test]
    fn partial_writes_of_a_long_message_move_each_byte_a_few_times() {
        let (total, mut moved) = (32 << 20, 0);
        let mut buffer = OutputBuffer::default();
        buffer.bytes().resize(total, b'x');
        buffer.release();
        while !buffer.ready().is_empty() {
            buffer.advance(GONE);
            if buffer.written == 0 {
                moved += buffer.bytes.len();
            }
        }
        assert!(moved <= 4 * total, "{moved}");
    }

    #[test]
    fn a_slow_reader_does_not_grow_the_buffer() {
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
