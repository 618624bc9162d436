//! Received frames: the decoder with every chunking, and the readers of frames that enforce no rule.

use super::input::{Input, chunks};
use crate::proto::{
    Kind, Opcode, Role, Violation,
    deflate::Inflater,
    extension::Side,
    message::{Decoder, Fault, LOOKAHEAD, Part},
    raw_message::{RawHeader, RawMessage},
    tally::Tally,
    trace::{Frame, FrameReader},
};

/// A decoded part of a stream, copied.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decoded {
    Message(Kind, Vec<u8>),
    Control(Opcode, Vec<u8>),
    Unfinished(Kind, Vec<u8>),
    Violation(Violation),
}

/// The result of decoding a stream.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    decoded: Vec<Decoded>,
    accepted: Vec<Violation>,
    tally: Tally,
    /// Size of the incomplete message at the end.
    incomplete: Option<(u64, u64)>,
}

/// Settings of a decoder.
#[derive(Clone, Copy)]
struct Setup {
    role: Role,
    max_message: u64,
    lenient: bool,
    fast: bool,
    deflate: Option<Side>,
}

impl Setup {
    fn decoder(self) -> Decoder {
        let mut decoder = Decoder::new(self.role, self.max_message);
        if self.lenient {
            decoder.set_lenient();
        }
        if !self.fast {
            decoder.disable_fast_path();
        }
        if let Some(side) = self.deflate {
            decoder.set_inflater(Inflater::new(side));
        }
        decoder
    }

    /// Decodes chunks as a session does: unconsumed bytes are passed again, followed by new ones.
    fn decode(self, chunks: &[&[u8]]) -> Outcome {
        let mut decoder = self.decoder();
        let mut decoded = Vec::new();
        let mut open: Option<(Kind, Vec<u8>)> = None;
        let mut buffer = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            buffer.extend_from_slice(chunk);
            loop {
                if let Some((kind, range)) = decoder.whole_message(&buffer) {
                    assert_eq!(open, None);
                    decoded.push(Decoded::Message(kind, buffer[range.clone()].to_vec()));
                    buffer.drain(..range.end);
                    continue;
                }
                let before = buffer.len();
                match decoder.decode(&mut buffer) {
                    Err(Fault { violation, at }) => {
                        assert!(at <= before, "the fault is outside of the input");
                        assert!(violation.close_code().is_sendable());
                        assert!(!violation.section().is_empty());
                        let _ = violation.is_in_header();
                        assert!(!violation.to_string().contains(char::is_control));
                        decoded.extend(open.take().map(|(kind, it)| Decoded::Unfinished(kind, it)));
                        decoded.push(Decoded::Violation(violation));
                        assert!(decoder.has_failed());
                        let late: usize = chunks[number + 1..].iter().map(|it| it.len()).sum();
                        decoder.discard(late);
                        return self.outcome(decoder, decoded);
                    }
                    Ok((used, part)) => {
                        let is_done = part.is_none();
                        if let Some(part) = part {
                            self.add(&part, &mut open, &mut decoded);
                        }
                        buffer.drain(..used);
                        if is_done {
                            assert!(buffer.len() < LOOKAHEAD, "{} bytes are left", buffer.len());
                            break;
                        }
                    }
                }
            }
            if number % 3 == 0 {
                decoder.release_memory();
            }
        }
        decoded.extend(open.map(|(kind, bytes)| Decoded::Unfinished(kind, bytes)));
        self.outcome(decoder, decoded)
    }

    fn add(self, part: &Part<'_>, open: &mut Option<(Kind, Vec<u8>)>, decoded: &mut Vec<Decoded>) {
        match part {
            Part::Control(opcode, payload) => {
                assert!(opcode.is_control() && payload.len() <= 125);
                decoded.push(Decoded::Control(*opcode, payload.to_vec()));
            }
            Part::Piece(piece) => {
                assert_eq!(piece.first, open.is_none());
                let (kind, bytes) = open.get_or_insert((piece.kind, Vec::new()));
                assert_eq!(*kind, piece.kind);
                bytes.extend_from_slice(piece.payload);
                // A repaired character has three bytes.
                let longest = self.max_message.saturating_mul(if self.lenient { 3 } else { 1 });
                assert!(bytes.len() as u64 <= longest, "longer than the limit");
                if *kind == Kind::Text {
                    assert!(std::str::from_utf8(piece.payload).is_ok());
                }
                if piece.last {
                    decoded.extend(open.take().map(|(kind, it)| Decoded::Message(kind, it)));
                }
            }
        }
    }

    fn outcome(self, mut decoder: Decoder, mut decoded: Vec<Decoded>) -> Outcome {
        let accepted = std::iter::from_fn(|| decoder.accepted_violation()).collect();
        // The inflater finds a fault at once or with the next chunk.
        let is_vague =
            self.deflate.is_some() && matches!(decoded.last(), Some(Decoded::Violation(_)));
        let incomplete = decoder.incomplete_message().filter(|_| !is_vague);
        self.forget_race(&mut decoded);
        let tally = decoder.tally();
        Outcome { decoded, accepted, tally, incomplete }
    }
}

