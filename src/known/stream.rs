//! The parts of a stream of bytes in which secrets are searched for.

use crate::proto::slice::Within;
use std::ops::Range;

/// A stream that is dumped in parts. It keeps the end of the parts before, since a secret may be
/// split between parts.
#[derive(Debug, Default)]
pub struct DumpedStream {
    before: Vec<u8>,
}

impl DumpedStream {
    /// Passes the next part to `find`, together with the end of the parts before, and returns the
    /// ranges of the part that it finds. No secret has a form of more than `longest` bytes.
    pub(super) fn find(
        &mut self,
        part: &[u8],
        longest: usize,
        find: impl FnOnce(&[u8]) -> Vec<Range<usize>>,
    ) -> Vec<Range<usize>> {
        let start = self.before.len();
        self.before.extend_from_slice(part);
        let found = find(&self.before).into_iter().filter(|range| range.end > start);
        let found = found.map(|range| range.start.saturating_sub(start)..range.end - start);
        let found = found.collect();
        let kept = (longest * MAX_ESCAPE_BYTES).min(MAX_KEPT_BYTES);
        self.before.drain(..self.before.len().saturating_sub(kept));
        found
    }
}

/// Overwrites ranges of bytes to be dumped.
pub fn overwrite(bytes: &mut [u8], ranges: &[Range<usize>]) {
    for range in ranges {
        bytes.within_mut(range.clone()).fill(b'*');
    }
}

/// The maximum length of the escape for a byte.
const MAX_ESCAPE_BYTES: usize = 16;
/// The limit of what is kept, which bounds the time that each part takes.
const MAX_KEPT_BYTES: usize = 16 << 10;
