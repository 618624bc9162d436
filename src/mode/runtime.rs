//! The runtime of a mode.

use crate::{error::Error, job::ended::Ended};

/// One thread: each wake-up moves a full buffer, and there is nothing to do beside it.
pub(super) fn block_on(task: impl Future<Output = Result<Ended, Error>>) -> Result<Ended, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Other { doing: "start", cause })?;
    let ended = runtime.block_on(task);
    // The process ends next, and takes along what a shutdown would wait for or take apart: a name
    // that does not resolve may keep a thread for half a minute.
    std::mem::forget(runtime);
    ended
}
