//! Time measurement of opening a session.

use super::{step::Step, timing::Timing};
use std::{
    cell::{Cell, RefCell},
    time::Instant,
};

/// Measures the steps of opening a session, added up over all attempts.
#[derive(Debug)]
pub(super) struct Stopwatch {
    step: Cell<Step>,
    since: Cell<Instant>,
    timing: Cell<Timing>,
    /// The proxy that the current step waits for.
    proxy: RefCell<Option<String>>,
}

impl Stopwatch {
    pub(super) fn new(now: Instant) -> Self {
        let timing = Cell::new(Timing::default());
        let (step, since) = (Cell::new(Step::Resolve), Cell::new(now));
        Self { step, since, timing, proxy: RefCell::default() }
    }

    /// Sets the proxy that the following steps wait for.
    pub(super) fn set_proxy(&self, proxy: Option<String>) {
        self.proxy.replace(proxy);
    }

    /// Returns the proxy that the current step waits for.
    pub(super) fn proxy(&self) -> Option<String> {
        self.proxy.borrow().clone()
    }

    pub(super) fn step(&self) -> Step {
        self.step.get()
    }

    /// Ends the current step and starts another.
    pub(super) fn enter(&self, step: Step, now: Instant) {
        let time = now - self.since.replace(now);
        let mut timing = self.timing.get();
        *match self.step.replace(step) {
            Step::Connect => &mut timing.connect,
            Step::Proxy => &mut timing.proxy,
            Step::Tls => &mut timing.tls,
            Step::Settings | Step::Stream | Step::Handshake => &mut timing.handshake,
            Step::Resolve => &mut timing.resolve,
        } += time;
        self.timing.set(timing);
    }

    /// Returns the durations up to `now`, including the current step.
    pub(super) fn timing(&self, now: Instant) -> Timing {
        self.enter(self.step(), now);
        self.timing.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn steps_are_timed_and_added_up() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let stopwatch = Stopwatch::new(start);
        stopwatch.enter(Step::Connect, after(2));
        stopwatch.enter(Step::Tls, after(3));
        stopwatch.enter(Step::Handshake, after(10));
        // A redirect.
        stopwatch.enter(Step::Connect, after(11));
        stopwatch.enter(Step::Handshake, after(12));
        assert_eq!(stopwatch.step(), Step::Handshake);
        let timing = stopwatch.timing(after(20));
        assert_eq!(timing.total(), Duration::from_millis(20));
        assert_eq!(timing.to_string(), "20.0 ms: resolve 2.0, connect 2.0, tls 7.0, handshake 9.0");
    }
}
