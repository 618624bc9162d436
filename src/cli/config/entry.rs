//! An entry of a section: an option, and what it is given.

use super::file::File;
use crate::{
    cli::{
        prescan::has_long,
        usage::SECRET,
        values::{self, HeaderArg},
    },
    error::Error,
    escape::Escaped,
    secret::is_reference,
    target::without_user,
    wording::nearest,
};
use clap::{Arg, ArgAction, Command, ValueHint};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Entries of the file that stand together.
pub(super) struct Section<'a> {
    /// A target's name.
    pub(super) name: &'a str,
    pub(super) is_default: bool,
    /// Where it begins.
    pub(super) at: usize,
    pub(super) table: &'a DeTable<'a>,
}

/// An option in a section.
pub(super) struct Entry<'a> {
    pub(super) option: &'a Arg,
    /// The arguments that say it, each with its place; none: it is not given.
    pub(super) words: Vec<(usize, String)>,
    /// Instead of them, where it is headers.
    pub(super) headers: Vec<HeaderArg>,
    /// Values that are secrets, each with its place and its name.
    pub(super) secrets: Vec<(String, String)>,
}

impl<'a> Section<'a> {
    /// The entries in the order of the file, with their places; without those that are no options.
    fn items(&self) -> Vec<(&'a str, usize, &'a Spanned<DeValue<'a>>)> {
        let entries = self.table.iter();
        let mut items: Vec<_> =
            entries.map(|(key, value)| (&**key.get_ref(), key.span().start, value)).collect();
        items.retain(|(key, ..)| *key != "url");
        items.sort_by_key(|(_, at, _)| *at);
        items
    }

    /// Holds every key to the definition.
    pub(super) fn check(&self, file: &File, command: &Command) -> Result<(), Error> {
        self.items().iter().try_for_each(|(key, at, _)| find(file, command, key, *at).map(|_| ()))
    }

    /// What it gives.
    pub(super) fn entries(
        &self,
        file: &File,
        command: &'a Command,
    ) -> Result<Vec<Entry<'a>>, Error> {
        let mut entries = Vec::new();
        for (key, at, value) in self.items() {
            let option = find(file, command, key, at)?;
            let name = if self.is_default {
                format!("defaults.{key}")
            } else {
                format!("target.{}.{key}", Escaped(self.name))
            };
            let mut entry =
                Entry { option, words: Vec::new(), headers: Vec::new(), secrets: Vec::new() };
            if option.get_id() == "header" {
                entry.headers = headers(file, &name, value)?;
            } else {
                entry.fill(file, &name, value)?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Whether a secret itself stands in it.
    pub(super) fn holds_secret(&self) -> bool {
        self.table.iter().any(|(key, value)| match &**key.get_ref() {
            "url" | "proxy" => strings(value).any(has_password),
            "auth" | "user" => strings(value).any(|text| !is_reference(text) && text.contains(':')),
            "bearer" | "passphrase" => strings(value).any(|text| !is_reference(text)),
            "cookie" => strings(value).any(|text| !is_reference(text) && text.contains('=')),
            "header" | "headers" => match value.get_ref() {
                DeValue::Table(table) => table.iter().any(|(name, value)| {
                    is_secret(name.get_ref()) && strings(value).any(|text| !is_reference(text))
                }),
                _ => strings(value).filter_map(|text| text.split_once(':')).any(|(name, value)| {
                    is_secret(name.trim())
                        && !value.trim().is_empty()
                        && !is_reference(value.trim())
                }),
            },
            _ => false,
        })
    }
}

impl Entry<'_> {
    /// Turns a value into arguments.
    fn fill(&mut self, file: &File, name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Error> {
        let option = self.option;
        let long = option.get_long().unwrap_or_default();
        let at = value.span().start;
        let takes = self.option.get_action().takes_values();
        let optional = self.option.get_num_args().is_some_and(|range| range.min_values() == 0);
        match (value.get_ref(), self.option.get_action()) {
            (DeValue::Boolean(false), _) => {}
            (DeValue::Boolean(true), _) if !takes => self.words.push((at, format!("--{long}"))),
            (DeValue::Boolean(true), _) if optional => {
                // Where = must stand before a value, without it there is none. Elsewhere the next
                // word would be taken for it, and an empty one means the same.
                let equals = if self.option.is_require_equals_set() { "" } else { "=" };
                self.words.push((at, format!("--{long}{equals}")));
            }
            (DeValue::Integer(_), ArgAction::Count) => {
                let form = || file.fault(at, self.form(long, takes));
                let times: u8 = scalar(value).and_then(|n| n.parse().ok()).ok_or_else(form)?;
                self.words.extend((0..times).map(|_| (at, format!("--{long}"))));
            }
            (DeValue::Array(values), ArgAction::Append) => {
                for value in values {
                    let at = value.span().start;
                    let form = || file.fault(at, self.form(long, takes));
                    let text = scalar(value).ok_or_else(form)?;
                    self.push(file, name, at, &text);
                }
            }
            _ => match scalar(value).filter(|_| takes) {
                Some(text) => self.push(file, name, at, &text),
                None => return Err(file.fault(at, self.form(long, takes))),
            },
        }
        Ok(())
    }

    fn push(&mut self, file: &File, name: &str, at: usize, text: &str) {
        let long = self.option.get_long().unwrap_or_default();
        let mut text = text.to_owned();
        let is_path = match self.option.get_value_hint() {
            // An abstract socket has no path.
            ValueHint::FilePath | ValueHint::AnyPath | ValueHint::DirPath => !text.starts_with('@'),
            _ => long == "cookie" && !text.contains('=') && !is_reference(&text),
        };
        if is_path {
            text = file.path(&text);
        }
        if SECRET.contains(&&*format!("--{long}")) {
            text = referred(file, text.trim_matches([' ', '\t']));
            self.secrets.push((text.clone(), format!("{}: {name}", file.place(at))));
        }
        self.words.push((at, format!("--{long}={text}")));
    }

    /// What the option takes.
    fn form(&self, long: &str, takes: bool) -> String {
        match self.option.get_action() {
            ArgAction::Count => format!("'{long}' is true, false or a number"),
            ArgAction::Append => format!("'{long}' takes a string, or a list of them"),
            _ if takes => format!("'{long}' takes a string or a number"),
            _ => format!("'{long}' is true or false"),
        }
    }
}

/// The option of this name.
fn find<'a>(file: &File, command: &'a Command, key: &str, at: usize) -> Result<&'a Arg, Error> {
    let key = if key == "headers" { "header" } else { key };
    let may_stand = |option: &&Arg| !OUTSIDE.contains(&option.get_id().as_str());
    let options = || command.get_arguments().filter(|option| option.get_long().is_some());
    if let Some(option) = options().find(|option| has_long(option, key)) {
        if may_stand(&option) {
            return Ok(option);
        }
        let hint = (key == "connect").then(|| "a target has a url".to_owned());
        return Err(file.hinted(at, format!("'{key}' has no place in the file"), hint));
    }
    let names = options().filter(may_stand).filter_map(Arg::get_long);
    let hint = match nearest(key, names.chain(["headers"])) {
        Some(near) => format!("did you mean '{near}'?"),
        None => "sockeye --help lists the options; here they have no dashes".to_owned(),
    };
    Err(file.hinted(at, format!("unknown option '{}'", Escaped(key)), Some(hint)))
}

