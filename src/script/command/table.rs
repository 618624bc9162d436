//! The slash commands. One table defines them for the parser, completion, `/help` and the man page.

use super::{
    Command,
    arguments::{
        self, body, close, every, filter, hex_or_file, none, path, payload, repeat, switch, text,
    },
};
use crate::script::action::Outgoing;
use std::fmt::Write as _;

/// The source of the Tab completions for a command's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    Nothing,
    /// Words of earlier messages.
    Words,
    /// Close codes, for the first argument only.
    CloseCode,
    /// Paths after `@`, words of earlier messages otherwise.
    AtFile,
    File,
    Subprotocol,
    /// `on` and `off`.
    Switch,
}

/// The definition of a command.
pub(crate) struct CommandSpec {
    /// The name with its slash.
    pub(crate) name: &'static str,
    /// The usage of its arguments.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    pub(crate) completion: Completion,
    /// Parses the text after the name. The error is a message for the user.
    pub(super) parse: fn(&str) -> Result<Command, String>,
}

macro_rules! commands {
    ($($name:literal $arguments:literal $completion:ident $parse:expr, $help:literal;)*) => {
        &[$(CommandSpec {
            name: $name,
            arguments: $arguments,
            help: $help,
            completion: Completion::$completion,
            parse: $parse,
        }),*]
    };
}

/// All commands, in the order of `/help`.
#[rustfmt::skip]
pub(crate) const TABLE: &[CommandSpec] = commands! {
    "/text" "[TEXT|@FILE]" AtFile text, "send text (may be empty), or a text file";
    "/binary" "HEX|base64:DATA|@FILE" AtFile hex_or_file, "send a binary message";
    "/send" "TEXT|@FILE" AtFile body, "send text, or a file (as text if valid UTF-8)";
    "/edit" "[TEXT]" Words |rest| Ok(Command::Edit(rest.to_owned())), "edit a message in $VISUAL or $EDITOR";
    "/repeat" "N [SECONDS] MESSAGE" Words repeat, "send a message N times";
    "/every" "[SECONDS MESSAGE]" Words every, "send a message every SECONDS; alone: list";
    "/stop" "[N]" Nothing arguments::stop, "stop repeating message N of the list, or all";
    "/ping" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Ping(payload(rest)?))), "send a ping and show the round-trip time";
    "/pong" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Pong(payload(rest)?))), "send an unsolicited pong";
    "/close" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the session (default code: 1000)";
    "/reconnect" "[SUBPROTOCOL]" Subprotocol arguments::reconnect, "close the session and open a new one";
    "/json" "[on|off]" Switch |rest| switch(rest).map(Command::Json), "pretty-print JSON";
    "/time" "[on|off]" Switch |rest| switch(rest).map(Command::Time), "show timestamps";
    "/filter" "[MATCHER]" Words filter, "show only matching messages; all without MATCHER";
    "/pause" "" Nothing |rest| none(rest, Command::Pause), "hold received messages";
    "/resume" "" Nothing |rest| none(rest, Command::Resume), "show the held messages and continue";
    "/last" "" Nothing |rest| none(rest, Command::Last), "show the last received message in full";
    "/save" "FILE" File |rest| path(rest).map(Command::Save), "write the last received message to a new file";
    "/stats" "" Nothing |rest| none(rest, Command::Stats), "show session statistics";
    "/headers" "" Nothing |rest| none(rest, Command::Headers), "show the opening handshake";
    "/clear" "" Nothing |rest| none(rest, Command::Clear), "clear the screen (Ctrl-L)";
    "/help" "" Nothing |_| Ok(Command::Help), "show this help";
    "/quit" "" Nothing |rest| none(rest, Command::Quit), "close the session and exit (Ctrl-D)";
};

/// Returns the command with this name, which includes the slash.
pub(crate) fn find(name: &str) -> Option<&'static CommandSpec> {
    TABLE.iter().find(|spec| spec.name == name)
}

/// Returns the text of `/help`: one line per command, or two on a narrow screen.
pub(crate) fn help(columns: usize) -> String {
    let mut text = String::new();
    let slash = ("//text".to_owned(), "send a message that starts with a slash");
    for (usage, description) in TABLE.iter().map(|spec| (usage(spec), spec.help)).chain([slash]) {
        // Writing to a String cannot fail.
        let _ = match columns {
            SIDE_BY_SIDE_COLUMNS.. => writeln!(text, "{usage:USAGE_COLUMNS$} {description}"),
            _ => writeln!(text, "{usage}\n  {description}"),
        };
    }
    text
}

/// Returns a command's name and arguments.
pub(crate) fn usage(spec: &CommandSpec) -> String {
    format!("{} {}", spec.name, spec.arguments).trim_end().to_owned()
}

/// The width of the longest usage.
const USAGE_COLUMNS: usize = 30;
/// The screen width from which usage and description share a line.
const SIDE_BY_SIDE_COLUMNS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_the_screen() {
        assert!(help(80).lines().all(|line| line.len() < 80), "{}", help(80));
        for columns in [40, 80] {
            assert!(TABLE.iter().all(|spec| help(columns).contains(&usage(spec))));
        }
    }
}
