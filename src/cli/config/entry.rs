//! Sections and entries of the configuration file, and their conversion to arguments.

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
use std::ffi::OsString;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// `[defaults]` or one target.
pub(super) struct Section<'a> {
    /// Name of the target; empty for `[defaults]`.
    pub(super) name: &'a str,
    pub(super) is_default: bool,
    /// Byte offset in the file.
    pub(super) at: usize,
    pub(super) table: &'a DeTable<'a>,
}

/// An option in a section.
pub(super) struct Entry<'a> {
    pub(super) option: &'a Arg,
    /// Equivalent arguments, each with its offset in the file; empty for `false` and for headers.
    pub(super) args: Vec<(usize, OsString)>,
    pub(super) headers: Vec<HeaderArg>,
    /// Values that may be secret references, each with its location for errors.
    pub(super) secrets: Vec<(String, String)>,
}

impl<'a> Section<'a> {
    /// Returns the options with their offsets, in the order of the file.
    fn items(&self) -> Vec<(&'a str, usize, &'a Spanned<DeValue<'a>>)> {
        let entries = self.table.iter();
        let mut items: Vec<_> =
            entries.map(|(key, value)| (&**key.get_ref(), key.span().start, value)).collect();
        items.retain(|(key, ..)| *key != "url");
        items.sort_by_key(|(_, at, _)| *at);
        items
    }

    /// Checks that every key names an option.
    pub(super) fn check(&self, file: &File, command: &Command) -> Result<(), Error> {
        self.items()
            .iter()
            .try_for_each(|(key, at, _)| find_option(file, command, key, *at).map(|_| ()))
    }

