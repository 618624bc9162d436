//! The facts about a client that the prompt of a server shows, and the orders of the prompt for that
//! client. A server without a prompt keeps no records.

use crate::{
    proto::Close,
    redact::Shown,
    session::{Session, clock},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// The record of a client.
pub(super) struct ClientRecord {
    /// The client's address.
    pub(super) address: Shown,
    /// The target of the request.
    pub(super) target: Shown,
    pub(super) subprotocol: Option<Shown>,
    /// The time at which the client was admitted.
    pub(super) since: SystemTime,
    /// The lines of the opening handshake.
    pub(super) handshake: Vec<Shown>,
    orders: Mutex<Orders>,
}

/// Messages and bytes in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// The numbers of received messages and their bytes.
    pub(super) received: (u64, u64),
    /// The same for sent messages.
    pub(super) sent: (u64, u64),
    /// The number of bytes that the session has queued.
    pub(super) queued: usize,
}

#[derive(Default)]
struct Orders {
    traffic: Traffic,
    /// Pings without a pong.
    pings: VecDeque<Arc<[u8]>>,
    /// A Close, and the time at which it is sent before what waits for the client.
    close: Option<(Close, Instant)>,
    is_dropped: bool,
}

impl ClientRecord {
    /// Creates the record of a client that is admitted now.
    pub(super) fn new(
        (address, target): (Shown, Shown),
        subprotocol: Option<Shown>,
        handshake: Vec<Shown>,
    ) -> Self {
        let (since, orders) = (SystemTime::now(), Mutex::default());
        Self { address, target, subprotocol, since, handshake, orders }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a Close, which the client gets after what waits for it, but after `patience` at the
    /// latest.
    pub(super) fn order_close(&self, close: Close, patience: Duration) {
        self.lock().close.get_or_insert((close, clock::now() + patience));
    }

    /// Orders the end of the connection without a Close.
    pub(super) fn order_drop(&self) {
        self.lock().is_dropped = true;
    }

    /// Remembers a ping, so that its pong is shown.
    pub(super) fn pinged(&self, payload: &Arc<[u8]>) {
        let pings = &mut self.lock().pings;
        pings.push_back(Arc::clone(payload));
        if pings.len() > MAX_PINGS {
            pings.pop_front();
        }
    }

    /// Reports whether a pong answers a remembered ping.
    pub(super) fn ponged(&self, payload: &[u8]) -> bool {
        let pings = &mut self.lock().pings;
        let at = pings.iter().position(|ping| &**ping == payload);
        at.is_some_and(|at| pings.drain(..=at).next().is_some())
    }

    /// Carries out what is due for the session. Returns true if the connection is to end.
    pub(super) fn obey(&self, session: &mut Session) -> bool {
        let mut orders = self.lock();
        if let Some((close, _)) = orders.close.take_if(|(_, at)| *at <= clock::now()) {
            // Fails if the session is closing already.
            let _ = session.close(&close);
        }
        orders.is_dropped
    }

    /// Returns the time at which something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lock().close.as_ref().map(|(_, at)| *at)
    }

    /// Records the traffic of the session.
    pub(super) fn note_traffic(&self, session: &Session) {
        let stats = session.stats();
        let sum = |total: crate::proto::tally::Count| (total.messages, total.bytes);
        self.lock().traffic = Traffic {
            received: sum(stats.received.total()),
            sent: sum(stats.sent.total()),
            queued: session.queued(),
        };
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    /// Returns how the connection was ended, if it was dropped.
    pub(super) fn ended(&self) -> Option<&'static str> {
        self.lock().is_dropped.then_some("dropped by /drop")
    }
}

/// The number of unanswered pings that are remembered.
const MAX_PINGS: usize = 64;
