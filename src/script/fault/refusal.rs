//! Which requests are refused.

use super::rule::{Fault, FaultRule, Threshold};
use crate::random::Seeded;
use std::time::Duration;

/// The requests that a server refuses by fault rules.
#[derive(Debug)]
pub struct RefusalSchedule {
    /// Each rule with the number of requests that met its time, and its random numbers.
    rules: Vec<(FaultRule, u64, Seeded)>,
}

impl RefusalSchedule {
    /// Creates the schedule of a server. Of the rules, only those that refuse requests count.
    pub fn new(rules: &[FaultRule], seed: u64) -> Self {
        let refusing = rules.iter().filter(|rule| matches!(rule.fault, Fault::Refuse(_)));
        let rules = (1..).zip(refusing).map(|(stream, rule)| {
            // Clients are numbered from 1.
            (rule.clone(), 0, Seeded::stream(seed, 0, stream))
        });
        Self { rules: rules.collect() }
    }

    /// Returns the status with which the next request is refused, if it is. It came this long after
    /// the start of the server.
    pub fn request(&mut self, since_start: Duration) -> Option<u16> {
        let mut refused = None;
        for (rule, met, random) in &mut self.rules {
            let Fault::Refuse(status) = rule.fault else { continue };
            if let Some(Threshold::Time(time)) = rule.when.after
                && since_start < time
            {
                continue;
            }
            *met += 1;
            if rule.when.every.is_none_or(|every| met.is_multiple_of(every.get()))
                && rule.when.chance.is_none_or(|chance| random.fraction() < chance)
            {
                refused = refused.or(Some(status));
            }
        }
        refused
    }
}
