//! Incoming frames to pieces of messages.
//!
//! A message is handed on in pieces as its bytes arrive, so that one of any size needs no memory
//! of its own. A short message in one frame, which nearly all are, is one piece borrowed from the
//! read buffer. Who needs whole messages puts an [`Assembler`] behind.

use super::{
    Role,
    frame::{Header, Kind, Opcode},
    mask,
    utf8::{self, Invalid, Utf8},
    violation::Violation,
};
use std::ops::Range;

/// Bytes of a message as they became known: those of a text are whole, valid characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The type of the message.
    pub kind: Kind,
    /// The bytes; may be empty, in a message's last piece or when the message is.
    pub payload: &'a [u8],
    /// The message begins with this piece.
    pub first: bool,
    /// The message ends with this piece, complete and valid.
    pub last: bool,
}

/// What the decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Part of a message, or all of it.
    Piece(Piece<'a>),
    /// A control frame, whole.
    Control(Opcode, &'a [u8]),
}

/// Reads the peer's frames.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    max_message: u64,
    frame: Option<Frame>,
    message: Option<Message>,
    utf8: Utf8,
    /// Found behind bytes that were valid and had to be handed on first.
    fault: Option<Violation>,
}

/// The frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: Header,
    seen: u64,
}

/// The message whose frames are arriving.
#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    /// Payload bytes announced so far.
    size: u64,
    /// A piece of it has been handed on.
    begun: bool,
}

/// Where the bytes of a part lie, so that the input need be borrowed only once, at the end.
enum Source {
    Input(Range<usize>),
    /// A character that was cut and is complete now.
    Character,
}

enum Found {
    Piece { kind: Kind, source: Source, first: bool, last: bool },
    Control(Opcode, Range<usize>),
}

impl Decoder {
    /// A decoder of what is sent to `role`. `max_message` is in bytes.
    pub fn new(role: Role, max_message: u64) -> Self {
        Self { role, max_message, frame: None, message: None, utf8: Utf8::default(), fault: None }
    }

