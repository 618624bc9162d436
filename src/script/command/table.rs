//! The slash commands. One table defines them for the parser, completion, `/help` and the man page.

use super::{
    Command,
    arguments::{
        self, body, close, every, filter, hex_or_file, none, path, payload, repeat, switch, text,
    },
    place::{ALL, ANY, CLIENT, HELD, PROXY, Place, REPLIES, SERVER, SERVER_OR_PROXY, SHOWN},
    server::ServerCommand,
    server_arguments as server,
};
use crate::{escape::Escaped, script::action::Outgoing};
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
    /// Names of commands.
    Command,
}

/// A group of commands in `/help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Send,
    Clients,
    Session,
    Show,
    Prompt,
}

impl Topic {
    const ALL: [Self; 5] = [Self::Send, Self::Clients, Self::Session, Self::Show, Self::Prompt];

    fn title(self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Clients => "Clients",
            Self::Session => "Session",
            Self::Show => "Show",
            Self::Prompt => "Prompt",
        }
    }
}

/// The definition of a command.
pub(crate) struct CommandSpec {
    /// The name with its slash.
    pub(crate) name: &'static str,
    /// The prompts at which the command works.
    pub(crate) places: &'static [Place],
    pub(crate) topic: Topic,
    /// The description in the list of `/help`.
    pub(crate) summary: &'static str,
    /// The usage of its arguments.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    pub(crate) completion: Completion,
    /// Parses the text after the name. The error is a message for the user.
    pub(super) parse: fn(&str) -> Result<Command, String>,
}

