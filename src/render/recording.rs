//! A recording read again: lines of JSON to what happened.

use super::har::{Answer, Exchange};
use crate::{
    connect::Timing,
    error::Error,
    escape::Escaped,
    proto::{
        self, Kind,
        trace::{self, Direction},
    },
    schema::{
        event::{self, MessageKind},
        line::{Line, wrong},
        scalar::{Base64, Seconds},
    },
    wording::system_error,
};
use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::Path,
    time::{Duration, SystemTime},
};

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
    Close(Direction, proto::Close),
    /// A frame.
    Frame(Direction, Box<trace::Frame>),
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

/// Reads the events of a recording, line by line.
pub struct Reader<'a> {
    path: &'a Path,
    file: BufReader<File>,
    number: u64,
    /// The last line, if it is cut.
    torn: Option<u64>,
    /// The types that are not known, with the number of their events.
    unknown: Vec<(String, u64)>,
}

impl<'a> Reader<'a> {
    /// Opens a recording.
    pub fn open(path: &'a Path) -> Result<Self, Error> {
        let fault = |cause: io::Error| Error::Recording {
            path: path.to_owned(),
            line: None,
            fault: system_error(&cause),
        };
        let file = BufReader::new(File::open(path).map_err(fault)?);
        Ok(Self { path, file, number: 0, torn: None, unknown: Vec::new() })
    }

    /// Returns the next event of a known type; `None` at the end. Fails if the file cannot be read, is
    /// empty, or has a line that is not an event, unless that is the last one and was cut.
    pub fn next_event(&mut self) -> Result<Option<Recorded>, Error> {
        loop {
            let mut line = Vec::new();
            let read_line = self.file.read_until(b'\n', &mut line);
            read_line.map_err(|cause| self.fault(system_error(&cause)))?;
            if line.is_empty() {
                if self.number == 0 {
                    return Err(self.fault("it is empty".to_owned()));
                }
                return Ok(None);
            }
            self.number += 1;
            let is_whole = line.ends_with(b"\n");
            let text = std::str::from_utf8(&line).map_err(|_| "not UTF-8".to_owned());
            match text.and_then(|text| read(text.trim_end())) {
                Ok(Recorded { event: Event::Unknown(name), .. }) => self.count(name),
                Ok(recorded) => return Ok(Some(recorded)),
                // A process that was killed wrote no more of it.
                Err(_) if !is_whole && self.number > 1 => {
                    self.torn = Some(self.number);
                    return Ok(None);
                }
                Err(fault) => return Err(self.fault(fault)),
            }
        }
    }

    fn count(&mut self, name: String) {
        match self.unknown.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.unknown.push((name, 1)),
        }
    }

    fn fault(&self, fault: String) -> Error {
        let line = Some(self.number).filter(|number| *number > 0);
        Error::Recording { path: self.path.to_owned(), line, fault }
    }

    /// The path of the recording.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Returns sentences about the lines that were left out.
    pub fn left_out(&self) -> Vec<String> {
        let unknown = self
            .unknown
            .iter()
            .map(|(name, count)| format!("not shown: {count} of the type '{}'", Escaped(name)));
        let torn = self.torn.map(|line| format!("line {line}, the last, is cut"));
        unknown.chain(torn).collect()
    }
}

