//! One direction of a session with faults: the bytes of frames in, and bytes with a time out.
//!
//! A message is held until it is complete, so that faults concern whole messages, or until it has
//! [`HELD_LIMIT_BYTES`]: the front of a longer one decides about all of it, and it is neither split
//! nor duplicated. Control frames overtake a message that is held.

use super::{
    decide::{Effects, FaultEnding, FaultSchedule},
    rule::{ControlKind, CutPlace},
};
use crate::proto::{
    Leg,
    raw::RawFrame,
    raw_message::{RawHeader, RawMessage},
    slice::Within as _,
    trace::Direction,
};
use std::{
    collections::VecDeque,
    num::NonZeroU64,
    time::{Duration, Instant},
};

/// One direction of a session.
#[derive(Debug)]
pub struct FaultStream {
    direction: Direction,
    /// The bytes of an incomplete header.
    header: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Treatment>,
    /// The number of messages that have begun.
    messages: u64,
    /// Frames that wait for the end of a message.
    inserted: VecDeque<Vec<u8>>,
    has_closed: bool,
    queue: VecDeque<DelayedBytes>,
    queued: usize,
    /// The release of the last chunk. Later ones wait for it.
    last_release: Option<Instant>,
    /// The time from which a throttled chunk may go on.
    paced_until: Option<Instant>,
}

/// A frame whose payload is incomplete.
#[derive(Debug)]
struct Frame {
    remaining: u64,
    kind: FrameKind,
}

#[derive(Debug)]
enum FrameKind {
    /// A control frame: all of its bytes, and its opcode.
    Control(Vec<u8>, u8),
    /// A frame of the message, and whether it is the last one.
    Data { fin: bool },
    /// A frame that is passed on as it is because it breaks a rule.
    Illegal,
}

/// The treatment of the frames of an incomplete message.
#[derive(Debug)]
enum Treatment {
    Held(RawMessage),
    Passed { delay: Duration, rate: Option<NonZeroU64> },
    Dropped,
}

/// Bytes that wait for their time.
#[derive(Debug)]
struct DelayedBytes {
    release: Instant,
    rate: Option<NonZeroU64>,
    bytes: Vec<u8>,
    /// The number of bytes that have left.
    sent: usize,
}

impl FaultStream {
    /// Creates the stream of a direction.
    pub fn new(direction: Direction) -> Self {
        Self {
            direction,
            header: Vec::new(),
            frame: None,
            message: None,
            messages: 0,
            inserted: VecDeque::new(),
            has_closed: false,
            queue: VecDeque::new(),
            queued: 0,
            last_release: None,
            paced_until: None,
        }
    }

