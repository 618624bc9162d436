//! The faults of one client's connection: those of rules (`--fault`, `[[fault]]`), of replies
//! and of lines of stdin (`--input jsonl`).

use super::{hub::Mailbox, shared::Shared};
use crate::{
    connect::Established,
    escape::Escaped,
    mode::faulty::{FaultLine, FaultyTransport},
    net::TransportHandle,
    proto::trace::Direction,
    script::{
        fault::{
            ControlKind, Fault, FaultEnding, FaultRule, FaultSchedule, FaultyFrame, PerformedFault,
        },
        reply::replies::{Replies, Route},
    },
    session::{Session, clock},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep_until;

/// The faults of a client's connection.
pub(super) struct ClientFaults {
    /// The line on which frames suffer faults, if there are such faults.
    line: Option<Arc<FaultLine>>,
    rules: Arc<[FaultRule]>,
    client: u64,
    /// Control over the client's connection or HTTP/2 stream, if a fault acts on it.
    handle: Option<TransportHandle>,
    /// A fault that is performed once everything was sent, but at its time at the latest.
    pending: Option<Pending>,
    stall: Option<StallTime>,
    /// The words for the fault that ended the connection.
    ended: Option<&'static str>,
    /// True if it was ended by a cut.
    is_cut: bool,
}

struct Pending {
    ending: FaultEnding,
    origin: Origin,
    latest: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Rule,
    Reply,
    Stdin,
}

/// A time in which the server neither reads nor writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StallTime {
    Until(Instant, Origin),
    Endless(Origin),
}

/// Returns the fault rules of the sessions on a route.
pub(super) fn rules(shared: &Shared, replies: Option<(&Replies, &Route)>) -> Arc<[FaultRule]> {
    let all = &shared.job.faults;
    let of_route = replies.map(|(replies, route)| replies.faults(route));
    match of_route.filter(|rules| !rules.is_empty()) {
        None => Arc::clone(all),
        Some(rules) if all.is_empty() => rules,
        Some(rules) => all.iter().chain(&*rules).cloned().collect(),
    }
}

/// Makes frames suffer faults between a session and the client with this number.
pub(super) fn on_the_way(
    established: Established,
    rules: &Arc<[FaultRule]>,
    shared: &Shared,
    client: u64,
) -> (Established, Option<Arc<FaultLine>>) {
    let schedule = FaultSchedule::new(Arc::clone(rules), shared.job.seed, client, clock::now());
    let schedule = if shared.notes.is_verbose() { schedule.with_record() } else { schedule };
    let Established { transport, rest, .. } = established;
    let (transport, line) = FaultyTransport::new(transport, rest, schedule);
    let transport = Box::new(transport);
    (Established { transport, rest: Vec::new(), ..established }, Some(line))
}

impl ClientFaults {
    pub(super) fn new(
        client: u64,
        line: Option<(Arc<FaultLine>, Arc<[FaultRule]>)>,
        handle: Option<TransportHandle>,
    ) -> Self {
        let (line, rules) = line.unzip();
        let rules = rules.unwrap_or_default();
        Self { line, rules, client, handle, pending: None, stall: None, ended: None, is_cut: false }
    }

    /// Ends or stalls the connection once everything was sent, but after `limit` at the latest.
    pub(super) fn begin(&mut self, ending: FaultEnding, origin: Origin, limit: Duration) {
        if let Some(line) = &self.line {
            line.report_drained();
        }
        let latest = later(limit);
        self.pending = Some(Pending { ending, origin, latest });
    }

    /// Begins the first fault in the queue of the client before what precedes it: if its time has come,
    /// if the session is closing, so that the queue is not sent, or if the connection is stalled until
    /// the next fault. Returns the time at which the next one happens at the latest.
    pub(super) fn begin_queued(&mut self, mailbox: &Mailbox, session: &Session) -> Option<Instant> {
        let latest = mailbox.fault_latest()?;
        let is_endless = matches!(self.stall, Some(StallTime::Endless(_)));
        let left = latest.saturating_duration_since(clock::now());
        if session.is_open() && !is_endless && left > Duration::ZERO {
            return Some(latest);
        }
        if let Some(ending) = mailbox.take_fault() {
            self.resume();
            self.begin(ending, Origin::Stdin, if is_endless { Duration::ZERO } else { left });
        }
        mailbox.fault_latest()
    }

    /// Reports whether a fault waits until everything was sent.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Adds faults of the message that was queued last.
    pub(super) fn add_once(&self, session: &Session, faults: &[Fault]) {
        if let Some(line) = self.line.as_ref().filter(|_| !faults.is_empty()) {
            line.add_once(session.tallies().1.messages(), faults);
        }
    }

    /// Passes on no more control frames of this type.
    pub(super) fn swallow(&self, kind: ControlKind) {
        if let Some(line) = &self.line {
            line.swallow(kind);
        }
    }

