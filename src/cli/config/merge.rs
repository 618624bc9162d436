//! Merges the configuration file into the command line. The command line takes precedence over the
//! target, and the target over the defaults.

use super::{
    entry::{Entry, Section},
    file::File,
};
use crate::{
    cli::{args::ConfigExtras, usage::usage, values::HeaderArg},
    error::Error,
    target::without_user,
};
use clap::{Arg, ArgMatches, Command, error::ErrorKind, parser::ValueSource};
use std::ffi::{OsStr, OsString};

/// The options merged so far. Sections are added in descending order of precedence.
pub(super) struct MergedConfig<'a> {
    file: &'a File,
    command: &'a Command,
    /// Options that are set.
    set: Vec<&'a Arg>,
    /// Options set to `false`, which a weaker section cannot set.
    unset: Vec<&'a Arg>,
    /// The options that apply to the subcommand; `None` for a client, to which all apply.
    accepted: Option<Command>,
    /// Entries of each section, in ascending order of precedence; true for `[defaults]`.
    entries: Vec<(bool, Vec<Entry<'a>>)>,
}

impl<'a> MergedConfig<'a> {
    /// Starts with the options of the command line.
    pub(super) fn new(
        file: &'a File,
        command: &'a Command,
        typed: &ArgMatches,
        accepted: Option<Command>,
    ) -> Self {
        let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
        let ids: Vec<_> = typed.ids().map(clap::Id::as_str).filter(|id| is_typed(id)).collect();
        let set = command.get_arguments().filter(|arg| ids.contains(&arg.get_id().as_str()));
        let mut merged = Self {
            file,
            command,
            set: set.collect(),
            unset: Vec::new(),
            accepted,
            entries: Vec::new(),
        };
        merged.add_headers(typed.try_get_many("header").ok().flatten().into_iter().flatten());
        merged
    }

    /// Marks the options that set the same headers as set.
    fn add_headers<'h>(&mut self, headers: impl Iterator<Item = &'h HeaderArg>) {
        for name in headers.filter_map(HeaderArg::name) {
            let options = HEADER_OPTIONS.iter().filter(|(set, _)| set.eq_ignore_ascii_case(name));
            for (_, id) in options {
                self.set.extend(self.command.get_arguments().find(|arg| arg.get_id() == *id));
            }
        }
    }

    /// Marks `--auth` as set if the URL contains credentials.
    pub(super) fn add_url(&mut self, url: Option<&str>) {
        if url.is_some_and(|url| without_user(url) != url) {
            self.set.extend(self.command.get_arguments().find(|arg| arg.get_id() == "auth"));
        }
    }

    /// Adds the entries of a section that no stronger option overrides or excludes.
    pub(super) fn add(&mut self, section: &'a Section<'a>) -> Result<(), Error> {
        let mut entries = section.entries(self.file, self.command)?;
        entries.retain(|entry| self.admits(entry.option));
        for entry in &mut entries {
            entry.headers.retain(|header| !self.overrides(header));
        }
        for entry in &entries {
            let is_set = !entry.args.is_empty() || !entry.headers.is_empty();
            (if is_set { &mut self.set } else { &mut self.unset }).push(entry.option);
            self.add_headers(entry.headers.iter());
        }
        self.entries.insert(0, (section.is_default, entries));
        Ok(())
    }

    fn admits(&self, option: &Arg) -> bool {
        let same = |other: &&Arg| other.get_id() == option.get_id();
        if let Some(accepted) = &self.accepted
            && !accepted.get_arguments().any(|arg| arg.get_id() == option.get_id())
        {
            return false;
        }
        !self.unset.iter().any(&same)
            && !self.set.iter().any(|set| {
                let accumulates = ACCUMULATED.contains(&option.get_id().as_str());
                if same(set) { !accumulates } else { excludes(self.command, set, option) }
            })
    }

    /// Reports whether a stronger option sets this header.
    fn overrides(&self, header: &HeaderArg) -> bool {
        let Some(name) = header.name() else { return false };
        self.set.iter().any(|option| {
            HEADER_OPTIONS
                .iter()
                .any(|(header, id)| header.eq_ignore_ascii_case(name) && option.get_id() == *id)
        })
    }

    /// Parses the merged entries together with the command line.
    pub(super) fn parse(self, args: &[OsString]) -> Result<(ArgMatches, ConfigExtras), Error> {
        let mut extras = ConfigExtras::default();
        let mut file_args = Vec::new();
        for (is_default, entries) in self.entries {
            let mut headers = Vec::new();
            for entry in entries {
                headers.extend(entry.headers);
                extras.secret_locations.extend(entry.secrets);
                let id = entry.option.get_id().as_str();
                let file_arg = |(at, text)| FileArg { text, at, id, is_default };
                file_args.extend(entry.args.into_iter().map(file_arg));
            }
            extras.headers.push(headers);
        }
        let mut line = CommandLine { args, file_args, parser: self.command.clone() };
        loop {
            let fault = match line.parse() {
                Ok(matches) => return Ok((matches, extras)),
                Err(fault) => fault,
            };
            let (culprit, fault) = line.culprit(fault);
            let is_incomplete = fault.kind() == ErrorKind::MissingRequiredArgument;
            match culprit {
                // A default applies only to runs with the options it requires.
                Some(FileArg { id, is_default: true, .. }) if is_incomplete => {
                    line.file_args.retain(|arg| arg.id != id);
                }
                Some(FileArg { at, .. }) => {
                    let fault = usage(&fault);
                    return Err(self.file.hinted(at, &fault, fault.hint()));
                }
                None => return Err(usage(&fault)),
            }
        }
    }
}

