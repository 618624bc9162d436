//! A long message, which is sent in pieces.

use crate::proto::utf8;
use std::ops::Range;

/// A message that is sent in pieces, as the network takes them.
#[derive(Debug, Default)]
pub(super) struct LongMessage {
    /// The part of it that is still in the input.
    pub(super) rest: Range<usize>,
    /// Bytes read of the message that all of stdin is.
    pub(super) read: u64,
    /// That message has begun, and its end was not read yet.
    pub(super) begun: bool,
    pub(super) utf8: utf8::Utf8,
}

impl LongMessage {
    /// Gives up the rest: its session is lost.
    pub(super) fn forget(&mut self) {
        self.rest = 0..0;
    }

    /// Whether part of the message that all of stdin is has been sent, and its end has not.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }
}
