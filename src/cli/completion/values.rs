//! The values of an argument, by its definition: possible values, value hint, names of values, help.

use super::candidate::Completions;
use crate::{
    cli::{args::Cli, config, help::topics::TOPICS},
    schema::check::CheckGroup,
};
use clap::{Arg, CommandFactory as _, ValueHint};
use std::path::PathBuf;

/// The configuration file that has the targets.
pub(super) enum ConfigFile {
    None,
    Default,
    Named(PathBuf),
}

/// Completes a value of an argument.
pub(super) fn complete(arg: &Arg, index: usize, current: &str, config: &ConfigFile) -> Completions {
    let mut completions = Completions::default();
    for value in arg.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        completions.offer(current, value.get_name(), &help);
    }
    if is_secret(arg) {
        for (reference, help) in SECRET_REFERENCES {
            let is_jar = reference == "file:" && arg.get_id() == "cookie";
            completions.offer(current, reference, if is_jar { "a cookie file" } else { help });
        }
        completions.ask_for_path(current, "file:", false);
    }
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.get(index).or(names.last()).map_or("", |name| name.as_str());
    match (arg.get_value_hint(), arg.get_id().as_str()) {
        (ValueHint::FilePath | ValueHint::AnyPath, _) | (_, "cookie")
            if completions.path.is_none() =>
        {
            completions.ask_for_path(current, "", false);
        }
        (ValueHint::DirPath, _) => completions.ask_for_path(current, "", true),
        (ValueHint::Url, _) => server(&mut completions, current, config),
        (_, "proxy") => offer_schemes(&mut completions, current, PROXY_SCHEMES),
        (_, "address") => listen_address(&mut completions, current),
        (_, "topic") => help_topic(&mut completions, current),
        (_, "only" | "skip") => {
            for group in CheckGroup::ALL {
                completions.offer(current, group.name(), group.about());
            }
        }
        _ if READ_FROM_FILE.contains(&name) && arg.get_possible_values().is_empty() => {
            completions.ask_for_path(current, "@", false);
        }
        _ => {}
    }
    completions
}

/// Returns the first line of an argument's help.
pub(super) fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// Reports whether a value may refer to a secret, according to the help.
fn is_secret(arg: &Arg) -> bool {
    arg.get_long_help().is_some_and(|help| help.to_string().contains("file:PATH"))
}

/// Completes the URL or target of a client.
fn server(completions: &mut Completions, current: &str, config: &ConfigFile) {
    // Schemes that are rarely typed would stand between the others.
    let shown = if current.is_empty() { 2 } else { CLIENT_SCHEMES.len() };
    offer_schemes(completions, current, CLIENT_SCHEMES.get(..shown).unwrap_or_default());
    for scheme in UNIX_SCHEMES {
        completions.ask_for_path(current, scheme, false);
    }
    let names = match config {
        ConfigFile::None => Ok(Vec::new()),
        ConfigFile::Default => config::target_names(None),
        ConfigFile::Named(path) => config::target_names(Some(path)),
    };
    // Whoever runs the command will see the fault of the file.
    for name in names.unwrap_or_default() {
        completions.offer(current, &name, "target");
    }
}

/// Completes the topic of `help`.
fn help_topic(completions: &mut Completions, current: &str) {
    for topic in TOPICS {
        completions.offer(current, topic.name(), topic.about());
    }
    for subcommand in Cli::command().get_subcommands() {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        completions.offer(current, subcommand.get_name(), &about);
    }
    completions.offer(current, "topics", "the list of topics");
    completions.offer(current, "all", "all of the help");
}

/// Completes the address of a server.
fn listen_address(completions: &mut Completions, current: &str) {
    offer_schemes(completions, current, LISTEN_SCHEMES);
    completions.ask_for_path(current, "unix:", false);
}

fn offer_schemes(completions: &mut Completions, current: &str, schemes: &[&str]) {
    for scheme in schemes {
        completions.offer(current, scheme, "");
    }
}

/// Names of values that `@` reads from a file.
pub(super) const READ_FROM_FILE: &[&str] = &["MESSAGE", "NAME:VALUE", "FORMAT"];

/// Schemes of a server's URL. Without a letter, the first two are offered.
pub(super) const CLIENT_SCHEMES: &[&str] =
    &["ws://", "wss://", UNIX_SCHEMES[0], UNIX_SCHEMES[1], "http://", "https://"];

const UNIX_SCHEMES: [&str; 2] = ["ws+unix:", "wss+unix:"];

/// Schemes of `--proxy`.
pub(super) const PROXY_SCHEMES: &[&str] =
    &["http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"];

/// Beginnings of the address of `listen`.
pub(super) const LISTEN_SCHEMES: &[&str] = &["wss://", "unix:"];

/// References to a secret.
const SECRET_REFERENCES: [(&str, &str); 3] = [
    ("env:", "an environment variable"),
    ("file:", "the first line of a file"),
    ("cmd:", "the first line that a command prints"),
];
