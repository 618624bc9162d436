//! The state of a long message that is sent in parts.

use crate::proto::{slice::Within as _, utf8};
use bytes::Bytes;
use std::{num::NonZeroUsize, ops::Range};

/// A message that is sent in parts as the network accepts them.
#[derive(Debug, Default)]
pub(super) struct LongMessage {
    /// The unsent range of the input, or of `own`.
    rest: Range<usize>,
    /// The message, if it is not in the input.
    own: Option<Bytes>,
    /// True if the message ends with `rest`.
    ends: bool,
    /// The number of bytes taken from stdin before `rest`.
    read: u64,
    /// True between the first and the last part, if the message is read from stdin in parts.
    begun: bool,
    /// True if the rest of the message is not sent, because its beginning was lost with the
    /// session.
    dropped: bool,
    utf8: utf8::Utf8,
}

impl LongMessage {
    /// Begins a message whose bytes are all in the input.
    pub(super) fn whole(&mut self, range: Range<usize>) {
        (self.rest, self.ends) = (range, true);
    }

    /// Begins a message that is not in the input.
    pub(super) fn own(&mut self, bytes: Bytes) {
        (self.rest, self.ends) = (0..bytes.len(), true);
        self.own = Some(bytes);
    }

    /// Returns the bytes of a part, if the message is not in the input.
    pub(super) fn own_part(&self, part: Range<usize>) -> Option<&[u8]> {
        self.own.as_ref().map(|bytes| bytes.within(part))
    }

    /// Frees a message that was sent.
    pub(super) fn finish(&mut self) {
        self.own = None;
    }

    /// Adds the next part from stdin. `last` ends the message.
    pub(super) fn push(&mut self, range: Range<usize>, last: bool) {
        self.read += range.len() as u64;
        (self.rest, self.ends, self.begun) = (range, last, !last);
    }

    /// Begins a message that is read from stdin in parts.
    pub(super) fn begin(&mut self) {
        (self.read, self.utf8) = (0, utf8::Utf8::default());
    }

    /// Validates the next part from stdin. On failure, returns the number of valid bytes in the whole
    /// message.
    pub(super) fn check(&mut self, bytes: &[u8], last: bool) -> Result<(), u64> {
        let begun = self.utf8.character().len() as u64;
        let partial = self.utf8.is_partial();
        match self.utf8.push_all(bytes) {
            // The invalid byte is inside a character that started in the previous part; the error
            // names the start of that character.
            Err(fault) if partial && fault.valid == 0 => Err(self.read - begun),
            Err(fault) => Err(self.read + fault.valid as u64),
            Ok(()) if last && self.utf8.is_partial() => {
                let cut = self.utf8.character().len() as u64;
                Err(self.read + bytes.len() as u64 - cut)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Reports whether part of the message can be sent now.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Takes the part to send next, and whether it ends the message. Its fragments are full, except
    /// the last.
    pub(super) fn take(&mut self, fragment: NonZeroUsize) -> (Range<usize>, bool) {
        let fragment = fragment.get();
        let length = fragment.max(PART_BYTES - PART_BYTES % fragment);
        let end = self.rest.end.min(self.rest.start.saturating_add(length));
        let part = self.rest.start..end;
        self.rest.start = end;
        (part, self.ends && self.rest.is_empty())
    }

    /// Reports whether all of the message was read.
    pub(super) fn is_complete(&self) -> bool {
        self.has_rest() && self.ends
    }

    /// Discards the message and the rest of it that was not read yet, because the session is lost.
    pub(super) fn lose(&mut self) {
        self.rest = 0..0;
        self.own = None;
        self.dropped |= std::mem::take(&mut self.begun);
    }

    /// Reports whether this part from stdin belongs to a message that was lost.
    pub(super) fn drops(&mut self, last: bool) -> bool {
        let drops = self.dropped;
        self.dropped &= !last;
        drops
    }

    /// Reports whether a message was begun and not ended, so that no other can be sent.
    pub(super) fn is_inside(&self) -> bool {
        self.has_rest() || self.begun
    }

    /// Reports whether part of the message was sent and more of it must be read.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }
}

/// The size of the parts in which a long message is framed and written. Each write wakes the
/// receiver: with parts of 64 KiB, a long message costs 50 % more.
const PART_BYTES: usize = 256 << 10;
