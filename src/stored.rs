//! Messages that are needed whole: short ones in memory, long ones in a temporary file.

use crate::{
    proto::{Kind, Piece, slice::Within},
    sys::temporary::TemporaryFile,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Collects the pieces of messages. It holds at most [`MEMORY_LIMIT_BYTES`] of a message and one
/// piece in memory, unless no temporary file can be written.
#[derive(Debug, Default)]
pub struct Collector {
    /// The start of the message or, if it has a file, the bytes to be appended to the file.
    bytes: Vec<u8>,
    file: Option<TemporaryFile>,
    /// The length of the file.
    written: u64,
    /// True if this message stays in memory because a file could not be written.
    in_memory: bool,
    /// The bytes of such a message.
    held: HeldBytes,
}

/// A complete message.
#[derive(Clone, Copy, Debug)]
pub struct WholeMessage<'a> {
    /// The type of the message.
    pub kind: Kind,
    /// Its payload.
    pub content: Content<'a>,
    /// Payload bytes of the message on the wire.
    pub carried: u64,
    /// Frames of the message.
    pub frames: u32,
}

/// The payload of a complete message.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A short message, in memory.
    Short(&'a [u8]),
    /// A long message, to be read in parts.
    Long(&'a StoredMessage),
}

/// A long message. Clones share it.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    place: Arc<Place>,
    length: u64,
}

#[derive(Debug)]
enum Place {
    File(TemporaryFile),
    /// The message, because no temporary file could be written.
    Memory(Vec<u8>),
}

/// A message that has just been completed.
#[derive(Debug)]
pub enum Collected<'a> {
    /// A short message, borrowed.
    Short(&'a [u8]),
    /// A long message.
    Long(StoredMessage),
}

impl Collected<'_> {
    /// Returns the payload.
    pub fn content(&self) -> Content<'_> {
        match self {
            Self::Short(bytes) => Content::Short(bytes),
            Self::Long(stored) => Content::Long(stored),
        }
    }
}

impl Collector {
    /// Adds a piece. Returns the message after its last piece, without copying a message that came
    /// in one piece.
    pub fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<Collected<'a>> {
        if piece.first && piece.last {
            return Some(Collected::Short(piece.payload));
        }
        if piece.first {
            *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::default() };
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_CAPACITY_BYTES);
        }
        self.bytes.extend_from_slice(piece.payload);
        let limit = if self.file.is_some() { BLOCK_BYTES } else { MEMORY_LIMIT_BYTES };
        if !self.in_memory && self.bytes.len() > limit {
            self.store();
        }
        if self.in_memory {
            self.held.set(self.bytes.len());
        }
        if !piece.last {
            return None;
        }
        if self.file.is_some() && !self.in_memory {
            self.store();
        }
        if self.file.is_none() && !self.in_memory {
            return Some(Collected::Short(&self.bytes));
        }
        Some(Collected::Long(self.take()))
    }

    /// Reports whether the messages of all collectors that stay in memory are longer than
    /// `HELD_LIMIT_BYTES`, and this is one of several. Its message is to be discarded then.
    pub fn is_crowded(&self) -> bool {
        let (all, own) = (HELD.load(Ordering::Relaxed), self.held.0);
        own > 0 && all > own && all > HELD_LIMIT_BYTES
    }

    /// Discards the message so far.
    pub fn discard(&mut self) {
        *self = Self::default();
    }

    fn take(&mut self) -> StoredMessage {
        let length = self.written + self.bytes.len() as u64;
        let place = match self.file.take() {
            Some(file) => Place::File(file),
            None => Place::Memory(std::mem::take(&mut self.bytes)),
        };
        *self = Self::default();
        StoredMessage { place: Arc::new(place), length }
    }

    /// Moves the bytes to the file. If that fails, the message stays in memory.
    fn store(&mut self) {
        let file = self.file.take().map_or_else(TemporaryFile::new, Ok);
        let Ok(mut file) = file else {
            self.in_memory = true;
            return;
        };
        if file.append(&self.bytes).is_ok() {
            self.written += self.bytes.len() as u64;
            self.bytes.clear();
            self.file = Some(file);
            return;
        }
        self.in_memory = true;
        let mut message = vec![0; usize::try_from(self.written).unwrap_or_default()];
        if file.read_at(0, &mut message).is_err() {
            // Reading the message fails for the same reason, which is then reported.
            self.file = Some(file);
            return;
        }
        message.append(&mut self.bytes);
        (self.bytes, self.written) = (message, 0);
    }
}

/// The bytes of long messages that all collectors hold in memory.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The part of a collector in [`HELD`].
#[derive(Debug, Default)]
struct HeldBytes(usize);

