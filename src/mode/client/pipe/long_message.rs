//! The state of a long message that is sent in parts.

use crate::proto::utf8;
use std::ops::Range;

/// A message that is sent in parts as the network accepts them.
#[derive(Debug, Default)]
pub(super) struct LongMessage {
    /// The unsent range of the input.
    pub(super) rest: Range<usize>,
    /// The number of bytes read, if all of stdin is one message.
    pub(super) read: u64,
    /// True between the first and the last part, if all of stdin is one message.
    pub(super) begun: bool,
    pub(super) utf8: utf8::Utf8,
}

impl LongMessage {
    /// Discards the unsent range, since the session is lost.
    pub(super) fn forget(&mut self) {
        self.rest = 0..0;
    }

    /// Reports whether the message of all of stdin was sent in part.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }
}
