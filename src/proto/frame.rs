//! The frame header (RFC 6455, 5.2) and the rules that concern the header alone.
//!
//! ```text
//!  0               1               2 ...
//! +-+-+-+-+-------+-+-------------+-------------------------------+-----------+
//! |F|R|R|R| opcode|M| length (7)  | extended length (0, 16 or 64) | key (0/32)|
//! |I|S|S|S|  (4)  |A|             |                               |           |
//! |N|V|V|V|       |S|             |                               |           |
//! | |1|2|3|       |K|             |                               |           |
//! +-+-+-+-+-------+-+-------------+-------------------------------+-----------+
//! ```
//!
//! The codec is tungstenite's. It accepts reserved bits, a mask from the wrong side and lengths that
//! are not minimal, and it loses the header of a reserved opcode, so these are checked first.

use super::{
    opcode::{Kind, Opcode},
    role::Role,
    violation::Violation,
};
use std::io::Cursor;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// True in the last frame of a message.
    pub fin: bool,
    /// Rsv1, set in the first frame of a compressed message (RFC 7692, 6).
    pub compressed: bool,
    /// The type of the frame.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// The payload length in bytes.
    pub length: u64,
}

impl Header {
    /// Parses a header sent to `role` at the front of `bytes`. Returns it with its length in bytes, or
    /// `None` if it is incomplete. `reserved` is the subset of [`RESERVED`] that no extension defines.
    pub fn parse(
        bytes: &[u8],
        role: Role,
        reserved: u8,
    ) -> Result<Option<(Self, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let opcode = check(*first, *second, rest, role, reserved)?;
        Ok(Self::read(bytes, opcode))
    }

    /// Parses a header as [`Self::parse`] does, but accepts a mask of a server, a length that is not
    /// minimal and, with `unmasked`, a client's frame without a mask. Returns the accepted violations,
    /// too.
    pub fn parse_lenient(bytes: &[u8], role: Role, reserved: u8, unmasked: bool) -> LenientHeader {
        let [first, second, rest @ ..] = bytes else { return Ok((None, [None; 2])) };
        let mut second = *second;
        let mut accepted = [None; 2];
        match (role, second & 0x80 != 0) {
            (Role::Client, true) => {
                accepted = [Some(Violation::Masked), None];
                second &= 0x7f;
            }
            (Role::Server, false) if unmasked => {
                accepted = [Some(Violation::NotMasked), None];
                second |= 0x80;
            }
            _ => {}
        }
        let opcode = match check(*first, second, rest, role, reserved) {
            Err(violation @ Violation::LengthNotMinimal(_)) => {
                let [masked, _] = accepted;
                accepted = [masked, Some(violation)];
                // The other rules hold: the length is checked last.
                Opcode::from_number(first & 0x0f).ok_or(violation)?
            }
            opcode => opcode?,
        };
        // The rest of an incomplete header may break a rule that is not tolerated.
        Ok(match Self::read(bytes, opcode) {
            Some(header) => (Some(header), accepted),
            None => (None, [None; 2]),
        })
    }

    /// Reads a header whose rules were checked.
    fn read(bytes: &[u8], opcode: Opcode) -> Option<(Self, usize)> {
        let mut cursor = Cursor::new(bytes);
        // The only error is a reserved opcode, which was rejected above.
        let Ok(Some((header, length))) = FrameHeader::parse(&mut cursor) else { return None };
        let FrameHeader { is_final: fin, rsv1: compressed, mask, .. } = header;
        let header = Self { fin, compressed, opcode, mask, length };
        Some((header, cursor.position() as usize))
    }

    /// Appends the header to `out`.
    #[inline]
    pub fn format(&self, out: &mut Vec<u8>) {
        if self.length < 126 {
            return self.format_short(out);
        }
        let header = FrameHeader {
            is_final: self.fin,
            rsv1: self.compressed,
            opcode: match self.opcode {
                Opcode::Continuation => OpCode::Data(Data::Continue),
                Opcode::Message(Kind::Text) => OpCode::Data(Data::Text),
                Opcode::Message(Kind::Binary) => OpCode::Data(Data::Binary),
                Opcode::Close => OpCode::Control(Control::Close),
                Opcode::Ping => OpCode::Control(Control::Ping),
                Opcode::Pong => OpCode::Control(Control::Pong),
            },
            mask: self.mask,
            ..FrameHeader::default()
        };
        // Writing to a Vec cannot fail.
        let _ = header.format(self.length, out);
    }
}

