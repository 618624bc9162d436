//! The `sockeye` command: parse, run, and an exit status.

use clap::{CommandFactory as _, FromArgMatches as _};
use sockeye::{
    cli::{args::Cli, config::Run, generate, prescan},
    error::Error,
    mode::{self, Ended},
    net::unix::end_by_signal,
    report,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Signal(signal)) => end_by_signal(signal),
        Err(error) => match error.downcast_ref::<Error>() {
            Some(error) => {
                report::error(error);
                ExitCode::from(error.code())
            }
            None => {
                report::line(&format!("sockeye: {error:#}"));
                ExitCode::FAILURE
            }
        },
    }
}

fn run() -> anyhow::Result<Ended> {
    let mut command = Cli::command();
    let args = prescan::arrange(&command, std::env::args_os().collect())?;
    let cli = command
        .try_get_matches_from_mut(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .unwrap_or_else(|error| error.exit());
    // Taking the definition of a hundred options apart takes longer than a round trip.
    std::mem::forget(command);
    match Run::new(cli)? {
        Run::Job(job) => return Ok(mode::run(job)?),
        Run::Completions(shell) => generate::completions(shell)?,
        Run::Man(dir) => generate::man(dir)?,
    }
    Ok(Ended::Done)
}
