//! Byte-exact messages for programs, each followed by a terminator.

use super::buffer::OutputBuffer;
use crate::proto::Piece;

/// The output format of pipe mode.
#[derive(Debug)]
pub struct Lines {
    /// `None` writes messages back to back.
    terminator: Option<u8>,
    /// Bytes of the unfinished message that were already released.
    streamed: u64,
}

impl Lines {
    /// Creates a writer that ends each message with `terminator`, or writes them back to back.
    pub fn new(terminator: Option<u8>) -> Self {
        Self { terminator, streamed: 0 }
    }

    /// Writes a piece of a message. A message of up to 64 KiB is released only when it is complete.
    /// A longer one is streamed, because its memory use would otherwise be unbounded.
    #[inline]
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        out.bytes().extend_from_slice(piece.payload);
        if piece.last {
            if let Some(terminator) = self.terminator {
                out.bytes().push(terminator);
            }
            out.release();
            self.streamed = 0;
        } else if self.streamed > 0 || out.held() > HELD {
            self.streamed += out.held() as u64;
            out.release();
        }
    }

    /// Writes the terminator of a message that was not completed.
    pub fn end(&self, out: &mut OutputBuffer) {
        out.bytes().extend(self.terminator);
        out.release();
    }

    /// Discards the unfinished message; see
    /// [`Renderer::break_off`](super::renderer::Renderer::break_off).
    pub fn break_off(&mut self, out: &mut OutputBuffer) -> u64 {
        out.take_back();
        std::mem::take(&mut self.streamed)
    }
}

/// Longest message that is held until it is complete, in bytes.
const HELD: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Kind;

    fn piece(payload: &[u8], first: bool, last: bool) -> Piece<'_> {
        Piece { kind: Kind::Text, payload, first, last, carried: 0, frames: 1 }
    }

    #[test]
    fn a_short_message_is_written_once_complete() {
        let (mut lines, mut out) = (Lines::new(Some(b'\n')), OutputBuffer::default());
        lines.piece(&piece(b"whole", true, true), &mut out);
        lines.piece(&piece(b"cu", true, false), &mut out);
        assert_eq!(out.ready(), b"whole\n");
        lines.piece(&piece(b"t", false, true), &mut out);
        assert_eq!(out.ready(), b"whole\ncut\n");
        lines.piece(&piece(&vec![b'x'; HELD], true, false), &mut out);
        assert_eq!(lines.break_off(&mut out), 0);
        assert_eq!(out.ready(), b"whole\ncut\n");
    }

    #[test]
    fn a_long_message_is_streamed_and_not_terminated_if_truncated() {
        let (mut lines, mut out) = (Lines::new(Some(b'\n')), OutputBuffer::default());
        lines.piece(&piece(&vec![b'x'; HELD], true, false), &mut out);
        assert_eq!(out.ready(), b"");
        lines.piece(&piece(b"y", false, false), &mut out);
        assert_eq!(out.ready().len(), HELD + 1);
        lines.piece(&piece(b"z", false, false), &mut out);
        assert_eq!(lines.break_off(&mut out), HELD as u64 + 2);
        assert_eq!(out.ready().len(), HELD + 2);
    }
}