impl Header {
    /// Appends a header with a 7-bit length. Most messages are short, and the codec would cost as much
    /// as masking them.
    #[inline]
    fn format_short(&self, out: &mut Vec<u8>) {
        let (fin, rsv1) = (if self.fin { 0x80 } else { 0 }, if self.compressed { RSV1 } else { 0 });
        let first = fin | rsv1 | self.opcode.number();
        let length = self.length as u8;
        match self.mask {
            Some([a, b, c, d]) => out.extend_from_slice(&[first, 0x80 | length, a, b, c, d]),
            None => out.extend_from_slice(&[first, length]),
        }
    }
}

/// Checks the rules of the header; `rest` is the extended length, possibly incomplete.
#[inline]
fn check(
    first: u8,
    second: u8,
    rest: &[u8],
    role: Role,
    reserved: u8,
) -> Result<Opcode, Violation> {
    if first & reserved != 0 {
        return Err(Violation::ReservedBits(first & reserved));
    }
    let number = first & 0x0f;
    let Some(opcode) = Opcode::from_number(number) else {
        return Err(Violation::ReservedOpcode(number));
    };
    if first & RSV1 != 0 && !matches!(opcode, Opcode::Message(_)) {
        return Err(Violation::Rsv1Misplaced(opcode));
    }
    match (role, second & 0x80 != 0) {
        (Role::Client, true) => return Err(Violation::Masked),
        (Role::Server, false) => return Err(Violation::NotMasked),
        _ => {}
    }
    let length = second & 0x7f;
    if opcode.is_control() {
        if length > 125 {
            return Err(Violation::ControlTooLong(opcode));
        }
        if first & 0x80 == 0 {
            return Err(Violation::ControlFragmented(opcode));
        }
    }
    if length == 126
        && let [a, b, ..] = rest
    {
        let length = u16::from_be_bytes([*a, *b]);
        if length < 126 {
            return Err(Violation::LengthNotMinimal(length.into()));
        }
    }
    if length == 127
        && let Some(bytes) = rest.first_chunk()
    {
        let length = u64::from_be_bytes(*bytes);
        if length >> 63 != 0 {
            return Err(Violation::LengthTopBit);
        }
        if length <= 0xffff {
            return Err(Violation::LengthNotMinimal(length));
        }
    }
    Ok(opcode)
}

/// A header with its length in bytes, and the violations that were accepted.
pub type LenientHeader = Result<(Option<(Header, usize)>, [Option<Violation>; 2]), Violation>;

