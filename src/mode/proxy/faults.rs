//! The faults of a pair: what its legs have sent suffers them before it is passed on.
//!
//! As in a server, the direction of a rule is `in` for what the client has sent and `out` for what is
//! sent to it. A fault that ends, closes or stalls the session concerns both connections, and is
//! performed once all that was passed on before has left, but after the limit for closing at the latest.

use super::{
    fault_lane::{FaultLane, Recoding},
    shared::{OpenPair, Shared},
};
use crate::{
    escape::Escaped,
    proto::{
        Close, CloseCode, Leg, deflate::InvalidDeflate, extension::params::Deflate,
        handshake::Agreement, role::Role, trace::Direction,
    },
    script::fault::{FaultEnding, FaultRule, FaultSchedule, FaultyFrame, PerformedFault},
    session::clock,
};
use std::{
    pin::Pin,
    sync::Arc,
    task::Context,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::{Sleep, sleep};

/// The faults of a pair.
pub(super) struct PairFaults {
    schedule: FaultSchedule,
    /// The bytes that the client has sent.
    client: FaultLane,
    /// The bytes that the server has sent.
    server: FaultLane,
    /// A fault of both connections that waits until all before it has left.
    pending: Option<PendingFault>,
    stall: Option<StallEnd>,
    is_closing: bool,
    /// True if the flows must be polled again.
    has_injected: bool,
    close_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

struct PendingFault {
    ending: FaultEnding,
    latest: Instant,
}

/// The end of a time in which nothing is passed on.
enum StallEnd {
    At(Instant),
    /// A leg ends.
    Leaving,
}

/// A fault of both connections that the pair performs.
#[derive(Debug, PartialEq)]
pub(super) enum FaultOutcome {
    /// Both connections end without a Close.
    Cut,
    /// Both connections end with a reset.
    Reset,
    /// Both legs are sent a Close.
    Close(Close),
    /// This leg has ended while nothing was passed on.
    Left(Leg),
}

impl PairFaults {
    /// Returns the faults of the session with this number, if there are rules. If they concern the
    /// content of messages that may be compressed, each direction is inflated before and compressed
    /// after them.
    pub(super) fn of_job(shared: &Shared, number: u64, agreement: &Agreement) -> Option<Self> {
        let rules = &shared.job.faults;
        if !rules.iter().any(FaultRule::is_of_session) {
            return None;
        }
        let schedule = FaultSchedule::new(Arc::clone(rules), shared.job.seed, number, clock::now())
            .with_time(SystemTime::now());
        let schedule = if shared.notes.is_verbose() { schedule.with_record() } else { schedule };
        let mut faults = Self::new(schedule, shared.job.close_timeout);
        if let Some(deflate) = agreement.deflate
            && rules.iter().any(FaultRule::needs_content)
        {
            shared.notes.detail(&format!(
                "client {number}: messages are decompressed and compressed again for the rules"
            ));
            faults.recode(deflate);
        }
        Some(faults)
    }

    /// Inflates messages before the faults, and compresses them after those.
    fn recode(&mut self, deflate: Deflate) {
        self.client.recoding = Some(Box::new(Recoding::new(deflate.side(Role::Client))));
        self.server.recoding = Some(Box::new(Recoding::new(deflate.side(Role::Server))));
    }

    /// Creates the faults of a session. Those that wait are performed after this time.
    pub(super) fn new(schedule: FaultSchedule, close_timeout: Duration) -> Self {
        let mut faults = Self {
            schedule,
            client: FaultLane::new(Direction::In),
            server: FaultLane::new(Direction::Out),
            pending: None,
            stall: None,
            is_closing: false,
            has_injected: false,
            close_timeout,
            timer: Box::pin(sleep(Duration::ZERO)),
        };
        faults.check(clock::now());
        faults
    }

    fn lane(&self, from: Leg) -> &FaultLane {
        match from {
            Leg::Client => &self.client,
            Leg::Server => &self.server,
        }
    }

    fn lane_mut(&mut self, from: Leg) -> &mut FaultLane {
        match from {
            Leg::Client => &mut self.client,
            Leg::Server => &mut self.server,
        }
    }

    /// Reports whether more of a leg may be read.
    pub(super) fn has_room(&self, from: Leg) -> bool {
        let waiting = self.lane(from).waiting();
        if self.stall.is_some() {
            // The end of a leg is noticed only if it is read.
            return waiting < STALLED_BYTES;
        }
        self.pending.is_none() && waiting == 0 && self.lane(from).has_room()
    }

    /// Takes bytes that a leg has sent.
    pub(super) fn push(&mut self, from: Leg, bytes: &[u8]) {
        self.lane_mut(from).push(bytes);
        self.take(from);
    }

    /// Takes the end of what a leg has sent.
    pub(super) fn finish(&mut self, from: Leg) {
        self.lane_mut(from).is_at_end = true;
        self.take(from);
    }

    /// Decides about the bytes that wait, up to a fault of both connections.
    fn take(&mut self, from: Leg) {
        if self.pending.is_some() || self.stall.is_some() {
            return;
        }
        let now = clock::now();
        let lane = match from {
            Leg::Client => &mut self.client,
            Leg::Server => &mut self.server,
        };
        match lane.take(&mut self.schedule, now) {
            Ok(None) => {}
            Ok(Some(ending)) => self.begin(ending, now),
            Err(InvalidDeflate) => {
                let reason = format!("the {from} compressed a message wrongly");
                let close = Close { code: CloseCode::INVALID_PAYLOAD, reason };
                self.begin(FaultEnding::Close(close), now);
            }
        }
        self.inject(now);
    }

    /// Inserts the messages that rules send.
    fn inject(&mut self, now: Instant) {
        self.has_injected |= self.client.inject(&mut self.schedule, now);
        self.has_injected |= self.server.inject(&mut self.schedule, now);
    }

    /// Reports whether bytes of a leg may be passed on now.
    pub(super) fn has_ready(&mut self, from: Leg) -> bool {
        if self.stall.is_some() {
            return false;
        }
        let is_last = self.is_cut() || self.lane(from).is_finished;
        self.lane_mut(from).has_ready(is_last, clock::now())
    }

    /// Moves bytes of a leg that may be passed on now. Returns their number.
    pub(super) fn pull(&mut self, from: Leg, buffer: &mut [u8]) -> usize {
        let pulled = self.lane_mut(from).pull(buffer, clock::now());
        if self.lane(from).waiting() > 0 {
            self.take(from);
        }
        pulled
    }

    /// Reports whether all that a leg has sent until its end was passed on.
    pub(super) fn is_finished(&self, from: Leg) -> bool {
        let lane = self.lane(from);
        lane.is_finished && lane.is_empty()
    }

    /// Reports whether no byte will follow those that were passed on.
    pub(super) fn is_last(&self, from: Leg) -> bool {
        self.is_finished(from) || (self.is_cut() && self.lane(from).is_empty())
    }

    /// Reports whether the connections are being cut.
    fn is_cut(&self) -> bool {
        let is_cut = |pending: &PendingFault| matches!(pending.ending, FaultEnding::Cut(_));
        self.pending.as_ref().is_some_and(is_cut)
    }

    /// Passes on no more messages, only control frames, since the session is closed by us.
    pub(super) fn close(&mut self) {
        if !std::mem::replace(&mut self.is_closing, true) {
            (self.pending, self.stall) = (None, None);
            self.schedule.close(Direction::In);
            self.schedule.close(Direction::Out);
            self.take(Leg::Client);
            self.take(Leg::Server);
        }
    }

    /// Takes the faults that have happened, if they are recorded.
    pub(super) fn take_happened(&mut self) -> Vec<PerformedFault> {
        self.schedule.take_happened()
    }

    /// Begins a fault of both connections that is due without a message.
    fn check(&mut self, now: Instant) {
        if self.pending.is_none() && self.stall.is_none() && !self.is_closing {
            if let Some(ending) = self.schedule.due(now) {
                self.begin(ending, now);
            }
            self.inject(now);
        }
    }

    /// Begins a fault of both connections, unless there is one.
    fn begin(&mut self, ending: FaultEnding, now: Instant) {
        if self.pending.is_none() {
            let latest = now.checked_add(self.close_timeout).unwrap_or(now);
            self.pending = Some(PendingFault { ending, latest });
        }
    }

    /// Performs what is due. `is_written` is true if all that was pulled has left. The task is woken at
    /// the time of what is due next, and when the legs are to be polled again.
    pub(super) fn poll(&mut self, is_written: bool, cx: &mut Context<'_>) -> Option<FaultOutcome> {
        loop {
            let now = clock::now();
            if let Some(stall) = &self.stall {
                match stall {
                    StallEnd::At(end) if *end <= now => {
                        self.stall = None;
                        self.take(Leg::Client);
                        self.take(Leg::Server);
                        cx.waker().wake_by_ref();
                    }
                    StallEnd::At(_) => {}
                    StallEnd::Leaving => {
                        let left = Leg::BOTH.into_iter().find(|leg| self.lane(*leg).is_at_end);
                        if let Some(leg) = left {
                            return Some(FaultOutcome::Left(leg));
                        }
                    }
                }
            }
            self.check(now);
            if std::mem::take(&mut self.has_injected) {
                cx.waker().wake_by_ref();
            }
            let is_passed =
                is_written && Leg::BOTH.into_iter().all(|leg| self.lane(leg).is_empty());
            let pending = self.pending.take_if(|it| is_passed || it.latest <= now);
            if let Some(PendingFault { ending, .. }) = pending {
                cx.waker().wake_by_ref();
                match ending {
                    FaultEnding::Cut(_) => return Some(FaultOutcome::Cut),
                    FaultEnding::Reset => return Some(FaultOutcome::Reset),
                    FaultEnding::Close(close) => return Some(FaultOutcome::Close(close)),
                    FaultEnding::Stall(time) => {
                        let end = time.and_then(|time| now.checked_add(time));
                        self.stall = Some(end.map_or(StallEnd::Leaving, StallEnd::At));
                    }
                }
            }
            let deadline = self.deadline(now)?;
            if self.timer.deadline() != deadline.into() {
                self.timer.as_mut().reset(deadline.into());
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return None;
            }
            // Bytes may be passed on, or a fault is due.
            cx.waker().wake_by_ref();
            if self.pending.is_none() && self.stall.is_none() {
                return None;
            }
        }
    }

    /// Returns the next time at which there is something to do.
    fn deadline(&self, now: Instant) -> Option<Instant> {
        if let Some(stall) = &self.stall {
            return match stall {
                StallEnd::At(end) => Some(*end),
                StallEnd::Leaving => None,
            };
        }
        let next = match &self.pending {
            Some(pending) => Some(pending.latest),
            None => self.schedule.deadline(),
        };
        // What could have left before waits for its leg.
        let lanes = [&self.client, &self.server].into_iter().filter_map(FaultLane::deadline);
        next.into_iter().chain(lanes.filter(|deadline| *deadline > now)).min()
    }
}

/// Tells a fault that has happened.
pub(super) fn tell(open: &OpenPair, PerformedFault { rule, to }: &PerformedFault) {
    let (notes, number) = (&open.shared().notes, open.number);
    let Some(rule) = open.shared().job.faults.get(*rule) else { return };
    let rule = rule.to_string();
    let rule = Escaped(&rule);
    let sender = |direction: &Direction| match direction {
        Direction::In => Leg::Client,
        Direction::Out => Leg::Server,
    };
    notes.detail(&match to {
        Some((direction, FaultyFrame::Message(message))) => {
            let sender = sender(direction);
            format!("client {number}: '{rule}', at message {message} of the {sender}")
        }
        Some((direction, FaultyFrame::Control)) => {
            format!("client {number}: '{rule}', at a control frame of the {}", sender(direction))
        }
        None => format!("client {number}: '{rule}'"),
    });
}

/// The bytes that are read in each direction during a stall.
const STALLED_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests;
