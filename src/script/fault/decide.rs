//! Which faults happen to which message of a session.
//!
//! A decision depends only on the seed, the number of the client and the messages before. Each rule
//! has separate random numbers for each direction, so that a decision about a message does not depend
//! on the number of messages in the other direction.

use super::{
    answered::Answered,
    rule::{ControlKind, CutPlace, Fault, FaultRule, Threshold},
};
use crate::{
    proto::{Close, Leg, trace::Direction},
    random::Seeded,
};
use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The faults of one session.
#[derive(Debug)]
pub struct FaultSchedule {
    pub(super) rules: Arc<[FaultRule]>,
    pub(super) states: Vec<RuleState>,
    pub(super) started: Instant,
    /// Faults of single messages that are sent, by the number of the message.
    once: BTreeMap<u64, Vec<Fault>>,
    /// Random numbers of those faults.
    random: Seeded,
    /// The types of control frames that the schedule drops from now on.
    swallowed: Vec<ControlKind>,
    /// The faults that have happened, if they are to be told.
    pub(super) happened: Option<Vec<PerformedFault>>,
    /// The directions in which no more messages are passed on, because the session is closing.
    pub(super) closed: Vec<Direction>,
    needs_content: bool,
    /// The time of the clock at which the session began.
    pub(super) started_at: SystemTime,
    /// Messages that are to be sent beside those of the peers.
    pub(super) injected: Vec<(Leg, Vec<u8>)>,
    /// True once a received message was corrupted.
    has_corrupted: bool,
}

#[derive(Debug)]
pub(super) struct RuleState {
    received: DirectionState,
    sent: DirectionState,
    /// True once a fault that ends or stalls the session without a message has happened.
    has_happened: bool,
}

/// A fault of a rule that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformedFault {
    /// The index of the rule.
    pub rule: usize,
    /// The direction and the number of the message or control frame that it happened to, if any.
    pub to: Option<(Direction, FaultyFrame)>,
}

/// A message, by its number from 1, or a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultyFrame {
    /// A message.
    Message(u64),
    /// A control frame.
    Control,
}

/// The state of a rule in one direction.
#[derive(Debug)]
pub(super) struct DirectionState {
    /// The number of messages so far.
    passed: u64,
    /// The number of messages or control frames that met the other conditions.
    met: u64,
    pub(super) random: Seeded,
}

/// The faults of one message or control frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The connection ends or stalls instead.
    pub ending: Option<FaultEnding>,
    /// It is not passed on.
    pub is_dropped: bool,
    /// It is passed on twice.
    pub is_duplicated: bool,
    /// A byte of its payload, as a fraction of the length, is changed in these bits.
    pub corruption: Option<(f64, u8)>,
    /// It is passed on in this many fragments.
    pub fragments: Option<NonZeroU32>,
    /// The time by which it is passed on later.
    pub delay: Duration,
    /// The bytes a second at which it is passed on; unlimited if `None`.
    pub rate: Option<NonZeroU64>,
}

/// A fault that ends a connection, or stops it for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultEnding {
    /// Nothing is read or written for this long, or until the peer leaves.
    Stall(Option<Duration>),
    /// The connection ends without a Close.
    Cut(CutPlace),
    /// The connection ends with a TCP reset.
    Reset,
    /// The session is closed.
    Close(Close),
}

impl FaultSchedule {
    /// Creates the schedule of the client with this number, whose session begins at `now`.
    pub fn new(rules: Arc<[FaultRule]>, seed: u64, client: u64, now: Instant) -> Self {
        let mut stream = 0;
        let mut random = || {
            stream += 1;
            Seeded::stream(seed, client, stream)
        };
        let mut state = || DirectionState { passed: 0, met: 0, random: random() };
        let states = rules.iter().map(|_| RuleState {
            received: state(),
            sent: state(),
            has_happened: false,
        });
        let states = states.collect();
        Self {
            needs_content: rules
                .iter()
                .any(|rule| rule.when.matcher.is_some() || matches!(rule.fault, Fault::Rewrite(_))),
            started_at: SystemTime::UNIX_EPOCH,
            injected: Vec::new(),
            states,
            rules,
            started: now,
            once: BTreeMap::new(),
            random: random(),
            swallowed: Vec::new(),
            happened: None,
            closed: Vec::new(),
            has_corrupted: false,
        }
    }

    /// Sets the time of the clock at which the session began.
    #[must_use]
    pub fn with_time(self, started_at: SystemTime) -> Self {
        Self { started_at, ..self }
    }

