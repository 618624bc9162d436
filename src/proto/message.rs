//! Incoming frames to pieces of messages.
//!
//! A message is handed on in pieces as its bytes arrive, so that one of any size needs no memory
//! of its own. A short message in one frame, which nearly all are, is one piece borrowed from the
//! read buffer. Who needs whole messages puts an [`Assembler`](super::piece::Assembler) behind.

use super::{
    deflate::Inflater,
    frame::{Header, RESERVED, RSV1},
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

/// What the decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Part of a message, or all of it.
    Piece(Piece<'a>),
    /// A control frame, whole.
    Control(Opcode, &'a [u8]),
}

/// What the peer did wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule.
    pub violation: Violation,
    /// Of the input, the bytes up to and with one of the frame that broke it; 0 if that frame was
    /// used up before.
    pub at: usize,
}

/// Reads the peer's frames.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    max_message: u64,
    /// Messages of fewer bytes may take the short way.
    short_below: u64,
    /// Reserved bits of a header that have no meaning.
    reserved: u8,
    /// Permessage-deflate was agreed on.
    inflater: Option<Box<Inflater>>,
    frame: Option<Frame>,
    message: Option<Message>,
    tally: Tally,
    utf8: Utf8,
    /// Found behind bytes that were valid and had to be handed on first.
    fault: Option<Violation>,
    /// [`Fault::at`], should the frame that is being read break a rule.
    fault_at: usize,
}

/// The frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: Header,
    /// Payload bytes used.
    seen: u64,
    /// Payload bytes unmasked: an inflater may leave some for the next call.
    clear: u64,
}

/// The message whose frames are arriving.
#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    compressed: bool,
    /// Bytes announced or, of a compressed message, inflated so far.
    size: u64,
    /// Payload bytes announced so far.
    carried: u64,
    /// Frames begun so far.
    frames: u32,
    /// A piece of it has been handed on.
    begun: bool,
}

impl Frame {
    /// Unmasks what is new at the end of `payload`, which begins where the frame was used up to.
    fn unmask(&mut self, payload: &mut [u8]) {
        let end = self.seen + payload.len() as u64;
        if let Some(key) = self.header.mask
            && let Some(fresh) = payload.get_mut((self.clear - self.seen) as usize..)
        {
            mask::apply(fresh, key, self.clear);
        }
        self.clear = self.clear.max(end);
    }
}

/// Where the bytes of a part lie, so that the input need be borrowed only once, at the end.
enum Source {
    Input(Range<usize>),
    Inflated(Range<usize>),
    /// A character that was cut and is complete now.
    Character,
}

/// What of some bytes of a message may be handed on.
enum Judged {
    /// The first of them.
    Bytes(usize),
    /// The character they complete.
    Character,
}

enum Found {
    Piece { kind: Kind, source: Source, first: bool, last: bool, carried: u64, frames: u32 },
    Control(Opcode, Range<usize>),
}

impl Decoder {
    /// A decoder of what is sent to `role`. `max_message` is in bytes, after inflation.
    pub fn new(role: Role, max_message: u64) -> Self {
        Self {
            role,
            max_message,
            short_below: max_message.saturating_add(1),
            reserved: RESERVED,
            inflater: None,
            frame: None,
            message: None,
            tally: Tally::default(),
            utf8: Utf8::default(),
            fault: None,
            fault_at: 0,
        }
    }

    /// Takes compressed messages too: permessage-deflate was agreed on.
    pub fn inflate(&mut self, inflater: Inflater) {
        self.reserved = RESERVED ^ RSV1;
        self.inflater = Some(Box::new(inflater));
    }

    /// Lets no message take the short way any more: somebody looks at each.
    pub fn watch(&mut self) {
        self.short_below = 0;
    }

    /// Whether permessage-deflate was agreed on.
    pub fn inflates(&self) -> bool {
        self.inflater.is_some()
    }

