//! Reads reply scripts from TOML.

use super::{
    fault_keys::{chance, control_kind, fault_rules, message_faults},
    keys::{Entry, Keys, ReplyFault},
    path::PathPattern,
    rule::{
        Audience, Expected, HeaderRule, Pause, ReplyScript, Rule, RuleTable, Speech, Step, Trigger,
    },
    subset::JsonSubset,
    unused::warnings,
    values::{choice, close, pause},
};
use crate::{
    escape::Escaped,
    proto::Kind,
    script::{
        draft::Content,
        fault::FaultRule,
        matcher::Matcher,
        template::{Scope, Template, UnknownName},
    },
    target::Target,
    wording::position,
};
use data_encoding::HEXLOWER_PERMISSIVE;
use regex::Regex;
use std::time::Duration;
use toml::de::DeTable;

/// Access to what a script refers to outside its file.
pub struct Surroundings<'a> {
    /// Returns the value of an environment variable that is set.
    pub variable: &'a dyn Fn(&str) -> Result<String, std::env::VarError>,
    /// Reads a file. The error is a phrase.
    pub file: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
}

/// Parses a script.
pub fn parse(text: &str, around: &Surroundings<'_>) -> Result<ReplyScript, ReplyFault> {
    let root = DeTable::parse(text).map_err(|fault| {
        ReplyFault::new(fault.span().unwrap_or_default().start, fault.message())
    })?;
    let keys = Keys::new(root.get_ref(), 0, &TABLE_KEYS)?;
    let forward = keys.entry("forward").map(|entry| target(&entry)).transpose()?;
    let reader = Reader { text, around, forward };
    let mut tables = Vec::new();
    let paths = keys.entry("path").filter(|path| !path.is_text());
    for (table, at) in paths.iter().map(Entry::tables).collect::<Result<Vec<_>, _>>()?.concat() {
        let keys = Keys::new(table, at, &TABLE_KEYS)?;
        let path = keys.entry("path");
        let path = path.ok_or_else(|| ReplyFault::new(at, "a [[path]] table needs a 'path'"))?;
        tables.push(reader.table(&keys, Some(path))?);
    }
    if paths.is_none() || !keys.entries(&["on", "expect", "fault", "forward"]).is_empty() {
        tables.push(reader.table(&keys, keys.entry("path").filter(Entry::is_text))?);
    }
    let warnings = warnings(&tables);
    let rules = || tables.iter().flat_map(|table: &RuleTable| &table.rules);
    let steps = || rules().flat_map(|rule| &rule.steps);
    let faults = || tables.iter().flat_map(|table: &RuleTable| table.faults.iter());
    let needs_socket = steps().any(|step| matches!(step, Step::Reset | Step::Stall(_)))
        || faults().any(FaultRule::needs_socket);
    let is_random = rules().any(|rule| rule.chance.is_some())
        || steps().any(Step::is_random)
        || faults().any(FaultRule::is_random);
    Ok(ReplyScript { text: text.to_owned(), tables, is_random, needs_socket, warnings })
}

struct Reader<'a> {
    text: &'a str,
    around: &'a Surroundings<'a>,
    /// The server of the script for messages without a rule.
    forward: Option<Target>,
}

/// The names that templates of a rule may use.
struct Names<'a> {
    known: Vec<&'a str>,
    has_message: bool,
    /// True if there is a server to forward messages to.
    has_server: bool,
}

