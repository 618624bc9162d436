//! Human-readable frame lines: one per frame, in columns. docs/frames.md describes the columns.

use crate::{
    escape::Escaped,
    proto::{
        CloseCode, Kind, Leg, Violation,
        frame::RSV1,
        trace::{Direction, Frame},
    },
    redact::Secrets,
};
use data_encoding::HEXLOWER;
use std::{fmt::Write as _, time::Duration};

/// Returns the line of a frame. `since` is the time since the previous frame; with `header`, the
/// line includes the header bytes in hex. Secrets are redacted in control frames, not in messages.
pub fn line(
    direction: Direction,
    frame: &Frame,
    since: Duration,
    header: bool,
    secrets: Secrets,
) -> String {
    let mark = mark(direction);
    let size = match frame.length {
        Some(length) => length.to_string(),
        None => "?".to_owned(),
    };
    let seconds = since.as_secs_f64();
    let mut line = format!(
        "{mark} +{seconds:.6} {:<12} {:<13} {size:>6}+{:<2}",
        frame.name(),
        flags(frame),
        frame.header().len()
    );
    // Writing to a String cannot fail, here and below.
    if header {
        let _ = write!(line, " 0x{}", HEXLOWER.encode(frame.header()));
    }
    if let Some(fragment) = frame.fragment.filter(|n| *n > 1 || !frame.fin()) {
        let _ = write!(line, " #{fragment}");
    }
    if !frame.is_whole() {
        let _ = match frame.length {
            Some(_) => write!(line, " truncated: {} bytes received", frame.payload_seen),
            None => {
                write!(line, " truncated: {} bytes of its header received", frame.header().len())
            }
        };
    }
    preview(frame, secrets, &mut line);
    line.truncate(line.trim_end().len());
    line
}

/// Returns the line that reports the violation committed by the frame on the previous line. In a proxy,
/// it names the leg.
pub fn broken(violation: Violation, leg: Option<Leg>) -> String {
    let leg = leg.map(|leg| format!("{leg}: ")).unwrap_or_default();
    format!("! {leg}{violation} ({})", violation.section())
}

/// Returns the heading of a dump of `length` bytes on the wire.
pub fn bytes(direction: Direction, length: usize) -> String {
    let s = if length == 1 { "" } else { "s" };
    format!("{} {length} byte{s}", mark(direction))
}

/// Returns the direction mark of a line: `<` for received, `>` for sent.
pub fn mark(direction: Direction) -> char {
    match direction {
        Direction::In => '<',
        Direction::Out => '>',
    }
}

/// Returns the names of the header bits that are set, except those of the opcode.
fn flags(frame: &Frame) -> String {
    let bits = [
        ("fin", frame.fin()),
        ("rsv1", frame.rsv() & RSV1 != 0),
        ("rsv2", frame.rsv() & 0x20 != 0),
        ("rsv3", frame.rsv() & 0x10 != 0),
        ("mask", frame.is_masked()),
    ];
    let set: Vec<_> = bits.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    if set.is_empty() { "-".to_owned() } else { set.join(",") }
}

/// Appends the start of the payload: text as text, anything else in hex.
fn preview(frame: &Frame, secrets: Secrets, line: &mut String) {
    let seen = frame.preview.as_slice();
    let payload = &*if frame.is_control() { secrets.dump(seen) } else { seen.into() };
    if payload.is_empty() {
        return;
    }
    if frame.compressed {
        line.push_str(" compressed");
        return hex(payload, frame.payload_seen, line);
    }
    match (frame.opcode(), payload) {
        (CLOSE, [high, low, reason @ ..]) => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]));
            let _ = write!(line, " {code}");
            let name = code.name();
            if !name.is_empty() {
                let _ = write!(line, " ({name})");
            }
            if !reason.is_empty() {
                text(reason, frame.payload_seen.saturating_sub(2), line);
            }
        }
        (CLOSE, _) => hex(payload, frame.payload_seen, line),
        (PING | PONG, _) if std::str::from_utf8(payload).is_ok_and(is_readable) => {
            text(payload, frame.payload_seen, line);
        }
        _ if frame.kind == Some(Kind::Text) => text(payload, frame.payload_seen, line),
        _ => hex(payload, frame.payload_seen, line),
    }
}

