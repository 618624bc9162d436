//! A line that could not be sent and is at the prompt again.

use rustyline::{Cmd, KeyCode, KeyEvent, Modifiers};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The line that is at the prompt again, if any. A slash typed over it begins a command in its place,
/// after which the line returns.
#[derive(Default)]
pub(super) struct UnsentLine(Mutex<Option<State>>);

struct State {
    text: String,
    shown_at: Instant,
    /// The first character typed over the line, until it is in its place.
    typed: Option<char>,
    is_typed_over: bool,
    is_typed_ahead: bool,
}

impl UnsentLine {
    /// Records that the line is about to be shown.
    pub(super) fn show(&self, text: &str) {
        *self.lock() = Some(State {
            text: text.to_owned(),
            shown_at: Instant::now(),
            typed: None,
            is_typed_over: false,
            is_typed_ahead: false,
        });
    }

    /// Returns the command for a key typed at a prompt with this line, unless it is the usual one.
    /// It completes the line, and the completion is [`Self::completion`]: the editor has no other
    /// command that replaces a line and puts the cursor behind the new text.
    pub(super) fn key(&self, KeyEvent(code, modifiers): KeyEvent, line: &str) -> Option<Cmd> {
        let mut state = self.lock();
        let unsent = state.as_mut().filter(|unsent| !unsent.is_typed_over)?;
        match code {
            KeyCode::Char(c) if modifiers == Modifiers::NONE && unsent.text == line => {
                // A key typed ahead belongs to a line of its own, which was typed without regard to
                // this one.
                unsent.is_typed_ahead = unsent.shown_at.elapsed() < TYPE_AHEAD;
                if unsent.is_typed_ahead || c == '/' {
                    (unsent.typed, unsent.is_typed_over) = (Some(c), true);
                    return Some(Cmd::Complete);
                }
            }
            _ => {}
        }
        *state = None;
        None
    }

    /// Takes the text that replaces the line, after the key that requires it.
    pub(super) fn completion(&self) -> Option<String> {
        self.lock().as_mut()?.typed.take().map(String::from)
    }

    /// Reports whether the line is at the prompt and no key has edited it.
    pub(super) fn is_untouched(&self, line: &str) -> bool {
        self.lock().as_ref().is_some_and(|unsent| !unsent.is_typed_over && unsent.text == line)
    }

    /// Forgets the line. Returns it if this command was typed over it.
    pub(super) fn take(&self, entered: &str) -> Option<String> {
        let unsent = self.lock().take()?;
        let is_command = entered.starts_with('/') && !entered.starts_with("//");
        let returns = unsent.is_typed_over && !unsent.is_typed_ahead && is_command;
        returns.then_some(unsent.text)
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that comes sooner after the line was shown was typed before.
const TYPE_AHEAD: Duration = Duration::from_millis(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, age: Duration) -> UnsentLine {
        let unsent = UnsentLine::default();
        unsent.show(text);
        if let Some(state) = unsent.lock().as_mut() {
            state.shown_at -= age;
        }
        unsent
    }

    fn type_over(unsent: &UnsentLine, c: char) {
        assert_eq!(unsent.key(c.into(), "lost"), Some(Cmd::Complete));
        assert_eq!(unsent.completion(), Some(c.into()));
        assert_eq!(unsent.completion(), None);
    }

    #[test]
    fn a_slash_is_typed_over_the_line_which_returns_after_the_command() {
        let unsent = shown("lost", TYPE_AHEAD);
        type_over(&unsent, '/');
        assert_eq!(unsent.key('/'.into(), "/"), None);
        assert_eq!(unsent.take("/reconnect").as_deref(), Some("lost"));
        assert_eq!(unsent.take("/reconnect"), None);
        let unsent = shown("lost", TYPE_AHEAD);
        type_over(&unsent, '/');
        assert_eq!(unsent.take("//text"), None);
    }

    #[test]
    fn other_keys_edit_the_line() {
        let unsent = shown("lost", TYPE_AHEAD);
        assert!(unsent.is_untouched("lost"));
        assert_eq!(unsent.key('x'.into(), "lost"), None);
        assert!(!unsent.is_untouched("lostx"));
        assert_eq!(unsent.key('/'.into(), "lostx"), None);
        assert_eq!(unsent.take("lostx/"), None);
    }

    #[test]
    fn what_was_typed_ahead_replaces_the_line() {
        let unsent = shown("lost", Duration::ZERO);
        // The test may be held up.
        if let Some(state) = unsent.lock().as_mut() {
            state.shown_at = Instant::now() + Duration::from_mins(1);
        }
        type_over(&unsent, '/');
        assert_eq!(unsent.take("/next"), None);
    }
}
