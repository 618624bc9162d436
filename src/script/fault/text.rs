//! The text form of fault rules.

use super::{
    rule::{Condition, ControlKind, CutPlace, FAULT_NAMES, Fault, FaultRule, Threshold},
    words::{RuleFault, Word, words},
};
use crate::{
    escape::Escaped,
    proto::{Close, CloseCode, Leg, close::MAX_REASON_BYTES, trace::Direction},
    script::{
        matcher::Matcher,
        template::{Scope, Template},
    },
    wording::nearest,
};
use std::{env::VarError, num::NonZeroU32, str::FromStr, time::Duration};

impl FaultRule {
    /// Parses a rule without environment variables.
    pub fn parse(text: &str) -> Result<Self, RuleFault> {
        Self::parse_with(text, &|_| Err(VarError::NotPresent))
    }

    /// Parses a rule: a fault, then its conditions in any order. `variable` returns the value of an
    /// environment variable.
    pub fn parse_with(text: &str, variable: Variables<'_>) -> Result<Self, RuleFault> {
        let words = words(text)?;
        let mut reader = Reader { words: &words, next: 0, end: text.len() };
        let (fault, when) = match reader.templated()? {
            Some((to, text)) => {
                let when = reader.when()?;
                (templated(to, text, &when, variable)?, when)
            }
            None => (reader.fault()?, reader.when()?),
        };
        let rule = Self { fault, when };
        match rule.excess() {
            Some(excess) => Err(RuleFault { at: 0, words: excess.to_owned() }),
            None => Ok(rule),
        }
    }

    /// Parses `[client:|server:]MATCH=TEXT`, in which `\=` stands for an equals sign in MATCH.
    pub fn parse_rewrite(text: &str, variable: Variables<'_>) -> Result<Self, RuleFault> {
        let legs = [("client:", Direction::In), ("server:", Direction::Out)];
        let sent = legs.iter().find_map(|(leg, way)| Some((*way, text.strip_prefix(leg)?)));
        let (direction, rest) = sent.map_or((None, text), |(way, rest)| (Some(way), rest));
        let front = text.len() - rest.len();
        let (mut pattern, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next() {
                None => {
                    let words = "MATCH=TEXT has no '='".to_owned();
                    return Err(RuleFault { at: text.len(), words });
                }
                Some((at, '=')) => break at + 1,
                Some((_, '\\')) => match chars.next() {
                    Some((_, '=')) => pattern.push('='),
                    other => pattern.extend(['\\'].into_iter().chain(other.map(|(_, c)| c))),
                },
                Some((_, c)) => pattern.push(c),
            }
        };
        let fault = |fault: String| RuleFault { at: front, words: Escaped(&fault).to_string() };
        let matcher = Some(Matcher::parse(&pattern).map_err(fault)?);
        let when = Condition { direction, matcher, ..Condition::default() };
        let replacement = rest.get(end..).unwrap_or_default().to_owned();
        let word = Word { at: front + end, text: replacement };
        Ok(Self { fault: templated(None, &word, &when, variable)?, when })
    }

    /// Parses an `inject` rule without its first word.
    pub fn parse_inject(text: &str, variable: Variables<'_>) -> Result<Self, RuleFault> {
        let rule = Self::parse_with(&format!("{INJECT}{text}"), variable);
        rule.map_err(|fault| RuleFault { at: fault.at.saturating_sub(INJECT.len()), ..fault })
    }
}

/// Returns the values of environment variables.
pub type Variables<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// Creates a fault with a template, whose names depend on the conditions.
fn templated(
    to: Option<Leg>,
    word: &Word,
    when: &Condition,
    variable: Variables<'_>,
) -> Result<Fault, RuleFault> {
    let regex = when.matcher.as_ref().and_then(Matcher::regex);
    let groups = regex.map_or(0, regex::bytes::Regex::captures_len);
    let numbers: Vec<_> = (0..groups).map(|group| group.to_string()).collect();
    let group_names = regex.into_iter().flat_map(|regex| regex.capture_names().flatten());
    let names: Vec<_> = numbers.iter().map(String::as_str).chain(group_names).collect();
    let is_of_message = when.every.is_some() || when.matcher.is_some() || when.chance.is_some();
    let scope = Scope { names: &names, has_message: to.is_none() || is_of_message, variable };
    let text = Template::parse(word.text.as_bytes(), &scope).map_err(|fault| {
        word.fault(format!("{}, at column {} of the text", Escaped(&fault.words), fault.column))
    })?;
    Ok(to.map_or_else(
        || Fault::Rewrite(text.clone()),
        |to| Fault::Inject { to, text: text.clone() },
    ))
}

