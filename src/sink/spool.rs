//! A temporary file in which several texts grow at the same time. Each text is a list of blocks, of
//! which only the ends are in memory.

use crate::{proto::slice::Within, sys::temporary::TemporaryFile};
use std::io;

/// A temporary file of texts. It is created for the first one.
#[derive(Debug, Default)]
pub(super) struct Spool {
    file: Option<TemporaryFile>,
    /// The number of blocks of the file.
    blocks: u64,
    /// The first of the blocks that no text uses.
    free: Option<u64>,
}

/// A text of a [`Spool`].
#[derive(Debug, Default)]
pub(super) struct SpooledText {
    /// The first and the last block.
    ends: Option<(u64, u64)>,
    length: u64,
}

impl SpooledText {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Shortens the text to `length` bytes. Nothing may be appended to it any more.
    pub(super) fn truncate(&mut self, length: u64) {
        self.length = self.length.min(length);
    }
}

impl Spool {
    /// Appends to a text. A text that cannot be extended keeps its length, and nothing may be
    /// appended to it any more.
    pub(super) fn append(&mut self, text: &mut SpooledText, bytes: &[u8]) -> io::Result<()> {
        let before = text.length;
        let appended = self.append_parts(text, bytes);
        if appended.is_err() {
            text.length = before;
        }
        appended
    }

    fn append_parts(&mut self, text: &mut SpooledText, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = text.length % DATA_BYTES;
            let block = match text.ends {
                Some((_, last)) if used > 0 => last,
                ends => {
                    let block = self.allocate()?;
                    if let Some((_, last)) = ends {
                        self.link(last, Some(block))?;
                    }
                    text.ends = Some((ends.map_or(block, |(first, _)| first), block));
                    block
                }
            };
            let room = usize::try_from(DATA_BYTES - used).unwrap_or(usize::MAX);
            let (part, after) = rest.split_at(room.min(rest.len()));
            self.file()?.write_at(offset(block) + LINK_BYTES + used, part)?;
            text.length += part.len() as u64;
            rest = after;
        }
        Ok(())
    }

    /// Passes a text to `take`, in parts.
    pub(super) fn read(
        &mut self,
        text: &SpooledText,
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let mut data = [0; BLOCK_LENGTH];
        let (mut block, mut left) = (text.ends.map(|(first, _)| first), text.length);
        while left > 0 {
            let at = block.ok_or(io::ErrorKind::UnexpectedEof)?;
            let length = usize::try_from(left.min(DATA_BYTES)).unwrap_or_default();
            let part = data.within_mut(..length);
            self.file()?.read_at(offset(at) + LINK_BYTES, part)?;
            take(part);
            left -= length as u64;
            block = if left > 0 { self.next(at)? } else { None };
        }
        Ok(())
    }

    /// Removes a text, which may not be used any more. Its blocks are used again.
    pub(super) fn remove(&mut self, text: &SpooledText) {
        if let Some((first, last)) = text.ends
            && self.link(last, self.free).is_ok()
        {
            self.free = Some(first);
        }
    }

    fn file(&mut self) -> io::Result<&mut TemporaryFile> {
        if self.file.is_none() {
            self.file = Some(TemporaryFile::new()?);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn allocate(&mut self) -> io::Result<u64> {
        if let Some(block) = self.free {
            self.free = self.next(block)?;
            return Ok(block);
        }
        self.blocks += 1;
        Ok(self.blocks - 1)
    }

    /// Stores the block that follows a block. Zero stands for none.
    fn link(&mut self, block: u64, next: Option<u64>) -> io::Result<()> {
        let number = next.map_or(0, |next| next + 1);
        self.file()?.write_at(offset(block), &number.to_le_bytes())
    }

    fn next(&mut self, block: u64) -> io::Result<Option<u64>> {
        let mut number = [0; 8];
        self.file()?.read_at(offset(block), &mut number)?;
        Ok(u64::from_le_bytes(number).checked_sub(1))
    }
}

fn offset(block: u64) -> u64 {
    block * BLOCK_LENGTH as u64
}

/// The length of a block. What is not used of the last block of a text takes no space on most file
/// systems.
const BLOCK_LENGTH: usize = 16 << 10;
/// The start of a block: the number of the next one.
const LINK_BYTES: u64 = 8;
const DATA_BYTES: u64 = BLOCK_LENGTH as u64 - LINK_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spool: &mut Spool, text: &SpooledText) -> Vec<u8> {
        let mut all = Vec::new();
        spool.read(text, |part| all.extend_from_slice(part)).unwrap();
        all
    }

    #[test]
    fn texts_that_grow_in_turns_are_read_as_they_were_written() {
        let mut spool = Spool::default();
        let mut texts: [(SpooledText, Vec<u8>); 3] = <_>::default();
        for (i, length) in [0, 1, 16_375, 16_376, 16_377, 50_000, 3, 0, 32_752].iter().enumerate() {
            for (n, (text, expected)) in texts.iter_mut().enumerate() {
                let bytes: Vec<u8> = (0..*length).map(|at| (at * 7 + i + n) as u8).collect();
                spool.append(text, &bytes).unwrap();
                expected.extend(bytes);
            }
        }
        for (text, expected) in &texts {
            assert!(read(&mut spool, text) == *expected);
        }
    }

    #[test]
    fn the_blocks_of_a_removed_text_are_used_again() {
        let mut spool = Spool::default();
        let mut kept = SpooledText::default();
        for round in 0..50u8 {
            let (mut one, mut two) = (SpooledText::default(), SpooledText::default());
            spool.append(&mut one, &vec![round; 40_000]).unwrap();
            spool.append(&mut kept, b"k").unwrap();
            spool.append(&mut two, &vec![!round; 20_000]).unwrap();
            assert_eq!(read(&mut spool, &one), vec![round; 40_000]);
            spool.remove(&one);
            assert_eq!(read(&mut spool, &two), vec![!round; 20_000]);
            spool.remove(&two);
            spool.remove(&SpooledText::default());
        }
        assert_eq!(read(&mut spool, &kept), vec![b'k'; 50]);
        assert!(spool.blocks <= 6, "{}", spool.blocks);
    }
}
