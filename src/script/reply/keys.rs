//! Reads typed values from the tables of a TOML file. Faults have a place in the file.

use crate::{escape::Escaped, wording::nearest};
use serde_json::Value;
use std::time::Duration;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A fault in a reply script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyFault {
    /// The offset in the file, in bytes.
    pub at: usize,
    /// A phrase that names the fault.
    pub words: String,
    /// An imperative, if there is one.
    pub hint: Option<String>,
}

impl ReplyFault {
    /// Creates a fault without a hint.
    pub(super) fn new(at: usize, words: impl Into<String>) -> Self {
        Self { at, words: words.into(), hint: None }
    }

    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A table whose keys are known.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    table: &'a DeTable<'a>,
    /// The offset of the table.
    pub(super) at: usize,
}

/// A value with the name and the offset of its key.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Keys<'a> {
    /// Checks that a table has no other keys than these.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        at: usize,
        known: &[&str],
    ) -> Result<Self, ReplyFault> {
        for key in table.keys() {
            let name = &**key.get_ref();
            if !known.contains(&name) {
                let words = format!("unknown key '{}'", Escaped(name));
                let fault = ReplyFault::new(key.span().start, words);
                return Err(match nearest(name, known.iter().copied()) {
                    Some(near) => fault.hinted(format!("did you mean '{near}'?")),
                    None => fault.hinted(format!("the keys here are {}", known.join(", "))),
                });
            }
        }
        Ok(Self { table, at })
    }

    /// Returns the value of a key.
    pub(super) fn entry(&self, name: &str) -> Option<Entry<'a>> {
        let (key, value) = self.table.iter().find(|(key, _)| &**key.get_ref() == name)?;
        Some(Entry { name: key.get_ref(), at: key.span().start, value })
    }

    /// Returns the values of those of these keys that are present, in this order.
    pub(super) fn entries(&self, names: &[&str]) -> Vec<Entry<'a>> {
        names.iter().filter_map(|name| self.entry(name)).collect()
    }
}

impl<'a> Entry<'a> {
    /// Returns all entries of a table, whatever their names.
    pub(super) fn all_of(table: &'a DeTable<'a>) -> impl Iterator<Item = Self> {
        table.iter().map(|(key, value)| Self { name: key.get_ref(), at: key.span().start, value })
    }

    /// Returns a fault of the value.
    pub(super) fn fault(&self, words: impl Into<String>) -> ReplyFault {
        ReplyFault::new(self.value.span().start, words)
    }

    /// Returns the offset of a placeholder, the one of this number in the text of the value. Without
    /// it, that of the value: TOML may write its characters otherwise.
    pub(super) fn placeholder_at(&self, file: &str, number: usize) -> usize {
        let span = self.value.span();
        let raw = file.get(span.clone()).unwrap_or_default();
        let found = raw.match_indices("${").nth(number).map_or(0, |(at, _)| at);
        span.start + found
    }

    fn must_be(&self, what: &str) -> ReplyFault {
        self.fault(format!("'{}' must be {what}", Escaped(self.name)))
    }

    pub(super) fn text(&self) -> Result<&'a str, ReplyFault> {
        self.value.get_ref().as_str().ok_or_else(|| self.must_be("a string"))
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// Returns the boolean, if it is one.
    pub(super) fn boolean(&self) -> Option<bool> {
        self.value.get_ref().as_bool()
    }

    /// Checks that the value is `true`.
    pub(super) fn flag(&self) -> Result<(), ReplyFault> {
        self.boolean().filter(|set| *set).map(|_| ()).ok_or_else(|| self.must_be("true"))
    }

    pub(super) fn table(&self) -> Result<&'a DeTable<'a>, ReplyFault> {
        self.value.get_ref().as_table().ok_or_else(|| self.must_be("a table"))
    }

    /// Returns the tables of a list, each with its offset.
    pub(super) fn tables(&self) -> Result<Vec<(&'a DeTable<'a>, usize)>, ReplyFault> {
        let items = self.items().ok_or_else(|| self.must_be("a list of tables"))?;
        let table = |item: Self| {
            let table = item.value.get_ref().as_table();
            let table = table.ok_or_else(|| self.must_be("a list of tables"))?;
            Ok((table, item.value.span().start))
        };
        items.into_iter().map(table).collect()
    }

    /// Returns the items of a list, if the value is one.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        let items = self.value.get_ref().as_array()?;
        Some(items.iter().map(|value| Self { value, ..*self }).collect())
    }

    /// Returns a number from 1.
    pub(super) fn count(&self) -> Result<u64, ReplyFault> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.filter(|number| *number > 0).ok_or_else(|| self.must_be("a number from 1"))
    }

    pub(super) fn number(&self) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => {
                #[allow(clippy::cast_precision_loss, reason = "a time or a probability")]
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok()? as f64;
                number
            }
            DeValue::Float(number) => number.as_str().replace('_', "").parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Returns a time in seconds.
    pub(super) fn seconds(&self) -> Result<Duration, ReplyFault> {
        let seconds = self.number().filter(|seconds| (0.0..=LONGEST_SECONDS).contains(seconds));
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| self.must_be("a time in seconds"))
    }

    /// Returns the value as JSON.
    pub(super) fn json(&self) -> Result<Value, ReplyFault> {
        json(self.value)
    }
}

fn json(value: &Spanned<DeValue<'_>>) -> Result<Value, ReplyFault> {
    let fault = |words: &str| ReplyFault::new(value.span().start, words);
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_err(|_| fault("the number is too large"))?.into()
        }
        DeValue::Float(number) => {
            let number = number.as_str().replace('_', "").parse().ok();
            let number = number.and_then(serde_json::Number::from_f64);
            number.ok_or_else(|| fault("JSON has no such number"))?.into()
        }
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Array(items) => items.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        DeValue::Table(members) => {
            let members = members.iter().map(|(key, value)| {
                let name = key.get_ref().clone().into_owned();
                Ok((name, json(value)?))
            });
            Value::Object(members.collect::<Result<_, ReplyFault>>()?)
        }
        DeValue::Datetime(_) => return Err(fault("JSON has no dates: write it as a string")),
    })
}

/// About three years. Longer times would overflow a clock.
const LONGEST_SECONDS: f64 = 1e8;
