//! Observers of a run beside the mode itself: frames on stderr, `--output jsonl`, recordings, HAR
//! files and the facts of `--write-out`. Each is a [`Sink`]; the [`Sinks`](sinks::Sinks) of a run are
//! made from its job in [`from_job`].

mod facts;
pub(crate) mod file;
mod frames;
mod from_job;
pub(crate) mod har;
pub(crate) mod jsonl;
mod recording;
pub(crate) mod sinks;
#[cfg(test)]
mod tests;

use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    job::ended::Ended,
    render::write_out::Stream,
    session::{Session, SessionEvent, Stats},
};
use std::{sync::Arc, time::Instant};

/// Prints above the line that is being typed.
pub(crate) type Print = Arc<dyn Fn(&str) + Send + Sync>;

/// The events of a session that a sink needs. A sink may be given more of them than it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    /// None.
    Nothing,
    /// Messages, control frames and violations.
    Messages,
    /// Bytes and frames too, which costs a second look at every byte.
    Wire,
}

/// The outcome of a run.
#[derive(Clone, Copy)]
pub(crate) struct Outcome<'a> {
    /// The exit status or the signal.
    pub(crate) ended: &'a Result<Ended, Error>,
    /// Figures of the last session, if there was one.
    pub(crate) stats: Option<&'a Stats>,
    /// Messages of the last session that did not reach the network.
    pub(crate) unsent: usize,
}

/// An observer of a run. A sink implements what it needs; everything else is ignored.
pub(crate) trait Sink: Send {
    /// Returns the events of a session that [`Self::see`] is to be given.
    fn interest(&self) -> Interest {
        Interest::Nothing
    }

    /// Takes a step of opening a session.
    fn progress(&mut self, _step: &Progress<'_>) {}

    /// Takes a session that was opened.
    fn opened(&mut self, _opened: &ClientConnection) {}

    /// Notes that a session begins to be observed.
    fn begin(&mut self) {}

    /// Takes an event of the session, dated `at`.
    fn see(&mut self, _at: Instant, _seen: &SessionEvent<'_>) {}

    /// Writes what is buffered: nothing more happens for now.
    fn rest(&mut self) {}

    /// Takes the figures of a session that is over.
    fn left(&mut self, _session: &Session) {}

    /// Notes that the session was lost for this reason and is to be opened again.
    fn gap(&mut self, _error: &Error) {}

    /// Directs lines for a person to `print`, or to stderr without one.
    fn print_with(&mut self, _print: Option<&Print>) {}

    /// Takes the outcome of the run, while what waits for stdout is still to be written.
    fn conclude(&mut self, _outcome: Outcome<'_>) {}

    /// Ends the sink with the outcome of the run. Fails if what it had to keep could not be kept.
    fn end(&mut self, _outcome: Outcome<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the text that follows the run, of which `ended` is the final outcome.
    fn epilogue(&mut self, _ended: &Result<Ended, Error>) -> Vec<(Stream, String)> {
        Vec::new()
    }
}