macro_rules! commands {
    ($($places:ident $topic:ident $name:literal $summary:literal $arguments:literal $completion:ident $parse:expr, $help:literal;)*) => {
        &[$(CommandSpec {
            name: $name,
            places: $places,
            topic: Topic::$topic,
            summary: $summary,
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
    SERVER Clients "/to" "send to one client" "ID [TEXT]" Client server::to, "send TEXT to client ID; alone: address ID";
    SERVER Clients "/all" "send to all clients" "[TEXT]" Words |rest| Ok(server::all(rest)), "send TEXT to all clients; alone: address all";
    PROXY Clients "/inject" "send a message of ours" "[ID:]LEG TEXT" Words server::inject, "send TEXT to the client or server (LEG)";
    ANY Send "/text" "send text or a text file" "[TEXT|@FILE]" AtFile text, "send text (may be empty), or a text file";
    ANY Send "/binary" "send hex, base64 or a file" "HEX|base64:DATA|@FILE" AtFile hex_or_file, "send a binary message";
    ANY Send "/send" "send text or a file" "TEXT|@FILE" AtFile body, "send text, or a file (as text if valid UTF-8)";
    ANY Send "/edit" "write it in an editor" "[TEXT]" Words |rest| Ok(Command::Edit(rest.to_owned())), "edit a message in $VISUAL or $EDITOR";
    ANY Send "/repeat" "send a message N times" "N [SECONDS] MESSAGE" Words repeat, "send a message N times";
    ANY Send "/every" "send it at an interval" "[SECONDS MESSAGE]" Words every, "send a message every SECONDS; alone: list";
    ANY Send "/stop" "stop repeating it" "[N]" Nothing arguments::stop, "stop repeating message N of the list, or all";
    ANY Send "/ping" "ping; show the round trip" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Ping(payload(rest)?))), "send a ping and show the round-trip time";
    ANY Send "/pong" "send an unsolicited pong" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Pong(payload(rest)?))), "send an unsolicited pong";
    CLIENT Session "/close" "close the session" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the session and exit (default code: 1000)";
    SERVER Clients "/close" "close these sessions" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the sessions of those addressed";
    SERVER_OR_PROXY Clients "/kick" "close one session" "ID [CODE [REASON]]" ClientAndCode server::kick, "close the session of a client";
    SERVER Clients "/drop" "cut one connection" "ID" Client server::drop_client, "end a client's connection without a Close";
    SERVER Clients "/refuse" "refuse new clients" "[STATUS|off]" Refusal server::refuse, "refuse new clients (default status: 503)";
    SERVER_OR_PROXY Clients "/who" "list the clients" "" Nothing |rest| none(rest, Command::Server(ServerCommand::Who)), "list the clients";
    SERVER Clients "/headers" "show a handshake" "ID" Client server::handshake, "show the opening handshake of a client";
    REPLIES Clients "/reload" "read the script again" "" Nothing |rest| none(rest, Command::Server(ServerCommand::Reload)), "read the reply script again";
    CLIENT Session "/reconnect" "open a new session" "[SUBPROTOCOL]" Subprotocol arguments::reconnect, "close the session and open a new one";
    SHOWN Show "/json" "pretty-print JSON" "[on|off]" Switch |rest| switch(rest).map(Command::Json), "pretty-print JSON";
    SHOWN Show "/time" "show timestamps" "[on|off]" Switch |rest| switch(rest).map(Command::Time), "show timestamps";
    SHOWN Show "/filter" "show only what matches" "[MATCHER]" Words filter, "show only matching messages; all without MATCHER";
    HELD Show "/pause" "hold received messages" "" Nothing |rest| none(rest, Command::Pause), "hold received messages";
    HELD Show "/resume" "show the held messages" "" Nothing |rest| none(rest, Command::Resume), "show the held messages and continue";
    PROXY Show "/pause" "read nothing from anyone" "" Nothing |rest| none(rest, Command::Pause), "read nothing from clients and server";
    PROXY Show "/resume" "read and pass on again" "" Nothing |rest| none(rest, Command::Resume), "read and pass on again";
    SHOWN Show "/last" "show the last in full" "" Nothing |rest| none(rest, Command::Last), "show the last received message in full";
    SHOWN Show "/save" "write the last to a file" "FILE" File |rest| path(rest).map(Command::Save), "write the last received message to a new file";
    CLIENT Session "/stats" "show statistics" "" Nothing |rest| none(rest, Command::Stats), "show session statistics";
    CLIENT Session "/headers" "show the handshake" "" Nothing |rest| none(rest, Command::Headers), "show the opening handshake";
    ALL Prompt "/clear" "clear the screen (Ctrl-L)" "" Nothing |rest| none(rest, Command::Clear), "clear the screen (Ctrl-L)";
    ALL Prompt "/help" "explain COMMAND, or all" "[COMMAND|all]" Command |rest| Ok(Command::Help(rest.to_owned())), "describe a command, or all; alone: list";
    CLIENT Prompt "/quit" "close and exit (Ctrl-D)" "" Nothing |rest| none(rest, Command::Quit), "close the session and exit (Ctrl-D)";
    SERVER_OR_PROXY Prompt "/quit" "close and exit (Ctrl-D)" "" Nothing |rest| none(rest, Command::Quit), "close all sessions and exit (Ctrl-D)";
};

/// Returns the commands that work at a prompt.
pub(crate) fn commands(place: Place) -> impl Iterator<Item = &'static CommandSpec> {
    TABLE.iter().filter(move |spec| spec.places.contains(&place))
}

/// Returns the command of a prompt with this name, which includes the slash.
pub(crate) fn find(name: &str, place: Place) -> Option<&'static CommandSpec> {
    commands(place).find(|spec| spec.name == name)
}

/// Returns the text of `/help` at a prompt: a list of the commands, the description of the one that
/// is named, or those of all.
pub(crate) fn help(place: Place, about: &str, columns: usize) -> String {
    let about = about.trim();
    let slash = ("//text".to_owned(), "send a message that starts with a slash");
    match about.strip_prefix('/').unwrap_or(about) {
        "" if about.is_empty() => list(place, columns),
        "all" => {
            let slash = (place != Place::Proxy).then_some(slash);
            let specs = commands(place).map(|spec| (usage(spec), spec.help)).chain(slash);
            descriptions(specs, columns)
        }
        name => match find(&format!("/{name}"), place) {
            Some(spec) => descriptions([(usage(spec), spec.help)], columns),
            None => format!("unknown command /{}; /help lists the commands", Escaped(name)),
        },
    }
}

