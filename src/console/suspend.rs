//! Ctrl-Z, which stops the process and returns the terminal to the shell.

use super::{
    screen::{screen, write},
    terminal_modes::{self, TerminalModes},
};
use rustix::termios::tcgetattr;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, RepeatCount};
use signal_hook::{consts::SIGTSTP, low_level::raise};
use std::io;
use unicode_width::UnicodeWidthStr as _;

/// The handler of Ctrl-Z. rustyline's own handler signals the whole process group: it may acquire
/// the terminal again before all of its threads have stopped, and the shell then changes the modes.
pub(super) struct Suspend(pub(super) TerminalModes);

impl ConditionalEventHandler for Suspend {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let Ok(edited) = tcgetattr(io::stdin()) else { return Some(Cmd::Noop) };
        let hint = if context.has_hint() { "\x1b[J" } else { "" };
        write(&format!("{hint}\x1b[?2004l\r\n"));
        self.0.restore();
        // Raised in this thread, so that the call returns when the process continues.
        let _ = raise(SIGTSTP);
        terminal_modes::apply(&edited);
        // The editor is about to clear as many rows as the line occupied. Empty rows protect the
        // output of the shell.
        let columns = screen().columns.max(1);
        let rows = context.line().split('\n').map(|row| (row.width() + 2) / columns + 1);
        let rows = rows.sum::<usize>().saturating_sub(1);
        write(&format!("\x1b[?2004h{}", "\r\n".repeat(rows)));
        Some(Cmd::Repaint)
    }
}
