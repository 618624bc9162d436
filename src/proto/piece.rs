//! Pieces of messages, and their assembly into whole messages.

use super::{buffers, opcode::Kind};

/// Consecutive bytes of a message. A piece of text consists of whole, valid characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The type of the message.
    pub kind: Kind,
    /// The bytes. Empty only in the last piece of a message.
    pub payload: &'a [u8],
    /// True if the message begins with this piece.
    pub first: bool,
    /// True if the message ends with this piece, complete and valid.
    pub last: bool,
    /// Payload bytes of the message on the wire so far, after compression.
    pub carried: u64,
    /// Frames of the message so far.
    pub frames: u32,
}

impl<'a> Piece<'a> {
    /// Creates the only piece of an uncompressed message in one frame.
    #[inline]
    pub fn whole(kind: Kind, payload: &'a [u8]) -> Self {
        let carried = payload.len() as u64;
        Self { kind, payload, first: true, last: true, carried, frames: 1 }
    }
}

/// Joins pieces into whole messages. Its memory is bounded by the connection's message limit.
#[derive(Debug, Default)]
pub struct Assembler {
    bytes: Vec<u8>,
}

impl Assembler {
    /// Adds a piece. Returns the whole message after its last piece, without copying a message that
    /// came in one piece.
    pub fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<&'a [u8]> {
        if piece.first {
            self.release();
            if piece.last {
                return Some(piece.payload);
            }
            self.bytes = buffers::take();
        }
        buffers::reserve(&mut self.bytes, piece.payload.len(), HEAP_LIMIT_BYTES);
        self.bytes.extend_from_slice(piece.payload);
        piece.last.then_some(self.bytes.as_slice())
    }

    /// Takes the message whose pieces were joined.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Returns the number of bytes that are held.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Discards what is held, and gives back its memory.
    pub fn release(&mut self) {
        buffers::give(std::mem::take(&mut self.bytes));
    }
}

/// The length from which a collected message has memory of its own.
const HEAP_LIMIT_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assembler_copies_only_messages_of_several_pieces() {
        let mut assembler = Assembler::default();
        let piece = |payload, first, last| Piece {
            kind: Kind::Text,
            payload,
            first,
            last,
            carried: 0,
            frames: 1,
        };
        assert_eq!(assembler.push(&piece(b"whole", true, true)), Some(&b"whole"[..]));
        assert_eq!(assembler.bytes.capacity(), 0);
        assert_eq!(assembler.push(&piece(b"a", true, false)), None);
        assert_eq!(assembler.push(&piece(b"b", false, true)), Some(&b"ab"[..]));
        assert_eq!(assembler.push(&piece(b"c", true, true)), Some(&b"c"[..]));
    }
}
