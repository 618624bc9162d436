//! A line that could not be sent and is at the prompt again.

use rustyline::{Cmd, KeyCode, KeyEvent, Modifiers};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The line that is at the prompt again, if any. A slash typed over it begins a command in its place,
/// after which the line returns.
#[derive(Default)]
pub(super) struct Draft(Mutex<Option<State>>);

struct State {
    text: String,
    shown_at: Instant,
    /// The first character typed over the line, until it is in its place.
    typed: Option<char>,
    is_typed_over: bool,
    is_typed_ahead: bool,
}

impl Draft {
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
        let draft = state.as_mut().filter(|draft| !draft.is_typed_over)?;
        match code {
            KeyCode::Char(c) if modifiers == Modifiers::NONE && draft.text == line => {
                // A key typed ahead belongs to a line of its own, which was typed without regard to
                // this one.
                draft.is_typed_ahead = draft.shown_at.elapsed() < TYPE_AHEAD;
                if draft.is_typed_ahead || c == '/' {
                    (draft.typed, draft.is_typed_over) = (Some(c), true);
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
        self.lock().as_ref().is_some_and(|draft| !draft.is_typed_over && draft.text == line)
    }

    /// Forgets the line. Returns it if this command was typed over it.
    pub(super) fn take(&self, entered: &str) -> Option<String> {
        let draft = self.lock().take()?;
        let is_command = entered.starts_with('/') && !entered.starts_with("//");
        let returns = draft.is_typed_over && !draft.is_typed_ahead && is_command;
        returns.then_some(draft.text)
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

    fn shown(text: &str, age: Duration) -> Draft {
        let draft = Draft::default();
        draft.show(text);
        if let Some(state) = draft.lock().as_mut() {
            state.shown_at -= age;
        }
        draft
    }

    fn type_over(draft: &Draft, c: char) {
        assert_eq!(draft.key(c.into(), "lost"), Some(Cmd::Complete));
        assert_eq!(draft.completion(), Some(c.into()));
        assert_eq!(draft.completion(), None);
    }

    #[test]
    fn a_slash_is_typed_over_the_line_which_returns_after_the_command() {
        let draft = shown("lost", TYPE_AHEAD);
        type_over(&draft, '/');
        assert_eq!(draft.key('/'.into(), "/"), None);
        assert_eq!(draft.take("/reconnect").as_deref(), Some("lost"));
        assert_eq!(draft.take("/reconnect"), None);
        let draft = shown("lost", TYPE_AHEAD);
        type_over(&draft, '/');
        assert_eq!(draft.take("//text"), None);
    }

    #[test]
    fn other_keys_edit_the_line() {
        let draft = shown("lost", TYPE_AHEAD);
        assert!(draft.is_untouched("lost"));
        assert_eq!(draft.key('x'.into(), "lost"), None);
        assert!(!draft.is_untouched("lostx"));
        assert_eq!(draft.key('/'.into(), "lostx"), None);
        assert_eq!(draft.take("lostx/"), None);
    }

    #[test]
    fn what_was_typed_ahead_replaces_the_line() {
        let draft = shown("lost", Duration::ZERO);
        // The test may be held up.
        if let Some(state) = draft.lock().as_mut() {
            state.shown_at = Instant::now() + Duration::from_mins(1);
        }
        type_over(&draft, '/');
        assert_eq!(draft.take("/next"), None);
    }
}
