//! What a script waits for: `--count`, `--until`, and the `--expect` of the moment.

use crate::{
    error::Unmet,
    job::goals::Goals,
    proto::{Assembler, Piece},
};
use regex::bytes::Regex;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Looks at every message.
#[derive(Debug)]
pub(super) struct Watch {
    goals: Goals,
    received: u64,
    /// `--expect`, while it is waited for.
    expected: Option<Expected>,
    /// Messages are matched, which wants them whole.
    matches: bool,
    assembler: Assembler,
}

#[derive(Debug)]
struct Expected {
    pattern: Regex,
    /// What is expected then.
    more: VecDeque<Regex>,
    limit: Duration,
    deadline: Instant,
    received: u64,
    last: Option<String>,
}

impl Expected {
    fn first(mut more: VecDeque<Regex>, limit: Duration, now: Instant) -> Option<Self> {
        let pattern = more.pop_front()?;
        Some(Self { pattern, more, limit, deadline: now + limit, received: 0, last: None })
    }
}

impl Watch {
    /// `matches`: there will be patterns.
    pub(super) fn new(goals: Goals, matches: bool) -> Self {
        let matches = matches || goals.until.is_some();
        let assembler = Assembler::default();
        Self { goals, received: 0, expected: None, matches, assembler }
    }

    /// From now on messages that match are waited for, one after the other: they may come in one
    /// segment.
    pub(super) fn expect(&mut self, patterns: VecDeque<Regex>, limit: Duration, now: Instant) {
        self.expected = Expected::first(patterns, limit, now);
    }

    /// What was waited for is waited for anew.
    pub(super) fn forget(&mut self) {
        self.expected = None;
        self.assembler = Assembler::default();
    }

    /// The wait for it was held up for this long by what it does not depend on.
    pub(super) fn delay(&mut self, time: Duration) {
        if let Some(expected) = &mut self.expected {
            expected.deadline += time;
        }
    }

    /// When the wait for it ends, if there is one.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.expected.as_ref().map(|expected| expected.deadline)
    }

    /// Looks at part of a message: whether a goal is met with it.
    #[inline]
    pub(super) fn sees(&mut self, piece: &Piece<'_>) -> bool {
        self.received += u64::from(piece.last);
        let counted = piece.last && self.goals.count == Some(self.received);
        (self.matches && self.matches(piece)) || counted
    }

    fn matches(&mut self, piece: &Piece<'_>) -> bool {
        let Some(message) = self.assembler.push(piece) else { return false };
        if let Some(expected) = &mut self.expected {
            if expected.pattern.is_match(message) {
                let (more, limit) = (std::mem::take(&mut expected.more), expected.limit);
                self.expected = Expected::first(more, limit, Instant::now());
            } else {
                expected.received += 1;
                let start = message.get(..SHOWN).unwrap_or(message);
                expected.last = Some(String::from_utf8_lossy(start).into_owned());
            }
        }
        self.goals.until.as_ref().is_some_and(|until| until.is_match(message))
    }

    /// What has not come, if something has not. `late`: its time is over, not the session.
    pub(super) fn unmet(&mut self, late: bool) -> Option<Unmet> {
        let received = self.received;
        if let Some(Expected { pattern, limit, received, last, .. }) = self.expected.take() {
            let limit = late.then_some(limit);
            return Some(Unmet::Expect { pattern: pattern.to_string(), limit, received, last });
        }
        if let Some(expected) = self.goals.count.filter(|count| received < *count) {
            return Some(Unmet::Count { received, expected });
        }
        let until = self.goals.until.as_ref()?;
        Some(Unmet::Until { pattern: until.to_string(), received })
    }
}

/// Bytes of a message that are kept to tell of it.
const SHOWN: usize = 100;
