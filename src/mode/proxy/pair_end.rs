//! The end of a pair.

use crate::proto::{Close, Leg};
use std::io;

/// How a pair has ended.
#[derive(Debug)]
pub(super) enum PairEnd {
    /// A leg sent a Close, and no other before.
    Closed(Leg, Option<Close>),
    /// A leg ended in order without a Close.
    Ended(Leg),
    /// A leg failed, and the other was reset.
    Failed(Leg, io::Error),
    /// The proxy closed the session.
    Ours(Close),
}
