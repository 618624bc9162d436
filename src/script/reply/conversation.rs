//! The conversation of a reply script with one client. It is given events and times, and returns what
//! is to be done.

use super::{
    replies::{Replies, Route},
    rule::{Audience, FIRST_STATE, Rule, RuleTable, Speech, Step, Trigger},
};
use crate::{
    proto::{Close, CloseCode, Kind, handshake::Headers, utf8},
    random::Seeded,
    script::{
        draft::Content,
        fault::{ControlKind, Fault},
        template::{MissingValue, Values},
    },
    target::Target,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The conversation with one client.
#[derive(Debug)]
pub struct Conversation {
    replies: Arc<Replies>,
    table: usize,
    client: u64,
    random: Seeded,
    state: String,
    /// The client, the names of the path and the groups of the patterns that have matched.
    values: BTreeMap<String, Vec<u8>>,
    /// For each rule, how often its event has happened.
    happened: Vec<u64>,
    /// For each rule, how often it was used.
    used: Vec<u64>,
    turns: Vec<Turn>,
    /// The bytes of the messages that turns hold.
    held: usize,
    started: u64,
}

/// A reply that is under way.
#[derive(Debug)]
struct Turn {
    rule: usize,
    /// The number of the turn, which orders turns that are due at the same time.
    number: u64,
    /// The number of this use of the rule, from 1.
    use_number: u64,
    step: usize,
    /// The number of messages that an interval has sent.
    ticks: u64,
    due: Instant,
    message: Option<(Kind, Vec<u8>)>,
    values: BTreeMap<String, Vec<u8>>,
}

/// Something that a reply does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyAction {
    /// Sends a message.
    Send {
        /// The type of the message.
        kind: Kind,
        /// Its payload.
        payload: Vec<u8>,
        /// The clients that it is for.
        to: Audience,
        /// Its faults, as far as it is for the sender.
        faults: Vec<Fault>,
    },
    /// Sends a message to the server that messages are forwarded to.
    Forward(Kind, Vec<u8>),
    /// Passes on no more control frames of this type.
    Swallow(ControlKind),
    /// Starts the closing handshake.
    Close(Close),
    /// Ends the connection without a Close, once everything was sent.
    Cut,
    /// Resets the connection, once everything was sent.
    Reset,
    /// Neither reads nor writes for this long, or without end.
    Stall(Option<Duration>),
    /// Nothing is sent, because a value is missing.
    Missing {
        /// The line of the rule.
        line: usize,
        /// The placeholder.
        value: MissingValue,
    },
}

impl Conversation {
    /// Creates the conversation with the client of this number, whose request has these headers.
    pub fn new(replies: &Arc<Replies>, route: Route, client: u64, headers: &Headers) -> Self {
        let Route { table, values } = route;
        replies.joined(table, client, headers);
        let path = values.into_iter().map(|(name, value)| (format!("path.{name}"), value));
        let name = ("client".to_owned(), client.to_string().into_bytes());
        let rules = replies.script.tables.get(table).map_or(0, |table| table.rules.len());
        Self {
            replies: Arc::clone(replies),
            table,
            client,
            random: Seeded::new(replies.seed, client),
            state: FIRST_STATE.to_owned(),
            values: path.chain([name]).collect(),
            happened: vec![0; rules],
            used: vec![0; rules],
            turns: Vec::new(),
            held: 0,
            started: 0,
        }
    }

    /// Begins the reply to a new client. Returns the line of the rule, if there is one.
    pub fn opened(&mut self, now: Instant) -> Option<usize> {
        self.reply(None, now)
    }

    /// Begins the reply to a message. Returns the line of the rule, if there is one.
    pub fn received(&mut self, kind: Kind, message: &[u8], now: Instant) -> Option<usize> {
        self.reply(Some((kind, message)), now)
    }

