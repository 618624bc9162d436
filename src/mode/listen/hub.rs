//! The hub of a server: tracks the connected clients, broadcasts lines to them and closes their
//! sessions at the end.

use super::client_task::{ClientEvent, ClientLink};
use crate::{error::Error, job::run_outcome::RunOutcome, session::clock};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep_until,
};

/// The connected clients, each served by its own task.
pub(super) struct Hub {
    /// The line queue of each client, by the client's number.
    clients: BTreeMap<u64, mpsc::Sender<Arc<str>>>,
    next_id: u64,
    events_to: mpsc::Sender<ClientEvent>,
    events: mpsc::Receiver<ClientEvent>,
    /// Notified when a client's task has taken a line, so that there may be room for the next.
    line_taken: Arc<Notify>,
    close_timeout: Duration,
    shutdown: Option<Shutdown>,
}

/// A shutdown in progress.
struct Shutdown {
    outcome: Result<RunOutcome, Error>,
    /// The time at which the hub stops waiting for clients.
    deadline: Instant,
}

impl Hub {
    /// Creates a hub without clients. A shutdown waits for clients for at most `close_timeout`.
    pub(super) fn new(close_timeout: Duration) -> Self {
        let (events_to, events) = mpsc::channel(EVENT_QUEUE_CAPACITY);
        Self {
            clients: BTreeMap::new(),
            next_id: 1,
            events_to,
            events,
            line_taken: Arc::default(),
            close_timeout,
            shutdown: None,
        }
    }

    /// Creates the link for a new client's task. Client numbers start at 1 and are never reused.
    pub(super) fn new_link(&mut self) -> ClientLink {
        let id = self.next_id;
        self.next_id += 1;
        ClientLink { id, events: self.events_to.clone(), line_taken: Arc::clone(&self.line_taken) }
    }

    /// Waits for an event of a client. While `accepts_events` is false, events stay in their queue.
    /// Returns `None` if [`Self::has_room`] or [`Self::outcome`] may have changed. Cancel-safe.
    pub(super) async fn next(&mut self, accepts_events: bool) -> Option<ClientEvent> {
        let deadline = self.shutdown.as_ref().map(|shutdown| shutdown.deadline);
        tokio::select! {
            Some(event) = self.events.recv(), if accepts_events => Some(event),
            () = self.line_taken.notified() => None,
            () = sleep_until(deadline.unwrap_or_else(clock::now).into()), if deadline.is_some() => None,
        }
    }

    /// Updates the list of clients. Returns false if the event should not be shown.
    pub(super) fn record(&mut self, event: &ClientEvent) -> bool {
        match event {
            // The queue is dropped together with the event, which closes the session at once.
            ClientEvent::Joined { .. } if self.shutdown.is_some() => return false,
            ClientEvent::Joined { id, queue, .. } => {
                self.clients.insert(*id, queue.clone());
            }
            ClientEvent::Message { .. } => {}
            ClientEvent::Left { id, description } => {
                self.clients.remove(id);
                return description.is_some();
            }
        }
        true
    }

    /// Returns true if every client's queue has room for a line and no shutdown is in progress.
    pub(super) fn has_room(&self) -> bool {
        self.shutdown.is_none() && self.clients.values().all(|queue| queue.capacity() > 0)
    }

    /// Queues a line for every client. The caller has checked [`Self::has_room`].
    pub(super) fn broadcast(&self, line: &str) {
        let line: Arc<str> = line.into();
        for queue in self.clients.values() {
            // Fails only for a client that has just left.
            let _ = queue.try_send(Arc::clone(&line));
        }
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_some()
    }

    /// Starts a shutdown with this outcome, which closes every session with 1001. Does nothing if
    /// one is in progress.
    pub(super) fn shut_down(&mut self, outcome: Result<RunOutcome, Error>) {
        if self.shutdown.is_some() {
            return;
        }
        self.shutdown = Some(Shutdown { outcome, deadline: clock::now() + self.close_timeout });
        for queue in self.clients.values_mut() {
            // A task closes its session when the sender is dropped. The entry stays until the
            // task has ended.
            *queue = mpsc::channel(1).0;
        }
    }

    /// Returns the outcome of the shutdown once all clients have left or the close timeout has
    /// expired.
    pub(super) fn outcome(&mut self) -> Option<Result<RunOutcome, Error>> {
        let shutdown = self.shutdown.as_ref()?;
        if !self.clients.is_empty() && shutdown.deadline > clock::now() {
            return None;
        }
        self.shutdown.take().map(|shutdown| shutdown.outcome)
    }
}

/// Capacity of the queue of events from all clients.
const EVENT_QUEUE_CAPACITY: usize = 64;

#[cfg(test)]
mod tests;
