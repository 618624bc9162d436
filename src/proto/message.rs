//! The decoder: received frames to pieces of messages.
//!
//! A message is delivered in pieces as its bytes arrive, so that no message needs a buffer of its
//! size. A short message in one frame, the usual case, is a single piece borrowed from the read
//! buffer. [`Assembler`](super::piece::Assembler) joins pieces for callers that need whole messages.

use super::{
    deflate::Inflater,
    frame::{Header, RESERVED, RSV1},
    lenience::Lenience,
    mask,
    opcode::{Kind, Opcode},
    piece::Piece,
    role::Role,
    slice::Within,
    tally::Tally,
    utf8::{self, Invalid, Utf8},
    violation::Violation,
};
use std::ops::Range;

/// A part of the stream that the decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Part of a message, or a whole one.
    Piece(Piece<'a>),
    /// A control frame with its payload.
    Control(Opcode, &'a [u8]),
}

/// A violation by the peer, and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The broken rule.
    pub violation: Violation,
    /// The number of input bytes up to and including one byte of the offending frame; 0 if all of
    /// that frame was consumed by earlier calls.
    pub at: usize,
}

/// Decodes the peer's frames.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    max_message: u64,
    /// Shorter messages may take the fast path.
    fast_path_below: u64,
    /// The reserved bits that no negotiated extension defines.
    reserved: u8,
    /// Present if permessage-deflate was negotiated.
    inflater: Option<Box<Inflater>>,
    frame: Option<CurrentFrame>,
    message: Option<CurrentMessage>,
    tally: Tally,
    utf8: Utf8,
    /// A violation to report once the valid bytes before it have been delivered.
    fault: Option<Violation>,
    /// [`Fault::at`] if the current frame breaks a rule.
    fault_at: usize,
    /// True once [`Self::decode`] returned a violation.
    failed: bool,
    /// Present if the decoder accepts violations.
    lenience: Option<Box<Lenience>>,
}

/// The frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct CurrentFrame {
    header: Header,
    /// Payload bytes consumed.
    consumed: u64,
    /// Payload bytes unmasked. May exceed `consumed`: the inflater leaves bytes for the next call.
    unmasked: u64,
}

/// The message whose frames are arriving.
#[derive(Clone, Copy, Debug)]
struct CurrentMessage {
    kind: Kind,
    compressed: bool,
    /// Bytes announced so far or, if compressed, inflated so far.
    size: u64,
    /// Payload bytes announced so far.
    carried: u64,
    /// Frames begun so far.
    frames: u32,
    /// A piece of it has been delivered.
    started: bool,
}

impl CurrentFrame {
    /// Unmasks the new bytes at the end of `payload`, which begins at the first unconsumed byte.
    fn unmask(&mut self, payload: &mut [u8]) {
        let end = self.consumed + payload.len() as u64;
        if let Some(key) = self.header.mask
            && let Some(fresh) = payload.get_mut((self.unmasked - self.consumed) as usize..)
        {
            mask::apply(fresh, key, self.unmasked);
        }
        self.unmasked = self.unmasked.max(end);
    }
}

/// The location of a piece's payload. The decoder works with locations, so that the input is borrowed
/// only once, at the end.
enum PayloadSource {
    Input(Range<usize>),
    Inflated(Range<usize>),
    /// The completed character in [`Utf8::character`].
    Character,
}

/// The deliverable part of some bytes of a message.
enum Deliverable {
    /// The first bytes.
    Bytes(usize),
    /// The character they complete, part of which arrived earlier.
    Character,
}

/// A [`Part`] by location.
enum Found {
    Piece { kind: Kind, source: PayloadSource, first: bool, last: bool, carried: u64, frames: u32 },
    Control(Opcode, Range<usize>),
}

impl Decoder {
    /// Creates a decoder of the frames sent to `role`. `max_message` limits the bytes of a message,
    /// counted after decompression.
    pub fn new(role: Role, max_message: u64) -> Self {
        Self {
            role,
            max_message,
            fast_path_below: max_message.saturating_add(1),
            reserved: RESERVED,
            inflater: None,
            frame: None,
            message: None,
            tally: Tally::default(),
            utf8: Utf8::default(),
            fault: None,
            fault_at: 0,
            failed: false,
            lenience: None,
        }
    }

    /// Accepts some violations from now on.
    pub fn set_lenient(&mut self) {
        self.lenience = Some(Box::default());
    }

