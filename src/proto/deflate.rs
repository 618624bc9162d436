//! Compression and decompression of messages with permessage-deflate (RFC 7692, 7.2).
//!
//! Both directions work piece by piece, so that no message needs a buffer of its size. Their state
//! is allocated by the first message that needs it.

use super::{
    buffers,
    extension::params::{MAX_BITS, MIN_BITS, Side},
    slice::Within,
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::cell::RefCell;

thread_local! {
    /// States of compressors without a message, by level and window bits.
    static COMPRESSORS: RefCell<Vec<(u32, u8, Compress)>> = const { RefCell::new(Vec::new()) };
    static DECOMPRESSORS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// The data is not valid DEFLATE, or is truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDeflate;

/// Inflates what the peer sends.
#[derive(Debug)]
pub struct Inflater {
    side: Side,
    state: Option<Decompress>,
    /// Output; the bytes not taken yet are at `start..end`.
    out: Vec<u8>,
    start: usize,
    end: usize,
    stage: Stage,
}

/// The progress of the current message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No bytes so far.
    Empty,
    /// Inside a block or between two.
    Inside,
    /// Right after a block marked as final.
    Final,
    /// Inflated completely.
    Ended,
    /// Invalid data follows the output.
    Broken,
}

impl Inflater {
    /// Creates an inflater for a peer that compresses with these parameters.
    pub fn new(side: Side) -> Self {
        Self { side, state: None, out: Vec::new(), start: 0, end: 0, stage: Stage::Empty }
    }

    /// Begins a message.
    pub fn begin(&mut self) {
        if !self.side.keeps_context
            && let Some(state) = &mut self.state
        {
            state.reset(false);
        }
        (self.start, self.end) = (0, 0);
        self.stage = Stage::Empty;
    }

    /// Inflates from `input` into [`Self::output`], whose earlier bytes must have been taken.
    /// Returns the number of input bytes consumed. Produces at most `room` bytes; more may follow
    /// in the next call, even if all input was consumed. `last` is true if the message ends with
    /// `input`.
    pub fn inflate(
        &mut self,
        input: &[u8],
        last: bool,
        room: usize,
    ) -> Result<usize, InvalidDeflate> {
        if self.out.is_empty() {
            self.out = vec![0; SCRATCH_BYTES];
        }
        // A window larger than negotiated inflates the same, and `reset` can keep the state.
        let state = self.state.get_or_insert_with(|| {
            let idle = DECOMPRESSORS.with_borrow_mut(Vec::pop);
            idle.unwrap_or_else(|| Decompress::new_with_window_bits(false, MAX_BITS))
        });
        let out = self.out.within_mut(..room.min(SCRATCH_BYTES));
        let (mut used, mut made) = (0, 0);
        loop {
            let (into, from) = (state.total_in(), state.total_out());
            let rest = input.within(used..);
            let room = out.within_mut(made..);
            let status = state.decompress(rest, room, FlushDecompress::None);
            // The casts are lossless: neither step exceeds the length of its slice.
            let step = ((state.total_in() - into) as usize, (state.total_out() - from) as usize);
            used += step.0;
            made += step.1;
            match status {
                Err(_) => {
                    self.stage = Stage::Broken;
                    break;
                }
                Ok(Status::StreamEnd) => {
                    // A final block does not end the message (7.2.3.4).
                    state.reset(false);
                    self.stage = Stage::Final;
                }
                Ok(_) if step != (0, 0) => self.stage = Stage::Inside,
                Ok(_) => {}
            }
            if made == out.len() || used == input.len() || step == (0, 0) {
                break;
            }
        }
        (self.start, self.end) = (0, made);
        // If the output is full, more may follow.
        if made < out.len() {
            self.stage = match self.stage {
                _ if used < input.len() => Stage::Broken,
                Stage::Inside if last => finish(state).map_or(Stage::Broken, |()| Stage::Ended),
                // An empty message may have no bytes at all, and a final block may end the message.
                Stage::Empty | Stage::Final if last => Stage::Ended,
                same => same,
            };
        }
        if self.is_broken() && made == 0 { Err(InvalidDeflate) } else { Ok(used) }
    }

    /// Gives back the memory that is not needed between messages.
    pub fn release_memory(&mut self) {
        if self.out.capacity() > 0 && self.start == self.end {
            self.out = Vec::new();
            (self.start, self.end) = (0, 0);
        }
        if !self.side.keeps_context
            && let Some(mut state) = self.state.take()
        {
            state.reset(false);
            DECOMPRESSORS.with_borrow_mut(|idle| {
                if idle.len() < IDLE_STATES {
                    idle.push(state);
                }
            });
        }
    }

    /// Reports whether invalid data follows [`Self::output`].
    pub fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// Returns the inflated bytes that were not taken.
    pub fn output(&self) -> &[u8] {
        self.out.within(self.start..self.end)
    }

    /// Takes `n` bytes from the front of [`Self::output`]. [`Self::taken`] returns them by this
    /// range.
    pub fn take(&mut self, n: usize) -> std::ops::Range<usize> {
        let from = self.start;
        self.start = (from + n).min(self.end);
        from..self.start
    }

    /// Returns bytes that were taken. They are valid until more is inflated.
    pub fn taken(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.out.within(range)
    }

    /// Reports whether the message is inflated completely.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }
}

/// Inflates the bytes that the peer omitted at the end (7.2.2). They follow the message's last block
/// and produce no output, unless the message is truncated.
fn finish(state: &mut Decompress) -> Result<(), InvalidDeflate> {
    let (into, from) = (state.total_in(), state.total_out());
    let tail = EMPTY_BLOCKS.as_flattened().within(1..);
    state.decompress(tail, &mut [0], FlushDecompress::None).map_err(|_| InvalidDeflate)?;
    let all_used = state.total_in() - into == tail.len() as u64;
    if all_used && state.total_out() == from { Ok(()) } else { Err(InvalidDeflate) }
}

/// Compresses what we send.
#[derive(Debug)]
pub struct Deflater {
    side: Side,
    level: u32,
    /// The length from which messages are compressed, in bytes.
    min: u64,
    state: Option<Compress>,
    out: Vec<u8>,
    /// True if the current message has any bytes.
    has_input: bool,
}

impl Deflater {
    /// Creates a deflater with the negotiated parameters, for messages of at least `min` bytes.
    /// `level` is 1 (fastest) to 9 (smallest).
    pub fn new(side: Side, level: u32, min: u64) -> Self {
        Self { side, level, min, state: None, out: Vec::new(), has_input: false }
    }

    /// Reports whether a message of this length should be compressed; `None` is an unknown length.
    pub fn should_compress(&self, length: Option<u64>) -> bool {
        // Deviation: zlib cannot compress with a window of 8 bits. A message may be sent
        // uncompressed (7.2.1).
        self.side.window_bits >= MIN_BITS && length.is_none_or(|length| length >= self.min)
    }

    /// Returns the size of the window, in bits.
    pub fn window_bits(&self) -> u8 {
        self.side.window_bits
    }

    /// Begins a message.
    pub fn begin(&mut self) {
        if !self.side.keeps_context
            && let Some(state) = &mut self.state
        {
            state.reset();
        }
        self.has_input = false;
        self.clear();
    }

    /// Compresses the next bytes of the message. Their output may be delayed until [`Self::end`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.has_input |= !bytes.is_empty();
        self.compress(bytes, FlushCompress::None);
    }

    /// Ends the message and completes [`Self::output`].
    pub fn end(&mut self) {
        self.finish(&[]);
    }

    /// Compresses a whole message into [`Self::output`].
    pub fn message(&mut self, bytes: &[u8]) {
        self.begin();
        self.has_input = !bytes.is_empty();
        self.finish(bytes);
    }

    fn finish(&mut self, bytes: &[u8]) {
        if self.has_input {
            self.compress(bytes, FlushCompress::Sync);
            // 7.2.1: the receiver appends these bytes again.
            self.out.truncate(self.out.len().saturating_sub(SYNC_FLUSH_TAIL.len()));
        } else {
            // An empty block (7.2.3.6): a flush without input would produce nothing.
            self.out.push(0);
        }
    }

    /// Returns the compressed bytes that were not cleared.
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// Discards [`Self::output`], which has been sent.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// Discards [`Self::output`] after the end of a message, and gives back the memory that is not
    /// needed between messages.
    pub fn release(&mut self) {
        buffers::give(std::mem::take(&mut self.out));
        if !self.side.keeps_context
            && let Some(mut state) = self.state.take()
        {
            state.reset();
            COMPRESSORS.with_borrow_mut(|idle| {
                if idle.len() < IDLE_STATES {
                    idle.push((self.level, self.side.window_bits, state));
                }
            });
        }
    }

    /// Discards the first `n` bytes of [`Self::output`], which have been sent.
    pub fn discard(&mut self, n: usize) {
        if n == self.out.len() {
            return self.clear();
        }
        self.out.drain(..n.min(self.out.len()));
    }

    fn compress(&mut self, bytes: &[u8], flush: FlushCompress) {
        let (level, bits) = (self.level, self.side.window_bits);
        let state = self.state.get_or_insert_with(|| {
            let idle = COMPRESSORS.with_borrow_mut(|idle| {
                let fits = |(its_level, its_bits, _): &(u32, u8, Compress)| {
                    (*its_level, *its_bits) == (level, bits)
                };
                let at = idle.iter().position(fits)?;
                Some(idle.swap_remove(at).2)
            });
            idle.unwrap_or_else(|| {
                Compress::new_with_window_bits(Compression::new(level), false, bits)
            })
        });
        if self.out.capacity() == 0 {
            self.out = buffers::take();
        }
        let start = state.total_in();
        // Usually more than enough; otherwise the output grows step by step.
        self.out.reserve((bytes.len() / 2).clamp(GROWTH_BYTES, RESERVED_BYTES));
        loop {
            let done = (state.total_in() - start) as usize;
            let rest = bytes.within(done..);
            // Fails only if the state is corrupt, which cannot happen here.
            let status = state.compress_vec(rest, &mut self.out, flush);
            let all = (state.total_in() - start) as usize == bytes.len();
            // Room left in the output means that the flush is complete.
            if status.is_err() || (all && self.out.len() < self.out.capacity()) {
                return;
            }
            self.out.reserve(GROWTH_BYTES);
        }
    }
}

/// The end of the empty block that completes a flush; it is not sent (7.2.1).
const SYNC_FLUSH_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Empty blocks: the omitted tail (the first byte of the first block is the peer's), and enough more
/// to expose a message truncated inside a block, which takes them for data. They fill even a table
/// of codes, so that such a message produces output or an error.
const EMPTY_BLOCKS: [[u8; 5]; 21] = [[0, 0, 0, 0xff, 0xff]; 21];

/// The maximum number of bytes inflated at a time.
const SCRATCH_BYTES: usize = 32 << 10;
/// The minimum number of bytes by which the compressed output grows.
const GROWTH_BYTES: usize = 4 << 10;
/// The most output for which room is reserved at once.
const RESERVED_BYTES: usize = 256 << 10;
/// The greatest number of states without a message that a thread keeps.
const IDLE_STATES: usize = 4;

#[cfg(test)]
mod tests;
