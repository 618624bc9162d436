//! The state that the pairs of a proxy share with its loop.

use super::{
    bodies::Bodies,
    link::{Order, PairLink},
    outlet::Outlet,
};
use crate::{
    connect::{ConnectOptions, Dialer},
    error::Error,
    job::{proxy::ProxyJob, run_outcome::RunOutcome},
    mode::notes::Notes,
    net::tls::server::ServerTls,
    proto::{Close, CloseCode},
    script::fault::RefusalSchedule,
    session::clock,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// The state of a proxy.
pub(super) struct Shared {
    pub(super) job: ProxyJob,
    pub(super) tls: Option<ServerTls>,
    pub(super) dialer: Dialer,
    pub(super) notes: Arc<Notes>,
    pub(super) outlet: Arc<Outlet>,
    /// The pairs that pass bytes on, by number.
    pairs: Mutex<BTreeMap<u64, Arc<PairLink>>>,
    /// The last number given.
    last_number: AtomicU64,
    /// The requests that faults refuse.
    refusals: Mutex<RefusalSchedule>,
    /// The sessions that are open, or asked for.
    sessions: AtomicUsize,
    /// The number of sessions that have ended.
    ended: AtomicU64,
    pub(super) bodies: Bodies,
    /// The outcome, once the proxy is ending.
    outcome: Mutex<Option<Result<RunOutcome, Error>>>,
    is_ending: std::sync::atomic::AtomicBool,
    /// True while nothing is read.
    is_paused: std::sync::atomic::AtomicBool,
    /// Notifies the loop when the end is decided, and while ending when a session has ended.
    pub(super) changed: Notify,
    /// Notifies HTTP/2 connections when the end is decided.
    begun: Notify,
}

/// Room for a session, until it is dropped.
pub(super) struct SessionSlot {
    shared: Arc<Shared>,
}

/// A pair that is open, until it is dropped.
pub(super) struct OpenPair {
    pub(super) number: u64,
    pub(super) link: Arc<PairLink>,
    slot: SessionSlot,
}

impl Shared {
    pub(super) fn new(
        job: ProxyJob,
        tls: Option<ServerTls>,
        notes: Arc<Notes>,
        outlet: Arc<Outlet>,
    ) -> Self {
        Self {
            dialer: Dialer::new(job.dialing.clone()),
            refusals: Mutex::new(RefusalSchedule::new(&job.faults, job.seed)),
            job,
            tls,
            notes,
            outlet,
            pairs: Mutex::default(),
            last_number: AtomicU64::new(0),
            sessions: AtomicUsize::new(0),
            ended: AtomicU64::new(0),
            bodies: Bodies::default(),
            outcome: Mutex::default(),
            is_ending: <_>::default(),
            is_paused: <_>::default(),
            changed: Notify::new(),
            begun: Notify::new(),
        }
    }

    /// Returns a number for a client that asks for a session. It is never used again.
    pub(super) fn number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the status with which a fault refuses a request for a session, if one does.
    pub(super) fn fault_refusal(&self) -> Option<u16> {
        let since_start = clock::now().saturating_duration_since(self.notes.report.started);
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).request(since_start)
    }

    /// Takes room for a session, unless there are as many as allowed.
    pub(super) fn take_slot(self: &Arc<Self>) -> Option<SessionSlot> {
        let count = self.sessions.fetch_add(1, Ordering::Relaxed);
        let slot = SessionSlot { shared: Arc::clone(self) };
        let has_room = self.job.max_clients.is_none_or(|most| count < most);
        (has_room && !self.is_ending()).then_some(slot)
    }

    /// Returns the options of the connection to the server, for this path and query.
    pub(super) fn options(&self, resource: String) -> ConnectOptions {
        let mut options = self.job.opening.clone();
        options.target.resource = resource;
        options
    }

    /// Ends the proxy with this outcome, unless it is ending. Every session is closed with 1001.
    pub(super) fn end(&self, outcome: Result<RunOutcome, Error>) {
        if self.is_ending.swap(true, Ordering::Relaxed) {
            return;
        }
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        for link in self.lock_pairs().values() {
            link.order(Order::Close(Close::new(CloseCode::GOING_AWAY)));
        }
        self.begun.notify_waiters();
        self.changed.notify_one();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    /// Waits until the proxy is ending.
    pub(super) async fn begins_to_end(&self) {
        let begun = self.begun.notified();
        if !self.is_ending() {
            begun.await;
        }
    }

    /// Returns the number of sessions that are open, or asked for.
    pub(super) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Takes the outcome.
    pub(super) fn take_outcome(&self) -> Result<RunOutcome, Error> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.unwrap_or(Ok(RunOutcome::Done))
    }

    /// Gives an order to a pair. Returns false if there is no such pair.
    pub(super) fn order(&self, number: u64, order: Order) -> bool {
        match self.lock_pairs().get(&number) {
            Some(link) => {
                link.order(order);
                true
            }
            None => false,
        }
    }

    /// Has all pairs read nothing, or go on; also those to come.
    pub(super) fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
        for link in self.lock_pairs().values() {
            link.order(Order::Pause(is_paused));
        }
    }

    /// Reports whether nothing is read.
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Returns the numbers of the pairs.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.lock_pairs().keys().copied().collect()
    }

    fn lock_pairs(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<PairLink>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenPair {
    /// Opens a pair. That of an ending proxy is closed at once.
    pub(super) fn new(slot: SessionSlot, number: u64) -> Self {
        let link = Arc::<PairLink>::default();
        slot.shared.lock_pairs().insert(number, Arc::clone(&link));
        if slot.shared.is_paused() {
            link.order(Order::Pause(true));
        }
        if slot.shared.is_ending() {
            link.order(Order::Close(Close::new(CloseCode::GOING_AWAY)));
        }
        Self { number, link, slot }
    }

    /// Returns the state of the proxy.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.slot.shared
    }
}

impl Drop for OpenPair {
    /// Counts a session that has ended, which may be the last one of the run.
    fn drop(&mut self) {
        let shared = &self.slot.shared;
        shared.lock_pairs().remove(&self.number);
        let ended = shared.ended.fetch_add(1, Ordering::Relaxed) + 1;
        if shared.job.life.clients.is_some_and(|clients| ended >= clients) {
            shared.end(Ok(RunOutcome::Done));
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.shared.sessions.fetch_sub(1, Ordering::Relaxed);
        if self.shared.is_ending() {
            self.shared.changed.notify_one();
        }
    }
}
