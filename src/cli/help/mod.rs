//! The help: a few lines for `sockeye` alone, a screenful for `-h`, everything for `--help`, and a
//! part of it for `sockeye help TOPIC`.

mod common;
pub(super) mod topics;

use super::{args::Cli, generate, man};
use crate::{error::Error, escape::Escaped, wording::nearest};
use clap::{Command, CommandFactory as _};
use common::{COMMON, EXAMPLES, ShownOption, of_subcommand};
use std::ffi::{OsStr, OsString};
use topics::TOPICS;

/// Adds to the definition what the help that these arguments may ask for has beyond it. Other
/// command lines leave it as it is: they do not pay for the help.
pub(super) fn prepared(command: Command, args: &[OsString]) -> Command {
    let mut options = args.iter().skip(1).map(OsString::as_os_str);
    let is_long = options.clone().any(|arg| arg == "--help");
    if args.len() < 2 {
        command.override_help(BRIEF)
    } else if is_long || options.any(is_short_help) {
        if is_long {
            let command = command.mut_subcommands(long);
            let examples = man::text::of_section("EXAMPLES").unwrap_or_default();
            command.after_long_help(format!("Examples:\n{examples}\n{}", topics::list()))
        } else {
            let is_named = |sub: &Command| args.iter().any(|arg| arg == sub.get_name());
            short(command.mut_subcommands(|sub| if is_named(&sub) { short_of(sub) } else { sub }))
        }
    } else {
        command
    }
}

/// Returns the definition of a subcommand for `--help`, with its examples.
fn long(command: Command) -> Command {
    match man::text::of_examples(command.get_name()) {
        Some(examples) => command.after_long_help(format!("Examples:\n{}", examples.trim_end())),
        None => command,
    }
}

/// Turns `--help TOPIC`, if these are all arguments, into `help TOPIC`.
pub(super) fn as_subcommand(mut args: Vec<OsString>) -> Vec<OsString> {
    if let [_, option, topic] = &mut args[..]
        && (option == "--help" || option == "-h")
        && topic.to_str().is_some_and(is_plain_word)
    {
        *option = OsString::from("help");
    }
    args
}

