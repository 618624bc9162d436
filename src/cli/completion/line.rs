//! The command line up to the current word, read as the parser will, and what may follow it.

use super::{
    candidate::Completions,
    values::{self, ConfigFile},
};
use crate::cli::{
    args::{Cli, ListenCommonArgs},
    prescan::{has_long, has_short, is_url, value_count},
};
use clap::{Arg, ArgAction, Args as _, Command, CommandFactory as _};

/// Returns the completions of `current`, which follows the arguments `before`.
pub(super) fn complete(before: &[String], current: &str) -> Completions {
    let mut root = Cli::command();
    root.build();
    let mut line = TypedLine::new(&root);
    for word in before {
        line.take(word);
    }
    line.complete(current)
}

/// The command line before the current word, as far as completion depends on it.
struct TypedLine<'a> {
    /// The command or subcommand whose arguments follow.
    command: &'a Command,
    /// The options that were given.
    given: Vec<&'a Arg>,
    /// The number of positional arguments that were given.
    positionals: usize,
    /// The option whose values follow.
    awaiting: Option<Awaiting<'a>>,
    /// True after `--`.
    only_positionals: bool,
    config: ConfigFile,
}

/// An option that takes the next word as a value.
#[derive(Clone, Copy)]
struct Awaiting<'a> {
    option: &'a Arg,
    /// The index of the next value.
    index: usize,
    /// How many values follow.
    count: usize,
}

impl Awaiting<'_> {
    fn is_optional(&self) -> bool {
        self.option.get_num_args().is_some_and(|range| range.min_values() == 0)
    }
}

impl<'a> TypedLine<'a> {
    fn new(command: &'a Command) -> Self {
        Self {
            command,
            given: Vec::new(),
            positionals: 0,
            awaiting: None,
            only_positionals: false,
            config: ConfigFile::Default,
        }
    }

    /// Takes a word before the current one.
    fn take(&mut self, word: &str) {
        if let Some(awaiting) = self.awaiting.take()
            && !(awaiting.is_optional() && (is_url(word) || word.starts_with('-')))
        {
            self.take_value(awaiting.option, word);
            let index = awaiting.index + 1;
            self.awaiting = (index < awaiting.count).then_some(Awaiting { index, ..awaiting });
            return;
        }
        if self.only_positionals || word == "-" || !word.starts_with('-') {
            self.take_positional(word);
        } else if word == "--" {
            self.only_positionals = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            if let Some(option) = self.long(name) {
                self.take_option(option, value);
            }
        } else {
            let cluster = Cluster::read(self.command, word);
            for option in cluster.switches {
                self.take_option(option, None);
            }
            if let Some((option, _, value)) = cluster.last {
                self.take_option(option, Some(value).filter(|value| !value.is_empty()));
            }
        }
    }

    fn take_positional(&mut self, word: &str) {
        let subcommand = self.command.find_subcommand(word);
        match subcommand.filter(|_| self.positionals == 0 && !self.only_positionals) {
            Some(subcommand) => self.command = subcommand,
            None => self.positionals += 1,
        }
    }

    /// Takes an option with its attached value, if any.
    fn take_option(&mut self, option: &'a Arg, value: Option<&str>) {
        self.given.push(option);
        match (value, value_count(option)) {
            (Some(value), _) => self.take_value(option, value),
            (None, 0) => {}
            (None, count) => self.awaiting = Some(Awaiting { option, index: 0, count }),
        }
        if option.get_id() == "no_config" {
            self.config = ConfigFile::None;
        }
    }

