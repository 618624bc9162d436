//! Messages of a script before their placeholders are replaced, and the values for these.

use super::{
    matcher::Matcher,
    records::Source,
    template::{MissingValue, Template, Values},
};
use crate::proto::{Kind, utf8};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

/// A message that a script sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The type of the message.
    pub kind: Kind,
    /// Its payload.
    pub content: Content,
}

/// The payload of a [`Draft`].
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// These bytes.
    Fixed(Vec<u8>),
    /// The bytes that a template yields. Text that is not valid UTF-8 then, because a group matched
    /// part of a binary message, is sent with replacement characters.
    Template(Template),
}

/// A message sent whenever a received one matches (`--answer`).
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The pattern of the messages that are answered.
    pub matcher: Matcher,
    /// The answer.
    pub draft: Draft,
}

/// A message sent at an interval (`--every`).
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The time between two messages, more than zero.
    pub interval: Duration,
    /// The message.
    pub draft: Draft,
}

/// The sources of time and randomness for templates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ambient {
    pub(crate) now: fn() -> SystemTime,
    pub(crate) random: fn() -> [u8; 16],
}

/// The values for the placeholders of drafts.
#[derive(Debug)]
pub(crate) struct Memory {
    ambient: Ambient,
    /// The groups of the patterns that have matched. Each keeps its value until it matches again.
    groups: BTreeMap<String, Vec<u8>>,
    /// The last message that matched and the offset of the match, if a draft needs it.
    message: Option<(Vec<u8>, usize)>,
    keeps_message: bool,
    /// The number of messages with `${n}`.
    number: u64,
}

impl Memory {
    /// Creates a memory without values. `keeps_message` is true if a draft that answers no message
    /// refers to one.
    pub(crate) fn new(ambient: Ambient, keeps_message: bool) -> Self {
        Self { ambient, groups: BTreeMap::new(), message: None, keeps_message, number: 0 }
    }

    /// Forgets the values of the messages of a lost session.
    pub(crate) fn forget(&mut self) {
        self.groups.clear();
        self.message = None;
    }

    /// Remembers the values of a message that matches.
    pub(crate) fn learn(&mut self, matcher: &Matcher, message: Source<'_>) {
        for (name, value) in matcher.groups(message.text) {
            self.groups.insert(name.to_owned(), value.to_vec());
        }
        if self.keeps_message {
            self.message = Some((message.text.to_vec(), message.at));
        }
    }

    /// Returns the payload of a draft, which answers `message` if it is given.
    pub(crate) fn expand(
        &mut self,
        draft: &Draft,
        message: Option<Source<'_>>,
    ) -> Result<Vec<u8>, MissingValue> {
        let template = match &draft.content {
            Content::Fixed(bytes) => return Ok(bytes.clone()),
            Content::Template(template) => template,
        };
        let groups = &self.groups;
        let kept = self.message.as_ref().map(|(text, at)| Source { text, at: *at });
        let append = |name: &str, out: &mut Vec<u8>| {
            groups.get(name).map(|value| out.extend_from_slice(value)).is_some()
        };
        let number = self.number + u64::from(template.uses_number());
        let mut random = self.ambient.random;
        let bytes = template.expand(&mut Values {
            append: &append,
            message: message.or(kept),
            number,
            now: (self.ambient.now)(),
            random: &mut random,
        })?;
        self.number = number;
        if draft.kind == Kind::Text && !utf8::is_valid(&bytes) {
            return Ok(String::from_utf8_lossy(&bytes).into_owned().into_bytes());
        }
        Ok(bytes)
    }
}

/// Neither the time nor random: for scripts without templates.
impl Default for Ambient {
    fn default() -> Self {
        Self { now: || SystemTime::UNIX_EPOCH, random: || [0; 16] }
    }
}

impl Content {
    /// Returns the payload as it was given, with its placeholders.
    pub fn source(&self) -> &[u8] {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Template(template) => template.source(),
        }
    }

    /// Returns the template, if it is one.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Fixed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::template::Scope;

    fn draft(kind: Kind, template: &str) -> Draft {
        let scope = Scope {
            names: &["a", "b"],
            has_message: true,
            variable: &|_| Err(std::env::VarError::NotPresent),
        };
        let template = Template::parse(template.as_bytes(), &scope).unwrap();
        Draft { kind, content: Content::Template(template) }
    }

    #[test]
    fn a_group_keeps_its_value_until_it_matches_again() {
        let mut memory = Memory::new(Ambient::default(), true);
        let both = draft(Kind::Text, "${a}${b} ${json:/0}");
        let source = |text| Source { text, at: 0 };
        memory.learn(&Matcher::parse(r"(?<a>\d)").unwrap(), source(b"[1]"));
        assert_eq!(memory.expand(&both, None).unwrap_err(), MissingValue("${b}".to_owned()));
        memory.learn(&Matcher::parse(r"(?<b>\d)").unwrap(), source(b"[2]"));
        assert_eq!(memory.expand(&both, None).unwrap(), b"12 2");
        assert_eq!(memory.expand(&both, Some(source(b"[\"x\"]"))).unwrap(), b"12 x");
        memory.forget();
        assert_eq!(memory.expand(&both, None).unwrap_err(), MissingValue("${a}".to_owned()));
    }

    #[test]
    fn only_messages_with_a_number_are_numbered() {
        let mut memory = Memory::new(Ambient::default(), false);
        let mut expand = |text: &str| memory.expand(&draft(Kind::Text, text), None);
        assert_eq!(expand("x").unwrap(), b"x");
        assert_eq!(expand("${n}-${n}").unwrap(), b"1-1");
        assert!(expand("${n} ${a}").is_err());
        assert_eq!(expand("${n}").unwrap(), b"2");
    }

    #[test]
    fn text_is_always_valid() {
        let mut memory = Memory::new(Ambient::default(), false);
        memory.learn(&Matcher::parse(r"(?-u)(?<a>\xff)").unwrap(), Source { text: b"\xff", at: 0 });
        let mut expand = |kind| memory.expand(&draft(kind, "<${a}>"), None).unwrap();
        assert_eq!(expand(Kind::Text), "<\u{fffd}>".as_bytes());
        assert_eq!(expand(Kind::Binary), b"<\xff>");
    }
}