    /// Takes bytes. Returns how many, and a fault that ends or stalls the connection; the bytes after
    /// it are not taken.
    pub fn push(
        &mut self,
        bytes: &[u8],
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> (usize, Option<FaultEnding>) {
        let mut used = 0;
        while used < bytes.len() {
            let rest = bytes.within(used..);
            let taken = match self.frame.take() {
                None => self.take_header(rest, schedule, now),
                Some(frame) => self.take_payload(frame, rest, schedule, now),
            };
            used += taken.0;
            if taken.1.is_some() {
                return (used, taken.1);
            }
        }
        (used, None)
    }

    fn take_header(
        &mut self,
        bytes: &[u8],
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> (usize, Option<FaultEnding>) {
        let before = self.header.len();
        let more = bytes.len().min(MAX_HEADER_BYTES - before);
        self.header.extend_from_slice(bytes.within(..more));
        let Some(header) = RawHeader::read(&self.header) else { return (more, None) };
        let used = header.size - before;
        let mut front = std::mem::take(&mut self.header);
        front.truncate(header.size);
        let kind = if header.is_control() && header.length <= MAX_CONTROL_BYTES {
            FrameKind::Control(front, header.opcode())
        } else if header.is_control() {
            self.emit(front, &Effects::default(), now);
            FrameKind::Illegal
        } else {
            self.begin_data(&header, front, now)
        };
        let frame = Frame { remaining: header.length, kind };
        if header.length > 0 {
            self.frame = Some(frame);
            return (used, None);
        }
        (used, self.end_frame(frame, schedule, now))
    }

    fn begin_data(&mut self, header: &RawHeader, front: Vec<u8>, now: Instant) -> FrameKind {
        if header.opcode() != 0 {
            // A message inside another breaks a rule, which the receiver is to notice.
            self.release_held(now);
            self.messages += 1;
            self.message = Some(Treatment::Held(RawMessage::default()));
        }
        match &mut self.message {
            Some(Treatment::Held(message)) => message.begin_frame(*header, &front),
            Some(Treatment::Passed { delay, rate }) => {
                let effects = Effects { delay: *delay, rate: *rate, ..Effects::default() };
                self.emit(front, &effects, now);
            }
            Some(Treatment::Dropped) => {}
            None => {
                self.emit(front, &Effects::default(), now);
                return FrameKind::Illegal;
            }
        }
        FrameKind::Data { fin: header.fin() }
    }

    fn take_payload(
        &mut self,
        mut frame: Frame,
        bytes: &[u8],
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> (usize, Option<FaultEnding>) {
        let used = usize::try_from(frame.remaining).unwrap_or(usize::MAX).min(bytes.len());
        let payload = bytes.within(..used);
        frame.remaining -= used as u64;
        let mut is_long = false;
        match &mut frame.kind {
            FrameKind::Control(bytes, _) => bytes.extend_from_slice(payload),
            FrameKind::Illegal => self.emit(payload.to_vec(), &Effects::default(), now),
            FrameKind::Data { .. } => match &mut self.message {
                Some(Treatment::Held(message)) => {
                    message.extend(payload);
                    is_long = message.bytes().len() > HELD_LIMIT_BYTES;
                }
                Some(Treatment::Passed { delay, rate }) => {
                    let effects = Effects { delay: *delay, rate: *rate, ..Effects::default() };
                    self.emit(payload.to_vec(), &effects, now);
                }
                Some(Treatment::Dropped) | None => {}
            },
        }
        if is_long && let Some(Treatment::Held(message)) = self.message.take() {
            let (treatment, ending) = self.decide(message, false, schedule, now);
            self.message = Some(treatment);
            if ending.is_some() {
                self.frame = Some(frame);
                return (used, ending);
            }
        }
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return (used, None);
        }
        (used, self.end_frame(frame, schedule, now))
    }

    fn end_frame(
        &mut self,
        frame: Frame,
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> Option<FaultEnding> {
        match frame.kind {
            FrameKind::Illegal | FrameKind::Data { fin: false } => None,
            FrameKind::Control(bytes, opcode) => {
                let kind = match opcode {
                    9 => Some(ControlKind::Ping),
                    10 => Some(ControlKind::Pong),
                    _ => None,
                };
                let effects = schedule.control(self.direction, kind, now);
                if !effects.is_dropped {
                    self.emit(bytes, &effects, now);
                    self.has_closed |= opcode == 8;
                }
                None
            }
            FrameKind::Data { fin: true } => {
                if let Some(Treatment::Held(message)) = self.message.take() {
                    let (_, ending) = self.decide(message, true, schedule, now);
                    if ending.is_some() {
                        return ending;
                    }
                }
                schedule.passed(self.direction);
                let ending = schedule.due(now);
                self.insert_injected(schedule, now);
                ending
            }
        }
    }

    /// Performs the faults of a message, or of the front of a long one.
    fn decide(
        &mut self,
        mut message: RawMessage,
        is_whole: bool,
        schedule: &mut FaultSchedule,
        now: Instant,
    ) -> (Treatment, Option<FaultEnding>) {
        let mut payload = if schedule.needs_content() { message.payload() } else { Vec::new() };
        if is_whole
            && let Some(changed) = schedule.rewrite(self.direction, self.messages, &payload, now)
        {
            message = message.with_payload(&changed);
            payload = changed;
        }
        let effects = schedule.message(self.direction, self.messages, &payload, now);
        if let Some(ending) = effects.ending {
            let passed = match ending {
                FaultEnding::Cut(CutPlace::InsideFrame) => message.inside_frame(),
                FaultEnding::Cut(CutPlace::AfterBytes(bytes)) => {
                    usize::try_from(bytes.get()).unwrap_or(usize::MAX)
                }
                _ => 0,
            };
            let mut bytes = message.into_bytes();
            bytes.truncate(passed);
            self.emit(bytes, &Effects { ending: None, ..effects }, now);
            return (Treatment::Dropped, Some(ending));
        }
        if effects.is_dropped {
            return (Treatment::Dropped, None);
        }
        if let Some((position, bits)) = effects.corruption {
            message.corrupt(position, bits);
        }
        if let Some(fragments) = effects.fragments.filter(|_| is_whole) {
            message = message.split(fragments.get() as usize);
        }
        let bytes = message.into_bytes();
        if effects.is_duplicated && is_whole {
            self.emit(bytes.clone(), &effects, now);
        }
        self.emit(bytes, &effects, now);
        (Treatment::Passed { delay: effects.delay, rate: effects.rate }, None)
    }

    /// Inserts the messages that rules send in this direction, at the end of a message. Returns true if
    /// there are some. None is sent after a Close.
    pub fn insert_injected(&mut self, schedule: &mut FaultSchedule, now: Instant) -> bool {
        let to = match self.direction {
            Direction::In => Leg::Server,
            Direction::Out => Leg::Client,
        };
        for text in schedule.take_injected(to) {
            let frame = RawFrame::new(1).payload(text);
            let frame = if to == Leg::Server { frame.mask([0; 4]) } else { frame };
            self.inserted.push_back(frame.encode());
        }
        let is_inside = matches!(self.message, Some(Treatment::Passed { .. }))
            || self.frame.as_ref().is_some_and(|frame| matches!(frame.kind, FrameKind::Illegal));
        if is_inside || self.inserted.is_empty() {
            return false;
        }
        for frame in std::mem::take(&mut self.inserted) {
            if !self.has_closed {
                self.emit(frame, &Effects::default(), now);
            }
        }
        true
    }

    fn emit(&mut self, bytes: Vec<u8>, effects: &Effects, now: Instant) {
        if bytes.is_empty() {
            return;
        }
        let release = now.checked_add(effects.delay).unwrap_or(now);
        let release = self.last_release.map_or(release, |last| last.max(release));
        self.last_release = Some(release);
        self.queued += bytes.len();
        let rate = effects.rate;
        match self.queue.back_mut() {
            Some(last)
                if last.release == release && last.rate == rate && bytes.len() < SHORT_BYTES =>
            {
                last.bytes.extend_from_slice(&bytes);
            }
            _ => self.queue.push_back(DelayedBytes { release, rate, bytes, sent: 0 }),
        }
    }

    fn release_held(&mut self, now: Instant) {
        if let Some(Treatment::Held(message)) = self.message.take() {
            self.emit(message.into_bytes(), &Effects::default(), now);
        }
    }

    /// Passes on what is incomplete, since no more bytes will be pushed.
    pub fn finish(&mut self, now: Instant) {
        self.release_held(now);
        if let Some(Frame { kind: FrameKind::Control(bytes, _), .. }) = self.frame.take() {
            self.emit(bytes, &Effects::default(), now);
        }
        let header = std::mem::take(&mut self.header);
        self.emit(header, &Effects::default(), now);
    }

    /// Returns the bytes that may leave now.
    pub fn ready(&self, now: Instant) -> &[u8] {
        let Some(chunk) = self.queue.front() else { return &[] };
        let is_paced = chunk.rate.is_some() && self.paced_until.is_some_and(|until| now < until);
        if now < chunk.release || is_paced {
            return &[];
        }
        let rest = chunk.bytes.within(chunk.sent..);
        match chunk.rate {
            None => rest,
            Some(rate) => {
                let slice = usize::try_from(rate.get() / SLICES_PER_SECOND).unwrap_or(usize::MAX);
                rest.within(..rest.len().min(slice.max(1)))
            }
        }
    }

    /// Records that this many of the bytes of [`Self::ready`] have left.
    pub fn advance(&mut self, bytes: usize, now: Instant) {
        let Some(chunk) = self.queue.front_mut() else { return };
        chunk.sent += bytes;
        self.queued = self.queued.saturating_sub(bytes);
        if let Some(rate) = chunk.rate {
            #[expect(clippy::cast_precision_loss, reason = "a pace need not be exact")]
            let seconds = bytes as f64 / rate.get() as f64;
            let from = self.paced_until.map_or(now, |until| until.max(now));
            let until = Duration::try_from_secs_f64(seconds).ok();
            self.paced_until = until.and_then(|time| from.checked_add(time)).or(self.paced_until);
        }
        if chunk.sent >= chunk.bytes.len() {
            self.queue.pop_front();
        }
    }

    /// Returns the time at which bytes may leave; `None` if none wait.
    pub fn deadline(&self) -> Option<Instant> {
        let chunk = self.queue.front()?;
        let paced = self.paced_until.filter(|_| chunk.rate.is_some());
        Some(paced.map_or(chunk.release, |until| until.max(chunk.release)))
    }

    /// Returns the number of bytes that wait for their time or for the transport.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Returns the size of what waits in memory, in bytes. Many short messages take more than their
    /// bytes.
    pub fn memory(&self) -> usize {
        self.queued + self.queue.len() * CHUNK_OVERHEAD_BYTES
    }
}

/// The longest message that is held until it is complete.
pub(super) const HELD_LIMIT_BYTES: usize = 1 << 20;
/// The longest header of a frame.
const MAX_HEADER_BYTES: usize = 14;
/// The longest payload of a control frame.
const MAX_CONTROL_BYTES: u64 = 125;
/// Bytes that are added to those before them instead of waiting on their own.
const SHORT_BYTES: usize = 4 << 10;
/// The memory of a queued chunk beside its bytes, with that of its allocation.
const CHUNK_OVERHEAD_BYTES: usize = 96;
/// The number of times a second at which throttled bytes leave.
const SLICES_PER_SECOND: u64 = 50;
