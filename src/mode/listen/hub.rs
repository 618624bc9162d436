//! The hub of a server: the connected clients, each with a queue of what is to be sent to it.
//!
//! A client takes from its own queue, so that none waits for another. The queues are bounded: what
//! happens to a client that does not read fast enough is a choice ([`SlowClients`]).

use super::client_record::ClientRecord;
use crate::{
    job::listen::SlowClients,
    proto::{Close, CloseCode, SharedMessage},
    script::fault::FaultEnding,
    session::clock,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The connected clients.
pub(super) struct Hub {
    clients: Mutex<Clients>,
    max_queue: usize,
    slow: SlowClients,
    /// The number of full queues.
    full: Arc<AtomicUsize>,
    /// Notified when a queue is no longer full and when a client joins or leaves.
    room: Arc<Notify>,
}

#[derive(Default)]
struct Clients {
    by_id: BTreeMap<u64, Arc<Mailbox>>,
    joined: u64,
    /// The Close for every session, once the server shuts down.
    closing: Option<Close>,
}

/// The queue of deliveries to one client.
pub(super) struct Mailbox {
    pub(super) id: u64,
    state: Mutex<Queue>,
    /// True while nothing is queued and the client is not dropped.
    is_quiet: AtomicBool,
    record: OnceLock<Box<ClientRecord>>,
    /// Notified when something is to be done for the client.
    pub(super) wake: Notify,
    full: Arc<AtomicUsize>,
    room: Arc<Notify>,
}

#[derive(Default)]
struct Queue {
    deliveries: VecDeque<Delivery>,
    /// The payload bytes of the messages in the queue, and of the one that is being sent.
    bytes: usize,
    /// The time since when the queue has been full.
    full_since: Option<Instant>,
    skipped: u64,
    /// The time at which the first fault in the queue happens at the latest.
    fault_latest: Option<Instant>,
    /// True once the queue takes nothing more.
    is_closed: bool,
    /// True once the client was too slow.
    is_dropped: bool,
    /// True while a Close is to follow what is under way for the client.
    is_finishing: bool,
}

/// Something to be sent to a client.
#[derive(Clone, Debug)]
pub(super) enum Delivery {
    Message(Arc<SharedMessage>),
    Ping(Arc<[u8]>),
    Pong(Arc<[u8]>),
    /// A Close, after which nothing more is sent.
    Close(Close),
    /// A fault that ends or stalls the connection after what was queued before it, but at this time
    /// at the latest.
    Fault(FaultEnding, Instant),
}

/// The clients that something is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipients {
    All,
    Only(Vec<u64>),
    Except(Vec<u64>),
}

/// The sender of messages, which may have to wait for the recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Stdin,
    Client(u64),
}

/// The answer to whether a message may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueRoom {
    Free,
    /// Ask again when [`Hub::room`] is notified, or at this time.
    Wait(Option<Instant>),
}

impl Recipients {
    pub(super) fn include(&self, id: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
            Self::Except(ids) => !ids.contains(&id),
        }
    }
}

impl Hub {
    /// Creates a hub in which at most `max_queue` bytes wait for a client, and one message more.
    pub(super) fn new(max_queue: usize, slow: SlowClients) -> Self {
        let (clients, full, room) = (Mutex::default(), Arc::default(), Arc::default());
        Self { clients, max_queue, slow, full, room }
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a client. Numbers start at 1 and are never used again.
    pub(super) fn join(&self) -> Arc<Mailbox> {
        let mut clients = self.lock();
        clients.joined += 1;
        let (full, room) = (Arc::clone(&self.full), Arc::clone(&self.room));
        let (state, record, wake) = (Mutex::default(), OnceLock::new(), Notify::default());
        let (id, is_quiet) = (clients.joined, AtomicBool::new(true));
        let mailbox = Arc::new(Mailbox { id, state, is_quiet, record, wake, full, room });
        if let Some(close) = clients.closing.clone() {
            mailbox.push(Delivery::Close(close));
        }
        clients.by_id.insert(mailbox.id, Arc::clone(&mailbox));
        drop(clients);
        self.room.notify_waiters();
        mailbox
    }

    /// Removes a client.
    pub(super) fn leave(&self, mailbox: &Mailbox) {
        mailbox.close();
        self.lock().by_id.remove(&mailbox.id);
        self.room.notify_waiters();
    }

    /// Returns the number of connected clients.
    pub(super) fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Reports whether a client is connected.
    pub(super) fn has(&self, id: u64) -> bool {
        self.lock().by_id.contains_key(&id)
    }

    /// Returns the mailbox of a client.
    pub(super) fn mailbox(&self, id: u64) -> Option<Arc<Mailbox>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// Returns the mailboxes of all clients, by their numbers.
    pub(super) fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        self.lock().by_id.values().cloned().collect()
    }

    /// Returns the notification that [`Self::ask`] may answer otherwise.
    pub(super) fn room(&self) -> &Notify {
        &self.room
    }

