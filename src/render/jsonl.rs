//! The JSON Lines writer of `--output jsonl` and `--record`. [`schema`](crate::schema) holds the
//! types of the lines.

use super::{
    buffer::OutputBuffer,
    long_content::{Encoding, LongContent},
};
use crate::{
    connect::ClientConnection,
    decode::ContentDecoder,
    error::Error,
    proto::{
        Kind, Leg, Opcode, Role,
        extension::Deflate,
        handshake::{Headers, Request, Response},
        trace::{Direction, Frame},
    },
    redact::{Secrets, Shown},
    schema::{
        event::{self, Event},
        line::{Line, LineWriter, VERSION},
        scalar::{Base64, Hex, Seconds},
    },
    session::{SessionEvent, Stats},
    stored::{Content, StoredMessage, WholeMessage},
};
use jiff::Timestamp;
use std::{
    borrow::Cow,
    time::{Duration, Instant, SystemTime},
};

/// Writes the events of a run as lines of JSON. Adds timestamps and hides secrets.
#[derive(Debug)]
pub struct JsonLines {
    started: Instant,
    wall: SystemTime,
    /// Time of the next line.
    now: Instant,
    writer: LineWriter,
    pub(super) secrets: Secrets,
    terminal: bool,
    /// The client of a server that the events concern.
    conn: Option<u64>,
    /// The connection of a proxy that the events concern.
    leg: Option<Leg>,
    /// Decodes received binary messages.
    decoder: Option<ContentDecoder>,
}

impl JsonLines {
    /// Creates a writer for a run that began at `started`. With `terminal`, the lines are safe to
    /// show on a terminal.
    pub fn new(started: Instant, terminal: bool, secrets: Secrets) -> Self {
        let now = Instant::now();
        let wall = SystemTime::now() - now.duration_since(started);
        let writer = LineWriter::new(terminal);
        Self { started, wall, now, writer, secrets, terminal, conn: None, leg: None, decoder: None }
    }

    /// Writes events of this client of a server.
    #[must_use]
    pub fn of_client(self, conn: u64) -> Self {
        Self { conn: Some(conn), ..self }
    }

    /// Writes events of this connection of a proxy.
    #[must_use]
    pub fn with_leg(self, leg: Option<Leg>) -> Self {
        Self { leg, ..self }
    }

    /// Sets the connection of a proxy that the next events concern. Returns the earlier one.
    pub(super) fn set_leg(&mut self, leg: Option<Leg>) -> Option<Leg> {
        std::mem::replace(&mut self.leg, leg)
    }

    /// Adds the decoded text to received binary messages.
    #[must_use]
    pub fn with_decoder(self, decoder: Option<ContentDecoder>) -> Self {
        Self { decoder, ..self }
    }

