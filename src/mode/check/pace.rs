//! The number of connections side by side, which shrinks if the server does not take them.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections side by side. A server that limits them is given fewer, and time.
#[derive(Debug)]
pub(crate) struct Pace {
    permits: Semaphore,
    width: Cell<usize>,
    /// The number of permits in use that are not given to others.
    surplus: Cell<usize>,
    /// Sessions that could not be opened, one after the other.
    misses: Cell<usize>,
    /// The reason of the last of them.
    reason: RefCell<String>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            permits: Semaphore::new(WIDEST),
            width: Cell::new(WIDEST),
            surplus: Cell::new(0),
            misses: Cell::new(0),
            reason: RefCell::default(),
        }
    }

    /// Waits for the turn of a connection, which lasts until [`Self::end_turn`].
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    /// Ends a turn. The next connection begins, unless there are to be fewer.
    pub(crate) fn end_turn(&self, turn: Option<SemaphorePermit<'_>>) {
        if let (Some(turn), Some(surplus)) = (turn, self.surplus.get().checked_sub(1)) {
            turn.forget();
            self.surplus.set(surplus);
        }
    }

    /// Takes note of a connection that the server did not take. Returns the time to wait before
    /// attempt `number`, counted from 1, or `None` after the last.
    pub(crate) fn slow_down(&self, number: usize) -> Option<Duration> {
        let width = self.width.get();
        let fewer = (width / 2).max(1);
        let forgotten = self.permits.forget_permits(width - fewer);
        self.width.set(fewer);
        self.surplus.set(self.surplus.get() + width - fewer - forgotten);
        PAUSES.get(number.saturating_sub(1)).copied()
    }

    /// Takes note of a check that got no connection.
    pub(crate) fn miss(&self, reason: &str) {
        self.misses.set(self.misses.get() + 1);
        self.reason.replace(reason.to_owned());
    }

    /// Takes note of a connection.
    pub(crate) fn hit(&self) {
        self.misses.set(0);
    }

    /// Returns why the server is no longer asked, if it is not.
    pub(crate) fn given_up(&self) -> Option<String> {
        (self.misses.get() >= MISSES).then(|| self.reason.borrow().clone())
    }

    /// Reports whether the server took fewer connections than were offered.
    pub(crate) fn is_slowed(&self) -> bool {
        self.width.get() < WIDEST
    }
}

/// The greatest number of connections side by side.
const WIDEST: usize = 8;
/// The times between attempts to open a connection.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1500)];
/// The number of checks without a connection after which the server is not asked any more.
const MISSES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_takes_no_connections_is_given_fewer_and_then_none() {
        let pace = Pace::new();
        assert!(!pace.is_slowed());
        let mut turns = Vec::new();
        for _ in 0..WIDEST {
            turns.push(pace.turn().await);
        }
        assert!(pace.slow_down(1) < pace.slow_down(2));
        assert_eq!(pace.slow_down(4), None);
        assert!(pace.is_slowed());
        for turn in turns {
            pace.end_turn(turn);
        }
        let turn = pace.turn().await;
        assert!(turn.is_some() && pace.permits.available_permits() == 0, "one at a time");
        for _ in 0..MISSES {
            assert_eq!(pace.given_up(), None);
            pace.miss("connection refused");
        }
        assert_eq!(pace.given_up().as_deref(), Some("connection refused"));
        pace.hit();
        assert_eq!(pace.given_up(), None);
    }
}