/// Returns the list of the commands by topic, in two columns if the screen is wide enough.
fn list(place: Place, columns: usize) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        let specs = commands(place).filter(|spec| spec.topic == topic);
        let slash = (topic == Topic::Send && place != Place::Proxy)
            .then_some(("//text", "text with a leading slash"));
        let entries = specs.map(|spec| (spec.name, spec.summary)).chain(slash);
        let entries: Vec<_> =
            entries.map(|(name, summary)| format!("{name:10} {summary}")).collect();
        if entries.is_empty() {
            continue;
        }
        let is_wide = columns >= SIDE_BY_SIDE_COLUMNS;
        let rows = if is_wide { entries.len().div_ceil(2) } else { entries.len() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}:", topic.title());
        let (left, right) = entries.split_at_checked(rows).unwrap_or_default();
        for (row, entry) in left.iter().enumerate() {
            let beside = right.get(row).map(String::as_str).unwrap_or_default();
            let line = format!("{entry:LIST_COLUMNS$} {beside}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text.push_str("(/help COMMAND or /help all: more)");
    text
}

/// Returns usages with descriptions: one line each, or two on a narrow screen.
fn descriptions(
    entries: impl IntoIterator<Item = (String, &'static str)>,
    columns: usize,
) -> String {
    let line = |(usage, description): (String, &str)| match columns {
        SIDE_BY_SIDE_COLUMNS.. => format!("{usage:USAGE_COLUMNS$} {description}"),
        _ => format!("{usage}\n  {description}"),
    };
    entries.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns a command's name and arguments.
pub(crate) fn usage(spec: &CommandSpec) -> String {
    format!("{} {}", spec.name, spec.arguments).trim_end().to_owned()
}

/// The width of the longest usage.
const USAGE_COLUMNS: usize = 30;
/// The width of an entry in the list of commands.
const LIST_COLUMNS: usize = 39;
/// The screen width from which usage and description share a line.
const SIDE_BY_SIDE_COLUMNS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_the_screen() {
        for place in ALL {
            let text = help(*place, "", 80);
            assert!(text.lines().all(|line| line.len() < 80), "{text}");
            // The line of the command and the prompt take two rows.
            assert!(text.lines().count() <= 22, "{} rows: {text}", text.lines().count());
            let narrow = help(*place, "", 40);
            let mut lines = narrow.lines().filter(|line| line.starts_with('/'));
            assert!(lines.all(|line| line.len() <= 40), "{narrow}");
            for columns in [40, 80] {
                let text = help(*place, "", columns);
                assert!(commands(*place).all(|spec| text.contains(spec.summary)), "{text}");
                let text = help(*place, "all", columns);
                assert!(commands(*place).all(|spec| text.contains(&usage(spec))), "{text}");
            }
        }
    }

    #[test]
    fn help_describes_a_command() {
        for about in ["/ping", "ping", " ping "] {
            let text = help(Place::Client, about, 80);
            assert_eq!(
                text,
                "/ping [DATA]                   send a ping and show the round-trip time"
            );
        }
        // A command of a server.
        assert!(help(Place::Client, "/kick", 80).starts_with("unknown command /kick;"));
        assert!(!help(Place::Talk, "kick", 80).starts_with("unknown"));
        assert!(help(Place::Talk, "/", 80).starts_with("unknown"));
    }

    #[test]
    fn a_prompt_has_one_command_of_a_name() {
        for place in ALL {
            let mut names: Vec<_> = commands(*place).map(|spec| spec.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{place:?}");
        }
        assert!(TABLE.iter().all(|spec| !spec.places.is_empty()));
    }
}
