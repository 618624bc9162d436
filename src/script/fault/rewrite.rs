//! Which messages rules rewrite, and which are sent beside those of the peers.

use super::{
    answered::Answered,
    decide::{FaultSchedule, FaultyFrame, record},
    rule::Fault,
};
use crate::proto::{Leg, trace::Direction};
use std::time::{Instant, SystemTime};

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
