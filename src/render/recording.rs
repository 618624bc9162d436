//! A recording read again: a line of JSON to what happened. The schema is in docs/jsonl.md.

use super::har::{Answer, Exchange};
use crate::{
    connect::Timing,
    proto::{
        Close, Kind,
        trace::{Direction, Frame},
    },
};
use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

/// An event of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// When it was.
    pub at: SystemTime,
    /// What it was.
    pub event: Event,
}

/// What was recorded.
#[derive(Debug)]
pub enum Event {
    /// A request of ours.
    Request(Box<Exchange>),
    /// A session opened.
    Open(Box<Opened>),
    /// A message; its data, if that was recorded, and how many bytes it has.
    Message(Direction, Kind, Option<Vec<u8>>, u64),
    /// A ping or pong.
    Control(Direction, String, Vec<u8>, Option<Duration>),
    /// A Close.
    Close(Direction, Close),
    /// A frame.
    Frame(Direction, Box<Frame>),
    /// The frame that came last broke a rule: which, and the section.
    Violation(String, String),
    /// The session was lost.
    Gap(String),
    /// The run failed.
    Error(String),
    /// The run ended.
    End(Box<End>),
    /// Of a type that is not known here.
    Unknown(String),
}

/// How a session opened.
#[derive(Debug)]
pub struct Opened {
    /// Where.
    pub url: String,
    /// The version of HTTP, as a number.
    pub http: String,
    /// The answer.
    pub answer: Answer,
    /// What opening took.
    pub timing: Timing,
    /// The peer's address, without its port.
    pub address: Option<String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The exit status, or the signal.
    pub code: Result<u64, u64>,
    /// Messages and bytes that came.
    pub received: (u64, u64),
    /// Messages and bytes that were sent.
    pub sent: (u64, u64),
}

/// Reads a line. What is wrong with it is said in words.
pub fn read(line: &str) -> Result<Recorded, String> {
    let value: Value = serde_json::from_str(line).map_err(|fault| {
        let words = fault.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        format!("no JSON: {words} in column {}", fault.column())
    })?;
    let Value::Object(members) = value else { return Err("no event: not an object".to_owned()) };
    let it = Members(&members);
    let kind = it.text("type")?;
    let at: Timestamp = it.text("time")?.parse().map_err(|_| wrong("time"))?;
    let event = match kind {
        "request" => Event::Request(Box::new(Exchange {
            started: Some(at.into()),
            url: it.text("url")?.to_owned(),
            method: it.text("method")?.to_owned(),
            http: it.text("http")?.to_owned(),
            request: it.headers(),
            ..Exchange::default()
        })),
        "open" => Event::Open(Box::new(it.open()?)),
        "text" => Event::Message(it.direction()?, Kind::Text, it.payload()?, it.number("size")?),
        "binary" => {
            Event::Message(it.direction()?, Kind::Binary, it.payload()?, it.number("size")?)
        }
        "ping" | "pong" => {
            let rtt = it.0.get("rtt").and_then(Value::as_f64).and_then(seconds);
            let payload = it.payload()?.unwrap_or_default();
            Event::Control(it.direction()?, kind.to_owned(), payload, rtt)
        }
        "close" => {
            let code = u16::try_from(it.number("code")?).map_err(|_| wrong("code"))?;
            let reason = it.text("reason")?.to_owned();
            Event::Close(it.direction()?, Close { code: code.into(), reason })
        }
        "frame" => Event::Frame(it.direction()?, Box::new(it.frame()?)),
        "violation" => {
            Event::Violation(it.text("message")?.to_owned(), it.text("section")?.to_owned())
        }
        "gap" => Event::Gap(it.text("message")?.to_owned()),
        "error" => Event::Error(it.text("message")?.to_owned()),
        "end" => Event::End(Box::new(it.end()?)),
        other => Event::Unknown(other.to_owned()),
    };
    Ok(Recorded { at: at.into(), event })
}

