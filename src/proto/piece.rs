//! Pieces of messages, and whole messages where one is needed.

use super::opcode::Kind;

/// Bytes of a message as they became known: those of a text are whole, valid characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The type of the message.
    pub kind: Kind,
    /// The bytes; may be empty, in a message's last piece or when the message is.
    pub payload: &'a [u8],
    /// The message begins with this piece.
    pub first: bool,
    /// The message ends with this piece, complete and valid.
    pub last: bool,
    /// Bytes of payload that have carried the message so far: of a compressed one, the compressed.
    pub carried: u64,
    /// In how many frames.
    pub frames: u32,
}

impl<'a> Piece<'a> {
    /// A message that came whole, in one frame, as it is.
    #[inline]
    pub fn whole(kind: Kind, payload: &'a [u8]) -> Self {
        let carried = payload.len() as u64;
        Self { kind, payload, first: true, last: true, carried, frames: 1 }
    }
}

/// Puts pieces together, for those who need a message whole. Its memory is bounded by the
/// connection's limit on a message.
#[derive(Debug, Default)]
pub struct Assembler {
    bytes: Vec<u8>,
}

impl Assembler {
    /// The whole message, once its last piece is there. One that came in one piece is not copied.
    pub fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<&'a [u8]> {
        if piece.first {
            // What one long message needed is not kept for ever.
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
            self.bytes.clear();
            if piece.last {
                return Some(piece.payload);
            }
        }
        self.bytes.extend_from_slice(piece.payload);
        piece.last.then_some(self.bytes.as_slice())
    }
}

/// Capacity an [`Assembler`] keeps between messages, in bytes.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assembler_copies_only_what_was_cut() {
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
