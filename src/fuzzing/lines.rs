//! Lines of JSON, and what is typed at a prompt.

use super::{display::is_safe, input::Input};
use crate::{
    proto::{CloseCode, Kind, trace::Direction},
    render::{
        har::{self, Answer, Exchange},
        recording::read as read_event,
        recording_lines::{LineError, LineReader},
    },
    schema::{
        event::Event,
        line::{Line, LineWriter, write_text},
    },
    script::{
        action::{Action, Outgoing},
        command::{Command, place::Place},
        input as stdin, jsonl,
    },
};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::{num::NonZeroUsize, time::SystemTime};

/// Parses a line of `--input jsonl`: what it sends is within the limits of the protocol, and is the
/// same when it is written and parsed again.
pub(super) fn jsonl(data: &[u8]) {
    let action = match jsonl::parse(data) {
        Ok(Some(action)) => action,
        Ok(None) => return,
        Err(fault) => {
            assert!(!fault.words.is_empty());
            assert!(fault.column.is_none_or(|column| column <= data.len() + 1));
            return;
        }
    };
    let line = match &action {
        Action::Send(Outgoing::Message(Kind::Text, text)) => {
            let text = std::str::from_utf8(text).unwrap_or_else(|_| panic!("text is UTF-8"));
            json!({"type": "text", "data": text})
        }
        Action::Send(Outgoing::Message(Kind::Binary, bytes)) => {
            json!({"type": "binary", "base64": BASE64.encode(bytes)})
        }
        Action::Send(Outgoing::Ping(payload)) => {
            assert!(payload.len() <= 125);
            json!({"type": "ping", "base64": BASE64.encode(payload)})
        }
        Action::Send(Outgoing::Pong(payload)) => {
            assert!(payload.len() <= 125);
            json!({"type": "pong", "base64": BASE64.encode(payload)})
        }
        Action::Send(Outgoing::Close(close)) => {
            assert!(close.payload().len() <= 125);
            assert!(close.code.is_sendable() || close.code == CloseCode::NO_STATUS);
            json!({"type": "close", "code": close.code.number(), "reason": close.reason})
        }
        Action::Wait(time) => json!({"type": "wait", "seconds": time.as_secs_f64()}),
        Action::Expand(_) | Action::Expect(_) => panic!("{action:?}"),
    };
    assert_eq!(jsonl::parse(line.to_string().as_bytes()), Ok(Some(action)));
}

/// Reads a line of a recording: it is the same when it is written and read again, in a form that is
/// safe for a terminal too.
pub(super) fn recording(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let Ok(line) = Line::read(text) else {
        assert!(read_event(text).is_err());
        return;
    };
    let write = |line: &Line<'_>, terminal| {
        let mut out = Vec::new();
        LineWriter::new(terminal).write(line, &mut out);
        let text = String::from_utf8(out).unwrap_or_else(|_| panic!("a line is UTF-8"));
        text.strip_suffix('\n').unwrap_or_else(|| panic!("a line has an end")).to_owned()
    };
    // Names that no event has are not written; times are written with six digits.
    if matches!(line.event, Event::Unknown(_)) {
        return;
    }
    let once = write(&line, false);
    let read = Line::read(&once).unwrap_or_else(|fault| panic!("{fault}: {once}"));
    assert_eq!(write(&read, false), once);
    let safe = write(&line, true);
    assert!(is_safe(&safe), "{safe:?}");
    assert_eq!(Line::read(&safe).as_ref(), Ok(&read));
    let mut text = Vec::new();
    write_text(&once, true, &mut text);
    let text = String::from_utf8_lossy(&text);
    assert!(is_safe(&text));
    assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).ok(), Some(once.clone()));
    assert_eq!(read_event(&once).is_ok(), read_event(&safe).is_ok());
}

/// Splits a recording into lines in bounded memory: without long strings, the lines are as they
/// were, and a string that is cut off leaves JSON.
pub(super) fn recording_lines(data: &[u8]) {
    let mut input = Input::new(data);
    let (line, string) = (usize::from(input.byte()) + 16, usize::from(input.byte() % 64) + 8);
    let bytes = input.rest();
    let expected: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut reader = LineReader::with_limits(bytes, line, string);
    for written in expected {
        let content = written.strip_suffix(b"\n").unwrap_or(written);
        match reader.next_line() {
            Ok(Some(read)) => {
                assert_eq!(read.is_whole, written.ends_with(b"\n"));
                assert!(read.bytes.len() <= line);
                if !read.is_cut {
                    assert_eq!(read.bytes, content);
                } else if serde_json::from_slice::<Value>(content).is_ok() {
                    let cut = serde_json::from_slice::<Value>(read.bytes);
                    cut.unwrap_or_else(|fault| panic!("{fault}: {:?}", read.bytes));
                }
            }
            Ok(None) => panic!("a line is missing"),
            Err(LineError::TooLong) => {
                assert!(written.len() > line);
                return;
            }
            Err(LineError::Read(fault)) => panic!("{fault}"),
        }
    }
    assert!(matches!(reader.next_line(), Ok(None)));
}

