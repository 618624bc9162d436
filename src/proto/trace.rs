//! The frames of one direction of a byte stream, for inspection.
//!
//! The reader enforces no rule: it continues through whatever a broken peer sends, and reports what
//! the decoder does not, so that a frame that breaks a rule is shown as it was on the wire. It keeps
//! one header and a few bytes of payload in memory.

use super::{
    frame::{RESERVED, RSV1},
    mask,
    opcode::{Kind, Opcode},
    slice::Within,
};
use std::fmt;

/// The direction of a frame, from our side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Received from the peer.
    #[default]
    In,
    /// Sent to the peer.
    Out,
}

/// A frame, possibly incomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The offset of its first byte in the stream of its direction.
    pub start: u64,
    /// The header bytes seen.
    header: Vec<u8>,
    /// The payload length that the header announces, in bytes; `None` if the header is incomplete.
    pub length: Option<u64>,
    /// Payload bytes seen.
    pub payload_seen: u64,
    /// The position in its message, from 1; `None` for a control frame.
    pub fragment: Option<u64>,
    /// The type of its message, if known.
    pub kind: Option<Kind>,
    /// True if its message is compressed.
    pub compressed: bool,
    /// The first payload bytes, unmasked.
    pub preview: Vec<u8>,
}

impl Frame {
    fn new(start: u64) -> Self {
        Self {
            start,
            header: Vec::with_capacity(MAX_HEADER_BYTES),
            length: None,
            payload_seen: 0,
            fragment: None,
            kind: None,
            compressed: false,
            preview: Vec::new(),
        }
    }

    /// Restores a frame from a recording.
    pub fn recorded(
        header: Vec<u8>,
        (length, payload_seen): (Option<u64>, u64),
        fragment: Option<u64>,
        kind: Option<Kind>,
        compressed: bool,
        preview: Vec<u8>,
    ) -> Self {
        Self { start: 0, header, length, payload_seen, fragment, kind, compressed, preview }
    }

    /// Returns the header bytes seen.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    fn first(&self) -> u8 {
        self.header.first().copied().unwrap_or_default()
    }

    /// Reports whether the frame is the last of its message.
    pub fn fin(&self) -> bool {
        self.first() & 0x80 != 0
    }

    /// Returns the reserved bits, masked with `0x70` from the first byte.
    pub fn rsv(&self) -> u8 {
        self.first() & RESERVED
    }

    /// Returns the opcode, possibly a reserved one.
    pub fn opcode(&self) -> u8 {
        self.first() & 0x0f
    }

    /// Reports whether the payload is masked.
    pub fn is_masked(&self) -> bool {
        self.header.get(1).is_some_and(|second| second & 0x80 != 0)
    }

    /// Reports whether this is a control frame, possibly with a reserved opcode.
    pub fn is_control(&self) -> bool {
        self.opcode() >= 8
    }

    /// Reports whether all bytes of the frame have been seen.
    pub fn is_whole(&self) -> bool {
        self.length == Some(self.payload_seen)
    }

    /// Returns the length on the wire, in bytes: the header seen and the payload announced.
    pub fn wire_length(&self) -> u64 {
        (self.header.len() as u64).saturating_add(self.length.unwrap_or_default())
    }

    /// Returns the number of bytes seen, header included.
    pub fn wire_seen(&self) -> u64 {
        (self.header.len() as u64).saturating_add(self.payload_seen)
    }

    /// Returns the name of the opcode.
    pub fn name(&self) -> OpcodeName {
        OpcodeName(self.opcode())
    }

    /// Returns the header's length in bytes, or 2 as long as its second byte is missing.
    fn header_length(&self) -> usize {
        let Some(second) = self.header.get(1) else { return 2 };
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + if self.is_masked() { 4 } else { 0 }
    }

    fn announced_length(&self) -> u64 {
        let second = self.header.get(1).map_or(0, |second| second & 0x7f);
        let rest = self.header.within(2..);
        match second {
            126 => rest.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes).into()),
            // Illegal with the most significant bit set, but taken as a very large length.
            127 => rest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
            short => short.into(),
        }
    }

    fn key(&self) -> Option<[u8; 4]> {
        self.header.last_chunk().copied().filter(|_| self.is_masked())
    }

    /// Appends the next bytes of the payload to `plain`, unmasked.
    fn append_unmasked(&self, payload: &[u8], plain: &mut Vec<u8>) {
        let start = plain.len();
        plain.extend_from_slice(payload);
        if let Some(key) = self.key()
            && let Some(fresh) = plain.get_mut(start..)
        {
            mask::apply(fresh, key, self.payload_seen);
        }
    }
}

/// Displays an opcode: its name, or its number if it is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpcodeName(u8);

