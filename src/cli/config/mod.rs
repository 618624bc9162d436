//! The configuration file: defaults for every run, and named targets.
//!
//! Its entries become arguments before those of the command line, so both are parsed alike. Keys are
//! always checked; values are checked when they are used.

mod entry;
mod file;
mod merge;
mod target;

use crate::{
    cli::{
        args::{ConfigExtras, ConnectArgs, IdentityArgs, ListenCommonArgs, RequestArgs},
        usage::usage,
    },
    error::Error,
    escape::Escaped,
    sys::run_limit,
    target::Target,
    wording::nearest,
};
use clap::{ArgMatches, Args as _, Command, error::ErrorKind};
use entry::Section;
use file::File;
pub(super) use file::config_path;
use merge::MergedConfig;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};
use target::Reference;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The parsed command line and configuration file.
pub(super) struct ParsedArgs {
    pub(super) matches: ArgMatches,
    /// URL of the target named on the command line.
    pub(super) url: Option<String>,
    pub(super) extras: ConfigExtras,
}

/// Parses the command line and merges the configuration file into it. Among the subcommands,
/// `listen`, `check` and `proxy` read the file.
pub(super) fn parse(command: &mut Command, args: &[OsString]) -> Result<ParsedArgs, Error> {
    let (typed, incomplete) = match command.try_get_matches_from_mut(args) {
        Ok(typed) => (typed, None),
        // The file may contain the required option.
        Err(fault) if fault.kind() == ErrorKind::MissingRequiredArgument => {
            let mut lenient = command.clone().ignore_errors(true);
            (lenient.try_get_matches_from_mut(args).map_err(|e| usage(&e))?, Some(fault))
        }
        Err(fault) => return Err(usage(&fault)),
    };
    let own = match typed.subcommand() {
        None => &typed,
        Some(("listen" | "check" | "proxy", own)) => own,
        Some(_) => return without_file(typed, incomplete.as_ref()),
    };
    // The file itself may be a pipe whose writer is silent.
    if let Ok(Some(limit)) = own.try_get_one::<Duration>("max_time") {
        run_limit::set(*limit);
    }
    let file = if own.get_flag("no_config") {
        None
    } else {
        File::find(own.get_one::<PathBuf>("config").map(PathBuf::as_path))?
    };
    match (file, url(own).and_then(Reference::parse)) {
        (Some(file), _) => with_file(&file, command, args, &typed),
        (None, Some(reference)) => Err(missing_file(reference.name)),
        (None, None) => without_file(typed, incomplete.as_ref()),
    }
}

fn with_file(
    file: &File,
    command: &Command,
    args: &[OsString],
    typed: &ArgMatches,
) -> Result<ParsedArgs, Error> {
    let (own, accepted) = match typed.subcommand() {
        Some(("check", own)) => (own, Some(check_options())),
        Some(("proxy", own)) => (own, Some(proxy_options())),
        Some((_, own)) => (own, Some(server_options())),
        None => (typed, typed.contains_id("listen").then(server_options)),
    };
    let table = file.table()?;
    let sections = Sections::read(file, command, table.get_ref())?;
    let url = url(own);
    let named = url.and_then(Reference::parse);
    let target = named.map(|reference| sections.target(file, reference)).transpose()?;
    let mut merged = MergedConfig::new(file, command, own, accepted);
    merged.add_url(url.filter(|_| named.is_none()));
    if let Some((section, url)) = target {
        merged.add(section)?;
        merged.add_url(Some(url));
    }
    if let Some(section) = &sections.defaults {
        merged.add(section)?;
    }
    let (matches, mut extras) = merged.parse(args)?;
    extras.file = Some(file.path.clone());
    if file.is_shared && sections.holds_secret() {
        extras.notes.push(format!(
            "{file} contains a secret and is readable by others: chmod 600 it, or refer to the \
             secret with env:, file: or cmd:"
        ));
    }
    let url = named.zip(target).map(|(reference, (_, url))| reference.url(url));
    Ok(ParsedArgs { matches, url, extras })
}

/// Returns the names of the targets of a file, or else of the default file, in the form `@NAME`,
/// without those a shell could not complete. A pipe is left to the run that will read it.
pub(super) fn target_names(typed: Option<&Path>) -> Result<Vec<String>, Error> {
    let path = config_path(typed).map(|(path, _)| path);
    if !path.is_some_and(|path| path.is_file()) {
        return Ok(Vec::new());
    }
    let Some(file) = File::find(typed)? else { return Ok(Vec::new()) };
    let table = file.table()?;
    let targets = find(table.get_ref(), "target").and_then(|(_, value)| value.get_ref().as_table());
    let names = targets.into_iter().flat_map(DeTable::keys).map(|name| &**name.get_ref());
    let is_unusable = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '?' | '#');
    let names = names.filter(|name| !name.is_empty() && !name.contains(is_unusable));
    Ok(names.map(|name| format!("@{name}")).collect())
}

/// Returns the options that the file may set for `check`. Others of the same name have another
/// meaning there.
fn check_options() -> Command {
    let command = RequestArgs::augment_args(Command::new("check"));
    IdentityArgs::augment_args(ConnectArgs::augment_args(command))
}

