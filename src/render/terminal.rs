//! Messages for a terminal: text escaped, binary as a hex dump.

use super::{
    Sheet,
    hexdump::{ROW, hexdump},
};
use crate::{
    escape::escape_lines,
    proto::{Assembler, Kind, Piece},
};

/// The format of pipe mode with stdout on a terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    assembler: Assembler,
}

impl Terminal {
    /// Shows a message when it is whole.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut Sheet) {
        if let Some(message) = self.assembler.push(piece) {
            out.bytes().extend_from_slice(shown(piece.kind, message).as_bytes());
            out.bytes().push(b'\n');
            out.release();
        }
    }
}

/// A message as a terminal may show it, without a newline at its end.
pub fn shown(kind: Kind, message: &[u8]) -> String {
    let mut text = String::new();
    match kind {
        Kind::Text => escape_lines(&String::from_utf8_lossy(message), &mut text),
        Kind::Binary => hexdump(message, ROW, &mut text),
    }
    text
}
