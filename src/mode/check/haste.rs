//! The time that a check may take.

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