    /// Sets the time of the lines that follow. Time never goes backwards.
    pub(super) fn at(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Writes the `request` event for a request sent to `url`.
    pub fn request(&mut self, url: &str, request: &Request, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let event = Event::Request(event::Request {
            url: self.secrets.url(url),
            method: request.version.method().into(),
            target: self.secrets.url(&request.target),
            http: request.version.number().into(),
            headers: self.headers(&request.headers),
        });
        self.line(Some(Direction::Out), event, out);
    }

    /// Writes the `response` event for a response that may not open a session.
    pub fn response(&mut self, response: &Response, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let event = Event::Response(event::Response {
            http: Some(response.version.number().into()),
            status: Some(response.status),
            headers: Some(self.headers(&response.headers)),
            ..event::Response::default()
        });
        self.line(Some(Direction::In), event, out);
    }

    /// Writes the `response` event for bytes that are not a response.
    pub fn broken_response(&mut self, bytes: &[u8], out: &mut OutputBuffer) {
        self.at(Instant::now());
        let bytes = self.secrets.dump(bytes);
        let start = bytes.get(..MAX_BROKEN_BYTES).unwrap_or(&bytes);
        let (data, base64) = content(Kind::Text, start);
        let event = Event::Response(event::Response { data, base64, ..event::Response::default() });
        self.line(Some(Direction::In), event, out);
    }

    /// Writes the `open` event.
    pub fn opened(&mut self, opened: &ClientConnection, out: &mut OutputBuffer) {
        self.at(Instant::now());
        let ClientConnection { established, report } = opened;
        let timing = report.timing;
        let subprotocol = established.agreement.subprotocol.as_deref();
        let event = Event::Open(Box::new(event::Open {
            version: VERSION,
            url: self.secrets.url(&report.url),
            target: None,
            address: report.address.map(|address| address.to_string().into()),
            tls: report.tls.as_deref().map(Cow::from),
            alpn: None,
            sni: None,
            subprotocol: subprotocol.map(|name| self.secrets.subprotocols(name)),
            compression: established.agreement.deflate.map(|it| compression(it, Role::Client)),
            timing: event::OpenTiming {
                resolve: Seconds(timing.resolve),
                connect: Seconds(timing.connect),
                proxy: Seconds(timing.proxy),
                tls: Seconds(timing.tls),
                handshake: Seconds(timing.handshake),
                total: Seconds(timing.total()),
            },
            http: Some(report.answer.version.number().into()),
            status: Some(report.answer.status),
            headers: Some(self.headers(&report.answer.headers)),
        }));
        self.line(None, event, out);
    }

    /// Writes a session event that happened at `at`. Raw bytes produce no line, and received messages
    /// are written by [`Self::message`].
    pub fn seen(&mut self, at: Instant, seen: &SessionEvent<'_>, out: &mut OutputBuffer) {
        self.at(at);
        match seen {
            SessionEvent::Bytes(..) | SessionEvent::Piece(_) => {}
            SessionEvent::Frame(direction, frame) => {
                self.line(
                    Some(*direction),
                    Event::Frame(Box::new(frame_event(frame, self.secrets))),
                    out,
                );
            }
            SessionEvent::TooLong(kind, size, carried, frames) => {
                let event = message(*kind, None, *size, Some((*carried, *frames)));
                self.line(Some(Direction::In), event, out);
            }
            SessionEvent::Sent(kind, data, size) => {
                let event = message(*kind, *data, *size, None);
                self.line(Some(Direction::Out), event, out);
            }
            SessionEvent::Control(direction, opcode, payload, rtt) => {
                let payload = self.secrets.dump(payload);
                let (data, base64) = content(Kind::Text, &payload);
                let (size, rtt) = (payload.len() as u64, rtt.map(Seconds));
                let control = event::Control { data, base64, size, rtt };
                let is_ping = *opcode == Opcode::Ping;
                let event = if is_ping { Event::Ping(control) } else { Event::Pong(control) };
                self.line(Some(*direction), event, out);
            }
            SessionEvent::Close(direction, close) => {
                let event = Event::Close(event::Close {
                    code: close.code.number(),
                    reason: self.secrets.text(&close.reason),
                    name: close.code.name().into(),
                });
                self.line(Some(*direction), event, out);
            }
            SessionEvent::Broken(violation) => {
                let event = Event::Violation(event::Violation {
                    message: violation.to_string().into(),
                    section: violation.section().into(),
                    code: violation.close_code().number(),
                });
                self.line(Some(Direction::In), event, out);
            }
        }
    }

    /// Writes a received message. Returns a long one, which the caller writes in parts.
    pub fn message(
        &mut self,
        at: Instant,
        message: &WholeMessage<'_>,
        out: &mut OutputBuffer,
    ) -> Option<LongContent> {
        self.at(at);
        let carried = Some((message.carried, message.frames));
        match message.content {
            Content::Short(data) => {
                let size = data.len() as u64;
                // Moved out because the text borrows from it while `self` writes the line.
                let mut decoder = self.decoder.take();
                let event = match (&mut decoder, message.kind) {
                    (Some(decoder), Kind::Binary) => decoded(decoder, data, carried),
                    (_, kind) => self::message(kind, Some(data), size, carried),
                };
                self.line(Some(Direction::In), event, out);
                self.decoder = decoder;
                None
            }
            Content::Long(stored) => Some(self.long(message.kind, stored, carried)),
        }
    }

    fn long(
        &mut self,
        kind: Kind,
        stored: &StoredMessage,
        carried: Option<(u64, u32)>,
    ) -> LongContent {
        let mut line = OutputBuffer::default();
        let event = message(kind, Some(b""), stored.length(), carried);
        self.line(Some(Direction::In), event, &mut line);
        let (name, encoding) = match kind {
            Kind::Text => ("data", Encoding::Text { terminal: self.terminal }),
            Kind::Binary => ("base64", Encoding::Base64),
        };
        LongContent::new(std::mem::take(line.bytes()), name, stored.clone(), encoding)
    }

    /// Writes the `gap` event: the session was lost for `reason`.
    pub fn gap(&mut self, reason: &str, out: &mut OutputBuffer) {
        self.at(Instant::now());
        self.line(None, Event::Gap(event::Gap { message: Secrets::Hidden.text(reason) }), out);
    }

    /// Writes the `error` event if the run failed, then the `end` event: the exit status (`Ok`) or
    /// signal (`Err`) of the run, and the statistics and number of unsent messages of the last
    /// session, if any.
    pub fn end(
        &mut self,
        error: Option<&Error>,
        code: Result<u8, i32>,
        traffic: (Option<&Stats>, usize),
        out: &mut OutputBuffer,
    ) {
        self.at(Instant::now());
        if let Some(error) = error {
            let words = |shown: Shown| Cow::from(shown.as_str().to_owned());
            let event = Event::Error(event::Failure {
                code: error.code().into(),
                message: words(error.shown()),
                hint: error.shown_hint().map(words),
            });
            self.line(None, event, out);
        }
        let timing = event::EndTiming {
            first_message: traffic.0.and_then(|stats| stats.first_message).map(Seconds),
            total: Seconds(self.elapsed()),
        };
        self.line(None, Event::End(Box::new(end(code, traffic, timing))), out);
    }

    fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.started)
    }

    pub(super) fn line(
        &mut self,
        direction: Option<Direction>,
        event: Event<'_>,
        out: &mut OutputBuffer,
    ) {
        let elapsed = self.elapsed();
        let time = Timestamp::try_from(self.wall + elapsed).unwrap_or(Timestamp::MAX);
        let direction = direction.map(Into::into);
        let (conn, leg) = (self.conn, self.leg.map(Into::into));
        let line = Line { conn, leg, direction, time, elapsed: Seconds(elapsed), event };
        self.writer.write(&line, out.bytes());
        out.release();
    }

    pub(super) fn headers<'a>(&self, headers: &'a Headers) -> event::Headers<'a> {
        self.secrets.headers(headers).collect()
    }
}

