//! The terminal's abilities, the size of the screen, and direct writes to it.

use crate::{
    render::extent::Room,
    sys::stdio::{StdinKind, stdin_kind, write_stdout},
};
use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal as _};

/// Reports whether stdin and stdout are a terminal that can show a prompt.
pub(crate) fn is_capable() -> bool {
    stdin_kind() == StdinKind::Terminal
        && io::stdout().is_terminal()
        && std::env::var_os("TERM")
            .is_some_and(|term| !DUMB_TERMINALS.iter().any(|dumb| term == *dumb))
}

/// Returns the part of the screen that one message may fill.
pub(crate) fn screen() -> Room {
    let Room { columns, rows } = whole_screen();
    Room { columns, rows: rows.saturating_sub(RESERVED_ROWS).max(MIN_ROWS) }
}

/// Returns the size of the screen. The default is 80 by 24.
pub(crate) fn whole_screen() -> Room {
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

/// Values of TERM without the control sequences that a prompt needs.
const DUMB_TERMINALS: [&str; 4] = ["", "dumb", "cons25", "emacs"];
/// Rows that a message leaves free, for the prompt and for notes about the message.
const RESERVED_ROWS: usize = 3;
/// Rows that a message may fill on a small screen.
const MIN_ROWS: usize = 3;
