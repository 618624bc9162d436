//! Deadlines as data. Nothing here waits or spawns a task that does.
//!
//! Every deadline of a session and of a run, and the events that may move it. Nothing else moves it.
//!
//! | deadline | started by | moved by | stopped by | kept in |
//! | --- | --- | --- | --- | --- |
//! | keepalive | the opening | a received byte | our Close | [`Timer::KeepAlive`] |
//! | pong | a keepalive ping | the ping leaving the queue; bytes accepted by a transport that was full; a pause in reading, unless the peer causes it by not reading | a received byte, our Close | [`Timer::Pong`] |
//! | close | the first Close, ours or the peer's; a failed write | both Closes exchanged: at most 100 ms remain for a client | – | [`Timer::Close`] |
//! | idle | the opening | a message, or bytes of one, in either direction; a pause in reading, as for the pong | our Close | the session |
//! | run (`--max-time`) | the start of the process | – | – | the mode |

use std::time::Instant;

/// The timers of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The next keepalive ping is due.
    KeepAlive,
    /// No byte has arrived since a keepalive ping, and the peer does not read ours.
    Pong,
    /// The closing handshake or the end of the transport is overdue.
    Close,
}

/// The deadline of each running timer.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    keepalive: Option<Instant>,
    pong: Option<Instant>,
    close: Option<Instant>,
}

impl Timers {
    /// Starts a timer or moves its deadline.
    pub(crate) fn set(&mut self, timer: Timer, deadline: Instant) {
        *self.slot(timer) = Some(deadline);
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    /// Returns the timer's deadline, if it is running.
    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        match timer {
            Timer::KeepAlive => self.keepalive,
            Timer::Pong => self.pong,
            Timer::Close => self.close,
        }
    }

    /// Returns the earliest deadline, if any.
    pub(crate) fn next(&self) -> Option<Instant> {
        [self.keepalive, self.pong, self.close].into_iter().flatten().min()
    }

    /// Stops and returns a timer whose deadline has passed.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Timer> {
        let timer = Timer::ALL
            .into_iter()
            .find(|timer| self.get(*timer).is_some_and(|deadline| deadline <= now))?;
        self.stop(timer);
        Some(timer)
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        match timer {
            Timer::KeepAlive => &mut self.keepalive,
            Timer::Pong => &mut self.pong,
            Timer::Close => &mut self.close,
        }
    }
}

impl Timer {
    const ALL: [Self; 3] = [Self::KeepAlive, Self::Pong, Self::Close];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn deadlines_expire_once_and_the_earliest_is_next() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Close, at(2));
        timers.set(Timer::KeepAlive, at(5));
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.expired(at(1)), None);
        assert_eq!(timers.expired(at(5)), Some(Timer::KeepAlive));
        assert_eq!(timers.expired(at(5)), Some(Timer::Close));
        assert_eq!(timers.expired(at(5)), None);
        assert_eq!(timers.next(), None);
    }
}
