//! One direction of the faults of a pair.

use crate::{
    proto::{
        deflate::InvalidDeflate,
        extension::params::Side,
        recode::{MessageDeflater, MessageInflater},
        slice::Within as _,
        trace::Direction,
    },
    script::fault::{FaultEnding, FaultSchedule, FaultStream},
};
use std::time::Instant;

/// One direction of the faults of a pair.
pub(super) struct FaultLane {
    stream: FaultStream,
    /// Bytes that wait for room, or for the end of a stall; those before `taken` are used.
    waiting: Vec<u8>,
    taken: usize,
    /// Compression, if it is taken off before the faults.
    pub(super) recoding: Option<Box<Recoding>>,
    /// True once the leg has ended.
    pub(super) is_at_end: bool,
    /// True once no more bytes come out than those that are inside.
    pub(super) is_finished: bool,
}

/// The compression of one direction, taken off and put on again.
pub(super) struct Recoding {
    inflater: MessageInflater,
    /// Bytes that wait to be inflated, from `used` on.
    arrived: Vec<u8>,
    used: usize,
    deflater: MessageDeflater,
    /// Compressed bytes, of which those before `sent` have left.
    compressed: Vec<u8>,
    sent: usize,
}

impl FaultLane {
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            stream: FaultStream::new(direction),
            waiting: Vec::new(),
            taken: 0,
            recoding: None,
            is_at_end: false,
            is_finished: false,
        }
    }

    /// Takes bytes that were read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        match &mut self.recoding {
            None => self.waiting.extend_from_slice(bytes),
            Some(recoding) => recoding.arrived.extend_from_slice(bytes),
        }
    }

    /// Returns the number of bytes that were read and about which nothing is decided.
    pub(super) fn waiting(&self) -> usize {
        let arrived = self.recoding.as_ref().map_or(0, |it| it.arrived.len() - it.used);
        self.waiting.len() - self.taken + arrived
    }

    /// Reports whether more may wait for its time.
    pub(super) fn has_room(&self) -> bool {
        self.stream.memory() < HELD_BYTES
    }

    /// Decides about the bytes that wait, as far as there is room, up to a fault of both connections.
    /// After the last ones, those that are incomplete follow.
    pub(super) fn take(
        &mut self,
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> Result<Option<FaultEnding>, InvalidDeflate> {
        loop {
            let bytes = self.waiting.within(self.taken..);
            let (taken, ending) = self.stream.push(bytes, schedule, now);
            self.taken += taken;
            if self.taken == self.waiting.len() {
                (self.waiting, self.taken) = (Vec::new(), 0);
            }
            if ending.is_some() {
                return Ok(ending);
            }
            let has_room = self.has_room();
            match &mut self.recoding {
                Some(recoding) if recoding.used < recoding.arrived.len() && has_room => {
                    recoding.inflate(&mut self.waiting)?;
                }
                _ => break,
            }
        }
        if self.is_at_end && !self.is_finished && self.waiting() == 0 {
            self.is_finished = true;
            if let Some(recoding) = &mut self.recoding {
                recoding.inflater.finish(&mut self.waiting);
                let rest = std::mem::take(&mut self.waiting);
                let (_, ending) = self.stream.push(&rest, schedule, now);
                self.stream.finish(now);
                return Ok(ending);
            }
            self.stream.finish(now);
        }
        Ok(None)
    }

    /// Inserts the messages that rules send in this direction. Returns true if there are some.
    pub(super) fn inject(&mut self, schedule: &mut FaultSchedule, now: Instant) -> bool {
        self.stream.insert_injected(schedule, now)
    }

    /// Reports whether bytes may leave now. With `is_last`, no more than those that are inside follow.
    pub(super) fn has_ready(&mut self, is_last: bool, now: Instant) -> bool {
        if let Some(recoding) = &mut self.recoding {
            if is_last && self.stream.queued() == 0 {
                recoding.deflater.finish(&mut recoding.compressed);
            }
            if recoding.sent < recoding.compressed.len() {
                return true;
            }
        }
        !self.stream.ready(now).is_empty()
    }

    /// Moves bytes that may leave now. Returns their number.
    pub(super) fn pull(&mut self, buffer: &mut [u8], now: Instant) -> usize {
        let mut pulled = 0;
        while pulled < buffer.len() {
            let room = buffer.within_mut(pulled..);
            let ready = self.stream.ready(now);
            let (length, advanced) = match &mut self.recoding {
                None => (copy(ready, room), None),
                Some(recoding) => {
                    let mut advanced = 0;
                    if recoding.sent == recoding.compressed.len() {
                        recoding.compressed.clear();
                        recoding.sent = 0;
                        let ready = ready.within(..ready.len().min(COMPRESSED_BYTES));
                        recoding.deflater.push(ready, &mut recoding.compressed);
                        advanced = ready.len();
                    }
                    let length = copy(recoding.compressed.within(recoding.sent..), room);
                    recoding.sent += length;
                    (length, Some(advanced))
                }
            };
            let advanced = advanced.unwrap_or(length);
            if advanced > 0 {
                self.stream.advance(advanced, now);
            }
            if length == 0 && advanced == 0 {
                break;
            }
            pulled += length;
        }
        pulled
    }

    /// Reports whether nothing waits to leave.
    pub(super) fn is_empty(&self) -> bool {
        let is_sent = |it: &Recoding| it.sent == it.compressed.len();
        self.stream.queued() == 0 && self.recoding.as_deref().is_none_or(is_sent)
    }

    /// Returns the time at which bytes may leave, if any wait.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stream.deadline()
    }
}

impl Recoding {
    /// Creates the recoding of messages with these parameters.
    pub(super) fn new(side: Side) -> Self {
        Self {
            inflater: MessageInflater::new(side),
            arrived: Vec::new(),
            used: 0,
            deflater: MessageDeflater::new(side),
            compressed: Vec::new(),
            sent: 0,
        }
    }

    /// Inflates some of the bytes that have arrived.
    fn inflate(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidDeflate> {
        let bytes = self.arrived.within(self.used..);
        self.used += self.inflater.push(bytes, out, INFLATED_BYTES)?;
        if self.used == self.arrived.len() {
            (self.arrived, self.used) = (Vec::new(), 0);
        }
        Ok(())
    }
}

/// Copies as much as there is room for. Returns the length.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    to.within_mut(..length).copy_from_slice(from.within(..length));
    length
}

/// The memory in each direction of what waits for its time; a message more may be in it. While so much
/// waits, nothing is read.
pub(super) const HELD_BYTES: usize = 4 << 20;
/// The bytes that are inflated before the faults look at them.
const INFLATED_BYTES: usize = 64 << 10;
/// The bytes that are compressed at once.
const COMPRESSED_BYTES: usize = 16 << 10;
