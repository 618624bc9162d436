//! Progress and times of opening a session, for its observer.

use super::{progress::Progress, step::Step, stopwatch::Stopwatch};
use crate::proto::handshake::{Request, Response};
use tokio::time::Instant;

/// Times the steps and tells an observer of them.
pub(super) struct Tracker<'a> {
    pub(super) stopwatch: &'a Stopwatch,
    pub(super) watch: &'a mut dyn FnMut(Progress<'_>),
}

impl Tracker<'_> {
    /// Begins the next step.
    pub(super) fn enter(&self, step: Step) {
        self.stopwatch.enter(step, Instant::now().into_std());
    }

    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        (self.watch)(progress);
    }

    pub(super) fn tell_request(&mut self, request: &Request) {
        let timing = self.stopwatch.so_far(Instant::now().into_std());
        self.tell(Progress::Request(request, &timing));
    }

    pub(super) fn tell_response(&mut self, response: &Response) {
        let timing = self.stopwatch.so_far(Instant::now().into_std());
        self.tell(Progress::Response(response, &timing));
    }
}