    /// Reports whether a message may be sent. Drops clients that have been too slow for too long.
    pub(super) fn ask(&self, sender: Sender) -> QueueRoom {
        if sender == Sender::Stdin && self.count() == 0 {
            // Lines wait for the next client.
            return QueueRoom::Wait(None);
        }
        if self.full.load(Ordering::Relaxed) == 0 {
            return QueueRoom::Free;
        }
        let now = clock::now();
        let clients = self.lock();
        let others = clients.by_id.values().filter(|it| sender != Sender::Client(it.id));
        let (mut full, mut all) = (Vec::new(), 0);
        for mailbox in others {
            all += 1;
            full.extend(mailbox.full_since().map(|since| (mailbox, since)));
        }
        if full.is_empty() {
            return QueueRoom::Free;
        }
        let are_all_full = full.len() == all;
        match self.slow {
            SlowClients::Wait => QueueRoom::Wait(None),
            // Stdin has the pace of the fastest client.
            SlowClients::Skip | SlowClients::Drop if are_all_full && sender == Sender::Stdin => {
                QueueRoom::Wait(None)
            }
            SlowClients::Skip => QueueRoom::Free,
            SlowClients::Drop => {
                let patience = if are_all_full { LONG_PATIENCE } else { PATIENCE };
                let mut next = None;
                for (mailbox, since) in full {
                    if since + patience <= now {
                        mailbox.drop_client();
                    } else {
                        next = next.into_iter().chain([since + patience]).min();
                    }
                }
                next.map_or(QueueRoom::Free, |next| QueueRoom::Wait(Some(next)))
            }
        }
    }

    /// Waits until a message may be sent.
    pub(super) async fn has_room(&self, sender: Sender) {
        loop {
            let notified = self.room.notified();
            match self.ask(sender) {
                QueueRoom::Free => return,
                QueueRoom::Wait(None) => notified.await,
                QueueRoom::Wait(Some(at)) => {
                    // Either way the question is asked again.
                    let _ = tokio::time::timeout_at(at.into(), notified).await;
                }
            }
        }
    }

    /// Queues a delivery for clients, of which those with a full queue miss it.
    pub(super) fn send(&self, to: &Recipients, delivery: &Delivery) {
        for mailbox in self.lock().by_id.values().filter(|it| to.include(it.id)) {
            mailbox.offer(delivery.clone(), self.max_queue);
        }
    }

    /// Queues a delivery as [`Self::send`] does. Returns the clients that miss it.
    pub(super) fn post(&self, to: &Recipients, delivery: &Delivery) -> Vec<u64> {
        let clients = self.lock();
        let recipients = clients.by_id.values().filter(|it| to.include(it.id));
        let missing = recipients.filter(|it| !it.offer(delivery.clone(), self.max_queue));
        missing.map(|it| it.id).collect()
    }

    /// Queues a delivery for one client once its queue is not full.
    pub(super) async fn deliver(&self, mailbox: &Mailbox, delivery: Delivery) {
        self.has_room_for(mailbox).await;
        self.deliver_now(mailbox, delivery);
    }

    /// Queues a delivery for one client, which misses it if its queue is full.
    pub(super) fn deliver_now(&self, mailbox: &Mailbox, delivery: Delivery) {
        mailbox.offer(delivery, self.max_queue);
    }

    /// Waits until the queue of a client is not full.
    pub(super) async fn has_room_for(&self, mailbox: &Mailbox) {
        loop {
            let notified = self.room.notified();
            if !mailbox.is_full() {
                return;
            }
            notified.await;
        }
    }

    /// Closes every session, also those of clients that join later. Returns true if something was
    /// under way for a client since [`Self::finish_all`].
    pub(super) fn close_all(&self, close: &Close) -> bool {
        let mut clients = self.lock();
        clients.closing.get_or_insert_with(|| close.clone());
        let mut was_finishing = false;
        for mailbox in clients.by_id.values() {
            was_finishing |= mailbox.is_finishing();
            mailbox.push(Delivery::Close(close.clone()));
        }
        was_finishing
    }

