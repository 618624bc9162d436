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
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    /// A message as the tests see it.
    #[derive(Clone, Debug, PartialEq)]
    enum Seen {
        Message(Kind, Vec<u8>),
        Control(Opcode, Vec<u8>),
        Unfinished(Kind, Vec<u8>),
        Violation(Violation),
    }

    /// Feeds a decoder as a session does: what it leaves is offered again with more behind it.
    fn decode(role: Role, max: u64, chunks: &[&[u8]]) -> Vec<Seen> {
        let mut decoder = Decoder::new(role, max);
        let mut seen = Vec::new();
        let mut open: Option<(Kind, Vec<u8>)> = None;
        let mut buffer = Vec::new();
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buffer) {
                    Err(violation) => {
                        seen.extend(open.map(|(kind, bytes)| Seen::Unfinished(kind, bytes)));
                        seen.push(Seen::Violation(violation));
                        return seen;
                    }
                    Ok((used, part)) => {
                        let done = part.is_none();
                        match part {
                            None => {}
                            Some(Part::Control(opcode, payload)) => {
                                seen.push(Seen::Control(opcode, payload.to_vec()));
                            }
                            Some(Part::Piece(piece)) => {
                                assert_eq!(piece.first, open.is_none());
                                let (kind, bytes) = open.get_or_insert((piece.kind, Vec::new()));
                                assert_eq!(*kind, piece.kind);
                                bytes.extend_from_slice(piece.payload);
                                if *kind == Kind::Text {
                                    assert!(std::str::from_utf8(piece.payload).is_ok());
                                }
                                if piece.last {
                                    seen.extend(open.take().map(|(k, b)| Seen::Message(k, b)));
                                }
                            }
                        }
                        buffer.drain(..used);
                        if done {
                            assert!(buffer.len() < LOOKAHEAD);
                            break;
                        }
                    }
                }
            }
        }
        seen.extend(open.map(|(kind, bytes)| Seen::Unfinished(kind, bytes)));
        seen
    }

    fn client(bytes: &[u8]) -> Vec<Seen> {
        let whole = decode(Role::Client, u64::MAX, &[bytes]);
        let bytewise = decode(Role::Client, u64::MAX, &bytes.chunks(1).collect::<Vec<_>>());
        assert_eq!(whole, bytewise, "{bytes:x?}");
        whole
    }

    fn text(s: &str) -> Seen {
        Seen::Message(Kind::Text, s.into())
    }

    #[test]
    fn conversations() {
        use Seen::{Control, Message, Unfinished, Violation as V};
        let cases: &[(&[u8], &[Seen])] = &[
            (&hex!("81 05 48656c6c6f"), &[text("Hello")]),
            (&hex!("81 00"), &[text("")]),
            (&hex!("82 00"), &[Message(Kind::Binary, vec![])]),
            (&hex!("01 03 48656c 80 02 6c6f"), &[text("Hello")]),
            // Empty fragments, first, middle and last.
            (&hex!("01 00 00 00 00 01 61 80 00"), &[text("a")]),
            (&hex!("02 00 80 00"), &[Message(Kind::Binary, vec![])]),
            // 5.4: control frames between fragments are not late.
            (
                &hex!("01 01 61 89 01 78 80 01 62 8a 00"),
                &[Control(Opcode::Ping, b"x".to_vec()), text("ab"), Control(Opcode::Pong, vec![])],
            ),
            // A character cut over three frames, one of them empty, with a ping inside.
            (
                &hex!("01 02 f09f 89 00 00 00 00 01 98 80 02 80 21"),
                &[Control(Opcode::Ping, vec![]), text("\u{1f600}!")],
            ),
            // 5.4: order of frames.
            (&hex!("80 01 61"), &[V(Violation::ContinuationOfNothing)]),
            (
                &hex!("01 01 61 81 01 62"),
                &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::MessageInsideMessage)],
            ),
            // 8.1: fails at the bad octet, not at the message's end; what was valid is there.
            (&hex!("81 7e 0fff ff"), &[V(Violation::TextNotUtf8)]),
            (
                &hex!("01 02 61ff"),
                &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::TextNotUtf8)],
            ),
            (&hex!("01 01 c3 80 01 28"), &[V(Violation::TextNotUtf8)]),
            // Ends inside a character.
            (&hex!("81 02 e282"), &[V(Violation::TextNotUtf8)]),
            (&hex!("01 01 c3 80 00"), &[V(Violation::TextNotUtf8)]),
            (
                &hex!("81 02 61c3"),
                &[Unfinished(Kind::Text, b"a".to_vec()), V(Violation::TextNotUtf8)],
            ),
            // Binary is never judged.
            (&hex!("82 02 ffc3"), &[Message(Kind::Binary, vec![0xff, 0xc3])]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(client(bytes), *expected, "{bytes:x?}");
        }
    }

    #[test]
    fn the_limit_is_on_the_message_and_holds_before_its_bytes_come() {
        let limit = |max, bytes: &[u8]| decode(Role::Client, max, &[bytes]);
        let too_long = |limit| Seen::Violation(Violation::MessageTooLong { limit });
        assert_eq!(limit(5, &hex!("81 05 48656c6c6f")), [text("Hello")]);
        assert_eq!(limit(4, &hex!("81 05")), [too_long(4)]);
        let fragments = hex!("01 03 48656c 80 02 6c6f");
        assert_eq!(limit(5, &fragments), [text("Hello")]);
        assert_eq!(limit(4, &fragments).last(), Some(&too_long(4)));
        // Two lengths whose sum does not fit in 64 bits.
        let huge = hex!("02 01 00 80 7f 7fffffffffffffff");
        assert_eq!(limit(u64::MAX >> 2, &huge).last(), Some(&too_long(u64::MAX >> 2)));
    }

    /// 9.3.1 and 9.4.1 of the conformance suite send 65,536 fragments: bytes are limited, not
    /// their number.
    #[test]
    fn any_number_of_fragments() {
        let mut bytes = hex!("02 00").to_vec();
        for _ in 0..200_000 {
            bytes.extend(hex!("00 01 61"));
        }
        bytes.extend(hex!("80 00"));
        let message = Seen::Message(Kind::Binary, vec![b'a'; 200_000]);
        assert_eq!(decode(Role::Client, 200_000, &[&bytes]), [message]);
    }

    #[test]
    fn an_assembler_copies_only_what_was_cut() {
        let mut assembler = Assembler::default();
        let piece = |payload, first, last| Piece { kind: Kind::Text, payload, first, last };
        assert_eq!(assembler.push(&piece(b"whole", true, true)), Some(&b"whole"[..]));
        assert_eq!(assembler.bytes.capacity(), 0);
        assert_eq!(assembler.push(&piece(b"a", true, false)), None);
        assert_eq!(assembler.push(&piece(b"b", false, true)), Some(&b"ab"[..]));
        assert_eq!(assembler.push(&piece(b"c", true, true)), Some(&b"c"[..]));
    }

    /// Any messages, any fragments, any masks, any cuts of the stream: the same messages.
    fn stream() -> impl Strategy<Value = (Vec<Seen>, Vec<u8>)> {
        let message = (
            any::<bool>(),
            "\\PC{0,40}",
            proptest::collection::vec(0usize..120, 0..4),
            any::<[u8; 4]>(),
        );
        proptest::collection::vec(message, 0..6).prop_map(|messages| {
            let mut seen = Vec::new();
            let mut bytes = Vec::new();
            for (is_text, content, mut cuts, key) in messages {
                let kind = if is_text { Kind::Text } else { Kind::Binary };
                let content = content.into_bytes();
                cuts.push(content.len());
                cuts.sort_unstable();
                let (mut from, mut opcode) = (0, Opcode::Message(kind));
                for to in cuts {
                    let to = to.min(content.len());
                    let fin = to == content.len();
                    let header =
                        Header { fin, opcode, mask: Some(key), length: (to - from) as u64 };
                    header.format(&mut bytes);
                    let start = bytes.len();
                    bytes.extend_from_slice(&content[from..to]);
                    mask::apply(&mut bytes[start..], key, 0);
                    (from, opcode) = (to, Opcode::Continuation);
                    if fin {
                        break;
                    }
                }
                seen.push(Seen::Message(kind, content));
            }
            (seen, bytes)
        })
    }

    proptest! {
        #[test]
        fn any_message_any_fragments_any_chunks((expected, bytes) in stream(), size in 1usize..50) {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(decode(Role::Server, u64::MAX, &chunks), expected);
        }

        #[test]
        fn any_bytes_never_panic_and_cuts_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            client(&bytes);
        }
    }
}
