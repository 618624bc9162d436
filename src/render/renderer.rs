//! The format of messages on stdout.

use super::{
    buffer::OutputBuffer, dialogue::Dialogue, lengths::Lengths, lines::Lines, terminal::Terminal,
};
use crate::{proto::Piece, script::input::Framing};

/// How messages are written to stdout.
pub enum Renderer {
    /// Byte-exact, for programs.
    Lines(Lines),
    /// Byte-exact behind their lengths, for programs.
    Lengths(Lengths),
    /// Escaped, for a terminal.
    Terminal(Terminal),
}

impl Renderer {
    /// The format for messages with this framing: escaped for a terminal, byte-exact for a program.
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

    /// The open message will not end. What may not be shown of it is taken back; how many bytes of
    /// it have been let through.
    pub fn break_off(&mut self, out: &mut OutputBuffer) -> u64 {
        match self {
            Self::Lines(lines) => lines.break_off(out),
            Self::Lengths(_) | Self::Terminal(_) => 0,
        }
    }
}
