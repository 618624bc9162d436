//! The slash commands. One table defines them for the parser, completion, `/help` and the man page.

use super::{
    Command,
    arguments::{
        self, body, close, every, filter, hex_or_file, none, path, payload, repeat, switch, text,
    },
    place::{ANY, CLIENT, Place, REPLIES, SERVER, SHOWN},
    server::ServerCommand,
    server_arguments as server,
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
    /// Numbers of clients, and then words of earlier messages.
    Client,
    /// Numbers of clients, and then close codes.
    ClientAndCode,
    /// Statuses of refusals, and `off`.
    Refusal,
}

/// The definition of a command.
pub(crate) struct CommandSpec {
    /// The name with its slash.
    pub(crate) name: &'static str,
    /// The prompts at which the command works.
    pub(crate) places: &'static [Place],
    /// The usage of its arguments.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    pub(crate) completion: Completion,
    /// Parses the text after the name. The error is a message for the user.
    pub(super) parse: fn(&str) -> Result<Command, String>,
}

macro_rules! commands {
    ($($places:ident $name:literal $arguments:literal $completion:ident $parse:expr, $help:literal;)*) => {
        &[$(CommandSpec {
            name: $name,
            places: $places,
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
    SERVER "/to" "ID [TEXT]" Client server::to, "send TEXT to client ID; alone: address ID";
    SERVER "/all" "[TEXT]" Words |rest| Ok(server::all(rest)), "send TEXT to all clients; alone: address all";
    ANY "/text" "[TEXT|@FILE]" AtFile text, "send text (may be empty), or a text file";
    ANY "/binary" "HEX|base64:DATA|@FILE" AtFile hex_or_file, "send a binary message";
    ANY "/send" "TEXT|@FILE" AtFile body, "send text, or a file (as text if valid UTF-8)";
    ANY "/edit" "[TEXT]" Words |rest| Ok(Command::Edit(rest.to_owned())), "edit a message in $VISUAL or $EDITOR";
    ANY "/repeat" "N [SECONDS] MESSAGE" Words repeat, "send a message N times";
    ANY "/every" "[SECONDS MESSAGE]" Words every, "send a message every SECONDS; alone: list";
    ANY "/stop" "[N]" Nothing arguments::stop, "stop repeating message N of the list, or all";
    ANY "/ping" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Ping(payload(rest)?))), "send a ping and show the round-trip time";
    ANY "/pong" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Pong(payload(rest)?))), "send an unsolicited pong";
    CLIENT "/close" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the session (default code: 1000)";
    SERVER "/close" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the sessions of those addressed";
    SERVER "/kick" "ID [CODE [REASON]]" ClientAndCode server::kick, "close the session of a client";
    SERVER "/drop" "ID" Client server::drop_client, "end a client's connection without a Close";
    SERVER "/refuse" "[STATUS|off]" Refusal server::refuse, "refuse new clients (default status: 503)";
    SERVER "/who" "" Nothing |rest| none(rest, Command::Server(ServerCommand::Who)), "list the clients";
    SERVER "/headers" "ID" Client server::handshake, "show the opening handshake of a client";
    REPLIES "/reload" "" Nothing |rest| none(rest, Command::Server(ServerCommand::Reload)), "read the reply script again";
    CLIENT "/reconnect" "[SUBPROTOCOL]" Subprotocol arguments::reconnect, "close the session and open a new one";
    SHOWN "/json" "[on|off]" Switch |rest| switch(rest).map(Command::Json), "pretty-print JSON";
    SHOWN "/time" "[on|off]" Switch |rest| switch(rest).map(Command::Time), "show timestamps";
    SHOWN "/filter" "[MATCHER]" Words filter, "show only matching messages; all without MATCHER";
    SHOWN "/pause" "" Nothing |rest| none(rest, Command::Pause), "hold received messages";
    SHOWN "/resume" "" Nothing |rest| none(rest, Command::Resume), "show the held messages and continue";
    SHOWN "/last" "" Nothing |rest| none(rest, Command::Last), "show the last received message in full";
    SHOWN "/save" "FILE" File |rest| path(rest).map(Command::Save), "write the last received message to a new file";
    CLIENT "/stats" "" Nothing |rest| none(rest, Command::Stats), "show session statistics";
    CLIENT "/headers" "" Nothing |rest| none(rest, Command::Headers), "show the opening handshake";
    ANY "/clear" "" Nothing |rest| none(rest, Command::Clear), "clear the screen (Ctrl-L)";
    ANY "/help" "" Nothing |_| Ok(Command::Help), "show this help";
    CLIENT "/quit" "" Nothing |rest| none(rest, Command::Quit), "close the session and exit (Ctrl-D)";
    SERVER "/quit" "" Nothing |rest| none(rest, Command::Quit), "close all sessions and exit (Ctrl-D)";
};

/// Returns the commands that work at a prompt.
pub(crate) fn commands(place: Place) -> impl Iterator<Item = &'static CommandSpec> {
    TABLE.iter().filter(move |spec| spec.places.contains(&place))
}

/// Returns the command of a prompt with this name, which includes the slash.
pub(crate) fn find(name: &str, place: Place) -> Option<&'static CommandSpec> {
    commands(place).find(|spec| spec.name == name)
}

/// Returns the text of `/help` at a prompt: one line per command, or two on a narrow screen.
pub(crate) fn help(place: Place, columns: usize) -> String {
    let mut text = String::new();
    let slash = ("//text".to_owned(), "send a message that starts with a slash");
    for (usage, description) in commands(place).map(|spec| (usage(spec), spec.help)).chain([slash])
    {
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
        for place in ANY {
            let text = help(*place, 80);
            assert!(text.lines().all(|line| line.len() < 80), "{text}");
            for columns in [40, 80] {
                let text = help(*place, columns);
                assert!(commands(*place).all(|spec| text.contains(&usage(spec))));
            }
        }
    }

    #[test]
    fn a_prompt_has_one_command_of_a_name() {
        for place in ANY {
            let mut names: Vec<_> = commands(*place).map(|spec| spec.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{place:?}");
        }
        assert!(TABLE.iter().all(|spec| !spec.places.is_empty()));
    }
}
