//! The messages in stdin: framing of the bytes read.

use crate::proto::slice::Within;
use memchr::memchr;
use std::{num::NonZeroUsize, ops::Range};

/// The delimiting of messages in a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Lines that end with this byte. A CR before an LF is part of the line end.
    Lines(u8),
    /// Messages prefixed with their length in bytes, a 32-bit big-endian integer.
    Lengths,
    /// One message that ends with the stream.
    Whole,
}

/// The next item to send. Its range is valid until the next call of [`Input::room`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A complete message.
    Message(Range<usize>),
    /// A part of a message whose beginning was taken before its end was read.
    Part {
        /// The bytes of this part.
        range: Range<usize>,
        /// True for the part that ends the message. It may be empty only with [`Framing::Whole`].
        last: bool,
    },
    /// The stream ended inside a message, of which this many bytes are missing.
    Truncated(usize),
    /// A line is longer than this limit of [`Input::with_max_line`].
    TooLong(usize),
}

/// Bytes read and not yet sent.
#[derive(Debug)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The end of the searched bytes, which contain no terminator.
    searched: usize,
    framing: Framing,
    /// Set if long messages are taken in parts: the length of which a part is a multiple, unless it
    /// is the last of its message.
    grain: Option<usize>,
    /// True if a part was taken and the last of its message was not.
    inside: bool,
    /// The longest line that [`Input::take`] returns, in bytes.
    max_line: usize,
    /// With [`Framing::Lengths`], the length of the long message that was begun, and how much of it
    /// was not taken.
    prefix: (usize, usize),
    ended: bool,
    /// The last part of the single message was taken.
    finished: bool,
    /// The number of messages taken.
    taken: u64,
}

