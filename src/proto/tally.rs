//! What has gone one way, for the summary.

/// Whole messages, and what they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub messages: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
    /// Bytes of payload that carried them: fewer if they were compressed.
    pub carried: u64,
}

impl Tally {
    /// A message more.
    #[inline]
    pub fn message(&mut self, bytes: u64, carried: u64) {
        self.messages += 1;
        self.bytes += bytes;
        self.carried += carried;
    }
}
