//! The frames of one direction on their way from one connection to another.
//!
//! A relay enforces no rule and assembles nothing. It follows the headers of frames, so that it knows
//! where frames begin and end, and replaces the masking key of each masked frame by a new one, as a
//! client must use keys that its peer cannot predict (RFC 6455, 10.3). Everything else passes as it
//! is: reserved bits and opcodes, lengths that are not minimal, frames that must not be masked.
//!
//! Bytes are changed in the buffer into which they were read. A header that has arrived in part is
//! held back, at most [`MAX_HELD_BYTES`].

use super::{
    close::Close,
    mask::{self, MaskKeys},
    raw_message::RawHeader,
    slice::Within,
};

/// Passes on the frames of one direction.
#[derive(Debug, Default)]
pub struct FrameRelay {
    /// The bytes of the payload that have not passed.
    left: u64,
    /// The position in the payload.
    offset: u64,
    /// The difference between the key of the sender and ours, if the payload is masked.
    change: Option<[u8; 4]>,
    /// The start of a header.
    held: [u8; MAX_HELD_BYTES],
    held_bytes: u8,
    /// True between the fragments of a message.
    is_inside_message: bool,
    close: Option<Box<PassedClose>>,
    counts: RelayCounts,
}

/// The frames that have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayCounts {
    /// Messages whose last frame has begun.
    pub messages: u64,
    /// Control frames.
    pub controls: u64,
    /// Bytes, with headers.
    pub bytes: u64,
}

/// A place where other frames may be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Between two frames, for control frames.
    Frame,
    /// Between two messages.
    Message,
}

/// The payload of a Close.
#[derive(Debug)]
struct PassedClose {
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
}

impl FrameRelay {
    /// Copies the start of a header that is held back to the front of a buffer into which more bytes
    /// are read then. Returns its length. The buffer has room for [`MAX_HELD_BYTES`].
    pub fn copy_held(&self, buffer: &mut [u8]) -> usize {
        let held = self.held();
        for (to, from) in buffer.iter_mut().zip(held) {
            *to = *from;
        }
        held.len()
    }

    /// Returns the start of a header that is held back.
    pub fn held(&self) -> &[u8] {
        self.held.within(..usize::from(self.held_bytes))
    }

    /// Takes the start of a header that is held back, since it is never completed.
    pub fn take_held(&mut self) -> Vec<u8> {
        let held = self.held().to_vec();
        self.held_bytes = 0;
        held
    }

    /// Changes received bytes, which begin with those that were held back, to those that are passed on.
    /// Returns their number: the bytes after them are held back.
    #[inline]
    pub fn pass(&mut self, bytes: &mut [u8], keys: &mut MaskKeys) -> usize {
        self.pass_until(None, bytes, keys)
    }

    /// Passes bytes on as [`Self::pass`] does, but not beyond the next boundary of this kind, at which
    /// [`Self::is_at`] returns true.
    pub fn pass_to(&mut self, boundary: Boundary, bytes: &mut [u8], keys: &mut MaskKeys) -> usize {
        self.pass_until(Some(boundary), bytes, keys)
    }

    #[inline]
    fn pass_until(
        &mut self,
        boundary: Option<Boundary>,
        bytes: &mut [u8],
        keys: &mut MaskKeys,
    ) -> usize {
        self.held_bytes = 0;
        let mut at = 0;
        loop {
            if self.left > 0 {
                at += self.pass_payload(bytes.within_mut(at..));
                if self.left > 0 {
                    break;
                }
            }
            if at > 0 && boundary.is_some_and(|boundary| self.is_at(boundary)) {
                break;
            }
            let rest = bytes.within_mut(at..);
            let Some(header) = RawHeader::read(rest) else {
                self.hold(rest);
                break;
            };
            self.begin(header, rest, keys);
            at += header.size;
        }
        self.counts.bytes += at as u64;
        at
    }

    /// Reports whether this is a place between two frames or messages: before the bytes that are held
    /// back.
    pub fn is_at(&self, boundary: Boundary) -> bool {
        let is_between_frames = self.left == 0;
        match boundary {
            Boundary::Frame => is_between_frames,
            Boundary::Message => is_between_frames && !self.is_inside_message,
        }
    }

    /// Reports whether a Close has passed, or a part of one.
    pub fn has_closed(&self) -> bool {
        self.close.is_some()
    }

    /// Returns the Close that has passed, if its payload is valid.
    pub fn close(&self) -> Option<Close> {
        let PassedClose { key, mut payload } = self
            .close
            .as_deref()
            .map(|close| PassedClose { key: close.key, payload: close.payload.clone() })?;
        if let Some(key) = key {
            mask::apply(&mut payload, key, 0);
        }
        Close::parse(&payload).ok()
    }

    /// Returns how much has passed.
    pub fn counts(&self) -> RelayCounts {
        self.counts
    }

    /// Passes on the header at the front of `bytes`, which is complete.
    #[inline]
    fn begin(&mut self, header: RawHeader, bytes: &mut [u8], keys: &mut MaskKeys) {
        self.left = header.length;
        self.offset = 0;
        self.change = None;
        let mut ours = None;
        if let Some(theirs) = header.mask {
            let key = keys.draw();
            for (to, from) in bytes.within_mut(header.size - 4..header.size).iter_mut().zip(key) {
                *to = from;
            }
            let (old, new) = (u32::from_ne_bytes(theirs), u32::from_ne_bytes(key));
            self.change = Some((old ^ new).to_ne_bytes());
            ours = Some(key);
        }
        if header.is_control() {
            self.counts.controls += 1;
            if header.opcode() == CLOSE && self.close.is_none() {
                self.close = Some(Box::new(PassedClose { key: ours, payload: Vec::new() }));
            }
        } else {
            self.counts.messages += u64::from(header.fin());
            self.is_inside_message = !header.fin();
        }
    }

    /// Passes on the payload at the front of `bytes`. Returns its length.
    #[inline]
    fn pass_payload(&mut self, bytes: &mut [u8]) -> usize {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let payload = bytes.within_mut(..length);
        if let Some(change) = self.change {
            mask::apply(payload, change, self.offset);
        }
        if let Some(close) = &mut self.close {
            close.add(payload);
        }
        self.left -= length as u64;
        self.offset += length as u64;
        length
    }

    /// Holds back the start of a header.
    fn hold(&mut self, start: &[u8]) {
        for (to, from) in self.held.iter_mut().zip(start) {
            *to = *from;
        }
        // The start of a header is shorter than the array.
        self.held_bytes = start.len().min(MAX_HELD_BYTES) as u8;
    }
}

impl PassedClose {
    /// Adds payload. That of frames after the Close, which a sender must not send, is no longer than
    /// this either.
    #[cold]
    fn add(&mut self, payload: &[u8]) {
        let room = MAX_CONTROL_BYTES.saturating_sub(self.payload.len());
        self.payload.extend_from_slice(payload.within(..room.min(payload.len())));
    }
}

/// The longest start of a header: a header has at most 14 bytes (RFC 6455, 5.2).
pub const MAX_HELD_BYTES: usize = 13;
/// The opcode of a Close.
const CLOSE: u8 = 8;
/// The longest payload of a control frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: usize = 125;

#[cfg(test)]
mod tests;
