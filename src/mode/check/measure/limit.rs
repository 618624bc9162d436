//! Limits as they were measured.

/// The largest frame, and the largest message in frames of any size.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    pub(crate) frame: Limit,
    pub(crate) message: Limit,
}

/// The largest size that was accepted, and the first that was not.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) accepted: u64,
    pub(crate) refused: Option<Refusal>,
    /// Why the limit is not known to the byte.
    pub(crate) remark: Option<String>,
}

/// A size that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) size: u64,
    pub(crate) words: String,
    /// The code of the Close; `None` without a Close.
    pub(crate) code: Option<u16>,
    /// The connection was lost, which may have lost a Close.
    pub(crate) is_lost: bool,
}