impl Reader<'_> {
    fn table(&self, keys: &Keys<'_>, path: Option<Entry<'_>>) -> Result<RuleTable, ReplyFault> {
        let path = path.map(|entry| {
            PathPattern::parse(entry.text()?)
                .map_err(|fault| entry.fault(Escaped(&fault).to_string()))
        });
        let path = path.transpose()?;
        let forward = keys.entry("forward").map(|entry| target(&entry)).transpose()?;
        let forward = forward.or_else(|| self.forward.clone());
        let rules = keys.entry("on").map(|on| on.tables()).transpose()?.unwrap_or_default();
        let has_others = !keys.entries(&["fault", "expect"]).is_empty();
        if rules.is_empty() && forward.is_none() && !has_others {
            let fault = ReplyFault::new(keys.at, "there are no rules");
            return Err(fault.hinted("begin each rule with [[on]], or [[path.on]] in [[path]]"));
        }
        let rules: Vec<_> = rules
            .into_iter()
            .map(|(table, at)| Keys::new(table, at, &RULE_KEYS))
            .collect::<Result<_, _>>()?;
        let triggers = rules.iter().map(trigger).collect::<Result<Vec<_>, _>>()?;
        let groups = triggers.iter().flat_map(|trigger| match trigger {
            Trigger::Match(matcher) => matcher.group_names().map(ToOwned::to_owned).collect(),
            _ => Vec::new(),
        });
        let of_path = path.iter().flat_map(PathPattern::names);
        let all: Vec<String> = of_path
            .map(|name| format!("path.{name}"))
            .chain(groups)
            .chain(["client".to_owned()])
            .collect();
        let mut read = Vec::new();
        for (keys, trigger) in rules.iter().zip(triggers) {
            read.push(self.rule(keys, trigger, &all, forward.is_some())?);
        }
        let expected = keys.entry("expect").map(|entry| expected(&entry, read.len()));
        let expected = expected.transpose()?.unwrap_or_default();
        let faults = fault_rules(keys)?.into();
        Ok(RuleTable { path, rules: read, expected, faults, forward })
    }

    fn rule(
        &self,
        keys: &Keys<'_>,
        trigger: Trigger,
        names: &[String],
        has_server: bool,
    ) -> Result<Rule, ReplyFault> {
        let names = Names {
            known: names.iter().map(String::as_str).collect(),
            has_message: !matches!(trigger, Trigger::Open),
            has_server,
        };
        let text = |name| keys.entry(name).map(|entry| entry.text().map(ToOwned::to_owned));
        let to = audience(keys)?;
        let mut steps = Vec::new();
        if let Some(swallow) = keys.entry("swallow") {
            steps.push(Step::Swallow(control_kind(&swallow)?));
        }
        steps.extend(delay(keys)?.map(Step::Wait));
        let speech = self.speech(keys, &names, to)?;
        let action = keys.entry("do");
        let does = action.as_ref().map(action_name).transpose()?;
        let is_echo = does == Some("echo");
        let faults = message_faults(keys, is_echo || speech.is_some())?;
        steps.extend(speech.map(|speech| Step::Send(Speech { faults: faults.clone(), ..speech })));
        if is_echo {
            steps.push(Step::Echo { to, faults });
        }
        if let Some(action) = action.as_ref().filter(|_| does == Some("forward")) {
            check_forward(action, &names)?;
            steps.push(Step::Forward);
        }
        let then = keys.entry("then").map(|then| then.tables()).transpose()?.unwrap_or_default();
        for (table, at) in then {
            let keys = Keys::new(table, at, &STEP_KEYS)?;
            check_reachable(&steps, at)?;
            steps.push(self.step(&keys, &names, to)?);
        }
        let ends = ending(keys)?;
        if does == Some("fail") {
            steps.push(Step::Fail);
        }
        if let Some((step, at)) = ends {
            check_reachable(&steps, at)?;
            steps.push(step);
        }
        if let (false, Some(action)) = (names.has_message, &action)
            && steps.iter().any(|step| matches!(step, Step::Echo { .. }))
        {
            return Err(action.fault("there is no message to send back when a client connects"));
        }
        let uses_message =
            |content: &Content| content.template().is_some_and(Template::uses_message);
        let keeps_message = steps.iter().any(|step| match step {
            Step::Echo { .. } | Step::Forward => true,
            Step::Send(speech) | Step::Every { speech, .. } => uses_message(&speech.content),
            _ => false,
        });
        Ok(Rule {
            line: position(self.text, keys.at).0,
            trigger,
            nth: keys.entry("nth").map(|entry| entry.count()).transpose()?,
            chance: chance(keys)?,
            state: text("state").transpose()?,
            set: text("set").transpose()?,
            steps,
            keeps_message,
        })
    }

    /// Reads a step of `then`.
    fn step(&self, keys: &Keys<'_>, names: &Names<'_>, to: Audience) -> Result<Step, ReplyFault> {
        let to = if keys.entry("to").is_some() { audience(keys)? } else { to };
        let kinds = ["wait", "every", "close", "reset", "cut", "stall", "swallow"];
        let mut kinds = keys.entries(&kinds);
        // Otherwise the message is cut.
        kinds.retain(|entry| entry.name != "cut" || entry.boolean().is_some());
        if let [_, second, ..] = &kinds[..] {
            let words = format!("'{}' is a step of its own", second.name);
            return Err(ReplyFault::new(second.at, words));
        }
        let speech = self.speech(keys, names, to)?;
        let faults = message_faults(keys, speech.is_some())?;
        let speech = speech.map(|speech| Speech { faults, ..speech });
        let times = keys.entry("times");
        let every = keys.entry("every");
        if let (Some(times), None) = (&times, &every) {
            return Err(ReplyFault::new(times.at, "'times' needs 'every'"));
        }
        match (kinds.first(), speech) {
            (Some(entry), Some(speech)) if entry.name == "every" => {
                let interval = entry.seconds()?;
                if interval < SHORTEST_INTERVAL {
                    return Err(entry.fault("'every' must be at least 0.001 s"));
                }
                let times = times.map(|times| times.count()).transpose()?;
                Ok(Step::Every { interval, times, speech })
            }
            (Some(entry), None) if entry.name == "wait" => Ok(Step::Wait(pause(entry)?)),
            (Some(entry), None) if entry.name == "swallow" => {
                Ok(Step::Swallow(control_kind(entry)?))
            }
            (Some(entry), None) if entry.name == "every" => {
                Err(ReplyFault::new(entry.at, "'every' needs 'send', 'binary' or 'file'"))
            }
            (Some(entry), Some(_)) => {
                let words = format!("'{}' is a step of its own", entry.name);
                Err(ReplyFault::new(entry.at, words))
            }
            (None, Some(speech)) => Ok(Step::Send(speech)),
            (_, None) => match ending(keys)? {
                Some((step, _)) => Ok(step),
                None => Err(ReplyFault::new(keys.at, "this step does nothing")),
            },
        }
    }

    /// Reads the message of a rule or step, if it has one.
    fn speech(
        &self,
        keys: &Keys<'_>,
        names: &Names<'_>,
        to: Audience,
    ) -> Result<Option<Speech>, ReplyFault> {
        let messages = keys.entries(&["send", "binary", "file"]);
        let entry = match &messages[..] {
            [] => return Ok(None),
            [entry] => entry,
            [first, second, ..] => {
                let words = format!("'{}' excludes '{}'", first.name, second.name);
                return Err(ReplyFault::new(second.at, words).hinted("send the second in 'then'"));
            }
        };
        let text = entry.text()?;
        let (kind, content) = match entry.name {
            "send" => (Kind::Text, self.template(entry, text, names)?),
            "binary" => {
                let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
                let bytes = bytes
                    .map_err(|_| entry.fault("'binary' must be pairs of hexadecimal digits"))?;
                (Kind::Binary, Content::Fixed(bytes))
            }
            _ => {
                let bytes = (self.around.file)(text).map_err(|fault| entry.fault(fault))?;
                let is_text = std::str::from_utf8(&bytes).is_ok();
                let kind = if is_text { Kind::Text } else { Kind::Binary };
                (kind, Content::Fixed(bytes))
            }
        };
        Ok(Some(Speech { kind, content, to, faults: Vec::new() }))
    }

    fn template(
        &self,
        entry: &Entry<'_>,
        text: &str,
        names: &Names<'_>,
    ) -> Result<Content, ReplyFault> {
        let scope = Scope {
            names: &names.known,
            has_message: names.has_message,
            variable: self.around.variable,
        };
        let template = Template::parse(text.as_bytes(), &scope).map_err(|fault| {
            let before: String = text.chars().take(fault.column - 1).collect();
            let at = entry.placeholder_at(self.text, before.matches("${").count());
            let words = ReplyFault::new(at, Escaped(&fault.words).to_string());
            match fault.unknown {
                None => words,
                Some(UnknownName { near: None }) => words.hinted(NAMES_HINT),
                Some(UnknownName { near: Some(near) }) => {
                    words.hinted(format!("did you mean '{near}'?"))
                }
            }
        })?;
        Ok(Content::Template(template))
    }
}

