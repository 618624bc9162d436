//! The choice of output format for messages on stdout.

use super::{
    buffer::OutputBuffer, dialogue::Dialogue, lengths::Lengths, lines::Lines, terminal::Terminal,
};
use crate::{proto::Piece, script::input::Framing};
use std::io;

/// Writes messages to stdout in one of three formats.
pub enum Renderer {
    /// Byte-exact with optional terminators, for programs.
    Lines(Lines),
    /// Byte-exact with length prefixes, for programs.
    Lengths(Lengths),
    /// Escaped, for a terminal.
    Terminal(Terminal),
}

impl Renderer {
    /// Selects the format: escaped for a terminal, otherwise byte-exact with the given framing.
    pub fn new(framing: Framing, dialogue: Dialogue, terminal: bool) -> Self {
        match framing {
            _ if terminal => Self::Terminal(Terminal::new(dialogue)),
            Framing::Lines(terminator) => Self::Lines(Lines::new(Some(terminator))),
            Framing::Whole => Self::Lines(Lines::new(None)),
            Framing::Lengths => Self::Lengths(Lengths::default()),
        }
    }

    /// Writes a piece of a message.
    #[inline]
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        match self {
            Self::Lines(lines) => lines.piece(piece, out),
            Self::Lengths(lengths) => lengths.piece(piece, out),
            Self::Terminal(terminal) => terminal.piece(piece, out),
        }
    }

    /// Continues a message that is written in parts until `limit` bytes are ready. Until its end no
    /// piece may be added, so the caller keeps `limit` bytes ready and adds none meanwhile.
    pub fn fill(&mut self, out: &mut OutputBuffer, limit: usize) -> io::Result<()> {
        match self {
            Self::Lengths(lengths) => lengths.fill(out, limit),
            Self::Lines(_) | Self::Terminal(_) => Ok(()),
        }
    }

    /// Abandons the unfinished message: discards its held bytes and returns the number of its bytes
    /// that were already released.
    pub fn break_off(&mut self, out: &mut OutputBuffer) -> u64 {
        match self {
            Self::Lines(lines) => lines.break_off(out),
            Self::Terminal(terminal) => terminal.break_off(out),
            Self::Lengths(_) => 0,
        }
    }
}