    fn reply(&mut self, message: Option<(Kind, &[u8])>, now: Instant) -> Option<usize> {
        let replies = Arc::clone(&self.replies);
        let table = replies.script.tables.get(self.table)?;
        let (index, rule) = table
            .rules
            .iter()
            .enumerate()
            .find(|(index, rule)| self.applies(*index, rule, message))?;
        if let Some(set) = &rule.set {
            self.state.clone_from(set);
        }
        let groups = match (&rule.trigger, message) {
            (Trigger::Match(matcher), Some((_, message))) => matcher.groups(message),
            _ => Vec::new(),
        };
        for (name, value) in groups {
            self.values.insert(name.to_owned(), value.to_vec());
        }
        let used = self.used.get_mut(index)?;
        *used += 1;
        let use_number = *used;
        replies.used(self.table, index);
        if rule.steps.iter().any(|step| matches!(step, Step::Fail)) {
            replies.unexpected(self.client, rule.line);
        }
        if rule.steps.iter().any(|step| matches!(step, Step::Every { times: None, .. })) {
            // Otherwise the number of turns without an end would grow.
            self.retain(|turn| turn.rule != index);
        }
        if !rule.steps.is_empty() {
            self.started += 1;
            let message = message.filter(|_| rule.keeps_message);
            let message = message.map(|(kind, message)| (kind, message.to_vec()));
            let mut turn = Turn {
                rule: index,
                number: self.started,
                use_number,
                step: 0,
                ticks: 0,
                due: now,
                message,
                values: self.values.clone(),
            };
            self.begin_step(&mut turn, rule);
            self.held += turn.held();
            self.turns.push(turn);
        }
        Some(rule.line)
    }

    /// Reports whether a rule is used for an event, which counts for it.
    fn applies(&mut self, index: usize, rule: &Rule, message: Option<(Kind, &[u8])>) -> bool {
        let is_match = match message {
            Some((_, message)) => rule.trigger.is_match(message),
            None => matches!(rule.trigger, Trigger::Open),
        };
        if !is_match || rule.state.as_ref().is_some_and(|state| *state != self.state) {
            return false;
        }
        let happened = match message {
            None => self.replies.opened(self.table, index),
            Some(_) => {
                let Some(happened) = self.happened.get_mut(index) else { return false };
                *happened += 1;
                *happened
            }
        };
        rule.nth.is_none_or(|nth| nth == happened)
            && rule.chance.is_none_or(|chance| self.random.fraction() < chance)
    }

    /// Returns the next action that is due, if any.
    pub fn next(&mut self, now: Instant, wall: SystemTime) -> Option<ReplyAction> {
        let replies = Arc::clone(&self.replies);
        let table = replies.script.tables.get(self.table)?;
        loop {
            let due = self.turns.iter().enumerate().filter(|(_, turn)| turn.due <= now);
            let (index, _) = due.min_by_key(|(_, turn)| (turn.due, turn.number))?;
            let mut turn = self.turns.swap_remove(index);
            self.held -= turn.held();
            let action = self.act(table, &mut turn, now, wall);
            if action.as_ref().is_some_and(ReplyAction::is_last) {
                self.turns.clear();
                self.held = 0;
            } else if table.rules.get(turn.rule).is_some_and(|rule| turn.step < rule.steps.len()) {
                self.held += turn.held();
                self.turns.push(turn);
            }
            if action.is_some() {
                return action;
            }
        }
    }

    /// Performs the step of a turn that is due, and goes to the next one.
    fn act(
        &mut self,
        table: &RuleTable,
        turn: &mut Turn,
        now: Instant,
        wall: SystemTime,
    ) -> Option<ReplyAction> {
        let rule = table.rules.get(turn.rule)?;
        let action = match rule.steps.get(turn.step)? {
            Step::Wait(_) => None,
            Step::Send(speech) => Some(self.expand(rule, speech, turn, turn.use_number, wall)),
            Step::Echo { to, faults } => turn.message.clone().map(|(kind, payload)| {
                ReplyAction::Send { kind, payload, to: *to, faults: faults.clone() }
            }),
            Step::Forward => {
                turn.message.clone().map(|(kind, payload)| ReplyAction::Forward(kind, payload))
            }
            Step::Swallow(kind) => Some(ReplyAction::Swallow(*kind)),
            Step::Every { interval, times, speech } => {
                turn.ticks += 1;
                let action = self.expand(rule, speech, turn, turn.ticks, wall);
                if times.is_none_or(|times| turn.ticks < times) {
                    // A client that is behind does not get several at once.
                    turn.due = (turn.due + *interval).max(now);
                    return Some(action);
                }
                Some(action)
            }
            Step::Close(close) => Some(ReplyAction::Close(close.clone())),
            Step::Cut => Some(ReplyAction::Cut),
            Step::Reset => Some(ReplyAction::Reset),
            Step::Stall(pause) => {
                Some(ReplyAction::Stall(pause.map(|pause| pause.choose(&mut self.random))))
            }
            Step::Fail => Some(ReplyAction::Close(Close {
                code: CloseCode::POLICY_VIOLATION,
                reason: "unexpected message".to_owned(),
            })),
        };
        turn.step += 1;
        turn.ticks = 0;
        self.begin_step(turn, rule);
        action
    }