fn check_reachable(before: &[Step], at: usize) -> Result<(), ReplyFault> {
    if before.last().is_some_and(Step::is_last) {
        return Err(ReplyFault::new(at, "this step is never reached"));
    }
    Ok(())
}

/// Reads what ends a reply, with its offset.
fn ending(keys: &Keys<'_>) -> Result<Option<(Step, usize)>, ReplyFault> {
    let mut ends = keys.entries(&["close", "reset", "cut", "stall"]);
    // Otherwise the message is cut.
    ends.retain(|entry| entry.name != "cut" || entry.boolean().is_some());
    let step = match &ends[..] {
        [] => return Ok(None),
        [entry] => match entry.name {
            "close" => Step::Close(close(entry)?),
            "reset" => entry.flag().map(|()| Step::Reset)?,
            "cut" => entry.flag().map(|()| Step::Cut)?,
            _ if entry.boolean() == Some(true) => Step::Stall(None),
            _ => Step::Stall(Some(pause(entry)?)),
        },
        [first, second, ..] => {
            let words = format!("'{}' excludes '{}'", first.name, second.name);
            return Err(ReplyFault::new(second.at, words));
        }
    };
    Ok(ends.first().map(|entry| (step, entry.at)))
}

fn trigger(keys: &Keys<'_>) -> Result<Trigger, ReplyFault> {
    let triggers = keys.entries(&["open", "match", "json", "text", "otherwise"]);
    match &triggers[..] {
        [] => Err(ReplyFault::new(keys.at, "a rule needs an event")
            .hinted("add open = true, match, json, text or otherwise = true")),
        [entry] => Ok(match entry.name {
            "open" => entry.flag().map(|()| Trigger::Open)?,
            "otherwise" => entry.flag().map(|()| Trigger::Otherwise)?,
            "text" => Trigger::Text(entry.text()?.to_owned()),
            "json" => {
                entry.table()?;
                Trigger::Json(JsonSubset::new(&entry.json()?))
            }
            _ => {
                let matcher = Matcher::parse(entry.text()?);
                Trigger::Match(matcher.map_err(|fault| entry.fault(Escaped(&fault).to_string()))?)
            }
        }),
        [first, second, ..] => {
            let words = format!("'{}' excludes '{}'", first.name, second.name);
            Err(ReplyFault::new(second.at, words).hinted("write two rules"))
        }
    }
}

