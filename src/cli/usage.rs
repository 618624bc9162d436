//! Conversion of clap errors to usage errors.

use super::args::Cli;
use crate::{
    error::Error,
    escape::Escaped,
    redact::{REDACTED, quoted},
    sys::stdio::check_stdout,
    wording::{CARRIAGE_RETURN_HINT, nearest},
};
use clap::{
    CommandFactory as _,
    error::{ContextKind, ErrorKind},
};

/// The end of clap's text if a subcommand lacks its URL and nothing else.
const ONLY_URL: &str = "were not provided:\n  <URL>";

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
        if !error.use_stderr()
            && let Err(cause) = check_stdout()
        {
            return Error::Output(cause);
        }
        error.exit();
    }
    let mut text = error.render().to_string();
    let named = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let option = named(ContextKind::InvalidArg);
    let value = match named(ContextKind::InvalidValue) {
        // A word that belongs to no option.
        value if value.is_empty() && !option.starts_with('-') => option.clone(),
        value => value,
    };
    // The name may be followed by that of the value.
    let name = option.split([' ', '=']).next().unwrap_or_default();
    let is_secret = SECRET.contains(&name);
    let shown = if is_secret && !is_plain_header(&option, &value) {
        REDACTED.to_owned()
    } else {
        format!("'{}'", Escaped(&quoted(&value)))
    };
    // clap drops control characters, so the text may not contain the value verbatim.
    if !value.is_empty()
        && let Some((before, rest)) = text.split_once(" '")
        && let Some((_, after)) = rest.rsplit_once("' for '")
    {
        text = format!("{before} {shown} for '{after}");
    } else if let Some((before, after)) = text.split_once(&format!("'{value}'")) {
        text = format!("{before}{shown}{after}");
    }
    let first = text.split("\n\n").next().unwrap_or_default();
    // After `--`, clap takes what follows the URL for a subcommand.
    if let Some((_, rest)) = first.split_once("the subcommand '")
        && let Some((extra, _)) = rest.split_once("' cannot be used with")
    {
        return Error::Usage {
            fault: format!("unexpected argument '{}' after the URL", Escaped(&quoted(extra))),
            hint: Some("options go before --, and messages after -x".to_owned()),
        };
    }
    let tip = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix("tip: "));
    // clap suggests `--` before an unknown option, but then the option would become the URL.
    let tip = tip.filter(|tip| !tip.contains("to pass") && is_plausible(tip, name, &value));
    let subcommand = subcommand(&text);
    let tip = foreign_hint(name, &value).filter(|hint| is_possible(hint, subcommand)).or(tip);
    let tip = if value.ends_with('\r') { Some(CARRIAGE_RETURN_HINT) } else { tip };
    let list = || {
        let command = ["sockeye", subcommand].join(" ");
        format!("run {} --help for a list of options", command.trim_end())
    };
    let fault = first.strip_prefix("error: ").unwrap_or(first).trim_end();
    Error::Usage {
        fault: if fault.ends_with(ONLY_URL) { "no URL given" } else { fault }.to_owned(),
        hint: Some(tip.map_or_else(list, ToOwned::to_owned)),
    }
}

/// Returns the subcommand of clap's usage line, or nothing.
fn subcommand(text: &str) -> &str {
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: sockeye "));
    let word = usage.unwrap_or_default().split(' ').next().unwrap_or_default();
    if word.starts_with(|first: char| first.is_ascii_lowercase()) { word } else { "" }
}

/// Reports whether a subcommand has the options that a hint names.
fn is_possible(hint: &str, subcommand: &str) -> bool {
    let mut command = Cli::command();
    command.build();
    let Some(command) = command.find_subcommand(subcommand) else { return true };
    let is_known = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        command.get_arguments().any(|arg| match name.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg.get_short().is_some_and(|short| name.chars().nth(1) == Some(short)),
        })
    };
    hint.split(' ').filter(|word| word.starts_with('-')).all(is_known)
}

/// Reports whether the value of `--header` is a name alone, or a field without secrets.
fn is_plain_header(option: &str, value: &str) -> bool {
    let name = value.split(':').next().unwrap_or_default();
    option.split(' ').next() == Some("--header")
        && !name.contains([' ', '\t'])
        && quoted(value) == value
}

