//! What clap cannot do alone: a subcommand behind options, its misspelling, and an optional value
//! that swallows the URL.

use crate::error::Error;
use std::ffi::OsString;

/// Moves a subcommand that is the first word (not an option, nor an option's value) to the front,
/// where clap wants it. A word that is nearly one is an error: it must not become a host name.
pub fn arrange(command: &clap::Command, args: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let mut args = args;
    let Some(at) = first_word(command, &args) else { return Ok(args) };
    let Some(word) = args.get(at).and_then(|word| word.to_str()).map(ToOwned::to_owned) else {
        return Ok(args);
    };
    if command.get_subcommands().any(|sub| sub.get_name() == word) {
        let word = args.remove(at);
        args.insert(1.min(args.len()), word);
        return Ok(args);
    }
    if word.contains(['.', ':', '/', '[']) {
        return Ok(args);
    }
    let near = command.get_subcommands().map(clap::Command::get_name).find(|name| {
        let distance = strsim::damerau_levenshtein(name, &word);
        distance <= if name.len() > 4 { 2 } else { 1 }
    });
    match near {
        Some(name) => Err(Error::Usage {
            fault: format!("'{word}' is no subcommand"),
            hint: Some(format!("did you mean '{name}'? A host of this name is ws://{word}")),
        }),
        None => Ok(args),
    }
}

/// The index of the first word that is neither an option nor an option's value.
fn first_word(command: &clap::Command, args: &[OsString]) -> Option<usize> {
    let mut skip = true;
    for (i, arg) in args.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let Some(arg) = arg.to_str() else { return Some(i) };
        if arg == "--" {
            return None;
        } else if let Some(long) = arg.strip_prefix("--") {
            skip = !long.contains('=') && takes_value(command, |option| has_long(option, long));
        } else if let Some(cluster) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            // Of -vx MESSAGE only the last letter can want the next word.
            let value = cluster
                .char_indices()
                .find(|(_, c)| takes_value(command, |option| has_short(option, *c)));
            skip = value.is_some_and(|(at, c)| at + c.len_utf8() == cluster.len());
        } else {
            return Some(i);
        }
    }
    None
}

fn takes_value(command: &clap::Command, is_it: impl Fn(&clap::Arg) -> bool) -> bool {
    command.get_arguments().find(|option| is_it(option)).is_some_and(|option| {
        option.get_action().takes_values()
            && option.get_num_args().is_none_or(|range| range.min_values() > 0)
    })
}

fn has_long(option: &clap::Arg, name: &str) -> bool {
    option.get_long() == Some(name)
        || option.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
}

fn has_short(option: &clap::Arg, name: char) -> bool {
    option.get_short() == Some(name)
        || option.get_all_short_aliases().is_some_and(|aliases| aliases.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory as _;

    fn arranged(line: &str) -> Result<String, String> {
        let args = line.split(' ').map(OsString::from).collect();
        match arrange(&Cli::command(), args) {
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
            // The value of an option is no subcommand.
            ("sockeye -x listen ws://h", "sockeye -x listen ws://h"),
            ("sockeye -vx listen ws://h", "sockeye -vx listen ws://h"),
            ("sockeye -xlisten demo", "sockeye demo -xlisten"),
            ("sockeye ws://h listen", "sockeye ws://h listen"),
            ("sockeye -- listen", "sockeye -- listen"),
            ("sockeye ./listen", "sockeye ./listen"),
            ("sockeye localhost", "sockeye localhost"),
            ("sockeye", "sockeye"),
        ];
        for (line, expected) in cases {
            assert_eq!(arranged(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_near_miss_is_not_a_host() {
        for line in ["sockeye lisen 9000", "sockeye -v demos", "sockeye listne"] {
            assert!(arranged(line).unwrap_err().contains("did you mean"), "{line}");
        }
        assert!(arranged("sockeye lisen:9000").is_ok());
        assert!(arranged("sockeye demo.local").is_ok());
    }
}
