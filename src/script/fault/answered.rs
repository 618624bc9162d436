//! The texts that rules write in place of a message, or beside it.

use super::rule::{Fault, FaultRule};
use crate::{
    proto::Leg,
    script::{
        matcher::Matcher,
        records::Source,
        template::{Template, Values},
    },
};
use regex::bytes::Captures;
use std::time::SystemTime;

/// The message that a text answers or replaces.
pub(super) struct Answered<'a> {
    pub(super) content: &'a [u8],
    /// Its number in its direction.
    pub(super) number: u64,
    pub(super) time: SystemTime,
    pub(super) random: &'a mut dyn FnMut() -> [u8; 16],
}

impl Answered<'_> {
    /// Returns the content with what matches replaced. `None` if a value of the text is missing.
    pub(super) fn changed(mut self, text: &Template, matcher: Option<&Matcher>) -> Option<Vec<u8>> {
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
