//! Rules for ending a session after the end of the input.

use std::time::Duration;

/// Rules for ending a session after the end of the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndRules {
    /// `--wait`: time to keep receiving, regardless of silence.
    pub wait: Option<Wait>,
    /// `--quiet-for`: silence of the peer that ends the session.
    pub quiet_for: Option<Duration>,
    /// True with `--count` or `--until`: silence does not end the session.
    pub until_met: bool,
}

/// Value of `--wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For a fixed time.
    For(Duration),
    /// Until the peer closes (`-1`).
    UntilClosed,
}
