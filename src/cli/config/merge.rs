//! What wins: what was typed, then the target, then the defaults.

use super::{
    entry::{Entry, Section},
    file::File,
};
use crate::{
    cli::{
        args::{ConfigExtras, ListenArgs},
        usage::usage,
        values::HeaderArg,
    },
    error::Error,
    target::without_user,
};
use clap::{Arg, ArgMatches, Args as _, Command, error::ErrorKind, parser::ValueSource};
use std::ffi::OsString;

/// What is merged so far. The strongest section is added first.
pub(super) struct MergedConfig<'a> {
    file: &'a File,
    command: &'a Command,
    /// Options that are given.
    given: Vec<&'a Arg>,
    /// Options that are not, whatever a weaker section says.
    refused: Vec<&'a Arg>,
    /// The options of a server, if it is one.
    server: Option<Command>,
    /// What the file gives, the weakest first, and whether it is by default.
    entries: Vec<(bool, Vec<Entry<'a>>)>,
}

impl<'a> MergedConfig<'a> {
    /// What was typed.
    pub(super) fn new(
        file: &'a File,
        command: &'a Command,
        typed: &ArgMatches,
        serves: bool,
    ) -> Self {
        let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
        let known: Vec<_> = typed.ids().map(clap::Id::as_str).filter(|id| is_typed(id)).collect();
        let given = command.get_arguments().filter(|it| known.contains(&it.get_id().as_str()));
        let mut merged = Self {
            file,
            command,
            given: given.collect(),
            refused: Vec::new(),
            server: serves.then(|| ListenArgs::augment_args(Command::new("listen"))),
            entries: Vec::new(),
        };
        merged.headers(typed.try_get_many("header").ok().flatten().into_iter().flatten());
        merged
    }

    /// A header says what an option would.
    fn headers<'h>(&mut self, headers: impl Iterator<Item = &'h HeaderArg>) {
        for name in headers.filter_map(HeaderArg::name) {
            let said = SAID.iter().filter(|(said, _)| said.eq_ignore_ascii_case(name));
            for (_, id) in said {
                self.given.extend(self.command.get_arguments().find(|it| it.get_id() == *id));
            }
        }
    }

    /// A URL with a user in it says who we are.
    pub(super) fn url(&mut self, url: Option<&str>) {
        if url.is_some_and(|url| without_user(url) != url) {
            self.given.extend(self.command.get_arguments().find(|it| it.get_id() == "auth"));
        }
    }

    /// Takes of a section what nothing stronger excludes.
    pub(super) fn add(&mut self, section: &'a Section<'a>) -> Result<(), Error> {
        let mut entries = section.entries(self.file, self.command)?;
        entries.retain(|entry| self.admits(entry.option));
        for entry in &mut entries {
            entry.headers.retain(|header| !self.says(header));
        }
        for entry in &entries {
            let is_given = !entry.words.is_empty() || !entry.headers.is_empty();
            (if is_given { &mut self.given } else { &mut self.refused }).push(entry.option);
            self.headers(entry.headers.iter());
        }
        self.entries.insert(0, (section.is_default, entries));
        Ok(())
    }

    fn admits(&self, option: &Arg) -> bool {
        let same = |other: &&Arg| other.get_id() == option.get_id();
        if let Some(server) = &self.server
            && !server.get_arguments().any(|its| its.get_id() == option.get_id())
        {
            return false;
        }
        !self.refused.iter().any(&same)
            && !self.given.iter().any(|given| {
                let adds = ADDED.contains(&option.get_id().as_str());
                if same(given) { !adds } else { excludes(self.command, given, option) }
            })
    }

    /// Whether a stronger option says what this header does.
    fn says(&self, header: &HeaderArg) -> bool {
        let Some(name) = header.name() else { return false };
        self.given.iter().any(|given| {
            SAID.iter().any(|(said, by)| said.eq_ignore_ascii_case(name) && given.get_id() == *by)
        })
    }

    /// Reads all of it together with what was typed.
    pub(super) fn read(self, args: &[OsString]) -> Result<(ArgMatches, ConfigExtras), Error> {
        let mut extras = ConfigExtras::default();
        let mut words = Vec::new();
        for (is_default, entries) in self.entries {
            let mut headers = Vec::new();
            for entry in entries {
                headers.extend(entry.headers);
                extras.places.extend(entry.secrets);
                let id = entry.option.get_id().as_str();
                let word = |(at, text)| Word { text, at, id, is_default };
                words.extend(entry.words.into_iter().map(word));
            }
            extras.headers.push(headers);
        }
        let mut line = Line { args, words, parser: self.command.clone() };
        loop {
            let fault = match line.read() {
                Ok(matches) => return Ok((matches, extras)),
                Err(fault) => fault,
            };
            let (culprit, fault) = line.culprit(fault);
            let lacks = fault.kind() == ErrorKind::MissingRequiredArgument;
            match culprit {
                // A default for runs that have what it needs.
                Some(Word { id, is_default: true, .. }) if lacks => {
                    line.words.retain(|word| word.id != id);
                }
                Some(Word { at, .. }) => {
                    let fault = usage(&fault);
                    return Err(self.file.hinted(at, &fault, fault.hint()));
                }
                None => return Err(usage(&fault)),
            }
        }
    }
}

