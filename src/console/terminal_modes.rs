//! The modes of the terminal: as they were found, and as they are while it is ours.

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};
use std::io;

/// The modes that were found.
#[derive(Clone)]
pub(super) struct TerminalModes(Option<Termios>);

impl TerminalModes {
    /// Takes the terminal.
    pub(super) fn take() -> Self {
        let modes = Self(tcgetattr(io::stdin()).ok());
        modes.quiet();
        modes
    }

    /// Between two lines, when the editor has given its own modes back, the kernel neither echoes
    /// what is typed nor acts upon it: it waits for the next line.
    pub(super) fn quiet(&self) {
        let Some(mut quiet) = self.0.clone() else { return };
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.local_modes -= LocalModes::IEXTEN;
        quiet.input_modes -= InputModes::ICRNL | InputModes::IXON;
        set(&quiet);
    }

    /// As it was found.
    pub(super) fn give_back(&self) {
        if let Some(found) = &self.0 {
            set(found);
        }
    }
}

/// At once: a terminal that takes nothing more must not keep us.
pub(super) fn set(modes: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
}

/// Forgets what has been typed and not read.
pub(super) fn forget_typed() {
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}