fn audience(keys: &Keys<'_>) -> Result<Audience, ReplyFault> {
    let Some(entry) = keys.entry("to") else { return Ok(Audience::Sender) };
    Ok(match choice(&entry, &["sender", "others", "all"])? {
        "others" => Audience::Others,
        "all" => Audience::All,
        _ => Audience::Sender,
    })
}

fn action_name<'a>(entry: &Entry<'a>) -> Result<&'a str, ReplyFault> {
    choice(entry, &["echo", "ignore", "fail", "forward"])
}

fn check_forward(entry: &Entry<'_>, names: &Names<'_>) -> Result<(), ReplyFault> {
    if !names.has_server {
        let fault = entry.fault("there is no server to forward messages to");
        return Err(fault.hinted("add forward = \"wss://...\" at the top, or in the [[path]]"));
    }
    if !names.has_message {
        return Err(entry.fault("there is no message to forward when a client connects"));
    }
    Ok(())
}

/// Reads the URL of a server.
fn target(entry: &Entry<'_>) -> Result<Target, ReplyFault> {
    Target::parse(entry.text()?).map_err(|fault| {
        entry.fault(format!(
            "this is not a URL of a WebSocket server: {}",
            Escaped(&fault.to_string())
        ))
    })
}

/// Reads the time before a reply.
fn delay(keys: &Keys<'_>) -> Result<Option<Pause>, ReplyFault> {
    let delay = keys.entry("delay").map(|entry| pause(&entry)).transpose()?;
    let Some(entry) = keys.entry("jitter") else { return Ok(delay) };
    let jitter = entry.seconds()?;
    let Pause { shortest, longest } = delay.unwrap_or_default();
    Ok(Some(Pause { shortest, longest: longest + jitter }))
}

