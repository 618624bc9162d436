//! The `sockeye` command.

use sockeye::{
    cli::{generate, help, man, parse::parse, run::Run},
    error::Error,
    job::run_outcome::RunOutcome,
    mode, report,
    sys::{run_limit, signals, stdio::limit_writing_at_end, unix::end_by_signal},
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
    run_limit::begin(started);
    let task = parse(std::env::args_os().collect()).and_then(Run::new);
    let task = task.map_err(|error| match run_limit::expired() {
        Some(limit) => Error::SetupTimeout { limit },
        None => error,
    })?;
    match task {
        Run::Job(job) => return Ok(mode::run(job, started)?),
        Run::Completions(shell) => generate::completions(shell)?,
        Run::Candidates => generate::candidates()?,
        Run::Man(dir) => man::man(dir)?,
        Run::Help(topic) => help::print(topic.as_deref())?,
        Run::Version => help::print_version()?,
        Run::Checked(lines) => {
            for line in lines {
                report::line(&format!("sockeye: {line}").into());
            }
        }
    }
    Ok(RunOutcome::Done)
}
