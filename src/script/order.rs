//! Typed input: a line of JSON is something to do. The schema is in docs/jsonl.md.

use crate::proto::{Close, CloseCode, Kind};
use data_encoding::BASE64;
use serde_json::{Map, Value};
use std::time::Duration;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Send a message.
    Send(Kind, Vec<u8>),
    /// Send a ping.
    Ping(Vec<u8>),
    /// Send a pong.
    Pong(Vec<u8>),
    /// Close.
    Close(Close),
    /// Go on after this long.
    Wait(Duration),
    /// Nothing: the line tells of something that happened.
    Nothing,
}

/// Why a line cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFault {
    /// The column where it is no JSON, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub words: String,
}

impl Order {
    /// Reads a line.
    pub fn parse(line: &[u8]) -> Result<Self, OrderFault> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::Nothing);
        }
        let object: Map<String, Value> = serde_json::from_slice(line).map_err(|cause| {
            // It appends where: the line is always its first.
            let words = cause.to_string();
            let words = words.split(" at line ").next().unwrap_or_default().to_owned();
            OrderFault { column: Some(cause.column().max(1)), words }
        })?;
        let fields = Fields(&object);
        let kind = fields.text("type")?.ok_or_else(|| fault("there is no \"type\""))?;
        let direction = fields.text("direction")?;
        if direction.is_some_and(|direction| direction != "in") {
            return Ok(Self::Nothing);
        }
        match kind {
            "text" => {
                let data = fields.text("data")?;
                let data = data.ok_or_else(|| fault("text has no \"data\""))?;
                Ok(Self::Send(Kind::Text, data.as_bytes().to_vec()))
            }
            "binary" => {
                let bytes = match fields.base64("base64")? {
                    None => fields.base64("data")?,
                    some => some,
                };
                let bytes = bytes.ok_or_else(|| fault("binary has no \"base64\""))?;
                Ok(Self::Send(Kind::Binary, bytes))
            }
            "ping" => fields.control().map(Self::Ping),
            // One received answers a ping of another session.
            "pong" if direction.is_some() => Ok(Self::Nothing),
            "pong" => fields.control().map(Self::Pong),
            "close" => fields.close().map(Self::Close),
            "wait" => {
                let seconds = fields.0.get("seconds").and_then(Value::as_f64);
                let seconds = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
                let seconds =
                    seconds.ok_or_else(|| fault("wait has no \"seconds\" from 0 to 1000000000"))?;
                Ok(Self::Wait(Duration::from_secs_f64(seconds)))
            }
            _ => Ok(Self::Nothing),
        }
    }
}

struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> Result<Option<&'a str>, OrderFault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(fault(format!("\"{name}\" is no string"))),
        }
    }

    fn base64(&self, name: &str) -> Result<Option<Vec<u8>>, OrderFault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let bytes = BASE64.decode(text.as_bytes());
        bytes.map(Some).map_err(|_| fault(format!("\"{name}\" is no base64 (RFC 4648, 4)")))
    }

    /// What a control frame carries.
    fn control(&self) -> Result<Vec<u8>, OrderFault> {
        let payload = match (self.text("data")?, self.base64("base64")?) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(bytes)) => bytes,
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err(fault("both \"data\" and \"base64\"")),
        };
        if payload.len() > 125 {
            return Err(fault("over 125 bytes in a control frame (RFC 6455, 5.5)"));
        }
        Ok(payload)
    }

    fn close(&self) -> Result<Close, OrderFault> {
        let reason = self.text("reason")?.unwrap_or_default();
        let code = match self.0.get("code") {
            None | Some(Value::Null) => None,
            Some(code) => Some(code.as_u64().and_then(|code| u16::try_from(code).ok())),
        };
        let code = match code {
            // Recorded of a Close without one.
            None | Some(Some(1005)) if reason.is_empty() => CloseCode::NO_STATUS,
            None => CloseCode::NORMAL,
            Some(Some(code)) if CloseCode::new(code).is_sendable() => CloseCode::new(code),
            Some(_) => return Err(fault("\"code\" is none that may be sent (RFC 6455, 7.4)")),
        };
        if reason.len() > 123 {
            return Err(fault("\"reason\" is over 123 bytes (RFC 6455, 5.5)"));
        }
        Ok(Close { code, reason: reason.to_owned() })
    }
}

