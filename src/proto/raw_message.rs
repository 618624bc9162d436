//! The frames of one direction of a byte stream as they are on the wire, to be passed on or changed.
//!
//! The reader enforces no rule. It reports where frames begin and end, so that whole messages can be
//! dropped or sent twice, and a [`RawMessage`] can be changed in ways that the encoder of legal
//! messages has no use for: a payload that is damaged, fragments of any size, a frame that is cut
//! off.

use super::{mask, raw::RawFrame, slice::Within};
use std::ops::Range;

/// The header of a frame, whatever its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHeader {
    /// Fin, the reserved bits and the opcode.
    pub first: u8,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// The payload length in bytes.
    pub length: u64,
    /// The length of the header in bytes.
    pub size: usize,
}

impl RawHeader {
    /// Reads the header at the front of `bytes`; `None` if it is incomplete.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (length, extended) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
            short => (u64::from(short), 0),
        };
        let is_masked = second & 0x80 != 0;
        let key = rest.get(extended..)?;
        let mask = if is_masked { Some(*key.first_chunk()?) } else { None };
        let size = 2 + extended + if is_masked { 4 } else { 0 };
        Some(Self { first: *first, mask, length, size })
    }

    /// Reports whether the frame is the last of its message.
    pub fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    /// Returns the opcode, possibly a reserved one.
    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// Reports whether this is the header of a control frame, possibly with a reserved opcode.
    pub fn is_control(&self) -> bool {
        self.opcode() >= 8
    }
}

/// The data frames of one message, or of the front of a long one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMessage {
    bytes: Vec<u8>,
    frames: Vec<(RawHeader, Range<usize>)>,
}

impl RawMessage {
    /// Adds a frame, or the front of one, whose payload follows in [`Self::extend`].
    pub fn begin_frame(&mut self, header: RawHeader, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let start = self.bytes.len();
        self.frames.push((header, start..start));
    }

    /// Adds payload of the last frame, as it is on the wire.
    pub fn extend(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        if let Some((_, range)) = self.frames.last_mut() {
            range.end = self.bytes.len();
        }
    }

