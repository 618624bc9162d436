//! Events as lines of JSON, one object an event. The schema is in docs/jsonl.md; its version goes
//! up when a reader that keeps to it could misread a line.

mod object;
mod wire;

use super::buffer::OutputBuffer;
use crate::{
    connect::{ClientConnection, Timing},
    error::Error,
    proto::{
        Assembler, Close, Kind, Opcode, Piece, Role, extension::Deflate, handshake::Response,
        trace::Direction,
    },
    redact::Secrets,
    session::{Seen, Stats},
};
use object::Object;
use std::time::{Duration, Instant, SystemTime};
pub use wire::method;

/// Where a session leads, for its `open` event.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The URL.
    pub url: &'a str,
    /// The peer's address.
    pub address: Option<String>,
    /// TLS version and cipher suite.
    pub tls: Option<&'a str>,
    /// The subprotocol that was chosen.
    pub subprotocol: Option<&'a str>,
    /// How messages are compressed.
    pub deflate: Option<&'a Deflate>,
    /// The answer to the opening handshake.
    pub answer: Option<&'a Response>,
    /// What opening took.
    pub timing: Timing,
}

impl<'a> Opening<'a> {
    /// The `open` event of this session.
    pub fn new(opened: &'a ClientConnection) -> Self {
        let ClientConnection { established, report } = opened;
        Self {
            url: &report.url,
            address: report.address.map(|address| address.to_string()),
            tls: report.tls.as_deref(),
            subprotocol: established.agreed.subprotocol.as_deref(),
            deflate: established.agreed.deflate.as_ref(),
            answer: Some(&report.answer),
            timing: report.timing,
        }
    }
}

/// The format of `--output jsonl`.
#[derive(Debug)]
pub struct JsonLines {
    started: Instant,
    wall: SystemTime,
    /// When what is rendered next came.
    now: Instant,
    /// Lines go to a terminal: what it would act upon is escaped too.
    terminal: bool,
    secrets: Secrets,
    assembler: Assembler,
}

impl JsonLines {
    /// Events of a run that `started` then; `terminal`: they are shown on one.
    pub fn new(started: Instant, terminal: bool, secrets: Secrets) -> Self {
        let now = Instant::now();
        let wall = SystemTime::now() - now.duration_since(started);
        Self { started, wall, now, terminal, secrets, assembler: Assembler::default() }
    }

    /// What is rendered next happened `now`, but not before what was rendered last.
    pub fn at(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// The session is lost for this reason; another one is to follow.
    pub fn gap(&mut self, reason: &str, out: &mut OutputBuffer) {
        self.assembler = Assembler::default();
        self.at(Instant::now());
        let mut object = self.object("gap", None, out);
        object.text("message", reason);
        object.end();
    }

    /// A session was opened.
    pub fn opened(&mut self, opened: &ClientConnection, out: &mut OutputBuffer) {
        self.at(Instant::now());
        self.open(&Opening::new(opened), out);
    }

    /// Something happened in a session.
    pub fn seen(&mut self, at: Instant, seen: &Seen<'_>, out: &mut OutputBuffer) {
        self.at(at);
        match seen {
            Seen::Bytes(..) => {}
            Seen::Frame(direction, frame) => self.frame(*direction, frame, out),
            Seen::Piece(piece) => self.piece(piece, out),
            Seen::Sent(kind, data, size) => self.sent(*kind, *data, *size, out),
            Seen::Control(direction, opcode, payload, rtt) => {
                let name = if *opcode == Opcode::Ping { "ping" } else { "pong" };
                self.control(name, *direction, payload, *rtt, out);
            }
            Seen::Close(direction, close) => self.close(*direction, close, out),
            Seen::Broken(violation) => self.violation(*violation, out),
        }
    }

    /// The session is open.
    pub fn open(&self, opening: &Opening<'_>, out: &mut OutputBuffer) {
        let mut object = self.object("open", None, out);
        object.number("version", VERSION);
        object.text("url", &self.secrets.url(opening.url));
        object.optional("address", opening.address.as_deref());
        object.optional("tls", opening.tls);
        object.optional("subprotocol", opening.subprotocol);
        object.name("compression");
        match opening.deflate {
            None => object.raw("null"),
            Some(deflate) => {
                object.raw("{");
                for (name, role) in [("local", Role::Client), ("remote", Role::Server)] {
                    let side = deflate.side(role);
                    object.name(name);
                    object.raw("{");
                    object.number("window_bits", side.window_bits.into());
                    object.flag("context_takeover", side.keeps_context);
                    object.raw("}");
                }
                object.raw("}");
            }
        }
        object.name("timing");
        object.raw("{");
        for (name, time) in opening.timing.steps() {
            object.seconds(name, time);
        }
        object.seconds("total", opening.timing.total());
        object.raw("}");
        if let Some(answer) = opening.answer {
            object.text("http", answer.version.number());
            object.number("status", answer.status.into());
            object.headers("headers", &answer.headers, self.secrets);
        }
        object.end();
    }

    /// Part of a message of the peer; the whole of it makes a line.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        // Taken out, to look at the message while the rest is used.
        let mut assembler = std::mem::take(&mut self.assembler);
        if let Some(message) = assembler.push(piece) {
            let mut object = self.object(kind_name(piece.kind), Some(Direction::In), out);
            object.payload(piece.kind, message);
            object.number("size", message.len() as u64);
            object.number("wire_size", piece.carried);
            object.number("frames", piece.frames.into());
            object.end();
        }
        self.assembler = assembler;
    }

