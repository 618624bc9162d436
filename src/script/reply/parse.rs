//! Reads reply scripts from TOML.

use super::{
    keys::{Entry, Keys, ReplyFault},
    path::PathPattern,
    rule::{
        Audience, Expected, HeaderRule, Pause, ReplyScript, Rule, RuleTable, Speech, Step, Trigger,
    },
    subset::JsonSubset,
};
use crate::{
    escape::Escaped,
    proto::{Close, CloseCode, Kind, close::MAX_REASON_BYTES},
    script::{
        draft::Content,
        matcher::Matcher,
        template::{Scope, Template},
    },
    wording::{nearest, position},
};
use data_encoding::HEXLOWER_PERMISSIVE;
use regex::Regex;
use std::time::Duration;
use toml::de::DeTable;

/// What a script refers to beside itself.
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
    let reader = Reader { text, around };
    let mut tables = Vec::new();
    let paths = keys.entry("path").filter(|path| !path.is_text());
    for (table, at) in paths.iter().map(Entry::tables).collect::<Result<Vec<_>, _>>()?.concat() {
        let keys = Keys::new(table, at, &TABLE_KEYS)?;
        let path = keys.entry("path");
        let path = path.ok_or_else(|| ReplyFault::new(at, "a [[path]] table needs a 'path'"))?;
        tables.push(reader.table(&keys, Some(path))?);
    }
    if paths.is_none() || keys.entry("on").is_some() || keys.entry("expect").is_some() {
        tables.push(reader.table(&keys, keys.entry("path").filter(Entry::is_text))?);
    }
    let rules = || tables.iter().flat_map(|table: &RuleTable| &table.rules);
    let steps = || rules().flat_map(|rule| &rule.steps);
    let needs_socket = steps().any(|step| matches!(step, Step::Reset | Step::Stall(_)));
    let is_random = rules().any(|rule| rule.chance.is_some()) || steps().any(Step::is_random);
    Ok(ReplyScript { text: text.to_owned(), tables, is_random, needs_socket })
}

struct Reader<'a> {
    text: &'a str,
    around: &'a Surroundings<'a>,
}

/// What the templates of a rule may refer to.
struct Names<'a> {
    names: Vec<&'a str>,
    has_message: bool,
}

impl Reader<'_> {
    fn table(&self, keys: &Keys<'_>, path: Option<Entry<'_>>) -> Result<RuleTable, ReplyFault> {
        let path = path.map(|entry| {
            PathPattern::parse(entry.text()?)
                .map_err(|fault| entry.fault(Escaped(&fault).to_string()))
        });
        let path = path.transpose()?;
        let rules = keys.entry("on").map(|on| on.tables()).transpose()?.unwrap_or_default();
        if rules.is_empty() {
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
            read.push(self.rule(keys, trigger, &all)?);
        }
        let expected = keys.entry("expect").map(|entry| expected(&entry, read.len()));
        let expected = expected.transpose()?.unwrap_or_default();
        Ok(RuleTable { path, rules: read, expected })
    }

    fn rule(
        &self,
        keys: &Keys<'_>,
        trigger: Trigger,
        names: &[String],
    ) -> Result<Rule, ReplyFault> {
        let names = Names {
            names: names.iter().map(String::as_str).collect(),
            has_message: !matches!(trigger, Trigger::Open),
        };
        let text = |name| keys.entry(name).map(|entry| entry.text().map(ToOwned::to_owned));
        let chance = keys.entry("chance").map(|entry| {
            let chance = entry.number().filter(|chance| (0.0..=1.0).contains(chance));
            chance.ok_or_else(|| entry.fault("'chance' must be a number from 0 to 1"))
        });
        let to = audience(keys)?;
        let mut steps = Vec::new();
        if let Some(delay) = keys.entry("delay") {
            steps.push(Step::Wait(pause(&delay)?));
        }
        steps.extend(self.speech(keys, &names, to)?.map(Step::Send));
        let action = keys.entry("do");
        let is_echo = action.as_ref().map(|action| action_name(action)).transpose()?;
        if is_echo == Some("echo") {
            steps.push(Step::Echo(to));
        }
        let then = keys.entry("then").map(|then| then.tables()).transpose()?.unwrap_or_default();
        for (table, at) in then {
            let keys = Keys::new(table, at, &STEP_KEYS)?;
            check_reachable(&steps, at)?;
            steps.push(self.step(&keys, &names, to)?);
        }
        let ends = ending(keys)?;
        if is_echo == Some("fail") {
            steps.push(Step::Fail);
        }
        if let Some((step, at)) = ends {
            check_reachable(&steps, at)?;
            steps.push(step);
        }
        if let (false, Some(action)) = (names.has_message, &action)
            && steps.iter().any(|step| matches!(step, Step::Echo(_)))
        {
            return Err(action.fault("there is no message to send back when a client connects"));
        }
        let uses_message =
            |content: &Content| content.template().is_some_and(Template::uses_message);
        let keeps_message = steps.iter().any(|step| match step {
            Step::Echo(_) => true,
            Step::Send(speech) | Step::Every { speech, .. } => uses_message(&speech.content),
            _ => false,
        });
        Ok(Rule {
            line: position(self.text, keys.at).0,
            trigger,
            nth: keys.entry("nth").map(|entry| entry.count()).transpose()?,
            chance: chance.transpose()?,
            state: text("state").transpose()?,
            set: text("set").transpose()?,
            steps,
            keeps_message,
        })
    }

    /// Reads a step of `then`.
    fn step(&self, keys: &Keys<'_>, names: &Names<'_>, to: Audience) -> Result<Step, ReplyFault> {
        let to = if keys.entry("to").is_some() { audience(keys)? } else { to };
        let kinds = keys.entries(&["wait", "every", "close", "reset", "cut", "stall"]);
        if let [_, second, ..] = &kinds[..] {
            let words = format!("'{}' is a step of its own", second.name);
            return Err(ReplyFault::new(second.at, words));
        }
        let speech = self.speech(keys, names, to)?;
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
        Ok(Some(Speech { kind, content, to }))
    }

    fn template(
        &self,
        entry: &Entry<'_>,
        text: &str,
        names: &Names<'_>,
    ) -> Result<Content, ReplyFault> {
        let scope = Scope {
            names: &names.names,
            has_message: names.has_message,
            variable: self.around.variable,
        };
        let template = Template::parse(text.as_bytes(), &scope).map_err(|fault| {
            let words = format!("{} at column {} of the message", fault.words, fault.column);
            let fault = entry.fault(Escaped(&words).to_string());
            fault.hinted(NAMES_HINT)
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
    let ends = keys.entries(&["close", "reset", "cut", "stall"]);
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
    if entry.text()? == "forward" {
        return Err(entry.fault("messages cannot be forwarded"));
    }
    choice(entry, &["echo", "ignore", "fail"])
}

fn choice<'a>(entry: &Entry<'a>, choices: &[&str]) -> Result<&'a str, ReplyFault> {
    let text = entry.text()?;
    if choices.contains(&text) {
        return Ok(text);
    }
    let words = format!("'{}' must be {}", entry.name, choices.join(", "));
    let near = nearest(text, choices.iter().copied());
    let fault = entry.fault(words);
    Err(match near {
        Some(near) => fault.hinted(format!("did you mean '{near}'?")),
        None => fault,
    })
}