    /// Returns all bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns all bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the payload, unmasked. It is still compressed if the message is.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        for (header, range) in &self.frames {
            let start = payload.len();
            payload.extend_from_slice(self.bytes.within(range.clone()));
            if let Some(key) = header.mask {
                mask::apply(payload.within_mut(start..), key, 0);
            }
        }
        payload
    }

    /// Changes bits of one payload byte. `position`, from 0 up to and without 1, selects the byte; an
    /// empty payload stays as it is.
    pub fn corrupt(&mut self, position: f64, bits: u8) {
        let length: usize = self.frames.iter().map(|(_, range)| range.len()).sum();
        #[expect(clippy::cast_precision_loss, reason = "any byte will do")]
        #[expect(clippy::cast_sign_loss, reason = "neither factor is negative")]
        let mut at = (position * length as f64) as usize;
        for (_, range) in &self.frames {
            if at < range.len() {
                if let Some(byte) = self.bytes.get_mut(range.start + at) {
                    *byte ^= bits;
                }
                return;
            }
            at -= range.len();
        }
    }

    /// Returns the message in this many fragments of about the same length. Reserved bits stay in the
    /// first one.
    #[must_use]
    pub fn split(&self, fragments: usize) -> Self {
        self.framed(&self.payload(), fragments.max(1))
    }

    /// Returns the message with another payload, in one frame.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Self {
        self.framed(payload, 1)
    }

    fn framed(&self, payload: &[u8], fragments: usize) -> Self {
        let Some((first, _)) = self.frames.first() else { return self.clone() };
        let mut split = Self::default();
        for number in 0..fragments {
            let range =
                payload.len() * number / fragments..payload.len() * (number + 1) / fragments;
            let opcode = if number == 0 { first.opcode() } else { 0 };
            let mut frame = RawFrame::new(opcode).fin(number + 1 == fragments);
            if number == 0 {
                frame = frame.rsv(first.first);
            }
            if let Some(key) = first.mask {
                frame = frame.mask(key);
            }
            let bytes = frame.payload(payload.within(range)).encode();
            if let Some(header) = RawHeader::read(&bytes) {
                split.begin_frame(header, bytes.within(..header.size));
                split.extend(bytes.within(header.size..));
            }
        }
        split
    }

    /// Returns the number of bytes up to the middle of the first frame: its header and half of its
    /// payload, or one byte of the header if it has no payload.
    pub fn inside_frame(&self) -> usize {
        match self.frames.first() {
            Some((_, range)) if !range.is_empty() => range.start + range.len() / 2,
            _ => 1.min(self.bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::raw::Length;

    fn message(frames: &[RawFrame]) -> RawMessage {
        let mut message = RawMessage::default();
        for frame in frames {
            let bytes = frame.encode();
            let header = RawHeader::read(&bytes).unwrap();
            message.begin_frame(header, &bytes[..header.size]);
            message.extend(&bytes[header.size..]);
        }
        message
    }

    #[test]
    fn a_header_is_read_whatever_its_bits() {
        for (length, size) in [
            (Length::Minimal, 2),
            (Length::Bits7(9), 2),
            (Length::Bits16(5), 4),
            (Length::Bits64(u64::MAX), 10),
        ] {
            for masked in [false, true] {
                let frame = RawFrame::new(0xb).rsv(0x30).length(length);
                let frame = if masked { frame.mask([1, 2, 3, 4]) } else { frame };
                let bytes = frame.encode();
                let header = RawHeader::read(&bytes).unwrap();
                assert_eq!(header.size, size + if masked { 4 } else { 0 });
                assert_eq!(header.mask, masked.then_some([1, 2, 3, 4]));
                assert!(header.is_control() && header.fin() && header.opcode() == 0xb);
                for end in 0..header.size {
                    assert_eq!(RawHeader::read(&bytes[..end]), None);
                }
            }
        }
    }

    #[test]
    fn a_message_is_split_and_keeps_its_payload() {
        let key = [7, 8, 9, 10];
        for frames in [
            vec![RawFrame::new(2).rsv(0x40).payload("hello world")],
            vec![
                RawFrame::new(2).fin(false).mask(key).rsv(0x40).payload("hello"),
                RawFrame::new(0).mask(key).payload(" world"),
            ],
        ] {
            let message = message(&frames);
            assert_eq!(message.payload(), b"hello world");
            for fragments in [1, 2, 3, 11, 20] {
                let split = message.split(fragments);
                assert_eq!(split.payload(), b"hello world");
                assert_eq!(split.frames.len(), fragments);
                let bits: Vec<_> = split.frames.iter().map(|(header, _)| header.first).collect();
                assert_eq!(bits[0] & 0x7f, 0x42);
                assert!(bits[1..].iter().all(|bits| matches!(bits, 0 | 0x80)));
                assert!(bits.iter().rev().skip(1).all(|bits| bits & 0x80 == 0));
                assert!(bits[fragments - 1] & 0x80 != 0);
            }
        }
    }

    #[test]
    fn one_byte_of_the_payload_is_corrupted() {
        let mut message = message(&[
            RawFrame::new(1).fin(false).payload("ab"),
            RawFrame::new(0).payload(""),
            RawFrame::new(0).payload("cd"),
        ]);
        message.corrupt(0.99, 1);
        assert_eq!(message.payload(), b"abce");
        message.corrupt(0.0, 0x80);
        assert_eq!(message.payload(), b"\xe1bce");
        let mut empty = RawMessage::default();
        empty.corrupt(0.5, 1);
        assert_eq!(empty, RawMessage::default());
    }

    #[test]
    fn a_cut_is_inside_of_the_first_frame() {
        for (payload, at) in [("", 1), ("a", 2), ("abcd", 4)] {
            assert_eq!(message(&[RawFrame::new(1).payload(payload)]).inside_frame(), at);
        }
        assert_eq!(RawMessage::default().inside_frame(), 0);
    }
}
