//! The events of clients that no line of stdin has waited for yet. A line that waits may be read
//! after its event happened.

use super::hub::Recipients;
use crate::script::awaited::{AwaitedEvent, AwaitedKind};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// The log of events.
pub(super) struct EventLog {
    /// `None` if no line can wait.
    log: Option<Mutex<Log>>,
    appended: Notify,
}

/// A line that waits for an event.
pub(super) struct PendingWait {
    pub(super) awaited: AwaitedEvent,
    pub(super) from: Recipients,
    /// The number of the line.
    pub(super) line: u64,
    pub(super) deadline: Option<Instant>,
}

#[derive(Default)]
struct Log {
    events: VecDeque<LoggedEvent>,
    /// The payload bytes of the events.
    bytes: usize,
}

struct LoggedEvent {
    client: u64,
    kind: AwaitedKind,
    data: Vec<u8>,
}

impl EventLog {
    /// Creates a log. Events are kept only if `keeps`.
    pub(super) fn new(keeps: bool) -> Self {
        Self { log: keeps.then(Mutex::default), appended: Notify::new() }
    }

    /// Adds an event. Of a long message, the start is kept; if much is kept, the oldest events are
    /// dropped.
    pub(super) fn add(&self, client: u64, kind: AwaitedKind, data: &[u8]) {
        let Some(log) = &self.log else { return };
        let mut log = lock(log);
        let data = data.get(..MAX_BYTES).unwrap_or(data).to_vec();
        log.bytes += data.len();
        log.events.push_back(LoggedEvent { client, kind, data });
        while log.bytes > MAX_BYTES || log.events.len() > MAX_EVENTS {
            let Some(oldest) = log.events.pop_front() else { break };
            log.bytes -= oldest.data.len();
        }
        drop(log);
        self.appended.notify_one();
    }

    /// Reports whether an event meets a wait. That event and earlier ones of the same client are
    /// removed.
    pub(super) fn meets(&self, wait: &PendingWait) -> bool {
        let Some(log) = &self.log else { return false };
        let mut log = lock(log);
        let found = log.events.iter().enumerate().find(|(_, event)| {
            wait.from.include(event.client) && wait.awaited.is_met(event.kind, &event.data)
        });
        let Some((last, client)) = found.map(|(at, event)| (at, event.client)) else {
            return false;
        };
        let mut at = 0;
        log.events.retain(|event| {
            at += 1;
            event.client != client || at - 1 > last
        });
        log.bytes = log.events.iter().map(|event| event.data.len()).sum();
        true
    }

    /// Waits until an event was added. For one waiter.
    pub(super) async fn appended(&self) {
        self.appended.notified().await;
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The greatest number of payload bytes that are kept.
const MAX_BYTES: usize = 1 << 20;
/// The greatest number of events that are kept.
const MAX_EVENTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(line: &str, from: Recipients) -> PendingWait {
        let awaited = AwaitedEvent::parse(line.as_bytes()).unwrap().unwrap();
        PendingWait { awaited, from, line: 1, deadline: None }
    }

    #[test]
    fn an_event_meets_one_wait_and_passes_those_before_it() {
        let log = EventLog::new(true);
        log.add(1, AwaitedKind::Open, b"/");
        log.add(2, AwaitedKind::Message, b"other");
        log.add(1, AwaitedKind::Message, b"one");
        log.add(1, AwaitedKind::Message, b"two");
        let any = |pattern: &str| {
            let line = format!(r#"{{"type":"await","match":"{pattern}"}}"#);
            wait(&line, Recipients::All)
        };
        assert!(log.meets(&any("one")) && !log.meets(&any("one")));
        let open = wait(r#"{"type":"await","event":"open"}"#, Recipients::All);
        assert!(!log.meets(&open));
        assert!(!log.meets(&wait(r#"{"type":"await","match":"two"}"#, Recipients::Only(vec![2]))));
        assert!(log.meets(&any("two")) && log.meets(&any("other")));
        assert!(!log.meets(&any("")));
    }

    #[test]
    fn the_log_is_bounded() {
        let log = EventLog::new(true);
        for n in 0..3_000 {
            log.add(1, AwaitedKind::Message, &vec![b'x'; n]);
        }
        let kept = lock(log.log.as_ref().unwrap());
        assert!(kept.bytes <= MAX_BYTES && kept.events.back().unwrap().data.len() == 2_999);
    }
}