/// Returns the event of a message. `carried` is the payload bytes on the wire and the number of
/// frames of a received message.
fn message(kind: Kind, data: Option<&[u8]>, size: u64, carried: Option<(u64, u32)>) -> Event<'_> {
    let (data, base64) = data.map(|data| content(kind, data)).unwrap_or_default();
    let (wire_size, frames) = carried.unzip();
    let message = event::Message { data, base64, size, wire_size, frames, decoded: None };
    match kind {
        Kind::Text => Event::Text(message),
        Kind::Binary => Event::Binary(message),
    }
}

/// Returns the event of a received binary message with its decoded text, if it has one.
fn decoded<'a>(
    decoder: &'a mut ContentDecoder,
    data: &'a [u8],
    carried: Option<(u64, u32)>,
) -> Event<'a> {
    let text = decoder.decode(data).ok().and_then(|(_, text)| std::str::from_utf8(text).ok());
    match message(Kind::Binary, Some(data), data.len() as u64, carried) {
        Event::Binary(message) => {
            Event::Binary(event::Message { decoded: text.map(Cow::from), ..message })
        }
        other => other,
    }
}

/// Returns the content as text if `kind` is text and the bytes are valid UTF-8, otherwise as
/// Base64.
fn content(kind: Kind, bytes: &[u8]) -> (Option<Cow<'_, str>>, Option<Base64<'_>>) {
    match (kind, std::str::from_utf8(bytes)) {
        (Kind::Text, Ok(text)) => (Some(text.into()), None),
        _ => (None, Some(Base64(bytes.into()))),
    }
}

fn frame_event(frame: &Frame, secrets: Secrets) -> event::Frame<'_> {
    let is_text = frame.kind == Some(Kind::Text) && !frame.compressed;
    let kind = if is_text || frame.is_control() { Kind::Text } else { Kind::Binary };
    let (data, base64) = if frame.is_control() {
        let dump = secrets.dump(&frame.preview);
        let (data, base64) = content(kind, &dump);
        (data.map(|it| it.into_owned().into()), base64.map(|it| Base64(it.0.into_owned().into())))
    } else {
        content(kind, &frame.preview)
    };
    event::Frame {
        fin: frame.fin(),
        rsv: frame.rsv() >> 4,
        opcode: frame.opcode(),
        name: frame.name().to_string().into(),
        masked: frame.is_masked(),
        size: frame.length,
        wire_size: frame.wire_length(),
        fragment: frame.fragment,
        kind: frame.kind.map(|kind| match kind {
            Kind::Text => event::MessageKind::Text,
            Kind::Binary => event::MessageKind::Binary,
        }),
        compressed: frame.compressed,
        header: Hex(frame.header().into()),
        came: (!frame.is_whole()).then_some(frame.payload_seen),
        data,
        base64,
    }
}

