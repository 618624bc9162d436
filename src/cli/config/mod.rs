//! The user's file: options that stand for every run, and targets by name.
//!
//! What it says becomes arguments before those that were typed, so that it is understood as they
//! are. Keys are looked at always, values when they are used.

mod entry;
mod file;
mod merge;
mod target;

use crate::{
    cli::{args::ConfigExtras, usage::usage},
    error::Error,
    escape::Escaped,
    target::Target,
    wording::nearest,
};
use clap::{ArgMatches, Command, error::ErrorKind};
use entry::Section;
use file::File;
use merge::MergedConfig;
use std::{ffi::OsString, path::PathBuf};
use target::Reference;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The command line, and what the file adds to it.
pub(super) struct ParsedArgs {
    pub(super) matches: ArgMatches,
    /// The URL of the target that was named.
    pub(super) url: Option<String>,
    pub(super) extras: ConfigExtras,
}

/// Reads what was typed, with the file behind it. The demo, and what only prints, have none.
pub(super) fn complete(command: &mut Command, args: &[OsString]) -> Result<ParsedArgs, Error> {
    let (typed, lack) = match command.try_get_matches_from_mut(args) {
        Ok(typed) => (typed, None),
        // What an option needs may stand in the file.
        Err(fault) if fault.kind() == ErrorKind::MissingRequiredArgument => {
            let mut lenient = command.clone().ignore_errors(true);
            (lenient.try_get_matches_from_mut(args).map_err(|e| usage(&e))?, Some(fault))
        }
        Err(fault) => return Err(usage(&fault)),
    };
    let own = match typed.subcommand() {
        None => &typed,
        Some(("listen", own)) => own,
        Some(_) => return alone(typed, lack.as_ref()),
    };
    let file = if own.get_flag("no_config") {
        None
    } else {
        File::find(own.get_one::<PathBuf>("config").map(PathBuf::as_path))?
    };
    match (file, url(&typed).and_then(Reference::parse)) {
        (Some(file), _) => beside(&file, command, args, &typed),
        (None, Some(reference)) => Err(no_file(reference.name)),
        (None, None) => alone(typed, lack.as_ref()),
    }
}

/// What was typed, with this file behind it.
fn beside(
    file: &File,
    command: &Command,
    args: &[OsString],
    typed: &ArgMatches,
) -> Result<ParsedArgs, Error> {
    let (own, serves) = match typed.subcommand() {
        Some((_, own)) => (own, true),
        None => (typed, typed.contains_id("listen")),
    };
    let table = file.table()?;
    let book = Book::read(file, command, table.get_ref())?;
    let url = url(typed);
    let named = url.and_then(Reference::parse);
    let target = named.map(|reference| book.target(file, reference)).transpose()?;
    let mut merged = MergedConfig::new(file, command, own, serves);
    merged.url(url.filter(|_| named.is_none()));
    if let Some((section, url)) = target {
        merged.add(section)?;
        merged.url(Some(url));
    }
    if let Some(section) = &book.defaults {
        merged.add(section)?;
    }
    let (matches, mut extras) = merged.read(args)?;
    if file.is_shared && book.holds_secret() {
        extras.notes.push(format!(
            "{file} holds a secret that others can read: chmod 600 it, or name where the secret is \
             (env:, file:, cmd:)"
        ));
    }
    let url = named.zip(target).map(|(reference, (_, url))| reference.url(url));
    Ok(ParsedArgs { matches, url, extras })
}

/// The names of the targets, as they may be typed.
pub fn names() -> Result<Vec<String>, Error> {
    let Some(file) = File::find(None)? else { return Ok(Vec::new()) };
    let table = file.table()?;
    let targets = find(table.get_ref(), "target").and_then(|(_, value)| value.get_ref().as_table());
    let names = targets.into_iter().flat_map(DeTable::keys).map(|name| &**name.get_ref());
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '?' | '#');
    let names = names.filter(|name| !name.is_empty() && !name.contains(is_odd));
    Ok(names.map(|name| format!("@{name}")).collect())
}

