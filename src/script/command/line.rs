//! The parser for typed lines.

use super::{
    Command,
    table::{TABLE, find},
};
use crate::{proto::slice::Within, script::json, wording::nearest};

impl Command {
    /// Parses a typed line. Text of several lines is always a message. The error is a message for
    /// the user.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        if line.is_empty() {
            return Ok(Self::Empty);
        }
        if json::is_cut(line) {
            // The trailing empty line requested that the incomplete text be sent; it is not part of
            // the message.
            return Ok(Self::Message(line.strip_suffix('\n').unwrap_or(line).to_owned()));
        }
        if !line.starts_with('/') || line.contains('\n') {
            return Ok(Self::Message(line.to_owned()));
        }
        if line.starts_with("//") {
            return Ok(Self::Message(line.within(1..).to_owned()));
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match find(name) {
            Some(spec) => (spec.parse)(rest),
            None => Err(unknown(name)),
        }
    }
}

fn unknown(name: &str) -> String {
    let hint = match nearest(name, TABLE.iter().map(|spec| spec.name)) {
        Some(known) => format!("did you mean {known}?"),
        None => "/help lists the commands".to_owned(),
    };
    format!("unknown command {name}: {hint} (/{name} sends it as text)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::{Close, Kind},
        script::{action::Outgoing, matcher::Matcher},
    };
    use std::time::Duration;

    fn parse(line: &str) -> Command {
        Command::parse(line).unwrap_or_else(|fault| panic!("{line}: {fault}"))
    }

    #[test]
    fn a_line_is_a_message_or_a_command() {
        let say = |s: &str| Command::Message(s.to_owned());
        assert_eq!(parse(""), Command::Empty);
        assert_eq!(parse("hi /ping"), say("hi /ping"));
        assert_eq!(parse("//ping"), say("/ping"));
        assert_eq!(parse("///"), say("//"));
        assert_eq!(parse("/ping"), Command::Send(Outgoing::Ping(Vec::new())));
        assert_eq!(parse("/ping a b"), Command::Send(Outgoing::Ping("a b".into())));
        assert_eq!(parse("/pong x"), Command::Send(Outgoing::Pong("x".into())));
        assert_eq!(parse("/quit"), Command::Quit);
        let close = |code: u16, reason: &str| {
            Command::Send(Outgoing::Close(Close { code: code.into(), reason: reason.into() }))
        };
        assert_eq!(parse("/close"), close(1000, ""));
        assert_eq!(parse("/close 4001"), close(4001, ""));
        assert_eq!(parse("/close 4001 see you"), close(4001, "see you"));
    }

    #[test]
    fn several_lines_are_always_a_message() {
        for text in ["/quit\nx", "//a\nb", "a\n/quit"] {
            assert_eq!(parse(text), Command::Message(text.into()));
        }
        assert_eq!(parse("{\"a\":\n"), Command::Message("{\"a\":".into()));
        assert_eq!(parse("{\"a\":1}\n"), Command::Message("{\"a\":1}\n".into()));
    }

    #[test]
    fn parses_commands_that_send() {
        let bytes = |kind, bytes: &[u8]| Command::Send(Outgoing::Message(kind, bytes.to_vec()));
        let file = |kind, path: &str| Command::SendFile(kind, path.into());
        assert_eq!(parse("/text"), bytes(Kind::Text, b""));
        assert_eq!(parse("/text a  b"), bytes(Kind::Text, b"a  b"));
        assert_eq!(parse("/text   a "), bytes(Kind::Text, b"  a "));
        assert_eq!(parse("/ping  a "), Command::Send(Outgoing::Ping("a".into())));
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
    fn parses_commands_that_do_not_send() {
        assert_eq!(parse("/every"), Command::Repeats);
        assert_eq!(parse("/stop"), Command::Stop(None));
        assert_eq!(parse("/stop 2"), Command::Stop(Some(2)));
        assert_eq!(parse("/json"), Command::Json(None));
        assert_eq!(parse("/time off"), Command::Time(Some(false)));
        assert_eq!(parse("/filter"), Command::Filter(None));
        let pattern = Matcher::parse("a b").unwrap();
        assert_eq!(parse("/filter a b"), Command::Filter(Some(pattern)));
        assert_eq!(parse("/save a b"), Command::Save("a b".into()));
        assert_eq!(parse("/reconnect"), Command::Reconnect(None));
        assert_eq!(parse("/reconnect chat"), Command::Reconnect(Some("chat".into())));
    }

    #[test]
    fn rejects_invalid_commands() {
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
            "/every 1e-9 x",
            "/every hi",
            "/stop x",
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
}
