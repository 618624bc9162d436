//! A pass over the raw arguments for cases that clap does not handle: a subcommand after options,
//! a misspelled subcommand, and an optional value followed by the URL.

use crate::{
    error::Error,
    escape::Escaped,
    redact::quoted,
    target::{Target, UrlFault},
    wording::nearest,
};
use std::ffi::OsString;

/// Moves a subcommand that is the first positional argument to the front, where clap expects it.
///
/// A misspelled subcommand is an error: it must not be taken for a host name. So is a second
/// positional argument.
pub fn hoist_subcommand(
    command: &clap::Command,
    args: Vec<OsString>,
) -> Result<Vec<OsString>, Error> {
    let mut args = args;
    let mut positionals = positional_indices(command, &args).into_iter();
    let Some(at) = positionals.next() else { return Ok(args) };
    let Some(word) = args.get(at).and_then(|word| word.to_str()).map(ToOwned::to_owned) else {
        return Ok(args);
    };
    if command.get_subcommands().any(|sub| sub.get_name() == word) {
        let word = args.remove(at);
        args.insert(1.min(args.len()), word);
        return Ok(args);
    }
    let is_plain = !word.contains(['.', ':', '/', '[']);
    let names = command.get_subcommands().map(clap::Command::get_name);
    if let Some(name) = nearest(&word, names).filter(|_| is_plain) {
        return Err(Error::Usage {
            fault: format!("unknown subcommand '{word}'"),
            hint: Some(format!("did you mean '{name}'? For a host of that name, use ws://{word}")),
        });
    }
    let Some(extra) = positionals.next().and_then(|at| args.get(at)) else { return Ok(args) };
    let extra = extra.to_string_lossy();
    if let Some(hint) = command_of(&word, &extra) {
        return Err(Error::Usage {
            fault: format!("unknown subcommand '{word}'"),
            hint: Some(hint),
        });
    }
    let before = at.checked_sub(1).and_then(|before| args.get(before));
    let before = before.map(|before| before.to_string_lossy()).unwrap_or_default();
    // The rest of a header may be a secret.
    if before.ends_with(':') && !before.starts_with('-') {
        return Err(Error::Usage {
            fault: "a header is one argument".to_owned(),
            hint: Some("quote it: -H 'NAME: VALUE'".to_owned()),
        });
    }
    Err(Error::Usage {
        fault: format!(
            "unexpected argument '{}': only one URL is accepted",
            Escaped(&quoted(&extra))
        ),
        hint: Some(extra_hint(command, &before, &word, &extra)),
    })
}

/// Returns the hint for the name of a subcommand that other programs have, before its argument.
fn command_of(word: &str, next: &str) -> Option<String> {
    let next = Escaped(&quoted(next)).to_string();
    Some(match word {
        "serve" | "server" => format!("'sockeye listen {next}' runs a server"),
        "connect" | "client" | "open" => format!("'sockeye {next}' opens a session"),
        "send" => format!("'sockeye -x MESSAGE {next}' sends a message"),
        "test" | "ping" | "doctor" => format!("'sockeye check {next}' checks a server"),
        _ => return None,
    })
}

/// Returns the hint for a second positional argument. The first one may have been meant as the rest of
/// the argument before it.
fn extra_hint(command: &clap::Command, before: &str, first: &str, extra: &str) -> String {
    let mut options = command.get_arguments().filter(|option| option.is_require_equals_set());
    let name = before.strip_prefix("--");
    if name.is_some_and(|name| options.any(|option| has_long(option, name))) {
        return format!("a value of {before} follows an equals sign: {before}=VALUE");
    }
    if first == "-" {
        return "leave out '-': stdin is read without it".to_owned();
    }
    if let Err(fault @ UrlFault::AddressType(_)) = Target::parse(first)
        && let Some(hint) = (Error::Url { url: first.to_owned(), fault }).hint()
    {
        return hint;
    }
    if extra.contains("://") || extra.ends_with(':') {
        return "the first is the server; 'sockeye proxy ADDRESS URL' passes on between two"
            .to_owned();
    }
    "send messages with -x MESSAGE or through stdin".to_owned()
}

/// Returns the indices of the positional arguments before `--` and before the first unknown option: it
/// is not clear whether the argument after that is its value. The option may be one of a subcommand
/// before it; otherwise clap reports it.
fn positional_indices(command: &clap::Command, args: &[OsString]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut skip = 1;
    for (i, arg) in args.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let arg = arg.to_string_lossy();
        let next = args.get(i + 1);
        if arg == "--" {
            break;
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, has_value) = match long.split_once('=') {
                Some((name, _)) => (name, true),
                None => (long, false),
            };
            let Some(values) = values_of(command, |option| has_long(option, name), next) else {
                break;
            };
            skip = if has_value { 0 } else { values };
        } else if let Some(cluster) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            // In `-vx MESSAGE`, only the last letter can take the next argument.
            for (at, c) in cluster.char_indices() {
                let Some(values) = values_of(command, |option| has_short(option, c), next) else {
                    return found;
                };
                if values > 0 {
                    let is_last = at + c.len_utf8() == cluster.len();
                    skip = if is_last { values } else { values - 1 };
                    break;
                }
            }
        } else {
            found.push(i);
        }
    }
    found
}