/// Reports whether clap's suggestion for an unknown option or value is a mistyped, a longer or a
/// shorter form of it. Other words of similar letters are misleading.
fn is_plausible(tip: &str, option: &str, value: &str) -> bool {
    let Some((kind, similar)) = tip.split_once(" exists: ") else { return true };
    let given = if kind == "a similar value" { value } else { option };
    let similar = similar.trim_matches('\'');
    let is_longer = |long: &str, short: &str| long.starts_with(short);
    is_longer(similar, given) || is_longer(given, similar) || nearest(given, [similar]).is_some()
}

/// Returns the option for what other programs call `option`, which sockeye does not have or reads
/// otherwise.
fn foreign_hint(option: &str, value: &str) -> Option<&'static str> {
    Some(match option {
        // websocat
        "-1" | "--one-message" => "--count 1 closes after one message",
        "-E" | "--exit-on-eof" => {
            "the session closes by itself after the end of stdin; -w 0 closes at once"
        }
        "-U" | "--unidirectional-reverse" => "--receive-only leaves stdin unread",
        "--unidirectional" => "--send-only discards what is received",
        "-B" | "--buffer-size" => "a message has any length, up to --max-message",
        "-S" | "--strict" => "a long message is always sent as one",
        "--no-close" => "-w -1 goes on after the end of stdin",
        "--server-mode" => "'sockeye listen PORT' runs a server",
        "--text" => "messages are text unless -b is given",
        "--protocol" if value.parse::<u64>().is_err() => {
            "--protocol is the version of WebSocket; -s NAME offers a subprotocol"
        }
        // curl, nginx and servers
        "-i" | "-I" | "--include" | "--head" => "-v shows the opening handshake",
        "-f" | "--fail" => "a refused handshake always has an exit status of its own",
        "-N" | "--no-buffer" => "each message is written when it arrives",
        "-X" | "--request" | "--method" => {
            "the request of an opening handshake is a GET; -x MESSAGE sends a message"
        }
        "--url" => "the URL is an argument without an option",
        "--port" => "the port belongs to the address, as in localhost:9000",
        "--ca-cert" | "--ca-file" | "--cafile" | "--tls-ca" => "--ca FILE trusts these authorities",
        "--tls-cert" | "--ssl-cert" | "--crt" => "--cert FILE is the certificate, in PEM",
        "--tls-key" | "--ssl-key" | "--cert-key" | "--private-key" => {
            "--key FILE is the private key of --cert, in PEM"
        }
        "--timeout" => "--max-time SECONDS limits the whole run",
        "--retry" => "--reconnect=N opens a session again up to N times",
        "--max-messages" => "--count N closes after N messages",
        "--exec" | "--send" | "--message" | "-d" | "--data" | "--preamble" => {
            "-x MESSAGE sends a message"
        }
        "--ping" => "--ping-interval SECONDS sends pings; /ping sends one at the prompt",
        "--interval" => "--every SECONDS MESSAGE sends a message at an interval",
        "--chat" => "'sockeye listen PORT --broadcast' passes messages to the other clients",
        "--no-verify" | "--no-tls-verify" | "--tls-skip-verify" | "--skip-verify" => {
            "-k does not check the server's certificate"
        }
        "--silent" => "-q shows no notes",
        "--debug" => "-v shows the opening handshake, and --frames every frame",
        "--token" => "--bearer TOKEN authenticates with a token",
        "--password" | "--basic-auth" | "--basic" => "-u USER:PASSWORD authenticates",
        "--file" => "-x @FILE sends a file",
        "--log" => "--record FILE records the session",
        "--bind" => "the address is an argument, as in 'sockeye listen 0.0.0.0:9000'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: `--port` had the hint that `--subprotocol` is similar.
    #[test]
    fn a_suggestion_resembles_the_option() {
        let is_shown = |similar: &str, option: &str| {
            is_plausible(&format!("a similar argument exists: '{similar}'"), option, "")
        };
        for (similar, option) in
            [("--compress", "--compression"), ("--cert", "--certificate"), ("--frames", "--framse")]
        {
            assert!(is_shown(similar, option), "{similar} for {option}");
        }
        for (similar, option) in
            [("--subprotocol", "--port"), ("--user", "--tls-cert"), ("--echo", "--method")]
        {
            assert!(!is_shown(similar, option), "{similar} for {option}");
        }
    }
}