/// Reads a time, or the limits of one.
fn pause(entry: &Entry<'_>) -> Result<Pause, ReplyFault> {
    let Some(items) = entry.items() else {
        let time = entry.seconds()?;
        return Ok(Pause { shortest: time, longest: time });
    };
    let times = items.iter().map(Entry::seconds).collect::<Result<Vec<_>, _>>()?;
    match &times[..] {
        [shortest, longest] if shortest <= longest => {
            Ok(Pause { shortest: *shortest, longest: *longest })
        }
        _ => Err(entry.fault(format!("'{}' must be [SHORTEST, LONGEST] in seconds", entry.name))),
    }
}

fn close(entry: &Entry<'_>) -> Result<Close, ReplyFault> {
    if entry.boolean() == Some(true) {
        return Ok(Close::new(CloseCode::NORMAL));
    }
    if entry.number().is_some() {
        return Ok(Close::new(close_code(entry)?));
    }
    let keys = Keys::new(entry.table()?, entry.at, &["code", "reason"])?;
    let code = keys.entry("code").map(|code| close_code(&code)).transpose()?;
    let reason = match keys.entry("reason") {
        None => String::new(),
        Some(reason) if reason.text()?.len() > MAX_REASON_BYTES => {
            return Err(reason.fault(format!("a reason has at most {MAX_REASON_BYTES} bytes")));
        }
        Some(reason) => reason.text()?.to_owned(),
    };
    Ok(Close { code: code.unwrap_or(CloseCode::NORMAL), reason })
}

