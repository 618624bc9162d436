//! An encoder without rules, for peers that break the protocol on purpose.
//!
//! [`Outbox`](super::outbox::Outbox) cannot send anything illegal. [`RawFrame`] can: reserved bits
//! and opcodes, masks from the wrong side, payload lengths that are wrong or not minimal, long or
//! fragmented control frames. It checks nothing and keeps no state; the order of frames is up to the
//! caller.
//!
//! ```
//! use sockeye::proto::raw::{Length, RawFrame};
//!
//! // "Hi" as an unmasked text frame, and an illegal ping: not final, and with the length 2 encoded
//! // in 64 bits.
//! assert_eq!(RawFrame::new(0x1).payload("Hi").encode(), b"\x81\x02Hi");
//! let ping = RawFrame::new(0x9).fin(false).length(Length::Bits64(2)).payload("Hi");
//! assert_eq!(ping.encode(), b"\x09\x7f\0\0\0\0\0\0\0\x02Hi");
//! ```

use super::{mask, opcode::Opcode};

/// A frame in which every bit can be chosen. A new frame is final, unmasked and empty, without
/// reserved bits and with the correct, minimal payload length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    first: u8,
    mask: Option<[u8; 4]>,
    length: Length,
    payload: Vec<u8>,
}

/// The payload length in a header: its form and its value, correct or not (RFC 6455, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The length of the payload in the shortest form.
    Minimal,
    /// The low seven bits of the second byte. 126 and 127 announce an extended length that is missing.
    Bits7(u8),
    /// A 16-bit extended length.
    Bits16(u16),
    /// A 64-bit extended length.
    Bits64(u64),
}

impl RawFrame {
    /// Creates a frame with the low four bits of `opcode`.
    pub fn new(opcode: u8) -> Self {
        let first = 0x80 | (opcode & 0x0f);
        Self { first, mask: None, length: Length::Minimal, payload: Vec::new() }
    }

    /// Sets or clears fin.
    #[must_use]
    pub fn fin(mut self, fin: bool) -> Self {
        self.first = (self.first & 0x7f) | if fin { 0x80 } else { 0 };
        self
    }

    /// Sets the reserved bits, given in the positions of the first byte: rsv1 is `0x40`.
    #[must_use]
    pub fn rsv(mut self, bits: u8) -> Self {
        self.first = (self.first & 0x8f) | (bits & 0x70);
        self
    }

    /// Masks the payload with `key`.
    #[must_use]
    pub fn mask(mut self, key: [u8; 4]) -> Self {
        self.mask = Some(key);
        self
    }

    /// Replaces the correct payload length.
    #[must_use]
    pub fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// Sets the payload, before masking.
    #[must_use]
    pub fn payload(mut self, payload: impl AsRef<[u8]>) -> Self {
        self.payload = payload.as_ref().to_vec();
        self
    }

    /// Appends the frame to `out`, with the whole payload whatever the length in the header.
    pub fn append(&self, out: &mut Vec<u8>) {
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let length = match self.length {
            Length::Minimal => Length::minimal(self.payload.len() as u64),
            chosen => chosen,
        };
        out.push(self.first);
        match length {
            Length::Bits64(length) => {
                out.push(mask_bit | 0x7f);
                out.extend_from_slice(&length.to_be_bytes());
            }
            Length::Bits16(length) => {
                out.push(mask_bit | 0x7e);
                out.extend_from_slice(&length.to_be_bytes());
            }
            Length::Bits7(length) => out.push(mask_bit | (length & 0x7f)),
            Length::Minimal => {}
        }
        let mut payload = self.payload.clone();
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
            mask::apply(&mut payload, key, 0);
        }
        out.extend_from_slice(&payload);
    }

    /// Returns the encoded frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append(&mut out);
        out
    }
}

impl From<Opcode> for RawFrame {
    /// Creates a frame with a defined opcode.
    fn from(opcode: Opcode) -> Self {
        Self::new(opcode.number())
    }
}

