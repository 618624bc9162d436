//! The first bytes of a frame that breaks a rule. They tell what a peer sent instead of a frame.

use super::limits::OFFENDING_BYTES;
use crate::proto::slice::Within as _;

/// Keeps the bytes from a broken frame on.
#[derive(Debug, Default)]
pub(super) struct OffendingBytes {
    /// The position of the frame in the read buffer, until the bytes are copied.
    at: Option<usize>,
    /// Set from the frame on.
    begun: bool,
    bytes: Vec<u8>,
}

impl OffendingBytes {
    /// Records the position of the frame in the read buffer.
    #[cold]
    pub(super) fn begin(&mut self, at: usize) {
        self.at = Some(at);
    }

    /// Copies the bytes of the frame. Call before the buffer changes.
    pub(super) fn keep(&mut self, buffer: &[u8]) {
        if let Some(at) = self.at.take() {
            self.begun = true;
            self.append(buffer.within(at..));
        }
    }

    /// Appends bytes received after [`Self::keep`].
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.begun {
            let room = OFFENDING_BYTES.saturating_sub(self.bytes.len());
            self.bytes.extend(bytes.iter().take(room));
        }
    }

    /// Returns the bytes.
    pub(super) fn take(&mut self) -> Box<[u8]> {
        std::mem::take(&mut self.bytes).into()
    }
}
