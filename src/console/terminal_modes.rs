//! The modes of the terminal.

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};
use std::io;

/// The modes of the terminal before the prompt was opened.
#[derive(Clone)]
pub(super) struct TerminalModes(Option<Termios>);

impl TerminalModes {
    /// Saves the modes and makes the terminal quiet.
    pub(super) fn acquire() -> Self {
        let modes = Self(tcgetattr(io::stdin()).ok());
        modes.set_quiet();
        modes
    }

    /// Sets the modes between two lines, when the editor has restored the original ones: the kernel
    /// neither echoes nor interprets input, which stays queued for the next line.
    pub(super) fn set_quiet(&self) {
        let Some(mut quiet) = self.0.clone() else { return };
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.local_modes -= LocalModes::IEXTEN;
        quiet.input_modes -= InputModes::ICRNL | InputModes::IXON;
        apply(&quiet);
    }

    /// Restores the saved modes.
    pub(super) fn restore(&self) {
        if let Some(saved) = &self.0 {
            apply(saved);
        }
    }
}

/// Sets modes immediately, without waiting for pending output: a terminal that accepts no output
/// must not block the process.
pub(super) fn apply(modes: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
}

/// Discards input that was typed and not read.
pub(super) fn discard_input() {
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}
