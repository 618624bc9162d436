//! permessage-deflate: messages in and out of DEFLATE (RFC 7692, 7.2).
//!
//! Both directions work piece by piece, so that a message of any size needs no memory of its own.
//! Their state is made with the first message that needs it.

use super::{
    extension::params::{MAX_BITS, MIN_BITS, Side},
    slice::Within,
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What comes is no DEFLATE, or is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Inflates what the peer sends.
#[derive(Debug)]
pub struct Inflater {
    side: Side,
    state: Option<Decompress>,
    /// What was inflated and not taken is at `start..end`.
    out: Vec<u8>,
    start: usize,
    end: usize,
    stage: Stage,
}

/// How far the open message is inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has brought no bytes.
    Empty,
    /// Inside, or between two blocks.
    Inside,
    /// Nothing followed a final block.
    Final,
    /// To its end.
    Ended,
    /// What follows the output is no DEFLATE.
    Broken,
}

impl Inflater {
    /// For a peer that compresses like this.
    pub fn new(side: Side) -> Self {
        Self { side, state: None, out: Vec::new(), start: 0, end: 0, stage: Stage::Empty }
    }

    /// A message begins.
    pub fn begin(&mut self) {
        if !self.side.keeps_context
            && let Some(state) = &mut self.state
        {
            state.reset(false);
        }
        (self.start, self.end) = (0, 0);
        self.stage = Stage::Empty;
    }

    /// Inflates from `input` into [`Self::output`], which must have been taken: how many bytes were
    /// used. At most `room` bytes come of it, and there may be more for the next call, also when
    /// all were used. `last`: the message ends with `input`.
    pub fn inflate(&mut self, input: &[u8], last: bool, room: usize) -> Result<usize, Broken> {
        if self.out.is_empty() {
            self.out = vec![0; SCRATCH];
        }
        // A window larger than agreed inflates the same, and can be reset without a new state.
        let state =
            self.state.get_or_insert_with(|| Decompress::new_with_window_bits(false, MAX_BITS));
        let out = self.out.within_mut(..room.min(SCRATCH));
        let (mut used, mut made) = (0, 0);
        loop {
            let (into, from) = (state.total_in(), state.total_out());
            let rest = input.within(used..);
            let room = out.within_mut(made..);
            let status = state.decompress(rest, room, FlushDecompress::None);
            // At most the lengths of the slices.
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
        // A full output may not be all.
        if made < out.len() {
            self.stage = match self.stage {
                _ if used < input.len() => Stage::Broken,
                Stage::Inside if last => finish(state).map_or(Stage::Broken, |()| Stage::Ended),
                // An empty message may be no bytes at all, and a final block be the end of all.
                Stage::Empty | Stage::Final if last => Stage::Ended,
                same => same,
            };
        }
        if self.is_broken() && made == 0 { Err(Broken) } else { Ok(used) }
    }

    /// Whether nothing but a fault follows [`Self::output`].
    pub fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// What was inflated and not taken.
    pub fn output(&self) -> &[u8] {
        self.out.within(self.start..self.end)
    }

    /// Takes `n` bytes of [`Self::output`]; [`Self::taken`] still has them.
    pub fn take(&mut self, n: usize) -> std::ops::Range<usize> {
        let from = self.start;
        self.start = (from + n).min(self.end);
        from..self.start
    }

    /// Bytes that were taken, until more is inflated.
    pub fn taken(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.out.within(range)
    }

    /// Whether all of the message is in what was inflated.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }
}

/// Adds what the peer left out at the end (7.2.2). It is behind the message's last block, so that
/// nothing comes of it, unless the message is cut.
fn finish(state: &mut Decompress) -> Result<(), Broken> {
    let (into, from) = (state.total_in(), state.total_out());
    let ends = ENDS.as_flattened().within(1..);
    state.decompress(ends, &mut [0], FlushDecompress::None).map_err(|_| Broken)?;
    let all_used = state.total_in() - into == ends.len() as u64;
    if all_used && state.total_out() == from { Ok(()) } else { Err(Broken) }
}

/// Compresses what we send.
#[derive(Debug)]
pub struct Deflater {
    side: Side,
    level: u32,
    /// Messages from this length on are compressed, in bytes.
    min: u64,
    state: Option<Compress>,
    out: Vec<u8>,
    /// The open message has brought bytes.
    fed: bool,
}

impl Deflater {
    /// Compresses as agreed, at `level` 1 (fast) to 9 (small), messages of `min` bytes or more.
    pub fn new(side: Side, level: u32, min: u64) -> Self {
        Self { side, level, min, state: None, out: Vec::new(), fed: false }
    }