impl Setup {
    /// Removes the end of a compressed message that is both too long and not UTF-8: the first fault
    /// found depends on how much is inflated at a time.
    fn forget_race(&self, decoded: &mut Vec<Decoded>) {
        let Some(Decoded::Violation(fault)) = decoded.last() else { return };
        let races = matches!(fault, Violation::MessageTooLong { .. } | Violation::TextNotUtf8);
        if races && self.deflate.is_some() && self.max_message < u64::MAX {
            decoded.pop();
            decoded.pop_if(|it| matches!(it, Decoded::Unfinished(..)));
        }
    }
}

/// Decodes uncompressed frames: the result does not depend on chunks or on the fast path.
pub(super) fn plain(data: &[u8]) {
    decode(data, false);
}

/// Decodes frames of which some are compressed.
pub(super) fn compressed(data: &[u8]) {
    decode(data, true);
}

fn decode(data: &[u8], deflates: bool) {
    let mut input = Input::new(data);
    let (bits, seed) = (input.byte(), input.number());
    let side = Side { window_bits: 15, keeps_context: bits & 0x10 == 0 };
    let setup = Setup {
        role: if bits & 1 == 0 { Role::Client } else { Role::Server },
        lenient: bits & 2 != 0,
        max_message: if bits & 4 == 0 { u64::MAX } else { 40 },
        fast: bits & 8 == 0,
        deflate: deflates.then_some(side),
    };
    let bytes = input.rest();
    let expected = setup.decode(&[bytes]);
    assert_eq!(setup.decode(&chunks(bytes, seed)), expected, "in chunks {seed}");
    let slow = Setup { fast: !setup.fast, ..setup };
    assert_eq!(slow.decode(&chunks(bytes, 0)), expected, "with the other path, byte by byte");
}

/// Reads frames without enforcing rules: every byte belongs to one frame, and unmasking keeps the
/// length.
pub(super) fn frames(data: &[u8]) {
    let mut input = Input::new(data);
    let (bits, seed) = (input.byte(), input.number());
    let bytes = input.rest();
    let read = |chunks: &[&[u8]]| {
        let mut reader = FrameReader::new(bits & 1 != 0, usize::from(bits >> 4));
        let mut frames: Vec<Frame> = Vec::new();
        for chunk in chunks {
            reader.feed(chunk, |frame| frames.push(frame));
        }
        frames.extend(reader.rest());
        frames
    };
    let frames = read(&[bytes]);
    assert_eq!(read(&chunks(bytes, seed)), frames);
    let mut end = 0;
    for frame in &frames {
        assert_eq!(frame.start, end);
        end += frame.wire_seen();
        assert!(frame.preview.len() as u64 <= frame.payload_seen.min(u64::from(bits >> 4)));
        assert!(!frame.name().to_string().is_empty());
    }
    assert_eq!(end, bytes.len() as u64);
    let mut reader = FrameReader::new(false, 0);
    let whole = reader.unmasked(bytes);
    assert_eq!(whole.bytes.len(), bytes.len());
    let mut reader = FrameReader::new(false, 0);
    let parts = chunks(bytes, seed).into_iter().flat_map(|it| reader.unmasked(it).bytes);
    assert_eq!(parts.collect::<Vec<_>>(), whole.bytes);
    change(bytes, bits);
}

/// Changes the frames of a message that is passed on.
fn change(bytes: &[u8], bits: u8) {
    let mut message = RawMessage::default();
    let mut rest = bytes;
    while let Some(header) = RawHeader::read(rest) {
        let (head, after) = rest.split_at(header.size);
        let length = usize::try_from(header.length).unwrap_or(usize::MAX).min(after.len());
        message.begin_frame(header, head);
        message.extend(&after[..length]);
        rest = &after[length..];
    }
    assert_eq!(message.bytes(), &bytes[..bytes.len() - rest.len()]);
    assert!(message.inside_frame() <= message.bytes().len());
    let payload = message.payload();
    let split = message.split(usize::from(bits % 9));
    if !message.bytes().is_empty() {
        assert_eq!(split.payload(), payload);
    }
    let mut corrupted = message.clone();
    corrupted.corrupt(f64::from(bits) / 256.0, 1 | bits);
    let changed = corrupted.payload().iter().zip(&payload).filter(|(a, b)| a != b).count();
    assert_eq!(changed, usize::from(!payload.is_empty()));
}
