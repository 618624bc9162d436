//! The parser for jsonl input, in which each line is an action. docs/jsonl.md has the schema.

use super::action::{Action, Outgoing};
use crate::{
    proto::{Close, CloseCode, Kind},
    schema::{input::InputLine, scalar::Scalar},
};
use data_encoding::BASE64;
use std::time::Duration;

/// A line that is not an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The column of the JSON syntax error, from 1; `None` if the line is valid JSON.
    pub column: Option<usize>,
    /// A phrase that names the fault.
    pub words: String,
}

/// Parses a line. Returns `None` for an empty line and for a recorded event that is not an action.
pub fn parse(line: &[u8]) -> Result<Option<Action>, LineFault> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    check_start(line)?;
    let line = InputLine::read(line).map_err(|cause| {
        // serde_json appends the position; the line number would always be 1.
        let words = cause.to_string();
        let words = words.split(" at line ").next().unwrap_or_default().to_owned();
        LineFault { column: Some(cause.column().max(1)), words }
    })?;
    let kind = text("type", &line.kind)?.ok_or_else(|| fault("missing \"type\""))?;
    let direction = text("direction", &line.direction)?;
    if direction.is_some_and(|direction| direction != "in") {
        return Ok(None);
    }
    let send = |outgoing| Some(Action::Send(outgoing));
    match kind {
        "text" => {
            let data = text("data", &line.data)?;
            let data = data.ok_or_else(|| fault("missing \"data\""))?;
            Ok(Some(Action::message(Kind::Text, data)))
        }
        "binary" => {
            let bytes = match base64("base64", &line.base64)? {
                None => base64("data", &line.data)?,
                some => some,
            };
            let bytes = bytes.ok_or_else(|| fault("missing \"base64\""))?;
            Ok(Some(Action::message(Kind::Binary, bytes)))
        }
        "ping" => control_payload(&line).map(Outgoing::Ping).map(send),
        // A received pong answers a ping of the recorded session.
        "pong" if direction.is_some() => Ok(None),
        "pong" => control_payload(&line).map(Outgoing::Pong).map(send),
        "close" => close(&line).map(Outgoing::Close).map(send),
        "wait" => {
            let seconds = line.seconds.as_number();
            let seconds = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
            let seconds = seconds
                .ok_or_else(|| fault("\"seconds\" must be a number from 0 to 1000000000"))?;
            Ok(Some(Action::Wait(Duration::from_secs_f64(seconds))))
        }
        _ => Ok(None),
    }
}

/// Fails if a line with this beginning cannot be an object.
pub fn check_start(beginning: &[u8]) -> Result<(), LineFault> {
    // The end of long white space is not searched for: this runs at each read of a line.
    let searched = beginning.iter().take(SEARCHED_BYTES);
    let first = searched.enumerate().find(|(_, byte)| !byte.is_ascii_whitespace());
    match first {
        Some((at, byte)) if *byte != b'{' => {
            Err(LineFault { column: Some(at + 1), words: "expected a JSON object".to_owned() })
        }
        _ => Ok(()),
    }
}

fn text<'a>(name: &str, field: &'a Scalar<'_>) -> Result<Option<&'a str>, LineFault> {
    match field {
        Scalar::Absent | Scalar::Null => Ok(None),
        Scalar::Text(text) => Ok(Some(text)),
        _ => Err(fault(format!("\"{name}\" must be a string"))),
    }
}

fn base64(name: &str, field: &Scalar<'_>) -> Result<Option<Vec<u8>>, LineFault> {
    let Some(text) = text(name, field)? else { return Ok(None) };
    let bytes = BASE64.decode(text.as_bytes());
    bytes.map(Some).map_err(|_| fault(format!("\"{name}\" is not valid base64 (RFC 4648, 4)")))
}

fn control_payload(line: &InputLine<'_>) -> Result<Vec<u8>, LineFault> {
    let payload = match (text("data", &line.data)?, base64("base64", &line.base64)?) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(bytes)) => bytes,
        (None, None) => Vec::new(),
        (Some(_), Some(_)) => return Err(fault("\"data\" and \"base64\" cannot be combined")),
    };
    if payload.len() > 125 {
        return Err(fault("a control frame payload has at most 125 bytes (RFC 6455, 5.5)"));
    }
    Ok(payload)
}

fn close(line: &InputLine<'_>) -> Result<Close, LineFault> {
    let reason = text("reason", &line.reason)?.unwrap_or_default();
    let code = match &line.code {
        Scalar::Absent | Scalar::Null => None,
        code => Some(code.as_unsigned().and_then(|code| u16::try_from(code).ok())),
    };
    let code = match code {
        // The code that recordings have for a Close without a code.
        None | Some(Some(1005)) if reason.is_empty() => CloseCode::NO_STATUS,
        None => CloseCode::NORMAL,
        Some(Some(code)) if CloseCode::new(code).is_sendable() => CloseCode::new(code),
        Some(_) => {
            return Err(fault("\"code\" is not a close code that may be sent (RFC 6455, 7.4)"));
        }
    };
    if reason.len() > 123 {
        return Err(fault("\"reason\" has at most 123 bytes (RFC 6455, 5.5)"));
    }
    Ok(Close { code, reason: reason.to_owned() })
}