/// Writes a HAR: it is JSON, and has what was put in.
pub(super) fn har(data: &[u8]) {
    let mut input = Input::new(data);
    let bits = input.byte();
    let length = usize::from(input.byte());
    let message = input.take(length);
    let Some(text) = input.text() else { return };
    let fields = text.split('\n').map(|line| line.split_once(':').unwrap_or((line, "")));
    let fields: Vec<_> = fields.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    let first = fields.first().cloned().unwrap_or_default();
    let exchange = Exchange {
        url: first.0.clone(),
        method: first.1.clone(),
        http: "1.1".to_owned(),
        request: fields.clone(),
        answer: (bits & 1 == 0).then(|| Answer {
            status: 100 + u16::from(bits),
            reason: first.1,
            headers: fields.clone(),
        }),
        body: (bits & 2 == 0).then(|| message.to_vec()),
        connection: (bits & 4 == 0).then_some(u64::MAX),
        ..Exchange::default()
    };
    let kind = if bits & 8 == 0 && std::str::from_utf8(message).is_ok() {
        Kind::Text
    } else {
        Kind::Binary
    };
    let direction = if bits & 16 == 0 { Direction::In } else { Direction::Out };
    let shown = har::message(direction, kind, Some(message), SystemTime::UNIX_EPOCH);
    let file =
        format!("{}{}{shown}{}{}", har::head(), har::entry(&exchange), har::ENTRY_END, har::END);
    let file: Value = serde_json::from_str(&file).unwrap_or_else(|fault| panic!("{fault}: {file}"));
    let entry = &file["log"]["entries"][0];
    assert_eq!(entry["request"]["url"], first.0);
    let headers = entry["request"]["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(headers.len(), fields.len());
    for (header, (name, value)) in headers.iter().zip(&fields) {
        assert_eq!((&header["name"], &header["value"]), (&json!(name), &json!(value)));
    }
    let content = entry["_webSocketMessages"][0]["data"].as_str().unwrap_or_default();
    match kind {
        Kind::Text => assert_eq!(content.as_bytes(), message),
        Kind::Binary => assert_eq!(BASE64.decode(content.as_bytes()).ok(), Some(message.to_vec())),
    }
}

/// Parses a line typed at a prompt: without a slash it is a message, as it is.
pub(super) fn commands(data: &[u8]) {
    let mut input = Input::new(data);
    let place = match input.byte() % 4 {
        0 => Place::Client,
        1 => Place::Talk,
        2 => Place::Replies,
        _ => Place::Service,
    };
    let Some(line) = input.text() else { return };
    match Command::parse(line, place) {
        Ok(Command::Message(text)) if !line.starts_with('/') => {
            assert_eq!(text, line.strip_suffix('\n').filter(|it| *it == text).unwrap_or(line));
        }
        Ok(Command::Message(text)) => assert!(line.contains(&text)),
        Ok(_) => assert!(line.is_empty() || (line.starts_with('/') && !line.contains('\n'))),
        Err(words) => assert!(!words.is_empty() && line.starts_with('/')),
    }
}

/// Splits stdin into messages: they do not depend on how it is read, and none of its bytes is lost.
pub(super) fn stdin(data: &[u8]) {
    let mut input = Input::new(data);
    let (bits, seed) = (input.byte(), input.number());
    let framing = match bits & 3 {
        0 => stdin::Framing::Lines(b'\n'),
        1 => stdin::Framing::Lines(0),
        2 => stdin::Framing::Lengths,
        _ => stdin::Framing::Whole,
    };
    let times = if bits & 0x80 == 0 { 1 } else { 6000 };
    let bytes = input.rest().repeat(times);
    let read = |lengths: &[&[u8]]| {
        let mut all = stdin::Input::new(framing);
        if bits & 4 != 0 {
            all = all.in_parts(NonZeroUsize::MIN.saturating_add(usize::from(bits >> 3)));
        }
        if bits & 8 != 0 {
            all = all.with_max_line(64);
        }
        take(&mut all, lengths)
    };
    let whole = read(&[&bytes]);
    assert_eq!(read(&super::input::chunks(&bytes, seed | 2)), whole);
    if framing == stdin::Framing::Whole {
        assert_eq!(whole.0, [bytes]);
    }
}

/// Returns all messages, and true if the last one is faulty.
fn take(input: &mut stdin::Input, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut is_inside = false;
    let end: [&[u8]; 1] = [&[]];
    for chunk in chunks.iter().chain(&end) {
        let mut rest = *chunk;
        loop {
            let room = input.room();
            assert!(!room.is_empty());
            let length = room.len().min(rest.len());
            room[..length].copy_from_slice(&rest[..length]);
            rest = &rest[length..];
            if length > 0 || chunk.is_empty() {
                input.filled(length);
            }
            while let Some(next) = input.take() {
                match next {
                    stdin::Next::Message(range) => {
                        assert!(!is_inside);
                        messages.push(input.bytes(range).to_vec());
                    }
                    stdin::Next::Part { range, last } => {
                        let part = input.bytes(range).to_vec();
                        match messages.last_mut() {
                            Some(message) if is_inside => message.extend_from_slice(&part),
                            _ => messages.push(part),
                        }
                        is_inside = !last;
                    }
                    stdin::Next::Truncated(_) | stdin::Next::TooLong(_) => {
                        return (messages, true);
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    (messages, false)
}
