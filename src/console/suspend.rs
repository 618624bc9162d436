//! Ctrl-Z: the shell has the terminal until it gives it back.

use super::{
    screen::{screen, write},
    terminal_modes::{self, TerminalModes},
};
use rustix::termios::tcgetattr;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, RepeatCount};
use signal_hook::{consts::SIGTSTP, low_level::raise};
use std::io;
use unicode_width::UnicodeWidthStr as _;

/// Stops the process. The editor's own way sends the signal to the whole group: it may have the
/// terminal back before one of its threads is stopped, and then the shell changes its modes.
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
        write("\x1b[?2004l\r\n");
        self.0.give_back();
        // To this thread: the call returns when the process goes on.
        let _ = raise(SIGTSTP);
        terminal_modes::set(&edited);
        // The editor clears as many rows as the line had, which are the shell's now.
        let columns = screen().columns.max(1);
        let rows = context.line().split('\n').map(|row| (row.width() + 2) / columns + 1);
        let rows = rows.sum::<usize>().saturating_sub(1);
        write(&format!("\x1b[?2004h{}", "\r\n".repeat(rows)));
        Some(Cmd::Repaint)
    }
}