/// Headers as a table, or in lines as `-H` takes them.
fn headers(file: &File, name: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<HeaderArg>, Error> {
    let at = value.span().start;
    match value.get_ref() {
        DeValue::Boolean(false) => Ok(Vec::new()),
        DeValue::Table(table) => {
            let mut items: Vec<_> = table.iter().collect();
            items.sort_by_key(|(key, _)| key.span().start);
            let mut headers = Vec::new();
            for (key, value) in items {
                let at = value.span().start;
                let values = match value.get_ref() {
                    DeValue::Array(values) => values.iter().collect(),
                    _ => vec![value],
                };
                for value in values {
                    let text =
                        scalar(value).ok_or_else(|| file.fault(at, "a header is a string"))?;
                    // In a table an empty value is one; nobody would write it to remove a header.
                    let colon = if text.trim().is_empty() { ";" } else { ":" };
                    let line = format!("{}{colon}{}", key.get_ref(), text.trim());
                    headers.push(header(file, name, key.span().start, at, &line)?);
                }
            }
            Ok(headers)
        }
        DeValue::Array(lines) => lines
            .iter()
            .map(|line| {
                let at = line.span().start;
                let text = line.get_ref().as_str().ok_or_else(|| file.fault(at, HEADERS))?;
                header(file, name, at, at, text)
            })
            .collect(),
        DeValue::String(line) => Ok(vec![header(file, name, at, at, line)?]),
        _ => Err(file.fault(at, HEADERS)),
    }
}

fn header(
    file: &File,
    section: &str,
    name_at: usize,
    at: usize,
    line: &str,
) -> Result<HeaderArg, Error> {
    if let Some(path) = line.strip_prefix('@') {
        return Ok(HeaderArg::File(file.path(path).into()));
    }
    if let Some((name, value)) = line.split_once(':')
        && is_reference(value.trim())
        // The origin of a page without a server.
        && !value.trim().starts_with("file://")
        && values::header(line).is_ok()
    {
        let name = name.trim().to_owned();
        let place = format!("{}: {section}.{name}", file.place(at));
        return Ok(HeaderArg::Named { name, value: referred(file, value.trim()), place });
    }
    // Its own words may show what should have been the value.
    values::header(line).map(HeaderArg::One).map_err(|_| file.fault(name_at, HEADER))
}

/// A reference as it is understood elsewhere.
fn referred(file: &File, value: &str) -> String {
    match value.strip_prefix("file:") {
        Some(path) => format!("file:{}", file.path(path)),
        None => value.to_owned(),
    }
}

/// A string or a number as it would be typed.
fn scalar(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
            Some(number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// A string, or those of a list.
fn strings<'a>(value: &'a Spanned<DeValue<'a>>) -> impl Iterator<Item = &'a str> {
    let list = value.get_ref().as_array().into_iter().flat_map(|values| values.iter());
    list.map(Spanned::get_ref).chain([value.get_ref()]).filter_map(DeValue::as_str)
}

fn has_password(url: &str) -> bool {
    let user = url.split_once("://").map_or(url, |(_, rest)| rest).split('@').next();
    !is_reference(url) && without_user(url) != url && user.is_some_and(|user| user.contains(':'))
}

fn is_secret(header: &str) -> bool {
    ["Authorization", "Cookie", "Proxy-Authorization"]
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(header))
}

/// Options that would not do what they say.
const OUTSIDE: [&str; 7] = ["connect", "listen", "config", "no_config", "help", "version", "url"];
const HEADERS: &str = "headers are a table, or a list of NAME:VALUE";
const HEADER: &str = "not a header (NAME:VALUE, NAME: or NAME;)";
