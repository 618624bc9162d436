//! The state that the clients of a server share with its loop.

use super::{
    commands::Commands, current_replies::CurrentReplies, event_log::EventLog, gate::Gate, hub::Hub,
    openings::Opener, output::Output,
};
use crate::{
    error::Error,
    job::{
        listen::{ListenJob, Service},
        run_outcome::{RunOutcome, status},
    },
    mode::notes::Notes,
    net::tls::server::ServerTls,
    proto::{Close, CloseCode},
    render::{buffer::OutputBuffer, jsonl::JsonLines},
    script::{
        fault::{FaultRule, RefusalSchedule},
        reply::replies::{Replies, Route},
    },
    session::Stats,
    sink::server::ServerRecorders,
};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The state of a server.
pub(super) struct Shared {
    pub(super) job: ListenJob,
    pub(super) tls: Option<ServerTls>,
    pub(super) hub: Hub,
    pub(super) output: Output,
    pub(super) notes: Notes,
    pub(super) gate: Gate,
    pub(super) ending: Ending,
    /// The bytes of all messages that have arrived in part.
    pub(super) unfinished: AtomicUsize,
    /// The number of received messages, if it matters to a goal of the run.
    pub(super) received: AtomicU64,
    pub(super) left: AtomicU64,
    /// The number of HTTP/2 connections.
    pub(super) connections: AtomicUsize,
    /// The number of clients that are served, or whose commands and forwarded messages are finished
    /// after they have left.
    pub(super) served: AtomicUsize,
    /// The commands of `--exec`, which the end of the server waits for.
    pub(super) commands: Commands,
    pub(super) replies: CurrentReplies,
    /// The requests that faults of the job refuse.
    pub(super) refusals: Mutex<RefusalSchedule>,
    /// Opens sessions with the servers that messages are forwarded to.
    pub(super) opener: Opener,
    pub(super) recorders: ServerRecorders,
    /// The events that lines of stdin may wait for.
    pub(super) log: EventLog,
    /// The statistics of all sessions that are over, and the messages that were not sent.
    pub(super) traffic: Mutex<Option<(Stats, usize)>>,
}

/// The end of a server, decided by the first cause.
#[derive(Default)]
pub(super) struct Ending {
    outcome: Mutex<Option<Result<RunOutcome, Error>>>,
    kind: OnceLock<EndKind>,
    /// True once the time for what was under way is over.
    is_late: AtomicBool,
    /// Notifies the loop of the server.
    pub(super) decided: Notify,
    /// Notifies the HTTP/2 connections.
    begun: Notify,
}

/// What a server still does when it is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndKind {
    /// Sends what is queued.
    Immediate,
    /// Also finishes the answers that are under way. Messages that arrive meanwhile are ignored.
    AfterAnswers,
    /// As [`Self::AfterAnswers`], but shows the messages that arrive before the answer to a Close.
    AfterMessages,
}

/// An HTTP/2 connection, which the end of the server waits for.
pub(super) struct OpenConnection(Arc<Shared>);

impl OpenConnection {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        self.0.hub.room().notify_waiters();
    }
}

impl Shared {
    /// Ends the server with this outcome, unless it is ending. Every session is closed with 1001.
    pub(super) fn end(&self, outcome: Result<RunOutcome, Error>) {
        self.end_as(EndKind::Immediate, outcome);
    }

    fn end_as(&self, kind: EndKind, outcome: Result<RunOutcome, Error>) {
        let mut decided = self.ending.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ending.kind.set(kind).is_ok() {
            *decided = Some(outcome);
            drop(decided);
            let close = Close::new(CloseCode::GOING_AWAY);
            match kind {
                EndKind::Immediate => {
                    self.hub.close_all(&close);
                }
                EndKind::AfterAnswers | EndKind::AfterMessages => self.hub.finish_all(&close),
            }
            self.ending.decided.notify_one();
            self.ending.begun.notify_waiters();
        }
    }

    /// Ends what is still under way for clients. Returns true if there was something.
    pub(super) fn end_work(&self) -> bool {
        let was_busy = self.hub.close_all(&Close::new(CloseCode::GOING_AWAY));
        self.ending.is_late.store(true, Ordering::Relaxed);
        self.commands.kill();
        was_busy
    }

    /// Returns how the server ends, if it is ending.
    pub(super) fn end_kind(&self) -> Option<EndKind> {
        self.ending.kind.get().copied()
    }

    /// Returns the time for what is under way for a client that has left.
    pub(super) fn work_limit(&self) -> Duration {
        let is_late = self.ending.is_late.load(Ordering::Relaxed);
        if is_late { Duration::ZERO } else { self.job.common.settings.close_timeout }
    }

