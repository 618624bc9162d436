//! What a proxy shows and records of the conversations that pass: messages and events on stdout or above
//! a prompt, frames on stderr, and the files of `--record` and `--har`.

use super::view::LiveView;
use crate::{
    error::Error,
    job::{
        proxy::{ProxyJob, ShownMessages},
        run_outcome::{RunOutcome, status},
    },
    proto::Leg,
    render::{buffer::OutputBuffer, jsonl::JsonLines},
    report::{Report, Verbosity},
    session::{Stats, limits::QUEUE_LIMIT_BYTES},
    sink::{Print, jsonl::EventBuffer, leg_text::LegOutput, server::ServerRecorders, sinks::Sinks},
    sys::stdio::{Stdout, is_stdout_null},
};
use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// The outputs of all pairs.
pub(super) struct Outlet {
    report: Report,
    frames: bool,
    /// Prints lines about frames, so that a slow stderr does not hold up the pairs.
    print: Print,
    /// Events or messages for stdout.
    buffer: Option<EventBuffer>,
    is_jsonl: bool,
    /// Messages above a prompt.
    pub(super) view: Option<Arc<LiveView>>,
    pub(super) recorders: ServerRecorders,
    /// The pairs that wait for room.
    waiting: Mutex<Vec<Waker>>,
    /// The statistics of all sessions that are over.
    traffic: Mutex<Option<Stats>>,
}

impl Outlet {
    /// Creates the outputs. `view` is set if there is a prompt.
    pub(super) fn new(
        job: &ProxyJob,
        report: Report,
        print: Print,
        view: Option<Arc<LiveView>>,
        recorders: ServerRecorders,
    ) -> Self {
        let shows = match job.shows {
            ShownMessages::Events => true,
            ShownMessages::Text => view.is_none() && !is_stdout_null(),
            ShownMessages::Nothing => false,
        };
        Self {
            report,
            frames: job.frames,
            print,
            buffer: shows.then(|| EventBuffer::new(true)),
            is_jsonl: job.shows == ShownMessages::Events,
            view,
            recorders,
            waiting: Mutex::default(),
            traffic: Mutex::default(),
        }
    }

    /// Returns the sinks of a leg. Without any, nothing is decoded.
    pub(super) fn sinks(&self, conn: u64, leg: Leg) -> Sinks {
        let output = match (&self.buffer, &self.view) {
            (Some(events), _) if self.is_jsonl => Some(LegOutput::Events(events.clone())),
            (Some(events), _) => Some(LegOutput::Text(events.clone(), b'\n')),
            (None, Some(view)) => {
                let view = Arc::clone(view);
                Some(LegOutput::Calls(Arc::new(move |message| view.show(message))))
            }
            (None, None) => None,
        };
        let frames = self.frames || self.report.verbosity >= Verbosity::Detailed;
        let sinks =
            Sinks::of_leg(frames, self.report, (conn, leg), output.as_ref(), &self.recorders);
        sinks.print_with(Some(&self.print));
        sinks
    }

    /// Prints a note, unless quiet.
    pub(super) fn note(&self, text: &str) {
        if self.report.verbosity > Verbosity::Quiet {
            (self.print)(&format!("sockeye: {text}\n"));
        }
    }

    /// Reports whether events are written.
    pub(super) fn has_events(&self) -> bool {
        self.is_jsonl || self.recorders.are_open()
    }

    /// Writes an event to the outputs that have events: `--output jsonl` and `--record`.
    pub(super) fn event(
        &self,
        conn: Option<u64>,
        mut write: impl FnMut(&mut JsonLines, &mut OutputBuffer),
    ) {
        if self.is_jsonl {
            self.stdout_event(conn, &mut write);
        }
        self.recorders.lines(conn, write);
    }

    /// Writes the event of the start.
    pub(super) fn listening(&self, url: &str, pin: Option<&str>) {
        if self.is_jsonl {
            self.stdout_event(None, |json, out| json.listening(url, pin, out));
        }
        self.recorders.first_lines(|json, out| json.listening(url, pin, out));
    }

    fn stdout_event(
        &self,
        conn: Option<u64>,
        write: impl FnOnce(&mut JsonLines, &mut OutputBuffer),
    ) {
        let Some(events) = &self.buffer else { return };
        let Report { started, secrets, .. } = self.report;
        let mut json = JsonLines::new(started, io::stdout().is_terminal(), secrets);
        if let Some(conn) = conn {
            json = json.of_client(conn);
        }
        events.append(|buffer| write(&mut json, buffer));
    }

    /// Reports whether more messages may be taken.
    pub(super) fn has_room(&self) -> bool {
        match (&self.buffer, &self.view) {
            (Some(events), _) => !events.is_full(QUEUE_LIMIT_BYTES),
            (None, Some(view)) => view.has_room(),
            (None, None) => true,
        }
    }

    /// Wakes a pair once there is room.
    pub(super) fn wake_with_room(&self, waker: &Waker) {
        let mut waiting = self.lock_waiting();
        if !waiting.iter().any(|it| it.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the pairs that wait, if there is room.
    pub(super) fn wake(&self) {
        if self.has_room() {
            let waiting = std::mem::take(&mut *self.lock_waiting());
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Waits until there is something to write.
    pub(super) async fn appended(&self) {
        match (&self.buffer, &self.view) {
            (Some(events), _) => events.appended().await,
            (None, Some(view)) => view.appended().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Reports whether stdout is used.
    pub(super) fn uses_stdout(&self) -> bool {
        self.buffer.is_some()
    }

    /// Reports whether output waits for stdout.
    pub(super) fn waits(&self) -> bool {
        self.buffer.as_ref().is_some_and(|events| !events.is_empty())
    }

    /// Writes to stdout as much as possible without waiting.
    pub(super) fn write(&self, stdout: &Stdout) -> io::Result<()> {
        if let Some(events) = self.buffer.as_ref().filter(|events| !events.is_empty()) {
            events.write(stdout, QUEUE_LIMIT_BYTES)?;
            self.wake();
        }
        Ok(())
    }

    /// Discards all output for stdout, because it cannot be written.
    pub(super) fn abandon(&self) {
        if let Some(events) = &self.buffer {
            events.abandon();
        }
        self.wake();
    }

    /// Adds the statistics of a session that is over: what its client sent and received.
    pub(super) fn count(&self, stats: &Stats) {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        *traffic = Some(traffic.as_ref().map_or(*stats, |earlier| stats.and(earlier)));
    }

    /// Writes the last events of the run, with its outcome, and finishes the files.
    pub(super) fn conclude(&self, ended: &Result<RunOutcome, Error>) -> Result<(), Error> {
        let traffic = *self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = (traffic.as_ref(), 0);
        if self.is_jsonl {
            self.stdout_event(None, |json, out| {
                json.end(ended.as_ref().err(), status(ended), stats, out);
            });
        }
        self.recorders.end(ended, stats)
    }
}
