//! The state of a running script: pending actions, expectations, goals and deadlines.

use super::{
    action::{Action, Outgoing},
    answers::Answers,
    draft::{Ambient, Answer, Draft, Memory, Tick},
    goals::Goals,
    matcher::Matcher,
    news::News,
    repeats::Repeats,
    template::{MissingValue, Template},
};
use crate::{
    error::UnmetExpectation,
    proto::{Assembler, Kind, Piece, slice::Within},
    redact::Quote,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// A running script. Callers pass it received messages and times; it returns the frames and
/// messages to send.
///
/// Its own actions come first and are repeated in each session that replaces a lost one. Appended
/// actions follow them and are performed once.
#[derive(Debug)]
pub(crate) struct Script {
    actions: Vec<Action>,
    /// The index of the next action, one after that of the current expectation.
    position: usize,
    appended: VecDeque<Action>,
    /// The time allowed for each expected message.
    expect_limit: Duration,
    expectation: Option<Expectation>,
    /// The end of the current wait.
    wait_until: Option<Instant>,
    /// The end of an appended wait that the loss of a session interrupted. It continues after the
    /// script's own actions.
    interrupted_wait: Option<Instant>,
    goals: Goals,
    /// The number of received messages.
    received: u64,
    /// True if messages are compared with patterns, which requires that they are reassembled.
    has_patterns: bool,
    assembler: Assembler,
    answers: Answers,
    /// `--every`, and its schedule in this session.
    ticks: Vec<Tick>,
    repeats: Repeats,
    memory: Memory,
    /// The value without which the next action cannot be performed.
    missing: Option<MissingValue>,
    news: Vec<News>,
}

/// The effect of a received message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// It meets a goal.
    pub(crate) meets_goal: bool,
    /// There are answers or news to take.
    pub(crate) has_effects: bool,
}

/// An expected message.
#[derive(Debug)]
struct Expectation {
    matcher: Matcher,
    deadline: Instant,
    /// The number of received messages that did not match.
    received: u64,
    /// The start of the last message that did not match.
    last: Option<Quote>,
}

impl Script {
    /// Creates a script. `expect_limit` is the time allowed for each expected message.
    pub(crate) fn new(actions: Vec<Action>, expect_limit: Duration, goals: Goals) -> Self {
        let expects = actions.iter().any(|action| matches!(action, Action::Expect(_)));
        Self {
            actions,
            position: 0,
            appended: VecDeque::new(),
            expect_limit,
            expectation: None,
            wait_until: None,
            interrupted_wait: None,
            has_patterns: expects || goals.until.is_some(),
            goals,
            received: 0,
            assembler: Assembler::default(),
            answers: Answers::default(),
            ticks: Vec::new(),
            repeats: Repeats::default(),
            memory: Memory::new(Ambient::default(), false),
            missing: None,
            news: Vec::new(),
        }
    }

    /// Adds answers to received messages and messages at an interval.
    pub(crate) fn beside(self, answers: Vec<Answer>, ticks: Vec<Tick>, ambient: Ambient) -> Self {
        let drafts = self.actions.iter().filter_map(|action| match action {
            Action::Expand(draft) => Some(draft),
            _ => None,
        });
        let mut drafts = drafts.chain(ticks.iter().map(|tick| &tick.draft));
        let keeps_message =
            drafts.any(|draft| draft.content.template().is_some_and(Template::uses_message));
        Self {
            has_patterns: self.has_patterns || !answers.is_empty(),
            answers: Answers::new(answers),
            ticks,
            memory: Memory::new(ambient, keeps_message),
            ..self
        }
    }

    /// Appends an action that is performed once.
    pub(crate) fn append(&mut self, action: Action) {
        self.has_patterns |= matches!(action, Action::Expect(_));
        self.appended.push_back(action);
    }

