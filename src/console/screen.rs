//! The size of the screen, and direct writes to it.

use crate::{render::extent::Room, sys::stdio::write_stdout};
use rustix::termios::tcgetwinsize;
use std::io;

/// Returns the part of the screen that one message may fill.
pub(crate) fn screen() -> Room {
    let Room { columns, rows } = whole_screen();
    Room { columns, rows: rows.saturating_sub(RESERVED_ROWS).max(MIN_ROWS) }
}

/// Returns the size of the screen. The default is 80 by 24.
pub(super) fn whole_screen() -> Room {
    let (columns, rows) = match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    };
    Room { columns: columns.into(), rows: rows.into() }
}

/// Writes directly to stdout, bypassing the editor.
pub(super) fn write(text: &str) {
    write_stdout(text.as_bytes());
}

/// Rows that a message leaves free, for the prompt and for notes about the message.
const RESERVED_ROWS: usize = 3;
/// Rows that a message may fill on a small screen.
const MIN_ROWS: usize = 3;
