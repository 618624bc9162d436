//! The time that a check may take.

use std::time::Duration;

/// The time that a check may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// The first time: it may share a session, and the server must react soon.
    Quick,
    /// The second time: in a session of its own, which is known to be served.
    Careful,
    /// The third time: it also waits for a late reaction.
    Patient,
}

impl Haste {
    /// Returns the time between two parts of what is sent: the second time, a busy server that read
    /// the parts together has longer to read each alone.
    pub(crate) fn stretch(self, pause: Duration) -> Duration {
        if self == Self::Quick { pause } else { pause.saturating_mul(4) }
    }
}
