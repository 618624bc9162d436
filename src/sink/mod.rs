//! Observers of a run: frames on stderr, `--output jsonl`, recordings, HAR files, cookie jars and the
//! variables of `--write-out`. Each is a [`Sink`]; [`from_job`] creates the
//! [`Sinks`](sinks::Sinks) of a run from its job.

mod cookie_jar;
mod facts;
pub(crate) mod file;
mod frames;
mod from_job;
pub(crate) mod har;
pub(crate) mod har_entries;
pub(crate) mod jsonl;
#[cfg(test)]
mod leg_tests;
pub(crate) mod leg_text;
mod recording;
pub(crate) mod server;
pub(crate) mod sinks;
mod spool;
#[cfg(test)]
mod tests;

use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    job::run_outcome::RunOutcome,
    render::write_out::Stream,
    session::{Session, SessionEvent, Stats},
    stored::WholeMessage,
};
use std::{sync::Arc, time::Instant};

/// Prints lines, above the input line if there is one.
pub(crate) type Print = Arc<dyn Fn(&str) + Send + Sync>;

/// The session events that a sink needs. A sink may receive more than it requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    Nothing,
    /// Messages, control frames and violations.
    Messages,
    /// Also bytes and frames, at the cost of examining every byte a second time.
    Wire,
}

/// The outcome of a run.
#[derive(Clone, Copy)]
pub(crate) struct Outcome<'a> {
    pub(crate) ended: &'a Result<RunOutcome, Error>,
    /// Statistics of the last session, if there was one.
    pub(crate) stats: Option<&'a Stats>,
    /// Messages of the last session that did not reach the network.
    pub(crate) unsent: usize,
}

/// An observer of a run. A sink implements the methods it needs; the defaults ignore their events.
pub(crate) trait Sink: Send {
    /// Returns the session events that [`Self::see`] needs.
    fn interest(&self) -> Interest {
        Interest::Nothing
    }

    /// Reports whether [`Self::message`] needs received messages.
    fn takes_messages(&self) -> bool {
        false
    }

    /// Handles a step of opening a session.
    fn progress(&mut self, _step: &Progress<'_>) {}

    /// Handles an opened session.
    fn opened(&mut self, _opened: &ClientConnection) {}

    /// Called when observation of a session begins.
    fn begin(&mut self) {}

    /// Handles an event of the session that occurred at `at`, except pieces of messages.
    fn see(&mut self, _at: Instant, _seen: &SessionEvent<'_>) {}

    /// Handles a received message that was completed at `at`.
    fn message(&mut self, _at: Instant, _message: &WholeMessage<'_>) {}

    /// Writes buffered data; of a long message, a part. Called when no further events are available
    /// for now, and again and again while [`Self::is_behind`].
    fn rest(&mut self) {}

    /// Reports whether a part of a long message is still to be written. No further messages are
    /// received until it is.
    fn is_behind(&self) -> bool {
        false
    }

    /// Handles the statistics of a session that is over.
    fn left(&mut self, _session: &Session) {}

    /// Finishes what was written of a session that is over.
    fn over(&mut self) {}

    /// Handles the loss of a session that will be opened again.
    fn gap(&mut self, _error: &Error) {}

    /// Directs human-readable lines to `print`, or to stderr if it is `None`.
    fn print_with(&mut self, _print: Option<&Print>) {}

    /// Handles the outcome of the run, before pending output is written to stdout.
    fn conclude(&mut self, _outcome: Outcome<'_>) {}

    /// Finishes the sink with the outcome of the run. Fails if its data could not be stored.
    fn end(&mut self, _outcome: Outcome<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the text to print after the run, whose final outcome is `ended`.
    fn epilogue(&mut self, _ended: &Result<RunOutcome, Error>) -> Vec<(Stream, String)> {
        Vec::new()
    }
}