impl fmt::Display for OpcodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Opcode::from_number(self.0) {
            Some(opcode) => opcode.fmt(f),
            None => f.pad(&format!("opcode {}", self.0)),
        }
    }
}

/// Bytes of the wire with payloads unmasked.
#[derive(Debug)]
pub struct Unmasked {
    /// Headers as they are, and payloads.
    pub bytes: Vec<u8>,
    /// The offsets at which frames end.
    pub ends: Vec<usize>,
}

/// Reads the frames of one direction.
#[derive(Debug)]
pub struct FrameReader {
    /// True if permessage-deflate was negotiated.
    deflates: bool,
    /// Payload bytes to keep of each frame.
    preview_bytes: usize,
    /// Bytes read so far.
    position: u64,
    open: Option<Frame>,
    message: Option<OpenMessage>,
}

/// The message whose frames are being read.
#[derive(Clone, Copy, Debug)]
struct OpenMessage {
    kind: Option<Kind>,
    compressed: bool,
    fragments: u64,
}

impl FrameReader {
    /// Creates a reader that keeps the first `preview_bytes` of each payload. `deflates` is true if
    /// permessage-deflate was negotiated.
    pub fn new(deflates: bool, preview_bytes: usize) -> Self {
        Self { deflates, preview_bytes, position: 0, open: None, message: None }
    }

    /// Reads the next bytes of the stream and calls `found` with each frame that they complete.
    pub fn feed(&mut self, bytes: &[u8], found: impl FnMut(Frame)) {
        self.read(bytes, None, found);
    }

    /// Reads the next bytes of the stream and returns them with their payloads unmasked.
    pub fn unmasked(&mut self, bytes: &[u8]) -> Unmasked {
        let mut plain = Unmasked { bytes: Vec::with_capacity(bytes.len()), ends: Vec::new() };
        self.read(bytes, Some(&mut plain), |_| {});
        plain
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        mut plain: Option<&mut Unmasked>,
        mut found: impl FnMut(Frame),
    ) {
        while !bytes.is_empty() {
            let (before, start) = (bytes.len(), bytes);
            let mut frame = self.open.take().unwrap_or_else(|| Frame::new(self.position));
            if frame.length.is_none() {
                bytes = self.read_header(&mut frame, bytes);
            }
            if let Some(plain) = &mut plain {
                plain.bytes.extend_from_slice(start.within(..before - bytes.len()));
            }
            if let Some(length) = frame.length {
                let n = usize::try_from(length - frame.payload_seen).unwrap_or(usize::MAX);
                let (payload, rest) = bytes.split_at(n.min(bytes.len()));
                if let Some(plain) = &mut plain {
                    frame.append_unmasked(payload, &mut plain.bytes);
                }
                self.add_payload(&mut frame, payload);
                bytes = rest;
            }
            self.position = self.position.saturating_add((before - bytes.len()) as u64);
            if frame.is_whole() {
                if let Some(plain) = &mut plain {
                    plain.ends.push(plain.bytes.len());
                }
                found(frame);
            } else {
                self.open = Some(frame);
            }
        }
    }

    /// Takes the incomplete frame at the end of the stream, if there is one.
    pub fn rest(&mut self) -> Option<Frame> {
        self.open.take()
    }

    /// Returns the incomplete frame at the end of the bytes so far, if there is one.
    pub fn incomplete(&self) -> Option<&Frame> {
        self.open.as_ref()
    }

    /// Reads the header as far as `bytes` go, and returns the bytes after it.
    fn read_header<'a>(&mut self, frame: &mut Frame, mut bytes: &'a [u8]) -> &'a [u8] {
        while frame.header.len() < frame.header_length() {
            let [byte, rest @ ..] = bytes else { return bytes };
            frame.header.push(*byte);
            bytes = rest;
        }
        frame.length = Some(frame.announced_length());
        self.place_in_message(frame);
        bytes
    }

    /// Sets the frame's position in its message, and the message's type.
    fn place_in_message(&mut self, frame: &mut Frame) {
        if frame.is_control() {
            return;
        }
        let is_first = frame.opcode() != 0;
        let mut message = match self.message.take().filter(|_| !is_first) {
            Some(message) => message,
            None => OpenMessage {
                kind: match Opcode::from_number(frame.opcode()) {
                    Some(Opcode::Message(kind)) => Some(kind),
                    _ => None,
                },
                compressed: self.deflates && is_first && frame.rsv() & RSV1 != 0,
                fragments: 0,
            },
        };
        message.fragments = message.fragments.saturating_add(1);
        frame.fragment = Some(message.fragments);
        (frame.kind, frame.compressed) = (message.kind, message.compressed);
        self.message = Some(message).filter(|_| !frame.fin());
    }

    fn add_payload(&self, frame: &mut Frame, payload: &[u8]) {
        let start = frame.preview.len();
        if start < self.preview_bytes {
            let kept = payload.get(..self.preview_bytes - start).unwrap_or(payload);
            let mut preview = std::mem::take(&mut frame.preview);
            frame.append_unmasked(kept, &mut preview);
            frame.preview = preview;
        }
        frame.payload_seen += payload.len() as u64;
    }
}