/// Returns the options that the file may set for `proxy`: how to reach the server. Those of the request
/// would change what the clients send.
fn proxy_options() -> Command {
    ConnectArgs::augment_args(Command::new("proxy"))
}

/// Returns the options that the file may set for a server.
fn server_options() -> Command {
    ListenCommonArgs::augment_args(Command::new("listen"))
}

/// Merges the text of a file into a command line. Returns the error with its hint.
#[cfg(any(test, fuzzing))]
pub(crate) fn merge_text(text: &str, args: &[&str]) -> Result<(), String> {
    use clap::CommandFactory as _;
    let (file, mut command) = (file::from_text(text), crate::cli::args::Cli::command());
    let args: Vec<_> = args.iter().map(OsString::from).collect();
    let typed = command.try_get_matches_from_mut(&args).map_err(|fault| fault.to_string())?;
    let merged = with_file(&file, &command, &args, &typed);
    merged.map(|_| ()).map_err(|fault| format!("{fault} {:?}", fault.hint()))
}

fn without_file(
    matches: ArgMatches,
    incomplete: Option<&clap::Error>,
) -> Result<ParsedArgs, Error> {
    match incomplete {
        Some(fault) => Err(usage(fault)),
        None => Ok(ParsedArgs { matches, url: None, extras: ConfigExtras::default() }),
    }
}

/// Returns the URL of the command line, if any.
fn url(typed: &ArgMatches) -> Option<&str> {
    let value = |id| typed.try_get_one::<String>(id).ok().flatten();
    value("url").or_else(|| value("connect")).map(String::as_str)
}

fn missing_file(name: &str) -> Error {
    let name = Escaped(name);
    let path = file::default_path().map(|path| file::display_path(&path));
    Error::Usage {
        fault: format!("cannot look up '@{name}': no configuration file"),
        hint: path.map(|path| format!("add [target.{name}] with a url to {path}")),
    }
}

struct Sections<'a> {
    defaults: Option<Section<'a>>,
    targets: Vec<Section<'a>>,
}

impl<'a> Sections<'a> {
    fn read(file: &File, command: &Command, table: &'a DeTable<'a>) -> Result<Self, Error> {
        let mut sections = Self { defaults: None, targets: Vec::new() };
        for (key, value) in table {
            let at = key.span().start;
            let within = value.get_ref().as_table();
            match (&**key.get_ref(), within) {
                ("defaults", Some(table)) => {
                    sections.defaults = Some(Section { name: "", is_default: true, at, table });
                }
                ("target", Some(targets)) => {
                    for (name, value) in targets {
                        let at = name.span().start;
                        let Some(table) = value.get_ref().as_table() else {
                            return Err(file.fault(at, "a target must be a table: [target.NAME]"));
                        };
                        sections.targets.push(Section {
                            name: name.get_ref(),
                            is_default: false,
                            at,
                            table,
                        });
                    }
                }
                (name @ ("defaults" | "target"), None) => {
                    return Err(file.fault(at, format!("'{name}' must be a table")));
                }
                (name, _) => {
                    let near = nearest(name, ["defaults", "target"]);
                    let hint = near.map_or_else(
                        || "put options under [defaults] or [target.NAME]".to_owned(),
                        |near| format!("did you mean '{near}'?"),
                    );
                    let fault = format!("unknown table or option '{}'", Escaped(name));
                    return Err(file.hinted(at, fault, Some(hint)));
                }
            }
        }
        for section in &sections.targets {
            section.check(file, command)?;
        }
        if let Some(section) = &sections.defaults {
            section.check(file, command)?;
            if let Some((at, _)) = find(section.table, "url") {
                let hint = Some("put 'url' in a [target.NAME] table".to_owned());
                return Err(file.hinted(at, "'url' is not allowed in [defaults]", hint));
            }
        }
        Ok(sections)
    }

    /// Returns the named target and its URL.
    fn target(&self, file: &File, named: Reference<'_>) -> Result<(&Section<'a>, &'a str), Error> {
        let Some(section) = self.targets.iter().find(|section| section.name == named.name) else {
            let near = nearest(named.name, self.targets.iter().map(|section| section.name));
            return Err(Error::Usage {
                fault: format!("no target '{}' in {file}", Escaped(named.name)),
                hint: near.map(|name| format!("did you mean '@{}'?", Escaped(name))),
            });
        };
        let Some((_, value)) = find(section.table, "url") else {
            let fault = format!("the target '{}' has no url", Escaped(section.name));
            return Err(file.fault(section.at, fault));
        };
        let at = value.span().start;
        let url =
            value.get_ref().as_str().ok_or_else(|| file.fault(at, "'url' must be a string"))?;
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

/// Returns the offset and value of a key.
fn find<'a>(table: &'a DeTable<'a>, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
    let (key, value) = table.iter().find(|(name, _)| &**name.get_ref() == key)?;
    Some((key.span().start, value))
}

#[cfg(test)]
mod tests;
