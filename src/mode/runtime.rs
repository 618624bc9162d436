//! The asynchronous runtime of the modes.

use crate::{error::Error, job::run_outcome::RunOutcome, sys::resources::check_descriptors};

/// Runs a task on a runtime with a single thread. Each wake-up moves a full buffer, and there is no
/// other work that a second thread could do meanwhile.
pub(super) fn block_on(
    task: impl Future<Output = Result<RunOutcome, Error>>,
) -> Result<RunOutcome, Error> {
    let start = || {
        check_descriptors(RUNTIME_DESCRIPTORS)?;
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().max_io_events_per_tick(EVENTS_AT_ONCE).build()
    };
    let runtime = start().map_err(|cause| Error::Other { operation: "start", cause })?;
    let ended = runtime.block_on(task);
    // The process exits next, so the runtime is not shut down: that takes time, and a name that
    // does not resolve may block one of its threads for half a minute.
    std::mem::forget(runtime);
    ended
}

/// The descriptors of a runtime. It panics where those of its signals cannot be opened.
const RUNTIME_DESCRIPTORS: usize = 6;
/// The number of sockets that are reported together. Their tasks run next, while what the system and
/// the runtime have touched for them is in the cache: about as many as the runtime runs before it asks
/// again.
const EVENTS_AT_ONCE: usize = 64;