/// The longest header: 2 bytes, 64-bit length, masking key.
const MAX_HEADER_BYTES: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::{collection::vec, prelude::*};

    fn frames(deflates: bool, chunks: &[&[u8]]) -> (Vec<Frame>, Option<Frame>) {
        let mut reader = FrameReader::new(deflates, 8);
        let mut frames = Vec::new();
        for chunk in chunks {
            reader.feed(chunk, |frame| frames.push(frame));
        }
        (frames, reader.rest())
    }

    #[test]
    fn reports_each_complete_frame() {
        let bytes = hex!("01 03 48656c 89 00 80 85 37fa213d 7f9f4d5158");
        let (all, rest) = frames(false, &[&bytes]);
        let told: Vec<_> = all
            .iter()
            .map(|f| (f.start, f.name().to_string(), f.fin(), f.fragment, f.wire_length()))
            .collect();
        assert_eq!(
            told,
            [
                (0, "text".into(), false, Some(1), 5),
                (5, "ping".into(), true, None, 2),
                (7, "continuation".into(), true, Some(2), 11),
            ]
        );
        assert_eq!((&*all[2].preview, all[2].kind), (&b"Hello"[..], Some(Kind::Text)));
        assert_eq!((all[2].is_masked(), all[2].header().len(), rest), (true, 6, None));
    }

    #[test]
    fn compression_applies_to_the_whole_message() {
        let bytes = hex!("41 01 00 8a 00 80 01 00 c1 00 81 00");
        let compressed = |deflates| {
            frames(deflates, &[&bytes]).0.iter().map(|f| f.compressed).collect::<Vec<_>>()
        };
        assert_eq!(compressed(true), [true, false, true, true, false]);
        assert_eq!(compressed(false), [false; 5]);
    }

    #[test]
    fn reads_on_after_illegal_frames() {
        let bytes = hex!("f3 7e 0001 aa 0b 00 80 00 81 00");
        let (all, rest) = frames(true, &[&bytes]);
        let told: Vec<_> = all.iter().map(|f| (f.opcode(), f.rsv(), f.length)).collect();
        let expected = [(3, 0x70, Some(1)), (11, 0, Some(0)), (0, 0, Some(0)), (1, 0, Some(0))];
        assert_eq!((told, rest), (expected.to_vec(), None));
        assert_eq!(all[0].name().to_string(), "opcode 3");
    }

    #[test]
    fn an_unfinished_frame_is_returned_at_the_end_and_costs_no_memory() {
        let (all, rest) = frames(false, &[&hex!("82 7f ffffffffffffffff"), &vec![7; 100_000]]);
        let rest = rest.unwrap();
        assert!(all.is_empty());
        assert_eq!(
            (rest.length, rest.payload_seen, rest.preview.len()),
            (Some(u64::MAX), 100_000, 8)
        );
        assert_eq!((rest.wire_length(), rest.wire_seen()), (u64::MAX, 100_010));
        for cut in [&hex!("81")[..], &hex!("81 7e 01"), &hex!("81 85 0000")] {
            let (_, rest) = frames(false, &[cut]);
            let rest = rest.unwrap();
            assert_eq!((rest.length, rest.header()), (None, cut));
        }
        assert_eq!(frames(false, &[b""]), (Vec::new(), None));
    }

    #[test]
    fn masked_payloads_are_unmasked_across_reads() {
        let bytes = hex!("89 00 81 85 37fa213d 7f9f4d5158 8a 81 01020304 40");
        let mut reader = FrameReader::new(false, 0);
        let plain: Vec<u8> = bytes.chunks(3).flat_map(|part| reader.unmasked(part).bytes).collect();
        assert_eq!(plain, hex!("89 00 81 85 37fa213d 48656c6c6f 8a 81 01020304 41"));
        assert_eq!(FrameReader::new(false, 0).unmasked(&bytes).ends, [2, 13, 20]);
    }

    proptest! {
        #[test]
        fn any_chunking_of_any_bytes_yields_the_same_frames(
            bytes in vec(prop_oneof![Just(0x81u8), Just(0x7e), Just(0), Just(3), any::<u8>()], 0..300),
            cuts in vec(0usize..20, 1..40),
            deflates: bool,
        ) {
            let whole = frames(deflates, &[&bytes]);
            let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(&frames(deflates, &chunks), &whole);
            let (all, rest) = whole;
            let told: u64 = all.iter().chain(&rest).map(Frame::wire_seen).sum();
            prop_assert_eq!(told, bytes.len() as u64);
        }
    }
}
