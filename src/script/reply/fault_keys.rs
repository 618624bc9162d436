//! Faults in a reply script: `[[fault]]` tables, and the faults of single messages.

use super::{
    keys::{Entry, Keys, ReplyFault},
    values::{choice, close, pause},
};
use crate::{
    escape::Escaped,
    proto::trace::Direction,
    script::{
        fault::{
            Condition, ControlKind, CutPlace, FAULT_NAMES, Fault, FaultRule, MAX_FRAGMENTS,
            Threshold,
        },
        matcher::Matcher,
    },
};
use std::num::{NonZeroU32, NonZeroU64};

/// Reads the `[[fault]]` tables of a table.
pub(super) fn fault_rules(keys: &Keys<'_>) -> Result<Vec<FaultRule>, ReplyFault> {
    let Some(entry) = keys.entry("fault") else { return Ok(Vec::new()) };
    let known: Vec<_> = FAULT_NAMES.into_iter().chain(CONDITION_KEYS).collect();
    let tables = entry.tables()?.into_iter();
    tables.map(|(table, at)| fault_rule(&Keys::new(table, at, &known)?)).collect()
}

fn fault_rule(keys: &Keys<'_>) -> Result<FaultRule, ReplyFault> {
    let entries = keys.entries(&FAULT_NAMES);
    let fault = match &entries[..] {
        [] => {
            let fault = ReplyFault::new(keys.at, "this table has no fault");
            return Err(fault.hinted(format!("the faults are {}", FAULT_NAMES.join(", "))));
        }
        [delay, jitter] if delay.name == "delay" && jitter.name == "jitter" => {
            match (single_fault(delay)?, single_fault(jitter)?) {
                (Fault::Delay { time, jitter: range }, Fault::Delay { jitter, .. }) => {
                    Fault::Delay { time, jitter: range + jitter }
                }
                (fault, _) => fault,
            }
        }
        [entry] => single_fault(entry)?,
        [first, second, ..] => {
            let words = format!("'{}' excludes '{}'", first.name, second.name);
            return Err(ReplyFault::new(second.at, words).hinted("write two [[fault]] tables"));
        }
    };
    let rule = FaultRule { fault, when: when(keys)? };
    match rule.excess() {
        Some(excess) => Err(ReplyFault::new(keys.at, excess)),
        None => Ok(rule),
    }
}

fn single_fault(entry: &Entry<'_>) -> Result<Fault, ReplyFault> {
    Ok(match entry.name {
        "delay" | "jitter" => {
            let pause = pause(entry)?;
            let range = pause.longest.saturating_sub(pause.shortest);
            match entry.name {
                "delay" => Fault::Delay { time: pause.shortest, jitter: range },
                _ => Fault::Delay { time: <_>::default(), jitter: pause.longest },
            }
        }
        "drop" => entry.flag().map(|()| Fault::Drop)?,
        "stall" if entry.boolean() == Some(true) => Fault::Stall(None),
        "stall" => Fault::Stall(Some(entry.seconds()?)),
        "cut" => Fault::Cut(cut_place(entry)?),
        "reset" => entry.flag().map(|()| Fault::Reset)?,
        "close" => Fault::Close(close(entry)?),
        "swallow" => Fault::Swallow(control_kind(entry)?),
        "refuse" => {
            let status = entry.count().ok().and_then(|status| u16::try_from(status).ok());
            let status = status.filter(|status| (300..=599).contains(status));
            Fault::Refuse(
                status.ok_or_else(|| entry.fault("'refuse' must be a status from 300 to 599"))?,
            )
        }
        _ => message_fault(entry)?,
    })
}

fn when(keys: &Keys<'_>) -> Result<Condition, ReplyFault> {
    let direction = keys.entry("direction").map(|entry| {
        let direction = choice(&entry, &["in", "out"])?;
        Ok(if direction == "in" { Direction::In } else { Direction::Out })
    });
    let matcher = keys.entry("match").map(|entry| {
        Matcher::parse(entry.text()?).map_err(|fault| entry.fault(Escaped(&fault).to_string()))
    });
    Ok(Condition {
        every: keys.entry("every").map(|entry| positive(&entry)).transpose()?,
        after: keys.entry("after").map(|entry| after(&entry)).transpose()?,
        direction: direction.transpose()?,
        matcher: matcher.transpose()?,
        chance: chance(keys)?,
    })
}

