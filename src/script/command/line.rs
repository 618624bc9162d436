//! The parser for typed lines.

use super::{
    Command,
    place::Place,
    table::{commands, find},
};
use crate::{proto::slice::Within, script::json, wording::nearest};

impl Command {
    /// Parses a line typed at a prompt. Text of several lines is always a message. The error is a message for
    /// the user.
    pub(crate) fn parse(line: &str, place: Place) -> Result<Self, String> {
        if place == Place::Plain {
            return Ok(Self::Message(line.to_owned()));
        }
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
        match find(name, place) {
            Some(spec) => (spec.parse)(rest),
            None => Err(unknown(name, place)),
        }
    }
}

fn unknown(name: &str, place: Place) -> String {
    let known = || commands(place).map(|spec| spec.name);
    let synonym = synonym(name).filter(|synonym| known().any(|name| name == *synonym));
    let hint = match synonym.or_else(|| nearest(name, known())) {
        Some(known) => format!("did you mean {known}?"),
        None => "/help lists the commands".to_owned(),
    };
    match place {
        Place::Proxy => format!("unknown command {name}: {hint}"),
        _ => format!("unknown command {name}: {hint} (/{name} sends it as text)"),
    }
}

/// Returns the command for a word of other programs.
fn synonym(name: &str) -> Option<&'static str> {
    Some(match name {
        "/exit" | "/q" | "/bye" | "/x" => "/quit",
        "/disconnect" | "/end" => "/close",
        "/connect" | "/open" => "/reconnect",
        "/clients" | "/list" | "/users" => "/who",
        "/h" | "/?" | "/commands" => "/help",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::{Close, Kind, Leg},
        script::{
            action::Outgoing, addressee::Addressee, command::server::ServerCommand,
            matcher::Matcher,
        },
    };
    use std::time::Duration;

    #[test]
    fn words_of_other_programs_are_known() {
        let hint = |line: &str, place| Command::parse(line, place).unwrap_err();
        assert!(hint("/exit", Place::Client).contains("did you mean /quit?"));
        assert!(hint("/disconnect", Place::Client).contains("did you mean /close?"));
        assert!(!hint("/clients", Place::Client).contains("/who"));
    }

    fn parse(line: &str) -> Command {
        Command::parse(line, Place::Client).unwrap_or_else(|fault| panic!("{line}: {fault}"))
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
    fn each_line_of_a_plain_prompt_is_a_message() {
        for line in ["", "/ping", "//x", "{", "text"] {
            assert_eq!(
                Command::parse(line, Place::Plain),
                Ok(Command::Message(line.to_owned())),
                "{line}"
            );
        }
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
        let bytes =
            |kind, bytes: &[u8]| Command::Send(Outgoing::Message(kind, bytes.to_vec().into()));
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
            assert!(
                Command::parse(line, Place::Client).unwrap_err().contains("close code"),
                "{line}"
            );
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
            assert!(Command::parse(line, Place::Client).is_err(), "{line}");
        }
        assert!(
            Command::parse("/pign", Place::Client).unwrap_err().contains("did you mean /ping?")
        );
        assert!(Command::parse("/bogus", Place::Client).unwrap_err().contains("/help"));
    }

    #[test]
    fn a_proxy_has_commands_of_its_own() {
        let parse = |line: &str| Command::parse(line, Place::Proxy);
        let inject = |id, leg, text: &str| {
            Ok(Command::Server(ServerCommand::Inject(id, leg, text.to_owned())))
        };
        assert_eq!(parse("/inject server hi  you"), inject(None, Leg::Server, "hi  you"));
        assert_eq!(parse("/inject 2:client x"), inject(Some(2), Leg::Client, "x"));
        assert_eq!(parse("/inject client"), inject(None, Leg::Client, ""));
        assert_eq!(parse("/pause"), Ok(Command::Pause));
        for line in ["/inject", "/inject x y", "/inject x:client y", "/text x", "/to 1", "/ping"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_server_has_commands_of_its_own() {
        let parse = |line: &str| Command::parse(line, Place::Talk);
        let server = |command| Ok(Command::Server(command));
        let (one, all) = (Addressee::Client(1), Addressee::All);
        let close = |code: u16, reason: &str| Close { code: code.into(), reason: reason.into() };
        for (line, command) in [
            ("/to 1", ServerCommand::Address(one)),
            ("/to all", ServerCommand::Address(all)),
            ("/to 1 a  b", ServerCommand::Tell(one, "a  b".into())),
            ("/to 1 //x", ServerCommand::Tell(one, "//x".into())),
            ("/all", ServerCommand::Address(all)),
            ("/all x y", ServerCommand::Tell(all, "x y".into())),
            ("/who", ServerCommand::Who),
            ("/kick 1", ServerCommand::Kick(1, close(1000, ""))),
            ("/kick 1 4001 no more", ServerCommand::Kick(1, close(4001, "no more"))),
            ("/drop 12", ServerCommand::Drop(12)),
            ("/refuse", ServerCommand::Refuse(Some(503))),
            ("/refuse 429", ServerCommand::Refuse(Some(429))),
            ("/refuse off", ServerCommand::Refuse(None)),
            ("/headers 3", ServerCommand::Handshake(3)),
        ] {
            assert_eq!(parse(line), server(command), "{line}");
        }
        for line in ["/to", "/to x", "/kick", "/kick 1 999", "/drop", "/drop -1", "/headers"] {
            assert!(parse(line).is_err(), "{line}");
        }
        for line in ["/refuse 200", "/refuse x", "/who x", "/reconnect", "/stats", "/reload"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(Command::parse("/reload", Place::Replies), server(ServerCommand::Reload));
        for line in ["/who", "/to 1", "/refuse"] {
            let fault = Command::parse(line, Place::Client).unwrap_err();
            assert!(fault.starts_with("unknown command"), "{fault}");
        }
    }
}