/// An argument that the file gives.
#[derive(Clone)]
struct Word<'a> {
    text: String,
    at: usize,
    /// The option.
    id: &'a str,
    is_default: bool,
}

/// A command line, with the words of the file before those that were typed.
struct Line<'a> {
    args: &'a [OsString],
    words: Vec<Word<'a>>,
    parser: Command,
}

impl<'a> Line<'a> {
    fn read(&mut self) -> Result<ArgMatches, clap::Error> {
        self.read_without("")
    }

    fn read_without(&mut self, id: &str) -> Result<ArgMatches, clap::Error> {
        // Behind the subcommand, where there is one.
        let behind = if self.args.get(1).is_some_and(|word| word == "listen") { 2 } else { 1 };
        let (before, typed) = self.args.split_at_checked(behind).unwrap_or((self.args, &[]));
        let words = self.words.iter().filter(|word| word.id != id);
        let words = words.map(|word| OsString::from(&word.text));
        let line = before.iter().cloned().chain(words).chain(typed.iter().cloned());
        self.parser.try_get_matches_from_mut(line)
    }

    /// Which word of the file is to blame, and for what.
    fn culprit(&mut self, fault: clap::Error) -> (Option<Word<'a>>, clap::Error) {
        for word in &self.words {
            let alone = self.parser.try_get_matches_from_mut(["sockeye", &word.text]);
            if let Some(fault) = alone.err()
                && fault.kind() != ErrorKind::MissingRequiredArgument
            {
                return (Some(word.clone()), fault);
            }
        }
        // Only what is said first: behind it all options stand that are given.
        let said = usage(&fault).to_string();
        for word in self.words.clone().into_iter().rev() {
            let without = self.read_without(word.id);
            if without.err().is_none_or(|other| usage(&other).to_string() != said) {
                return (Some(word), fault);
            }
        }
        (None, fault)
    }
}

/// Whether one option leaves no room for a weaker one.
fn excludes(command: &Command, given: &Arg, weaker: &Arg) -> bool {
    let conflict = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|it| it.get_id() == other.get_id())
    };
    let negates = |one: &Arg, other: &Arg| {
        let long = |arg: &Arg| arg.get_long().unwrap_or_default().to_owned();
        long(one).strip_prefix("no-") == Some(&long(other))
    };
    let credentials = |it: &Arg| CREDENTIALS.contains(&it.get_id().as_str());
    conflict(given, weaker)
        || conflict(weaker, given)
        || negates(given, weaker)
        || negates(weaker, given)
        || credentials(given) && credentials(weaker)
}

/// Options that a stronger section adds to instead of replacing them. Headers go by their names.
const ADDED: [&str; 3] = ["execute", "expect", "header"];
/// Each of them says who we are.
const CREDENTIALS: [&str; 3] = ["auth", "bearer", "netrc"];
/// Headers that an option sends.
const SAID: [(&str, &str); 9] = [
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