    /// Returns the next frame or message to send, or `None` while the script waits and after its end.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Outgoing> {
        loop {
            if self.expectation.is_some() || self.missing.is_some() || self.is_waiting(now) {
                return None;
            }
            match self.take_action()? {
                Action::Send(outgoing) => return Some(outgoing),
                Action::Expand(draft) => match self.memory.expand(&draft, None) {
                    Ok(bytes) => return Some(Outgoing::Message(draft.kind, bytes.into())),
                    Err(missing) => self.missing = Some(missing),
                },
                Action::Wait(time) => self.wait_until = Some(now + time),
                Action::Expect(matcher) => self.expect(matcher, now),
            }
        }
    }

    fn take_action(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.get(self.position) {
            self.position += 1;
            return Some(action.clone());
        }
        if let Some(until) = self.interrupted_wait.take() {
            self.wait_until = Some(until);
            return None;
        }
        self.appended.pop_front()
    }

    fn expect(&mut self, matcher: Matcher, now: Instant) {
        let deadline = now + self.expect_limit;
        self.expectation = Some(Expectation { matcher, deadline, received: 0, last: None });
    }

    /// Handles a piece of a received message.
    #[inline]
    pub(crate) fn receive(&mut self, piece: &Piece<'_>, now: Instant) -> Received {
        self.received += u64::from(piece.last);
        let meets_count = piece.last && self.goals.count == Some(self.received);
        let mut received =
            if self.has_patterns { self.compare(piece, now) } else { Received::default() };
        received.meets_goal |= meets_count;
        received
    }

    /// Compares a message with the patterns once it is complete.
    #[inline(never)]
    fn compare(&mut self, piece: &Piece<'_>, now: Instant) -> Received {
        let Some(message) = self.assembler.push(piece) else { return Received::default() };
        let until = self.goals.until.as_ref().filter(|until| until.is_match(message));
        let meets_goal = until.is_some();
        self.news.extend(until.map(|until| News::matched("--until", until, message)));
        self.answers.judge(message, &mut self.memory, &mut self.news);
        if let Some(expectation) = &mut self.expectation {
            if expectation.matcher.is_match(message) {
                if let Some(source) = expectation.matcher.sources(message).next() {
                    self.memory.learn(&expectation.matcher, source);
                }
                self.news.push(News::matched("--expect", &expectation.matcher, message));
                self.expectation = None;
                // The next expected message may arrive in the same segment, before the script runs
                // again.
                let next = self.remaining_actions().next().cloned();
                if let Some(Action::Expect(matcher)) = next
                    && self.take_action().is_some()
                {
                    self.expect(matcher, now);
                }
            } else {
                expectation.received += 1;
                expectation.last = Some(Quote::new(message));
            }
        }
        Received { meets_goal, has_effects: !self.news.is_empty() || self.answers.queued() > 0 }
    }

    /// Compares a complete message with the patterns of `--answer` only.
    pub(crate) fn answer(&mut self, message: &[u8]) {
        self.answers.judge(message, &mut self.memory, &mut self.news);
    }

    /// Reports whether received messages may be answered.
    pub(crate) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Takes the next answer to send.
    pub(crate) fn next_answer(&mut self) -> Option<(Kind, Vec<u8>)> {
        self.answers.next()
    }

    /// Returns the number of answers to send.
    pub(crate) fn waiting_answers(&self) -> usize {
        self.answers.queued()
    }

    /// Discards the answers to send, whose session is lost.
    pub(crate) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// Returns the memory that the answers to send take, about.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.answers.queued_bytes()
    }

    /// Takes the events that concern the user.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Returns the messages of `--every`.
    pub(crate) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// Returns the payload of a draft, or `None` if it lacks a value.
    pub(crate) fn expand(&mut self, draft: &Draft) -> Option<Vec<u8>> {
        self.memory.expand(draft, None).ok()
    }

    /// Takes the next message of `--every` that is due. One that lacks a value is left out.
    pub(crate) fn next_tick(&mut self, now: Instant) -> Option<(Kind, Vec<u8>)> {
        loop {
            let draft = self.repeats.due(now)?;
            if let Some(bytes) = self.expand(&draft) {
                return Some((draft.kind, bytes));
            }
        }
    }

    /// Returns the time at which the next message of `--every` is due, if any.
    pub(crate) fn next_tick_at(&self) -> Option<Instant> {
        self.repeats.next()
    }

    /// Begins the messages of `--every`, since the actions of the script are done.
    pub(crate) fn begin_ticks(&mut self, now: Instant) {
        self.repeats.begin(now);
    }

    fn remaining_actions(&self) -> impl Iterator<Item = &Action> {
        let own = self.actions.within(self.position..);
        own.iter().chain(&self.appended)
    }

    /// Starts the script in a session, which may replace a lost one. Appended actions are not
    /// repeated, and the values of the messages of the lost session are forgotten.
    pub(crate) fn start(&mut self, now: Instant) {
        self.answers.clear();
        self.memory.forget();
        self.repeats.stop();
        self.repeats.add_ticks(&self.ticks, now);
        self.missing = None;
        self.position = 0;
        self.expectation = None;
        self.interrupted_wait = self.wait_until.take().or(self.interrupted_wait);
        self.assembler = Assembler::default();
    }

    /// Reports whether the next action cannot be performed, because no message had a value for it.
    pub(crate) fn lacks_value(&self) -> bool {
        self.missing.is_some()
    }

    /// Reports whether a wait is in progress.
    pub(crate) fn is_waiting(&mut self, now: Instant) -> bool {
        self.wait_until = self.wait_until.filter(|until| *until > now);
        self.wait_until.is_some()
    }

    /// Returns the end of the current wait, if any.
    pub(crate) fn wait_until(&self) -> Option<Instant> {
        self.wait_until
    }

    /// Returns the deadline of the current expectation, if any.
    pub(crate) fn expect_deadline(&self) -> Option<Instant> {
        self.expectation.as_ref().map(|expectation| expectation.deadline)
    }

    /// Returns the earliest deadline of an expectation or a wait, if any.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.expect_deadline().or(self.wait_until)
    }

    /// Postpones the deadline of an expected message by the time during which received bytes could
    /// not be processed.
    pub(crate) fn delay(&mut self, time: Duration) {
        if let Some(expectation) = &mut self.expectation {
            expectation.deadline += time;
        }
    }

    /// Returns the number of messages that remain to be sent.
    pub(crate) fn unsent_messages(&self) -> usize {
        self.remaining_actions().filter(|action| action.is_message()).count()
    }

    /// Returns the expectation or goal that was not met, if any. `timed_out` is true if its deadline
    /// has passed, false if the session ended first.
    pub(crate) fn unmet(&self, timed_out: bool) -> Option<UnmetExpectation> {
        let received = self.received;
        if let Some(MissingValue(placeholder)) = &self.missing {
            return Some(UnmetExpectation::Value { placeholder: placeholder.clone() });
        }
        if let Some(Expectation { matcher, received, last, .. }) = &self.expectation {
            return Some(UnmetExpectation::Expect {
                pattern: matcher.to_string(),
                limit: timed_out.then_some(self.expect_limit),
                earlier: self.received - *received,
                received: *received,
                last: last.clone(),
            });
        }
        if let Some(expected) = self.goals.count.filter(|count| received < *count) {
            return Some(UnmetExpectation::Count { received, expected });
        }
        if let Some(until) = &self.goals.until {
            return Some(UnmetExpectation::Until { pattern: until.to_string(), received });
        }
        let pattern = self.remaining_actions().find_map(|action| match action {
            Action::Expect(matcher) => Some(matcher.to_string()),
            Action::Send(_) | Action::Expand(_) | Action::Wait(_) => None,
        })?;
        Some(UnmetExpectation::Expect {
            pattern,
            limit: None,
            earlier: received,
            received: 0,
            last: None,
        })
    }
}

#[cfg(test)]
mod tests;
