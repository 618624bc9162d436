//! Stdin to messages: finds them in what was read.

use crate::proto::slice::Within;
use memchr::memchr;
use std::ops::Range;

/// How messages follow each other in a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each is a line that ends with this byte; before LF a CR belongs to the end.
    Lines(u8),
    /// Before each stands its length, in four bytes with the highest first.
    Lengths,
    /// All of it is one.
    Whole,
}

/// What is next to be sent. The bytes stay where they are until [`Input::room`] is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message.
    Message(Range<usize>),
    /// Part of the one message that all of it is; `last`: its end.
    Part {
        /// Where the bytes lie.
        range: Range<usize>,
        /// Nothing follows.
        last: bool,
    },
    /// It ends inside a message; how many bytes that lacks.
    Cut(usize),
}

/// Bytes read and not yet sent.
#[derive(Debug)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// No terminator before here.
    searched: usize,
    framing: Framing,
    ended: bool,
    /// Nothing more is to be taken, whatever is there.
    finished: bool,
    /// Messages taken so far.
    taken: u64,
}

impl Input {
    /// Nothing read yet.
    pub fn new(framing: Framing) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            framing,
            ended: false,
            finished: false,
            taken: 0,
        }
    }

    /// Room for the next read. A line has no length limit: it grows to hold the longest.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
        }
        if self.start > 0 && self.buffer.len() - self.end < BLOCK / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < BLOCK / 2 {
            if self.buffer.is_empty() {
                // Fresh zeros cost nothing until they are used.
                self.buffer = vec![0; self.block_bytes()];
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        } else if self.end == 0 && self.buffer.len() > KEPT {
            // What one long line needed is not kept for ever.
            self.buffer = vec![0; BLOCK];
        }
        self.buffer.within_mut(self.end..)
    }

    fn block_bytes(&self) -> usize {
        if self.framing == Framing::Whole { WHOLE_BLOCK_BYTES } else { BLOCK }
    }

    /// `n` bytes were read into the room; 0 is the end, which ends a last line too.
    pub fn filled(&mut self, n: usize) {
        self.end += n;
        self.ended |= n == 0;
    }

    /// Whether there is something to send.
    pub fn has_next(&mut self) -> bool {
        match self.framing {
            Framing::Lines(terminator) => self.line(terminator).is_some(),
            Framing::Lengths => self.prefixed().is_some(),
            Framing::Whole => !self.finished && (self.ended || self.start < self.end),
        }
    }

    /// Whether stdin has ended: there is nothing more to read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether all of stdin has been read and taken.
    pub fn is_done(&self) -> bool {
        match self.framing {
            Framing::Whole => self.finished,
            _ => self.ended && self.start == self.end,
        }
    }

    /// What is next to be sent.
    #[inline]
    pub fn take(&mut self) -> Option<Next> {
        match self.framing {
            Framing::Lines(terminator) => self.next_line(terminator).map(Next::Message),
            Framing::Lengths => self.next_prefixed(),
            Framing::Whole => self.next_part(),
        }
    }

    fn next_prefixed(&mut self) -> Option<Next> {
        let next = self.prefixed()?;
        self.start = if let Next::Message(range) = &next { range.end } else { self.end };
        self.taken += 1;
        Some(next)
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

    /// The next line: what [`Self::take`] gives where messages are lines, in a shorter way.
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

    /// The bytes of a message, or of part of one.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.within(range)
    }

    /// The number of the message taken last, from 1.
    pub fn number(&self) -> u64 {
        self.taken
    }

    /// How many messages are there and not taken; one that has been begun is not counted.
    pub fn waiting(&self) -> usize {
        let rest = self.buffer.within(self.start..self.end);
        match self.framing {
            Framing::Lines(terminator) => {
                let whole = rest.split(|byte| *byte == terminator).count() - 1;
                let last = rest.last().is_some_and(|byte| *byte != terminator);
                whole + usize::from(self.ended && last)
            }
            Framing::Lengths => {
                let mut at = self.start;
                let messages = std::iter::from_fn(|| {
                    at = self.prefixed_at(at)?.ok()?.end;
                    Some(())
                });
                messages.count()
            }
            Framing::Whole => usize::from(self.taken == 0 && !rest.is_empty()),
        }
    }

    /// Where the next line ends, and where the one after it begins.
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

    fn prefixed(&self) -> Option<Next> {
        match self.prefixed_at(self.start)? {
            Ok(range) => Some(Next::Message(range)),
            Err(lacks) => (self.ended && self.start < self.end).then_some(Next::Cut(lacks)),
        }
    }

    /// The message whose prefix is here, or how many bytes it lacks; `None`: here is nothing.
    fn prefixed_at(&self, at: usize) -> Option<Result<Range<usize>, usize>> {
        let rest = self.buffer.get(at..self.end).filter(|rest| !rest.is_empty())?;
        let Some((prefix, rest)) = rest.split_first_chunk::<PREFIX>() else {
            return Some(Err(PREFIX - rest.len()));
        };
        // It fits: this runs where an address has four bytes or more.
        let length = u32::from_be_bytes(*prefix) as usize;
        let start = at + PREFIX;
        Some(match length.checked_sub(rest.len()) {
            None | Some(0) => Ok(start..start + length),
            Some(lacks) => Err(lacks),
        })
    }
}

