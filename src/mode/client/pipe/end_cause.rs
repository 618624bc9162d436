//! Why a pipe ends, and which of several causes counts.

use crate::{error::Error, proto::Close};

/// Why a pipe ends its session.
#[derive(Debug)]
pub(super) enum EndCause {
    /// The clock.
    Clock,
    /// A goal is met.
    Goal,
    /// A script asked for this Close.
    Requested(Close),
    /// The reader of stdout has gone.
    ReaderGone,
    /// A signal.
    Signal(i32),
    /// Something went wrong on our side.
    Failed(Error),
}

impl EndCause {
    /// Whether this cause replaces an earlier one, or ends a session that nothing ends yet.
    /// `closing`: the closing handshake has begun. `stuck`: output waits that nobody takes.
    pub(super) fn outranks(&self, earlier: Option<&Self>, closing: bool, stuck: bool) -> bool {
        match (self, earlier) {
            // A signal is obeyed whatever was going on; and what was promised, and then could not be
            // written, is not met.
            (Self::Signal(_), _)
            | (
                Self::Failed(Error::Output(_)),
                Some(Self::Goal | Self::Clock | Self::Requested(_)),
            ) => true,
            (_, Some(Self::Failed(_) | Self::Signal(_))) => false,
            // What is ending may end its own way, if nothing is stuck.
            (Self::Failed(Error::RunTimeout { .. }), Some(_)) => stuck,
            (_, Some(_)) => false,
            (Self::Failed(Error::RunTimeout { .. }), None) => !closing || stuck,
            // The peer's Close, or its fault, was first: only our own stdio can still fail.
            (Self::Failed(Error::Unmet(_)), None) => !closing,
            (Self::Failed(_), None) => true,
            (_, None) => !closing,
        }
    }
}