    /// Records the faults that happen from now on.
    #[must_use]
    pub fn with_record(self) -> Self {
        Self { happened: Some(Vec::new()), ..self }
    }

    /// Takes the faults that have happened since the last call, if they are recorded. Of many, only the
    /// first ones are.
    pub fn take_happened(&mut self) -> Vec<PerformedFault> {
        self.happened.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Adds faults of the message with this number of those that are sent, from 1.
    pub fn add_once(&mut self, message: u64, faults: &[Fault]) {
        self.once.entry(message).or_default().extend_from_slice(faults);
    }

    /// Passes on no more control frames of this type.
    pub fn swallow(&mut self, kind: ControlKind) {
        if !self.swallowed.contains(&kind) {
            self.swallowed.push(kind);
        }
    }

    /// Passes on no more messages in a direction, only control frames, because the session is closing.
    pub fn close(&mut self, direction: Direction) {
        self.closed.push(direction);
    }

    /// Reports whether decisions depend on the content of messages.
    pub(super) fn needs_content(&self) -> bool {
        self.needs_content
    }

    /// Decides about the message with this number of its direction, from 1.
    pub fn message(
        &mut self,
        direction: Direction,
        number: u64,
        payload: &[u8],
        now: Instant,
    ) -> Effects {
        let mut effects = Effects::default();
        if self.closed.contains(&direction) {
            effects.is_dropped = true;
            return effects;
        }
        let time = self.time(now);
        for (index, (rule, state)) in self.rules.iter().zip(&mut self.states).enumerate() {
            let is_ending_without_message = rule.is_single() && !rule.needs_message();
            let is_of_message =
                !matches!(rule.fault, Fault::Swallow(_) | Fault::Refuse(_) | Fault::Rewrite(_));
            let matches =
                |payload| rule.when.matcher.as_ref().is_none_or(|it| it.is_match(payload));
            if is_of_message
                && !is_ending_without_message
                && state.of(direction).is_begun(rule, direction, self.started, now)
                && matches(payload)
                && state.of(direction).is_met(rule)
            {
                let random = &mut state.of(direction).random;
                effects.add(&rule.fault, random);
                let random = &mut || random.bytes();
                let answered = Answered { content: payload, number, time, random };
                self.injected.extend(answered.injected(rule));
                record(&mut self.happened, index, Some((direction, FaultyFrame::Message(number))));
            }
        }
        if direction == Direction::Out
            && let Some(faults) = self.once.remove(&number)
        {
            for fault in &faults {
                effects.add(fault, &mut self.random);
            }
        }
        self.has_corrupted |= direction == Direction::In && effects.corruption.is_some();
        effects
    }

    /// Reports whether a received message was corrupted.
    pub fn has_corrupted(&self) -> bool {
        self.has_corrupted
    }

    /// Records that a message was passed on, or was dropped.
    pub fn passed(&mut self, direction: Direction) {
        if self.closed.contains(&direction) {
            return;
        }
        for state in &mut self.states {
            state.of(direction).passed += 1;
        }
    }

    /// Decides about a control frame; `kind` is that of a ping or pong.
    pub fn control(
        &mut self,
        direction: Direction,
        kind: Option<ControlKind>,
        now: Instant,
    ) -> Effects {
        let mut effects = Effects {
            is_dropped: kind.is_some_and(|kind| self.swallowed.contains(&kind)),
            ..Effects::default()
        };
        for (index, (rule, state)) in self.rules.iter().zip(&mut self.states).enumerate() {
            let is_concerned = match &rule.fault {
                Fault::Swallow(swallowed) => kind == Some(*swallowed),
                Fault::Delay { .. } | Fault::Throttle(_) => !rule.needs_message(),
                _ => false,
            };
            if is_concerned
                && state.of(direction).is_begun(rule, direction, self.started, now)
                && state.of(direction).is_met(rule)
            {
                effects.add(&rule.fault, &mut state.of(direction).random);
                record(&mut self.happened, index, Some((direction, FaultyFrame::Control)));
            }
        }
        effects
    }

    /// Returns the next fault that ends or stalls the session without a message, if one is due.
    pub fn due(&mut self, now: Instant) -> Option<FaultEnding> {
        if !self.closed.is_empty() {
            return None;
        }
        let time = self.time(now);
        for (index, (rule, state)) in self.rules.iter().zip(&mut self.states).enumerate() {
            let is_due = match rule.when.after {
                None => true,
                Some(Threshold::Messages(number)) => [Direction::In, Direction::Out]
                    .into_iter()
                    .any(|it| rule.concerns(it) && state.of(it).passed >= number),
                Some(Threshold::Time(time)) => is_past(self.started, time, now),
            };
            if is_due && !state.has_happened && !rule.needs_message() && rule.is_single() {
                state.has_happened = true;
                record(&mut self.happened, index, None);
                if let Some(ending) = FaultEnding::of(&rule.fault) {
                    return Some(ending);
                }
                let random = &mut || state.received.random.bytes();
                let answered = Answered { content: &[], number: 1, time, random };
                self.injected.extend(answered.injected(rule));
            }
        }
        None
    }

    /// Returns the next time at which [`Self::due`] may return a fault, if there is one.
    pub fn deadline(&self) -> Option<Instant> {
        let rules = self.rules.iter().zip(&self.states).filter(|_| self.closed.is_empty());
        let times = rules.filter_map(|(rule, state)| match rule.when.after {
            Some(Threshold::Time(time))
                if !state.has_happened && !rule.needs_message() && rule.is_single() =>
            {
                self.started.checked_add(time)
            }
            _ => None,
        });
        times.min()
    }
}

impl RuleState {
    pub(super) fn of(&mut self, direction: Direction) -> &mut DirectionState {
        match direction {
            Direction::In => &mut self.received,
            Direction::Out => &mut self.sent,
        }
    }
}

impl DirectionState {
    /// Reports whether a rule concerns messages in a direction by now.
    pub(super) fn is_begun(
        &self,
        rule: &FaultRule,
        direction: Direction,
        started: Instant,
        now: Instant,
    ) -> bool {
        rule.concerns(direction)
            && match rule.when.after {
                None => true,
                Some(Threshold::Messages(number)) => self.passed >= number,
                Some(Threshold::Time(time)) => is_past(started, time, now),
            }
    }

