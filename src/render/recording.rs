//! The reader of recordings: parses lines of JSON into events.

use super::{
    har::{Answer, Exchange},
    recording_lines::{LineError, LineReader},
    skipped::Skipped,
};
use crate::{
    connect::Timing,
    error::Error,
    proto::{
        self, Kind, Leg,
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
    io::{self, BufReader},
    path::Path,
    time::{Duration, SystemTime},
};

/// A recorded event and its time.
#[derive(Debug)]
pub struct Recorded {
    /// Time of the event.
    pub at: SystemTime,
    /// The client of a server that the event concerns.
    pub conn: Option<u64>,
    /// The connection of a proxy that the event concerns.
    pub leg: Option<Leg>,
    /// The event itself.
    pub event: Event,
    /// True if the ends of its long texts are missing, because the line was too long.
    pub is_cut: bool,
}

/// An event of a recording.
#[derive(Debug)]
pub enum Event {
    /// A handshake request was sent.
    Request(Box<Exchange>),
    /// An answer opened no session.
    Response(Box<Refusal>),
    /// A session opened.
    Open(Box<Opened>),
    /// A message: its data, if recorded, and its size in bytes.
    Message(Direction, Kind, Option<Vec<u8>>, u64),
    /// A binary message: its data, its size in bytes and its decoded text.
    Decoded(Direction, Option<Vec<u8>>, u64, String),
    /// A ping or pong: its name, payload and round-trip time.
    Control(Direction, String, Vec<u8>, Option<Duration>),
    /// A Close frame was sent or received.
    Close(Direction, proto::Close),
    /// A frame was sent or received.
    Frame(Direction, Box<trace::Frame>),
    /// A server accepts connections at this URL.
    Listening(String),
    /// A server gave a client no session: the reason and its address.
    Refused(Box<NoSession>),
    /// The last received frame violated the protocol: the violation and its RFC section.
    Violation(String, String),
    /// The session was lost for this reason.
    Gap(String),
    /// The run failed with this error.
    Error(String),
    /// The run ended with this result.
    End(Box<End>),
    /// An event of a type that this version does not know.
    Unknown(String),
}

/// An answer that opened no session.
#[derive(Debug)]
pub struct Refusal {
    /// The response, if it was one.
    pub answer: Option<Answer>,
    /// Otherwise the start of the bytes that were received.
    pub broken: Option<Vec<u8>>,
}

/// A connection that got no session.
#[derive(Debug)]
pub struct NoSession {
    /// Address of the client.
    pub address: String,
    /// Status of the response, if there was one.
    pub status: Option<u16>,
    /// Path and query of the request, if it was read.
    pub target: Option<String>,
    /// Reason of the refusal.
    pub reason: String,
}

/// Details of an opened session.
#[derive(Debug)]
pub struct Opened {
    /// URL of the session.
    pub url: String,
    /// HTTP version number, such as `1.1`.
    pub http: String,
    /// Response to the handshake.
    pub answer: Answer,
    /// Time taken by each step of opening.
    pub timing: Timing,
    /// IP address of the peer, without the port.
    pub address: Option<String>,
    /// Address of the peer, as it was recorded.
    pub peer: Option<String>,
}

/// Result of a run.
#[derive(Debug)]
pub struct End {
    /// Exit status, or the number of the signal that ended the run.
    pub code: Result<u64, u64>,
    /// Cause of the failure of a client's session.
    pub cause: Option<String>,
    /// Number of messages and bytes received.
    pub received: (u64, u64),
    /// Number of messages and bytes sent.
    pub sent: (u64, u64),
}

/// Reads the events of a recording line by line.
pub struct Reader<'a> {
    path: &'a Path,
    lines: LineReader<BufReader<File>>,
    number: u64,
    skipped: Skipped,
}

impl<'a> Reader<'a> {
    /// Opens a recording.
    pub fn open(path: &'a Path) -> Result<Self, Error> {
        let fault = |cause: io::Error| Error::Recording {
            path: path.to_owned(),
            line: None,
            fault: system_error(&cause),
        };
        let lines = LineReader::new(BufReader::new(File::open(path).map_err(fault)?));
        Ok(Self { path, lines, number: 0, skipped: Skipped::default() })
    }

