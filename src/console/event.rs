//! Events of the prompt and the replies to them.

use std::io;

/// An event of the prompt. Each needs a [`PromptReply`].
#[derive(Debug)]
pub(crate) enum PromptEvent {
    /// One or more lines, entered together.
    Line(String),
    /// This line is to be opened in the external editor.
    Edit(String),
    /// The external editor exited. Its text is the start of the next line.
    Edited,
    /// Ctrl-C twice on an empty line.
    Interrupt,
    /// Ctrl-D on an empty line, or Ctrl-C if that leaves.
    Eof,
    /// The terminal was closed.
    Hangup,
    /// The terminal is open, but no line can be read from it.
    Failed(io::Error),
}

/// The next action of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PromptReply {
    /// Reads another line.
    Prompt,
    /// Clears the screen and reads another line.
    Clear,
    /// Opens an external editor on this text. The result is the start of the next line.
    Edit(String),
    /// Reads another line, which starts as this one: it could not be sent.
    Keep(String),
    /// Removes the prompt.
    Leave,
}