fn close_code(entry: &Entry<'_>) -> Result<CloseCode, ReplyFault> {
    let code = entry.count().ok().and_then(|code| u16::try_from(code).ok()).map(CloseCode::new);
    code.filter(|code| code.is_sendable())
        .ok_or_else(|| entry.fault("a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999"))
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

const TABLE_KEYS: [&str; 3] = ["path", "on", "expect"];
const RULE_KEYS: [&str; 20] = [
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
    "then",
    "do",
    "close",
    "reset",
    "cut",
    "stall",
];
const STEP_KEYS: [&str; 11] =
    ["wait", "every", "times", "send", "binary", "file", "to", "close", "reset", "cut", "stall"];
const NAMES_HINT: &str = "a name is client, path.NAME, a group (?P<NAME>...) of a 'match'; or uuid, \
                          now, now_ms, n, env:NAME, json:/pointer";
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let around = Surroundings {
            variable: &|_| Err(std::env::VarError::NotPresent),
            file: &|name| Err(format!("cannot read {name}: no such file")),
        };
        let ReplyFault { at, words, hint } = parse(text, &around).unwrap_err();
        let (line, column) = position(text, at);
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{line}:{column}: {words}{hint}")
    }

    #[test]
    fn faults_have_a_place_and_a_suggestion() {
        let on = "[[on]]\ntext = 'a'\n";
        for (text, expected) in [
            (
                "",
                "1:1: there are no rules (begin each rule with [[on]], or [[path.on]] in [[path]])",
            ),
            ("x = [", "1:6: unclosed array, expected `]`"),
            ("paht = 1", "1:1: unknown key 'paht' (did you mean 'path'?)"),
            ("on = 1", "1:6: 'on' must be a list of tables"),
            ("path = 'x'\n[[on]]\nopen = true", "1:8: a path begins with /"),
            (
                "[[on]]\nsend = 'a'",
                "1:1: a rule needs an event (add open = true, match, json, text or otherwise = true)",
            ),
            ("[[on]]\nopen = false", "2:8: 'open' must be true"),
            ("[[on]]\ntext = 'a'\nopen = true", "2:1: 'open' excludes 'text' (write two rules)"),
            ("[[on]]\nmatch = '('", "2:9: unclosed group"),
            ("[[on]]\nmatch = 'json:x'", "2:9: a JSON pointer begins with / at column 6"),
            ("[[on]]\njson = 1", "2:8: 'json' must be a table"),
            ("[[on]]\njson = { a = 1979-05-27 }", "2:14: JSON has no dates: write it as a string"),
            (
                "[[on]]\nopen = true\ndo = 'echo'",
                "3:6: there is no message to send back when a client connects",
            ),
            (
                "[[on]]\nopen = true\nsend = '${json:/a}'",
                "3:8: there is no message to take ${json:/a} from at column 1 of the message",
            ),
        ] {
            let found = fault(text);
            assert!(found.starts_with(expected), "{text}: {found}");
        }
        for (line, expected) in [
            ("sned = 'a'", "unknown key 'sned' (did you mean 'send'?)"),
            ("send = 1", "'send' must be a string"),
            ("send = '${clent}'", "unknown name '${clent}', did you mean '${client}'? at column 1"),
            ("send = '${path.room}'", "unknown name '${path.room}'"),
            ("send = '${env:X}'", "the environment variable 'X' is not set"),
            ("send = 'a'\nfile = 'b'", "'send' excludes 'file'"),
            ("binary = '0'", "'binary' must be pairs of hexadecimal digits"),
            ("file = 'b'", "cannot read b: no such file"),
            ("to = 'other'", "'to' must be sender, others, all (did you mean 'others'?)"),
            ("do = 'forward'", "messages cannot be forwarded"),
            ("do = 'x'", "'do' must be echo, ignore, fail"),
            ("nth = 0", "'nth' must be a number from 1"),
            ("chance = 1.5", "'chance' must be a number from 0 to 1"),
            ("delay = -1", "'delay' must be a time in seconds"),
            ("delay = [2, 1]", "'delay' must be [SHORTEST, LONGEST] in seconds"),
            ("close = 1005", "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999"),
            ("close = { cod = 1 }", "unknown key 'cod' (did you mean 'code'?)"),
            ("close = 1000\ncut = true", "'close' excludes 'cut'"),
            ("then = [{}]", "this step does nothing"),
            ("then = [{ wait = 1, cut = true }]", "'cut' is a step of its own"),
            ("then = [{ wait = 1, send = 'a' }]", "'wait' is a step of its own"),
            ("then = [{ every = 1 }]", "'every' needs 'send', 'binary' or 'file'"),
            ("then = [{ every = 0, send = 'a' }]", "'every' must be at least 0.001 s"),
            ("then = [{ times = 1, send = 'a' }]", "'times' needs 'every'"),
            ("then = [{ cut = true }, { send = 'a' }]", "this step is never reached"),
            ("then = [{ every = 1, send = 'a' }]\nclose = true", "this step is never reached"),
            ("[expect]\non = [2]", "there is no rule 2, only 1"),
            ("[expect]\nheaders = { A = '/(/' }", "this is not a regular expression"),
        ] {
            let found = fault(&format!("{on}{line}"));
            let place = format!("{}:", 2 + line.lines().count());
            let words = found.split_once(": ").unwrap_or_default().1;
            assert!(found.starts_with(&place) && words.starts_with(expected), "{line}: {found}");
        }
    }

    #[test]
    fn only_what_varies_is_random() {
        let around = Surroundings {
            variable: &|_| Err(std::env::VarError::NotPresent),
            file: &|_| Ok(Vec::new()),
        };
        let is_random =
            |line: &str| parse(&format!("[[on]]\nopen = true\n{line}"), &around).unwrap().is_random;
        for line in ["chance = 0.5", "delay = [1, 2]", "send = '${uuid}'", "stall = [1, 2]"] {
            assert!(is_random(line), "{line}");
        }
        for line in ["delay = 1", "delay = [1, 1]", "send = '${now}'", "stall = true", "cut = true"]
        {
            assert!(!is_random(line), "{line}");
        }
    }
}