    /// Converts the values to arguments.
    pub(super) fn entries(
        &self,
        file: &File,
        command: &'a Command,
    ) -> Result<Vec<Entry<'a>>, Error> {
        let mut entries = Vec::new();
        for (key, at, value) in self.items() {
            let option = find_option(file, command, key, at)?;
            let name = if self.is_default {
                format!("defaults.{key}")
            } else {
                format!("target.{}.{key}", Escaped(self.name))
            };
            let mut entry =
                Entry { option, args: Vec::new(), headers: Vec::new(), secrets: Vec::new() };
            if option.get_id() == "header" {
                entry.headers = headers(file, &name, value)?;
            } else {
                entry.fill(file, &name, value)?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Reports whether the section contains a secret itself rather than a reference to one.
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
    fn fill(&mut self, file: &File, name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Error> {
        let option = self.option;
        let long = option.get_long().unwrap_or_default();
        let at = value.span().start;
        let takes = self.option.get_action().takes_values();
        let optional = self.option.get_num_args().is_some_and(|range| range.min_values() == 0);
        match (value.get_ref(), self.option.get_action()) {
            (DeValue::Boolean(false), _) => {}
            (DeValue::Boolean(true), _) if !takes => {
                self.args.push((at, format!("--{long}").into()));
            }
            (DeValue::Boolean(true), _) if optional => {
                // Without `=`, an option with an optional value would take the next argument, so
                // it gets an empty value, which means the same. One that requires `=` does not.
                let equals = if self.option.is_require_equals_set() { "" } else { "=" };
                self.args.push((at, format!("--{long}{equals}").into()));
            }
            (DeValue::Integer(_), ArgAction::Count) => {
                let mistyped = || file.fault(at, self.expected_type(long, takes));
                let times: u8 = scalar(value).and_then(|n| n.parse().ok()).ok_or_else(mistyped)?;
                self.args.extend((0..times).map(|_| (at, format!("--{long}").into())));
            }
            (DeValue::Array(values), ArgAction::Append) => {
                for value in values {
                    let at = value.span().start;
                    let mistyped = || file.fault(at, self.expected_type(long, takes));
                    let text = scalar(value).ok_or_else(mistyped)?;
                    self.push(file, name, at, &text)?;
                }
            }
            _ => match scalar(value).filter(|_| takes) {
                Some(text) => self.push(file, name, at, &text)?,
                None => return Err(file.fault(at, self.expected_type(long, takes))),
            },
        }
        Ok(())
    }

    fn push(&mut self, file: &File, name: &str, at: usize, text: &str) -> Result<(), Error> {
        let long = self.option.get_long().unwrap_or_default();
        let is_path = match self.option.get_value_hint() {
            // An abstract socket is not a path.
            ValueHint::FilePath | ValueHint::AnyPath | ValueHint::DirPath => !text.starts_with('@'),
            _ => long == "cookie" && !text.contains('=') && !is_reference(text),
        };
        let mut arg = OsString::from(format!("--{long}="));
        if is_path {
            arg.push(file.path(text));
        } else if SECRET.contains(&&*format!("--{long}")) {
            let text = resolve_reference(file, at, text.trim_matches([' ', '\t']))?;
            self.secrets.push((text.clone(), format!("{}: {name}", file.location(at))));
            arg.push(text);
        } else {
            arg.push(text);
        }
        self.args.push((at, arg));
        Ok(())
    }

    /// Returns an error message for a value of the wrong type.
    fn expected_type(&self, long: &str, takes: bool) -> String {
        match self.option.get_action() {
            ArgAction::Count => format!("'{long}' must be true, false or a number"),
            ArgAction::Append => format!("'{long}' must be a string or a list of strings"),
            _ if takes => format!("'{long}' must be a string or a number"),
            _ => format!("'{long}' must be true or false"),
        }
    }
}

/// Returns the option that `key` names.
fn find_option<'a>(
    file: &File,
    command: &'a Command,
    key: &str,
    at: usize,
) -> Result<&'a Arg, Error> {
    let key = if key == "headers" { "header" } else { key };
    let is_allowed = |option: &&Arg| !COMMAND_LINE_ONLY.contains(&option.get_id().as_str());
    let options = || command.get_arguments().filter(|option| option.get_long().is_some());
    if let Some(option) = options().find(|option| has_long(option, key)) {
        if is_allowed(&option) {
            return Ok(option);
        }
        let hint = (key == "connect").then(|| "use 'url' in a [target.NAME] table".to_owned());
        return Err(file.hinted(
            at,
            format!("'{key}' is not allowed in the configuration file"),
            hint,
        ));
    }
    let names = options().filter(is_allowed).filter_map(Arg::get_long);
    let hint = match nearest(key, names.chain(["headers"])) {
        Some(near) => format!("did you mean '{near}'?"),
        None => "run sockeye --help for a list of options; keys have no leading dashes".to_owned(),
    };
    Err(file.hinted(at, format!("unknown option '{}'", Escaped(key)), Some(hint)))
}

/// Parses headers given as a table or as lines in the form of `-H`.
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
                    let text = scalar(value)
                        .ok_or_else(|| file.fault(at, "a header value must be a string"))?;
                    // An empty value in a table is an empty header, not the removal of one.
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
        return Ok(HeaderArg::File(file.path(path)));
    }
    if let Some((name, value)) = line.split_once(':')
        && is_reference(value.trim())
        // `file://` is the origin of a local page, not a reference.
        && !value.trim().starts_with("file://")
        && values::header(line).is_ok()
    {
        let name = name.trim().to_owned();
        let location = format!("{}: {section}.{name}", file.location(at));
        let reference = resolve_reference(file, at, value.trim())?;
        return Ok(HeaderArg::Reference { name, reference, location });
    }
    // The parser's message is dropped: it may quote a secret.
    values::header(line).map(HeaderArg::One).map_err(|_| file.fault(name_at, HEADER))
}

/// Makes the path of a `file:` reference independent of the location of the configuration file.
fn resolve_reference(file: &File, at: usize, value: &str) -> Result<String, Error> {
    let Some(path) = value.strip_prefix("file:") else { return Ok(value.to_owned()) };
    let path = file.path(path);
    let path = path.to_str().ok_or_else(|| file.fault(at, "the path is not valid UTF-8"))?;
    Ok(format!("file:{path}"))
}

/// Returns a string or number as it would be written on the command line.
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

/// Returns the string, or each string of a list.
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

/// Options that would have no effect in the configuration file, or have two values.
const COMMAND_LINE_ONLY: [&str; 9] =
    ["connect", "listen", "config", "no_config", "help", "version", "url", "every", "answer"];
const HEADERS: &str = "headers must be a table or a list of NAME:VALUE strings";
const HEADER: &str = "not a header (NAME:VALUE, NAME: or NAME;)";