impl Length {
    /// Returns the shortest form of a length.
    pub(super) fn minimal(length: u64) -> Self {
        match length {
            0..=125 => Self::Bits7(length as u8),
            126..=0xffff => Self::Bits16(length as u16),
            _ => Self::Bits64(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        close_code::CloseCode,
        message::{Decoder, Part},
        opcode::Kind,
        role::Role,
        violation::Violation,
    };
    use Violation as V;

    const TEXT: u8 = 0x1;
    const BINARY: u8 = 0x2;
    const CLOSE: u8 = 0x8;
    const PING: u8 = 0x9;
    const PONG: u8 = 0xa;

    /// Decodes the frames in `role` and returns the pieces of their messages.
    fn decode(role: Role, frames: &[RawFrame]) -> Result<Vec<(Kind, Vec<u8>)>, Violation> {
        let mut bytes: Vec<u8> = frames.iter().flat_map(RawFrame::encode).collect();
        let mut decoder = Decoder::new(role, 1 << 20);
        let (mut at, mut messages) = (0, Vec::new());
        loop {
            let (used, part) = decoder.decode(&mut bytes[at..]).map_err(|it| it.violation)?;
            at += used;
            match part {
                None => return Ok(messages),
                Some(Part::Piece(piece)) => messages.push((piece.kind, piece.payload.to_vec())),
                Some(Part::Control(Opcode::Close, payload)) => {
                    crate::proto::close::Close::parse(payload)?;
                }
                Some(Part::Control(..)) => {}
            }
        }
    }

    #[test]
    fn default_frames_are_legal() {
        for length in [0, 1, 125, 126, 0xffff, 0x1_0000] {
            let payload = vec![b'x'; length];
            let frame = RawFrame::from(Opcode::Message(Kind::Binary)).payload(&payload);
            let decoded = decode(Role::Client, std::slice::from_ref(&frame));
            assert_eq!(decoded, Ok(vec![(Kind::Binary, payload.clone())]));
            let decoded = decode(Role::Server, &[frame.mask([1, 2, 3, 4])]);
            assert_eq!(decoded, Ok(vec![(Kind::Binary, payload)]));
        }
        let fragments = [
            RawFrame::new(TEXT).fin(false).payload("a"),
            RawFrame::new(PING),
            RawFrame::from(Opcode::Continuation).payload("b"),
        ];
        let expected = [(Kind::Text, b"a".to_vec()), (Kind::Text, b"b".to_vec())];
        assert_eq!(decode(Role::Client, &fragments), Ok(expected.to_vec()));
    }

    #[test]
    fn each_illegal_frame_is_rejected_by_its_rule() {
        let text = || RawFrame::new(TEXT).payload("Hello");
        let close = |payload: &[u8]| RawFrame::new(CLOSE).payload(payload);
        let long = vec![b'x'; 126];
        let cases = [
            (text().rsv(0x40), V::ReservedBits(0x40)),
            (text().rsv(0x20), V::ReservedBits(0x20)),
            (text().rsv(0x30), V::ReservedBits(0x30)),
            (RawFrame::new(0x3), V::ReservedOpcode(3)),
            (RawFrame::new(0xf), V::ReservedOpcode(15)),
            (text().mask([0; 4]), V::Masked),
            (text().length(Length::Bits16(5)), V::LengthNotMinimal(5)),
            (text().length(Length::Bits64(5)), V::LengthNotMinimal(5)),
            (text().length(Length::Bits64(0xffff)), V::LengthNotMinimal(0xffff)),
            (text().length(Length::Bits64(1 << 63)), V::LengthTopBit),
            (text().length(Length::Bits64(u64::MAX)), V::LengthTopBit),
            (text().length(Length::Bits64(1 << 40)), V::MessageTooLong { limit: 1 << 20 }),
            (RawFrame::new(PING).payload(&long), V::ControlTooLong(Opcode::Ping)),
            (RawFrame::new(PONG).fin(false), V::ControlFragmented(Opcode::Pong)),
            (RawFrame::new(0x0).payload("x"), V::UnexpectedContinuation),
            (RawFrame::new(TEXT).payload(b"\xff"), V::TextNotUtf8),
            (close(b"\x03"), V::CloseTooShort),
            (close(b"\x03\xed"), V::CloseCodeInvalid(CloseCode::NO_STATUS)),
            (close(b"\x03\xe8\xff"), V::CloseReasonNotUtf8),
        ];
        for (frame, violation) in cases {
            let decoded = decode(Role::Client, std::slice::from_ref(&frame));
            assert_eq!(decoded, Err(violation), "{frame:?}");
        }
        assert_eq!(decode(Role::Server, &[text()]), Err(V::NotMasked));
        let nested = [text().fin(false), RawFrame::new(BINARY)];
        assert_eq!(decode(Role::Client, &nested), Err(V::InterleavedMessage));
    }

    #[test]
    fn wrong_lengths_are_written_as_given() {
        let frame = RawFrame::new(BINARY).mask([1, 2, 3, 4]).payload([0; 2]);
        let encoded = |length| frame.clone().length(length).encode();
        assert_eq!(encoded(Length::Minimal), [0x82, 0x82, 1, 2, 3, 4, 1, 2]);
        assert_eq!(encoded(Length::Bits7(9)), [0x82, 0x89, 1, 2, 3, 4, 1, 2]);
        assert_eq!(encoded(Length::Bits7(127)), [0x82, 0xff, 1, 2, 3, 4, 1, 2]);
        assert_eq!(encoded(Length::Bits16(0)), [0x82, 0xfe, 0, 0, 1, 2, 3, 4, 1, 2]);
    }
}
