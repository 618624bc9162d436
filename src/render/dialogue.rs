//! Human-readable sessions: `<` marks received messages, `>` marks sent ones.

use super::{
    hexdump::{ROW, hexdump, row_length},
    json::{self, Tokens},
    summary::ms,
};
use crate::proto::trace::Direction;
use crate::{
    escape::{Escaped, escape_lines},
    proto::{Kind, slice::Within},
    script::json::is_whole,
};
use colored::Colorize as _;
use data_encoding::HEXLOWER;
use jiff::{Timestamp, tz::TimeZone};
use std::{
    borrow::Cow,
    fmt::Write as _,
    time::{Duration, SystemTime},
};
use unicode_width::UnicodeWidthChar as _;

/// Display options of a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialogue {
    /// Lay out JSON with one member per line.
    pub pretty: bool,
    /// Prefix each line with the time of day.
    pub times: bool,
    /// Space for one message; a longer one is truncated. `None` shows messages in full.
    pub room: Option<Room>,
}

/// The part of the screen that a message may occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Width of the screen in columns.
    pub columns: usize,
    /// Maximum rows per message.
    pub rows: usize,
}

impl Dialogue {
    /// Returns a message with its direction mark. `at` is the time shown.
    pub fn message(
        &self,
        direction: Direction,
        kind: Kind,
        message: &[u8],
        at: SystemTime,
    ) -> String {
        let (mut out, width) = self.head(direction, at);
        match kind {
            Kind::Text => self.text(&String::from_utf8_lossy(message), width, &mut out),
            Kind::Binary => self.binary(message, &mut out),
        }
        out
    }

    /// Returns a message without a direction mark, for output that shows only received messages.
    pub fn alone(&self, kind: Kind, message: &[u8], at: SystemTime) -> String {
        let mut out = String::new();
        if self.times {
            let _ = write!(out, "{} ", clock(at).dimmed());
        }
        match kind {
            Kind::Text => self.text(&String::from_utf8_lossy(message), 0, &mut out),
            Kind::Binary => hexdump(message, ROW, &mut out),
        }
        out
    }

    /// Returns the line of a ping or pong, with the round-trip time of a pong.
    pub fn control(
        &self,
        direction: Direction,
        name: &str,
        payload: &[u8],
        rtt: Option<Duration>,
        at: SystemTime,
    ) -> String {
        let (mut out, _) = self.head(direction, at);
        out.push_str(name);
        // Writing to a String cannot fail, here and below.
        match std::str::from_utf8(payload) {
            Ok("") => {}
            // A payload with NUL bytes is a counter, not text.
            Ok(text) if !text.contains('\0') => {
                let _ = write!(out, " {}", Escaped(text));
            }
            _ => {
                let _ = write!(out, " 0x{}", HEXLOWER.encode(payload));
            }
        }
        if let Some(rtt) = rtt {
            let _ = write!(out, " ({})", ms(rtt));
        }
        out
    }

    /// Returns the prefix of a line and its width in columns.
    fn head(&self, direction: Direction, at: SystemTime) -> (String, usize) {
        let mark = match direction {
            Direction::In => "<".blue(),
            Direction::Out => ">".green(),
        };
        if !self.times {
            return (format!("{mark} "), 2);
        }
        let time = clock(at);
        (format!("{} {mark} ", time.dimmed()), time.len() + 3)
    }

    fn text(&self, text: &str, width: usize, out: &mut String) {
        let is_json = text.len() <= LAID_OUT && is_whole(text);
        let laid_out = if self.pretty && is_json {
            Cow::Owned(json::pretty(text))
        } else {
            Cow::Borrowed(text)
        };
        let end = self.room.map_or(laid_out.len(), |room| room.end(&laid_out, width));
        let shown = laid_out.get(..end).unwrap_or(&laid_out);
        if is_json {
            Tokens::new(shown).for_each(|(token, text)| json::paint(token, text, out));
        } else {
            escape_lines(shown, out);
        }
        if end < laid_out.len() {
            // Laid-out JSON is longer than the message, so only the total size is meaningful.
            let part = if laid_out == text { format!("{end} of ") } else { String::new() };
            cut(&part, text.len(), out);
        }
    }

    fn binary(&self, message: &[u8], out: &mut String) {
        let _ = writeln!(out, "binary, {} bytes", message.len());
        let (row, rows) = match self.room {
            // The heading takes one row.
            Some(room) => (row_length(room.columns), room.rows.saturating_sub(1).max(1)),
            None => (ROW, usize::MAX),
        };
        let end = message.len().min(rows.saturating_mul(row));
        hexdump(message.within(..end), row, out);
        if end < message.len() {
            cut(&format!("{end} of "), message.len(), out);
        }
    }
}