impl Input {
    /// Creates an empty input, which allocates on the first read. A message is taken whole, whatever
    /// its length, except with [`Framing::Whole`].
    pub fn new(framing: Framing) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            framing,
            grain: None,
            inside: false,
            max_line: usize::MAX,
            prefix: (0, 0),
            ended: false,
            finished: false,
            taken: 0,
        }
    }

    /// Takes messages over [`LONG_BYTES`] in parts, before their end is read. So that a part fills
    /// fragments, its length is a multiple of `fragment`, if that is short enough.
    #[must_use]
    pub fn in_parts(self, fragment: NonZeroUsize) -> Self {
        let fragment = fragment.get().min(PART_BYTES);
        Self { grain: Some(PART_BYTES - PART_BYTES % fragment), ..self }
    }

    /// Refuses lines longer than `max_line` bytes, before their end is read. [`Input::next_line`]
    /// ignores the limit.
    #[must_use]
    pub fn with_max_line(self, max_line: usize) -> Self {
        Self { max_line, ..self }
    }

    /// Returns the free part of the buffer, for the next read. The buffer grows to hold the longest
    /// message that is taken whole.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
        }
        if self.start > 0 && self.buffer.len() - self.end < BLOCK_BYTES / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            // Only lines are searched.
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        if self.buffer.len() - self.end < BLOCK_BYTES / 2 {
            if self.buffer.is_empty() {
                // Zeroed pages cost nothing until they are written.
                self.buffer = vec![0; self.block_bytes()];
            } else {
                let limit = if self.grain.is_some() { MAX_IDLE_BYTES } else { usize::MAX };
                let length = self.buffer.len().saturating_mul(2).min(limit);
                self.buffer.resize(length.max(self.buffer.len()), 0);
            }
        } else if self.end == 0 && self.buffer.len() > MAX_IDLE_BYTES {
            // The memory of one long line is not kept for the rest of the run.
            self.buffer = vec![0; BLOCK_BYTES];
        }
        self.buffer.within_mut(self.end..)
    }

    fn block_bytes(&self) -> usize {
        if self.framing == Framing::Whole { WHOLE_BLOCK_BYTES } else { BLOCK_BYTES }
    }

    /// Adds `n` bytes that were read into [`Self::room`]. Zero is the end of the stream, which also
    /// ends an unterminated last line.
    pub fn filled(&mut self, n: usize) {
        self.end += n;
        self.ended |= n == 0;
    }

    /// Reports whether [`Self::take`] would return an item.
    pub fn has_next(&mut self) -> bool {
        match self.framing {
            Framing::Lines(terminator) => {
                self.line(terminator).is_some()
                    || self.is_line_too_long(terminator)
                    || (self.inside && self.ended)
                    || self.line_part_bytes(terminator) > 0
            }
            Framing::Lengths => self.prefixed().is_some(),
            Framing::Whole => !self.finished && (self.ended || self.start < self.end),
        }
    }

    /// Reports whether the end of the stream was read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reports whether the stream has ended and all of it was taken.
    pub fn is_done(&self) -> bool {
        match self.framing {
            Framing::Whole => self.finished,
            _ => self.ended && self.start == self.end && !self.inside,
        }
    }

    /// Takes the next item to send.
    #[inline]
    pub fn take(&mut self) -> Option<Next> {
        let framing = self.framing;
        match framing {
            Framing::Lines(_) if self.inside => self.next_line_part(),
            Framing::Lines(terminator) if self.is_line_too_long(terminator) => {
                self.start = self.end;
                self.searched = self.end;
                self.taken += 1;
                Some(Next::TooLong(self.max_line))
            }
            Framing::Lines(terminator) => match self.next_line(terminator) {
                Some(range) => Some(Next::Message(range)),
                None => self.next_line_part(),
            },
            Framing::Lengths => self.next_prefixed(),
            Framing::Whole => self.next_part(),
        }
    }

    /// Reports whether the next line is longer than the limit, even if its end was not read.
    fn is_line_too_long(&mut self, terminator: u8) -> bool {
        if self.end - self.start <= self.max_line {
            return false;
        }
        let end = self.line(terminator).map_or(self.end, |(end, _)| end);
        end - self.start > self.max_line
    }

    /// Returns the bytes that were read and not taken: the beginning of a line, if [`Input::take`]
    /// returned nothing.
    pub fn unfinished(&self) -> &[u8] {
        self.buffer.within(self.start..self.end)
    }

    fn next_prefixed(&mut self) -> Option<Next> {
        let next = self.prefixed()?;
        match &next {
            Next::Message(range) => self.start = range.end,
            Next::Part { range, last } => {
                self.start = range.end;
                self.prefix.1 -= range.len();
                self.inside = !last;
                return Some(next);
            }
            Next::Truncated(_) | Next::TooLong(_) => {
                self.start = self.end;
                if std::mem::take(&mut self.inside) {
                    return Some(next);
                }
            }
        }
        self.taken += 1;
        Some(next)
    }

    /// Takes a part of a long line.
    fn next_line_part(&mut self) -> Option<Next> {
        let Framing::Lines(terminator) = self.framing else { return None };
        if self.inside {
            if let Some(range) = self.next_line(terminator) {
                self.taken -= 1;
                self.inside = false;
                return Some(Next::Part { range, last: true });
            }
            if self.ended {
                self.inside = false;
                return Some(Next::Part { range: self.start..self.start, last: true });
            }
        }
        let range = self.start..self.start + self.line_part_bytes(terminator);
        if range.is_empty() {
            return None;
        }
        if !self.inside {
            self.taken += 1;
            self.inside = true;
        }
        self.start = range.end;
        Some(Next::Part { range, last: false })
    }

    /// Returns the length of the part that can be taken of a line without an end; 0 for none.
    fn line_part_bytes(&self, terminator: u8) -> usize {
        let rest = self.buffer.within(self.start..self.end);
        // A CR at the end may belong to the line end.
        let is_cr = terminator == b'\n' && rest.last() == Some(&b'\r');
        let length = rest.len() - usize::from(is_cr);
        match self.grain {
            // Some bytes are left for the part that ends the message, so that it is not empty.
            Some(grain) if self.inside => {
                let length = length.saturating_sub(1);
                length - length % grain
            }
            Some(grain) if length > LONG_BYTES => LONG_BYTES - LONG_BYTES % grain,
            _ => 0,
        }
    }

    fn next_part(&mut self) -> Option<Next> {
        let (range, last) = (self.start..self.end, self.ended);
        if self.finished || (range.is_empty() && !last) {
            return None;
        }
        self.taken = 1;
        (self.start, self.finished) = (self.end, last);
        Some(Next::Part { range, last })
    }

    /// Takes the next line. A shortcut for [`Self::take`] with [`Framing::Lines`], as long as
    /// [`Self::is_inside`] is false.
    #[inline]
    pub fn next_line(&mut self, terminator: u8) -> Option<Range<usize>> {
        let (mut to, next) = self.line(terminator)?;
        let from = self.start;
        if terminator == b'\n' && next > to && to > from && self.buffer.get(to - 1) == Some(&b'\r')
        {
            to -= 1;
        }
        self.start = next;
        self.searched = next;
        self.taken += 1;
        Some(from..to)
    }

    /// Returns the bytes of a range that was taken.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.within(range)
    }

    /// Reports whether the next item is a part that continues a message.
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// Returns the length of the message whose part was taken last, if a prefix states it.
    pub fn announced(&self) -> Option<u64> {
        (self.framing == Framing::Lengths).then_some(self.prefix.0 as u64)
    }

    /// Returns the number of the last message taken, from 1.
    pub fn number(&self) -> u64 {
        self.taken
    }

    /// Counts the complete messages that were read and of which nothing was taken.
    pub fn waiting(&self) -> usize {
        let rest = self.buffer.within(self.start..self.end);
        match self.framing {
            Framing::Lines(terminator) => {
                let terminated = rest.split(|byte| *byte == terminator).count() - 1;
                let has_rest = rest.last().is_some_and(|byte| *byte != terminator);
                let all = terminated + usize::from(self.ended && has_rest);
                all.saturating_sub(usize::from(self.inside))
            }
            Framing::Lengths => {
                let mut at = self.start + if self.inside { self.prefix.1 } else { 0 };
                let messages = std::iter::from_fn(|| {
                    at = self.prefixed_at(at)?.ok()?.end;
                    Some(())
                });
                messages.count()
            }
            Framing::Whole => usize::from(self.taken == 0 && !rest.is_empty()),
        }
    }

    /// Returns the end of the next line and the start of the one after it.
    #[inline]
    fn line(&mut self, terminator: u8) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..self.end)?;
        match find(terminator, rest) {
            Some(at) => {
                self.searched += at;
                Some((self.searched, self.searched + 1))
            }
            None => {
                self.searched = self.end;
                (self.ended && self.start < self.end).then_some((self.end, self.end))
            }
        }
    }

    fn prefixed(&mut self) -> Option<Next> {
        if self.grain.is_some()
            && !self.inside
            && let Some(length) = self.prefix_at(self.start)
            && length > LONG_BYTES
        {
            self.start += PREFIX_BYTES;
            self.inside = true;
            self.taken += 1;
            self.prefix = (length, length);
        }
        if let (Some(grain), true) = (self.grain, self.inside) {
            let (available, left) = (self.end - self.start, self.prefix.1);
            if available >= left {
                return Some(Next::Part { range: self.start..self.start + left, last: true });
            }
            let range = self.start..self.end - available % grain;
            if range.is_empty() {
                return self.ended.then_some(Next::Truncated(left - available));
            }
            return Some(Next::Part { range, last: false });
        }
        match self.prefixed_at(self.start)? {
            Ok(range) => Some(Next::Message(range)),
            Err(missing) => {
                (self.ended && self.start < self.end).then_some(Next::Truncated(missing))
            }
        }
    }

    /// Returns the length in the prefix at `at`, if the prefix is complete.
    fn prefix_at(&self, at: usize) -> Option<usize> {
        let prefix = self.buffer.get(at..self.end)?.first_chunk::<PREFIX_BYTES>()?;
        // Lossless: addresses have at least 32 bits on all supported targets.
        Some(u32::from_be_bytes(*prefix) as usize)
    }

    /// Returns the range of the message whose prefix is at `at`, or the number of its missing bytes.
    /// Returns `None` if there are no bytes at `at`.
    fn prefixed_at(&self, at: usize) -> Option<Result<Range<usize>, usize>> {
        let rest = self.buffer.get(at..self.end).filter(|rest| !rest.is_empty())?;
        let Some(length) = self.prefix_at(at) else {
            return Some(Err(PREFIX_BYTES - rest.len()));
        };
        let start = at + PREFIX_BYTES;
        Some(match length.checked_sub(rest.len() - PREFIX_BYTES) {
            None | Some(0) => Ok(start..start + length),
            Some(missing) => Err(missing),
        })
    }
}