    /// What has come in whole messages.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Decodes from the front of `input` up to the next part: how many bytes were used, and the
    /// part. With `None` all that can be used was; what is left is less than [`LOOKAHEAD`] bytes
    /// and wants to be offered again with more behind it. Payloads are unmasked in place.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
    ) -> Result<(usize, Option<Part<'a>>), Fault> {
        let (used, found) =
            self.advance(input).map_err(|violation| Fault { violation, at: self.fault_at })?;
        let part = match found {
            None => None,
            Some(Found::Control(opcode, range)) => {
                let payload = input.within(range);
                Some(Part::Control(opcode, payload))
            }
            Some(Found::Piece { kind, source, first, last, carried, frames }) => {
                let payload = match source {
                    Source::Input(range) => input.within(range),
                    Source::Inflated(range) => {
                        self.inflater.as_ref().map(|it| it.taken(range)).unwrap_or_default()
                    }
                    Source::Character => self.utf8.character(),
                };
                Some(Part::Piece(Piece { kind, payload, first, last, carried, frames }))
            }
        };
        Ok((used, part))
    }

    /// Whether part of a message has come and its end has not.
    pub fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// The short way of nearly every message: one frame at the front of `input`, all of it there,
    /// nothing to remember, to unmask or to inflate. Its type, and where it lies: it is used up to
    /// there. `None`: [`Self::decode`] tells what it is, also what is wrong with it.
    #[inline]
    pub fn whole(&mut self, input: &[u8]) -> Option<(Kind, Range<usize>)> {
        if self.frame.is_some() || self.message.is_some() || self.fault.is_some() {
            return None;
        }
        let (kind, size, length) = match input {
            // Text or binary, fin, no reserved bit, no mask, a length below 126: most messages are
            // such, and the codec would cost as much as the rest of their way to stdout.
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
        if length >= self.short_below {
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

    fn advance(&mut self, input: &mut [u8]) -> Result<(usize, Option<Found>), Violation> {
        self.fault_at = 0;
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut used = 0;
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => {
                    let rest = input.within(used..);
                    // If it breaks a rule, its first byte does.
                    self.fault_at = used + 1;
                    match Header::parse(rest, self.role, self.reserved)? {
                        None => return Ok((used, None)),
                        Some((header, size)) => {
                            self.open(header)?;
                            used += size;
                            self.fault_at = used;
                            Frame { header, seen: 0, clear: 0 }
                        }
                    }
                }
            };
            let rest = input.within_mut(used..);
            let missing = usize::try_from(frame.header.length - frame.seen).unwrap_or(usize::MAX);
            let wanted = match frame.header.opcode {
                // A control frame is waited for: it has at most 125 bytes.
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
            let (taken, found) = if self.message.is_some_and(|message| message.compressed) {
                self.compressed(&frame, payload)?
            } else {
                self.plain(&frame, payload, start)?
            };
            used += taken;
            frame.seen += taken as u64;
            let ended = self.message.is_none();
            // The frame stays open for what it still has to bring, also out of the inflater.
            if !ended && (taken < missing || frame.header.fin || self.is_inflating()) {
                self.frame = Some(frame);
            }
            if found.is_some() {
                return Ok((used, found));
            }
        }
    }

    /// What was inflated waits to be handed on.
    fn is_inflating(&self) -> bool {
        self.inflater.as_ref().is_some_and(|inflater| !inflater.output().is_empty())
    }

    /// Notes a frame's header: the rules of 5.4 and the limit.
    #[inline]
    fn open(&mut self, header: Header) -> Result<(), Violation> {
        let message = match (header.opcode, &mut self.message) {
            (Opcode::Message(kind), None) => {
                if let Some(inflater) = &mut self.inflater
                    && header.compressed
                {
                    inflater.begin();
                }
                self.message.insert(Message {
                    kind,
                    compressed: header.compressed,
                    size: 0,
                    carried: 0,
                    frames: 0,
                    begun: false,
                })
            }
            (Opcode::Message(_), Some(_)) => return Err(Violation::MessageInsideMessage),
            (Opcode::Continuation, None) => return Err(Violation::ContinuationOfNothing),
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

    /// The next payload of a message as it is, which lies at `start` of the input: how much of it
    /// was used.
    #[inline]
    fn plain(
        &mut self,
        frame: &Frame,
        payload: &[u8],
        start: usize,
    ) -> Result<(usize, Option<Found>), Violation> {
        let mut here = payload.len();
        if self.utf8.is_partial() {
            here = here.min(self.utf8.missing());
        }
        let last = frame.header.fin && frame.seen + here as u64 == frame.header.length;
        let payload = payload.within(..here);
        let found = self.hand_on(payload, last, |n| Source::Input(start..start + n))?;
        Ok((here, found))
    }

    /// The next payload of a compressed message: how much of it was used. What it inflates to is
    /// handed on before more of it is used.
    fn compressed(
        &mut self,
        frame: &Frame,
        payload: &[u8],
    ) -> Result<(usize, Option<Found>), Violation> {
        let (Some(mut inflater), Some(mut message)) = (self.inflater.take(), self.message) else {
            return Err(Violation::ReservedBits(RSV1));
        };
        let mut used = 0;
        if inflater.output().is_empty() && !inflater.has_ended() {
            let last = frame.header.fin && frame.seen + payload.len() as u64 == frame.header.length;
            // One byte more than may come, to see that it does.
            let room = (self.max_message - message.size).saturating_add(1);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            used = inflater.inflate(payload, last, room).map_err(|_| Violation::NotDeflate)?;
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
        let found =
            self.hand_on(inflater.taken(range), last, |n| Source::Inflated(start..start + n))?;
        if inflater.is_broken() && inflater.output().is_empty() {
            let fault = *self.fault.get_or_insert(Violation::NotDeflate);
            if found.is_none() {
                return Err(fault);
            }
        }
        self.inflater = Some(inflater);
        Ok((used, found))
    }

    /// Judges the next bytes of the open message, which lie where `source` says; `last`: they end
    /// it. `None`: there is nothing to hand on yet.
    #[inline]
    fn hand_on(
        &mut self,
        bytes: &[u8],
        last: bool,
        source: impl Fn(usize) -> Source,
    ) -> Result<Option<Found>, Violation> {
        // A data frame always has its message: `open` saw to it.
        let Some(Message { kind, begun, size, carried, frames, .. }) = self.message else {
            return Err(Violation::ContinuationOfNothing);
        };
        let judged = match kind {
            Kind::Binary => Judged::Bytes(bytes.len()),
            Kind::Text => self.text(bytes, last)?,
        };
        let last = last && self.fault.is_none();
        let source = match judged {
            Judged::Bytes(0) if !last => return Ok(None),
            Judged::Bytes(n) => source(n),
            Judged::Character => Source::Character,
        };
        if last {
            self.message = None;
            self.tally.message(kind, size, carried, frames.into());
        } else if let Some(message) = &mut self.message {
            message.begun = true;
        }
        Ok(Some(Found::Piece { kind, source, first: !begun, last, carried, frames }))
    }

    /// Judges text. Valid characters before a bad byte are handed on first, the fault after them:
    /// what was valid is not lost.
    #[inline]
    fn text(&mut self, bytes: &[u8], last: bool) -> Result<Judged, Violation> {
        let valid = if self.utf8.is_partial() {
            match self.utf8.resume(bytes) {
                Ok(true) => return Ok(Judged::Character),
                Ok(false) if !last => return Ok(Judged::Bytes(0)),
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
        Ok(Judged::Bytes(valid))
    }
}

/// The most a decoder leaves unused: a header (14 bytes) or a control frame's payload (125).
pub const LOOKAHEAD: usize = 139;

#[cfg(test)]
mod tests;