    /// Waits until a rule ends or stalls the connection, or all was sent before that.
    pub(super) async fn changed(&self) {
        match &self.line {
            Some(line) => line.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the time at which there is something to do, if any.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let latest = self.pending.as_ref().map(|pending| pending.latest);
        latest.or_else(|| self.line.as_ref().and_then(|line| line.deadline()))
    }

    /// Performs what is due. Returns true if the connection is to end.
    pub(super) fn perform(&mut self, session: &mut Session, shared: &Shared) -> bool {
        let now = clock::now();
        if let Some(line) = &self.line {
            line.check(now);
            if shared.notes.is_verbose() {
                self.tell(line, shared);
            }
            match line.take_ending() {
                Some(FaultEnding::Close(close)) => {
                    // Fails only if the session is closing.
                    let _ = session.close(&close);
                }
                Some(ending) => {
                    let latest = later(shared.job.common.settings.close_timeout);
                    self.pending = Some(Pending { ending, origin: Origin::Rule, latest });
                }
                None => {}
            }
        }
        if let Some(pending) = self.pending.take_if(|it| it.is_due(session, self.line.as_deref())) {
            self.end(pending, now);
        }
        self.ended.is_some()
    }

    /// Tells the faults that have happened.
    fn tell(&self, line: &FaultLine, shared: &Shared) {
        for PerformedFault { rule, to } in line.take_happened() {
            let Some(rule) = self.rules.get(rule) else { continue };
            let (client, rule) = (self.client, rule.to_string());
            let (client, rule) = (client, Escaped(&rule));
            let direction = |direction| match direction {
                Direction::In => "received",
                Direction::Out => "sent",
            };
            shared.notes.detail(&match to {
                Some((way, FaultyFrame::Message(number))) => {
                    format!("client {client}: '{rule}', at message {number} {}", direction(way))
                }
                Some((way, FaultyFrame::Control)) => {
                    format!("client {client}: '{rule}', at a control frame {}", direction(way))
                }
                None => format!("client {client}: '{rule}'"),
            });
        }
    }

    fn end(&mut self, Pending { ending, origin, .. }: Pending, now: Instant) {
        match ending {
            FaultEnding::Cut(_) => {
                self.is_cut = true;
                self.ended = Some(match origin {
                    Origin::Rule => "cut by a fault",
                    Origin::Reply => "cut by the reply script",
                    Origin::Stdin => "cut by a line of stdin",
                });
            }
            FaultEnding::Reset => {
                self.ended = Some(match origin {
                    Origin::Rule => "reset by a fault",
                    Origin::Reply => "reset by the reply script",
                    Origin::Stdin => "reset by a line of stdin",
                });
                // Otherwise the connection is cut.
                if let Some(handle) = &self.handle {
                    handle.reset_at_end();
                }
            }
            FaultEnding::Stall(time) => {
                let end = time.and_then(|time| now.checked_add(time));
                self.stall = Some(
                    end.map_or(StallTime::Endless(origin), |end| StallTime::Until(end, origin)),
                );
            }
            FaultEnding::Close(_) => {}
        }
    }

    /// Reports whether the server neither reads nor writes.
    pub(super) fn is_stalled(&self) -> bool {
        self.stall.is_some()
    }

    /// Waits for the end of the time in which the server neither reads nor writes, or for that of the
    /// connection if there is no such time.
    pub(super) async fn stalled(&mut self) {
        match self.stall {
            Some(StallTime::Until(time, _)) => sleep_until(time.into()).await,
            Some(StallTime::Endless(origin)) => {
                match &self.handle {
                    Some(handle) => handle.ended_by_peer().await,
                    None => std::future::pending().await,
                }
                self.ended = Some(match origin {
                    Origin::Rule => "left while a fault stalled",
                    Origin::Reply => "left while the reply script stalled",
                    Origin::Stdin => "left while a line of stdin stalled",
                });
            }
            None => {}
        }
        self.resume();
    }

    /// Ends the time in which the server neither reads nor writes.
    pub(super) fn resume(&mut self) {
        self.stall = None;
        if let Some(line) = &self.line {
            line.resume();
        }
    }

    /// Reports whether a message that the client sent was corrupted.
    pub(super) fn has_corrupted(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.has_corrupted())
    }

    /// Reports whether the connection was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns how the connection was ended, if it was.
    pub(super) fn ended(&self) -> Option<&'static str> {
        self.ended
    }
}

impl Pending {
    fn is_due(&self, session: &Session, line: Option<&FaultLine>) -> bool {
        let is_sent = match (self.origin, &self.ending, line) {
            // The session sends the rest of its queue after the stall.
            (Origin::Rule, FaultEnding::Stall(_), Some(line)) => line.is_drained(),
            _ => !session.has_unsent_bytes(),
        };
        is_sent || self.latest <= clock::now()
    }
}

fn later(limit: Duration) -> Instant {
    let now = clock::now();
    now.checked_add(limit).unwrap_or(now)
}
