//! Byte-exact messages for programs, each preceded by its length.

use super::buffer::OutputBuffer;
use crate::proto::{Assembler, Piece};

/// The format of `--delimiter length`: the length as four bytes, big-endian, then the message.
#[derive(Debug, Default)]
pub struct Lengths {
    assembler: Assembler,
}

impl Lengths {
    /// Adds a piece and writes the message once it is complete; its length is not known earlier.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        if let Some(message) = self.assembler.push(piece) {
            // The message size limit guarantees that the length fits.
            let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
            out.bytes().extend_from_slice(&length.to_be_bytes());
            out.bytes().extend_from_slice(message);
            out.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Kind;

    #[test]
    fn each_message_follows_its_length() {
        let (mut lengths, mut out) = (Lengths::default(), OutputBuffer::default());
        let cases =
            [("a\n", true, true), ("", true, true), ("bc", true, false), ("d", false, true)];
        for (text, first, last) in cases {
            let payload = text.as_bytes();
            let piece = Piece { kind: Kind::Text, payload, first, last, carried: 0, frames: 1 };
            lengths.piece(&piece, &mut out);
        }
        assert_eq!(out.ready(), b"\0\0\0\x02a\n\0\0\0\0\0\0\0\x03bcd");
    }
}