    /// Decodes from the front of `input` up to the next part: how many bytes were used, and the
    /// part. With `None` all that can be used was; what is left is less than [`LOOKAHEAD`] bytes
    /// and wants to be offered again with more behind it. Payloads are unmasked in place.
    #[inline]
    pub fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
    ) -> Result<(usize, Option<Part<'a>>), Violation> {
        if let Some((used, range, kind)) = self.whole(input)? {
            let payload = input.get(range).unwrap_or_default();
            return Ok((used, Some(Part::Piece(Piece { kind, payload, first: true, last: true }))));
        }
        let (used, found) = self.advance(input)?;
        let part = match found {
            None => None,
            Some(Found::Control(opcode, range)) => {
                let payload = input.get(range).unwrap_or_default();
                Some(Part::Control(opcode, payload))
            }
            Some(Found::Piece { kind, source, first, last }) => {
                let payload = match source {
                    Source::Input(range) => input.get(range).unwrap_or_default(),
                    Source::Character => self.utf8.character(),
                };
                Some(Part::Piece(Piece { kind, payload, first, last }))
            }
        };
        Ok((used, part))
    }

    /// Whether part of a message has come and its end has not.
    pub fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// The way of nearly every message: one frame, all of it there, nothing to remember. Anything
    /// else, also text that is not valid, is left to [`Self::advance`].
    #[inline]
    fn whole(
        &mut self,
        input: &mut [u8],
    ) -> Result<Option<(usize, Range<usize>, Kind)>, Violation> {
        if self.frame.is_some() || self.message.is_some() || self.fault.is_some() {
            return Ok(None);
        }
        let Some((header, size)) = Header::parse(input, self.role)? else { return Ok(None) };
        let (Opcode::Message(kind), true) = (header.opcode, header.fin) else { return Ok(None) };
        let there = (input.len() - size) as u64;
        if header.length > there || header.length > self.max_message || header.mask.is_some() {
            return Ok(None);
        }
        let end = size + header.length as usize;
        let payload = input.get(size..end).unwrap_or_default();
        if kind == Kind::Text && !utf8::is_valid(payload) {
            return Ok(None);
        }
        Ok(Some((end, size..end, kind)))
    }

    fn advance(&mut self, input: &mut [u8]) -> Result<(usize, Option<Found>), Violation> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut used = 0;
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match Header::parse(input.get(used..).unwrap_or_default(), self.role)? {
                    None => return Ok((used, None)),
                    Some((header, size)) => {
                        self.open(header)?;
                        used += size;
                        Frame { header, seen: 0 }
                    }
                },
            };
            let rest = input.get_mut(used..).unwrap_or_default();
            let missing = usize::try_from(frame.header.length - frame.seen).unwrap_or(usize::MAX);
            // A control frame is waited for: it has at most 125 bytes.
            let wanted = if frame.header.opcode.is_control() { missing } else { missing.min(1) };
            if rest.len() < wanted {
                self.frame = Some(frame);
                return Ok((used, None));
            }
            let mut here = missing.min(rest.len());
            if self.utf8.is_partial() && !frame.header.opcode.is_control() {
                here = here.min(self.utf8.missing());
            }
            let payload = rest.get_mut(..here).unwrap_or_default();
            if let Some(key) = frame.header.mask {
                mask::apply(payload, key, frame.seen);
            }
            let range = used..used + here;
            used = range.end;
            if frame.header.opcode.is_control() {
                return Ok((used, Some(Found::Control(frame.header.opcode, range))));
            }
            frame.seen += here as u64;
            let frame_ends = here == missing;
            let last = frame_ends && frame.header.fin;
            let found = self.payload(payload, range.start, last)?;
            if !frame_ends {
                self.frame = Some(frame);
            }
            if found.is_some() {
                return Ok((used, found));
            }
        }
    }

    /// Notes a frame's header: the rules of 5.4 and the limit.
    #[inline]
    fn open(&mut self, header: Header) -> Result<(), Violation> {
        let message = match (header.opcode, &mut self.message) {
            (Opcode::Message(kind), None) => {
                self.message.insert(Message { kind, size: 0, begun: false })
            }
            (Opcode::Message(_), Some(_)) => return Err(Violation::MessageInsideMessage),
            (Opcode::Continuation, None) => return Err(Violation::ContinuationOfNothing),
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
        };
        message.size = message.size.saturating_add(header.length);
        if message.size > self.max_message {
            return Err(Violation::MessageTooLong { limit: self.max_message });
        }
        Ok(())
    }

    /// Judges the next bytes of the open message, which lie at `start` of the input; `last`: they
    /// end it. `None`: there is nothing to hand on yet.
    #[inline]
    fn payload(
        &mut self,
        bytes: &[u8],
        start: usize,
        last: bool,
    ) -> Result<Option<Found>, Violation> {
        // A data frame always has its message: `open` saw to it.
        let Some(Message { kind, begun, .. }) = self.message else {
            return Err(Violation::ContinuationOfNothing);
        };
        let source = match kind {
            Kind::Binary => Source::Input(start..start + bytes.len()),
            Kind::Text => self.text(bytes, start, last)?,
        };
        let last = last && self.fault.is_none();
        if !last && matches!(&source, Source::Input(range) if range.is_empty()) {
            return Ok(None);
        }
        if last {
            self.message = None;
        } else if let Some(message) = &mut self.message {
            message.begun = true;
        }
        Ok(Some(Found::Piece { kind, source, first: !begun, last }))
    }

    /// Judges text. Valid characters before a bad byte are handed on first, the fault after them:
    /// what was valid is not lost.
    #[inline]
    fn text(&mut self, bytes: &[u8], start: usize, last: bool) -> Result<Source, Violation> {
        let valid = if self.utf8.is_partial() {
            match self.utf8.resume(bytes) {
                Ok(true) => return Ok(Source::Character),
                Ok(false) if !last => return Ok(Source::Input(start..start)),
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
        Ok(Source::Input(start..start + valid))
    }
}

/// Puts pieces together, for those who need a message whole. Its memory is bounded by the
/// connection's limit on a message.
#[derive(Debug, Default)]
pub struct Assembler {
    bytes: Vec<u8>,
}

impl Assembler {
    /// The whole message, once its last piece is there. One that came in one piece is not copied.
    pub fn push<'a>(&'a mut self, piece: &Piece<'a>) -> Option<&'a [u8]> {
        if piece.first {
            // What one long message needed is not kept for ever.
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
            self.bytes.clear();
            if piece.last {
                return Some(piece.payload);
            }
        }
        self.bytes.extend_from_slice(piece.payload);
        piece.last.then_some(self.bytes.as_slice())
    }
}

/// The most a decoder leaves unused: a header (14 bytes) or a control frame's payload (125).
pub const LOOKAHEAD: usize = 139;

/// Capacity an [`Assembler`] keeps between messages, in bytes.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests;
