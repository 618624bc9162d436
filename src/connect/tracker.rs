//! Progress and timing of opening a session, reported to an observer.

use super::{progress::Progress, step::Step, stopwatch::Stopwatch};
use crate::{
    known,
    proto::handshake::{Request, Response},
};
use tokio::time::Instant;

/// Measures the steps and reports them to an observer.
pub(super) struct Tracker<'a> {
    pub(super) stopwatch: &'a Stopwatch,
    pub(super) observer: &'a mut dyn FnMut(Progress<'_>),
    /// The bytes received of the head of a response that has not ended.
    partial: Vec<u8>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(stopwatch: &'a Stopwatch, observer: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        Self { stopwatch, observer, partial: Vec::new() }
    }
}

impl Tracker<'_> {
    /// Starts the next step.
    pub(super) fn enter(&self, step: Step) {
        self.stopwatch.enter(step, Instant::now().into_std());
    }

    pub(super) fn report(&mut self, progress: Progress<'_>) {
        (self.observer)(progress);
    }

    /// Reports a request. From then on, its secrets are removed from what the peer says.
    pub(super) fn report_request(&mut self, request: &Request) {
        self.partial.clear();
        known::add_request(&request.headers, &request.target);
        let timing = self.stopwatch.timing(Instant::now().into_std());
        self.report(Progress::Request(request, &timing));
    }

    /// Reports bytes that are not the head of a response.
    pub(super) fn report_broken(&mut self, bytes: &[u8]) {
        self.report(Progress::Broken(bytes));
    }

    /// Keeps what was received of the head of a response, in case that it does not end in time.
    pub(super) fn keep_partial(&mut self, bytes: &[u8]) {
        self.partial = bytes.to_vec();
    }

    /// Reports a head of a response that did not end in time. Returns its number of bytes.
    pub(super) fn report_partial(&mut self) -> usize {
        let bytes = std::mem::take(&mut self.partial);
        if !bytes.is_empty() {
            self.report_broken(&bytes);
        }
        bytes.len()
    }

    pub(super) fn report_response(&mut self, response: &Response) {
        self.partial.clear();
        let timing = self.stopwatch.timing(Instant::now().into_std());
        self.report(Progress::Response(response, &timing));
    }
}