fn expected(entry: &Entry<'_>, rules: usize) -> Result<Expected, ReplyFault> {
    let keys = Keys::new(entry.table()?, entry.at, &["on", "never", "headers"])?;
    let numbers = |name| -> Result<Vec<usize>, ReplyFault> {
        let Some(entry) = keys.entry(name) else { return Ok(Vec::new()) };
        let Some(items) = entry.items() else {
            return Err(entry.fault(format!("'{name}' must be a list of numbers of rules")));
        };
        let index = |item: Entry<'_>| {
            let number = usize::try_from(item.count()?).unwrap_or(usize::MAX);
            if number > rules {
                return Err(item.fault(format!("there is no rule {number}, only {rules}")));
            }
            Ok(number - 1)
        };
        items.into_iter().map(index).collect()
    };
    let headers = keys.entry("headers").map(|headers| headers.table()).transpose()?;
    let headers = headers
        .into_iter()
        .flat_map(Entry::all_of)
        .map(|entry| Ok((entry.name.to_owned(), header_rule(&entry)?)));
    Ok(Expected {
        used: numbers("on")?,
        unused: numbers("never")?,
        headers: headers.collect::<Result<_, _>>()?,
    })
}

fn header_rule(entry: &Entry<'_>) -> Result<HeaderRule, ReplyFault> {
    match entry.boolean() {
        Some(true) => return Ok(HeaderRule::Present),
        Some(false) => return Ok(HeaderRule::Absent),
        None => {}
    }
    let text = entry.text()?;
    let pattern = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
    let Some(pattern) = pattern else { return Ok(HeaderRule::Equal(text.to_owned())) };
    match Regex::new(pattern) {
        Ok(regex) => Ok(HeaderRule::Match(regex)),
        Err(_) => Err(entry.fault("this is not a regular expression")),
    }
}

const TABLE_KEYS: [&str; 5] = ["path", "on", "expect", "fault", "forward"];
const RULE_KEYS: [&str; 26] = [
    "open",
    "match",
    "json",
    "text",
    "otherwise",
    "nth",
    "chance",
    "state",
    "set",
    "send",
    "binary",
    "file",
    "to",
    "delay",
    "jitter",
    "then",
    "do",
    "close",
    "reset",
    "cut",
    "stall",
    "swallow",
    "duplicate",
    "corrupt",
    "split",
    "throttle",
];
const STEP_KEYS: [&str; 16] = [
    "wait",
    "every",
    "times",
    "send",
    "binary",
    "file",
    "to",
    "close",
    "reset",
    "cut",
    "stall",
    "swallow",
    "duplicate",
    "corrupt",
    "split",
    "throttle",
];
const NAMES_HINT: &str = "a name is client, path.NAME, a group (?P<NAME>...) of a 'match'; or uuid, \
                          now, now_ms, n, env:NAME, json:/pointer";
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
