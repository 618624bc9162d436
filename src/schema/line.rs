//! Reading and writing of lines, each an event with its direction and date.

use super::{
    event::Event,
    scalar::{Direction, Leg, Scalar, Seconds},
};
use crate::escape::{Unit, units};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Version of the schema. It is raised when a reader that follows docs/jsonl.md could misread a
/// line.
pub const VERSION: u64 = 1;

/// A line: an event with its direction and date.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// The number of the client of a server or proxy that the event concerns.
    pub conn: Option<u64>,
    /// The connection of a proxy that the event concerns.
    pub leg: Option<Leg>,
    /// The side that caused the event, if either did.
    pub direction: Option<Direction>,
    /// Date, in microseconds.
    pub time: Timestamp,
    /// Time since the start of the run.
    pub elapsed: Seconds,
    /// The event itself, with its own fields.
    pub event: Event<'a>,
}

impl<'a> Line<'a> {
    /// Parses a line without its terminator. Fails with a phrase that describes the fault.
    pub fn read(line: &'a str) -> Result<Self, String> {
        let head = head(line)?;
        let kind = head.kind.as_text().ok_or_else(|| wrong("type"))?;
        let time = head.time.as_text().and_then(|time| time.parse().ok());
        let time = time.ok_or_else(|| wrong("time"))?;
        let direction = match head.direction.as_text() {
            Some("in") => Some(Direction::In),
            Some("out") => Some(Direction::Out),
            Some(_) => return Err(wrong("direction")),
            None => None,
        };
        let event = match kind {
            "request" => Event::Request(body(line)?),
            "response" => Event::Response(body(line)?),
            "open" => {
                let version = head.version.as_unsigned().ok_or_else(|| wrong("version"))?;
                if version != VERSION {
                    return Err(format!("version {version} of the format is not supported"));
                }
                Event::Open(Box::new(body(line)?))
            }
            "text" => Event::Text(body(line)?),
            "binary" => Event::Binary(body(line)?),
            "ping" => Event::Ping(body(line)?),
            "pong" => Event::Pong(body(line)?),
            "close" => Event::Close(body(line)?),
            "frame" => Event::Frame(Box::new(body(line)?)),
            "violation" => Event::Violation(body(line)?),
            "listening" => Event::Listening(body(line)?),
            "refused" => Event::Refused(body(line)?),
            "gap" => Event::Gap(body(line)?),
            "error" => Event::Error(body(line)?),
            "end" => Event::End(Box::new(body(line)?)),
            other => Event::Unknown(other.to_owned().into()),
        };
        let elapsed = match head.elapsed {
            Scalar::Absent | Scalar::Null => Seconds::default(),
            elapsed => elapsed
                .as_number()
                .and_then(Seconds::from_seconds)
                .ok_or_else(|| wrong("elapsed"))?,
        };
        let conn = match head.conn {
            Scalar::Absent | Scalar::Null => None,
            conn => Some(conn.as_unsigned().ok_or_else(|| wrong("conn"))?),
        };
        let leg = match head.leg {
            Scalar::Absent | Scalar::Null => None,
            leg => match leg.as_text() {
                Some("client") => Some(Leg::Client),
                Some("server") => Some(Leg::Server),
                _ => return Err(wrong("leg")),
            },
        };
        Ok(Self { conn, leg, direction, time, elapsed, event })
    }
}

/// Writes events as JSON Lines.
#[derive(Debug)]
pub struct LineWriter {
    /// True if characters that a terminal interprets are escaped inside strings, where the escape
    /// has the same meaning.
    terminal: bool,
    /// The last date and its text, cached because all messages of one read have the same date.
    date: (Timestamp, String),
}

impl LineWriter {
    /// Creates a writer. `terminal` is true if the lines are shown on a terminal.
    pub fn new(terminal: bool) -> Self {
        let date = Timestamp::UNIX_EPOCH;
        Self { terminal, date: (date, format!("{date:.6}")) }
    }

    /// Appends a line and its terminator.
    pub fn write(&mut self, line: &Line<'_>, out: &mut Vec<u8>) {
        if self.date.0 != line.time {
            self.date = (line.time, format!("{:.6}", line.time));
        }
        match &line.event {
            Event::Request(body) => self.put("request", line, body, out),
            Event::Response(body) => self.put("response", line, body, out),
            Event::Open(body) => self.put("open", line, &**body, out),
            Event::Text(body) => self.put("text", line, body, out),
            Event::Binary(body) => self.put("binary", line, body, out),
            Event::Ping(body) => self.put("ping", line, body, out),
            Event::Pong(body) => self.put("pong", line, body, out),
            Event::Close(body) => self.put("close", line, body, out),
            Event::Frame(body) => self.put("frame", line, &**body, out),
            Event::Violation(body) => self.put("violation", line, body, out),
            Event::Listening(body) => self.put("listening", line, body, out),
            Event::Refused(body) => self.put("refused", line, body, out),
            Event::Gap(body) => self.put("gap", line, body, out),
            Event::Error(body) => self.put("error", line, body, out),
            Event::End(body) => self.put("end", line, &**body, out),
            Event::Unknown(name) => self.put(name, line, &Nothing {}, out),
        }
    }

