//! Byte-exact messages for programs, each preceded by its length.

use super::{buffer::OutputBuffer, long_content::LongContent};
use crate::{
    proto::Piece,
    stored::{Collected, Collector},
};
use std::io;

/// The format of `--delimiter length`: the length as four bytes, big-endian, then the message.
#[derive(Debug, Default)]
pub struct Lengths {
    collector: Collector,
    /// The long message that is being written.
    long: Option<LongContent>,
}

impl Lengths {
    /// Adds a piece and writes the message once it is complete; its length is not known earlier. A
    /// long message is written by [`Self::fill`], and no piece may be added before its end.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        match self.collector.push(piece) {
            None => {}
            Some(Collected::Short(message)) => {
                out.bytes().extend_from_slice(&prefix(message.len() as u64));
                out.bytes().extend_from_slice(message);
                out.release();
            }
            Some(Collected::Long(message)) => {
                let before = prefix(message.length()).to_vec();
                self.long = Some(LongContent::raw(before, message, Vec::new()));
            }
        }
    }

    /// Continues a long message until `limit` bytes are ready.
    pub fn fill(&mut self, out: &mut OutputBuffer, limit: usize) -> io::Result<()> {
        LongContent::fill(&mut self.long, out, limit)
    }
}

fn prefix(length: u64) -> [u8; 4] {
    // The message size limit guarantees that the length fits.
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
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