/// Reads a line. Fails with a phrase that names the fault.
fn read(line: &str) -> Result<Recorded, String> {
    let line = Line::read(line)?;
    let at = SystemTime::from(line.time);
    let direction = || line.direction.map(Direction::from).ok_or_else(|| wrong("direction"));
    let event = match line.event {
        event::Event::Request(request) => Event::Request(Box::new(Exchange {
            started: Some(at),
            url: request.url.into_owned(),
            method: request.method.into_owned(),
            http: request.http.into_owned(),
            request: owned(request.headers),
            ..Exchange::default()
        })),
        event::Event::Open(open) => Event::Open(Box::new(opened(*open))),
        event::Event::Text(message) => {
            let data = content(message.data, message.base64);
            Event::Message(direction()?, Kind::Text, data, message.size)
        }
        event::Event::Binary(message) => {
            let data = content(message.data, message.base64);
            Event::Message(direction()?, Kind::Binary, data, message.size)
        }
        event::Event::Ping(control) => self::control(direction()?, "ping", control),
        event::Event::Pong(control) => self::control(direction()?, "pong", control),
        event::Event::Close(close) => {
            let (code, reason) = (close.code.into(), close.reason.into_owned());
            Event::Close(direction()?, proto::Close { code, reason })
        }
        event::Event::Frame(frame) => Event::Frame(direction()?, Box::new(self::frame(*frame))),
        event::Event::Violation(violation) => {
            Event::Violation(violation.message.into_owned(), violation.section.into_owned())
        }
        event::Event::Gap(gap) => Event::Gap(gap.message.into_owned()),
        event::Event::Error(failure) => Event::Error(failure.message.into_owned()),
        event::Event::End(end) => Event::End(Box::new(ended(&end)?)),
        event::Event::Unknown(kind) => Event::Unknown(kind.into_owned()),
    };
    Ok(Recorded { at, event })
}

fn owned(headers: event::Headers<'_>) -> Vec<(String, String)> {
    let pair =
        |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
    headers.into_iter().map(pair).collect()
}

fn content(data: Option<Cow<'_, str>>, base64: Option<Base64<'_>>) -> Option<Vec<u8>> {
    let text = data.map(|text| text.into_owned().into_bytes());
    text.or_else(|| base64.map(|Base64(bytes)| bytes.into_owned()))
}

fn control(direction: Direction, name: &str, control: event::Control<'_>) -> Event {
    let payload = content(control.data, control.base64).unwrap_or_default();
    Event::Control(direction, name.to_owned(), payload, control.rtt.map(|Seconds(rtt)| rtt))
}

fn opened(open: event::Open<'_>) -> Opened {
    let status = open.status.unwrap_or_default();
    let reason = http::StatusCode::from_u16(status).ok();
    let event::OpenTiming { resolve, connect, proxy, tls, handshake, .. } = open.timing;
    Opened {
        url: open.url.into_owned(),
        http: open.http.map_or_else(|| "1.1".to_owned(), Cow::into_owned),
        answer: Answer {
            status,
            reason: reason.and_then(|it| it.canonical_reason()).unwrap_or_default().to_owned(),
            headers: owned(open.headers.unwrap_or_default()),
        },
        timing: Timing {
            resolve: resolve.0,
            connect: connect.0,
            proxy: proxy.0,
            tls: tls.0,
            handshake: handshake.0,
        },
        address: open
            .address
            .and_then(|it| it.parse::<std::net::SocketAddr>().ok())
            .map(|it| it.ip().to_string()),
    }
}

fn frame(frame: event::Frame<'_>) -> trace::Frame {
    let kind = match frame.kind {
        Some(MessageKind::Text) => Some(Kind::Text),
        Some(MessageKind::Binary) => Some(Kind::Binary),
        None => frame.data.is_some().then_some(Kind::Text),
    };
    trace::Frame::recorded(
        frame.header.0.into_owned(),
        (frame.size, frame.came.or(frame.size).unwrap_or_default()),
        frame.fragment,
        kind,
        frame.compressed,
        content(frame.data, frame.base64).unwrap_or_default(),
    )
}

fn ended(end: &event::End) -> Result<End, String> {
    let code = match (end.signal, end.code) {
        (Some(signal), _) => Err(signal),
        (None, Some(code)) => Ok(code),
        (None, None) => return Err(wrong("code")),
    };
    let traffic = |traffic: event::Traffic| (traffic.messages, traffic.size);
    Ok(End { code, received: traffic(end.received), sent: traffic(end.sent) })
}

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
