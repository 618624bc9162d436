//! Messages for a terminal: text escaped, binary as a hex dump.

use super::{buffer::OutputBuffer, dialogue::Dialogue};
use crate::proto::{Assembler, Piece};
use std::time::SystemTime;

/// The format of pipe mode with stdout on a terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    assembler: Assembler,
    dialogue: Dialogue,
}

impl Terminal {
    /// Messages are shown so.
    pub fn new(dialogue: Dialogue) -> Self {
        Self { assembler: Assembler::default(), dialogue }
    }

    /// Shows a message when it is whole.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        if let Some(message) = self.assembler.push(piece) {
            let text = self.dialogue.alone(piece.kind, message, SystemTime::now());
            out.bytes().extend_from_slice(text.as_bytes());
            out.bytes().push(b'\n');
            out.release();
        }
    }
}