/// Returns the position of the first `byte`. Short blocks are searched without memchr: it detects
/// the features of the processor, which traps in a virtual machine and takes longer than a round trip.
#[inline]
fn find(byte: u8, block: &[u8]) -> Option<usize> {
    if block.len() <= SHORT_BLOCK_BYTES {
        return block.iter().position(|it| *it == byte);
    }
    memchr(byte, block)
}

/// The size of the longest block that is searched byte by byte.
const SHORT_BLOCK_BYTES: usize = 64;
/// The initial buffer size; a longer line enlarges it. From this size on the allocator maps fresh
/// pages, which cost nothing until they are written.
const BLOCK_BYTES: usize = 128 << 10;
/// The initial buffer size for [`Framing::Whole`].
const WHOLE_BLOCK_BYTES: usize = 256 << 10;
/// The longest message that is taken whole if long ones are taken in parts.
pub const LONG_BYTES: usize = 1 << 20;
/// The approximate minimum length of a part of a long message, except its last.
const PART_BYTES: usize = 64 << 10;
/// The largest buffer that is kept when it is empty: a message of [`LONG_BYTES`] with its prefix or
/// line end.
const MAX_IDLE_BYTES: usize = LONG_BYTES + PREFIX_BYTES;
const PREFIX_BYTES: usize = 4;

#[cfg(test)]
mod tests;
