//! One direction of a conversation between others: the bytes that a proxy passes on become the events
//! of an observed session.
//!
//! A tap judges nothing that it passes on. A frame that breaks a rule is reported with its violation,
//! and reading continues behind it. Messages are inflated with what the peers agreed on.

use super::observer::{FRAME_PREVIEW_BYTES, Observer, SessionEvent};
use crate::proto::{
    Close, Leg, Opcode, Tally, Violation, buffers,
    deflate::Inflater,
    extension::params::{Deflate, Side},
    message::{Decoder, Fault, Part},
    slice::Within,
    trace::{Direction, Frame, FrameReader},
};
use std::{collections::VecDeque, time::Instant};

/// Reads what arrives on one leg of a proxy.
pub struct Tap {
    decoder: Decoder,
    /// The peer's compression, if permessage-deflate was agreed.
    side: Option<Side>,
    reader: FrameReader,
    reports: Reports,
    /// Received bytes that are not decoded.
    pending: Vec<u8>,
    /// The time at which the last bytes arrived.
    at: Instant,
    /// The number of decoded bytes.
    position: u64,
    /// The frame that is not decoded.
    skipped: Option<Skipped>,
    /// True until the next message begins, after a message was abandoned.
    is_orphaned: bool,
    /// True if compressed messages depend on one that could not be read.
    has_lost_context: bool,
    close: Option<Close>,
    /// The time of the first message.
    first_message: Option<Instant>,
}

/// The reason why [`Tap::decode`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// All bytes are decoded, as far as they can be.
    All,
    /// The observer, or the caller, takes nothing more for now.
    Held,
}

/// The frame to skip.
#[derive(Clone, Copy, Debug)]
struct Skipped {
    /// The position of one of its bytes.
    byte: u64,
}

/// The observer, and what is to be reported to it.
struct Reports {
    observer: Box<dyn Observer>,
    /// True if the observer needs bytes and frames.
    wire: bool,
    /// Complete frames whose payload is not decoded.
    frames: VecDeque<Frame>,
    /// Violations, each with the position of a byte of its frame.
    violations: VecDeque<(u64, Violation)>,
    /// The end of the last reported frame.
    end: u64,
    /// A message of several pieces was completed, which the observer may still write.
    is_behind: bool,
}

impl Reports {
    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        self.observer.see(at, seen);
    }

    /// Reports the complete frames that begin before this byte. The violations of the last one are
    /// reported after what it contains.
    fn frames_before(&mut self, at: Instant, byte: u64) {
        while let Some(frame) = self.frames.pop_front_if(|frame| frame.start < byte) {
            self.frame(at, &frame);
        }
    }

    fn frame(&mut self, at: Instant, frame: &Frame) {
        self.violations_before(at, frame.start);
        if self.wire {
            self.see(at, &SessionEvent::Frame(Direction::In, frame));
        }
        self.end = frame.start.saturating_add(frame.wire_seen());
    }

    /// Returns the complete frame that contains this byte, unless it was reported.
    fn frame_of(&self, byte: u64) -> Option<&Frame> {
        let contains =
            |frame: &&Frame| frame.start <= byte && byte - frame.start < frame.wire_seen();
        self.frames.iter().find(contains)
    }

    fn violations_before(&mut self, at: Instant, byte: u64) {
        while let Some((_, violation)) = self.violations.pop_front_if(|(of, _)| *of < byte) {
            self.see(at, &SessionEvent::Broken(violation));
        }
    }
}

impl Tap {
    /// Creates a tap of what the peer of this leg sends from now on. `deflate` is what was agreed about
    /// permessage-deflate between client and server.
    pub fn new(observer: Box<dyn Observer>, leg: Leg, deflate: Option<&Deflate>) -> Self {
        let role = leg.role();
        let side = deflate.map(|deflate| deflate.side(role.peer()));
        let mut decoder = Decoder::new(role, u64::MAX);
        decoder.set_onlooking();
        if let Some(side) = side {
            decoder.set_inflater(Inflater::new(side));
        }
        let wire = observer.needs_wire();
        let preview = if wire { FRAME_PREVIEW_BYTES } else { 0 };
        Self {
            decoder,
            side,
            reader: FrameReader::new(side.is_some(), preview),
            reports: Reports {
                observer,
                wire,
                frames: VecDeque::new(),
                violations: VecDeque::new(),
                end: 0,
                is_behind: false,
            },
            pending: Vec::new(),
            at: Instant::now(),
            position: 0,
            skipped: None,
            is_orphaned: false,
            has_lost_context: false,
            close: None,
            first_message: None,
        }
    }

