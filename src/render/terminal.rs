//! Messages on a terminal, for runs that show only received messages.

use super::{
    buffer::OutputBuffer,
    dialogue::{Dialogue, MAX_JSON_BYTES},
    extent::Extent,
    hexdump::{ROW, dump_row, hexdump},
    page::{CONTINUATION, Page},
};
use crate::{
    escape::{Unit, units},
    proto::{Kind, Piece, slice::Within},
};
use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

/// The output format of pipe mode when stdout is a terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    dialogue: Dialogue,
    /// The start of a message, or the part of a long one that is not written yet.
    pending: Vec<u8>,
    /// The long message that is being written.
    long: Option<LongMessage>,
}

/// A message that is too long to keep.
#[derive(Clone, Copy, Debug)]
struct LongMessage {
    /// Bytes of the message written so far.
    written: usize,
    /// The column of the marks of further lines.
    indent: usize,
}

impl Terminal {
    /// Creates a writer with these display options.
    pub fn new(dialogue: Dialogue) -> Self {
        Self { dialogue, ..Self::default() }
    }

    /// Adds a piece. A message is written once it is complete, or in parts if it is long, since its
    /// memory use would otherwise be unbounded.
    pub fn piece(&mut self, piece: &Piece<'_>, out: &mut OutputBuffer) {
        if piece.first {
            self.long = None;
            self.pending.clear();
        }
        // Writing to a buffer cannot fail.
        let _ = self.write_piece(piece, &mut Appender(out.bytes()));
        if piece.last || self.long.is_some() {
            out.release();
        }
    }

    /// Ends a message that was not completed. Returns the number of its bytes that were written.
    pub fn break_off(&mut self, out: &mut OutputBuffer) -> u64 {
        self.pending.clear();
        let Some(long) = self.long.take() else { return 0 };
        out.bytes().push(b'\n');
        out.release();
        long.written as u64
    }

    fn write_piece(&mut self, piece: &Piece<'_>, out: &mut Appender<'_>) -> fmt::Result {
        if piece.first && piece.last {
            return self.write_whole(piece.kind, piece.payload, out);
        }
        self.pending.extend_from_slice(piece.payload);
        if self.long.is_none() {
            if piece.last {
                let message = std::mem::take(&mut self.pending);
                self.write_whole(piece.kind, &message, out)?;
                self.pending = message;
                self.pending.clear();
                return Ok(());
            }
            if self.pending.len() <= MAX_JSON_BYTES {
                return Ok(());
            }
            let (time, indent) = self.dialogue.time(SystemTime::now());
            out.write_str(&time)?;
            self.long = Some(LongMessage { written: 0, indent });
        }
        self.write_long(piece.kind, piece.last, out)?;
        if piece.last {
            self.long = None;
            self.pending = Vec::new();
            out.write_char('\n')?;
        }
        Ok(())
    }

    fn write_whole(&self, kind: Kind, message: &[u8], out: &mut Appender<'_>) -> fmt::Result {
        let (time, indent) = self.dialogue.time(SystemTime::now());
        out.write_str(&time)?;
        match kind {
            Kind::Text => {
                let text = String::from_utf8_lossy(message);
                let text = unmarked(&text, out)?;
                self.dialogue.write_text(text, indent, indent, out)?;
            }
            Kind::Binary => hexdump(message, ROW, out)?,
        }
        out.write_char('\n')
    }

    /// Writes the pending part of a long message, up to its last whole row or character.
    fn write_long(&mut self, kind: Kind, last: bool, out: &mut Appender<'_>) -> fmt::Result {
        let Some(long) = &mut self.long else { return Ok(()) };
        let end = match kind {
            _ if last => self.pending.len(),
            Kind::Text => text_end(&self.pending),
            Kind::Binary => self.pending.len() / ROW * ROW,
        };
        let part = self.pending.within(..end);
        match kind {
            Kind::Text => {
                let text = String::from_utf8_lossy(part);
                let text = if long.written == 0 { unmarked(&text, out)? } else { &text };
                Page::new(Extent::Whole, long.indent, long.indent, out).text(text)?;
            }
            Kind::Binary => {
                for (i, row) in part.chunks(ROW).enumerate() {
                    let offset = long.written + i * ROW;
                    if offset > 0 {
                        out.write_char('\n')?;
                    }
                    dump_row(offset, row, ROW, out)?;
                }
            }
        }
        long.written += end;
        self.pending.drain(..end);
        Ok(())
    }
}