    /// Sets the time of the step of a turn.
    fn begin_step(&mut self, turn: &mut Turn, rule: &Rule) {
        turn.due += match rule.steps.get(turn.step) {
            Some(Step::Wait(pause)) => pause.choose(&mut self.random),
            Some(Step::Every { interval, .. }) => *interval,
            _ => Duration::ZERO,
        };
    }

    fn expand(
        &mut self,
        rule: &Rule,
        speech: &Speech,
        turn: &Turn,
        number: u64,
        wall: SystemTime,
    ) -> ReplyAction {
        let Speech { kind, content, to, faults } = speech;
        let send =
            |payload| ReplyAction::Send { kind: *kind, payload, to: *to, faults: faults.clone() };
        let template = match content {
            Content::Fixed(payload) => return send(payload.clone()),
            Content::Template(template) => template,
        };
        let append = |name: &str, out: &mut Vec<u8>| {
            turn.values.get(name).map(|value| out.extend_from_slice(value)).is_some()
        };
        let expanded = template.expand(&mut Values {
            append: &append,
            message: turn.message.as_ref().map(|(_, message)| rule.trigger.source(message)),
            number,
            now: wall,
            random: &mut || self.random.bytes(),
        });
        match expanded {
            Err(value) => ReplyAction::Missing { line: rule.line, value },
            Ok(payload) if *kind == Kind::Text && !utf8::is_valid(&payload) => {
                send(String::from_utf8_lossy(&payload).into_owned().into_bytes())
            }
            Ok(payload) => send(payload),
        }
    }

    /// Returns the server that messages without a rule are for, if there is one.
    pub fn forward(&self) -> Option<&Target> {
        self.replies.script.tables.get(self.table)?.forward.as_ref()
    }

    /// Returns the time at which an action is due, if any.
    pub fn deadline(&self) -> Option<Instant> {
        self.turns.iter().map(|turn| turn.due).min()
    }

    /// Reports whether no reply is under way, apart from intervals without an end.
    pub fn is_done(&self) -> bool {
        let table = self.replies.script.tables.get(self.table);
        let is_endless = |turn: &Turn| {
            let rule = table.and_then(|table| table.rules.get(turn.rule));
            let step = rule.and_then(|rule| rule.steps.get(turn.step));
            matches!(step, Some(Step::Every { times: None, .. }))
        };
        self.turns.iter().all(is_endless)
    }

    /// Reports whether so many replies are under way that no more messages may be taken.
    pub fn is_full(&self) -> bool {
        self.turns.len() >= MAX_TURNS || self.held >= MAX_HELD_BYTES
    }

    fn retain(&mut self, keeps: impl Fn(&Turn) -> bool) {
        self.turns.retain(keeps);
        self.held = self.turns.iter().map(Turn::held).sum();
    }
}

impl Turn {
    /// Returns the bytes that the turn holds.
    fn held(&self) -> usize {
        let values: usize = self.values.values().map(Vec::len).sum();
        values + self.message.as_ref().map_or(0, |(_, message)| message.len())
    }
}

impl ReplyAction {
    /// Reports whether no action follows.
    fn is_last(&self) -> bool {
        let cuts = |faults: &[Fault]| faults.iter().any(|it| matches!(it, Fault::Cut(_)));
        match self {
            Self::Close(_) | Self::Cut | Self::Reset | Self::Stall(None) => true,
            Self::Send { faults, .. } => cuts(faults),
            _ => false,
        }
    }
}

/// The number of replies that are under way at most before messages wait.
const MAX_TURNS: usize = 256;
/// The bytes that replies under way hold at most, and those of one message more.
const MAX_HELD_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
