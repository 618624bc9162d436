//! What a typed line means: a message, or a slash command. One table defines the commands.

use crate::proto::{Close, CloseCode, close};
use std::fmt::Write as _;

/// A line typed by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing: an empty line.
    Nothing,
    /// A message.
    Text(String),
    /// A ping with this payload.
    Ping(String),
    /// A pong nobody asked for.
    Pong(String),
    /// Close, with this code and reason.
    Close(Close),
    /// Leave.
    Quit,
    /// Say what the commands are.
    Help,
}

/// Name, arguments, and what it does.
const TABLE: [(&str, &str, &str); 5] = [
    ("/ping", "[DATA]", "send a ping and show how long its pong takes"),
    ("/pong", "[DATA]", "send a pong nobody asked for"),
    ("/close", "[CODE [REASON]]", "close the session (1000 unless a code is given)"),
    ("/quit", "", "close and leave (Ctrl-D)"),
    ("/help", "", "this"),
];

impl Command {
    /// Reads a line; the error is for the person who typed it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        if line.is_empty() {
            return Ok(Self::Nothing);
        }
        if line.starts_with("//") {
            return Ok(Self::Text(line.get(1..).unwrap_or_default().to_owned()));
        }
        if !line.starts_with('/') {
            return Ok(Self::Text(line.to_owned()));
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match name {
            "/ping" => payload(rest).map(Self::Ping),
            "/pong" => payload(rest).map(Self::Pong),
            "/close" => close(rest).map(Self::Close),
            "/quit" => Ok(Self::Quit),
            "/help" => Ok(Self::Help),
            unknown => Err(unknown_command(unknown)),
        }
    }
}

/// The commands, a line each.
pub(super) fn help() -> String {
    let mut text = String::new();
    for (name, arguments, what) in TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:24}{what}", format!("{name} {arguments}"));
    }
    text.push_str("//text                  send a message that begins with a slash\n");
    text
}

fn payload(data: &str) -> Result<String, String> {
    if data.len() > 125 {
        return Err(format!("a ping or pong carries at most 125 bytes, not {}", data.len()));
    }
    Ok(data.to_owned())
}

fn close(arguments: &str) -> Result<Close, String> {
    if arguments.is_empty() {
        return Ok(Close::new(CloseCode::Normal));
    }
    let (code, reason) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let reason = reason.trim();
    let code: u16 = code
        .parse()
        .ok()
        .filter(|code| close::is_sendable(*code))
        .ok_or("a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999")?;
    if reason.len() > close::MAX_REASON {
        return Err(format!(
            "a close reason has at most {} bytes, not {}",
            close::MAX_REASON,
            reason.len()
        ));
    }
    Ok(Close { code: code.into(), reason: reason.to_owned() })
}

fn unknown_command(name: &str) -> String {
    let near = TABLE
        .iter()
        .map(|(known, ..)| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let hint = match near {
        Some((_, known)) => format!("did you mean {known}? "),
        None => "/help lists the commands; ".to_owned(),
    };
    format!("unknown command {name}: {hint}// sends a slash")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = |s: &str| Ok(Command::Text(s.to_owned()));
        assert_eq!(Command::parse(""), Ok(Command::Nothing));
        assert_eq!(Command::parse("hi /ping"), text("hi /ping"));
        assert_eq!(Command::parse("//ping"), text("/ping"));
        assert_eq!(Command::parse("///"), text("//"));
        assert_eq!(Command::parse("/ping"), Ok(Command::Ping(String::new())));
        assert_eq!(Command::parse("/ping a b"), Ok(Command::Ping("a b".into())));
        assert_eq!(Command::parse("/pong x"), Ok(Command::Pong("x".into())));
        assert_eq!(Command::parse("/quit"), Ok(Command::Quit));
        let close = |code: u16, reason: &str| {
            Ok(Command::Close(Close { code: code.into(), reason: reason.into() }))
        };
        assert_eq!(Command::parse("/close"), close(1000, ""));
        assert_eq!(Command::parse("/close 4001"), close(4001, ""));
        assert_eq!(Command::parse("/close 4001 see you"), close(4001, "see you"));
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        for line in ["/close 99999", "/close 1005", "/close x", "/close 0"] {
            assert!(Command::parse(line).unwrap_err().contains("close code"), "{line}");
        }
        assert!(Command::parse(&format!("/close 1000 {}", "r".repeat(124))).is_err());
        assert!(Command::parse(&format!("/ping {}", "p".repeat(126))).is_err());
        assert!(Command::parse("/pign").unwrap_err().contains("did you mean /ping?"));
        assert!(Command::parse("/bogus").unwrap_err().contains("/help"));
    }
}
