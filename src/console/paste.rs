//! Pasted text, collected key by key.
//!
//! rustyline drops the escape sequences of a paste, or their beginning, silently. They are lost
//! here too, because its parser consumes them before a key is seen, but a note reports the loss.

use super::print_queue::PrintQueue;
use rustyline::{Cmd, Event, KeyCode, KeyEvent, Modifiers, RepeatCount};
use std::sync::{Arc, Mutex, PoisonError};

/// The paste in progress, if any. Clones share it.
#[derive(Clone)]
pub(super) struct Paste {
    state: Arc<Mutex<Option<PastedText>>>,
    output: Arc<PrintQueue>,
}

#[derive(Default)]
struct PastedText {
    text: String,
    /// True if an escape sequence was left out.
    is_cut: bool,
    /// True if there was a backspace, as which the editor reads a delete character too.
    has_backspace: bool,
    /// True if the paste began in the command mode of vi, which reads digits as counts.
    is_refused: bool,
}

impl Paste {
    pub(super) fn new(output: Arc<PrintQueue>) -> Self {
        Self { state: Arc::default(), output }
    }

    /// Abandons a paste that the editor abandoned.
    pub(super) fn abandon(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes a key that belongs to a paste. `n` is at most 1 unless an escape and digits preceded it.
    pub(super) fn take(
        &self,
        event: &Event,
        n: RepeatCount,
        is_vi_command_mode: bool,
    ) -> Option<Cmd> {
        let key = event.get(0)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if key.0 == KeyCode::BracketedPasteStart {
            // Within a paste it is pasted text itself.
            let is_cut = state.is_some();
            let pasted = state.get_or_insert_default();
            pasted.is_cut |= is_cut;
            pasted.is_refused |= is_vi_command_mode;
            return Some(Cmd::Noop);
        }
        let pasted = state.as_mut()?;
        // An escape character at the end of the text makes the end of the paste an Alt key.
        let is_end_altered = key.0 == KeyCode::BracketedPasteEnd && key.1 != Modifiers::NONE;
        pasted.is_cut |= n > 1 || is_end_altered;
        if key.0 != KeyCode::BracketedPasteEnd {
            pasted.has_backspace |= key.0 == KeyCode::Backspace;
            match pasted_char(*key) {
                // CR LF is one line end.
                Some('\n') if *key == LINE_FEED && pasted.text.ends_with('\r') => {}
                Some(c) => pasted.text.push(c),
                None => pasted.is_cut = true,
            }
            return Some(Cmd::Noop);
        }
        let PastedText { text, is_cut, has_backspace, is_refused } = state.take()?;
        drop(state);
        if is_refused {
            self.output.print("(not pasted: press i first)");
            return Some(Cmd::Noop);
        }
        if n > 1 {
            // The editor would insert the text n times.
            self.output.print("(the pasted text was left out: it ended in an escape sequence)");
            return Some(Cmd::Noop);
        }
        if is_cut {
            self.output.print("(parts of escape sequences in the pasted text were left out)");
        }
        if has_backspace {
            self.output.print("(delete characters in the pasted text became backspaces)");
        }
        let mut text = text.replace('\r', "\n");
        // Copied lines end in a newline that is rarely meant to be part of the message.
        if text.ends_with('\n') {
            text.pop();
        }
        Some(Cmd::Insert(1, text))
    }
}

/// Returns the character that the editor read as this key, or `None` for an escape sequence. A line
/// end is `\r` until the end of the paste.
fn pasted_char(KeyEvent(code, modifiers): KeyEvent) -> Option<char> {
    match (code, modifiers) {
        (KeyCode::Char(c), Modifiers::NONE) => Some(c),
        (KeyCode::Char('J'), Modifiers::CTRL) => Some('\n'),
        (KeyCode::Char(c @ '@'..='_'), Modifiers::CTRL) => {
            char::from_u32(u32::from(c) - u32::from('@'))
        }
        (KeyCode::Enter, Modifiers::NONE) => Some('\r'),
        (KeyCode::Tab, Modifiers::NONE) => Some('\t'),
        (KeyCode::Backspace, Modifiers::NONE) => Some('\x08'),
        (KeyCode::Esc, Modifiers::SHIFT) => Some('\u{9b}'),
        _ => None,
    }
}

const LINE_FEED: KeyEvent = KeyEvent(KeyCode::Char('J'), Modifiers::CTRL);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::line_state::LineState;

