//! The run modes. Each decides what to send and where to show received messages.

mod check;
mod client;
mod demo;
mod echo;
mod endpoint;
mod faulty;
mod listen;
mod notes;
mod proxy;
mod runtime;
mod server_prompt;
mod show;

use crate::{
    error::Error,
    job::{Job, run_outcome::RunOutcome},
};
#[cfg(any(test, fuzzing))]
pub(crate) use check::read_for_checks;
use runtime::block_on;
use std::time::Instant;

/// Runs a job in its mode. `started` is the time at which the process started.
pub fn run(job: Job, started: Instant) -> Result<RunOutcome, Error> {
    match job {
        Job::Client(client, target) => block_on(client::run(&client, target, started)),
        Job::Demo(client) => block_on(demo::run(*client, started)),
        Job::Check(check) => block_on(check::run(&check, started)),
        Job::ListChecks(selection, format) => check::list(&selection, format),
        Job::Listen(listen) => block_on(listen::run(*listen, started)),
        Job::Proxy(proxy) => block_on(proxy::run(*proxy, started)),
        Job::Show(show) => show::run(&show),
    }
}
