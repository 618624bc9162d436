//! The size of the screen, and direct writes to it.

use crate::render::dialogue::Room;
use rustix::termios::tcgetwinsize;
use std::io::{self, Write as _};

/// Returns the room that a message may take of the screen.
pub(crate) fn screen() -> Room {
    let (columns, rows) = match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    };
    let rows = usize::from(rows).saturating_sub(SPARED).max(FEWEST);
    Room { columns: columns.into(), rows }
}

/// Writes control sequences past the editor.
pub(super) fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Rows of the screen that a message leaves to others: the line, and what is said of the message.
const SPARED: usize = 3;
/// Rows that a message has on a small screen.
const FEWEST: usize = 3;