struct Reader<'a> {
    words: &'a [Word],
    next: usize,
    /// The length of the text.
    end: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Word> {
        self.words.get(self.next)
    }

    fn word(&mut self) -> Option<&'a Word> {
        let word = self.peek()?;
        self.next += 1;
        Some(word)
    }

    /// Takes the word after `name`.
    fn value(&mut self, name: &str, what: &str) -> Result<&'a Word, RuleFault> {
        let at = self.end;
        self.word().ok_or_else(|| RuleFault { at, words: format!("'{name}' needs {what}") })
    }

    fn number<T: FromStr>(&mut self, name: &str, what: &str) -> Result<T, RuleFault> {
        let word = self.value(name, what)?;
        word.text.parse().map_err(|_| word.fault(format!("'{name}' needs {what}")))
    }

    fn seconds(&mut self, name: &str) -> Result<Duration, RuleFault> {
        let word = self.value(name, "a time in seconds")?;
        word.seconds().ok_or_else(|| word.fault(format!("'{name}' needs a time in seconds")))
    }

    /// Reads a fault with a text: the leg of `inject`, and the text.
    fn templated(&mut self) -> Result<Option<(Option<Leg>, &'a Word)>, RuleFault> {
        let leg = match self.peek().map(|word| &*word.text) {
            Some("rewrite") => {
                self.next += 1;
                None
            }
            Some("inject") => {
                self.next += 1;
                let what = "client or server, and a text";
                let word = self.value("inject", what)?;
                let fault = || word.fault(format!("'inject' needs {what}"));
                Some(Leg::parse(&word.text).ok_or_else(fault)?)
            }
            _ => return Ok(None),
        };
        let name = if leg.is_some() { "inject" } else { "rewrite" };
        self.value(name, "a text").map(|text| Some((leg, text)))
    }

    fn fault(&mut self) -> Result<Fault, RuleFault> {
        let fault =
            RuleFault { at: 0, words: format!("a rule begins with {}", FAULT_NAMES.join(", ")) };
        let word = self.word().ok_or(fault)?;
        Ok(match word.text.as_str() {
            "delay" => {
                let time = self.seconds("delay")?;
                let has_jitter = self.peek().is_some_and(|word| word.is("jitter"));
                let jitter = if has_jitter {
                    self.next += 1;
                    self.seconds("jitter")?
                } else {
                    Duration::ZERO
                };
                Fault::Delay { time, jitter }
            }
            "jitter" => Fault::Delay { time: Duration::ZERO, jitter: self.seconds("jitter")? },
            "throttle" => Fault::Throttle(self.number("throttle", "a number of bytes a second")?),
            "drop" => Fault::Drop,
            "duplicate" => Fault::Duplicate,
            "corrupt" => Fault::Corrupt,
            "split" => Fault::Split(self.fragments()?),
            "stall" => {
                let time = self.peek().and_then(Word::seconds);
                self.next += usize::from(time.is_some());
                Fault::Stall(time)
            }
            "cut" => Fault::Cut(self.cut_place()),
            "reset" => Fault::Reset,
            "close" => Fault::Close(self.close()?),
            "swallow" => Fault::Swallow(self.control_kind()?),
            "refuse" => Fault::Refuse(self.status()?),
            _ => return Err(word.unknown("fault", &FAULT_NAMES)),
        })
    }

    fn fragments(&mut self) -> Result<NonZeroU32, RuleFault> {
        let what = "a number of fragments from 2";
        let word = self.value("split", what)?;
        let fragments: Option<NonZeroU32> = word.text.parse().ok();
        let fragments = fragments.filter(|it| (2..=MAX_FRAGMENTS).contains(&it.get()));
        fragments.ok_or_else(|| word.fault(format!("'split' needs {what} to {MAX_FRAGMENTS}")))
    }

    fn cut_place(&mut self) -> CutPlace {
        let place = self.peek().and_then(|word| match word.text.parse() {
            Ok(bytes) => Some(CutPlace::AfterBytes(bytes)),
            Err(_) => word.is("frame").then_some(CutPlace::InsideFrame),
        });
        self.next += usize::from(place.is_some());
        place.unwrap_or(CutPlace::Boundary)
    }

    fn close(&mut self) -> Result<Close, RuleFault> {
        let word = self.value("close", "CODE or CODE:REASON")?;
        let (code, reason) = word.text.split_once(':').unwrap_or((&word.text, ""));
        let code = code.parse().ok().map(CloseCode::new).filter(|code| code.is_sendable());
        let code = code.ok_or_else(|| {
            word.fault("a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999".to_owned())
        })?;
        if reason.len() > MAX_REASON_BYTES {
            return Err(word.fault(format!("a reason has at most {MAX_REASON_BYTES} bytes")));
        }
        Ok(Close { code, reason: reason.to_owned() })
    }

    fn control_kind(&mut self) -> Result<ControlKind, RuleFault> {
        let word = self.value("swallow", "ping or pong")?;
        match word.text.as_str() {
            "ping" => Ok(ControlKind::Ping),
            "pong" => Ok(ControlKind::Pong),
            _ => Err(word.fault("'swallow' needs ping or pong".to_owned())),
        }
    }

    fn status(&mut self) -> Result<u16, RuleFault> {
        let word = self.value("refuse", "a status")?;
        let status = word.text.parse().ok().filter(|status| (300..=599).contains(status));
        status.ok_or_else(|| word.fault("'refuse' needs a status from 300 to 599".to_owned()))
    }

    fn when(&mut self) -> Result<Condition, RuleFault> {
        let mut when = Condition::default();
        while let Some(word) = self.word() {
            let is_new = match word.text.as_str() {
                "every" => when.every.replace(self.number("every", "a number from 1")?).is_none(),
                "after" => when.after.replace(self.after()?).is_none(),
                "in" | "client" => when.direction.replace(Direction::In).is_none(),
                "out" | "server" => when.direction.replace(Direction::Out).is_none(),
                "match" => {
                    let word = self.value("match", "a pattern")?;
                    let matcher = Matcher::parse(&word.text);
                    let matcher =
                        matcher.map_err(|fault| word.fault(Escaped(&fault).to_string()))?;
                    when.matcher.replace(matcher).is_none()
                }
                "chance" => when.chance.replace(self.chance()?).is_none(),
                _ => return Err(word.unknown("condition", &CONDITIONS)),
            };
            if !is_new {
                let words = match word.text.as_str() {
                    "in" | "out" | "client" | "server" => "a rule has one direction".to_owned(),
                    name => format!("'{name}' is given twice"),
                };
                return Err(word.fault(words));
            }
        }
        Ok(when)
    }

    /// Reads `N messages` or `N s`.
    fn after(&mut self) -> Result<Threshold, RuleFault> {
        let what = "N messages or N s";
        let number = self.value("after", what)?;
        let unit = self.value("after", what)?;
        match unit.text.as_str() {
            "message" | "messages" => number.text.parse().ok().map(Threshold::Messages),
            "s" | "second" | "seconds" => number.seconds().map(Threshold::Time),
            _ => return Err(unit.fault(format!("'after' needs {what}"))),
        }
        .ok_or_else(|| number.fault(format!("'after' needs {what}")))
    }

    fn chance(&mut self) -> Result<f64, RuleFault> {
        let word = self.value("chance", "a number from 0 to 1")?;
        let chance = word.text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
        chance.ok_or_else(|| word.fault("'chance' needs a number from 0 to 1".to_owned()))
    }
}

impl Word {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn fault(&self, words: String) -> RuleFault {
        RuleFault { at: self.at, words }
    }

    fn unknown(&self, what: &str, known: &[&str]) -> RuleFault {
        let name = Escaped(&self.text);
        self.fault(match nearest(&self.text, known.iter().copied()) {
            Some(near) => format!("unknown {what} '{name}', did you mean '{near}'?"),
            None => format!("unknown {what} '{name}': use {}", known.join(", ")),
        })
    }

    fn seconds(&self) -> Option<Duration> {
        let seconds: f64 = self.text.parse().ok()?;
        let seconds = (0.0..=LONGEST_SECONDS).contains(&seconds).then_some(seconds)?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// The greatest number of fragments of a message. Each costs a header.
pub const MAX_FRAGMENTS: u32 = 10_000;
const INJECT: &str = "inject ";
/// About three years. Longer times would overflow a clock.
const LONGEST_SECONDS: f64 = 1e8;
const CONDITIONS: [&str; 8] =
    ["every", "after", "in", "out", "client", "server", "match", "chance"];