fn is_readable(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// Appends quoted text. A fragment may begin or end inside a character, so bytes that are not valid
/// UTF-8 are escaped.
fn text(bytes: &[u8], came: u64, line: &mut String) {
    let cut = came > bytes.len() as u64;
    line.push_str(" \"");
    for chunk in bytes.utf8_chunks() {
        let _ = write!(line, "{}", Escaped(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(line, "\\x{byte:02x}");
        }
    }
    line.push('"');
    line.push_str(if cut { "..." } else { "" });
}

fn hex(bytes: &[u8], came: u64, line: &mut String) {
    let shown = bytes.get(..HEX).unwrap_or(bytes);
    let _ = write!(line, " {}", HEXLOWER.encode(shown));
    line.push_str(if came > shown.len() as u64 { "..." } else { "" });
}

const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// Maximum number of payload bytes shown in hex.
const HEX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::trace::FrameReader;
    use hex_literal::hex;

    fn lines(deflates: bool, bytes: &[u8]) -> Vec<String> {
        let mut reader = FrameReader::new(deflates, 64);
        let mut frames = Vec::new();
        reader.feed(bytes, |frame| frames.push(frame));
        frames.extend(reader.rest());
        let since = Duration::from_micros(1500);
        frames
            .iter()
            .map(|frame| line(Direction::In, frame, since, false, Secrets::Hidden))
            .collect()
    }

    #[test]
    fn frames_are_printed_in_columns() {
        let bytes = [
            &hex!("01 03 48 c3 0a  00 01 a9  80 00  8a 02 0001  88 06 03e8")[..],
            b"bye\x1b",
            &hex!("88 00  82 02 ff00  93 00  0b 81 00000000 07  82 05 01"),
        ]
        .concat();
        assert_eq!(
            lines(false, &bytes),
            [
                "< +0.001500 text         -                  3+2  #1 \"H\\xc3\\n\"",
                "< +0.001500 continuation -                  1+2  #2 \"\\xa9\"",
                "< +0.001500 continuation fin                0+2  #3",
                "< +0.001500 pong         fin                2+2  0001",
                "< +0.001500 close        fin                6+2  1000 (normal closure) \"bye\\x1b\"",
                "< +0.001500 close        fin                0+2",
                "< +0.001500 binary       fin                2+2  ff00",
                "< +0.001500 opcode 3     fin,rsv3           0+2",
                "< +0.001500 opcode 11    mask               1+6  07",
                "< +0.001500 binary       fin                5+2  truncated: 1 bytes received 01",
            ]
        );
    }

    #[test]
    fn compressed_payloads_are_marked_and_long_ones_truncated() {
        let long = [&hex!("81 7e 0064")[..], &[b'x'; 100]].concat();
        assert_eq!(
            lines(true, &hex!("c1 03 abcdef")),
            ["< +0.001500 text         fin,rsv1           3+2  compressed abcdef"]
        );
        let expected =
            format!("< +0.001500 text         fin              100+4  \"{}\"...", "x".repeat(64));
        assert_eq!(lines(true, &long), [expected]);
        assert_eq!(
            lines(false, &hex!("81 7f 00")),
            ["< +0.001500 text         fin                ?+3  truncated: 3 bytes of its \
                 header received"]
        );
    }

    #[test]
    fn a_violation_names_its_section() {
        let expected = "! reserved opcode 3 (RFC 6455, 5.2)";
        assert_eq!(broken(Violation::ReservedOpcode(3), None), expected);
        let expected = "! server: reserved opcode 3 (RFC 6455, 5.2)";
        assert_eq!(broken(Violation::ReservedOpcode(3), Some(Leg::Server)), expected);
    }

    #[test]
    fn the_header_is_printed_in_hex() {
        let mut reader = FrameReader::new(false, 64);
        let mut seen = String::new();
        reader.feed(&hex!("89 01 41"), |frame| {
            seen = line(Direction::Out, &frame, Duration::ZERO, true, Secrets::Hidden);
        });
        assert_eq!(seen, "> +0.000000 ping         fin                1+2  0x8901 \"A\"");
    }
}
