//! Messages for a terminal: escaped text, and hex dumps of binary messages.

use super::{buffer::OutputBuffer, dialogue::Dialogue};
use crate::proto::{Assembler, Piece};
use std::time::SystemTime;

/// The output format of pipe mode when stdout is a terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    assembler: Assembler,
    dialogue: Dialogue,
}

impl Terminal {
    /// Creates a writer with these display options.
    pub fn new(dialogue: Dialogue) -> Self {
        Self { assembler: Assembler::default(), dialogue }
    }

    /// Adds a piece and writes the message once it is complete.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        if let Some(message) = self.assembler.push(piece) {
            let text = self.dialogue.alone(piece.kind, message, SystemTime::now());
            out.bytes().extend_from_slice(text.as_bytes());
            out.bytes().push(b'\n');
            out.release();
        }
    }
}
