//! What the prompt does with keys and lines.

/// Habits of the prompt. The default ones are sockeye's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptHabits {
    /// A line that starts with a slash is a command. Without commands, messages are not cut to the
    /// screen, since no command would show the rest.
    pub has_commands: bool,
    /// Enter always sends the line: also an empty one, and JSON that is incomplete.
    pub sends_each_line: bool,
    /// Ctrl-C leaves as Ctrl-D does, whatever the line is.
    pub leaves_at_ctrl_c: bool,
}

impl Default for PromptHabits {
    fn default() -> Self {
        Self { has_commands: true, sends_each_line: false, leaves_at_ctrl_c: false }
    }
}

impl PromptHabits {
    /// Returns the hint after the first line of a session.
    pub(crate) fn hint(self) -> &'static str {
        if self.has_commands { "/help lists commands" } else { "press Ctrl-C to quit" }
    }
}