    /// Returns the inserted text of a paste with these keys, and whether a note was printed.
    fn paste(keys: impl IntoIterator<Item = KeyEvent>) -> (String, bool) {
        let output = Arc::new(PrintQueue::new(Arc::new(LineState::default())));
        let paste = Paste::new(Arc::clone(&output));
        let take = |key: KeyEvent| paste.take(&key.into(), 1, false);
        assert_eq!(take(KeyEvent::from('x')), None, "a typed key was taken");
        let special = |code| KeyEvent(code, Modifiers::NONE);
        assert_eq!(take(special(KeyCode::BracketedPasteStart)), Some(Cmd::Noop));
        for key in keys {
            assert_eq!(take(key), Some(Cmd::Noop));
        }
        let Some(Cmd::Insert(1, text)) = take(special(KeyCode::BracketedPasteEnd)) else {
            panic!("nothing was inserted");
        };
        (text, !output.lock().is_empty())
    }

    #[test]
    fn pasted_characters_are_inserted_as_they_are() {
        let text = "a\tb\r\nc\rd\ne\x01\x1f\u{e9}\u{1f41f}";
        let (inserted, is_noted) = paste(text.chars().map(KeyEvent::from));
        assert_eq!((&*inserted, is_noted), ("a\tb\nc\nd\ne\x01\x1f\u{e9}\u{1f41f}", false));
    }

    #[test]
    fn one_line_end_at_the_end_of_a_paste_is_left_out() {
        for (pasted, left) in [
            ("a\n", "a"),
            ("a\r", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\nb", "a\nb"),
            ("\r", ""),
        ] {
            assert_eq!(paste(pasted.chars().map(KeyEvent::from)).0, left, "{pasted:?}");
        }
    }

    #[test]
    fn an_escape_sequence_in_a_paste_is_not_dropped_without_a_word() {
        let unknown = KeyEvent(KeyCode::UnknownEscSeq, Modifiers::NONE);
        let up = KeyEvent(KeyCode::Up, Modifiers::NONE);
        for key in [unknown, up, KeyEvent::alt('c'), KeyEvent(KeyCode::Esc, Modifiers::NONE)] {
            let (text, is_noted) = paste([KeyEvent::from('a'), key, KeyEvent::from('b')]);
            assert_eq!((&*text, is_noted), ("ab", true), "{key:?}");
        }
    }

    #[test]
    fn a_paste_in_the_command_mode_of_vi_is_refused() {
        let output = Arc::new(PrintQueue::new(Arc::new(LineState::default())));
        let paste = Paste::new(Arc::clone(&output));
        let keys = [KeyCode::BracketedPasteStart, KeyCode::Char('x'), KeyCode::BracketedPasteEnd];
        for code in keys {
            let key = KeyEvent(code, Modifiers::NONE);
            assert_eq!(paste.take(&key.into(), 1, true), Some(Cmd::Noop));
        }
        assert!(output.lock().unseen().contains("press i first"));
    }

    #[test]
    fn the_start_of_a_paste_within_a_paste_drops_no_text() {
        let start = KeyEvent(KeyCode::BracketedPasteStart, Modifiers::NONE);
        let (text, is_noted) = paste([KeyEvent::from('a'), start, KeyEvent::from('b')]);
        assert_eq!((&*text, is_noted), ("ab", true));
    }
}
