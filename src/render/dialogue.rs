//! Human-readable sessions: `<` marks received messages, `>` marks sent ones.

use super::{
    extent::Extent,
    hexdump::{ROW, hexdump, row_length},
    json::{self, Tokens},
    local_time::local_zone,
    page::Page,
    summary::ms,
};
use crate::proto::trace::Direction;
use crate::{
    escape::Escaped,
    proto::{Kind, slice::Within},
    script::{addressee::Addressee, json::is_whole},
};
use colored::{Color, Colorize as _};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use std::{
    fmt::{self, Write},
    time::{Duration, SystemTime},
};

/// Display options of a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialogue {
    /// Lay out JSON with one member per line.
    pub pretty: bool,
    /// Prefix each line with the time of day.
    pub times: bool,
    /// The part of a message to show.
    pub extent: Extent,
    /// The other side, which precedes the mark in a server with many clients.
    pub peer: Option<Addressee>,
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
        let mut out = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = self.write_message(direction, kind, message, at, &mut out);
        out
    }

    /// Writes a message with its direction mark and without a newline at its end. `at` is the time
    /// shown.
    pub fn write_message(
        &self,
        direction: Direction,
        kind: Kind,
        message: &[u8],
        at: SystemTime,
        out: &mut impl Write,
    ) -> fmt::Result {
        self.write_start(direction, (kind, message, message.len()), at, out)
    }

    /// Returns the start of a message of `length` bytes, with its direction mark and a note that it
    /// is truncated.
    pub fn long_message(
        &self,
        direction: Direction,
        kind: Kind,
        (start, length): (&[u8], usize),
        at: SystemTime,
    ) -> String {
        let mut out = String::new();
        let _ = self.write_start(direction, (kind, start, length), at, &mut out);
        out
    }

    fn write_start(
        &self,
        direction: Direction,
        (kind, start, length): (Kind, &[u8], usize),
        at: SystemTime,
        out: &mut impl Write,
    ) -> fmt::Result {
        let (head, width) = self.head(direction, at);
        out.write_str(&head)?;
        self.write_content((kind, start, length), width, width, out)
    }

    /// Returns the decoded form of a binary message, with a mark that says so.
    pub fn decoded(
        &self,
        direction: Direction,
        kind: Kind,
        message: &[u8],
        at: SystemTime,
    ) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_decoded(direction, kind, message, at, &mut out);
        out
    }

    /// Writes the decoded form of a binary message, with a mark that says so.
    pub fn write_decoded(
        &self,
        direction: Direction,
        kind: Kind,
        message: &[u8],
        at: SystemTime,
        out: &mut impl Write,
    ) -> fmt::Result {
        let (head, width) = self.head(direction, at);
        write!(out, "{head}{} ", DECODED.dimmed())?;
        let content = (kind, message, message.len());
        self.write_content(content, width, width + DECODED.len() + 1, out)
    }

    /// Writes the content of a message after a head that ends in column `width` and further text that
    /// ends in column `column`.
    fn write_content(
        &self,
        (kind, start, length): (Kind, &[u8], usize),
        width: usize,
        column: usize,
        out: &mut impl Write,
    ) -> fmt::Result {
        match kind {
            Kind::Text => {
                let text = (&*String::from_utf8_lossy(start), length - start.len());
                self.write_text_start(text, width - MARK_COLUMNS, column, out)
            }
            Kind::Binary => {
                writeln!(out, "binary, {length} bytes")?;
                self.dump(start, length, out)
            }
        }
    }

    /// Returns the time that precedes a line, if times are shown, and its width in columns.
    pub fn time(&self, at: SystemTime) -> (String, usize) {
        if !self.times {
            return (String::new(), 0);
        }
        let time = clock(at);
        (format!("{} ", time.dimmed()), time.len() + 1)
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
            Direction::In => "<".bright_blue(),
            Direction::Out => ">".green(),
        };
        let (time, width) = self.time(at);
        let Some(peer) = self.peer else {
            return (format!("{time}{mark} "), width + MARK_COLUMNS);
        };
        let name = peer.to_string();
        let columns = width + name.len() + 1 + MARK_COLUMNS;
        (format!("{time}{} {mark} ", name.color(color_of(peer))), columns)
    }

    /// Writes text that begins in column `column`; further lines have a mark in column `indent`.
    pub fn write_text(
        &self,
        text: &str,
        indent: usize,
        column: usize,
        out: &mut impl Write,
    ) -> fmt::Result {
        self.write_text_start((text, 0), indent, column, out)
    }

    /// Writes the start of a text that is longer by `missing` bytes.
    fn write_text_start(
        &self,
        (text, missing): (&str, usize),
        indent: usize,
        column: usize,
        out: &mut impl Write,
    ) -> fmt::Result {
        let is_json = missing == 0 && text.len() <= MAX_JSON_BYTES && is_whole(text);
        let is_laid_out = self.pretty && is_json;
        let mut page = Page::new(self.extent, indent, column, out);
        let mut end = 0;
        if is_laid_out {
            json::lay_out(text, &mut page)?;
        } else if is_json {
            for (token, text) in Tokens::new(text) {
                end += json::paint(token, text, &mut page)?;
                if page.is_full() {
                    break;
                }
            }
        } else {
            end = page.text(text)?;
        }
        if page.is_full() || missing > 0 {
            // Laid-out JSON is longer than the message, so only the total size is meaningful.
            let part = if is_laid_out { String::new() } else { format!("{end} of ") };
            self.cut(&part, text.len() + missing, out)?;
        }
        Ok(())
    }

    /// Writes a dump of the start of a message of `length` bytes.
    fn dump(&self, start: &[u8], length: usize, out: &mut impl Write) -> fmt::Result {
        let (row, rows) = match self.extent {
            // The heading takes one row.
            Extent::Screen(room) => (row_length(room.columns), room.rows.saturating_sub(1).max(1)),
            Extent::Start(limit) => (ROW, limit / ROW_BYTES),
            Extent::Whole => (ROW, usize::MAX),
        };
        let end = start.len().min(rows.saturating_mul(row));
        hexdump(start.within(..end), row, out)?;
        if end < length {
            self.cut(&format!("{end} of "), length, out)?;
        }
        Ok(())
    }

    /// Writes a note that the message is truncated.
    fn cut(&self, part: &str, bytes: usize, out: &mut impl Write) -> fmt::Result {
        let hint = match self.extent {
            Extent::Screen(_) if bytes <= LONG_BYTES => "; /last shows all, /save FILE keeps it",
            Extent::Screen(_) => "; /last shows more, /save FILE keeps it",
            Extent::Start(_) | Extent::Whole => "",
        };
        let note = format!("({part}{bytes} bytes{hint})");
        write!(out, "\n{}", note.dimmed())
    }
}

