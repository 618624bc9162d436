//! The asynchronous runtime of the modes.

use crate::{error::Error, job::run_outcome::RunOutcome, report, sys::resources::end_on_panic};
use std::{io, process};

/// Runs a task on a runtime with a single thread. Each wake-up moves a full buffer, and there is no
/// other work that a second thread could do meanwhile.
pub(super) fn block_on(
    task: impl Future<Output = Result<RunOutcome, Error>>,
) -> Result<RunOutcome, Error> {
    // The builder returns most errors, but panics where the descriptors of its signals cannot be
    // opened.
    let start = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().max_io_events_per_tick(EVENTS_AT_ONCE).build()
    };
    let runtime = end_on_panic(fail, start).map_err(start_error)?;
    let ended = runtime.block_on(task);
    // The process exits next, so the runtime is not shut down: that takes time, and a name that
    // does not resolve may block one of its threads for half a minute.
    std::mem::forget(runtime);
    ended
}

fn start_error(cause: io::Error) -> Error {
    Error::Other { operation: "start", cause }
}

/// Ends the process with the error of a runtime that cannot be started.
fn fail(cause: io::Error) -> ! {
    let error = start_error(cause);
    report::error(&error);
    process::exit(i32::from(error.code()))
}

/// The number of sockets that are reported together. Their tasks run next, while what the system and
/// the runtime have touched for them is in the cache: about as many as the runtime runs before it asks
/// again.
const EVENTS_AT_ONCE: usize = 64;