impl HeldBytes {
    fn set(&mut self, bytes: usize) {
        HELD.fetch_add(bytes, Ordering::Relaxed);
        HELD.fetch_sub(std::mem::replace(&mut self.0, bytes), Ordering::Relaxed);
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl StoredMessage {
    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes all of the message. Returns its length.
    pub fn write_to(&self, out: &mut impl io::Write) -> io::Result<u64> {
        let mut offset = 0;
        while offset < self.length {
            let part = self.read_at(offset, BLOCK_BYTES)?;
            out.write_all(&part)?;
            offset += part.len() as u64;
        }
        Ok(offset)
    }

    /// Reads as [`Self::read_at`] does, without the part of a character at the end. The offset is
    /// that of a character, and the message is text.
    pub fn read_text_at(&self, offset: u64, length: usize) -> io::Result<String> {
        let mut bytes = self.read_at(offset, length)?;
        let cut = std::str::from_utf8(&bytes).err().filter(|fault| fault.error_len().is_none());
        if let Some(fault) = cut {
            bytes.truncate(fault.valid_up_to());
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned()))
    }

    /// Reads up to `length` bytes from this offset; fewer only at the end.
    pub fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = left.min(length);
        match &*self.place {
            Place::File(file) => {
                let mut bytes = vec![0; length];
                file.read_at(offset, &mut bytes)?;
                Ok(bytes)
            }
            Place::Memory(message) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                Ok(message.get(offset..).unwrap_or_default().within(..length).to_vec())
            }
        }
    }
}

/// The length of all incomplete messages that stay in memory because no temporary file can be written.
const HELD_LIMIT_BYTES: usize = 256 << 20;
/// The longest message that is kept in memory.
pub const MEMORY_LIMIT_BYTES: usize = 1 << 20;
/// The number of bytes that are written or read at once.
const BLOCK_BYTES: usize = 256 << 10;
/// The capacity that a [`Collector`] keeps between messages.
const KEPT_CAPACITY_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(payload: &[u8], first: bool, last: bool) -> Piece<'_> {
        Piece { first, last, ..Piece::whole(Kind::Text, payload) }
    }

    fn short(collected: Option<Collected<'_>>) -> &[u8] {
        match collected {
            Some(Collected::Short(bytes)) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_memory_of_several_collectors_is_limited() {
        let (mut one, mut other) = (Collector::default(), Collector::default());
        one.held.set(HELD_LIMIT_BYTES / 2);
        other.in_memory = true;
        assert!(other.push(&piece(b"some", true, false)).is_none() && !one.is_crowded());
        one.held.set(HELD_LIMIT_BYTES);
        other.in_memory = true;
        assert!(other.push(&piece(b"more", false, false)).is_none());
        assert!(one.is_crowded() && other.is_crowded());
        one.discard();
        assert!(!one.is_crowded() && !other.is_crowded());
    }

    /// Collects a message in pieces of this length.
    fn collect(collector: &mut Collector, message: &[u8], size: usize) -> StoredMessage {
        let pieces = message.chunks(size).collect::<Vec<_>>();
        for (i, part) in pieces.iter().enumerate() {
            let last = i + 1 == pieces.len();
            match collector.push(&piece(part, i == 0, last)) {
                None => assert!(!last),
                Some(Collected::Long(stored)) => return stored,
                Some(Collected::Short(_)) => panic!("it is long"),
            }
        }
        panic!("it has an end")
    }

    fn read(stored: &StoredMessage) -> Vec<u8> {
        let mut all = Vec::new();
        while (all.len() as u64) < stored.length() {
            all.extend(stored.read_at(all.len() as u64, 100_000).unwrap());
        }
        all
    }

    #[test]
    fn a_short_message_stays_in_memory_and_one_piece_is_not_copied() {
        let mut collector = Collector::default();
        assert_eq!(short(collector.push(&piece(b"whole", true, true))), b"whole");
        assert_eq!(collector.bytes.capacity(), 0);
        assert!(collector.push(&piece(b"lost", true, false)).is_none());
        assert!(collector.push(&piece(b"a", true, false)).is_none());
        assert_eq!(short(collector.push(&piece(b"b", false, true))), b"ab");
        assert_eq!(short(collector.push(&piece(b"c", true, true))), b"c");
    }

    #[test]
    fn a_long_message_is_stored_and_memory_stays_small() {
        let message: Vec<u8> = (0u32..).flat_map(u32::to_le_bytes).take(5_000_001).collect();
        let mut collector = Collector::default();
        let stored = [1000, 65_536, 3_000_000].map(|size| collect(&mut collector, &message, size));
        for stored in stored {
            assert!(matches!(*stored.place, Place::File(_)));
            assert!(read(&stored) == message);
            assert_eq!(stored.read_at(stored.length(), 9).unwrap(), b"");
        }
        assert!(collector.push(&piece(&message[..=MEMORY_LIMIT_BYTES], true, false)).is_none());
        assert!(collector.bytes.is_empty());
        assert_eq!(short(collector.push(&piece(b"next", true, true))), b"next");
    }

    #[test]
    fn a_message_that_cannot_be_stored_stays_in_memory() {
        let message = vec![b'x'; MEMORY_LIMIT_BYTES * 2];
        let mut collector = Collector { in_memory: true, ..Collector::default() };
        assert!(collector.push(&piece(&message, false, false)).is_none());
        let Some(Collected::Long(stored)) = collector.push(&piece(b"y", false, true)) else {
            panic!("it is long")
        };
        assert!(matches!(*stored.place, Place::Memory(_)));
        assert!(read(&stored) == [&message[..], b"y"].concat());
        assert_eq!(short(collector.push(&piece(b"next", true, true))), b"next");
    }
}