/// Reads the key `chance`, if there is one.
pub(super) fn chance(keys: &Keys<'_>) -> Result<Option<f64>, ReplyFault> {
    let chance = keys.entry("chance").map(|entry| {
        let chance = entry.number().filter(|chance| (0.0..=1.0).contains(chance));
        chance.ok_or_else(|| entry.fault("'chance' must be a number from 0 to 1"))
    });
    chance.transpose()
}

/// Reads a number of messages, or a table of `messages` or `seconds`.
fn after(entry: &Entry<'_>) -> Result<Threshold, ReplyFault> {
    if entry.number().is_some() {
        return entry.count().map(Threshold::Messages);
    }
    let keys = Keys::new(entry.table()?, entry.at, &["messages", "seconds"])?;
    match (keys.entry("messages"), keys.entry("seconds")) {
        (Some(messages), None) => messages.count().map(Threshold::Messages),
        (None, Some(seconds)) => seconds.seconds().map(Threshold::Time),
        _ => Err(entry
            .fault("'after' must be a number of messages, { messages = N } or { seconds = S }")),
    }
}

/// Reads the faults of the message of a rule or step. They need the message, which a key before them
/// gives if `has_message`.
pub(super) fn message_faults(keys: &Keys<'_>, has_message: bool) -> Result<Vec<Fault>, ReplyFault> {
    let mut faults = Vec::new();
    for entry in keys.entries(&MESSAGE_FAULT_KEYS) {
        let fault = match entry.name {
            "cut" if entry.boolean().is_some() => continue,
            "cut" => Fault::Cut(cut_place(&entry)?),
            _ => message_fault(&entry)?,
        };
        if !has_message {
            let words = format!("'{}' needs a message", entry.name);
            let fault = ReplyFault::new(entry.at, words);
            return Err(fault.hinted("add send, binary or file beside it, or do = \"echo\""));
        }
        faults.push(fault);
    }
    Ok(faults)
}

fn message_fault(entry: &Entry<'_>) -> Result<Fault, ReplyFault> {
    Ok(match entry.name {
        "duplicate" => entry.flag().map(|()| Fault::Duplicate)?,
        "corrupt" => entry.flag().map(|()| Fault::Corrupt)?,
        "throttle" => Fault::Throttle(positive(entry)?),
        _ => {
            let fragments = entry.count().ok().and_then(|count| u32::try_from(count).ok());
            let fragments = fragments.filter(|count| (2..=MAX_FRAGMENTS).contains(count));
            Fault::Split(fragments.and_then(NonZeroU32::new).ok_or_else(|| {
                entry.fault(format!(
                    "'split' must be a number of fragments from 2 to {MAX_FRAGMENTS}"
                ))
            })?)
        }
    })
}

fn cut_place(entry: &Entry<'_>) -> Result<CutPlace, ReplyFault> {
    if entry.boolean() == Some(true) {
        return Ok(CutPlace::Boundary);
    }
    if entry.text().is_ok_and(|text| text == "frame") {
        return Ok(CutPlace::InsideFrame);
    }
    positive(entry)
        .map(CutPlace::AfterBytes)
        .map_err(|_| entry.fault("'cut' must be true, \"frame\" or a number of bytes"))
}

/// Reads the type of control frame of `swallow`.
pub(super) fn control_kind(entry: &Entry<'_>) -> Result<ControlKind, ReplyFault> {
    Ok(match choice(entry, &["ping", "pong"])? {
        "ping" => ControlKind::Ping,
        _ => ControlKind::Pong,
    })
}

fn positive(entry: &Entry<'_>) -> Result<NonZeroU64, ReplyFault> {
    let number = NonZeroU64::new(entry.count()?);
    number.ok_or_else(|| entry.fault(format!("'{}' must be a number from 1", entry.name)))
}

const CONDITION_KEYS: [&str; 5] = ["every", "after", "direction", "match", "chance"];
const MESSAGE_FAULT_KEYS: [&str; 5] = ["duplicate", "corrupt", "split", "throttle", "cut"];
