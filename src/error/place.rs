//! Places in stdin.

/// A place in stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line, from 1.
    Line(u64),
    /// In this message, from 1.
    Message(u64),
    /// In all of it.
    Stream,
}