    /// Accepts whatever can be read, for an onlooker who does not fail the connection. More can be
    /// decoded until [`Self::decode`] consumes nothing.
    pub fn set_onlooking(&mut self) {
        self.lenience = Some(Box::new(Lenience::of_onlooker()));
    }

    /// Continues after a violation, at the start of a frame. The message that was under way is
    /// abandoned, unless it `goes_on` because a control frame broke the rule.
    pub fn recover(&mut self, goes_on: bool) {
        (self.frame, self.fault, self.failed) = (None, None, false);
        if !goes_on {
            (self.message, self.utf8) = (None, Utf8::default());
        }
    }

    /// Reports whether the next byte is the first one of a frame.
    pub fn is_between_frames(&self) -> bool {
        self.frame.is_none()
    }

    /// Reports whether the message that is under way is compressed.
    pub fn is_inside_compressed(&self) -> bool {
        self.message.is_some_and(|message| message.compressed)
    }

    /// Returns the next accepted violation that was not reported before.
    pub fn accepted_violation(&mut self) -> Option<Violation> {
        self.accepted_fault().map(|fault| fault.violation)
    }

    /// Does the same as [`Self::accepted_violation`], and also locates the frame in the input of the
    /// last call of [`Self::decode`]. The position is 0 if a payload broke the rule.
    pub fn accepted_fault(&mut self) -> Option<Fault> {
        let (violation, at) = self.lenience.as_mut()?.report()?;
        Some(Fault { violation, at })
    }

    /// Accepts compressed messages from now on, as permessage-deflate was negotiated.
    pub fn set_inflater(&mut self, inflater: Inflater) {
        self.reserved = RESERVED ^ RSV1;
        self.inflater = Some(Box::new(inflater));
    }

    /// Disables the fast path, so that an observer sees the frames of every message.
    pub fn disable_fast_path(&mut self) {
        self.fast_path_below = 0;
    }

    /// Reports whether permessage-deflate was negotiated.
    pub fn inflates(&self) -> bool {
        self.inflater.is_some()
    }

