//! The part of the screen that one message occupies. Text is escaped, line breaks are marked, and
//! nothing is rendered that would not be shown.

use super::extent::{Extent, Room};
use crate::escape::{Unit, units, write_unit};
use colored::Colorize as _;
use std::fmt;

/// Writes text of a peer until the message's part of the screen is full.
pub struct Page<'a, W> {
    out: &'a mut W,
    extent: Extent,
    /// The column of the mark of a continuation line.
    indent: usize,
    row: usize,
    column: usize,
    /// Bytes written.
    written: usize,
    is_full: bool,
}

impl<'a, W: fmt::Write> Page<'a, W> {
    /// Continues a line that already has `column` columns. The marks of further lines are in column
    /// `indent`.
    pub fn new(extent: Extent, indent: usize, column: usize, out: &'a mut W) -> Self {
        Self { out, extent, indent, row: 1, column, written: 0, is_full: false }
    }

    /// Reports whether something was left out.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Appends text of a peer, escaped. A line feed begins a marked line, since the text could
    /// otherwise pass for other messages and for notes of this program. Returns the number of bytes
    /// of the text that were written.
    pub fn text(&mut self, text: &str) -> Result<usize, fmt::Error> {
        let mut shown = 0;
        for unit in units(text) {
            shown += match unit {
                Unit::Ascii(run) => self.run(run)?,
                Unit::Escaped('\n') => {
                    self.marked_line()?;
                    1
                }
                unit => {
                    // An upper bound: a tab advances to the next multiple of eight.
                    let is_tab = unit == Unit::Escaped('\t');
                    let width = if is_tab { TAB_COLUMNS } else { unit.width() };
                    if self.advance(width, unit.text_length()) {
                        if is_tab {
                            self.out.write_char('\t')
                        } else {
                            write_unit(unit, self.out)
                        }?;
                    }
                    unit.text_length()
                }
            };
            if self.is_full {
                // The text that did not fit is at the end of the counted text.
                let whole = !matches!(unit, Unit::Ascii(_));
                return Ok(shown - if whole { unit.text_length() } else { 0 });
            }
        }
        Ok(shown)
    }

    /// Appends as much of a run of printable ASCII as fits. Returns the number of its bytes that
    /// were written.
    fn run(&mut self, run: &str) -> Result<usize, fmt::Error> {
        let mut shown = 0;
        while let Some(rest) = run.get(shown..).filter(|rest| !rest.is_empty()) {
            let free = match self.extent {
                Extent::Whole => rest.len(),
                Extent::Start(limit) => limit.saturating_sub(self.written),
                Extent::Screen(Room { columns, .. }) => {
                    let columns = columns.max(1);
                    if self.column >= columns && !self.wrap() {
                        return Ok(shown);
                    }
                    columns.saturating_sub(self.column)
                }
            };
            let part = rest.get(..free).unwrap_or(rest);
            if part.is_empty() {
                self.is_full = true;
                return Ok(shown);
            }
            self.out.write_str(part)?;
            self.column += part.len();
            self.written += part.len();
            shown += part.len();
        }
        Ok(shown)
    }

    /// Makes room for a unit of `width` columns. Returns false if the page is full.
    fn advance(&mut self, width: usize, bytes: usize) -> bool {
        match self.extent {
            Extent::Whole => {}
            Extent::Start(limit) => self.is_full |= self.written >= limit,
            Extent::Screen(Room { columns, .. }) => {
                if self.column + width > columns.max(1) {
                    self.wrap();
                }
            }
        }
        if self.is_full {
            return false;
        }
        self.column += width;
        self.written += bytes.max(width);
        true
    }

    /// Continues in the next row, which the terminal begins by itself.
    fn wrap(&mut self) -> bool {
        self.row += 1;
        self.column = 0;
        if let Extent::Screen(Room { rows, .. }) = self.extent {
            self.is_full |= self.row > rows;
        }
        !self.is_full
    }

    /// Begins a line without a mark, for a layout made by this program.
    pub fn line(&mut self, indent: usize) -> fmt::Result {
        self.wrap();
        if let Extent::Start(limit) = self.extent {
            self.is_full |= self.written >= limit;
        }
        if self.is_full {
            return Ok(());
        }
        self.column = indent;
        self.written += 1 + indent;
        write!(self.out, "\n{:indent$}", "")
    }

    fn marked_line(&mut self) -> fmt::Result {
        self.line(self.indent)?;
        if self.is_full {
            return Ok(());
        }
        self.column += CONTINUATION.len() + 1;
        self.written += CONTINUATION.len() + 1;
        write!(self.out, "{} ", CONTINUATION.dimmed())
    }

    /// Appends a control sequence, such as a colour, unless the page is full.
    pub fn sequence(&mut self, sequence: &str) -> fmt::Result {
        self.written += sequence.len();
        self.out.write_str(sequence)
    }
}

/// The mark of a line that continues a message.
pub const CONTINUATION: &str = "|";
const TAB_COLUMNS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn page(extent: Extent, text: &str) -> (String, usize, bool) {
        let mut out = String::new();
        let mut page = Page::new(extent, 0, 2, &mut out);
        let shown = page.text(text).unwrap();
        let is_full = page.is_full();
        (out, shown, is_full)
    }

    #[test]
    fn a_line_of_the_peer_is_marked_and_cannot_pass_for_another_message() {
        let (out, ..) = page(Extent::Whole, "a\n< b\r\n\n| c\n");
        assert_eq!(out, "a\n| < b\\r\n| \n| | c\n| ");
        let mut out = String::new();
        Page::new(Extent::Whole, 3, 5, &mut out).text("a\nb").unwrap();
        assert_eq!(out, "a\n   | b");
    }

    #[test]
    fn text_without_a_width_does_not_fill_the_screen_unseen() {
        let room = Extent::Screen(Room { columns: 20, rows: 3 });
        let joined = "\u{1f468}\u{200d}".repeat(100_000);
        for text in ["e\u{301}".repeat(100_000), "\u{301}".repeat(100_000), joined] {
            let (out, shown, is_full) = page(room, &text);
            assert!(is_full && out.len() < 60 * 20, "{}", out.len());
            assert!(shown > 0 && shown < out.len() + 1);
            assert!(text.is_char_boundary(shown));
        }
    }

    #[test]
    fn a_wide_character_is_not_split_between_rows() {
        let room = Extent::Screen(Room { columns: 5, rows: 2 });
        let text = "\u{65e5}".repeat(4);
        assert_eq!(page(room, &text), ("\u{65e5}".repeat(3), 9, true));
        assert!(!page(room, &"\u{65e5}".repeat(3)).2);
    }

    #[test]
    fn a_start_is_limited_in_bytes() {
        let (out, shown, is_full) = page(Extent::Start(10), &"x".repeat(100));
        assert_eq!((out.len(), shown, is_full), (10, 10, true));
        let (out, _, is_full) = page(Extent::Start(10), &"\x1b".repeat(100));
        assert!(is_full && out.len() < 20, "{out}");
    }
}
