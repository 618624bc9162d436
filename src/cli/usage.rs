//! Usage errors of the argument parser as errors of this program.

use crate::error::Error;
use clap::error::{ContextKind, ErrorKind};

/// Options whose values may be secrets.
pub(super) const SECRET: [&str; 6] =
    ["--auth", "--bearer", "--cookie", "--header", "--passphrase", "--proxy"];

/// Turns a parser error into a usage error: the first line names the fault, the hint the remedy.
///
/// Prints help or the version and ends the process if the error asks for that.
pub(super) fn usage(error: &clap::Error) -> Error {
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