impl Room {
    /// Returns the byte offset at which to truncate a text that begins in column `width`.
    fn end(&self, text: &str, width: usize) -> usize {
        let Self { columns, rows } = *self;
        let columns = columns.max(1);
        let lines = memchr::memchr_iter(b'\n', text.as_bytes()).take(rows + 1).count();
        if text.len().saturating_mul(WIDEST) / columns + lines < rows {
            return text.len();
        }
        let (mut row, mut column) = (1, width);
        for (at, c) in text.char_indices() {
            if c == '\n' {
                (row, column) = (row + 1, 0);
            } else {
                let wide = shown_width(c);
                column += wide;
                if column > columns {
                    (row, column) = (row + 1, wide);
                }
            }
            if row > rows {
                return at;
            }
        }
        text.len()
    }
}

/// Returns the width of a character in columns, after escaping.
fn shown_width(c: char) -> usize {
    match c {
        ' '..='~' => 1,
        // An upper bound: a tab advances to the next multiple of eight.
        '\t' => 8,
        c => {
            let escaped = Escaped(c.encode_utf8(&mut [0; 4])).to_string();
            escaped.chars().map(|c| c.width().unwrap_or(0)).sum()
        }
    }
}

/// Appends a note that the message is truncated.
fn cut(part: &str, bytes: usize, out: &mut String) {
    let note = format!("({part}{bytes} bytes; /last shows all, /save FILE keeps it)");
    let _ = write!(out, "\n{}", note.dimmed());
}

/// Returns the local time of day with milliseconds.
pub fn clock(at: SystemTime) -> String {
    let Ok(at) = Timestamp::try_from(at) else { return String::new() };
    let time = at.to_zoned(TimeZone::system()).time();
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", time.millisecond())
}

/// Longest text that is checked for JSON, in bytes.
const LAID_OUT: usize = 1 << 20;
/// Maximum columns per byte of text: an escaped control character.
const WIDEST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: SystemTime = SystemTime::UNIX_EPOCH;

    fn shown(dialogue: Dialogue, kind: Kind, message: impl AsRef<[u8]>) -> String {
        dialogue.message(Direction::In, kind, message.as_ref(), NOON)
    }

    fn room(columns: usize, rows: usize) -> Dialogue {
        Dialogue { room: Some(Room { columns, rows }), ..<_>::default() }
    }

    #[test]
    fn text_is_escaped_and_json_pretty_printed_only_on_request() {
        let plain = Dialogue::default();
        let pretty = Dialogue { pretty: true, ..plain };
        assert_eq!(shown(plain, Kind::Text, "a\x1bb\nc"), "< a\\x1bb\nc");
        assert_eq!(shown(plain, Kind::Text, "{\"a\": 1}"), "< {\"a\": 1}");
        assert_eq!(shown(pretty, Kind::Text, "{\"a\":1}"), "< {\n  \"a\": 1\n}");
        assert_eq!(shown(pretty, Kind::Text, "{\"a\":1"), "< {\"a\":1");
        assert_eq!(
            shown(pretty, Kind::Text, "{\"a\u{202e}\":\"\u{9b}\"}").matches("\\u").count(),
            2
        );
    }

    #[test]
    fn a_message_that_fits_is_not_truncated() {
        for (text, fits) in [
            ("x".repeat(38), true),
            ("x".repeat(78), true),
            ("x".repeat(79), false),
            ("\u{65e5}".repeat(39), true),
            ("\u{65e5}".repeat(40), false),
            ("a\nb".to_owned(), true),
            ("a\nb\nc".to_owned(), false),
            ("\x1b".repeat(19), true),
            ("\x1b".repeat(20), false),
        ] {
            let out = shown(room(40, 2), Kind::Text, &text);
            assert_eq!(!out.contains("/last"), fits, "{out}");
        }
        let out = shown(room(40, 2), Kind::Text, "y".repeat(1000));
        let note = "(78 of 1000 bytes; /last shows all, /save FILE keeps it)";
        assert_eq!(out, format!("< {}\n{note}", "y".repeat(78)));
    }

    #[test]
    fn a_dump_is_truncated_to_the_screen_and_fits_its_width() {
        let out = shown(room(40, 3), Kind::Binary, [7; 100]);
        let rows: Vec<_> = out.lines().collect();
        assert_eq!((rows[0], rows.len()), ("< binary, 100 bytes", 4));
        assert!(rows[1..3].iter().all(|row| row.len() <= 40), "{out}");
        assert!(rows[3].starts_with("(8 of 100 bytes; "), "{out}");
    }

    #[test]
    fn a_control_frame_is_one_line() {
        let dialogue = Dialogue::default();
        let pong =
            |payload: &[u8], rtt| dialogue.control(Direction::In, "pong", payload, rtt, NOON);
        assert_eq!(pong(b"", None), "< pong");
        assert_eq!(pong(b"abc", Some(Duration::from_micros(1250))), "< pong abc (1.2 ms)");
        assert_eq!(pong(&[0, 0, 0, 0, 0, 0, 0, 1], None), "< pong 0x0000000000000001");
    }

    #[test]
    fn the_time_of_day_comes_first() {
        let dialogue = Dialogue { times: true, ..<_>::default() };
        let out = shown(dialogue, Kind::Text, "x");
        let (time, rest) = out.split_at(12);
        assert_eq!(rest, " < x");
        assert!(time.ends_with(":00.000"), "{time}");
    }
}