/// An argument from the file.
#[derive(Clone)]
struct FileArg<'a> {
    text: OsString,
    /// Byte offset in the file.
    at: usize,
    /// Id of the option.
    id: &'a str,
    is_default: bool,
}

/// The command line with the arguments from the file inserted before its own.
struct CommandLine<'a> {
    args: &'a [OsString],
    file_args: Vec<FileArg<'a>>,
    parser: Command,
}

impl<'a> CommandLine<'a> {
    fn parse(&mut self) -> Result<ArgMatches, clap::Error> {
        self.parse_without("")
    }

    /// Parses the line without the option `id` of the file.
    fn parse_without(&mut self, id: &str) -> Result<ArgMatches, clap::Error> {
        let is_named =
            self.args.get(1).is_some_and(|arg| arg == "listen" || arg == "check" || arg == "proxy");
        let start = if is_named { 2 } else { 1 };
        let (before, typed) = self.args.split_at_checked(start).unwrap_or((self.args, &[]));
        let file_args = self.file_args.iter().filter(|arg| arg.id != id);
        let file_args = file_args.map(|arg| OsString::from(&arg.text));
        let line = before.iter().cloned().chain(file_args).chain(typed.iter().cloned());
        self.parser.try_get_matches_from_mut(line)
    }

    /// Returns the argument of the file that causes a parse error, if one does, and its error.
    fn culprit(&mut self, fault: clap::Error) -> (Option<FileArg<'a>>, clap::Error) {
        for arg in &self.file_args {
            let alone = self.parser.try_get_matches_from_mut([OsStr::new("sockeye"), &arg.text]);
            if let Some(fault) = alone.err()
                && fault.kind() != ErrorKind::MissingRequiredArgument
            {
                return (Some(arg.clone()), fault);
            }
        }
        // Compares the first part of the message: the rest lists all options of the command line.
        let message = usage(&fault).to_string();
        for arg in self.file_args.clone().into_iter().rev() {
            let without = self.parse_without(arg.id);
            if without.err().is_none_or(|other| usage(&other).to_string() != message) {
                return (Some(arg), fault);
            }
        }
        (None, fault)
    }
}

/// Reports whether an option excludes a weaker one: they conflict, one negates the other, or both
/// set credentials.
fn excludes(command: &Command, stronger: &Arg, weaker: &Arg) -> bool {
    let conflict = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    let negates = |one: &Arg, other: &Arg| {
        let long = |arg: &Arg| arg.get_long().unwrap_or_default().to_owned();
        long(one).strip_prefix("no-") == Some(&long(other))
    };
    let is_credential = |arg: &Arg| CREDENTIALS.contains(&arg.get_id().as_str());
    conflict(stronger, weaker)
        || conflict(weaker, stronger)
        || negates(stronger, weaker)
        || negates(weaker, stronger)
        || is_credential(stronger) && is_credential(weaker)
}

/// Options whose values accumulate across sections. Headers are then replaced by name.
const ACCUMULATED: [&str; 3] = ["execute", "expect", "header"];
/// Options that set credentials; only the strongest applies.
const CREDENTIALS: [&str; 3] = ["auth", "bearer", "netrc"];
/// Headers and the ids of the options that set them.
const HEADER_OPTIONS: [(&str, &str); 9] = [
    ("Authorization", "auth"),
    ("Authorization", "bearer"),
    ("Authorization", "netrc"),
    ("Cookie", "cookie"),
    ("Host", "host"),
    ("Origin", "origin"),
    ("Sec-WebSocket-Protocol", "subprotocol"),
    ("Sec-WebSocket-Version", "protocol"),
    ("User-Agent", "user_agent"),
];
