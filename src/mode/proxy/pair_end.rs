//! The end of a pair.

use crate::proto::{Close, Leg};
use std::io;

/// The end of a pair.
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
    /// Both connections were cut by a fault.
    Cut,
    /// Both connections were reset by a fault.
    Reset,
    /// A leg has ended while a fault stalled both.
    Stalled(Leg),
}

impl PairEnd {
    /// Returns the words for an end that a fault has made.
    pub(super) fn of_fault(&self) -> Option<&'static str> {
        match self {
            Self::Cut => Some("cut by a fault"),
            Self::Reset => Some("reset by a fault"),
            Self::Stalled(Leg::Client) => Some("the client left while a fault stalled"),
            Self::Stalled(Leg::Server) => Some("the server left while a fault stalled"),
            Self::Closed(..) | Self::Ended(_) | Self::Failed(..) | Self::Ours(_) => None,
        }
    }
}
