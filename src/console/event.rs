//! Events of the prompt, and the replies to them.

/// An action of the person at the prompt. Each wants a [`PromptReply`].
#[derive(Debug)]
pub(crate) enum PromptEvent {
    /// A line was entered, or several at once.
    Line(String),
    /// The external editor has ended. Its text is on the next line.
    Edited,
    /// Ctrl-C on an empty line, twice.
    Interrupt,
    /// Ctrl-D on an empty line.
    Eof,
    /// The terminal was closed.
    Gone,
}

/// What the prompt does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PromptReply {
    /// Asks for another line.
    Prompt,
    /// Clears the screen, and asks for another line.
    Clear,
    /// Opens an external editor on this text, which is the beginning of the next line.
    Edit(String),
    /// Shows no prompt any more.
    Leave,
}
