//! What a typed line means: a message, or a slash command. One table defines the commands, for the
//! parser, for completion, for `/help` and for the man page.

pub(crate) mod arguments;

use crate::{
    proto::{Close, Kind, slice::Within},
    render::json,
};
use arguments::{
    body, close, every, filter, hex_or_file, nothing, path, payload, repeat, switch, text,
};
use regex::bytes::Regex;
use std::{fmt::Write as _, path::PathBuf, time::Duration};

/// A line typed by a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Nothing: an empty line.
    Nothing,
    /// A message of the session's type.
    Say(String),
    /// A message of a type of its own.
    Send(Body),
    /// A ping with this payload.
    Ping(String),
    /// A pong nobody asked for.
    Pong(String),
    /// Close, with this code and reason.
    Close(Close),
    /// Leave.
    Quit,
    /// Write a message with an editor, beginning with this text.
    Edit(String),
    /// Send a message again and again; for ever without a number.
    Repeat {
        /// How often.
        times: Option<u64>,
        /// How long after each other.
        interval: Duration,
        /// What.
        message: String,
    },
    /// Send nothing again any more.
    Stop,
    /// Lay JSON out; none: change it.
    Json(Option<bool>),
    /// Show times; none: change it.
    Time(Option<bool>),
    /// Show only messages that match, or all.
    Filter(Option<Pattern>),
    /// Show nothing until [`Command::Resume`].
    Pause,
    /// Show what was held, and go on.
    Resume,
    /// Show the last message whole.
    Last,
    /// Write the last message to a file.
    Save(PathBuf),
    /// Say what the session has come to.
    Stats,
    /// Show the opening handshake.
    Headers,
    /// Open the session again, with this subprotocol if one is given.
    Reconnect(Option<String>),
    /// Clear the screen.
    Clear,
    /// Say what the commands are.
    Help,
}

/// What a message is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// These bytes.
    Bytes(Kind, Vec<u8>),
    /// What a file holds; without a type it is text if it is UTF-8.
    File(Option<Kind>, PathBuf),
}

/// A regular expression; equal to another that is written alike.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

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
    parse: fn(&str) -> Result<Command, String>,
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
    "/ping" "[DATA]" Nothing |rest| payload(rest).map(Command::Ping), "send a ping and show how long its pong takes";
    "/pong" "[DATA]" Nothing |rest| payload(rest).map(Command::Pong), "send a pong nobody asked for";
    "/close" "[CODE [REASON]]" CloseCode |rest| close(rest).map(Command::Close), "close the session (1000 unless a code is given)";
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

impl Command {
    /// Reads a line, or several, which are always a message; the error is for the person who
    /// typed it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        if line.is_empty() {
            return Ok(Self::Nothing);
        }
        if json::is_cut(line) {
            // The empty line only said that it is to go as it is.
            return Ok(Self::Say(line.strip_suffix('\n').unwrap_or(line).to_owned()));
        }
        if !line.starts_with('/') || line.contains('\n') {
            return Ok(Self::Say(line.to_owned()));
        }
        if line.starts_with("//") {
            return Ok(Self::Say(line.within(1..).to_owned()));
        }
        let (name, rest) = split(line);
        match find(name) {
            Some(spec) => (spec.parse)(rest),
            None => Err(unknown(name)),
        }
    }
}

/// The first word of a line, and what follows the space behind it.
fn split(line: &str) -> (&str, &str) {
    line.split_once(char::is_whitespace).unwrap_or((line, ""))
}

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

