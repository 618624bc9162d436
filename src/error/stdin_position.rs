//! A position in stdin.

/// The unit of stdin that an error is in; lines and messages are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinPosition {
    /// A line of input.
    Line(u64),
    /// A message of a framing other than lines.
    Message(u64),
    /// All of stdin, sent as one message.
    Stream,
}