/// Returns how many of the next arguments are values of an option, or `None` if it is unknown. An
/// option with an optional value does not take a URL.
fn values_of(
    command: &clap::Command,
    matches: impl Fn(&clap::Arg) -> bool,
    next: Option<&OsString>,
) -> Option<usize> {
    let option = command.get_arguments().find(|option| matches(option))?;
    let optional = option.get_num_args().is_some_and(|range| range.min_values() == 0);
    if optional && next.is_some_and(|next| is_url(&next.to_string_lossy())) {
        return Some(0);
    }
    Some(value_count(option))
}

/// Returns how many arguments after an option may be its values.
pub(super) fn value_count(option: &clap::Arg) -> usize {
    if !option.get_action().takes_values() || option.is_require_equals_set() {
        return 0;
    }
    option.get_num_args().map_or(1, |range| range.max_values().max(1))
}

/// Reports whether an argument is a URL, which an option with an optional value does not take.
pub(super) fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// Reports whether `name` is the long name of `option` or one of its aliases.
pub fn has_long(option: &clap::Arg, name: &str) -> bool {
    option.get_long() == Some(name)
        || option.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
}

pub(super) fn has_short(option: &clap::Arg, name: char) -> bool {
    option.get_short() == Some(name)
        || option.get_all_short_aliases().is_some_and(|aliases| aliases.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory as _;

    fn hoisted(line: &str) -> Result<String, String> {
        let args = line.split(' ').map(OsString::from).collect();
        match hoist_subcommand(&Cli::command(), args) {
            Ok(args) => Ok(args.iter().map(|a| a.to_str().unwrap()).collect::<Vec<_>>().join(" ")),
            Err(e) => Err(e.hint().unwrap()),
        }
    }

    #[test]
    fn a_subcommand_may_follow_options() {
        let cases = [
            ("sockeye listen 9000", "sockeye listen 9000"),
            ("sockeye -v listen 9000", "sockeye listen -v 9000"),
            ("sockeye --max-message 5 -v demo", "sockeye demo --max-message 5 -v"),
            ("sockeye --max-message=5 demo -q", "sockeye demo --max-message=5 -q"),
            // The value of an option is not a subcommand.
            ("sockeye -x listen ws://h", "sockeye -x listen ws://h"),
            ("sockeye -vx listen ws://h", "sockeye -vx listen ws://h"),
            ("sockeye -xlisten demo", "sockeye demo -xlisten"),
            ("sockeye --max-redirects 3 ws://h", "sockeye --max-redirects 3 ws://h"),
            ("sockeye --passphrase ws://h", "sockeye --passphrase ws://h"),
            ("sockeye -xw ws://h", "sockeye -xw ws://h"),
            ("sockeye --cont 1 ws://h", "sockeye --cont 1 ws://h"),
            ("sockeye --compress demo", "sockeye demo --compress"),
            ("sockeye --compress=x demo", "sockeye demo --compress=x"),
            ("sockeye -v listen 9000 --reply f", "sockeye listen -v 9000 --reply f"),
            ("sockeye -q listen --reply f 0", "sockeye listen -q --reply f 0"),
            ("sockeye -m 5 listen -Z", "sockeye listen -m 5 -Z"),
            ("sockeye --every 5 listen demo", "sockeye demo --every 5 listen"),
            ("sockeye --answer demo listen ws://h", "sockeye --answer demo listen ws://h"),
            ("sockeye -- listen", "sockeye -- listen"),
            ("sockeye ./listen", "sockeye ./listen"),
            ("sockeye localhost", "sockeye localhost"),
            ("sockeye", "sockeye"),
        ];
        for (line, expected) in cases {
            assert_eq!(hoisted(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn rejects_misspelled_subcommands() {
        for line in [
            "sockeye lisen 9000",
            "sockeye -v demos",
            "sockeye listne",
            "sockeye lisen 0 --reply f",
        ] {
            assert!(hoisted(line).unwrap_err().contains("did you mean"), "{line}");
        }
        assert!(hoisted("sockeye lisen:9000").is_ok());
        assert!(hoisted("sockeye demo.local").is_ok());
    }

    #[test]
    fn the_hint_about_a_second_argument_is_about_the_mistake() {
        for (line, part) in [
            ("sockeye serve 9000", "'sockeye listen 9000'"),
            ("sockeye connect ws://h", "'sockeye ws://h'"),
            ("sockeye send ws://h", "-x MESSAGE"),
            ("sockeye test h:1", "'sockeye check h:1'"),
            ("sockeye --reconnect 3 h:1", "--reconnect=VALUE"),
            ("sockeye -H Authorization: secret h:1", "-H 'NAME: VALUE'"),
            ("sockeye - ws://h", "leave out '-'"),
            ("sockeye ws://a ws://b", "'sockeye proxy"),
            ("sockeye ws-l:127.0.0.1:9000 mirror:", "'sockeye listen PORT'"),
        ] {
            let hint = hoisted(line).unwrap_err();
            assert!(hint.contains(part) && !hint.contains("secret"), "{line}: {hint}");
        }
        // Hosts with such names remain hosts.
        assert!(hoisted("sockeye server").is_ok());
        assert!(hoisted("sockeye test:9000").is_ok());
    }

    #[test]
    fn rejects_a_second_positional_argument() {
        for line in ["sockeye ws://a b", "sockeye ws://h listen", "sockeye -v h hello"] {
            assert!(hoisted(line).unwrap_err().contains("-x MESSAGE"), "{line}");
        }
    }
}
