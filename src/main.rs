//! The `sockeye` command.

use sockeye::{
    cli::{config, generate, parse::parse, run::Run},
    error::Error,
    job::run_outcome::RunOutcome,
    mode, report,
    sys::{signals, stdio::limit_writing_at_end, unix::end_by_signal},
};
use std::{process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let ended = run();
    limit_writing_at_end();
    match ended {
        Ok(RunOutcome::Done) => ExitCode::SUCCESS,
        Ok(RunOutcome::Signal(signal)) => end_by_signal(signal),
        Err(error) => match error.downcast_ref::<Error>() {
            Some(error) => {
                report::error(error);
                ExitCode::from(error.code())
            }
            None => {
                report::line(&format!("sockeye: {error:#}").into());
                ExitCode::FAILURE
            }
        },
    }
}

fn run() -> anyhow::Result<RunOutcome> {
    let started = Instant::now();
    signals::prepare()?;
    let cli = parse(std::env::args_os().collect())?;
    match Run::new(cli)? {
        Run::Job(job) => return Ok(mode::run(job, started)?),
        Run::Completions(shell) => generate::completions(shell)?,
        Run::TargetNames => generate::target_names(&config::target_names()?)?,
        Run::Man(dir) => generate::man(dir)?,
    }
    Ok(RunOutcome::Done)
}
