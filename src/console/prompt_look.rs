//! The look of the prompt: a column for times, and a word while messages are held.

use crate::render::dialogue::clock;
use colored::Colorize as _;
use std::time::SystemTime;

/// The look of the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PromptLook {
    /// Leave room for the time at which the line is entered.
    pub(crate) times: bool,
    /// Show that messages are held.
    pub(crate) paused: bool,
}

impl PromptLook {
    /// Returns the text before the line.
    pub(super) fn text(self) -> &'static str {
        match (self.times, self.paused) {
            (false, false) => "> ",
            (false, true) => "paused> ",
            (true, false) => "             > ",
            (true, true) => "             paused> ",
        }
    }
}

/// Returns the prompt with a time in its column, or `None` if it has no column.
pub(super) fn stamp(prompt: &str, at: SystemTime) -> Option<String> {
    let rest = prompt.get(TIME_COLUMNS..).filter(|_| prompt.starts_with("  "))?;
    Some(format!("{} {rest}", clock(at).dimmed()))
}

/// The width of a time of day and a space.
const TIME_COLUMNS: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_the_width_of_its_column() {
        let colors = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
        for paused in [false, true] {
            let prompt = PromptLook { times: true, paused }.text();
            let stamped = stamp(prompt, SystemTime::UNIX_EPOCH).unwrap();
            let stamped = colors.replace_all(&stamped, "");
            assert_eq!(stamped.len(), prompt.len(), "{stamped}");
            assert_eq!(stamped.get(TIME_COLUMNS..), prompt.get(TIME_COLUMNS..));
            assert_eq!(stamp(PromptLook { times: false, paused }.text(), SystemTime::now()), None);
        }
    }
}