fn unknown(name: &str) -> String {
    let near = TABLE
        .iter()
        .map(|spec| (strsim::damerau_levenshtein(spec.name, name), spec.name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let hint = match near {
        Some((_, known)) => format!("did you mean {known}? "),
        None => "/help lists the commands; ".to_owned(),
    };
    format!("unknown command {name}: {hint}// sends a slash")
}

/// Columns of the longest usage.
const USAGE: usize = 30;
/// Columns from which on usage and help stand side by side.
const WIDE: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Command {
        Command::parse(line).unwrap_or_else(|fault| panic!("{line}: {fault}"))
    }

    #[test]
    fn lines() {
        let say = |s: &str| Command::Say(s.to_owned());
        assert_eq!(parse(""), Command::Nothing);
        assert_eq!(parse("hi /ping"), say("hi /ping"));
        assert_eq!(parse("//ping"), say("/ping"));
        assert_eq!(parse("///"), say("//"));
        assert_eq!(parse("/ping"), Command::Ping(String::new()));
        assert_eq!(parse("/ping a b"), Command::Ping("a b".into()));
        assert_eq!(parse("/pong x"), Command::Pong("x".into()));
        assert_eq!(parse("/quit"), Command::Quit);
        let close = |code: u16, reason: &str| {
            Command::Close(Close { code: code.into(), reason: reason.into() })
        };
        assert_eq!(parse("/close"), close(1000, ""));
        assert_eq!(parse("/close 4001"), close(4001, ""));
        assert_eq!(parse("/close 4001 see you"), close(4001, "see you"));
    }

    #[test]
    fn several_lines_are_a_message_whatever_they_begin_with() {
        for text in ["/quit\nx", "//a\nb", "a\n/quit"] {
            assert_eq!(parse(text), Command::Say(text.into()));
        }
        assert_eq!(parse("{\"a\":\n"), Command::Say("{\"a\":".into()));
        assert_eq!(parse("{\"a\":1}\n"), Command::Say("{\"a\":1}\n".into()));
    }

    #[test]
    fn what_is_sent() {
        let bytes = |kind, bytes: &[u8]| Command::Send(Body::Bytes(kind, bytes.to_vec()));
        let file = |kind, path: &str| Command::Send(Body::File(kind, path.into()));
        assert_eq!(parse("/text"), bytes(Kind::Text, b""));
        assert_eq!(parse("/text a  b"), bytes(Kind::Text, b"a  b"));
        assert_eq!(parse("/text   a "), bytes(Kind::Text, b"  a "));
        assert_eq!(parse("/ping  a "), Command::Ping("a".into()));
        assert_eq!(parse("/text @/f g"), file(Some(Kind::Text), "/f g"));
        assert_eq!(parse("/text @@f"), bytes(Kind::Text, b"@f"));
        assert_eq!(parse("/binary 00 ff0A"), bytes(Kind::Binary, &[0, 255, 10]));
        assert_eq!(parse("/binary 0x00ff"), bytes(Kind::Binary, &[0, 255]));
        assert_eq!(parse("/binary base64:AP8="), bytes(Kind::Binary, &[0, 255]));
        assert_eq!(parse("/binary @f"), file(Some(Kind::Binary), "f"));
        assert_eq!(parse("/send @f"), file(None, "f"));
        let repeat = |times, seconds, message: &str| Command::Repeat {
            times,
            interval: Duration::from_secs_f64(seconds),
            message: message.into(),
        };
        assert_eq!(parse("/repeat 3 hi you"), repeat(Some(3), 0.0, "hi you"));
        assert_eq!(parse("/repeat 3 0.5 hi"), repeat(Some(3), 0.5, "hi"));
        assert_eq!(parse("/repeat 3 42"), repeat(Some(3), 0.0, "42"));
        assert_eq!(parse("/repeat 3 0.5  a "), repeat(Some(3), 0.5, " a "));
        assert_eq!(parse("/every 2 {\"a\": 1}"), repeat(None, 2.0, "{\"a\": 1}"));
    }

    #[test]
    fn what_is_shown() {
        assert_eq!(parse("/json"), Command::Json(None));
        assert_eq!(parse("/time off"), Command::Time(Some(false)));
        assert_eq!(parse("/filter"), Command::Filter(None));
        let pattern = Pattern(Regex::new("a b").unwrap());
        assert_eq!(parse("/filter a b"), Command::Filter(Some(pattern)));
        assert_eq!(parse("/save a b"), Command::Save("a b".into()));
        assert_eq!(parse("/reconnect"), Command::Reconnect(None));
        assert_eq!(parse("/reconnect chat"), Command::Reconnect(Some("chat".into())));
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for line in ["/close 99999", "/close 1005", "/close x", "/close 0"] {
            assert!(Command::parse(line).unwrap_err().contains("close code"), "{line}");
        }
        for line in [
            &format!("/close 1000 {}", "r".repeat(124)),
            &format!("/ping {}", "p".repeat(126)),
            "/binary xx",
            "/binary 0",
            "/binary",
            "/binary base64:?",
            "/repeat x y",
            "/repeat 3",
            "/every 0 x",
            "/every hi",
            "/json maybe",
            "/filter (",
            "/save",
            "/send",
            "/reconnect a b",
            "/quit now",
        ] {
            assert!(Command::parse(line).is_err(), "{line}");
        }
        assert!(Command::parse("/pign").unwrap_err().contains("did you mean /ping?"));
        assert!(Command::parse("/bogus").unwrap_err().contains("/help"));
    }

    #[test]
    fn help_fits_the_screen() {
        assert!(help(80).lines().all(|line| line.len() < 80), "{}", help(80));
        for columns in [40, 80] {
            assert!(TABLE.iter().all(|spec| help(columns).contains(&usage(spec))));
        }
    }
}