    /// Waits until the server is ending.
    pub(super) async fn begins_to_end(&self) {
        let begun = self.ending.begun.notified();
        if !self.is_ending() {
            begun.await;
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.kind.get().is_some()
    }

    /// Reports whether messages of clients are taken.
    pub(super) fn takes_messages(&self) -> bool {
        match self.end_kind() {
            None => true,
            Some(EndKind::AfterMessages) => self.job.service == Service::Talk,
            Some(EndKind::Immediate | EndKind::AfterAnswers) => false,
        }
    }

    /// Returns the status with which a fault refuses a request, if one does.
    pub(super) fn fault_refusal(&self, replies: Option<(&Replies, &Route)>) -> Option<u16> {
        let since_start = Instant::now().saturating_duration_since(self.notes.report.started);
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = refusals.request(since_start);
        drop(refusals);
        refused.or_else(|| replies.and_then(|(replies, route)| replies.refusal(route, since_start)))
    }

    /// Reports whether faults act on the sockets below sessions.
    pub(super) fn needs_sockets(&self) -> bool {
        self.job.format.jsonl_input
            || self.job.faults.iter().any(FaultRule::needs_socket)
            || self.replies.get().is_some_and(|replies| replies.script.needs_socket)
    }

    /// Takes the outcome. The reply script may have expected otherwise.
    pub(super) fn take_outcome(&self) -> Result<RunOutcome, Error> {
        let outcome = self.ending.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        let outcome = outcome.unwrap_or(Ok(RunOutcome::Done));
        let unmet = self.replies.get().map(|replies| replies.unmet()).unwrap_or_default();
        match outcome {
            Ok(_) | Err(Error::ServerTimeout { .. }) if !unmet.is_empty() => {
                Err(Error::Unmet(crate::error::UnmetExpectation::Replies(unmet)))
            }
            outcome => outcome,
        }
    }

    /// Reads the file of the reply script again, and tells the result. Clients that are connected
    /// keep the rules that they have.
    pub(super) fn reload(&self) {
        match self.replies.reload() {
            Ok(Some((file, warnings))) => {
                for warning in warnings {
                    self.notes.note(&warning);
                }
                self.notes.note(&format!("{} was read again, for clients to come", file.shown()));
            }
            Ok(None) => self.notes.note("there is no reply script to read again (--reply)"),
            Err(fault) => self.notes.error(&format!("{fault}; the earlier rules stay")),
        }
    }

    /// Writes an event to the outputs that have events: `--output jsonl` and `--record`.
    pub(super) fn event(
        &self,
        conn: Option<u64>,
        mut write: impl FnMut(&mut JsonLines, &mut OutputBuffer),
    ) {
        self.output.event(conn, &mut write);
        self.recorders.lines(conn, write);
    }

    /// Adds the statistics of a session that is over.
    pub(super) fn count_traffic(&self, stats: &Stats, unsent: usize) {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        *traffic = Some(match &*traffic {
            Some((earlier, missed)) => (stats.and(earlier), missed + unsent),
            None => (*stats, unsent),
        });
    }

    /// Writes the last events of the run, with its outcome.
    pub(super) fn conclude(&self, ended: &Result<RunOutcome, Error>) -> Result<(), Error> {
        let traffic = *self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = (traffic.as_ref().map(|it| &it.0), traffic.map_or(0, |(_, unsent)| unsent));
        self.output.event(None, |json, out| {
            json.end(ended.as_ref().err(), status(ended), stats, out);
        });
        self.recorders.end(ended, stats)
    }

    /// Counts a received message. Returns true if it is the goal of the run, which ends with
    /// [`Self::end_at_goal`] once the message was passed on.
    pub(super) fn count_message(&self, payload: &[u8]) -> bool {
        let goals = &self.job.goals;
        if goals.count.is_none() && goals.until.is_none() {
            return false;
        }
        let received = self.received.fetch_add(1, Ordering::Relaxed) + 1;
        goals.count.is_some_and(|count| received >= count)
            || goals.until.as_ref().is_some_and(|until| until.is_match(payload))
    }

    /// Ends the server after the answers to the messages so far.
    pub(super) fn end_at_goal(&self) {
        self.end_as(EndKind::AfterAnswers, Ok(RunOutcome::Done));
    }

    /// Counts a client that has left, which may be the last one to serve.
    pub(super) fn count_left(&self) {
        let left = self.left.fetch_add(1, Ordering::Relaxed) + 1;
        if self.job.life.clients.is_some_and(|clients| left >= clients) {
            let outcome = self.unmet().map_or(Ok(RunOutcome::Done), Err);
            self.end_as(EndKind::AfterMessages, outcome);
        }
    }

    /// Returns the error for a goal that was not met.
    fn unmet(&self) -> Option<Error> {
        use crate::error::UnmetExpectation::{Count, Until};
        let (goals, received) = (&self.job.goals, self.received.load(Ordering::Relaxed));
        match (&goals.count, &goals.until) {
            (Some(expected), None) => Some(Error::Unmet(Count { received, expected: *expected })),
            (_, Some(until)) => Some(Error::Unmet(Until { pattern: until.to_string(), received })),
            (None, None) => None,
        }
    }
}
