//! The lines of a recording, read in bounded memory whatever the file holds.

use std::io::{self, BufRead, Read as _};

/// Reads lines and cuts long strings in those that are too long to keep.
pub struct LineReader<R> {
    input: R,
    line: Vec<u8>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Longest line that is kept whole, and longest line without the ends of its strings, in bytes.
    line: usize,
    /// Longest string in a line that is too long to keep, in bytes.
    string: usize,
}

/// A line of a recording.
#[derive(Debug, PartialEq, Eq)]
pub struct RecordedLine<'a> {
    /// The line without its terminator.
    pub bytes: &'a [u8],
    /// True if the line has a terminator.
    pub is_whole: bool,
    /// True if the ends of long strings are missing.
    pub is_cut: bool,
}

/// The reason why a line was not read.
#[derive(Debug)]
pub enum LineError {
    /// The file cannot be read.
    Read(io::Error),
    /// The line is too long without the ends of its long strings.
    TooLong,
}

impl<R: BufRead> LineReader<R> {
    /// Creates a reader of the lines of `input`.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), limits: LIMITS }
    }

    /// Creates a reader with other limits for lines and for strings in long lines.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn with_limits(input: R, line: usize, string: usize) -> Self {
        Self { limits: Limits { line, string }, ..Self::new(input) }
    }

    /// Returns the next line, or `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<RecordedLine<'_>>, LineError> {
        self.line.clear();
        self.line.shrink_to(KEPT_BYTES);
        let mut start = (&mut self.input).take(self.limits.line as u64);
        start.read_until(b'\n', &mut self.line).map_err(LineError::Read)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let mut is_whole = self.line.ends_with(b"\n");
        let is_cut = !is_whole && self.line.len() == self.limits.line;
        if is_cut {
            is_whole = self.cut()?;
        } else if is_whole {
            self.line.pop();
        }
        Ok(Some(RecordedLine { bytes: &self.line, is_whole, is_cut }))
    }

    /// Reads the rest of a long line and removes the ends of its long strings. Returns true if the
    /// line has a terminator.
    fn cut(&mut self) -> Result<bool, LineError> {
        let mut cutter = StringCutter { limit: self.limits.string, ..StringCutter::default() };
        cutter.push(&std::mem::take(&mut self.line));
        let is_whole = loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(LineError::Read(cause)),
            };
            let end = memchr::memchr(b'\n', bytes);
            let length = end.unwrap_or(bytes.len());
            cutter.push(bytes.get(..length).unwrap_or_default());
            if cutter.kept.len() > self.limits.line {
                return Err(LineError::TooLong);
            }
            if end.is_some() {
                self.input.consume(length + 1);
                break true;
            }
            if length == 0 {
                break false;
            }
            self.input.consume(length);
        };
        self.line = cutter.kept;
        Ok(is_whole)
    }
}

/// Removes the end of each string that is longer than a limit from a JSON text.
#[derive(Default)]
struct StringCutter {
    /// Longest string, in bytes.
    limit: usize,
    kept: Vec<u8>,
    place: Place,
    /// Number of bytes of the current string that were kept.
    length: usize,
    /// True if the current string is base64 so far.
    is_base64: bool,
    /// True if the last escape was the first half of a surrogate pair.
    is_half: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    String,
    /// After a backslash.
    Escape,
    /// Inside `\uXXXX`: the digits left, and those read.
    Digits(u8, u32),
    /// In the removed end of a string; true after a backslash.
    Removed(bool),
}

