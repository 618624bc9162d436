//! The clients of a server: who is there, what all of them are sent, and how they are sent away.

use super::client::{ClientEvent, ClientLink};
use crate::{error::Error, job::ended::Ended, session::clock};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep_until,
};

/// The clients, each served by a task of its own.
pub(super) struct Hub {
    /// The queue of each client by its number.
    clients: BTreeMap<u64, mpsc::Sender<Arc<str>>>,
    next_id: u64,
    events_to: mpsc::Sender<ClientEvent>,
    events: mpsc::Receiver<ClientEvent>,
    /// A client took a line: there may be room for the next.
    taken: Arc<Notify>,
    close_timeout: Duration,
    leaving: Option<Leaving>,
}

/// The end of the server.
struct Leaving {
    outcome: Result<Ended, Error>,
    /// The time from which clients are no longer waited for.
    deadline: Instant,
}

impl Hub {
    /// A hub without clients. It waits `close_timeout` for them at its end.
    pub(super) fn new(close_timeout: Duration) -> Self {
        let (events_to, events) = mpsc::channel(EVENT_QUEUE);
        Self {
            clients: BTreeMap::new(),
            next_id: 1,
            events_to,
            events,
            taken: Arc::default(),
            close_timeout,
            leaving: None,
        }
    }

    /// The link of the next client's task. Numbers are never used again.
    pub(super) fn link(&mut self) -> ClientLink {
        let id = self.next_id;
        self.next_id += 1;
        ClientLink { id, events: self.events_to.clone(), taken: Arc::clone(&self.taken) }
    }

    /// Waits for an event of a client, unless `takes` is false; `None`: something else has changed
    /// that [`Self::has_room`] or [`Self::outcome`] tells of. May be dropped at any time.
    pub(super) async fn next(&mut self, takes: bool) -> Option<ClientEvent> {
        let deadline = self.leaving.as_ref().map(|leaving| leaving.deadline);
        tokio::select! {
            Some(event) = self.events.recv(), if takes => Some(event),
            () = self.taken.notified() => None,
            () = sleep_until(deadline.unwrap_or_else(clock::now).into()), if deadline.is_some() => None,
        }
    }

    /// Takes note of an event; false: it is not to be shown.
    pub(super) fn note(&mut self, event: &ClientEvent) -> bool {
        match event {
            // Its queue is dropped with the event, which sends it away at once.
            ClientEvent::Joined { .. } if self.leaving.is_some() => return false,
            ClientEvent::Joined { id, queue, .. } => {
                self.clients.insert(*id, queue.clone());
            }
            ClientEvent::Message { .. } => {}
            ClientEvent::Left { id, how } => {
                self.clients.remove(id);
                return how.is_some();
            }
        }
        true
    }

    /// Whether every client has room for a line, and the server goes on.
    pub(super) fn has_room(&self) -> bool {
        self.leaving.is_none() && self.clients.values().all(|queue| queue.capacity() > 0)
    }

    /// Queues a line for every client; there must be room.
    pub(super) fn broadcast(&self, line: &str) {
        let line: Arc<str> = line.into();
        for queue in self.clients.values() {
            // It fails only for a client that has just left.
            let _ = queue.try_send(Arc::clone(&line));
        }
    }

    /// Whether the server is about to end.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Begins to end the server with this outcome, unless it is ending: every session is closed
    /// with 1001.
    pub(super) fn leave(&mut self, outcome: Result<Ended, Error>) {
        if self.leaving.is_some() {
            return;
        }
        self.leaving = Some(Leaving { outcome, deadline: clock::now() + self.close_timeout });
        for queue in self.clients.values_mut() {
            // Without its sender a task closes. The entry stays until the task has ended.
            *queue = mpsc::channel(1).0;
        }
    }

    /// The outcome of the server, once all clients have left or have had their time.
    pub(super) fn outcome(&mut self) -> Option<Result<Ended, Error>> {
        let leaving = self.leaving.as_ref()?;
        if !self.clients.is_empty() && leaving.deadline > clock::now() {
            return None;
        }
        self.leaving.take().map(|leaving| leaving.outcome)
    }
}

/// Events on their way from the clients.
const EVENT_QUEUE: usize = 64;

#[cfg(test)]
mod tests;
