//! Ctrl-Z: the shell has the terminal until it gives it back.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, RepeatCount};
use signal_hook::{consts::SIGTSTP, low_level::raise};
use std::io::{self, Write as _};
use unicode_width::UnicodeWidthStr as _;

/// Stops the process. The editor's own way sends the signal to the whole group: it may have the
/// terminal back before one of its threads is stopped, and then the shell changes its modes.
pub(super) struct Suspend {
    /// The modes that were found.
    pub(super) found: Option<Termios>,
}

impl ConditionalEventHandler for Suspend {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let (Some(found), Ok(raw)) = (&self.found, tcgetattr(io::stdin())) else {
            return Some(Cmd::Noop);
        };
        write("\x1b[?2004l\r\n");
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, found);
        // To this thread: the call returns when the process goes on.
        let _ = raise(SIGTSTP);
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &raw);
        // The editor clears as many rows as the line had, which are the shell's now.
        let columns = super::screen().columns.max(1);
        let rows = context.line().split('\n').map(|row| (row.width() + 2) / columns + 1);
        let rows = rows.sum::<usize>().saturating_sub(1);
        write(&format!("\x1b[?2004h{}", "\r\n".repeat(rows)));
        Some(Cmd::Repaint)
    }
}

fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
