//! The use of a reply script by all clients of a server, and the verdict at its end.

use super::rule::{HeaderRule, ReplyScript, RuleTable};
use crate::{
    error::UnmetReply,
    proto::handshake::Headers,
    script::fault::{FaultRule, RefusalSchedule},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A reply script in use.
#[derive(Debug)]
pub struct Replies {
    /// The script.
    pub script: Arc<ReplyScript>,
    /// The seed of everything that is chosen at random.
    pub seed: u64,
    tally: Mutex<Tally>,
    /// For each table, the requests that its faults refuse.
    refusals: Mutex<Vec<RefusalSchedule>>,
}

/// The rules and the values of the path for one client.
#[derive(Clone, Debug)]
pub struct Route {
    pub(super) table: usize,
    pub(super) values: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Tally {
    /// For each rule, by its table and its index, how often it was used.
    used: BTreeMap<(usize, usize), u64>,
    /// The same for events of new clients.
    opened: BTreeMap<(usize, usize), u64>,
    /// For each table, the number of its clients.
    clients: BTreeMap<usize, u64>,
    /// Expectations that a client or its messages did not meet.
    unmet: Vec<UnmetReply>,
}

impl Replies {
    /// Creates the use of a script with a seed.
    pub fn new(script: Arc<ReplyScript>, seed: u64) -> Self {
        let refusals = script.tables.iter().map(|table| RefusalSchedule::new(&table.faults, seed));
        let refusals = Mutex::new(refusals.collect());
        Self { script, seed, tally: Mutex::default(), refusals }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the rules for the path of a request; `None` if there are none.
    pub fn route(&self, path: &str) -> Option<Route> {
        self.script.tables.iter().enumerate().find_map(|(table, rules)| {
            let values = match &rules.path {
                Some(pattern) => pattern.values(path)?,
                None => BTreeMap::new(),
            };
            Some(Route { table, values })
        })
    }

    /// Returns the faults of sessions on a route.
    pub fn faults(&self, route: &Route) -> Arc<[FaultRule]> {
        self.script
            .tables
            .get(route.table)
            .map(|table| Arc::clone(&table.faults))
            .unwrap_or_default()
    }

    /// Reports whether replies on a route have faults of single messages or frames.
    pub fn has_frame_faults(&self, route: &Route) -> bool {
        self.script.tables.get(route.table).is_some_and(RuleTable::has_frame_faults)
    }

    /// Returns the status with which a fault refuses a request for a route, if one does. It came this
    /// long after the start of the server.
    pub fn refusal(&self, route: &Route, since_start: Duration) -> Option<u16> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.get_mut(route.table)?.request(since_start)
    }

    /// Judges the headers of a client's request.
    pub(super) fn joined(&self, table: usize, client: u64, headers: &Headers) {
        let Some(rules) = self.script.tables.get(table) else { return };
        let mut tally = self.lock();
        *tally.clients.entry(table).or_default() += 1;
        for (name, rule) in &rules.expected.headers {
            let mut values = headers.all(name).map(str::trim);
            let is_met = match rule {
                HeaderRule::Absent => values.next().is_none(),
                HeaderRule::Present => values.next().is_some(),
                HeaderRule::Equal(expected) => values.any(|value| value == expected),
                HeaderRule::Match(regex) => values.any(|value| regex.is_match(value)),
            };
            if !is_met && tally.unmet.len() < MAX_UNMET {
                tally.unmet.push(UnmetReply::Header { client, name: name.clone() });
            }
        }
    }

    /// Counts the use of a rule.
    pub(super) fn used(&self, table: usize, rule: usize) {
        *self.lock().used.entry((table, rule)).or_default() += 1;
    }

    /// Counts a new client for a rule. Returns the number of such clients.
    pub(super) fn opened(&self, table: usize, rule: usize) -> u64 {
        let mut tally = self.lock();
        let opened = tally.opened.entry((table, rule)).or_default();
        *opened += 1;
        *opened
    }

    /// Records a message for which the rule in this line fails the run.
    pub(super) fn unexpected(&self, client: u64, line: usize) {
        let mut tally = self.lock();
        if tally.unmet.len() < MAX_UNMET {
            tally.unmet.push(UnmetReply::Unexpected { client, line });
        }
    }

    /// Returns the expectations that were not met.
    pub fn unmet(&self) -> Vec<UnmetReply> {
        let tally = self.lock();
        let mut unmet = tally.unmet.clone();
        for (table, rules) in self.script.tables.iter().enumerate() {
            let rule = |index: usize| {
                let rule = rules.rules.get(index);
                let used = tally.used.get(&(table, index)).copied().unwrap_or_default();
                (index + 1, rule.map_or(0, |rule| rule.line), used)
            };
            for index in &rules.expected.used {
                let (number, line, used) = rule(*index);
                if used == 0 {
                    unmet.push(UnmetReply::NotUsed { rule: number, line });
                }
            }
            for index in &rules.expected.unused {
                let (number, line, used) = rule(*index);
                if used > 0 {
                    unmet.push(UnmetReply::Used { rule: number, line, times: used });
                }
            }
            if !rules.expected.headers.is_empty() && !tally.clients.contains_key(&table) {
                let path = rules.path.as_ref().map(ToString::to_string);
                unmet.push(UnmetReply::NoClient { path });
            }
        }
        unmet
    }
}

/// The number of clients and messages that are reported at most.
const MAX_UNMET: usize = 10;
