//! The end of a run.

use crate::error::Error;

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Done,
    /// It was asked to, by this signal, and is to end by it.
    Signal(i32),
}

/// The exit status of a run, or the signal that it ends by.
pub fn status(ended: &Result<Ended, Error>) -> Result<u8, i32> {
    match ended {
        Ok(Ended::Done) => Ok(0),
        Ok(Ended::Signal(signal)) => Err(*signal),
        Err(error) => Ok(error.code()),
    }
}
