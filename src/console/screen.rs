//! The size of the screen, and direct writes to it.

use crate::render::extent::Room;
use rustix::termios::tcgetwinsize;
use std::io::{self, Write as _};

/// Returns the part of the screen that one message may fill. The default is 80 by 24.
pub(crate) fn screen() -> Room {
    let (columns, rows) = match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    };
    let rows = usize::from(rows).saturating_sub(RESERVED_ROWS).max(MIN_ROWS);
    Room { columns: columns.into(), rows }
}

/// Writes control sequences directly to stdout, bypassing the editor.
pub(super) fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Rows that a message leaves free, for the prompt and for notes about the message.
const RESERVED_ROWS: usize = 3;
/// Rows that a message may fill on a small screen.
const MIN_ROWS: usize = 3;