/// What was typed, and nothing else.
fn alone(matches: ArgMatches, lack: Option<&clap::Error>) -> Result<ParsedArgs, Error> {
    match lack {
        Some(fault) => Err(usage(fault)),
        None => Ok(ParsedArgs { matches, url: None, extras: ConfigExtras::default() }),
    }
}

/// The URL that was typed; a server has none.
fn url(typed: &ArgMatches) -> Option<&str> {
    let url = typed.get_one::<String>("url").or_else(|| typed.get_one("connect"));
    url.map(String::as_str)
}

fn no_file(name: &str) -> Error {
    let name = Escaped(name);
    let place = file::by_default().map(|path| file::shown(&path));
    Error::Usage {
        fault: format!("there is no configuration file to look '@{name}' up in"),
        hint: place.map(|place| format!("write [target.{name}] with a url into {place}")),
    }
}

/// The sections of the file.
struct Book<'a> {
    defaults: Option<Section<'a>>,
    targets: Vec<Section<'a>>,
}

impl<'a> Book<'a> {
    fn read(file: &File, command: &Command, table: &'a DeTable<'a>) -> Result<Self, Error> {
        let mut book = Self { defaults: None, targets: Vec::new() };
        for (key, value) in table {
            let at = key.span().start;
            let within = value.get_ref().as_table();
            match (&**key.get_ref(), within) {
                ("defaults", Some(table)) => {
                    book.defaults = Some(Section { name: "", is_default: true, at, table });
                }
                ("target", Some(targets)) => {
                    for (name, value) in targets {
                        let at = name.span().start;
                        let Some(table) = value.get_ref().as_table() else {
                            return Err(file.fault(at, "a target is a table: [target.NAME]"));
                        };
                        book.targets.push(Section {
                            name: name.get_ref(),
                            is_default: false,
                            at,
                            table,
                        });
                    }
                }
                (name @ ("defaults" | "target"), None) => {
                    return Err(file.fault(at, format!("'{name}' is a table")));
                }
                (name, _) => {
                    let near = nearest(name, ["defaults", "target"]);
                    let hint = near.map_or_else(
                        || "options stand under [defaults] or [target.NAME]".to_owned(),
                        |near| format!("did you mean '{near}'?"),
                    );
                    let fault = format!("unknown table or option '{}'", Escaped(name));
                    return Err(file.hinted(at, fault, Some(hint)));
                }
            }
        }
        for section in &book.targets {
            section.check(file, command)?;
        }
        if let Some(section) = &book.defaults {
            section.check(file, command)?;
            if let Some((at, _)) = find(section.table, "url") {
                let hint = Some("a target has a url: [target.NAME]".to_owned());
                return Err(file.hinted(at, "'url' has no place in [defaults]", hint));
            }
        }
        Ok(book)
    }

    /// A target and its URL.
    fn target(&self, file: &File, named: Reference<'_>) -> Result<(&Section<'a>, &'a str), Error> {
        let Some(section) = self.targets.iter().find(|section| section.name == named.name) else {
            let near = nearest(named.name, self.targets.iter().map(|section| section.name));
            return Err(Error::Usage {
                fault: format!("there is no target '{}' in {file}", Escaped(named.name)),
                hint: near.map(|name| format!("did you mean '@{}'?", Escaped(name))),
            });
        };
        let Some((_, value)) = find(section.table, "url") else {
            let fault = format!("the target '{}' has no url", Escaped(section.name));
            return Err(file.fault(section.at, fault));
        };
        let at = value.span().start;
        let url = value.get_ref().as_str().ok_or_else(|| file.fault(at, "a url is a string"))?;
        Target::parse(url).map_err(|fault| {
            let fault = Error::Url { url: url.to_owned(), fault };
            file.hinted(at, &fault, fault.hint())
        })?;
        Ok((section, url))
    }

    fn holds_secret(&self) -> bool {
        self.defaults.iter().chain(&self.targets).any(Section::holds_secret)
    }
}

/// The place of a key, and its value.
fn find<'a>(table: &'a DeTable<'a>, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
    let (key, value) = table.iter().find(|(name, _)| &**name.get_ref() == key)?;
    Some((key.span().start, value))
}

#[cfg(test)]
mod tests;