/// Escapes the start of a message that looks like the mark of a continuation line, since messages
/// have no direction mark here. Returns the rest.
fn unmarked<'a>(text: &'a str, out: &mut Appender<'_>) -> Result<&'a str, fmt::Error> {
    let Some(rest) = text.strip_prefix(CONTINUATION) else { return Ok(text) };
    write!(out, "\\{CONTINUATION}")?;
    Ok(rest)
}

/// Returns the length of the start of a text that ends between two units, however the text
/// continues.
fn text_end(bytes: &[u8]) -> usize {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let limit = text.len().saturating_sub(MAX_CLUSTER_BYTES);
    let mut end = 0;
    for unit in units(text) {
        let next = end + unit.text_length();
        if next > limit {
            return if matches!(unit, Unit::Ascii(_)) { limit } else { end };
        }
        end = next;
    }
    end
}

/// Appends text to the output.
struct Appender<'a>(&'a mut Vec<u8>);

impl fmt::Write for Appender<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// More than the longest cluster, in bytes.
const MAX_CLUSTER_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: Kind, payload: &[u8], first: bool, last: bool) -> Piece<'_> {
        Piece { kind, payload, first, last, carried: 0, frames: 1 }
    }

    /// Returns the output for a message that arrives in pieces of `size` bytes.
    fn shown(kind: Kind, message: &[u8], size: usize) -> String {
        let (mut terminal, mut out) = (Terminal::default(), OutputBuffer::default());
        let mut text = Vec::new();
        let count = message.len().div_ceil(size);
        for (i, part) in message.chunks(size).enumerate() {
            terminal.piece(&piece(kind, part, i == 0, i + 1 == count), &mut out);
            assert!(terminal.pending.len() <= MAX_JSON_BYTES + size);
            text.extend_from_slice(out.ready());
            out.advance(out.ready().len());
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn messages_are_lines_and_their_own_lines_are_marked() {
        assert_eq!(shown(Kind::Text, b"a\nb\x1b", 9), "a\n| b\\x1b\n");
        assert_eq!(shown(Kind::Text, b"| a", 9), "\\| a\n");
        assert_eq!(shown(Kind::Text, b"a| b", 2), "a| b\n");
        assert_eq!(shown(Kind::Binary, b"a", 9), format!("{}\n", dump(b"a")));
    }

    fn dump(bytes: &[u8]) -> String {
        let mut out = String::new();
        hexdump(bytes, ROW, &mut out).unwrap();
        out
    }

    #[test]
    fn a_long_message_streams_and_looks_as_if_it_had_not() {
        let bytes: Vec<u8> = (0..=255).cycle().take(MAX_JSON_BYTES * 2 + 7).collect();
        assert!(shown(Kind::Binary, &bytes, 50_001) == format!("{}\n", dump(&bytes)));
        let family = "| \u{1f468}\u{200d}\u{1f469}e\u{301}\u{e9}\u{65e5}\n\x1b";
        let unspaced = "\u{1f468}\u{200d}\u{1f469}\u{1f468}\u{200d}\u{1f469}";
        for unit in [family, "\u{65e5}", unspaced] {
            let text = unit.repeat(MAX_JSON_BYTES * 2 / unit.len());
            let whole = shown(Kind::Text, text.as_bytes(), text.len());
            let parts = shown(Kind::Text, text.as_bytes(), 50_001);
            assert!(parts == whole, "{unit}");
        }
    }

    #[test]
    fn a_long_message_that_breaks_is_shown_in_part() {
        let (mut terminal, mut out) = (Terminal::default(), OutputBuffer::default());
        terminal.piece(&piece(Kind::Text, b"short", true, false), &mut out);
        assert_eq!((terminal.break_off(&mut out), out.ready()), (0, &b""[..]));
        let long = vec![b'x'; MAX_JSON_BYTES + 1];
        terminal.piece(&piece(Kind::Text, &long, true, false), &mut out);
        let written = terminal.break_off(&mut out);
        assert_eq!((written, out.ready().last()), (out.ready().len() as u64 - 1, Some(&b'\n')));
        out.clear();
        terminal.piece(&piece(Kind::Text, b"next", true, true), &mut out);
        assert_eq!(out.ready(), b"next\n");
    }
}