/// Returns the colour of a client's number, so that neighbours differ.
fn color_of(peer: Addressee) -> Color {
    let Addressee::Client(id) = peer else { return Color::White };
    match id % 4 {
        0 => Color::Green,
        1 => Color::Cyan,
        2 => Color::Yellow,
        _ => Color::Magenta,
    }
}

/// Returns the local time of day with milliseconds.
pub fn clock(at: SystemTime) -> String {
    let Ok(at) = Timestamp::try_from(at) else { return String::new() };
    let time = at.to_zoned(local_zone()).time();
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", time.millisecond())
}

/// Longest text that is checked for JSON, in bytes.
pub const MAX_JSON_BYTES: usize = 1 << 20;
/// Longest message that `/last` is guaranteed to show in full, in bytes.
const LONG_BYTES: usize = 512 << 10;
/// Columns of a direction mark and the space after it.
const MARK_COLUMNS: usize = 2;
/// Bytes of a row of a dump.
const ROW_BYTES: usize = 79;

/// The mark of a message that was decoded.
const DECODED: &str = "(decoded)";

#[cfg(test)]
mod tests {
    use super::{super::extent::Room, *};

    const NOON: SystemTime = SystemTime::UNIX_EPOCH;

    fn shown(dialogue: Dialogue, kind: Kind, message: impl AsRef<[u8]>) -> String {
        dialogue.message(Direction::In, kind, message.as_ref(), NOON)
    }

    fn room(columns: usize, rows: usize) -> Dialogue {
        Dialogue { extent: Extent::Screen(Room { columns, rows }), ..<_>::default() }
    }

    #[test]
    fn text_is_escaped_and_json_pretty_printed_only_on_request() {
        let plain = Dialogue::default();
        let pretty = Dialogue { pretty: true, ..plain };
        assert_eq!(shown(plain, Kind::Text, "a\x1bb\nc"), "< a\\x1bb\n| c");
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
    fn a_message_of_which_only_the_start_is_known_is_truncated() {
        let long = |dialogue: Dialogue, kind, start: &[u8]| {
            dialogue.long_message(Direction::In, kind, (start, 9_000_000), NOON)
        };
        let hint = "9000000 bytes; /last shows more, /save FILE keeps it)";
        let start = "y".repeat(1000);
        let out = long(room(40, 2), Kind::Text, start.as_bytes());
        assert_eq!(out, format!("< {}\n(78 of {hint}", "y".repeat(78)));
        let out = long(room(40, 100), Kind::Text, start.as_bytes());
        assert_eq!(out, format!("< {start}\n(1000 of {hint}"));
        let out = long(room(40, 2), Kind::Binary, &[7; 100]);
        assert!(out.starts_with("< binary, 9000000 bytes\n00000000  07 "), "{out}");
        assert!(out.ends_with(&format!("|\n(4 of {hint}")), "{out}");
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
    fn a_server_names_the_client() {
        let dialogue = Dialogue { peer: Some(Addressee::Client(12)), ..<_>::default() };
        assert_eq!(shown(dialogue, Kind::Text, "a\nb"), "12 < a\n   | b");
        assert_eq!(dialogue.control(Direction::In, "pong", b"", None, NOON), "12 < pong");
        let all = Dialogue { peer: Some(Addressee::All), ..dialogue };
        assert_eq!(all.message(Direction::Out, Kind::Text, b"x", NOON), "all > x");
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