    /// A message of ours of `size` bytes; its data only if it is short.
    pub fn sent(&mut self, kind: Kind, data: Option<&[u8]>, size: u64, out: &mut OutputBuffer) {
        let mut object = self.object(kind_name(kind), Some(Direction::Out), out);
        if let Some(data) = data {
            object.payload(kind, data);
        }
        object.number("size", size);
        object.end();
    }

    /// A ping or pong.
    pub fn control(
        &mut self,
        name: &str,
        direction: Direction,
        payload: &[u8],
        rtt: Option<Duration>,
        out: &mut OutputBuffer,
    ) {
        let mut object = self.object(name, Some(direction), out);
        let is_text = std::str::from_utf8(payload).is_ok();
        object.payload(if is_text { Kind::Text } else { Kind::Binary }, payload);
        object.number("size", payload.len() as u64);
        if let Some(rtt) = rtt {
            object.seconds("rtt", rtt);
        }
        object.end();
    }

    /// A Close.
    pub fn close(&mut self, direction: Direction, close: &Close, out: &mut OutputBuffer) {
        let mut object = self.object("close", Some(direction), out);
        object.number("code", close.code.number().into());
        object.text("reason", &close.reason);
        object.text("name", close.code.name());
        object.end();
    }

    /// What the run failed with.
    fn error(&mut self, code: u8, message: &str, hint: Option<&str>, out: &mut OutputBuffer) {
        let mut object = self.object("error", None, out);
        object.number("code", code.into());
        object.text("message", message);
        object.optional("hint", hint);
        object.end();
    }

    /// The end of the run: what it failed with, its exit status or the signal it ends by, and the
    /// figures and unsent messages of the last session, if there was one.
    pub fn end(
        &mut self,
        error: Option<&Error>,
        code: Result<u8, i32>,
        (stats, unsent): (Option<&Stats>, usize),
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        if let Some(error) = error {
            self.error(error.code(), &error.to_string(), error.hint().as_deref(), out);
        }
        let mut object = self.object("end", None, out);
        match code {
            Ok(code) => object.number("code", code.into()),
            Err(signal) => object.number("signal", signal.unsigned_abs().into()),
        }
        let received = stats.map(|stats| stats.received).unwrap_or_default();
        let sent = stats.map(|stats| stats.sent).unwrap_or_default();
        for (name, tally) in [("received", received), ("sent", sent)] {
            object.name(name);
            object.raw("{");
            let tally = tally.total();
            object.number("messages", tally.messages);
            object.number("size", tally.bytes);
            object.number("wire_size", tally.carried);
            if name == "sent" {
                object.number("unsent", unsent as u64);
            }
            object.raw("}");
        }
        object.name("timing");
        object.raw("{");
        object.optional_seconds("first_message", stats.and_then(|stats| stats.first_message));
        object.seconds("total", self.now.saturating_duration_since(self.started));
        object.raw("}");
        object.end();
    }

    /// An object with what all of them have.
    fn object<'a>(
        &self,
        kind: &str,
        direction: Option<Direction>,
        out: &'a mut OutputBuffer,
    ) -> Object<'a> {
        let mut object = Object::begin(out, self.terminal);
        object.text("type", kind);
        match direction {
            None => {}
            Some(Direction::In) => object.text("direction", "in"),
            Some(Direction::Out) => object.text("direction", "out"),
        }
        let elapsed = self.now.saturating_duration_since(self.started);
        if let Ok(time) = jiff::Timestamp::try_from(self.wall + elapsed) {
            object.text("time", &format!("{time:.6}"));
        }
        object.seconds("elapsed", elapsed);
        object
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Binary => "binary",
    }
}

