//! The command line: what was typed ([`args`]), what the user's file adds to it ([`profile`]), what
//! was meant ([`config`]), and the pages made from the same definition ([`generate`]).

pub mod args;
pub mod config;
pub mod generate;
pub mod prescan;
pub mod profile;
mod reach;
pub mod values;

use crate::{error::Error, script::step::Step};
use args::{Cli, ClientArgs};
use clap::{
    Arg, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _,
    error::{ContextKind, ErrorKind},
    parser::ValueSource,
};
use profile::Complete;
use std::ffi::OsString;

/// Reads the command line, and the user's file behind it. Help and version are printed here, and
/// end the process.
pub fn parse(args: Vec<OsString>) -> Result<Cli, Error> {
    let mut command = Cli::command();
    let args = prescan::arrange(&command, args)?;
    let Complete { matches, url, kept } = profile::complete(&mut command, &args)?;
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
    cli.client.kept = kept;
    cli.url = url.or(cli.url);
    // Taking the definition of a hundred options apart takes longer than a round trip.
    std::mem::forget(command);
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

/// Puts the steps of a script in the order in which they were typed.
fn order(args: &mut ClientArgs, matches: &ArgMatches) {
    let places = |id| matches.indices_of(id).into_iter().flatten();
    let says = std::mem::take(&mut args.execute).into_iter().map(Step::Send);
    let expects = std::mem::take(&mut args.expect).into_iter().map(Step::Expect);
    let mut steps: Vec<_> = places("execute").zip(says).collect();
    steps.extend(places("expect").zip(expects));
    steps.sort_by_key(|(place, _)| *place);
    args.script = steps.into_iter().map(|(_, step)| step).collect();
}

/// Options whose values may be secrets.
const SECRET: [&str; 6] = ["--auth", "--bearer", "--cookie", "--header", "--passphrase", "--proxy"];

/// A fault in our own form: the first line says what, the hint what to write instead.
fn usage(error: &clap::Error) -> Error {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        error.exit();
    }
    let mut text = error.render().to_string();
    let named = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let option = named(ContextKind::InvalidArg);
    let value = named(ContextKind::InvalidValue);
    let lower = value.to_lowercase();
    let name = lower.split(':').next().unwrap_or_default();
    let is_plain_header = option.starts_with("--header")
        && !name.contains([' ', '\t'])
        && !lower.contains("auth")
        && !lower.contains("cookie");
    if SECRET.iter().any(|secret| option.starts_with(secret)) && !is_plain_header {
        // The text leaves control characters out: the value may stand there in another form.
        if let Some((before, rest)) = text.split_once(" '")
            && let Some((_, after)) = rest.rsplit_once("' for '")
        {
            text = format!("{before} [redacted] for '{after}");
        }
    }
    let first = text.split("\n\n").next().unwrap_or_default();
    let tip = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix("tip: "));
    // To write -- before an unknown option would make it the URL.
    let tip = tip.filter(|tip| !tip.contains("to pass"));
    Error::Usage {
        fault: first.strip_prefix("error: ").unwrap_or(first).trim_end().to_owned(),
        hint: Some(tip.unwrap_or("sockeye --help lists the options").to_owned()),
    }
}
