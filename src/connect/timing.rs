//! How long opening a session takes, step by step.

use crate::error::Step;
use std::{
    cell::{Cell, RefCell},
    fmt,
    time::{Duration, Instant},
};

/// What each step took; over all attempts, where there were several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking names up; nothing for an address.
    pub resolve: Duration,
    /// TCP, or a Unix socket.
    pub connect: Duration,
    /// The proxy.
    pub proxy: Duration,
    /// TLS.
    pub tls: Duration,
    /// The opening handshake.
    pub handshake: Duration,
}

impl Timing {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.steps().iter().map(|(_, time)| *time).sum()
    }

    /// What of it came after this much of it.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            resolve: self.resolve.saturating_sub(before.resolve),
            connect: self.connect.saturating_sub(before.connect),
            proxy: self.proxy.saturating_sub(before.proxy),
            tls: self.tls.saturating_sub(before.tls),
            handshake: self.handshake.saturating_sub(before.handshake),
        }
    }

    /// Each step by its name.
    pub fn steps(&self) -> [(&'static str, Duration); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("proxy", self.proxy),
            ("tls", self.tls),
            ("handshake", self.handshake),
        ]
    }
}

/// Those that took time, in milliseconds.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(f, "{:.1} ms", ms(self.total()))?;
        let steps = self.steps();
        let steps = steps.iter().filter(|(_, time)| *time >= SHOWN);
        for (i, (name, time)) in steps.enumerate() {
            write!(f, "{}{name} {:.1}", if i == 0 { ": " } else { ", " }, ms(*time))?;
        }
        Ok(())
    }
}

/// Less than this would be shown as nothing.
const SHOWN: Duration = Duration::from_micros(50);

/// How far opening has come, and when.
#[derive(Debug)]
pub(super) struct Course {
    step: Cell<Step>,
    since: Cell<Instant>,
    timing: Cell<Timing>,
    /// The proxy that a step is about.
    proxy: RefCell<Option<String>>,
}

impl Course {
    pub(super) fn new(now: Instant) -> Self {
        let timing = Cell::new(Timing::default());
        let (step, since) = (Cell::new(Step::Resolve), Cell::new(now));
        Self { step, since, timing, proxy: RefCell::default() }
    }

    /// From now on it is about this proxy, or no longer about one.
    pub(super) fn turn(&self, proxy: Option<String>) {
        self.proxy.replace(proxy);
    }

    /// The proxy that the step is about.
    pub(super) fn proxy(&self) -> Option<String> {
        self.proxy.borrow().clone()
    }

    /// The step that goes on.
    pub(super) fn step(&self) -> Step {
        self.step.get()
    }

    /// Another step begins.
    pub(super) fn enter(&self, step: Step, now: Instant) {
        let time = now - self.since.replace(now);
        let mut timing = self.timing.get();
        *match self.step.replace(step) {
            Step::Connect => &mut timing.connect,
            Step::Proxy => &mut timing.proxy,
            Step::Tls => &mut timing.tls,
            Step::Settings | Step::Stream | Step::Handshake => &mut timing.handshake,
            _ => &mut timing.resolve,
        } += time;
        self.timing.set(timing);
    }

    /// What the steps have taken until now.
    pub(super) fn so_far(&self, now: Instant) -> Timing {
        self.enter(self.step(), now);
        self.timing.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_timed_and_added_up() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let course = Course::new(start);
        course.enter(Step::Connect, after(2));
        course.enter(Step::Tls, after(3));
        course.enter(Step::Handshake, after(10));
        // A redirect.
        course.enter(Step::Connect, after(11));
        course.enter(Step::Handshake, after(12));
        assert_eq!(course.step(), Step::Handshake);
        let timing = course.so_far(after(20));
        assert_eq!(timing.total(), Duration::from_millis(20));
        assert_eq!(timing.to_string(), "20.0 ms: resolve 2.0, connect 2.0, tls 7.0, handshake 9.0");
    }
}
