//! Lines that arrive faster than they are typed, as from a paste without brackets.
//!
//! The editor paints all rows of a text for each new one. The rows of a long text are therefore taken
//! from it in groups while it is pasted, and are put before the rest once it is complete.

use std::{
    borrow::Cow,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Default)]
pub(super) struct Burst {
    keys: Mutex<Keys>,
    /// The earlier lines of the message, each with its newline.
    collected: Mutex<String>,
    /// The accepted line is not the end of the message.
    is_split: AtomicBool,
}

#[derive(Default)]
struct Keys {
    last: Option<Instant>,
    is_fast: bool,
}

impl Burst {
    /// Records a key.
    pub(super) fn key(&self) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.is_fast = keys.last.is_some_and(|last| last.elapsed() < FAST);
        keys.last = Some(Instant::now());
    }

    /// Reports whether the last key came sooner after the one before it than a person can type.
    pub(super) fn is_fast(&self) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).is_fast
    }

    /// Requests that the line that is being accepted become an earlier line of the message.
    pub(super) fn split(&self) {
        self.is_split.store(true, Ordering::SeqCst);
    }

    /// Adds an accepted line to the earlier ones if that was requested. Returns whether it was.
    pub(super) fn collect(&self, line: &str) -> bool {
        let is_split = self.is_split.swap(false, Ordering::SeqCst);
        if is_split {
            let mut collected = self.lock();
            collected.push_str(line);
            collected.push('\n');
        }
        is_split
    }

    pub(super) fn is_collecting(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Returns the earlier lines with this one.
    pub(super) fn with_collected<'l>(&self, line: &'l str) -> Cow<'l, str> {
        let collected = self.lock();
        if collected.is_empty() { line.into() } else { format!("{collected}{line}").into() }
    }

    /// Returns the message that ends with this line, and forgets its earlier lines.
    pub(super) fn finish(&self, line: String) -> String {
        let mut text = std::mem::take(&mut *self.lock());
        if text.is_empty() {
            return line;
        }
        text.push_str(&line);
        text
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys of a person are farther apart.
const FAST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_collected_only_on_request() {
        let burst = Burst::default();
        assert!(!burst.collect("a"));
        assert_eq!(burst.finish("a".into()), "a");
        burst.split();
        assert!(burst.collect("{"));
        assert!(!burst.collect("}"));
        assert!(burst.is_collecting());
        assert_eq!(burst.with_collected("}"), "{\n}");
        assert_eq!(burst.finish("}".into()), "{\n}");
        assert!(!burst.is_collecting());
    }
}
