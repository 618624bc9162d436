//! From the words of the command line to its arguments.

use super::{
    args::{self, Cli, ClientArgs},
    config::{self, ParsedArgs},
    prescan,
    usage::usage,
};
use crate::{error::Error, proto::Kind, script::action::Action};
use clap::{
    Arg, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _,
    parser::ValueSource,
};
use std::ffi::OsString;

/// Reads the command line, and the user's file behind it. Help and version are printed here, and
/// end the process.
pub fn parse(args: Vec<OsString>) -> Result<Cli, Error> {
    let mut command = Cli::command();
    let args = prescan::arrange(&command, args)?;
    let ParsedArgs { matches, url, extras } = config::complete(&mut command, &args)?;
    let serves = matches.contains_id("listen");
    if let Some(option) = serves.then(|| beside_listen(&command, &matches)).flatten() {
        return Err(Error::Usage {
            fault: format!("{option} has no meaning for a server (-l)"),
            hint: None,
        });
    }
    let mut cli = Cli::from_arg_matches(&matches).map_err(|fault| usage(&fault))?;
    match (&mut cli.command, matches.subcommand()) {
        (Some(args::Command::Demo { args }), Some((_, matches))) => order(args, matches),
        (None, _) => order(&mut cli.client, &matches),
        _ => {}
    }
    cli.client.extras = extras;
    cli.url = url.or(cli.url);
    // Freeing the definition of a hundred options and their values takes longer than a round trip.
    std::mem::forget((command, matches));
    Ok(cli)
}

/// An option that was given beside -l, and that a server does not have.
fn beside_listen(command: &Command, matches: &ArgMatches) -> Option<String> {
    let server = args::ListenArgs::augment_args(Command::new("listen"));
    let given = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        matches.value_source(id) == Some(ValueSource::CommandLine)
            && id != "listen"
            && server.get_arguments().all(|ours| ours.get_id() != arg.get_id())
    };
    let arg = command.get_arguments().find(given)?;
    let long = arg.get_long().unwrap_or_default();
    Some(arg.get_short().map_or_else(|| format!("--{long}"), |short| format!("-{short}")))
}

/// Puts the actions of a script in the order in which they were typed.
fn order(args: &mut ClientArgs, matches: &ArgMatches) {
    let places = |id| matches.indices_of(id).into_iter().flatten();
    let kind = if args.binary { Kind::Binary } else { Kind::Text };
    let messages = std::mem::take(&mut args.execute).into_iter();
    let says = messages.map(|message| Action::message(kind, message));
    let expects = std::mem::take(&mut args.expect).into_iter().map(Action::Expect);
    let mut actions: Vec<_> = places("execute").zip(says).collect();
    actions.extend(places("expect").zip(expects));
    actions.sort_by_key(|(place, _)| *place);
    args.script = actions.into_iter().map(|(_, action)| action).collect();
}