impl StringCutter {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            if self.place == Place::Removed(false) && !matches!(byte, b'"' | b'\\') {
                // The removed end may be very long.
                let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            self.byte(*byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Outside, b'"') => {
                (self.length, self.is_base64, self.is_half) = (0, true, false);
                self.kept.push(byte);
                Place::String
            }
            (Place::Outside, _) | (Place::String | Place::Removed(false), b'"') => {
                self.kept.push(byte);
                Place::Outside
            }
            (Place::String, _) if self.ends_before(byte) => Place::Removed(byte == b'\\'),
            (Place::String, b'\\') => self.keep(byte, Place::Escape),
            (Place::Escape, b'u') => self.keep(byte, Place::Digits(4, 0)),
            (Place::String | Place::Escape, _) => {
                self.is_half = false;
                self.keep(byte, Place::String)
            }
            (Place::Digits(left, digits), _) => {
                let digits = digits << 4 | char::from(byte).to_digit(16).unwrap_or_default();
                if left > 1 {
                    self.keep(byte, Place::Digits(left - 1, digits))
                } else {
                    self.is_half = (0xd800..0xdc00).contains(&digits);
                    self.keep(byte, Place::String)
                }
            }
            (Place::Removed(false), b'\\') => Place::Removed(true),
            (Place::Removed(_), _) => Place::Removed(false),
        };
    }

    fn keep(&mut self, byte: u8, place: Place) -> Place {
        self.is_base64 &= byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        self.kept.push(byte);
        self.length += 1;
        place
    }

    /// Reports whether the string is long enough and can end before `byte`: not inside a character,
    /// a surrogate pair or four digits of base64.
    fn ends_before(&self, byte: u8) -> bool {
        self.length >= self.limit
            && !self.is_half
            && byte & 0xc0 != 0x80
            && (!self.is_base64 || self.length.is_multiple_of(4))
    }
}

const LIMITS: Limits = Limits { line: 12 << 20, string: 8 << 20 };
/// Capacity kept between lines, in bytes.
const KEPT_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { line: 12_000, string: 8_000 };

    fn reader(text: &[u8]) -> LineReader<impl BufRead> {
        let input = io::BufReader::with_capacity(1000, text);
        LineReader::with_limits(input, SMALL.line, SMALL.string)
    }

    /// Returns the lines of a text, each with its flags.
    fn lines(text: &[u8]) -> Vec<(Vec<u8>, bool, bool)> {
        let mut reader = reader(text);
        let mut all = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            all.push((line.bytes.to_vec(), line.is_whole, line.is_cut));
        }
        all
    }

    #[test]
    fn a_line_that_fits_is_as_it_was() {
        let text = [&b"{}\n\n"[..], &vec![b'x'; SMALL.line - 1], b"\nlast"].concat();
        let lines = lines(&text);
        assert_eq!(lines[0], (b"{}".to_vec(), true, false));
        assert_eq!(lines[1], (Vec::new(), true, false));
        assert_eq!((lines[2].0.len(), lines[2].2), (SMALL.line - 1, false));
        assert_eq!(lines[3], (b"last".to_vec(), false, false));
    }

    #[test]
    fn the_end_of_a_long_string_is_removed_and_the_line_is_still_json() {
        for unit in
            ["x", "\u{e9}", "\\u00e9", "\\ud83d\\ude00", "\u{1f600}", "\\\\", "\\\"", "AP8="]
        {
            for shift in ["", "-", "--", "---"] {
                let long = unit.repeat(SMALL.line / unit.len() + 1);
                let text = format!("{{\"a\\\"\":\"{shift}{long}\",\"b\":\"}}\"}}\nnext\n");
                let lines = lines(text.as_bytes());
                assert_eq!((lines[0].1, lines[0].2), (true, true), "{unit}");
                let value: serde_json::Value = serde_json::from_slice(&lines[0].0).unwrap();
                assert!(value["a\""].as_str().unwrap().len() * 12 >= SMALL.string, "{unit}");
                assert_eq!(value["b"], "}");
                assert!(lines[0].0.len() <= SMALL.string + 40, "{unit}");
                assert_eq!(lines[1], (b"next".to_vec(), true, false));
            }
        }
    }

    #[test]
    fn an_endless_line_is_not_read_completely() {
        for endless in [&b"[[[["[..], b"{\"a\":\"\",", b"\0\0\0\0"] {
            let endless = endless.repeat(SMALL.line);
            let mut input = &endless[..];
            let mut reader = LineReader::with_limits(&mut input, SMALL.line, SMALL.string);
            assert!(matches!(reader.next_line(), Err(LineError::TooLong)));
        }
    }
}
