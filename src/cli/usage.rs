//! Conversion of clap errors to usage errors.

use crate::error::Error;
use clap::error::{ContextKind, ErrorKind};

/// Options whose values may contain secrets.
pub(super) const SECRET: [&str; 6] =
    ["--auth", "--bearer", "--cookie", "--header", "--passphrase", "--proxy"];

/// Converts a clap error to a usage error, with secret values redacted.
///
/// Prints the help or version and ends the process if the "error" is a request for it.
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
        // clap drops control characters, so the text may not contain the value verbatim.
        if let Some((before, rest)) = text.split_once(" '")
            && let Some((_, after)) = rest.rsplit_once("' for '")
        {
            text = format!("{before} [redacted] for '{after}");
        }
    }
    let first = text.split("\n\n").next().unwrap_or_default();
    let tip = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix("tip: "));
    // clap suggests `--` before an unknown option, but then the option would become the URL.
    let tip = tip.filter(|tip| !tip.contains("to pass"));
    Error::Usage {
        fault: first.strip_prefix("error: ").unwrap_or(first).trim_end().to_owned(),
        hint: Some(tip.unwrap_or("run sockeye --help for a list of options").to_owned()),
    }
}
