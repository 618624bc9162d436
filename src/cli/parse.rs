//! Parser of the command line and the configuration file.

use super::{
    args::{self, Cli, ClientArgs},
    config::{self, ParsedArgs},
    help, known_args, prescan,
    usage::usage,
    values::ScriptArg,
    wscat,
};
use crate::{error::Error, sys::run_limit};
use clap::{
    Arg, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _,
    parser::ValueSource,
};
use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
};

/// Parses the command line and merges the configuration file into it.
///
/// `--help` and `--version` print their text and end the process.
pub fn parse(args: Vec<OsString>) -> Result<Cli, Error> {
    known_args::learn(&args);
    let is_wscat = wscat::is_called(&args);
    let args = help::as_subcommand(args);
    let mut command = help::prepared(Cli::command(), &args);
    let args = prescan::hoist_subcommand(&command, args)?;
    let ParsedArgs { matches, url, extras } = config::parse(&mut command, &args)?;
    let is_server = matches.contains_id("listen");
    if let Some(option) = is_server.then(|| client_only_option(&command, &matches)).flatten() {
        return Err(Error::Usage {
            fault: format!("{option} does not apply to a server (-l)"),
            hint: None,
        });
    }
    let mut cli = Cli::from_arg_matches(&matches).map_err(|fault| usage(&fault))?;
    match (&mut cli.command, matches.subcommand()) {
        (Some(args::Command::Demo { args }), Some((_, matches))) => order_script(args, matches),
        (None, _) => order_script(&mut cli.client, &matches),
        _ => {}
    }
    let max_time = match &cli.command {
        Some(args::Command::Demo { args }) => args.max_time,
        Some(args::Command::Listen { args }) => args.server.max_time,
        Some(args::Command::Check { args }) => args.max_time,
        Some(args::Command::Proxy { args }) => args.max_time,
        _ => cli.client.max_time,
    };
    if let Some(limit) = max_time {
        run_limit::set(limit);
    }
    match &mut cli.command {
        Some(args::Command::Check { args }) => {
            args.extras = extras;
            args.url = url.or(args.url.take());
        }
        Some(args::Command::Proxy { args }) => {
            args.extras = extras;
            args.url = url.unwrap_or_else(|| std::mem::take(&mut args.url));
        }
        _ => {
            cli.client.extras = extras;
            cli.url = url.or(cli.url);
        }
    }
    if is_wscat {
        wscat::adopt_habits(&mut cli, io::stdin().is_terminal());
    }
    // Dropping the definition of a hundred options and their values takes longer than a round
    // trip.
    std::mem::forget((command, matches));
    Ok(cli)
}

/// Returns an option of the command line that `-l` does not accept, if any.
fn client_only_option(command: &Command, matches: &ArgMatches) -> Option<String> {
    let server = args::ListenCommonArgs::augment_args(Command::new("listen"));
    let given = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        matches.value_source(id) == Some(ValueSource::CommandLine)
            && id != "listen"
            && server.get_arguments().all(|accepted| accepted.get_id() != arg.get_id())
    };
    let arg = command.get_arguments().find(given)?;
    let long = arg.get_long().unwrap_or_default();
    Some(arg.get_short().map_or_else(|| format!("--{long}"), |short| format!("-{short}")))
}

/// Collects `-x` and `--expect` into one script in the order of the command line.
fn order_script(args: &mut ClientArgs, matches: &ArgMatches) {
    let indices = |id| matches.indices_of(id).into_iter().flatten();
    let messages = std::mem::take(&mut args.execute).into_iter().map(ScriptArg::Message);
    let expects = std::mem::take(&mut args.expect).into_iter().map(ScriptArg::Expect);
    let mut script: Vec<_> = indices("execute").zip(messages).collect();
    script.extend(indices("expect").zip(expects));
    script.sort_by_key(|(index, _)| *index);
    args.script = script.into_iter().map(|(_, arg)| arg).collect();
}