/// Returns the event of an end with this exit status (`Ok`) or signal (`Err`), and with the statistics
/// and the number of unsent messages.
pub(super) fn end(
    code: Result<u8, i32>,
    (stats, unsent): (Option<&Stats>, usize),
    timing: event::EndTiming,
) -> event::End<'static> {
    let traffic = |tally: Option<crate::proto::Tally>, unsent| {
        let total = tally.unwrap_or_default().total();
        let (messages, size, wire_size) = (total.messages, total.bytes, total.carried);
        event::Traffic { messages, size, wire_size, unsent }
    };
    event::End {
        code: code.ok().map(u64::from),
        signal: code.err().map(|signal| signal.unsigned_abs().into()),
        received: traffic(stats.map(|stats| stats.received), None),
        sent: traffic(stats.map(|stats| stats.sent), Some(unsent as u64)),
        timing,
        ..event::End::default()
    }
}

/// Number of bytes that are kept of an answer that is not a response.
pub const MAX_BROKEN_BYTES: usize = 4 << 10;

/// Describes compression as `local` sees it.
pub(super) fn compression(deflate: Deflate, local: Role) -> event::Compression {
    let side = |role| {
        let side = deflate.side(role);
        let window_bits = side.window_bits.into();
        event::Side { window_bits, context_takeover: side.keeps_context }
    };
    event::Compression { local: side(local), remote: side(local.peer()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Close, Violation};
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

    fn whole(kind: Kind, payload: &[u8]) -> WholeMessage<'_> {
        WholeMessage { kind, content: Content::Short(payload), carried: 7, frames: 2 }
    }

    #[test]
    fn a_message_has_its_content_and_sizes() {
        let now = Instant::now();
        let text = lines(false, |json, out| {
            let text = whole(Kind::Text, "a\"\n\u{e9}".as_bytes());
            assert!(json.message(now, &text, out).is_none());
            assert!(json.message(now, &whole(Kind::Binary, &[0, 255, 10]), out).is_none());
        });
        let (one, two) = text.trim_end().split_once('\n').unwrap();
        let (one, two) = (value(one), value(two));
        assert_eq!((&one["type"], &one["direction"]), (&"text".into(), &"in".into()));
        assert_eq!((&one["data"], &one["size"]), (&"a\"\n\u{e9}".into(), &5.into()));
        assert_eq!((&one["wire_size"], &one["frames"]), (&7.into(), &2.into()));
        assert_eq!((&two["type"], &two["base64"]), (&"binary".into(), &"AP8K".into()));
        assert!(one["elapsed"].as_f64().unwrap() < 5.0);
        let time: Timestamp = one["time"].as_str().unwrap().parse().unwrap();
        assert!(Timestamp::now().duration_since(time).as_secs().abs() < 5);
    }

    #[test]
    fn every_event_is_a_json_object() {
        let now = Instant::now();
        let text = lines(false, |json, out| {
            let (input, output) = (Direction::In, Direction::Out);
            let rtt = Some(Duration::from_micros(1500));
            json.seen(now, &SessionEvent::Control(input, Opcode::Ping, b"\xff", None), out);
            json.seen(now, &SessionEvent::Control(input, Opcode::Pong, b"x", rtt), out);
            json.seen(now, &SessionEvent::Sent(Kind::Text, Some(b"a"), 1), out);
            json.seen(now, &SessionEvent::Sent(Kind::Binary, None, 1 << 40), out);
            json.seen(now, &SessionEvent::Close(output, &Close::new(1000.into())), out);
            json.seen(now, &SessionEvent::Broken(Violation::ReservedOpcode(3)), out);
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
        assert_eq!((&lines[5]["direction"], &lines[5]["code"]), (&"in".into(), &1002.into()));
        assert_eq!((&lines[6]["code"], &lines[7]["signal"]), (&7.into(), &15.into()));
        assert_eq!(lines[6]["received"]["messages"], 0);
        assert!(lines[6]["timing"]["first_message"].is_null());
        assert!(lines[6]["timing"]["total"].is_f64());
    }

    #[test]
    fn json_for_a_terminal_is_escaped_and_equivalent() {
        let hostile = "\x1b[31m\u{9b}m\u{202e}\u{e0001}\u{1f600}";
        for terminal in [false, true] {
            let line = lines(terminal, |json, out| {
                json.message(Instant::now(), &whole(Kind::Text, hostile.as_bytes()), out);
            });
            assert_eq!(value(&line)["data"], hostile);
            assert_eq!(line.contains('\u{202e}'), !terminal);
            assert_eq!(line.contains('\u{e0001}'), !terminal);
            assert!(!line.contains('\x1b') && line.contains('\u{1f600}'));
        }
    }
}