    /// Counts a message that meets the other conditions, and reports whether the fault happens to it.
    pub(super) fn is_met(&mut self, rule: &FaultRule) -> bool {
        self.met += 1;
        rule.when.every.is_none_or(|every| self.met.is_multiple_of(every.get()))
            && rule.when.chance.is_none_or(|chance| self.random.fraction() < chance)
    }
}

pub(super) fn record(
    happened: &mut Option<Vec<PerformedFault>>,
    rule: usize,
    to: Option<(Direction, FaultyFrame)>,
) {
    if let Some(happened) = happened.as_mut().filter(|it| it.len() < MAX_RECORDED) {
        happened.push(PerformedFault { rule, to });
    }
}

fn is_past(started: Instant, time: Duration, now: Instant) -> bool {
    now.saturating_duration_since(started) >= time
}

impl FaultRule {
    /// Reports whether the fault happens once if no message makes it happen.
    fn is_single(&self) -> bool {
        FaultEnding::of(&self.fault).is_some() || matches!(self.fault, Fault::Inject { .. })
    }

    fn concerns(&self, direction: Direction) -> bool {
        self.when.direction.is_none_or(|only| only == direction)
    }
}

impl FaultEnding {
    /// Returns what a fault does to the connection, if it ends or stalls it.
    fn of(fault: &Fault) -> Option<Self> {
        Some(match fault {
            Fault::Stall(time) => Self::Stall(*time),
            Fault::Cut(place) => Self::Cut(*place),
            Fault::Reset => Self::Reset,
            Fault::Close(close) => Self::Close(close.clone()),
            _ => return None,
        })
    }
}

impl Effects {
    fn add(&mut self, fault: &Fault, random: &mut Seeded) {
        match fault {
            Fault::Delay { time, jitter } => {
                self.delay += *time;
                if !jitter.is_zero() {
                    self.delay += jitter.mul_f64(random.fraction());
                }
            }
            Fault::Throttle(rate) => {
                self.rate = Some(self.rate.map_or(*rate, |other| other.min(*rate)));
            }
            Fault::Drop | Fault::Swallow(_) => self.is_dropped = true,
            Fault::Duplicate => self.is_duplicated = true,
            Fault::Corrupt => {
                let [bits, ..] = random.bytes();
                // At least one bit changes.
                self.corruption = Some((random.fraction(), bits.max(1)));
            }
            Fault::Split(fragments) => self.fragments = Some(*fragments),
            Fault::Refuse(_) | Fault::Rewrite(_) | Fault::Inject { .. } => {}
            Fault::Stall(_) | Fault::Cut(_) | Fault::Reset | Fault::Close(_) => {
                self.ending = self.ending.take().or_else(|| FaultEnding::of(fault));
            }
        }
    }
}

/// The number of faults that are recorded at most before they are taken.
const MAX_RECORDED: usize = 100;