/// Returns the place of the first such byte. In a short block memchr would ask the processor for its
/// features for nothing, which traps in a virtual machine and takes longer than a round trip.
#[inline]
fn find(byte: u8, block: &[u8]) -> Option<usize> {
    if block.len() <= SHORT_BLOCK_BYTES {
        return block.iter().position(|it| *it == byte);
    }
    memchr(byte, block)
}

/// The longest block that is searched byte by byte.
const SHORT_BLOCK_BYTES: usize = 64;
/// Bytes read at a time, and more once a line is longer. From this size on the allocator takes
/// fresh pages from the system, and only those are paid for that are used.
const BLOCK: usize = 128 << 10;
/// Bytes read at a time where all of it is one message.
const WHOLE_BLOCK_BYTES: usize = 256 << 10;
/// Capacity kept between lines, in bytes.
const KEPT: usize = 1 << 20;
/// Bytes of a length.
const PREFIX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads these chunks: the messages, and how many bytes the last one lacks.
    fn read(framing: Framing, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let mut input = Input::new(framing);
        let (mut messages, mut lacks, mut whole) = (Vec::new(), 0, Vec::new());
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()).chain(&[&b""[..]]) {
            let mut rest = *chunk;
            loop {
                let room = input.room();
                let n = rest.len().min(room.len());
                room[..n].copy_from_slice(&rest[..n]);
                input.filled(n);
                rest = &rest[n..];
                loop {
                    let had = input.has_next();
                    let next = input.take();
                    assert_eq!(next.is_some(), had);
                    match next {
                        None => break,
                        Some(Next::Message(range)) => messages.push(input.bytes(range).to_vec()),
                        Some(Next::Cut(n)) => lacks = n,
                        Some(Next::Part { range, last }) => {
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
        assert!(input.is_done());
        assert_eq!(input.number(), messages.len() as u64 + u64::from(lacks > 0));
        (messages, lacks)
    }

    fn lines(terminator: u8, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        read(Framing::Lines(terminator), chunks).0
    }

    #[test]
    fn lengths() {
        let cases: &[(&[u8], &[&str], usize)] = &[
            (b"", &[], 0),
            (b"\0\0\0\0", &[""], 0),
            (b"\0\0\0\x03a\nb\0\0\0\x01c", &["a\nb", "c"], 0),
            (b"\0\0\0\x01a\0\0\0\x03b", &["a"], 2),
            (b"\0\0\0\x01a\0\0", &["a"], 2),
        ];
        for (bytes, messages, lacks) in cases {
            let expected = (messages.iter().map(|m| m.as_bytes().to_vec()).collect(), *lacks);
            assert_eq!(read(Framing::Lengths, &[bytes]), expected, "{bytes:?}");
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(read(Framing::Lengths, &bytewise), expected, "{bytes:?}");
        }
        let long = vec![b'x'; 3 * BLOCK];
        let bytes = [&(long.len() as u32).to_be_bytes()[..], &long].concat();
        assert_eq!(read(Framing::Lengths, &[&bytes]), (vec![long], 0));
    }

    #[test]
    fn all_of_it_as_one() {
        for bytes in [&b""[..], b"a\n\0b", &[b'x'; 3000]] {
            let expected = (vec![bytes.to_vec()], 0);
            assert_eq!(read(Framing::Whole, &[bytes]), expected);
            assert_eq!(read(Framing::Whole, &bytes.chunks(7).collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn ends_of_lines() {
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
    fn a_line_longer_than_any_block() {
        let long = vec![b'x'; 5 * BLOCK + 1];
        let bytes = [&long[..], b"\nshort\n", &long].concat();
        assert_eq!(lines(b'\n', &[&bytes]), [long.clone(), b"short".to_vec(), long]);
    }

    #[test]
    fn what_waits_is_counted() {
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

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(bytes in "[ab\\r\\n]{0,60}", size in 1usize..9) {
            let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(size).collect();
            prop_assert_eq!(lines(b'\n', &chunks), lines(b'\n', &[bytes.as_bytes()]));
        }
    }
}