    fn take_value(&mut self, option: &Arg, value: &str) {
        if option.get_id() == "config" {
            self.config = ConfigFile::Named(value.into());
        }
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|option| has_long(option, name))
    }

    fn complete(&self, current: &str) -> Completions {
        let mut completions = Completions::default();
        if current.contains(char::is_control) {
            return completions;
        }
        if let Some(Awaiting { option, index, .. }) = self.awaiting {
            completions.join(self.values(option, index, current));
            if !self.awaiting.is_some_and(|awaiting| awaiting.is_optional()) {
                return completions;
            }
        }
        completions.join(if self.only_positionals || !current.starts_with('-') {
            self.positional(current)
        } else if let Some((name, value)) = current.split_once('=')
            && let Some(option) = name.strip_prefix("--").and_then(|name| self.long(name))
        {
            let lead = format!("{name}=");
            let takes_value = option.get_action().takes_values();
            let values = takes_value.then(|| self.values(option, 0, value).after(&lead));
            values.unwrap_or_default()
        } else if current.starts_with("--") || current == "-" {
            self.options(current)
        } else {
            self.cluster(current)
        });
        completions
    }

    /// Completes letters after one hyphen: the value of the last one, or a space after them.
    fn cluster(&self, current: &str) -> Completions {
        let cluster = Cluster::read(self.command, current);
        match (cluster.last, cluster.switches.last()) {
            (Some((option, lead, value)), _) if !value.is_empty() => {
                self.values(option, 0, value).after(lead)
            }
            (Some((option, ..)), _) => exactly(current, option),
            (None, Some(option)) if !cluster.has_unknown => exactly(current, option),
            _ => Completions::default(),
        }
    }

    /// Completes the name of an option that may still be given.
    fn options(&self, current: &str) -> Completions {
        let mut completions = Completions::default();
        let applies = |option: &&Arg| {
            !option.is_hide_set() && self.may_follow(option) && self.applies_to_server(option)
        };
        for option in self.command.get_arguments().filter(applies) {
            let help = values::help(option);
            let shorts = option.get_short_and_visible_aliases().unwrap_or_default();
            for short in shorts {
                completions.offer(current, &format!("-{short}"), &help);
            }
            for long in option.get_long_and_visible_aliases().unwrap_or_default() {
                completions.offer(current, &format!("--{long}"), &help);
            }
        }
        completions
    }

    /// Reports whether an option may be given with `-l`, if that was given.
    fn applies_to_server(&self, option: &Arg) -> bool {
        if self.given.iter().all(|given| given.get_id() != "listen") {
            return true;
        }
        let is_setting = option.get_action().takes_values()
            || matches!(option.get_action(), ArgAction::SetTrue | ArgAction::Count);
        let common = ListenCommonArgs::augment_args(Command::new("listen"));
        !is_setting || common.get_arguments().any(|arg| arg.get_id() == option.get_id())
    }

    /// Reports whether an argument was not given before and agrees with those that were.
    fn may_follow(&self, arg: &Arg) -> bool {
        let conflict = |one: &Arg, other: &Arg| {
            let conflicts = self.command.get_arg_conflicts_with(one);
            conflicts.iter().any(|conflict| conflict.get_id() == other.get_id())
        };
        self.given.iter().all(|given| {
            if given.get_id() == arg.get_id() {
                return matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
            }
            // The definition of an option before the subcommand is another one.
            let mut own = self.command.get_arguments();
            let given = own.find(|option| option.get_id() == given.get_id());
            given.is_none_or(|given| !conflict(arg, given) && !conflict(given, arg))
        })
    }

    /// Completes a positional argument, or the name of a subcommand.
    fn positional(&self, current: &str) -> Completions {
        let mut completions = Completions::default();
        if let Some(topic) = self.topic_of_help() {
            return self.values(topic, 0, current);
        }
        let argument = self.command.get_positionals().nth(self.positionals);
        if argument.is_some_and(|argument| !self.may_follow(argument)) {
            return completions;
        }
        if self.positionals == 0 && !self.only_positionals {
            for subcommand in self.command.get_subcommands().filter(|sub| self.may_be(sub)) {
                let help = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
                completions.offer(current, subcommand.get_name(), &help);
            }
        }
        if let Some(argument) = argument {
            completions.join(self.values(argument, 0, current));
        }
        completions
    }

    /// Returns the argument of `help` if only `--help` or `-h` was given, which accepts it too.
    fn topic_of_help(&self) -> Option<&'a Arg> {
        let [given] = &self.given[..] else { return None };
        if given.get_id() != "help" || self.positionals > 0 || self.only_positionals {
            return None;
        }
        self.command.find_subcommand("help")?.get_positionals().next()
    }

    /// Reports whether a subcommand accepts the options that were given before it.
    fn may_be(&self, subcommand: &Command) -> bool {
        let has = |id| subcommand.get_arguments().any(|arg| arg.get_id() == id);
        !subcommand.is_hide_set() && self.given.iter().all(|given| has(given.get_id()))
    }

    /// Completes a value of an argument.
    fn values(&self, arg: &Arg, index: usize, current: &str) -> Completions {
        values::complete(arg, index, current, &self.config)
    }
}

/// Letters after one hyphen, such as `-vx`.
struct Cluster<'a, 'w> {
    switches: Vec<&'a Arg>,
    /// An option that takes a value, the word up to its letter, and the rest of the word.
    last: Option<(&'a Arg, &'w str, &'w str)>,
    /// True if a letter is not an option.
    has_unknown: bool,
}

impl<'a, 'w> Cluster<'a, 'w> {
    fn read(command: &'a Command, word: &'w str) -> Self {
        let mut cluster = Self { switches: Vec::new(), last: None, has_unknown: false };
        for (at, letter) in word.char_indices().skip(1) {
            let option = command.get_arguments().find(|option| has_short(option, letter));
            let Some(option) = option else {
                cluster.has_unknown = true;
                break;
            };
            if option.get_action().takes_values() {
                let (lead, value) = word.split_at(at + letter.len_utf8());
                cluster.last = Some((option, lead, value));
                break;
            }
            cluster.switches.push(option);
        }
        cluster
    }
}

/// Offers the current word itself.
fn exactly(current: &str, option: &Arg) -> Completions {
    let mut completions = Completions::default();
    completions.offer(current, current, &values::help(option));
    completions
}