/// The members of an event.
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| wrong(name))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        self.0.get(name).and_then(Value::as_u64).ok_or_else(|| wrong(name))
    }

    fn direction(&self) -> Result<Direction, String> {
        match self.text("direction")? {
            "in" => Ok(Direction::In),
            "out" => Ok(Direction::Out),
            _ => Err(wrong("direction")),
        }
    }

    /// What `data` or `base64` holds.
    fn payload(&self) -> Result<Option<Vec<u8>>, String> {
        if let Some(text) = self.0.get("data").and_then(Value::as_str) {
            return Ok(Some(text.as_bytes().to_vec()));
        }
        let Some(text) = self.0.get("base64").and_then(Value::as_str) else { return Ok(None) };
        BASE64.decode(text.as_bytes()).map(Some).map_err(|_| wrong("base64"))
    }

    fn headers(&self) -> Vec<(String, String)> {
        let pairs = self.0.get("headers").and_then(Value::as_array).into_iter().flatten();
        let pair = |pair: &Value| {
            let [name, value] = pair.as_array()?.as_slice() else { return None };
            Some((name.as_str()?.to_owned(), value.as_str()?.to_owned()))
        };
        pairs.filter_map(pair).collect()
    }

    fn open(&self) -> Result<Opened, String> {
        let version = self.number("version")?;
        if version != VERSION {
            return Err(format!("version {version} of the format, which is not known here"));
        }
        let step = |name: &str| {
            let time = self.0.get("timing").and_then(|timing| timing.get(name)?.as_f64());
            time.and_then(seconds).unwrap_or_default()
        };
        let status = self.0.get("status").and_then(Value::as_u64).unwrap_or_default();
        let status = u16::try_from(status).map_err(|_| wrong("status"))?;
        let reason = http::StatusCode::from_u16(status).ok();
        let address = self.0.get("address").and_then(Value::as_str);
        Ok(Opened {
            url: self.text("url")?.to_owned(),
            http: self.text("http").unwrap_or("1.1").to_owned(),
            answer: Answer {
                status,
                reason: reason.and_then(|it| it.canonical_reason()).unwrap_or_default().to_owned(),
                headers: self.headers(),
            },
            timing: Timing {
                resolve: step("resolve"),
                connect: step("connect"),
                proxy: step("proxy"),
                tls: step("tls"),
                handshake: step("handshake"),
            },
            address: address
                .and_then(|it| it.parse::<std::net::SocketAddr>().ok())
                .map(|it| it.ip().to_string()),
        })
    }

    fn frame(&self) -> Result<Frame, String> {
        let header = HEXLOWER.decode(self.text("header")?.as_bytes());
        let length = self.0.get("size").and_then(Value::as_u64);
        let came = self.0.get("came").and_then(Value::as_u64);
        let kind = match self.0.get("kind").and_then(Value::as_str) {
            Some("text") => Some(Kind::Text),
            Some("binary") => Some(Kind::Binary),
            _ => self.0.contains_key("data").then_some(Kind::Text),
        };
        Ok(Frame::recorded(
            header.map_err(|_| wrong("header"))?,
            (length, came.or(length).unwrap_or_default()),
            self.0.get("fragment").and_then(Value::as_u64),
            kind,
            self.0.get("compressed").and_then(Value::as_bool).unwrap_or_default(),
            self.payload()?.unwrap_or_default(),
        ))
    }

    fn end(&self) -> Result<End, String> {
        let code = match self.0.get("signal").and_then(Value::as_u64) {
            Some(signal) => Err(signal),
            None => Ok(self.number("code")?),
        };
        let traffic = |name: &str| {
            let of = |what: &str| self.0.get(name).and_then(|it| it.get(what)?.as_u64());
            (of("messages").unwrap_or_default(), of("size").unwrap_or_default())
        };
        Ok(End { code, received: traffic("received"), sent: traffic("sent") })
    }
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

fn wrong(name: &str) -> String {
    format!("no event: '{name}' is missing or wrong")
}

/// The version of the schema that is read.
const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        let fault = |line: &str| read(line).unwrap_err();
        assert_eq!(fault("hello"), "no JSON: expected value in column 1");
        assert_eq!(fault("{\"type\":"), "no JSON: EOF while parsing a value in column 8");
        assert_eq!(fault("[1]"), "no event: not an object");
        assert_eq!(fault("{}"), "no event: 'type' is missing or wrong");
        let text = r#"{"type":"text","time":"2026-11-24T08:51:22.333850Z","direction":"up"}"#;
        assert_eq!(fault(text), "no event: 'direction' is missing or wrong");
        let open = r#"{"type":"open","time":"2026-11-24T08:51:22.333850Z","version":2}"#;
        assert!(fault(open).starts_with("version 2 of the format"));
    }

    #[test]
    fn what_is_not_known_is_no_fault() {
        let line = r#"{"type":"fish","time":"2026-11-24T08:51:22.333850Z","new":1}"#;
        assert!(matches!(read(line).unwrap().event, Event::Unknown(name) if name == "fish"));
    }

    #[test]
    fn a_message_is_as_it_was() {
        let line = r#"{"type":"binary","direction":"out","time":"2026-11-24T08:51:22.5Z","base64":"AP8=","size":2}"#;
        let Event::Message(Direction::Out, Kind::Binary, Some(data), 2) = read(line).unwrap().event
        else {
            panic!()
        };
        assert_eq!(data, [0, 255]);
    }
}