fn fault(words: impl Into<String>) -> OrderFault {
    OrderFault { column: None, words: words.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, OrderFault> {
        Order::parse(line.as_bytes())
    }

    #[test]
    fn what_can_be_asked_for() {
        let text = |s: &str| Ok(Order::Send(Kind::Text, s.into()));
        let close = |code: u16, reason: &str| {
            Ok(Order::Close(Close { code: code.into(), reason: reason.to_owned() }))
        };
        for (line, order) in [
            (
                r#"{"type":"text","data":"a\n\u00e9\ud83d\ude00\u0000"}"#,
                text("a\n\u{e9}\u{1f600}\0"),
            ),
            (r#" {"data": "", "x": [1], "type": "text"} "#, text("")),
            (r#"{"type":"text","direction":"in","data":"a","size":1}"#, text("a")),
            (
                r#"{"type":"binary","base64":"AP8K"}"#,
                Ok(Order::Send(Kind::Binary, vec![0, 255, 10])),
            ),
            (r#"{"type":"binary","data":""}"#, Ok(Order::Send(Kind::Binary, vec![]))),
            (r#"{"type":"ping"}"#, Ok(Order::Ping(vec![]))),
            (r#"{"type":"ping","direction":"in","data":"a"}"#, Ok(Order::Ping(b"a".to_vec()))),
            (r#"{"type":"pong","base64":"/w=="}"#, Ok(Order::Pong(vec![255]))),
            (r#"{"type":"close"}"#, close(1005, "")),
            (r#"{"type":"close","code":1005}"#, close(1005, "")),
            (r#"{"type":"close","code":null,"reason":"bye"}"#, close(1000, "bye")),
            (r#"{"type":"close","code":4001,"reason":"bye"}"#, close(4001, "bye")),
            (r#"{"type":"wait","seconds":1.5}"#, Ok(Order::Wait(Duration::from_millis(1500)))),
            // What only tells of something.
            (r#"{"type":"text","direction":"out","data":"a"}"#, Ok(Order::Nothing)),
            (r#"{"type":"pong","direction":"in","rtt":0.1}"#, Ok(Order::Nothing)),
            (r#"{"type":"open","version":1}"#, Ok(Order::Nothing)),
            (r#"{"type":"error","code":56}"#, Ok(Order::Nothing)),
            (r#"{"type":"end","data":{}}"#, Ok(Order::Nothing)),
            (r#"{"type":"from the future"}"#, Ok(Order::Nothing)),
            ("", Ok(Order::Nothing)),
            (" \r", Ok(Order::Nothing)),
        ] {
            assert_eq!(parse(line), order, "{line}");
        }
    }

    #[test]
    fn what_cannot() {
        for (line, column, words) in [
            ("hello", Some(1), "expected value"),
            (r#"{"type":"text","data":"a"} x"#, Some(28), "trailing characters"),
            (r#"{"type":"text","data":"\ud800"}"#, Some(30), "end of hex escape"),
            (r#"{"type":"text","data":"a"#, Some(24), "EOF"),
            ("[1]", Some(1), "invalid type: sequence, expected a map"),
            (r#"{"data":"a"}"#, None, "there is no \"type\""),
            (r#"{"type":1}"#, None, "\"type\" is no string"),
            (r#"{"type":"text"}"#, None, "text has no \"data\""),
            (r#"{"type":"text","data":1}"#, None, "\"data\" is no string"),
            (r#"{"type":"binary"}"#, None, "binary has no \"base64\""),
            (r#"{"type":"binary","base64":"AP8"}"#, None, "\"base64\" is no base64"),
            (r#"{"type":"ping","data":"a","base64":""}"#, None, "both"),
            (r#"{"type":"close","code":1006}"#, None, "\"code\" is none that may be sent"),
            (r#"{"type":"close","code":"1000"}"#, None, "\"code\" is none that may be sent"),
            (r#"{"type":"close","code":1005,"reason":"a"}"#, None, "\"code\" is none"),
            (r#"{"type":"wait"}"#, None, "wait has no \"seconds\""),
            (r#"{"type":"wait","seconds":-1}"#, None, "wait has no \"seconds\""),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(fault.words.contains(words), "{line}: {fault:?}");
            assert_eq!(fault.column, column, "{line}");
        }
        let long = |n| parse(&format!(r#"{{"type":"ping","data":"{}"}}"#, "x".repeat(n)));
        assert!(long(125).is_ok() && long(126).is_err());
        let long = |n| parse(&format!(r#"{{"type":"close","reason":"{}"}}"#, "x".repeat(n)));
        assert!(long(123).is_ok() && long(124).is_err());
        // It is not UTF-8.
        assert!(Order::parse(b"{\"type\":\"text\",\"data\":\"\xff\"}").is_err());
    }
}
