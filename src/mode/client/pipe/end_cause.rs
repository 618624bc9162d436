//! The reasons why a pipe ends, and their precedence.

use crate::{error::Error, proto::Close};

/// The reason why a pipe ends its session.
#[derive(Debug)]
pub(super) enum EndCause {
    Clock,
    Goal,
    /// A script requested this Close.
    Requested(Close),
    /// The reader of stdout closed it.
    ReaderGone,
    Signal(i32),
    /// A local failure.
    Failed(Error),
}

impl EndCause {
    /// Reports whether this cause replaces `earlier`, or ends the session if there is none.
    /// `closing` is true once the closing handshake has started, `stuck` while output cannot be
    /// written.
    pub(super) fn outranks(&self, earlier: Option<&Self>, closing: bool, stuck: bool) -> bool {
        match (self, earlier) {
            // A signal takes precedence over all causes, and results that could not be written
            // override a success.
            (Self::Signal(_), _)
            | (
                Self::Failed(Error::Output(_)),
                Some(Self::Goal | Self::Clock | Self::Requested(_)),
            ) => true,
            (_, Some(Self::Failed(_) | Self::Signal(_))) => false,
            // The limit of the run also covers a closing handshake that we started.
            (Self::Failed(Error::RunTimeout { .. }), Some(_)) => true,
            (_, Some(_)) => false,
            (Self::Failed(Error::RunTimeout { .. }), None) => !closing || stuck,
            // After the peer's Close or fault, only local stdio can still fail.
            (Self::Failed(Error::Unmet(_)), None) => !closing,
            (Self::Failed(_), None) => true,
            (_, None) => !closing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::UnmetExpectation, proto::CloseCode};
    use std::{io, time::Duration};

    fn output_lost() -> EndCause {
        EndCause::Failed(Error::Output(io::ErrorKind::StorageFull.into()))
    }

    fn input_lost() -> EndCause {
        EndCause::Failed(Error::Input(io::ErrorKind::Other.into()))
    }

    fn unmet() -> EndCause {
        EndCause::Failed(Error::Unmet(UnmetExpectation::Count { received: 0, expected: 1 }))
    }

    fn late() -> EndCause {
        let authority = "h".to_owned();
        EndCause::Failed(Error::RunTimeout { authority, limit: Duration::ZERO })
    }

    fn requested() -> EndCause {
        EndCause::Requested(Close::new(CloseCode::NORMAL))
    }

    #[test]
    fn the_first_cause_counts_while_the_session_is_open() {
        let causes: [fn() -> EndCause; 8] = [
            || EndCause::Clock,
            || EndCause::Goal,
            requested,
            || EndCause::ReaderGone,
            || EndCause::Signal(15),
            output_lost,
            unmet,
            late,
        ];
        for cause in causes {
            assert!(cause().outranks(None, false, false), "{:?}", cause());
            // Only a signal outranks a failure.
            let is_signal = matches!(cause(), EndCause::Signal(_));
            assert_eq!(cause().outranks(Some(&input_lost()), true, false), is_signal);
        }
    }

    #[test]
    fn after_a_close_by_the_peer_only_signals_and_stdio_errors_count() {
        for (cause, counts) in [
            (EndCause::Clock, false),
            (EndCause::Goal, false),
            (requested(), false),
            (EndCause::ReaderGone, false),
            (unmet(), false),
            (late(), false),
            (EndCause::Signal(2), true),
            (output_lost(), true),
            (input_lost(), true),
        ] {
            assert_eq!(cause.outranks(None, true, false), counts, "{cause:?}");
        }
    }

    #[test]
    fn an_output_error_outranks_a_goal_and_the_clock() {
        for earlier in [EndCause::Goal, EndCause::Clock, requested()] {
            assert!(output_lost().outranks(Some(&earlier), true, false), "{earlier:?}");
            assert!(!input_lost().outranks(Some(&earlier), true, false), "{earlier:?}");
        }
        assert!(!output_lost().outranks(Some(&EndCause::ReaderGone), true, false));
        assert!(!output_lost().outranks(Some(&EndCause::Signal(2)), true, false));
    }

    #[test]
    fn the_limit_of_the_run_includes_our_closing() {
        for earlier in [EndCause::Clock, EndCause::Goal, requested(), EndCause::ReaderGone] {
            assert!(late().outranks(Some(&earlier), true, false), "{earlier:?}");
        }
        // After the peer's Close, only stuck output is still pending.
        assert!(!late().outranks(None, true, false));
        assert!(late().outranks(None, true, true));
    }
}