fn fault(words: impl Into<String>) -> LineFault {
    LineFault { column: None, words: words.into() }
}

/// The number of bytes in which [`check_start`] looks for the start of an object.
const SEARCHED_BYTES: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Action>, LineFault> {
        parse(line.as_bytes())
    }

    #[test]
    fn parses_actions_and_skips_events() {
        let text = |s: &str| Ok(Some(Action::message(Kind::Text, s)));
        let send = |outgoing| Ok(Some(Action::Send(outgoing)));
        let close = |code: u16, reason: &str| {
            send(Outgoing::Close(Close { code: code.into(), reason: reason.to_owned() }))
        };
        for (line, action) in [
            (
                r#"{"type":"text","data":"a\n\u00e9\ud83d\ude00\u0000"}"#,
                text("a\n\u{e9}\u{1f600}\0"),
            ),
            (r#" {"data": "", "x": [1], "type": "text"} "#, text("")),
            (r#"{"type":"text","direction":"in","data":"a","size":1}"#, text("a")),
            (
                r#"{"type":"binary","base64":"AP8K"}"#,
                Ok(Some(Action::message(Kind::Binary, vec![0, 255, 10]))),
            ),
            (r#"{"type":"binary","data":""}"#, Ok(Some(Action::message(Kind::Binary, Vec::new())))),
            (r#"{"type":"ping"}"#, send(Outgoing::Ping(Vec::new()))),
            (r#"{"type":"ping","direction":"in","data":"a"}"#, send(Outgoing::Ping(b"a".to_vec()))),
            (r#"{"type":"pong","base64":"/w=="}"#, send(Outgoing::Pong(vec![255]))),
            (r#"{"type":"close"}"#, close(1005, "")),
            (r#"{"type":"close","code":1005}"#, close(1005, "")),
            (r#"{"type":"close","code":null,"reason":"bye"}"#, close(1000, "bye")),
            (r#"{"type":"close","code":4001,"reason":"bye"}"#, close(4001, "bye")),
            (
                r#"{"type":"wait","seconds":1.5}"#,
                Ok(Some(Action::Wait(Duration::from_millis(1500)))),
            ),
            // Events, which are not actions.
            (r#"{"type":"text","direction":"out","data":"a"}"#, Ok(None)),
            (r#"{"type":"pong","direction":"in","rtt":0.1}"#, Ok(None)),
            (r#"{"type":"open","version":1}"#, Ok(None)),
            (r#"{"type":"error","code":56}"#, Ok(None)),
            (r#"{"type":"end","data":{}}"#, Ok(None)),
            (r#"{"type":"from the future"}"#, Ok(None)),
            ("", Ok(None)),
            (" \r", Ok(None)),
        ] {
            assert_eq!(read(line), action, "{line}");
        }
    }

    #[test]
    fn names_the_fault_of_a_line() {
        for (line, column, words) in [
            ("hello", Some(1), "expected a JSON object"),
            (r#"{"type":"text","data":"a"} x"#, Some(28), "trailing characters"),
            (r#"{"type":"text","data":"\ud800"}"#, Some(30), "end of hex escape"),
            (r#"{"type":"text","data":"a"#, Some(24), "EOF"),
            (" [1]", Some(2), "expected a JSON object"),
            (r#"{"data":"a"}"#, None, "missing \"type\""),
            (r#"{"type":1}"#, None, "\"type\" must be a string"),
            (r#"{"type":"text"}"#, None, "missing \"data\""),
            (r#"{"type":"text","data":1}"#, None, "\"data\" must be a string"),
            (r#"{"type":"binary"}"#, None, "missing \"base64\""),
            (r#"{"type":"binary","base64":"AP8"}"#, None, "\"base64\" is not valid base64"),
            (r#"{"type":"ping","data":"a","base64":""}"#, None, "cannot be combined"),
            (r#"{"type":"close","code":1006}"#, None, "\"code\" is not a close code"),
            (r#"{"type":"close","code":"1000"}"#, None, "\"code\" is not a close code"),
            (r#"{"type":"close","code":1005,"reason":"a"}"#, None, "\"code\" is not a close code"),
            (r#"{"type":"wait"}"#, None, "\"seconds\" must be"),
            (r#"{"type":"wait","seconds":-1}"#, None, "\"seconds\" must be"),
        ] {
            let fault = read(line).unwrap_err();
            assert!(fault.words.contains(words), "{line}: {fault:?}");
            assert_eq!(fault.column, column, "{line}");
        }
        let long = |n| read(&format!(r#"{{"type":"ping","data":"{}"}}"#, "x".repeat(n)));
        assert!(long(125).is_ok() && long(126).is_err());
        let long = |n| read(&format!(r#"{{"type":"close","reason":"{}"}}"#, "x".repeat(n)));
        assert!(long(123).is_ok() && long(124).is_err());
        // Not valid UTF-8.
        assert!(parse(b"{\"type\":\"text\",\"data\":\"\xff\"}").is_err());
    }
}