/// Rsv1 to rsv3 in the first byte: reserved unless an extension defines them.
pub const RESERVED: u8 = 0x70;
/// Rsv1, which permessage-deflate defines.
pub const RSV1: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::*;
    use Violation as V;
    use hex_literal::hex;

    fn parse(bytes: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        Header::parse(bytes, Role::Client, RESERVED)
    }

    #[test]
    fn parses_and_formats_the_examples_of_the_rfc() {
        // 5.7, in order: single text, fragments, ping, 256 and 65,536 bytes of binary.
        let cases: &[(&[u8], bool, Opcode, u64, usize)] = &[
            (&hex!("81 05 48656c6c6f"), true, Opcode::Message(Kind::Text), 5, 2),
            (&hex!("01 03 48656c"), false, Opcode::Message(Kind::Text), 3, 2),
            (&hex!("80 02 6c6f"), true, Opcode::Continuation, 2, 2),
            (&hex!("89 05 48656c6c6f"), true, Opcode::Ping, 5, 2),
            (&hex!("82 7e 0100"), true, Opcode::Message(Kind::Binary), 256, 4),
            (&hex!("82 7f 0000000000010000"), true, Opcode::Message(Kind::Binary), 65_536, 10),
        ];
        for (bytes, fin, opcode, length, size) in cases {
            let header = Header {
                fin: *fin,
                compressed: false,
                opcode: *opcode,
                mask: None,
                length: *length,
            };
            assert_eq!(parse(bytes), Ok(Some((header, *size))), "{bytes:x?}");
            let mut out = Vec::new();
            header.format(&mut out);
            assert_eq!(out, bytes[..*size]);
        }
        let masked = hex!("81 85 37fa213d 7f9f4d5158");
        let header = Header {
            fin: true,
            compressed: false,
            opcode: Opcode::Message(Kind::Text),
            mask: Some([0x37, 0xfa, 0x21, 0x3d]),
            length: 5,
        };
        assert_eq!(Header::parse(&masked, Role::Server, RESERVED), Ok(Some((header, 6))));
    }

    /// The mask was reported before the fault of the length, if that arrived later.
    #[test]
    fn a_violation_is_tolerated_once_the_header_is_complete() {
        let lenient = |bytes: &[u8]| Header::parse_lenient(bytes, Role::Client, RESERVED, false);
        let masked = hex!("81 ff 0000000000010000 01020304");
        for end in 0..masked.len() {
            assert_eq!(lenient(&masked[..end]), Ok((None, [None; 2])), "{end}");
        }
        let (header, accepted) = lenient(&masked).unwrap();
        assert_eq!(header.map(|(header, size)| (header.length, size)), Some((0x1_0000, 14)));
        assert_eq!(accepted, [Some(V::Masked), None]);
        let faulty = hex!("81 ff ffffffffffffffff");
        assert_eq!(lenient(&faulty), Err(V::LengthTopBit));
    }

    #[test]
    fn short_headers_are_parsed_by_the_codec() {
        let kinds = [
            Opcode::Continuation,
            Opcode::Message(Kind::Text),
            Opcode::Message(Kind::Binary),
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ];
        for (opcode, mask) in kinds.iter().flat_map(|k| [(*k, None), (*k, Some([1, 2, 3, 4]))]) {
            for length in [0, 1, 125] {
                let header = Header { fin: true, compressed: false, opcode, mask, length };
                let role = if mask.is_some() { Role::Server } else { Role::Client };
                let mut out = Vec::new();
                header.format(&mut out);
                let read = Header::parse(&out, role, RESERVED);
                assert_eq!(read, Ok(Some((header, out.len()))), "{out:x?}");
            }
        }
    }

    #[test]
    fn an_incomplete_header_is_not_an_error() {
        for bytes in [&hex!("82 7f 0000000000010000")[..], &hex!("82 7e 0100"), &hex!("81 00")] {
            for n in 0..bytes.len() {
                assert_eq!(parse(&bytes[..n]), Ok(None), "{:x?}", &bytes[..n]);
            }
        }
        let masked = hex!("82 fe 0100 01020304");
        for n in 0..masked.len() {
            assert_eq!(Header::parse(&masked[..n], Role::Server, RESERVED), Ok(None));
        }
    }

    #[test]
    fn each_rule_is_enforced_as_early_as_possible() {
        let cases: &[(&[u8], Violation)] = &[
            (&hex!("c1 00"), V::ReservedBits(0x40)),
            (&hex!("a1 00"), V::ReservedBits(0x20)),
            (&hex!("91 00"), V::ReservedBits(0x10)),
            (&hex!("83 00"), V::ReservedOpcode(3)),
            (&hex!("87 00"), V::ReservedOpcode(7)),
            (&hex!("8b 00"), V::ReservedOpcode(11)),
            (&hex!("8f 00"), V::ReservedOpcode(15)),
            (&hex!("81 80"), V::Masked),
            (&hex!("89 7e"), V::ControlTooLong(Opcode::Ping)),
            (&hex!("88 7f"), V::ControlTooLong(Opcode::Close)),
            (&hex!("0a 00"), V::ControlFragmented(Opcode::Pong)),
            (&hex!("81 7e 0005"), V::LengthNotMinimal(5)),
            (&hex!("81 7e 007d"), V::LengthNotMinimal(125)),
            (&hex!("82 7f 000000000000ffff"), V::LengthNotMinimal(65_535)),
            (&hex!("82 7f 8000000000000000"), V::LengthTopBit),
        ];
        for (bytes, violation) in cases {
            assert_eq!(parse(bytes), Err(*violation), "{bytes:x?}");
        }
        assert_eq!(Header::parse(&hex!("81 00"), Role::Server, RESERVED), Err(V::NotMasked));
    }

    #[test]
    fn rsv1_is_allowed_only_on_the_first_frame_of_a_message() {
        let parse = |bytes: &[u8]| Header::parse(bytes, Role::Client, RESERVED ^ RSV1);
        for bytes in [&hex!("c1 00")[..], &hex!("42 7e 0100")] {
            let (header, size) = parse(bytes).unwrap().unwrap();
            assert!(header.compressed);
            let mut out = Vec::new();
            header.format(&mut out);
            assert_eq!(out, bytes[..size]);
        }
        let cases: &[(&[u8], Violation)] = &[
            (&hex!("c0 00"), V::Rsv1Misplaced(Opcode::Continuation)),
            (&hex!("c9 00"), V::Rsv1Misplaced(Opcode::Ping)),
            (&hex!("c8 00"), V::Rsv1Misplaced(Opcode::Close)),
            (&hex!("e1 00"), V::ReservedBits(0x20)),
        ];
        for (bytes, violation) in cases {
            assert_eq!(parse(bytes), Err(*violation), "{bytes:x?}");
        }
    }

    #[test]
    fn the_smallest_length_of_each_form_is_accepted() {
        assert!(parse(&hex!("82 7e 007e")).unwrap().is_some());
        assert!(parse(&hex!("82 7f 0000000000010000")).unwrap().is_some());
        assert!(parse(&hex!("82 7f 7fffffffffffffff")).unwrap().is_some());
    }
}