    /// Has every session closed by its client's task once nothing is under way for the client.
    /// Clients that join later get this Close at once.
    pub(super) fn finish_all(&self, close: &Close) {
        let mut clients = self.lock();
        clients.closing.get_or_insert_with(|| close.clone());
        for mailbox in clients.by_id.values() {
            mailbox.finish();
        }
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full_since(&self) -> Option<Instant> {
        self.lock().full_since
    }

    /// Reports whether the queue is full.
    pub(super) fn is_full(&self) -> bool {
        self.full_since().is_some()
    }

    /// Queues a delivery whatever else waits.
    pub(super) fn push(&self, delivery: Delivery) {
        let mut queue = self.lock();
        if !queue.is_closed {
            queue.is_finishing &= !matches!(delivery, Delivery::Close(_));
            queue.deliveries.push_back(delivery);
            self.is_quiet.store(false, Ordering::Release);
            drop(queue);
            self.wake.notify_one();
        }
    }

    fn finish(&self) {
        let mut queue = self.lock();
        queue.is_finishing = !queue.is_closed;
        drop(queue);
        self.wake.notify_one();
    }

    /// Reports whether a Close is to follow what is under way for the client.
    pub(super) fn is_finishing(&self) -> bool {
        self.lock().is_finishing
    }

    /// Queues a delivery unless `max_queue` bytes wait already. Returns false if the client misses it.
    fn offer(&self, delivery: Delivery, max_queue: usize) -> bool {
        let mut queue = self.lock();
        if queue.is_closed {
            return false;
        }
        if let Delivery::Fault(_, latest) = delivery {
            queue.fault_latest.get_or_insert(latest);
        } else if queue.full_since.is_some() {
            queue.skipped += 1;
            return false;
        }
        queue.bytes += delivery.size();
        queue.deliveries.push_back(delivery);
        self.is_quiet.store(false, Ordering::Release);
        if queue.bytes >= max_queue && queue.full_since.is_none() {
            queue.full_since = Some(clock::now());
            self.full.fetch_add(1, Ordering::Relaxed);
        }
        drop(queue);
        self.wake.notify_one();
        true
    }

    /// Keeps a record of the client for the prompt.
    pub(super) fn set_record(&self, record: ClientRecord) {
        // A client is admitted once.
        let _ = self.record.set(Box::new(record));
    }

    /// Returns the record of the client, if there is a prompt.
    pub(super) fn record(&self) -> Option<&ClientRecord> {
        self.record.get().map(|record| &**record)
    }

    /// Returns the number of bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.lock().bytes
    }

    /// Takes the next delivery. A message still counts as waiting until [`Self::sent`].
    pub(super) fn take(&self) -> Option<Delivery> {
        if self.is_quiet.load(Ordering::Acquire) {
            return None;
        }
        let mut queue = self.lock();
        let next = queue.deliveries.pop_front();
        self.is_quiet.store(next.is_none() && !queue.is_dropped, Ordering::Release);
        if matches!(next, Some(Delivery::Fault(..))) {
            queue.find_fault();
        }
        next
    }

    /// Returns the time at which the first fault in the queue happens at the latest, if there is one.
    pub(super) fn fault_latest(&self) -> Option<Instant> {
        self.lock().fault_latest
    }

    /// Takes the first fault in the queue before what precedes it.
    pub(super) fn take_fault(&self) -> Option<FaultEnding> {
        let mut queue = self.lock();
        let at = queue.deliveries.iter().position(|it| matches!(it, Delivery::Fault(..)))?;
        let fault = queue.deliveries.remove(at);
        queue.find_fault();
        match fault {
            Some(Delivery::Fault(ending, _)) => Some(ending),
            _ => None,
        }
    }

    /// Records that a message was taken completely by the session, with `max_queue` as the limit of
    /// the queue.
    pub(super) fn sent(&self, bytes: usize, max_queue: usize) {
        let mut queue = self.lock();
        queue.bytes = queue.bytes.saturating_sub(bytes + MESSAGE_OVERHEAD_BYTES);
        // Not at once below the limit, so that senders are not woken for each message.
        if queue.full_since.is_some() && queue.bytes <= max_queue / 2 {
            queue.full_since = None;
            drop(queue);
            self.full.fetch_sub(1, Ordering::Relaxed);
            self.room.notify_waiters();
        }
    }

    /// Reports whether the client was too slow, so that its session is to be closed.
    pub(super) fn is_dropped(&self) -> bool {
        !self.is_quiet.load(Ordering::Acquire) && self.lock().is_dropped
    }

    /// Returns the number of messages that the client missed.
    pub(super) fn skipped(&self) -> u64 {
        self.lock().skipped
    }

    /// Discards what waits, and takes nothing more.
    fn close(&self) {
        let mut queue = self.lock();
        queue.is_closed = true;
        queue.is_finishing = false;
        queue.deliveries.clear();
        queue.fault_latest = None;
        if queue.full_since.take().is_some() {
            self.full.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn drop_client(&self) {
        self.close();
        let mut queue = self.lock();
        queue.is_dropped = true;
        self.is_quiet.store(false, Ordering::Release);
        drop(queue);
        self.wake.notify_one();
    }
}

impl Queue {
    /// Finds the time of the first fault.
    fn find_fault(&mut self) {
        self.fault_latest = self.deliveries.iter().find_map(|it| match it {
            Delivery::Fault(_, latest) => Some(*latest),
            _ => None,
        });
    }
}

impl Delivery {
    /// Returns the size that counts in a queue.
    fn size(&self) -> usize {
        MESSAGE_OVERHEAD_BYTES
            + match self {
                Self::Message(message) => message.payload().len(),
                Self::Ping(payload) | Self::Pong(payload) => payload.len(),
                Self::Close(_) | Self::Fault(..) => 0,
            }
    }
}

/// The Close for a client that does not read fast enough.
pub(super) fn too_slow() -> Close {
    Close { code: CloseCode::TRY_AGAIN_LATER, reason: "too slow".to_owned() }
}

/// The time for which a full queue holds up the others: a client that reads may be behind for a
/// moment.
const PATIENCE: Duration = Duration::from_millis(250);
/// The time for which the queues of all recipients may be full before a client's message is dropped
/// with them.
const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// The memory of a message in a queue beyond its payload.
pub(super) const MESSAGE_OVERHEAD_BYTES: usize = 32;
