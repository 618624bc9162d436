//! The part of a message that is shown.

/// The part of a message that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// As much as fits this part of the screen.
    Screen(Room),
    /// About this number of bytes of output.
    Start(usize),
}

/// The part of the screen that a message may occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Width of the screen in columns.
    pub columns: usize,
    /// Maximum rows per message.
    pub rows: usize,
}
