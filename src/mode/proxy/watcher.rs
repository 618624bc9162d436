//! The seam for whatever observes or changes what passes through a pair.

use super::pair_end::PairEnd;
use crate::proto::Leg;
use std::task::{Context, Poll};

/// Observes a pair. A pair without one pays nothing.
pub(super) trait Watcher: Send {
    /// Takes bytes that a leg has received, as they were on the wire, before they are passed on.
    fn passed(&mut self, leg: Leg, bytes: &[u8]);

    /// Ready while more may be received; otherwise neither leg is read until the task is woken.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes a complete frame of our own that is sent on a leg.
    fn inserted(&mut self, leg: Leg, frame: &[u8]);

    /// Handles the end of the session, after all that was received.
    fn end(&mut self, end: &PairEnd);
}