    /// Returns the counts of complete messages and of control frames.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Decodes from the front of `input` up to the next part. Returns the number of bytes consumed
    /// and the part. `None` means that more input is needed: fewer than [`LOOKAHEAD`] bytes remain,
    /// and they must be passed again, followed by new ones. Payloads are unmasked in place.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
    ) -> Result<(usize, Option<Part<'a>>), Fault> {
        let (used, found) = self.advance(input).map_err(|violation| {
            self.failed = true;
            Fault { violation, at: self.fault_at }
        })?;
        let part = match found {
            None => None,
            Some(Found::Control(opcode, range)) => {
                let payload = input.within(range);
                Some(Part::Control(opcode, payload))
            }
            Some(Found::Piece { kind, source, first, last, carried, frames }) => {
                let payload = match source {
                    PayloadSource::Input(range) => input.within(range),
                    PayloadSource::Inflated(range) => {
                        self.inflater.as_ref().map(|it| it.taken(range)).unwrap_or_default()
                    }
                    PayloadSource::Character => self.utf8.character(),
                };
                let piece = Piece { kind, payload, first, last, carried, frames };
                Some(Part::Piece(match &mut self.lenience {
                    Some(lenience) if kind == Kind::Text => lenience.repair(piece),
                    _ => piece,
                }))
            }
        };
        Ok((used, part))
    }

    /// Gives back the memory that is not needed between messages.
    pub fn release_memory(&mut self) {
        if self.message.is_none()
            && let Some(inflater) = &mut self.inflater
        {
            inflater.release_memory();
        }
    }

    /// Reports whether the peer broke a rule. Later input is only passed to [`Self::discard`].
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Counts input that is not decoded, up to the end of the open frame.
    pub fn discard(&mut self, n: usize) {
        if let Some(frame) = &mut self.frame {
            frame.consumed = frame.consumed.saturating_add(n as u64).min(frame.header.length);
        }
    }

    /// Reports whether a message has begun but not ended.
    pub fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// Reports whether `rest`, which [`Self::decode`] left, is part of the header of a data frame.
    pub fn is_inside_data_header(&self, rest: &[u8]) -> bool {
        let Some(first) = rest.first().filter(|_| self.frame.is_none() && !self.failed) else {
            return false;
        };
        let is_data = Opcode::from_number(first & 0x0f).is_some_and(|it| !it.is_control());
        is_data && matches!(Header::parse(rest, self.role, self.reserved), Ok(None))
    }

    /// Returns the size of an incomplete received message, in bytes: its decompressed content and
    /// its payload on the wire.
    pub fn incomplete_message(&self) -> Option<(u64, u64)> {
        let message = self.message?;
        let frame = self.frame.filter(|frame| !frame.header.opcode.is_control());
        let missing = frame.map_or(0, |frame| frame.header.length - frame.consumed);
        let carried = message.carried.saturating_sub(missing);
        Some((if message.compressed { message.size } else { carried }, carried))
    }

    /// The fast path for nearly all messages: one complete, unmasked, uncompressed frame at the front
    /// of `input`, and no state to keep. Returns the type and the range of the payload; `input` is
    /// consumed up to the end of that range. `None` leaves the decision, violations included, to
    /// [`Self::decode`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call costs a tenth of the time of a short message")]
    pub fn whole_message(&mut self, input: &[u8]) -> Option<(Kind, Range<usize>)> {
        if self.frame.is_some() || self.message.is_some() || self.fault.is_some() {
            return None;
        }
        let (kind, size, length) = match input {
            // Text or binary, fin, no reserved bit, no mask, a length below 126. Most messages look
            // like this, and the codec would cost as much as all the rest up to stdout.
            [first @ (0x81 | 0x82), second @ 0..=125, ..] if self.role == Role::Client => {
                let kind = if *first == 0x81 { Kind::Text } else { Kind::Binary };
                (kind, 2, u64::from(*second))
            }
            _ => {
                let (header, size) = Header::parse(input, self.role, self.reserved).ok()??;
                let Opcode::Message(kind) = header.opcode else { return None };
                if !header.fin || header.compressed || header.mask.is_some() {
                    return None;
                }
                (kind, size, header.length)
            }
        };
        if length >= self.fast_path_below {
            return None;
        }
        let end = size.checked_add(usize::try_from(length).ok()?)?;
        let payload = input.get(size..end)?;
        if kind == Kind::Text && !utf8::is_valid(payload) {
            return None;
        }
        self.tally.message(kind, length, length, 1);
        Some((kind, size..end))
    }

    /// The fast path of a server, for short messages. Its client masks, so the payload is unmasked in
    /// place. Otherwise like [`Self::whole_message`].
    #[inline]
    pub fn whole_masked_message(&mut self, input: &mut [u8]) -> Option<(Kind, Range<usize>)> {
        if self.role != Role::Server || self.frame.is_some() || self.message.is_some() {
            return None;
        }
        // Text or binary, fin, no reserved bit, masked, a length below 126.
        let [first @ (0x81 | 0x82), second @ 0x80..=0xfd, a, b, c, d, rest @ ..] = input else {
            return None;
        };
        let kind = if *first == 0x81 { Kind::Text } else { Kind::Binary };
        let (key, length) = ([*a, *b, *c, *d], usize::from(*second & 0x7f));
        if length as u64 >= self.fast_path_below {
            return None;
        }
        let payload = rest.get_mut(..length)?;
        mask::apply(payload, key, 0);
        if kind == Kind::Text && !utf8::is_valid(payload) {
            mask::apply(payload, key, 0);
            return None;
        }
        self.tally.message(kind, length as u64, length as u64, 1);
        Some((kind, 6..6 + length))
    }

    fn advance(&mut self, input: &mut [u8]) -> Result<(usize, Option<Found>), Violation> {
        self.fault_at = 0;
        if let Some(fault) = self.fault {
            self.discard(input.len());
            return Err(fault);
        }
        if let Some((kind, range)) = self.whole_masked_message(input) {
            let (used, carried) = (range.end, range.len() as u64);
            let source = PayloadSource::Input(range);
            let (first, last, frames) = (true, true, 1);
            return Ok((used, Some(Found::Piece { kind, source, first, last, carried, frames })));
        }
        let mut used = 0;
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => {
                    let rest = input.within(used..);
                    // A violation in the header is located at its first byte.
                    self.fault_at = used + 1;
                    let header = match &mut self.lenience {
                        None => Header::parse(rest, self.role, self.reserved),
                        Some(lenience) => {
                            lenience.header((rest, used + 1), self.role, self.reserved)
                        }
                    };
                    match header? {
                        None => return Ok((used, None)),
                        Some((header, size)) => {
                            let frame = CurrentFrame { header, consumed: 0, unmasked: 0 };
                            let arrived = rest.len() - size;
                            self.open_frame(header).inspect_err(|violation| {
                                // The payload of other violations belongs to no message.
                                if matches!(violation, Violation::MessageTooLong { .. }) {
                                    self.fail_inside(frame, arrived);
                                }
                            })?;
                            used += size;
                            self.fault_at = used;
                            frame
                        }
                    }
                }
            };
            let rest = input.within_mut(used..);
            let missing =
                usize::try_from(frame.header.length - frame.consumed).unwrap_or(usize::MAX);
            let wanted = match frame.header.opcode {
                // A control frame is decoded whole: it has at most 125 bytes.
                opcode if opcode.is_control() => missing,
                _ if self.is_inflating() => 0,
                _ => missing.min(1),
            };
            if rest.len() < wanted {
                self.frame = Some(frame);
                return Ok((used, None));
            }
            let here = missing.min(rest.len());
            let payload = rest.within_mut(..here);
            frame.unmask(payload);
            let start = used;
            if frame.header.opcode.is_control() {
                used += here;
                self.tally.control(frame.header.opcode);
                return Ok((used, Some(Found::Control(frame.header.opcode, start..used))));
            }
            let decoded = if self.message.is_some_and(|message| message.compressed) {
                self.compressed_payload(&frame, payload)
            } else {
                self.plain_payload(&frame, payload, start)
            };
            let (taken, found) = decoded.inspect_err(|_| self.fail_inside(frame, here))?;
            used += taken;
            frame.consumed += taken as u64;
            let ended = self.message.is_none();
            // The frame stays open while payload is missing or inflated bytes are undelivered.
            if !ended && (taken < missing || frame.header.fin || self.is_inflating()) {
                self.frame = Some(frame);
            }
            if found.is_some() || self.frame.is_none() && self.is_onlooking() {
                return Ok((used, found));
            }
        }
    }

    /// Reports whether each frame is decoded by a call of its own, so that its violations are its own.
    fn is_onlooking(&self) -> bool {
        self.lenience.as_ref().is_some_and(|lenience| lenience.is_onlooker())
    }

    /// Keeps the frame whose message breaks a rule, and counts the payload that arrived of it.
    #[cold]
    fn fail_inside(&mut self, frame: CurrentFrame, arrived: usize) {
        self.frame = Some(frame);
        self.discard(arrived);
    }

    /// Reports whether inflated bytes are waiting to be delivered.
    fn is_inflating(&self) -> bool {
        self.inflater.as_ref().is_some_and(|inflater| !inflater.output().is_empty())
    }

    /// Records a frame's header. Enforces the rules of 5.4 and the message limit.
    #[inline]
    fn open_frame(&mut self, header: Header) -> Result<(), Violation> {
        let message = match (header.opcode, &mut self.message) {
            (Opcode::Message(kind), None) => {
                if let Some(inflater) = &mut self.inflater
                    && header.compressed
                {
                    inflater.begin();
                }
                self.message.insert(CurrentMessage {
                    kind,
                    compressed: header.compressed,
                    size: 0,
                    carried: 0,
                    frames: 0,
                    started: false,
                })
            }
            (Opcode::Message(_), Some(_)) => return Err(Violation::InterleavedMessage),
            (Opcode::Continuation, None) => return Err(Violation::UnexpectedContinuation),
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
        };
        message.carried = message.carried.saturating_add(header.length);
        message.frames = message.frames.saturating_add(1);
        if message.compressed {
            return Ok(());
        }
        message.size = message.carried;
        if message.size > self.max_message {
            return Err(Violation::MessageTooLong { limit: self.max_message });
        }
        Ok(())
    }

    /// Decodes the next payload of an uncompressed message, which begins at `start` in the input.
    /// Returns the number of bytes consumed.
    #[inline]
    fn plain_payload(
        &mut self,
        frame: &CurrentFrame,
        payload: &[u8],
        start: usize,
    ) -> Result<(usize, Option<Found>), Violation> {
        let mut here = payload.len();
        if self.utf8.is_partial() {
            here = here.min(self.utf8.missing());
        }
        let last = frame.header.fin && frame.consumed + here as u64 == frame.header.length;
        let payload = payload.within(..here);
        let found = self.deliver(payload, last, |n| PayloadSource::Input(start..start + n))?;
        Ok((here, found))
    }

    /// Decodes the next payload of a compressed message. Returns the number of bytes consumed. All
    /// inflated bytes are delivered before more payload is consumed.
    fn compressed_payload(
        &mut self,
        frame: &CurrentFrame,
        payload: &[u8],
    ) -> Result<(usize, Option<Found>), Violation> {
        let (Some(mut inflater), Some(mut message)) = (self.inflater.take(), self.message) else {
            return Err(Violation::ReservedBits(RSV1));
        };
        let mut used = 0;
        if inflater.output().is_empty() && !inflater.has_ended() {
            let last =
                frame.header.fin && frame.consumed + payload.len() as u64 == frame.header.length;
            // One byte more than the limit allows, to detect that it is exceeded.
            let room = (self.max_message - message.size).saturating_add(1);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            used = inflater.inflate(payload, last, room).map_err(|_| Violation::InvalidDeflate)?;
            message.size += inflater.output().len() as u64;
            if message.size > self.max_message {
                return Err(Violation::MessageTooLong { limit: self.max_message });
            }
            self.message = Some(message);
        }
        let mut n = inflater.output().len();
        if self.utf8.is_partial() {
            n = n.min(self.utf8.missing());
        }
        let range = inflater.take(n);
        let start = range.start;
        let last = inflater.has_ended() && inflater.output().is_empty();
        let found = self
            .deliver(inflater.taken(range), last, |n| PayloadSource::Inflated(start..start + n))?;
        if inflater.is_broken() && inflater.output().is_empty() {
            let fault = *self.fault.get_or_insert(Violation::InvalidDeflate);
            if found.is_none() {
                return Err(fault);
            }
        }
        self.inflater = Some(inflater);
        Ok((used, found))
    }

    /// Validates the next bytes of the open message and delivers them; `source` maps a length to
    /// their location, and `last` is true if they end the message. `None` if nothing is deliverable
    /// yet.
    #[inline]
    fn deliver(
        &mut self,
        bytes: &[u8],
        last: bool,
        source: impl Fn(usize) -> PayloadSource,
    ) -> Result<Option<Found>, Violation> {
        // Unreachable: `open_frame` ensures that a data frame has its message.
        let Some(CurrentMessage { kind, started, size, carried, frames, .. }) = self.message else {
            return Err(Violation::UnexpectedContinuation);
        };
        let deliverable = match kind {
            Kind::Binary => Deliverable::Bytes(bytes.len()),
            Kind::Text if self.lenience.is_some() => Deliverable::Bytes(bytes.len()),
            Kind::Text => self.validate_text(bytes, last)?,
        };
        let last = last && self.fault.is_none();
        let source = match deliverable {
            Deliverable::Bytes(0) if !last => return Ok(None),
            Deliverable::Bytes(n) => source(n),
            Deliverable::Character => PayloadSource::Character,
        };
        if last {
            self.message = None;
            self.tally.message(kind, size, carried, frames.into());
        } else if let Some(message) = &mut self.message {
            message.started = true;
        }
        Ok(Some(Found::Piece { kind, source, first: !started, last, carried, frames }))
    }

    /// Validates text. Characters before an invalid byte are delivered first and the violation is
    /// reported after them, so that no valid text is lost.
    #[inline]
    fn validate_text(&mut self, bytes: &[u8], last: bool) -> Result<Deliverable, Violation> {
        let valid = if self.utf8.is_partial() {
            match self.utf8.resume(bytes) {
                Ok(true) => return Ok(Deliverable::Character),
                Ok(false) if !last => return Ok(Deliverable::Bytes(0)),
                _ => return Err(Violation::TextNotUtf8),
            }
        } else {
            match self.utf8.check(bytes) {
                Ok(valid) if !last || valid == bytes.len() => valid,
                Ok(valid) | Err(Invalid { valid }) => {
                    self.fault = Some(Violation::TextNotUtf8);
                    if valid == 0 {
                        return Err(Violation::TextNotUtf8);
                    }
                    valid
                }
            }
        };
        Ok(Deliverable::Bytes(valid))
    }
}

/// The decoder leaves fewer bytes than this unconsumed: part of a header (14) or of the payload of a
/// control frame (125).
pub const LOOKAHEAD: usize = 139;

#[cfg(test)]
mod tests;
