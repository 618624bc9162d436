//! The end of a text that is longer than the screen.
//!
//! The editor paints all rows of its text below each message that is printed, and after some keys.
//! Rows above the screen scroll away and displace the messages there, so only the last ones are
//! painted again.

use crate::render::extent::Room;
use unicode_width::UnicodeWidthStr as _;

/// Returns the end of a text that fills the screen, or `None` if the text fits or the cursor, a
/// position in the text, is above that end.
pub(super) fn tail(text: &str, cursor: usize, room: Room) -> Option<&str> {
    let mut rows = 0;
    let mut start = text.len();
    for line in text.rsplit('\n') {
        rows += line.width() / room.columns.max(1) + 1;
        start = start.saturating_sub(line.len());
        if rows >= room.rows {
            let is_cursor_below = start <= cursor;
            return text.get(start..).filter(|_| start > 0 && is_cursor_below);
        }
        // The newline before it.
        start = start.saturating_sub(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_has_as_many_rows_as_the_screen() {
        let room = Room { columns: 10, rows: 3 };
        let end = |text: &'static str| tail(text, text.len(), room);
        assert_eq!(end("a\nb"), None);
        assert_eq!(end("a\nb\nc"), None);
        assert_eq!(end("a\nb\nc\nd"), Some("b\nc\nd"));
        assert_eq!(end("a\nb\nc\n"), Some("b\nc\n"));
        assert_eq!(end("a\nb\n0123456789abcdefghij"), Some("0123456789abcdefghij"));
        assert_eq!(end("0123456789abcdefghij0123456789"), None);
        assert_eq!(
            end("a\nb\n\u{65e5}\u{65e5}\u{65e5}\u{65e5}\u{65e5}"),
            Some("b\n\u{65e5}\u{65e5}\u{65e5}\u{65e5}\u{65e5}")
        );
    }

    #[test]
    fn all_is_painted_while_the_cursor_is_above_the_end() {
        let room = Room { columns: 10, rows: 2 };
        let text = "a\nb\nc\nd";
        assert_eq!(tail(text, 3, room), None);
        assert_eq!(tail(text, 4, room), Some("c\nd"));
    }
}