    /// Takes bytes that arrived. [`Self::decode`] turns them into events.
    pub fn received(&mut self, at: Instant, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.at = at;
        if self.reports.wire {
            self.reports.see(at, &SessionEvent::Bytes(Direction::In, bytes));
        }
        let frames = &mut self.reports.frames;
        self.reader.feed(bytes, |frame| frames.push_back(frame));
        if self.pending.is_empty() {
            self.pending = buffers::take();
        }
        self.pending.extend_from_slice(bytes);
    }

    /// Decodes what arrived, up to the end of a message for which the observer or `has_room` has no
    /// room. No more bytes should be read then.
    pub fn decode(&mut self, mut has_room: impl FnMut() -> bool) -> Decoded {
        let (mut start, mut goes_on) = (0, true);
        let decoded = loop {
            if start == self.pending.len() || !goes_on {
                break Decoded::All;
            }
            if self.reports.is_behind || !has_room() {
                break Decoded::Held;
            }
            let used;
            (used, goes_on) = self.step(start);
            start += used;
        };
        if start == self.pending.len() {
            buffers::give(std::mem::take(&mut self.pending));
            self.decoder.release_memory();
            if self.reports.frames.is_empty() {
                self.reports.frames.shrink_to(KEPT_FRAMES);
            }
        } else {
            self.pending.drain(..start);
        }
        decoded
    }

    /// Decodes up to one event from this position of the pending bytes. Returns the number of bytes
    /// consumed, and whether more can be decoded.
    fn step(&mut self, start: usize) -> (usize, bool) {
        if self.skipped.is_some() {
            return (self.skip(start), true);
        }
        if self.has_lost_context && self.begins_compressed(start) {
            self.skipped = Some(Skipped { byte: self.position });
            self.is_orphaned = true;
            return (0, true);
        }
        let (now, position) = (self.at, self.position);
        let (used, part) = match self.decoder.decode(self.pending.within_mut(start..)) {
            Ok((used, None)) => {
                self.position += used as u64;
                self.accepted(position);
                self.reports.frames_before(now, self.position);
                self.reports.violations_before(now, self.reports.end);
                return (used, used > 0);
            }
            Ok((used, Some(part))) => (used, part),
            Err(Fault { violation, at }) => {
                self.accepted(position);
                self.fail(violation, (position + at as u64).saturating_sub(1));
                return (0, true);
            }
        };
        self.position += used as u64;
        self.reports.frames_before(now, self.position);
        let mut broken = None;
        match part {
            Part::Piece(piece) => {
                self.is_orphaned = false;
                if piece.last {
                    self.first_message.get_or_insert(now);
                }
                self.reports.see(now, &SessionEvent::Piece(&piece));
                // A message in one piece is short.
                let is_long = piece.last && !piece.first;
                self.reports.is_behind = is_long && self.reports.observer.is_behind();
            }
            Part::Control(Opcode::Close, payload) => match Close::parse(payload) {
                Ok(close) => {
                    self.reports.see(now, &SessionEvent::Close(Direction::In, &close));
                    self.close.get_or_insert(close);
                }
                Err(violation) => broken = Some(violation),
            },
            Part::Control(opcode, payload) => {
                let seen = SessionEvent::Control(Direction::In, opcode, payload, None);
                self.reports.see(now, &seen);
            }
        }
        self.accepted(position);
        let byte = self.position.saturating_sub(1);
        self.reports.violations.extend(broken.map(|violation| (byte, violation)));
        self.reports.violations_before(now, self.reports.end);
        (used, true)
    }

    /// Reports whether the next frame begins a compressed message.
    fn begins_compressed(&self, start: usize) -> bool {
        let first = self.pending.get(start).copied().unwrap_or_default();
        self.decoder.is_between_frames() && first & 0x40 != 0 && matches!(first & 0x0f, 1 | 2)
    }

