//! The slash commands. One table defines them for the parser, completion, `/help` and the man page.

use super::{
    Command,
    arguments::{
        self, body, close, every, filter, hex_or_file, nothing, path, payload, repeat, switch, text,
    },
};
use crate::script::action::Outgoing;
use std::fmt::Write as _;

/// What Tab offers behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    /// Nothing.
    Nothing,
    /// Words of earlier messages.
    Words,
    /// A close code, then nothing.
    CloseCode,
    /// A path behind @; words of earlier messages otherwise.
    AtFile,
    /// A path.
    File,
    /// A subprotocol.
    Subprotocol,
    /// `on` or `off`.
    Switch,
}

/// A command.
pub(crate) struct Spec {
    /// Its name, with the slash.
    pub(crate) name: &'static str,
    /// What follows it.
    pub(crate) arguments: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    /// What Tab offers behind it.
    pub(crate) completes: Completes,
    /// Reads what follows the name. The error is for the person who typed it.
    pub(super) parse: fn(&str) -> Result<Command, String>,
}

macro_rules! commands {
    ($($name:literal $arguments:literal $completes:ident $parse:expr, $help:literal;)*) => {
        &[$(Spec {
            name: $name,
            arguments: $arguments,
            help: $help,
            completes: Completes::$completes,
            parse: $parse,
        }),*]
    };
}

/// All commands, in the order in which they are listed.
#[rustfmt::skip]
pub(crate) const TABLE: &[Spec] = commands! {
    "/text" "[TEXT|@FILE]" AtFile text, "send text, also an empty message, or a text file";
    "/binary" "HEX|base64:DATA|@FILE" AtFile hex_or_file, "send a binary message";
    "/send" "TEXT|@FILE" AtFile body, "send a file, as text if it is UTF-8";
    "/edit" "[TEXT]" Words |rest| Ok(Command::Edit(rest.to_owned())), "write a message with $VISUAL or $EDITOR";
    "/repeat" "N [SECONDS] MESSAGE" Words repeat, "send a message N times";
    "/every" "SECONDS MESSAGE" Words every, "send a message again and again";
    "/stop" "" Nothing |rest| nothing(rest, Command::Stop), "end what /repeat and /every send";
    "/ping" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Ping(payload(rest)?))), "send a ping and show how long its pong takes";
    "/pong" "[DATA]" Nothing |rest| Ok(Command::Send(Outgoing::Pong(payload(rest)?))), "send a pong nobody asked for";
    "/close" "[CODE [REASON]]" CloseCode |rest| Ok(Command::Send(Outgoing::Close(close(rest)?))), "close the session (1000 unless a code is given)";
    "/reconnect" "[SUBPROTOCOL]" Subprotocol arguments::reconnect, "open the session again";
    "/json" "[on|off]" Switch |rest| switch(rest).map(Command::Json), "lay out JSON, a member a line";
    "/time" "[on|off]" Switch |rest| switch(rest).map(Command::Time), "show the time of each message";
    "/filter" "[REGEX]" Words filter, "show only messages that match, or all again";
    "/pause" "" Nothing |rest| nothing(rest, Command::Pause), "hold what comes";
    "/resume" "" Nothing |rest| nothing(rest, Command::Resume), "show what was held, and go on";
    "/last" "" Nothing |rest| nothing(rest, Command::Last), "show the last message received, whole";
    "/save" "FILE" File |rest| path(rest).map(Command::Save), "write the last message to a new file";
    "/stats" "" Nothing |rest| nothing(rest, Command::Stats), "what the session has come to";
    "/headers" "" Nothing |rest| nothing(rest, Command::Headers), "show the opening handshake";
    "/clear" "" Nothing |rest| nothing(rest, Command::Clear), "clear the screen (Ctrl-L)";
    "/help" "" Nothing |_| Ok(Command::Help), "this";
    "/quit" "" Nothing |rest| nothing(rest, Command::Quit), "close and leave (Ctrl-D)";
};

/// The command of this name.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    TABLE.iter().find(|spec| spec.name == name)
}

/// The commands, a line each, or two where there are few columns.
pub(crate) fn help(columns: usize) -> String {
    let mut text = String::new();
    let slash = ("//text".to_owned(), "send a message that begins with a slash");
    for (usage, what) in TABLE.iter().map(|spec| (usage(spec), spec.help)).chain([slash]) {
        // Writing to a String cannot fail.
        let _ = match columns {
            WIDE.. => writeln!(text, "{usage:USAGE$} {what}"),
            _ => writeln!(text, "{usage}\n  {what}"),
        };
    }
    text
}

/// A command's name and arguments.
pub(crate) fn usage(spec: &Spec) -> String {
    format!("{} {}", spec.name, spec.arguments).trim_end().to_owned()
}

/// Columns of the longest usage.
const USAGE: usize = 30;
/// Columns from which on usage and help stand side by side.
const WIDE: usize = 80;

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
