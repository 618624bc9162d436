//! Bytes that are not frames: other protocols and stray writes inside a session.

use crate::{
    error::text::FirstLine,
    escape::Escaped,
    known,
    proto::{Violation, slice::Within as _},
    session::limits::OFFENDING_BYTES,
};
use std::str;

/// Bytes that a peer sent instead of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutsideFrames {
    /// An HTTP response with this status.
    HttpResponse(u16),
    HttpRequest,
    TlsRecord,
    /// Line breaks before a frame, or alone.
    LineBreak,
    /// NUL bytes before a frame, or alone.
    Nul,
    Text,
}

impl OutsideFrames {
    /// Recognizes the bytes at a violation. `None` if they may be a frame.
    pub(super) fn of(violation: Violation, bytes: &[u8]) -> Option<Self> {
        if !violation.is_in_header() {
            return None;
        }
        let line = without_breaks(bytes);
        if let Some(rest) = line.strip_prefix(b"HTTP/") {
            let status = rest.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            let status = str::from_utf8(status.within(..status.len().min(3))).unwrap_or_default();
            return Some(Self::HttpResponse(status.parse().unwrap_or(0)));
        }
        match bytes {
            _ if METHODS.iter().any(|method| line.starts_with(method)) => Some(Self::HttpRequest),
            [0x14..=0x17, 3, 0..=4, ..] => Some(Self::TlsRecord),
            // The other rules are broken by real frames with these first bytes, too.
            [0, ..] if line.iter().all(|byte| *byte == 0) => Some(Self::Nul),
            [0, second, ..] if is_frame_start(*second) => Some(Self::Nul),
            [b'\r' | b'\n'] | [b'\r', b'\n'] => Some(Self::LineBreak),
            [b'\r' | b'\n', ..] if line.first().is_some_and(|byte| is_frame_start(*byte)) => {
                Some(Self::LineBreak)
            }
            _ if text(bytes).is_some() => Some(Self::Text),
            _ => None,
        }
    }

    /// Describes the bytes for the first line of an error.
    pub(super) fn sentence(self, bytes: &[u8]) -> String {
        let first_line = || FirstLine(without_breaks(bytes)).to_string();
        match self {
            Self::HttpResponse(_) => {
                format!("an HTTP response inside the session: '{}'", first_line())
            }
            Self::HttpRequest => format!("an HTTP request inside the session: '{}'", first_line()),
            Self::TlsRecord => "a TLS record inside the session".into(),
            Self::LineBreak => {
                let breaks = bytes.len() - without_breaks(bytes).len();
                format!("a line break outside a frame: '{}'", shown(bytes.within(..breaks)))
            }
            Self::Nul => {
                let nuls = bytes.iter().take_while(|byte| **byte == 0).count();
                format!("NUL outside a frame: '{}'", shown(bytes.within(..nuls)))
            }
            Self::Text => {
                format!("text outside a frame: '{}'", shown(text(bytes).unwrap_or(bytes)))
            }
        }
    }
}

fn without_breaks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    bytes.within(start.unwrap_or(bytes.len())..)
}

/// Reports whether a byte looks like the first one of an ordinary frame.
fn is_frame_start(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x82 | 0x88..=0x8a | 0xc1 | 0xc2)
}

/// Returns the UTF-8 without control characters at the start, if a frame or nothing follows it.
/// Several bytes are needed: one may well begin a frame.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    let is_plain = |c: char| !c.is_control() || matches!(c, '\r' | '\n' | '\t' | '\x1b');
    let first = bytes.utf8_chunks().next()?;
    let text = first.valid();
    let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    let rest = bytes.within(end..);
    // The last character may be cut off.
    let is_cut =
        rest == first.invalid() && str::from_utf8(rest).is_err_and(|it| it.error_len().is_none());
    let ends = rest.first().is_none_or(|byte| is_frame_start(*byte)) || is_cut;
    (end >= SHORTEST_TEXT && ends).then(|| bytes.within(..end))
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let more = if bytes.len() >= OFFENDING_BYTES { "..." } else { "" };
    Escaped(&known::redact(&format!("{text}{more}"))).to_string()
}

const METHODS: [&[u8]; 5] = [b"GET /", b"POST /", b"HEAD /", b"OPTIONS ", b"CONNECT "];
/// A header of two bytes may consist of printable characters.
const SHORTEST_TEXT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_what_is_not_a_frame() {
        let rsv = Violation::ReservedBits(0x40);
        for (bytes, sentence) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"[..],
                "an HTTP response inside the session: 'HTTP/1.1 400 Bad Request'",
            ),
            (
                b"\r\nHTTP/1.0 502 \x1b[2J",
                "an HTTP response inside the session: 'HTTP/1.0 502 \\x1b[2J'",
            ),
            (b"GET /x HTTP/1.1\r\n", "an HTTP request inside the session: 'GET /x HTTP/1.1'"),
            (b"\x15\x03\x03\0\x02", "a TLS record inside the session"),
            (b"\r\n", "a line break outside a frame: '\\r\\n'"),
            (b"\n\x81\x02hi", "a line break outside a frame: '\\n'"),
            (b"\0\0", "NUL outside a frame: '\\x00\\x00'"),
            (b"\0\x81\x02hi", "NUL outside a frame: '\\x00'"),
            (b"hello world\n", "text outside a frame: 'hello world\\n'"),
            (b"upgraded\n\x88\x02\x03\xea", "text outside a frame: 'upgraded\\n'"),
            ("{\"ü".as_bytes(), "text outside a frame: '{\"ü'"),
            (&"{\"aü".as_bytes()[..4], "text outside a frame: '{\"a'"),
            (
                &[b'x'; 64],
                "text outside a frame: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'",
            ),
        ] {
            let found = OutsideFrames::of(rsv, bytes).map(|it| it.sentence(bytes));
            assert_eq!(found.as_deref(), Some(sentence));
        }
    }

    #[test]
    fn takes_a_frame_that_breaks_a_rule_for_a_frame() {
        for bytes in [
            &b"\xa1\x01x"[..],
            b"\x81\x81\0\0\0\0x",
            b"\x0a\x05hello",
            b"\0\x05hello",
            b"\0\x01x",
            b"\xc1\x05\xf2H\xcd\xc9\xc9",
            b"A ",
            b"q ok\x01\x02ok",
            b"A",
            b"",
        ] {
            assert_eq!(OutsideFrames::of(Violation::ReservedBits(0x40), bytes), None, "{bytes:?}");
        }
        assert_eq!(OutsideFrames::of(Violation::TextNotUtf8, b"HTTP/1.1 200 OK"), None);
    }
}
