//! The texts that rules write: changed messages, and messages beside those of the peers.

use super::{
    decide::{FaultSchedule, FaultyFrame, record},
    rule::{Fault, FaultRule},
};
use crate::{
    proto::{Leg, trace::Direction},
    script::{
        matcher::Matcher,
        records::Source,
        template::{Template, Values},
    },
};
use regex::bytes::Captures;
use std::time::{Instant, SystemTime};

/// The message that a text answers or replaces.
pub(super) struct Answered<'a> {
    pub(super) content: &'a [u8],
    /// Its number in its direction.
    pub(super) number: u64,
    pub(super) time: SystemTime,
    pub(super) random: &'a mut dyn FnMut() -> [u8; 16],
}

impl FaultSchedule {
    /// Returns the time of the clock at `now`.
    pub(super) fn time(&self, now: Instant) -> SystemTime {
        let since = now.saturating_duration_since(self.started);
        self.started_at.checked_add(since).unwrap_or(self.started_at)
    }

    /// Returns the new content of the message with this number of its direction, if rules change it.
    /// Each rule is given what the rules before it have made.
    pub(super) fn rewrite(
        &mut self,
        direction: Direction,
        number: u64,
        payload: &[u8],
        now: Instant,
    ) -> Option<Vec<u8>> {
        let mut rewritten: Option<Vec<u8>> = None;
        if self.closed.contains(&direction) {
            return None;
        }
        let (time, started) = (self.time(now), self.started);
        for (index, (rule, state)) in self.rules.iter().zip(&mut self.states).enumerate() {
            let Fault::Rewrite(text) = &rule.fault else { continue };
            let (matcher, state) = (rule.when.matcher.as_ref(), state.of(direction));
            let content = rewritten.as_deref().unwrap_or(payload);
            if !state.is_begun(rule, direction, started, now)
                || !matcher.is_none_or(|matcher| matcher.is_match(content))
                || !state.is_met(rule)
            {
                continue;
            }
            let random = &mut || state.random.bytes();
            let changed = Answered { content, number, time, random }.changed(text, matcher);
            if changed.is_some() {
                let to = Some((direction, FaultyFrame::Message(number)));
                record(&mut self.happened, index, to);
                rewritten = changed;
            }
        }
        rewritten
    }

    /// Takes the messages that are to be sent to a leg beside those of its peer.
    pub(super) fn take_injected(&mut self, to: Leg) -> Vec<Vec<u8>> {
        let (taken, left) = self.injected.drain(..).partition(|(leg, _)| *leg == to);
        let taken: Vec<(Leg, Vec<u8>)> = taken;
        self.injected = left;
        taken.into_iter().map(|(_, text)| text).collect()
    }
}

impl Answered<'_> {
    /// Returns the content with what matches replaced. `None` if a value of the text is missing.
    fn changed(mut self, text: &Template, matcher: Option<&Matcher>) -> Option<Vec<u8>> {
        let content = self.content;
        let Some(regex) = matcher.and_then(Matcher::regex) else {
            let source = matcher.and_then(|matcher| matcher.sources(content).next());
            return self.expand(text, source.unwrap_or(Source { text: content, at: 0 }), None);
        };
        let (mut changed, mut end) = (Vec::new(), 0);
        for captures in regex.captures_iter(content) {
            let found = captures.get_match();
            changed.extend_from_slice(content.get(end..found.start()).unwrap_or_default());
            let source = Source { text: content, at: found.start() };
            changed.extend(self.expand(text, source, Some(&captures))?);
            end = found.end();
        }
        changed.extend_from_slice(content.get(end..).unwrap_or_default());
        Some(changed)
    }

    /// Returns the message of an `inject` rule, with the leg that it is sent to.
    pub(super) fn injected(mut self, rule: &FaultRule) -> Option<(Leg, Vec<u8>)> {
        let Fault::Inject { to, text } = &rule.fault else { return None };
        let (content, matcher) = (self.content, rule.when.matcher.as_ref());
        let source = matcher.and_then(|matcher| matcher.sources(content).next());
        let captures = matcher.and_then(Matcher::regex).and_then(|it| it.captures(content));
        let source = source.unwrap_or(Source { text: content, at: 0 });
        Some((*to, self.expand(text, source, captures.as_ref())?))
    }

    fn expand(
        &mut self,
        text: &Template,
        source: Source<'_>,
        captures: Option<&Captures<'_>>,
    ) -> Option<Vec<u8>> {
        let append = |name: &str, out: &mut Vec<u8>| {
            let group = captures.and_then(|captures| match name.parse() {
                Ok(number) => captures.get(number),
                Err(_) => captures.name(name),
            });
            // A group that took no part in the match is empty.
            out.extend_from_slice(group.map_or(&[], |group| group.as_bytes()));
            true
        };
        let mut values = Values {
            append: &append,
            message: Some(source),
            number: self.number,
            now: self.time,
            random: &mut *self.random,
        };
        text.expand(&mut values).ok()
    }
}