/// The version of the schema.
const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn lines(terminal: bool, write: impl FnOnce(&mut JsonLines, &mut OutputBuffer)) -> String {
        let mut json = JsonLines::new(Instant::now(), terminal, Secrets::Hidden);
        let mut out = OutputBuffer::default();
        write(&mut json, &mut out);
        String::from_utf8(out.ready().to_vec()).unwrap()
    }

    fn value(line: &str) -> Value {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    fn piece(kind: Kind, payload: &[u8], first: bool, last: bool) -> Piece<'_> {
        Piece { kind, payload, first, last, carried: 7, frames: 2 }
    }

    #[test]
    fn a_message_is_a_line_when_it_is_whole() {
        let text = lines(false, |json, out| {
            json.piece(&piece(Kind::Text, b"a\"\n", true, false), out);
            assert!(out.ready().is_empty());
            json.piece(&piece(Kind::Text, "\u{e9}".as_bytes(), false, true), out);
            json.piece(&piece(Kind::Binary, &[0, 255, 10], true, true), out);
        });
        let (one, two) = text.trim_end().split_once('\n').unwrap();
        let (one, two) = (value(one), value(two));
        assert_eq!((&one["type"], &one["direction"]), (&"text".into(), &"in".into()));
        assert_eq!((&one["data"], &one["size"]), (&"a\"\n\u{e9}".into(), &5.into()));
        assert_eq!((&one["wire_size"], &one["frames"]), (&7.into(), &2.into()));
        assert_eq!((&two["type"], &two["base64"]), (&"binary".into(), &"AP8K".into()));
        assert!(one["elapsed"].as_f64().unwrap() < 5.0);
        let time: jiff::Timestamp = one["time"].as_str().unwrap().parse().unwrap();
        assert!(jiff::Timestamp::now().duration_since(time).as_secs().abs() < 5);
    }

    #[test]
    fn every_event_is_an_object() {
        let text = lines(false, |json, out| {
            json.control("ping", Direction::In, b"\xff", None, out);
            json.control("pong", Direction::In, b"x", Some(Duration::from_micros(1500)), out);
            json.sent(Kind::Text, Some(b"a"), 1, out);
            json.sent(Kind::Binary, None, 1 << 40, out);
            json.close(Direction::Out, &Close::new(1000.into()), out);
            json.error(7, "cannot connect", None, out);
            json.end(None, Ok(7), (None, 0), out);
            json.end(None, Err(15), (None, 0), out);
        });
        let lines: Vec<Value> = text.lines().map(value).collect();
        assert_eq!(lines[0]["base64"], "/w==");
        assert_eq!(lines[1]["rtt"], 0.0015);
        assert_eq!((&lines[2]["direction"], &lines[2]["data"]), (&"out".into(), &"a".into()));
        assert_eq!((&lines[3]["size"], lines[3].get("base64")), (&(1u64 << 40).into(), None));
        assert_eq!(
            (&lines[4]["code"], &lines[4]["name"]),
            (&1000.into(), &"normal closure".into())
        );
        assert_eq!(lines[5]["message"], "cannot connect");
        assert_eq!((&lines[6]["code"], &lines[7]["signal"]), (&7.into(), &15.into()));
        assert_eq!(lines[6]["received"]["messages"], 0);
        assert!(lines[6]["timing"]["first_message"].is_null());
        assert!(lines[6]["timing"]["total"].is_f64());
    }

    #[test]
    fn a_terminal_gets_nothing_that_it_acts_upon_and_the_same_json() {
        let hostile = "\x1b[31m\u{9b}m\u{202e}\u{e0001}\u{1f600}";
        for terminal in [false, true] {
            let line = lines(terminal, |json, out| {
                json.piece(&piece(Kind::Text, hostile.as_bytes(), true, true), out);
            });
            assert_eq!(value(&line)["data"], hostile);
            assert_eq!(line.contains('\u{202e}'), !terminal);
            assert_eq!(line.contains('\u{e0001}'), !terminal);
            assert!(!line.contains('\x1b') && line.contains('\u{1f600}'));
        }
    }
}
