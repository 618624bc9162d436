//! Stdin to messages: finds the lines in what was read.

use memchr::memchr;
use std::ops::Range;

/// Bytes read and not yet sent.
#[derive(Debug)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// No terminator before here.
    searched: usize,
    terminator: u8,
    ended: bool,
    /// Lines taken so far.
    lines: u64,
}

impl Input {
    /// Lines that end with this byte; before LF a CR belongs to the end.
    pub fn new(terminator: u8) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            terminator,
            ended: false,
            lines: 0,
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
                self.buffer = vec![0; BLOCK];
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        } else if self.end == 0 && self.buffer.len() > KEPT {
            // What one long line needed is not kept for ever.
            self.buffer = vec![0; BLOCK];
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// `n` bytes were read into the room; 0 is the end, which ends a last line too.
    pub fn filled(&mut self, n: usize) {
        self.end += n;
        self.ended |= n == 0;
    }

    /// Whether a whole line is there.
    pub fn has_line(&mut self) -> bool {
        self.find().is_some()
    }

    /// Whether all of stdin has been read and taken.
    pub fn is_done(&self) -> bool {
        self.ended && self.start == self.end
    }

    /// Where the next line lies, without its end. It stays there until [`Self::room`] is asked for.
    #[inline]
    pub fn next_line(&mut self) -> Option<Range<usize>> {
        let (mut to, next) = self.find()?;
        let from = self.start;
        if self.terminator == b'\n'
            && next > to
            && to > from
            && self.buffer.get(to - 1) == Some(&b'\r')
        {
            to -= 1;
        }
        self.start = next;
        self.searched = next;
        self.lines += 1;
        Some(from..to)
    }

    /// The bytes of a line, or of part of one.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The number of the line taken last, from 1.
    pub fn line(&self) -> u64 {
        self.lines
    }

    /// How many lines are there and not taken.
    pub fn waiting(&self) -> usize {
        let rest = self.buffer.get(self.start..self.end).unwrap_or_default();
        let whole = memchr::memchr_iter(self.terminator, rest).count();
        whole + usize::from(self.ended && rest.last().is_some_and(|b| *b != self.terminator))
    }

    /// Where the next line ends, and where the one after it begins.
    #[inline]
    fn find(&mut self) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..self.end)?;
        match memchr(self.terminator, rest) {
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
}

/// Bytes read at a time, and more once a line is longer. From this size on the allocator takes
/// fresh pages from the system, and only those are paid for that are used.
const BLOCK: usize = 128 << 10;
/// Capacity kept between lines, in bytes.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(terminator: u8, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut input = Input::new(terminator);
        let mut lines = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()).chain(&[&b""[..]]) {
            let mut rest = *chunk;
            loop {
                let room = input.room();
                let n = rest.len().min(room.len());
                room[..n].copy_from_slice(&rest[..n]);
                input.filled(n);
                rest = &rest[n..];
                while let Some(line) = input.next_line() {
                    lines.push(input.bytes(line).to_vec());
                }
                if rest.is_empty() {
                    break;
                }
            }
        }
        assert!(input.is_done());
        assert_eq!(input.line(), lines.len() as u64);
        lines
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
        let mut input = Input::new(b'\n');
        input.room()[..5].copy_from_slice(b"a\nb\nc");
        input.filled(5);
        input.next_line();
        assert_eq!(input.waiting(), 1);
        input.filled(0);
        assert_eq!(input.waiting(), 2);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(bytes in "[ab\\r\\n]{0,60}", size in 1usize..9) {
            let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(size).collect();
            prop_assert_eq!(lines(b'\n', &chunks), lines(b'\n', &[bytes.as_bytes()]));
        }
    }
}
