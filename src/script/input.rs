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
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads chunks. Returns the messages and the number of bytes missing from the last one.
    fn read(framing: Framing, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        read_with(Input::new(framing), chunks)
    }

    /// Does so with fragments of this many bytes. Checks the parts and the memory.
    fn read_in_parts(framing: Framing, fragment: usize, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        read_with(Input::new(framing).in_parts(NonZeroUsize::new(fragment).unwrap()), chunks)
    }

    fn read_with(mut input: Input, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let (mut messages, mut missing, mut whole) = (Vec::new(), 0, Vec::new());
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()).chain(&[&b""[..]]) {
            let mut rest = *chunk;
            loop {
                let room = input.room();
                let n = rest.len().min(room.len());
                room[..n].copy_from_slice(&rest[..n]);
                input.filled(n);
                rest = &rest[n..];
                loop {
                    let has_next = input.has_next();
                    let next = input.take();
                    assert_eq!(next.is_some(), has_next);
                    match next {
                        None => break,
                        Some(Next::Message(range)) => messages.push(input.bytes(range).to_vec()),
                        Some(Next::Truncated(n)) => missing = n,
                        Some(Next::TooLong(_)) => panic!(),
                        Some(Next::Part { range, last }) => {
                            if let Some(grain) = input.grain.filter(|_| !last) {
                                assert!(range.len() % grain == 0 && !range.is_empty());
                            }
                            whole.extend_from_slice(input.bytes(range));
                            if last {
                                messages.push(std::mem::take(&mut whole));
                            }
                        }
                    }
                }
                if rest.is_empty() {
                    break;
                }
            }
        }
        assert!(input.is_done() && input.waiting() == 0);
        assert!(input.grain.is_none() || input.buffer.len() <= MAX_IDLE_BYTES);
        if missing > 0 {
            whole.clear();
        }
        assert!(whole.is_empty());
        assert_eq!(input.number(), messages.len() as u64 + u64::from(missing > 0));
        (messages, missing)
    }

    fn lines(terminator: u8, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        read(Framing::Lines(terminator), chunks).0
    }

    #[test]
    fn splits_length_prefixed_messages() {
        let cases: &[(&[u8], &[&str], usize)] = &[
            (b"", &[], 0),
            (b"\0\0\0\0", &[""], 0),
            (b"\0\0\0\x03a\nb\0\0\0\x01c", &["a\nb", "c"], 0),
            (b"\0\0\0\x01a\0\0\0\x03b", &["a"], 2),
            (b"\0\0\0\x01a\0\0", &["a"], 2),
        ];
        for (bytes, messages, missing) in cases {
            let expected = (messages.iter().map(|m| m.as_bytes().to_vec()).collect(), *missing);
            assert_eq!(read(Framing::Lengths, &[bytes]), expected, "{bytes:?}");
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(read(Framing::Lengths, &bytewise), expected, "{bytes:?}");
        }
        let long = vec![b'x'; 3 * BLOCK_BYTES];
        let bytes = [&(long.len() as u32).to_be_bytes()[..], &long].concat();
        assert_eq!(read(Framing::Lengths, &[&bytes]), (vec![long], 0));
    }

    #[test]
    fn takes_the_whole_stream_as_one_message() {
        for bytes in [&b""[..], b"a\n\0b", &[b'x'; 3000]] {
            let expected = (vec![bytes.to_vec()], 0);
            assert_eq!(read(Framing::Whole, &[bytes]), expected);
            assert_eq!(read(Framing::Whole, &bytes.chunks(7).collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn accepts_lf_crlf_and_nul_line_ends() {
        let cases: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"a", &["a"]),
            (b"a\n", &["a"]),
            (b"a\r\nb\n", &["a", "b"]),
            (b"\n\r\n", &["", ""]),
            (b"a\r", &["a\r"]),
            (b"a\rb\r\r\n", &["a\rb\r"]),
            (b"a\n\nb", &["a", "", "b"]),
        ];
        for (bytes, expected) in cases {
            let whole = lines(b'\n', &[bytes]);
            assert_eq!(whole, expected.iter().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>());
            assert_eq!(whole, lines(b'\n', &bytes.chunks(1).collect::<Vec<_>>()));
        }
        assert_eq!(lines(0, &[b"a\r\nb\0c"]), [b"a\r\nb".to_vec(), b"c".to_vec()]);
    }

    #[test]
    fn takes_lines_longer_than_the_buffer() {
        let long = vec![b'x'; 5 * BLOCK_BYTES + 1];
        let bytes = [&long[..], b"\nshort\n", &long].concat();
        assert_eq!(lines(b'\n', &[&bytes]), [long.clone(), b"short".to_vec(), long]);
    }

    /// Such a line took all memory.
    #[test]
    fn a_line_over_the_limit_is_refused_before_its_end() {
        for (bytes, taken) in [
            (&b"1234"[..], None),
            (b"1234\n56789", Some(Next::Message(0..4))),
            (b"12345", Some(Next::TooLong(4))),
            (b"12345\n", Some(Next::TooLong(4))),
        ] {
            let mut input = Input::new(Framing::Lines(b'\n')).with_max_line(4);
            input.room()[..bytes.len()].copy_from_slice(bytes);
            input.filled(bytes.len());
            assert_eq!(input.has_next(), taken.is_some(), "{bytes:?}");
            assert_eq!(input.take(), taken, "{bytes:?}");
        }
    }

    #[test]
    fn counts_waiting_messages() {
        let mut input = Input::new(Framing::Lines(b'\n'));
        input.room()[..5].copy_from_slice(b"a\nb\nc");
        input.filled(5);
        input.take();
        assert_eq!(input.waiting(), 1);
        input.filled(0);
        assert_eq!(input.waiting(), 2);
        let mut input = Input::new(Framing::Lengths);
        input.room()[..12].copy_from_slice(b"\0\0\0\x01a\0\0\0\x01b\0\0");
        input.filled(12);
        assert_eq!(input.waiting(), 2);
        input.take();
        assert_eq!(input.waiting(), 1);
    }

    /// A line without an end took all memory, and nothing of it was sent.
    #[test]
    fn a_line_over_the_limit_is_taken_in_parts() {
        for (length, fragment, chunk) in [
            (LONG_BYTES, 1, 64 << 10),
            (LONG_BYTES + 5, 1, 64 << 10),
            (LONG_BYTES + PART_BYTES, 64 << 10, 1 << 16),
            (3 * LONG_BYTES, 1000, 99_999),
            (3 * LONG_BYTES + 7, 1 << 30, 1 << 20),
            (5 * LONG_BYTES + 1, 50_000, 10 << 20),
        ] {
            let long: Vec<u8> = (0..length).map(|i| b'a' + (i % 23) as u8).collect();
            for (terminator, end) in [(b'\n', &b"\n"[..]), (b'\n', b"\r\n"), (0, b"\0")] {
                let stream = [&long[..], end, b"short", end, &long, end, end, &long].concat();
                let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
                let (lines, _) = read_in_parts(Framing::Lines(terminator), fragment, &chunks);
                let expected = [&long[..], b"short", &long, b"", &long];
                assert!(lines == expected, "{length} {fragment} {chunk} {terminator}");
            }
        }
    }

    #[test]
    fn a_cr_at_the_end_of_a_part_may_belong_to_the_line_end() {
        let long = [&vec![b'x'; LONG_BYTES][..], &[b'\r'; 3]].concat();
        for (end, expected) in [(&b"\n"[..], &long[..long.len() - 1]), (b"", &long), (b"x", &long)]
        {
            for cut in LONG_BYTES - 1..=long.len() {
                let chunks = [&long[..cut], &long[cut..], end];
                let (lines, _) = read_in_parts(Framing::Lines(b'\n'), 1, &chunks);
                let expected = [expected, if end == b"x" { end } else { b"" }].concat();
                assert!(lines == [expected], "{end:?} {cut}");
            }
        }
    }

    #[test]
    fn a_message_with_a_prefix_over_the_limit_is_taken_in_parts() {
        for (length, chunk) in [(LONG_BYTES, 4096), (3 * LONG_BYTES + 7, 64 << 10)] {
            let long: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let prefix = (length as u32).to_be_bytes();
            let short = b"\0\0\0\x01a";
            let stream = [&prefix[..], &long, short, &prefix, &long].concat();
            let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
            let (messages, missing) = read_in_parts(Framing::Lengths, 1000, &chunks);
            assert!(messages == [&long[..], b"a", &long] && missing == 0, "{length}");
            let cut: Vec<&[u8]> = stream[..stream.len() - 5].chunks(chunk).collect();
            let (messages, missing) = read_in_parts(Framing::Lengths, 1000, &cut);
            assert!(messages == [&long[..], b"a"] && missing == 5, "{length}");
        }
        let (messages, missing) =
            read_in_parts(Framing::Lengths, 1, &[b"\xff\xff\xff\xff", b"abc"]);
        assert_eq!((messages, missing), (Vec::new(), u32::MAX as usize - 3));
    }

    #[test]
    fn the_rest_of_a_message_that_was_begun_does_not_wait() {
        let mut input = Input::new(Framing::Lines(b'\n')).in_parts(NonZeroUsize::MIN);
        let mut rest = &vec![b'x'; LONG_BYTES + 2][..];
        while !rest.is_empty() {
            let room = input.room();
            let n = rest.len().min(room.len());
            room[..n].copy_from_slice(&rest[..n]);
            input.filled(n);
            rest = &rest[n..];
        }
        assert!(matches!(input.take(), Some(Next::Part { last: false, .. })));
        assert!(input.is_inside() && input.number() == 1);
        input.room()[..5].copy_from_slice(b"\na\nb\n");
        input.filled(5);
        assert_eq!(input.waiting(), 2);
    }

    proptest! {
        #[test]
        fn chunk_sizes_do_not_change_the_lines(bytes in "[ab\\r\\n]{0,60}", size in 1usize..9) {
            let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(size).collect();
            prop_assert_eq!(lines(b'\n', &chunks), lines(b'\n', &[bytes.as_bytes()]));
        }
    }
}