    /// Whether a message of this length is to be compressed; `None`: nobody knows its length.
    pub fn wants(&self, length: Option<u64>) -> bool {
        // Deviation: a window of 8 bits cannot be made, and a message may go as it is (7.2.1).
        self.side.window_bits >= MIN_BITS && length.is_none_or(|length| length >= self.min)
    }

    /// A message begins.
    pub fn begin(&mut self) {
        if !self.side.keeps_context
            && let Some(state) = &mut self.state
        {
            state.reset();
        }
        self.fed = false;
        self.clear();
    }

    /// Compresses the next bytes of the message. What comes of it, now or later, is in
    /// [`Self::output`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.fed |= !bytes.is_empty();
        self.compress(bytes, FlushCompress::None);
    }

    /// Ends the message: the rest of it is in [`Self::output`].
    pub fn end(&mut self) {
        self.finish(&[]);
    }

    /// Compresses a whole message into [`Self::output`].
    pub fn message(&mut self, bytes: &[u8]) {
        self.begin();
        self.fed = !bytes.is_empty();
        self.finish(bytes);
    }

    fn finish(&mut self, bytes: &[u8]) {
        if self.fed {
            self.compress(bytes, FlushCompress::Sync);
            // 7.2.1: the receiver adds these again.
            self.out.truncate(self.out.len().saturating_sub(FLUSHED.len()));
        } else {
            // An empty block: a flush of nothing would be nothing at all (7.2.3.6).
            self.out.push(0);
        }
    }

    /// What is compressed and not yet sent.
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// [`Self::output`] has been sent.
    pub fn clear(&mut self) {
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
    }

    fn compress(&mut self, bytes: &[u8], flush: FlushCompress) {
        let (level, bits) = (self.level, self.side.window_bits);
        let state = self.state.get_or_insert_with(|| {
            Compress::new_with_window_bits(Compression::new(level), false, bits)
        });
        let start = state.total_in();
        // What it takes is mostly less; what it lacks is found a step at a time.
        self.out.reserve((bytes.len() / 2).clamp(STEP, KEPT));
        loop {
            let done = (state.total_in() - start) as usize;
            let rest = bytes.within(done..);
            // It fails only where the state is broken, which ours is not.
            let status = state.compress_vec(rest, &mut self.out, flush);
            let all = (state.total_in() - start) as usize == bytes.len();
            // With room left, all that the flush asks for is out.
            if status.is_err() || (all && self.out.len() < self.out.capacity()) {
                return;
            }
            self.out.reserve(STEP);
        }
    }
}

/// The empty block that a flush ends with, and that does not go over the wire (7.2.1).
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];
/// The same (its first byte is the peer's), and more empty blocks, of which a message that is cut
/// inside a block makes bytes or nonsense: what it takes for a table of codes is filled by then.
const ENDS: [[u8; 5]; 21] = [[0, 0, 0, 0xff, 0xff]; 21];

/// Bytes inflated at a time.
const SCRATCH: usize = 32 << 10;
/// Bytes by which the compressed output grows at least.
const STEP: usize = 4 << 10;
/// Capacity kept between messages, in bytes.
const KEPT: usize = 256 << 10;

#[cfg(test)]
mod tests;