    /// Returns the next event of a known type, or `None` at the end. Fails if the file cannot be
    /// read, is empty, or has a line that is not an event, unless that line is the last one and
    /// truncated.
    pub fn next_event(&mut self) -> Result<Option<Recorded>, Error> {
        loop {
            let number = self.number + 1;
            let line = match self.lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) if self.number == 0 => {
                    return Err(fault(self.path, 0, "the file is empty"));
                }
                Ok(None) => return Ok(None),
                Err(LineError::Read(cause)) => {
                    return Err(fault(self.path, self.number, system_error(&cause)));
                }
                Err(LineError::TooLong) => {
                    return Err(fault(self.path, number, "too long for an event"));
                }
            };
            self.number = number;
            let (is_whole, is_cut) = (line.is_whole, line.is_cut);
            let text = std::str::from_utf8(line.bytes).map_err(|_| "not valid UTF-8".to_owned());
            let first = (number == 1).then(|| String::from_utf8_lossy(line.bytes).into_owned());
            match text.and_then(|text| read(text.trim_end())) {
                Ok(Recorded { event: Event::Unknown(name), .. }) => self.skipped.unknown(&name),
                Ok(recorded) => {
                    if is_cut {
                        self.skipped.cut(number);
                    }
                    return Ok(Some(Recorded { is_cut, ..recorded }));
                }
                // A killed process leaves a partial last line.
                Err(_) if !is_whole && number > 1 => {
                    self.skipped.torn = Some(number);
                    return Ok(None);
                }
                Err(words) => {
                    let is_har = first.is_some_and(|first| self.is_har(first));
                    let (number, words) =
                        if is_har { (0, HAR_FAULT.to_owned()) } else { (number, words) };
                    return Err(fault(self.path, number, words));
                }
            }
        }
    }

    /// Reports whether a file that begins with this line is a HAR, perhaps with more line breaks.
    fn is_har(&mut self, mut start: String) -> bool {
        if start.trim() == "{"
            && let Ok(Some(line)) = self.lines.next_line()
        {
            start.push_str(&String::from_utf8_lossy(line.bytes));
        }
        let member = start.trim().strip_prefix('{').unwrap_or_default().trim_start();
        let rest = member.strip_prefix("\"log\"").unwrap_or_default();
        rest.trim_start().starts_with(':')
    }

    /// Returns the path of the recording.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Returns notes about what was skipped: unknown event types, the ends of long lines, and a
    /// truncated last line.
    pub fn left_out(&self) -> Vec<String> {
        self.skipped.notes()
    }
}

/// Returns the error for a line, or for the file if `number` is 0.
fn fault(path: &Path, number: u64, fault: impl Into<String>) -> Error {
    let line = Some(number).filter(|number| *number > 0);
    Error::Recording { path: path.to_owned(), line, fault: fault.into() }
}

/// Fails if a line is longer than an event without a message can be.
fn check_length(line: &str, event: &event::Event<'_>) -> Result<(), String> {
    let is_message = matches!(event, event::Event::Text(_) | event::Event::Binary(_));
    if line.len() > SHORT_LINE_BYTES && !is_message {
        return Err("too long for an event".to_owned());
    }
    Ok(())
}

/// The fault of a file of `--har`.
const HAR_FAULT: &str =
    "it is a HAR, for the developer tools of a browser, and not a recording of --record";
/// Longest header of a frame, and longest start of its payload that is shown, in bytes.
const MAX_HEADER_BYTES: usize = 14;
const MAX_PREVIEW_BYTES: usize = 4096;
/// Longest line of an event without a message, in bytes.
const SHORT_LINE_BYTES: usize = 1 << 20;

