//! The answers of a script to the messages that match.

use super::{
    draft::{Answer, Memory},
    news::News,
};
use crate::proto::Kind;
use std::collections::VecDeque;

/// The rules of `--answer`, and the answers that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Each rule, and whether a message that it could not answer was reported.
    rules: Vec<(Answer, bool)>,
    queue: VecDeque<(Kind, Vec<u8>)>,
    queued_bytes: usize,
}

impl Answers {
    pub(crate) fn new(rules: Vec<Answer>) -> Self {
        let rules = rules.into_iter().map(|rule| (rule, false)).collect();
        Self { rules, ..Self::default() }
    }

    /// Queues the answer of each rule that matches a message: with a JSON pointer, one for each JSON
    /// text that matches, until the answers take too much memory. A rule whose answer lacks a value
    /// is reported once.
    pub(crate) fn judge(&mut self, message: &[u8], memory: &mut Memory, news: &mut Vec<News>) {
        for (rule, is_reported) in &mut self.rules {
            if !rule.matcher.is_match(message) {
                continue;
            }
            for source in rule.matcher.sources(message) {
                if self.queued_bytes >= ANSWERS_LIMIT_BYTES {
                    news.push(News::Overflowed { pattern: rule.matcher.to_string() });
                    break;
                }
                memory.learn(&rule.matcher, source);
                match memory.expand(&rule.draft, Some(source)) {
                    Ok(bytes) => {
                        self.queued_bytes += bytes.len() + ENTRY_BYTES;
                        self.queue.push_back((rule.draft.kind, bytes));
                    }
                    Err(missing) if !std::mem::replace(is_reported, true) => {
                        news.push(News::unanswered(&rule.matcher, missing));
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// Takes the next answer to send.
    pub(crate) fn next(&mut self) -> Option<(Kind, Vec<u8>)> {
        let next = self.queue.pop_front()?;
        self.queued_bytes -= next.1.len() + ENTRY_BYTES;
        Some(next)
    }

    /// Reports whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the number of answers that wait.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Returns the memory that waiting answers take, about.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Discards the waiting answers, whose session is lost.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.queued_bytes = 0;
    }
}

/// The memory of the waiting answers, at which the rest of a message is not answered. Before that,
/// the network is no longer read.
const ANSWERS_LIMIT_BYTES: usize = 8 << 20;
/// The memory of a waiting answer beside its payload. Without it, empty answers would not count.
const ENTRY_BYTES: usize = 32;
