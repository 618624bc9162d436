//! Outcome of a run.

use crate::error::Error;

/// Outcome of a run that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The run succeeded.
    Done,
    /// This signal ended the run; the process then ends itself by the same signal.
    Signal(i32),
}

/// Returns the exit status of a run, or as an error the signal that ends it.
pub fn status(ended: &Result<RunOutcome, Error>) -> Result<u8, i32> {
    match ended {
        Ok(RunOutcome::Done) => Ok(0),
        Ok(RunOutcome::Signal(signal)) => Err(*signal),
        Err(error) => Ok(error.code()),
    }
}