fn is_plain_word(word: &str) -> bool {
    !word.starts_with('-') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Reports whether an argument may be a cluster of short options with `-h`.
fn is_short_help(arg: &OsStr) -> bool {
    let arg = arg.as_encoded_bytes();
    arg.starts_with(b"-") && !arg.starts_with(b"--") && arg.contains(&b'h')
}

/// Returns the definition for `-h`: the options that people use, by task, in 80 columns.
fn short(command: Command) -> Command {
    with_options(command, &COMMON)
        .mut_arg("url", |arg| arg.hide_short_help(true))
        .mut_subcommands(|sub| {
            let is_common =
                matches!(sub.get_name(), "listen" | "proxy" | "check" | "demo" | "show" | "help");
            sub.hide(!is_common)
        })
        .override_usage("sockeye [OPTIONS] URL|@TARGET\n       sockeye COMMAND ...")
        .after_help(format!("Examples:\n{EXAMPLES}\n{MORE_HELP}"))
}

/// Returns the definition of a subcommand for `-h`, which shows fewer options if there are many.
fn short_of(command: Command) -> Command {
    let name = command.get_name();
    let Some(shown) = of_subcommand(name) else { return command };
    // Its options are defined later, by clap.
    let mut whole = Cli::command();
    whole.build();
    let Some(defined) = whole.find_subcommand(name).cloned() else { return command };
    let examples = man::text::example_commands(name);
    let examples: Vec<_> = examples.iter().take(3).map(|line| format!("  {line}")).collect();
    let examples = examples.join("\n");
    let more = format!("Examples:\n{examples}\n\nAll options: sockeye {name} --help");
    let help = with_options(defined, &shown).after_help(more).render_help();
    command.override_help(help)
}

/// Returns a definition that shows these options and the general ones.
fn with_options(command: Command, shown: &[ShownOption]) -> Command {
    let mut command = command.mut_args(|arg| {
        if arg.is_positional() {
            return arg;
        }
        let is_general = matches!(arg.get_id().as_str(), "help" | "version");
        let takes_value = arg.get_action().takes_values();
        let arg = arg.hide_short_help(!is_general);
        if takes_value { arg.hide_default_value(true).hide_possible_values(true) } else { arg }
    });
    for (order, (id, task, value, words)) in shown.iter().enumerate() {
        command = command.mut_arg(*id, |arg| {
            let takes_value = arg.get_action().takes_values();
            let arg = arg.hide_short_help(false).help_heading(*task).display_order(order);
            let arg = if words.is_empty() { arg } else { arg.help(*words) };
            if takes_value && !value.is_empty() { arg.value_name(*value) } else { arg }
        });
    }
    command.term_width(80)
}

/// Prints the help about a topic or a subcommand; without one, all of the help.
pub fn print(topic: Option<&str>) -> Result<(), Error> {
    let text = match topic {
        None | Some("all" | "options") => {
            let args = ["sockeye", "--help"].map(OsString::from);
            prepared(Cli::command(), &args).render_long_help().to_string()
        }
        Some("topics" | "topic") => topics::descriptions(),
        Some(word) => match TOPICS.iter().find(|topic| topic.is_named(word)) {
            Some(topic) => topic.text(),
            None => about_subcommand(word)?,
        },
    };
    generate::print(text.as_bytes())
}

/// Prints what `--version` prints.
pub fn print_version() -> Result<(), Error> {
    generate::print(concat!("sockeye ", env!("CARGO_PKG_VERSION"), "\n").as_bytes())
}

fn about_subcommand(word: &str) -> Result<String, Error> {
    let mut command = Cli::command();
    command.build();
    if let Some(sub) = command.find_subcommand(word) {
        return Ok(long(sub.clone()).render_long_help().to_string());
    }
    let mut names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    for topic in TOPICS {
        names.push(topic.name());
    }
    let hint = match nearest(word, names) {
        Some(name) => format!("did you mean 'sockeye help {name}'?"),
        None => "run 'sockeye help topics' for a list".to_owned(),
    };
    Err(Error::Usage { fault: format!("no help about '{}'", Escaped(word)), hint: Some(hint) })
}

/// The last line of `-h`.
const MORE_HELP: &str = "All options: sockeye --help; a part of them: sockeye help TOPIC";

/// What `sockeye` alone prints on stderr.
const BRIEF: &str = "\
sockeye talks to, scripts, watches and tests WebSocket servers.

  sockeye wss://example.com/chat          talk to a server
  sockeye -x '{\"op\":\"sub\"}' -w -1 URL     send a message, and print messages
  producer | sockeye URL | consumer       each line of stdin is a message
  sockeye listen 9000                     run a server
  sockeye check URL                       check a server
  sockeye demo                            try it without a server

Help: sockeye -h           common options
      sockeye help TOPIC   tls, proxies, scripting, exit-codes, ... ('topics')
      sockeye --help       everything; 'man sockeye' is the manual
";

#[cfg(test)]
mod tests {
    use super::*;

    fn short_help() -> String {
        let mut command = prepared(Cli::command(), &["sockeye", "-h"].map(OsString::from));
        command.render_help().to_string()
    }

    #[test]
    fn the_short_help_fits_a_terminal_of_80_by_50() {
        let help = short_help();
        assert!(help.lines().count() < 50, "{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(!line.starts_with("           "), "a text continues on a second line: {line}");
        }
    }

    #[test]
    fn the_short_help_has_the_common_options_only() {
        let help = short_help();
        let options = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        assert_eq!(options, COMMON.len() + 2, "{help}");
        assert_eq!(COMMON.len(), 20);
    }

    #[test]
    fn the_short_help_of_a_subcommand_fits_a_terminal_of_80_by_50() {
        for name in ["listen", "proxy", "check", "demo"] {
            let shown = of_subcommand(name).unwrap();
            let mut command = Cli::command();
            command = prepared(command, &["sockeye", name, "-h"].map(OsString::from));
            let help = command.find_subcommand_mut(name).unwrap().render_help().to_string();
            assert!(help.lines().count() <= 50, "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
            let options = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
            assert_eq!(options, shown.len() + 1, "{help}");
            assert!(help.contains(&format!("\n  sockeye {name}")), "no example: {help}");
        }
    }

    #[test]
    fn sockeye_alone_says_what_it_is_in_a_dozen_lines() {
        assert!(BRIEF.lines().count() <= 12);
        assert!(BRIEF.lines().all(|line| line.len() <= 80));
    }

    #[test]
    fn an_ordinary_command_line_does_not_prepare_help() {
        for line in ["sockeye ws://h", "sockeye -v --host h ws://h", "sockeye listen"] {
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            let command = prepared(Cli::command(), &args);
            assert!(command.get_after_help().is_none() && command.get_after_long_help().is_none());
        }
    }

    #[test]
    fn a_word_after_help_is_a_topic_unless_it_is_a_url() {
        for (line, expected) in [
            ("sockeye --help tls", "sockeye help tls"),
            ("sockeye -h exit-codes", "sockeye help exit-codes"),
            ("sockeye --help ws://h", "sockeye --help ws://h"),
            ("sockeye --help -v", "sockeye --help -v"),
            ("sockeye -x --help tls", "sockeye -x --help tls"),
        ] {
            let args = as_subcommand(line.split(' ').map(OsString::from).collect());
            let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
            assert_eq!(args.join(" "), expected);
        }
    }
}
