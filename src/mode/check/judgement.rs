//! The judgement of a check, with its evidence.

/// Whether a rule holds, and what the server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The rule holds.
    Holds(String),
    /// The server breaks the rule, as it seems: it did not do what it should.
    Broken(String),
    /// The server breaks the rule, as bytes of it show.
    Proven(String),
    /// The server does what is a danger only to some, for a warning.
    Weak(String),
    /// The evidence shows neither, for this reason.
    Unknown(String),
}

impl Judgement {
    /// Returns the evidence or the reason.
    pub(crate) fn evidence(&self) -> &str {
        match self {
            Self::Holds(words)
            | Self::Broken(words)
            | Self::Proven(words)
            | Self::Weak(words)
            | Self::Unknown(words) => words,
        }
    }
}
