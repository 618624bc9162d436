//! Events to bytes for people and programs.

pub mod dialogue;
pub mod hexdump;
pub mod json;
pub mod jsonl;
pub mod lengths;
pub mod lines;
pub mod sheet;
pub mod summary;
pub mod terminal;

pub use dialogue::Direction;
pub use sheet::Sheet;

use crate::proto::Piece;

/// How messages are written to stdout.
pub enum Renderer {
    /// Byte-exact, for programs.
    Lines(lines::Lines),
    /// Byte-exact behind their lengths, for programs.
    Lengths(lengths::Lengths),
    /// All that happens, for programs.
    JsonLines(jsonl::JsonLines),
    /// Escaped, for a terminal.
    Terminal(terminal::Terminal),
}

impl Renderer {
    /// Writes a piece of a message.
    #[inline]
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut Sheet) {
        match self {
            Self::Lines(lines) => lines.piece(piece, out),
            Self::Lengths(lengths) => lengths.piece(piece, out),
            Self::JsonLines(json) => json.piece(piece, out),
            Self::Terminal(terminal) => terminal.piece(piece, out),
        }
    }

    /// The open message will not end. What may not be shown of it is taken back; how many bytes of
    /// it have been let through.
    pub fn break_off(&mut self, out: &mut Sheet) -> u64 {
        match self {
            Self::Lines(lines) => lines.break_off(out),
            Self::Lengths(_) | Self::JsonLines(_) | Self::Terminal(_) => 0,
        }
    }
}
