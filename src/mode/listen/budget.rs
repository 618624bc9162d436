//! The work that a client may cause before others are served.
//!
//! A session whose bytes arrive as fast as they are handled never waits, and the runtime looks for
//! bytes of other clients only after many turns of such a session.

use tokio::task::yield_now;

/// The work left to a client in its turn.
#[derive(Debug)]
pub(super) struct WorkBudget(usize);

impl WorkBudget {
    pub(super) fn new() -> Self {
        Self(TURN_UNITS)
    }

    /// Counts a message, or a piece of one, that is passed to so many clients.
    pub(super) fn spend(&mut self, bytes: usize, recipients: usize) {
        let units = 1 + bytes / UNIT_BYTES + recipients / UNIT_RECIPIENTS;
        self.0 = self.0.saturating_sub(units);
    }

    /// Reports whether others are to be served first.
    pub(super) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Lets others be served.
    pub(super) async fn renew(&mut self) {
        yield_now().await;
        *self = Self::new();
    }
}

/// The units of a turn. Short messages that are sent back take about 0.1 ms then, which is a hundred
/// times what the change to another client costs.
const TURN_UNITS: usize = 512;
/// The number of bytes that take as long as a short message.
const UNIT_BYTES: usize = 1 << 10;
/// The number of recipients in whose queues a message is put in that time.
const UNIT_RECIPIENTS: usize = 4;
