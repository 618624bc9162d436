//! The `sockeye` command: parse, run, and an exit status.

use clap::Parser as _;
use sockeye::{
    cli::{args::Cli, config::Run, prescan},
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
    let args = prescan::arrange(std::env::args_os().collect())?;
    let cli = Cli::try_parse_from(args).unwrap_or_else(|error| error.exit());
    Ok(mode::run(Run::new(cli)?)?)
}