    fn put(&self, kind: &str, line: &Line<'_>, body: &impl Serialize, out: &mut Vec<u8>) {
        let Line { conn, leg, direction, elapsed, .. } = *line;
        let written = Written { kind, conn, leg, direction, time: &self.date.1, elapsed, body };
        let formatter = LineFormatter { terminal: self.terminal, quotes: true };
        let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
        // Cannot fail: writing to a Vec succeeds, and every value of the schema has a JSON form.
        let _ = written.serialize(&mut serializer);
        out.push(b'\n');
    }
}

/// Appends text as it appears in a JSON string, without the quotes. With `terminal`, characters that
/// a terminal interprets are escaped.
pub fn write_text(text: &str, terminal: bool, out: &mut Vec<u8>) {
    let formatter = LineFormatter { terminal, quotes: false };
    // Cannot fail: writing to a Vec succeeds.
    let _ = text.serialize(&mut serde_json::Serializer::with_formatter(out, formatter));
}

/// The common fields of all lines that a reader needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Scalar<'a>,
    #[serde(borrow)]
    conn: Scalar<'a>,
    #[serde(borrow)]
    leg: Scalar<'a>,
    #[serde(borrow)]
    direction: Scalar<'a>,
    #[serde(borrow)]
    time: Scalar<'a>,
    #[serde(borrow)]
    elapsed: Scalar<'a>,
    #[serde(borrow)]
    version: Scalar<'a>,
}

/// A line to write: the common fields, then those of the event.
#[derive(Serialize)]
struct Written<'a, E> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<Leg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    time: &'a str,
    elapsed: Seconds,
    #[serde(flatten)]
    body: &'a E,
}

/// Reports whether this is the type of a recorded event that is not an action.
pub fn is_recorded(kind: &str) -> bool {
    let others = ["violation", "listening", "refused", "gap", "error", "end"];
    ["request", "response", "open", "frame"].contains(&kind) || others.contains(&kind)
}

/// The body of an unknown event.
#[derive(Serialize)]
struct Nothing {}

fn head(line: &str) -> Result<Head<'_>, String> {
    // Serde would also read a sequence as a struct.
    if !line.trim_start().starts_with('{') {
        return match serde_json::from_str::<serde::de::IgnoredAny>(line) {
            Ok(_) => Err("not an event: not a JSON object".to_owned()),
            Err(fault) => Err(not_json(&fault)),
        };
    }
    serde_json::from_str(line).map_err(|fault| not_event(&fault))
}

fn body<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|fault| not_event(&fault))
}

fn not_json(fault: &serde_json::Error) -> String {
    format!("not JSON: {} in column {}", words(fault), fault.column())
}

fn not_event(fault: &serde_json::Error) -> String {
    if !fault.is_data() {
        return not_json(fault);
    }
    let words = words(fault);
    match words.strip_prefix("missing field `").and_then(|name| name.strip_suffix('`')) {
        Some(name) => wrong(name),
        None => format!("not an event: {words} in column {}", fault.column()),
    }
}

/// Returns the message of a fault without its position, since the line number is always 1.
fn words(fault: &serde_json::Error) -> String {
    let words = fault.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Returns the message for a field with an invalid value.
pub fn wrong(name: &str) -> String {
    format!("not an event: '{name}' is missing or invalid")
}

/// Formats lines: times have six decimal places, bytes are in base64, and more characters are
/// escaped for a terminal.
struct LineFormatter {
    terminal: bool,
    /// False if strings are written without quotes.
    quotes: bool,
}

impl Formatter for LineFormatter {
    fn begin_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.quotes { out.write_all(b"\"") } else { Ok(()) }
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.quotes { out.write_all(b"\"") } else { Ok(()) }
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        // All floating-point numbers of the schema are times.
        let Seconds(time) = Seconds::from_seconds(value).unwrap_or_default();
        write!(out, "{}.{:06}", time.as_secs(), time.subsec_micros())
    }

    fn write_byte_array<W: ?Sized + Write>(&mut self, out: &mut W, bytes: &[u8]) -> io::Result<()> {
        out.write_all(b"\"")?;
        let mut encoded = [0; BLOCK / 3 * 4];
        for block in bytes.chunks(BLOCK) {
            let length = BASE64.encode_len(block.len());
            let encoded = encoded.get_mut(..length).unwrap_or_default();
            BASE64.encode_mut(block, encoded);
            out.write_all(encoded)?;
        }
        out.write_all(b"\"")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        if !self.terminal {
            return out.write_all(text.as_bytes());
        }
        for unit in units(text) {
            match unit {
                Unit::Ascii(text) | Unit::Cluster(text) => out.write_all(text.as_bytes())?,
                Unit::Escaped(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Bytes encoded at a time: a multiple of three, so that only the end is padded.
const BLOCK: usize = 3 << 10;
