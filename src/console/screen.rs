//! The terminal's abilities, the size of the screen, and direct writes to it.

use crate::{
    render::extent::Room,
    sys::stdio::{StdinKind, stdin_kind, write_stdout},
};
use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal as _};
use unicode_width::UnicodeWidthStr as _;

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

/// Breaks the lines of a note at spaces, so that the terminal does not break them inside words.
pub(crate) fn fold(text: &str, columns: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            folded.push('\n');
        }
        let mut width = 0;
        for (at, word) in line.split(' ').enumerate() {
            let wide = word.width();
            if at > 0 && width + 1 + wide > columns && width > 0 {
                folded.push('\n');
                width = 0;
            } else if at > 0 {
                folded.push(' ');
                width += 1;
            }
            folded.push_str(word);
            // The terminal breaks a longer word.
            width = (width + wide) % columns.max(1);
        }
    }
    folded
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_break_at_spaces() {
        for (text, columns, folded) in [
            ("client 1 disconnected", 40, "client 1 disconnected"),
            (
                "client 1 disconnected: 1000 (normal closure)",
                40,
                "client 1 disconnected: 1000 (normal\nclosure)",
            ),
            ("one two", 7, "one two"),
            ("one two", 6, "one\ntwo"),
            ("a line\nand another", 6, "a line\nand\nanother"),
            ("wss://a.very.long.example/ x", 10, "wss://a.very.long.example/ x"),
            ("  indented", 20, "  indented"),
            ("\u{4f60}\u{597d} x", 5, "\u{4f60}\u{597d}\nx"),
        ] {
            assert_eq!(fold(text, columns), folded, "{text}");
        }
    }
}