    /// Records the violations that the decoder accepted in its input, which began at `position`.
    fn accepted(&mut self, position: u64) {
        while let Some(Fault { violation, at }) = self.decoder.accepted_fault() {
            let end = if at > 0 { position + at as u64 } else { self.position };
            self.reports.violations.push_back((end.saturating_sub(1), violation));
        }
    }

    /// Records a violation in the frame of this byte, which is skipped.
    fn fail(&mut self, violation: Violation, byte: u64) {
        // One violation is enough for the rest of an abandoned message.
        let is_repeated = self.is_orphaned && violation == Violation::UnexpectedContinuation;
        if !is_repeated {
            self.reports.violations.push_back((byte, violation));
        }
        let frame = self.frame_of(byte);
        let is_control = frame.is_some_and(Frame::is_control);
        let is_compressed = violation == Violation::InvalidDeflate
            || frame.is_some_and(|frame| frame.compressed)
            || !is_control && self.decoder.is_inside_compressed();
        self.skipped = Some(Skipped { byte });
        self.is_orphaned |= !is_control;
        self.decoder.recover(is_control);
        if let Some(side) = self.side.filter(|_| is_compressed) {
            self.has_lost_context |= side.keeps_context;
            self.decoder.set_inflater(Inflater::new(side));
        }
    }

    /// Returns the frame that contains this byte, unless it was reported.
    fn frame_of(&self, byte: u64) -> Option<&Frame> {
        let incomplete = || self.reader.incomplete().filter(|frame| frame.start <= byte);
        self.reports.frame_of(byte).or_else(incomplete)
    }

    /// Skips the rest of a frame, as far as it arrived. Returns the number of bytes skipped.
    fn skip(&mut self, start: usize) -> usize {
        let arrived = self.pending.len() - start;
        let Some(Skipped { byte }) = self.skipped else { return 0 };
        let end = match self.reports.frame_of(byte) {
            _ if byte < self.reports.end => self.reports.end,
            Some(frame) => frame.start.saturating_add(frame.wire_seen()),
            // It is incomplete, and all bytes so far are its own.
            None => u64::MAX,
        };
        let left = usize::try_from(end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let used = left.min(arrived);
        self.position += used as u64;
        if self.position >= end {
            self.skipped = None;
        }
        self.reports.frames_before(self.at, self.position);
        self.reports.violations_before(self.at, self.reports.end);
        used
    }

    /// Lets the observer write what it holds; of a long message, a part. Returns true if it has more to
    /// write.
    pub fn rest(&mut self) -> bool {
        self.reports.observer.rest();
        self.reports.is_behind = self.reports.is_behind && self.reports.observer.is_behind();
        self.reports.is_behind
    }

    /// Reports what the proxy itself sends on this leg.
    pub fn sent(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        self.reports.see(at, seen);
    }

    /// Reports the rest at the end of the stream, incomplete frames included. Everything that arrived
    /// must be decoded, or is lost.
    pub fn end(&mut self, at: Instant) {
        self.reports.frames_before(at, u64::MAX);
        if let Some(frame) = self.reader.rest() {
            self.reports.frame(at, &frame);
        }
        self.reports.violations_before(at, u64::MAX);
        while self.rest() {}
    }

    /// Returns the first Close, if one arrived.
    pub fn close(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    /// Returns the counts of messages and control frames that were read.
    pub fn tally(&self) -> Tally {
        self.decoder.tally()
    }

    /// Returns the time of the first complete message.
    pub fn first_message(&self) -> Option<Instant> {
        self.first_message
    }

    /// Reports whether compressed messages can no longer be read, after a violation in one that the
    /// others depend on.
    pub fn has_lost_context(&self) -> bool {
        self.has_lost_context
    }

    /// Reports whether a message has begun but not ended.
    pub fn is_inside_message(&self) -> bool {
        self.decoder.is_inside_message()
    }
}

/// The number of frames for which there is room between reads.
const KEPT_FRAMES: usize = 16;

#[cfg(test)]
mod tests;
