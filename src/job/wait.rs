//! When a pipe ends by itself, as the options say.

use std::time::Duration;

/// The options that decide when a pipe ends by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndRules {
    /// `-w`: go on this long after the end of the input, whatever comes.
    pub wait: Option<Wait>,
    /// `--quiet-for`: the window of silence.
    pub quiet_for: Option<Duration>,
    /// `--count`, `--until`: silence does not end the session.
    pub until_met: bool,
}

/// `-w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// This long.
    For(Duration),
    /// Until the peer closes (`-1`).
    UntilClosed,
}
