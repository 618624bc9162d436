//! Completion scripts, some of them generated from the definition of the command line.

use super::{
    args::Cli,
    completion::{self, CompletedShell},
};
use crate::{error::Error, sys::stdio::WaitingStdout};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::{self, Write as _};

/// Prints the completion script for `shell`.
pub fn completions(shell: Shell) -> Result<(), Error> {
    let completed = match shell {
        Shell::Bash => CompletedShell::Bash,
        Shell::Zsh => CompletedShell::Zsh,
        Shell::Fish => CompletedShell::Fish,
        _ => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sockeye", &mut script);
            return print(&script);
        }
    };
    print(completed.script().as_bytes())
}

/// Answers the question of a completion script.
pub fn candidates() -> Result<(), Error> {
    print(completion::answer()?.as_bytes())
}

/// Prints bytes on stdout. A reader that has exited is not an error.
pub(super) fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = WaitingStdout::lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(cause)),
        _ => Ok(()),
    }
}