/// Parses a line. The error is a phrase that describes the fault.
pub(crate) fn read(text: &str) -> Result<Recorded, String> {
    let line = Line::read(text)?;
    check_length(text, &line.event)?;
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
        event::Event::Response(response) => Event::Response(Box::new(Refusal {
            answer: response.status.map(|status| answer(status, response.headers)),
            broken: content(response.data, response.base64),
        })),
        event::Event::Open(open) => Event::Open(Box::new(opened(*open))),
        event::Event::Text(message) => {
            let data = content(message.data, message.base64);
            Event::Message(direction()?, Kind::Text, data, message.size)
        }
        event::Event::Binary(message) => {
            let data = content(message.data, message.base64);
            match message.decoded {
                Some(text) => Event::Decoded(direction()?, data, message.size, text.into_owned()),
                None => Event::Message(direction()?, Kind::Binary, data, message.size),
            }
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
        event::Event::Listening(listening) => Event::Listening(listening.url.into_owned()),
        event::Event::Refused(refused) => Event::Refused(Box::new(NoSession {
            address: refused.address.into_owned(),
            status: refused.status,
            target: refused.target.map(Cow::into_owned),
            reason: refused.reason.into_owned(),
        })),
        event::Event::Gap(gap) => Event::Gap(gap.message.into_owned()),
        event::Event::Error(failure) => Event::Error(failure.message.into_owned()),
        event::Event::End(end) => Event::End(Box::new(ended(&end)?)),
        event::Event::Unknown(kind) => Event::Unknown(kind.into_owned()),
    };
    Ok(Recorded { at, conn: line.conn, leg: line.leg.map(Leg::from), event, is_cut: false })
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

fn answer(status: u16, headers: Option<event::Headers<'_>>) -> Answer {
    let reason = http::StatusCode::from_u16(status).ok();
    Answer {
        status,
        reason: reason.and_then(|it| it.canonical_reason()).unwrap_or_default().to_owned(),
        headers: owned(headers.unwrap_or_default()),
    }
}

fn opened(open: event::Open<'_>) -> Opened {
    let peer = open.address.as_deref().map(ToOwned::to_owned);
    let event::OpenTiming { resolve, connect, proxy, tls, handshake, .. } = open.timing;
    Opened {
        url: open.url.into_owned(),
        http: open.http.map_or_else(|| "1.1".to_owned(), Cow::into_owned),
        answer: answer(open.status.unwrap_or_default(), open.headers),
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
        peer,
    }
}

fn frame(frame: event::Frame<'_>) -> trace::Frame {
    let kind = match frame.kind {
        Some(MessageKind::Text) => Some(Kind::Text),
        Some(MessageKind::Binary) => Some(Kind::Binary),
        None => frame.data.is_some().then_some(Kind::Text),
    };
    let mut preview = content(frame.data, frame.base64).unwrap_or_default();
    preview.truncate(MAX_PREVIEW_BYTES);
    let mut header = frame.header.0.into_owned();
    header.truncate(MAX_HEADER_BYTES);
    trace::Frame::recorded(
        header,
        (frame.size, frame.came.or(frame.size).unwrap_or_default()),
        frame.fragment,
        kind,
        frame.compressed,
        preview,
    )
}

fn ended(end: &event::End<'_>) -> Result<End, String> {
    let code = match (end.signal, end.code) {
        (Some(signal), _) => Err(signal),
        (None, Some(code)) => Ok(code),
        (None, None) => return Err(wrong("code")),
    };
    let traffic = |traffic: event::Traffic| (traffic.messages, traffic.size);
    Ok(End {
        code,
        cause: end.message.as_deref().map(ToOwned::to_owned),
        received: traffic(end.received),
        sent: traffic(end.sent),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_recordings_are_reported() {
        let fault = |line: &str| read(line).unwrap_err();
        assert_eq!(fault("hello"), "not JSON: expected value in column 1");
        assert_eq!(fault("{\"type\":"), "not JSON: EOF while parsing a value in column 8");
        assert_eq!(fault("[1]"), "not an event: not a JSON object");
        assert_eq!(fault("{}"), "not an event: 'type' is missing or invalid");
        let text = r#"{"type":"text","time":"2026-11-24T08:51:22.333850Z","direction":"up"}"#;
        assert_eq!(fault(text), "not an event: 'direction' is missing or invalid");
        let open = r#"{"type":"open","time":"2026-11-24T08:51:22.333850Z","version":2}"#;
        assert!(fault(open).starts_with("version 2 of the format"));
    }

    #[test]
    fn unknown_events_are_not_errors() {
        let line = r#"{"type":"fish","time":"2026-11-24T08:51:22.333850Z","new":1}"#;
        assert!(matches!(read(line).unwrap().event, Event::Unknown(name) if name == "fish"));
    }

    #[test]
    fn messages_are_read_back_unchanged() {
        let line = r#"{"type":"binary","direction":"out","time":"2026-11-24T08:51:22.5Z","base64":"AP8=","size":2}"#;
        let Event::Message(Direction::Out, Kind::Binary, Some(data), 2) = read(line).unwrap().event
        else {
            panic!()
        };
        assert_eq!(data, [0, 255]);
    }

    #[test]
    fn times_whose_sum_would_overflow_are_a_fault_of_the_line() {
        let fault = |line: &str| read(line).unwrap_err();
        let time = r#""time":"2026-11-24T08:51:22.333850Z""#;
        for seconds in ["1.5e19", "1e308", "4000000001", "-1"] {
            let open = format!(
                r#"{{"type":"open",{time},"version":1,"url":"ws://h/","timing":{{"resolve":{seconds}}}}}"#
            );
            assert!(fault(&open).starts_with("not an event: not a time in seconds"), "{seconds}");
            let pong = format!(r#"{{"type":"pong","direction":"in",{time},"rtt":{seconds}}}"#);
            assert!(fault(&pong).starts_with("not an event: not a time in seconds"), "{seconds}");
            let gap = format!(r#"{{"type":"gap",{time},"elapsed":{seconds},"message":""}}"#);
            assert_eq!(fault(&gap), "not an event: 'elapsed' is missing or invalid", "{seconds}");
        }
        let date = r#"{"type":"gap","time":"99999-01-01T00:00:00Z","message":""}"#;
        assert_eq!(fault(date), "not an event: 'time' is missing or invalid");
    }

    #[test]
    fn endless_header_fields_are_a_fault_of_the_line() {
        let fields = r#"["",""],"#.repeat(5000);
        let line = format!(
            r#"{{"type":"open","time":"2026-11-24T08:51:22.333850Z","version":1,"url":"","headers":[{fields}["",""]]}}"#
        );
        let fault = read(&line).unwrap_err();
        assert!(fault.starts_with("not an event: too many header fields"), "{fault}");
    }
}
