//! The number of connections side by side, which shrinks if the server does not take them.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use tokio::{
    sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

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
    /// Held while a connection is tried again that the server did not take.
    retry: Mutex<()>,
    /// The least time between the starts of two connections.
    gap: Cell<Duration>,
    /// The earliest start of the next connection.
    next: Cell<Option<Instant>>,
    /// A connection that was not taken at first was taken later.
    has_recovered: Cell<bool>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            permits: Semaphore::new(WIDEST),
            width: Cell::new(WIDEST),
            surplus: Cell::new(0),
            misses: Cell::new(0),
            reason: RefCell::default(),
            retry: Mutex::default(),
            gap: Cell::default(),
            next: Cell::default(),
            has_recovered: Cell::default(),
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

    /// Waits until the next connection may be started.
    pub(crate) async fn space(&self) {
        let gap = self.gap.get();
        if gap > Duration::ZERO {
            let now = Instant::now();
            let start = self.next.get().map_or(now, |next| next.max(now));
            self.next.set(Some(start + gap));
            sleep_until(start).await;
        }
    }

    /// Waits until no other connection is tried again.
    pub(crate) async fn retry_alone(&self) -> MutexGuard<'_, ()> {
        self.retry.lock().await
    }

    /// Takes note of a connection that the server did not take. Returns the time to wait before
    /// attempt `number`, counted from 1, or `None` after the last.
    pub(crate) fn slow_down(&self, number: usize) -> Option<Duration> {
        let width = self.width.get();
        let fewer = (width / 2).max(1);
        let forgotten = self.permits.forget_permits(width - fewer);
        self.width.set(fewer);
        if number > 1 {
            // It was refused alone: the server may limit the rate.
            self.gap.set((self.gap.get() * 2).clamp(LEAST_GAP, LONGEST_GAP));
        }
        self.surplus.set(self.surplus.get() + width - fewer - forgotten);
        Self::pause(number.saturating_sub(1))
    }

    /// Returns the time to wait after so many attempts more than the first.
    pub(crate) fn pause(attempts: usize) -> Option<Duration> {
        PAUSES.get(attempts).copied()
    }

    /// Takes note of a check that got no connection.
    pub(crate) fn miss(&self, reason: &str) {
        self.misses.set(self.misses.get() + 1);
        self.reason.replace(reason.to_owned());
    }

    /// Takes note of a connection, and whether it was taken only later.
    pub(crate) fn hit(&self, was_refused: bool) {
        self.misses.set(0);
        if was_refused {
            self.has_recovered.set(true);
        }
    }

    /// Does not ask the server any more, for this reason.
    pub(crate) fn give_up(&self, reason: &str) {
        self.misses.set(MISSES);
        self.reason.replace(reason.to_owned());
    }

    /// Asks the server once more.
    pub(crate) fn resume(&self) {
        self.misses.set(0);
    }

    /// Reports whether the server has a limit: it refused a connection and took it later.
    pub(crate) fn is_limited(&self) -> bool {
        self.has_recovered.get()
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
/// The time between the starts of connections once the server has refused one; it doubles each time.
const LEAST_GAP: Duration = Duration::from_millis(10);
const LONGEST_GAP: Duration = Duration::from_millis(200);
/// The times between attempts to open a connection.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1500),
];
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
        assert_eq!(pace.slow_down(6), None);
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
        pace.hit(false);
        assert_eq!(pace.given_up(), None);
    }
}
