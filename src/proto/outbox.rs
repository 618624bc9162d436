//! The encoder: messages to frames, and the bytes queued for the transport.
//!
//! All frames go into one buffer, which the driver writes in as few calls as possible. A message
//! longer than a fragment becomes several frames. If much is queued, pings and pongs overtake it:
//! they leave at the end of the frame that the transport is taking (RFC 6455, 5.4). Only the newest
//! of the waiting pongs is kept (5.5.3).

use super::{
    buffers,
    close_code::CloseCode,
    deflate::Deflater,
    frame::{Header, RESERVED, RSV1},
    mask::{self, Entropy, MaskKeys},
    opcode::{Kind, Opcode},
    role::Role,
    slice::Within,
    tally::Tally,
};
use std::{error, fmt, num::NonZeroUsize};

/// A request by the caller that the protocol forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// A Close has been sent, and nothing may follow it (5.5.1), or the connection is over.
    Closed,
    /// The payload of a control frame exceeds 125 bytes (5.5): its length.
    ControlTooLong(usize),
    /// The close code must not be sent (7.4).
    CloseCode(CloseCode),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing"),
            Self::ControlTooLong(length) => {
                write!(f, "the payload of a control frame has at most 125 bytes, not {length}")
            }
            Self::CloseCode(code) => write!(f, "the close code {code} must not be sent"),
        }
    }
}

impl error::Error for UsageError {}

/// Encodes outgoing frames and queues them for the transport.
pub struct Outbox {
    /// Present in a client, which masks (5.1). Boxed because a server may have very many connections.
    keys: Option<Box<MaskKeys>>,
    /// The longest payload of a data frame.
    fragment: NonZeroUsize,
    bytes: Vec<u8>,
    /// Number of `bytes` that the transport has accepted.
    sent: usize,
    /// Number of `bytes` that it has also flushed.
    flushed: usize,
    /// Present if permessage-deflate was negotiated.
    deflater: Option<Box<Deflater>>,
    /// The message that was begun and not ended.
    message: Option<OutgoingMessage>,
    tally: Tally,
    /// The rest of a frame at the front of `bytes` whose beginning was sent and discarded.
    partial: PartialFrame,
    /// Pings and pongs that wait for `boundary`.
    deferred: Vec<(Opcode, Vec<u8>)>,
    /// While control frames are deferred: the end of the frame in `bytes` that is being sent.
    boundary: usize,
    /// Encoded control frames that the transport takes before the rest of `bytes`, which begins with
    /// a frame.
    overtaking: Vec<u8>,
    /// The end of the last ping in `bytes`.
    ping_end: usize,
    /// True if the transport has refused bytes since it last accepted some.
    refused: bool,
    /// True while a ping is in `overtaking`.
    is_ping_overtaking: bool,
}

/// A message that is sent in parts.
#[derive(Clone, Copy)]
struct OutgoingMessage {
    kind: Kind,
    compressed: bool,
    bytes: u64,
    /// Bytes of payload in its frames.
    carried: u64,
    frames: u64,
}

/// The rest of a frame whose beginning was discarded.
#[derive(Clone, Copy, Default)]
struct PartialFrame {
    remaining: usize,
    /// True if a message ends with the frame.
    ends_message: bool,
}

impl Outbox {
    /// Creates an empty outbox. `entropy` provides the masking keys of a client; a server's is unused.
    /// No data frame has more than `fragment` bytes of payload.
    pub fn new(role: Role, entropy: Entropy, fragment: NonZeroUsize) -> Self {
        Self {
            keys: (role == Role::Client).then(|| Box::new(MaskKeys::new(entropy))),
            fragment,
            bytes: Vec::new(),
            sent: 0,
            flushed: 0,
            deflater: None,
            message: None,
            tally: Tally::default(),
            partial: PartialFrame::default(),
            deferred: Vec::new(),
            boundary: 0,
            overtaking: Vec::new(),
            ping_end: 0,
            refused: false,
            is_ping_overtaking: false,
        }
    }

    /// Compresses messages from now on, as permessage-deflate was negotiated.
    pub fn set_deflater(&mut self, deflater: Deflater) {
        self.deflater = Some(Box::new(deflater));
    }

    /// Returns the counts of complete messages and of control frames written.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Adds a whole message. Not allowed between [`Self::begin`] and the last [`Self::part`].
    #[inline]
    pub fn message(&mut self, kind: Kind, payload: &[u8]) {
        debug_assert!(self.message.is_none(), "a message inside another");
        self.acquire_buffer();
        let length = payload.len() as u64;
        if let Some(mut deflater) = self.deflater.take_if(|it| it.should_compress(Some(length))) {
            deflater.message(payload);
            let message = OutgoingMessage { bytes: length, ..OutgoingMessage::new(kind, true) };
            self.write_fragments(message, deflater.output(), self.fragment.get(), true);
            deflater.release();
            self.deflater = Some(deflater);
            return;
        }
        if payload.len() > self.fragment.get() {
            let message = OutgoingMessage { bytes: length, ..OutgoingMessage::new(kind, false) };
            self.write_fragments(message, payload, self.fragment.get(), true);
            return;
        }
        self.tally.message(kind, length, length, 1);
        buffers::reserve(&mut self.bytes, payload.len() + MAX_HEADER_BYTES, HEAP_LIMIT_BYTES);
        let key = self.write_header(Opcode::Message(kind), length, true, false);
        self.write_payload(payload, key);
    }

    /// Begins a message whose payload is passed to [`Self::part`]. `length` is the length of the
    /// payload, if known.
    pub fn begin(&mut self, kind: Kind, length: Option<u64>) {
        debug_assert!(self.message.is_none(), "a message inside another");
        let deflater = self.deflater.as_mut().filter(|it| it.should_compress(length));
        self.message = Some(OutgoingMessage::new(kind, deflater.is_some()));
        if let Some(deflater) = deflater {
            deflater.begin();
        }
    }

    /// Adds payload to the message that was begun, in one frame or several. `last` ends the message.
    pub fn part(&mut self, bytes: &[u8], last: bool) {
        let Some(mut message) = self.message.take() else { return };
        self.acquire_buffer();
        message.bytes += bytes.len() as u64;
        let message = match self.deflater.take_if(|_| message.compressed) {
            Some(mut deflater) => {
                let message = self.compress(&mut deflater, message, bytes, last);
                self.deflater = Some(deflater);
                message
            }
            None => self.write_fragments(message, bytes, self.fragment.get(), last),
        };
        self.message = (!last).then_some(message);
    }

    /// Compresses payload, and writes the output as soon as there is enough for a frame.
    fn compress(
        &mut self,
        deflater: &mut Deflater,
        mut message: OutgoingMessage,
        bytes: &[u8],
        last: bool,
    ) -> OutgoingMessage {
        let size = self.fragment.get().min(DEFLATED_FRAGMENT_BYTES);
        // In chunks no larger than a fragment, or output would accumulate in the deflater too.
        for bytes in bytes.chunks(DEFLATED_FRAGMENT_BYTES) {
            deflater.push(bytes);
            let length = deflater.output().len();
            let whole = length - length % size;
            message = self.write_fragments(message, deflater.output().within(..whole), size, false);
            deflater.discard(whole);
        }
        if last {
            deflater.end();
            message = self.write_fragments(message, deflater.output(), size, true);
            deflater.release();
        }
        message
    }

    /// Writes payload in frames of `size` bytes; the last may be shorter. If `last`, the message ends
    /// with it, and an empty payload becomes a frame too. Returns the message with its counts updated.
    fn write_fragments(
        &mut self,
        mut message: OutgoingMessage,
        payload: &[u8],
        size: usize,
        last: bool,
    ) -> OutgoingMessage {
        let frames = payload.len() / size + 1;
        let more = payload.len() + frames.min(RESERVED_HEADERS) * MAX_HEADER_BYTES;
        buffers::reserve(&mut self.bytes, more, HEAP_LIMIT_BYTES);
        self.bytes.reserve(more);
        let mut rest = payload;
        while !rest.is_empty() || last {
            let (fragment, after) = rest.split_at(rest.len().min(size));
            rest = after;
            let first = message.frames == 0;
            let fin = last && rest.is_empty();
            let opcode = if first { Opcode::Message(message.kind) } else { Opcode::Continuation };
            let length = fragment.len() as u64;
            let key = self.write_header(opcode, length, fin, message.compressed && first);
            self.write_payload(fragment, key);
            message.carried += length;
            message.frames += 1;
            if fin {
                let OutgoingMessage { kind, bytes, carried, frames, .. } = message;
                self.tally.message(kind, bytes, carried, frames);
                break;
            }
        }
        message
    }

    /// Returns the window bits with which a message of this length should be compressed.
    pub fn compression(&self, length: u64) -> Option<u8> {
        let deflater = self.deflater.as_ref().filter(|it| it.should_compress(Some(length)));
        deflater.map(|it| it.window_bits())
    }

    /// Adds a frame of a message that was encoded elsewhere, for a peer of a server. The message is
    /// open until [`Self::end_encoded`].
    pub fn encoded(&mut self, kind: Kind, frame: &[u8]) {
        self.acquire_buffer();
        buffers::reserve(&mut self.bytes, frame.len(), HEAP_LIMIT_BYTES);
        self.bytes.extend_from_slice(frame);
        self.message.get_or_insert_with(|| OutgoingMessage::new(kind, false));
    }

    /// Ends a message of encoded frames: its length, and payload bytes and number of its frames.
    pub fn end_encoded(&mut self, kind: Kind, length: u64, carried: u64, frames: u64) {
        self.message = None;
        self.tally.message(kind, length, carried, frames);
    }

    /// Returns the ends of all queued frames, of which nothing was sent.
    pub fn frame_ends(&self) -> Vec<usize> {
        self.frames().map(|(end, _)| end).collect()
    }

    /// Returns all queued bytes, of which nothing was sent.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes a buffer if nothing is queued.
    #[inline]
    fn acquire_buffer(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffers::take();
        }
    }

    /// Adds a control frame. If much is queued, pings and pongs overtake it.
    pub fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        self.acquire_buffer();
        let overtakes = !self.deferred.is_empty() || self.queued() >= OVERTAKEN_BYTES;
        if opcode == Opcode::Close || !overtakes {
            self.tally.control(opcode);
            Self::write_control(&mut self.bytes, &mut self.keys, opcode, payload);
            if opcode == Opcode::Ping {
                self.ping_end = self.bytes.len();
            }
            return;
        }
        if opcode == Opcode::Pong
            && let Some((_, waiting)) = self.deferred.iter_mut().find(|(it, _)| *it == opcode)
        {
            payload.clone_into(waiting);
            return;
        }
        self.tally.control(opcode);
        if self.deferred.is_empty() {
            self.boundary = self.frame_end(self.sent);
        }
        self.deferred.push((opcode, payload.to_vec()));
        self.write_deferred();
    }

    /// Adds a Close that answers the peer's or reports its fault. The peer no longer needs
    /// messages, so only the front of a long queue is sent before it.
    pub fn answer_close(&mut self, payload: &[u8]) {
        self.bytes.truncate(self.frame_end(self.sent.saturating_add(SENT_BEFORE_CLOSE_BYTES)));
        self.ping_end = self.ping_end.min(self.bytes.len());
        self.control(Opcode::Close, payload);
    }

    /// Returns bytes to be written to the transport. More may follow once it has accepted them.
    pub fn pending(&self) -> &[u8] {
        if !self.overtaking.is_empty() {
            return &self.overtaking;
        }
        let end = if self.deferred.is_empty() { self.bytes.len() } else { self.boundary };
        self.bytes.within(self.sent..end)
    }

    /// Returns the number of bytes to be written to the transport.
    pub fn queued(&self) -> usize {
        self.bytes.len() - self.sent + self.overtaking.len()
    }

    /// Records that the transport accepted `n` bytes of [`Self::pending`].
    pub fn advance(&mut self, n: usize) {
        if self.overtaking.is_empty() {
            self.sent = (self.sent + n).min(self.bytes.len());
            self.flushed = self.flushed.max(self.sent.saturating_sub(MAX_UNFLUSHED_BYTES));
        } else {
            self.overtaking.drain(..n.min(self.overtaking.len()));
            self.is_ping_overtaking &= !self.overtaking.is_empty();
        }
        self.write_deferred();
        self.discard_sent();
    }

    /// Records that the transport flushed all bytes that it accepted.
    #[inline]
    pub fn flushed(&mut self) {
        self.flushed = self.sent;
        self.discard_sent();
    }

    /// Discards flushed bytes.
    fn discard_sent(&mut self) {
        if self.sent == self.bytes.len() && self.flushed == self.sent {
            buffers::give(std::mem::take(&mut self.bytes));
            (self.sent, self.flushed, self.boundary, self.ping_end) = (0, 0, 0, 0);
            self.partial = PartialFrame::default();
        } else if self.flushed >= COMPACT_BYTES {
            // With a slow peer the buffer may never become empty, so flushed bytes are removed here.
            self.partial = self.rest_of_frame(self.flushed);
            self.bytes.drain(..self.flushed);
            self.sent -= self.flushed;
            self.boundary = self.boundary.saturating_sub(self.flushed);
            self.ping_end = self.ping_end.saturating_sub(self.flushed);
            self.flushed = 0;
        }
    }

    /// Drops everything queued: nothing more can be sent.
    pub fn abandon(&mut self) {
        self.bytes = Vec::new();
        (self.sent, self.flushed, self.ping_end) = (0, 0, 0);
        (self.deferred, self.overtaking) = (Vec::new(), Vec::new());
        (self.partial, self.message) = (PartialFrame::default(), None);
        self.is_ping_overtaking = false;
    }

    /// Records whether the transport has refused bytes since it last accepted some.
    pub fn set_refused(&mut self, refused: bool) {
        self.refused = refused;
    }

    /// Reports whether the transport has refused bytes since it last accepted some.
    #[inline]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Reports whether a ping waits for the transport.
    pub fn has_unsent_ping(&self) -> bool {
        self.ping_end > self.sent
            || self.is_ping_overtaking
            || self.deferred.iter().any(|(opcode, _)| *opcode == Opcode::Ping)
    }

    /// Reports whether nothing waits for the transport, not even a deferred control frame.
    pub fn is_drained(&self) -> bool {
        self.queued() == 0 && self.deferred.is_empty()
    }

    /// Reports whether a message waits for the transport or for the rest of its payload.
    pub fn has_unsent_message(&self) -> bool {
        self.message.is_some() || self.frames().any(|(end, ends)| ends && end > self.sent)
    }

    /// Returns the number of messages that were not entirely flushed.
    pub fn unsent_messages(&self) -> usize {
        let ends = self.frames().filter(|(end, ends)| *ends && *end > self.flushed);
        ends.count() + usize::from(self.message.is_some())
    }

    /// Iterates over the frames in `bytes`: the offset of each one's end, and whether it ends a message.
    fn frames(&self) -> impl Iterator<Item = (usize, bool)> {
        let peer = if self.keys.is_some() { Role::Server } else { Role::Client };
        let end = self.partial.remaining;
        let first = (end > 0).then_some((end, self.partial.ends_message));
        let mut at = end;
        first.into_iter().chain(std::iter::from_fn(move || {
            let (header, size) =
                Header::parse(self.bytes.get(at..)?, peer, RESERVED ^ RSV1).ok()??;
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            at = at.saturating_add(size).saturating_add(length);
            Some((at, header.fin && !header.opcode.is_control()))
        }))
    }

    /// Returns the first end of a frame at or after offset `at`.
    fn frame_end(&self, at: usize) -> usize {
        if at == self.partial.remaining {
            return at;
        }
        let mut ends = self.frames().map(|(end, _)| end);
        ends.find(|end| *end >= at).unwrap_or(self.bytes.len())
    }

    /// Returns the rest, from offset `at` on, of the frame that contains it.
    fn rest_of_frame(&self, at: usize) -> PartialFrame {
        let frame = self.frames().find(|(end, _)| *end > at);
        frame.map_or(PartialFrame::default(), |(end, ends_message)| PartialFrame {
            remaining: end - at,
            ends_message,
        })
    }

    #[inline]
    fn write_header(
        &mut self,
        opcode: Opcode,
        length: u64,
        fin: bool,
        compressed: bool,
    ) -> Option<[u8; 4]> {
        let mask = self.keys.as_mut().map(|keys| keys.draw());
        let header = Header { fin, compressed, opcode, mask, length };
        header.format(&mut self.bytes);
        mask
    }

    #[inline]
    fn write_payload(&mut self, payload: &[u8], key: Option<[u8; 4]>) {
        match key {
            Some(key) => mask::append(&mut self.bytes, payload, key, 0),
            None => self.bytes.extend_from_slice(payload),
        }
    }

    /// Encodes the deferred control frames if the frame that was being sent is complete.
    fn write_deferred(&mut self) {
        if self.deferred.is_empty() || !self.overtaking.is_empty() || self.sent < self.boundary {
            return;
        }
        for (opcode, payload) in std::mem::take(&mut self.deferred) {
            Self::write_control(&mut self.overtaking, &mut self.keys, opcode, &payload);
            self.is_ping_overtaking |= opcode == Opcode::Ping;
        }
    }

    fn write_control(
        out: &mut Vec<u8>,
        keys: &mut Option<Box<MaskKeys>>,
        opcode: Opcode,
        payload: &[u8],
    ) {
        let mask = keys.as_mut().map(|keys| keys.draw());
        let length = payload.len() as u64;
        Header { fin: true, compressed: false, opcode, mask, length }.format(out);
        match mask {
            Some(key) => mask::append(out, payload, key, 0),
            None => out.extend_from_slice(payload),
        }
    }
}

impl OutgoingMessage {
    fn new(kind: Kind, compressed: bool) -> Self {
        Self { kind, compressed, bytes: 0, carried: 0, frames: 0 }
    }
}

/// The longest frame of a compressed message that is sent in parts.
const DEFLATED_FRAGMENT_BYTES: usize = 32 << 10;

/// With this much queued, pings and pongs overtake it.
const OVERTAKEN_BYTES: usize = 64 << 10;

/// The maximum number of queued bytes still sent before a Close that answers the peer.
const SENT_BEFORE_CLOSE_BYTES: usize = 256 << 10;

/// The number of queued bytes from which they have memory of their own. The parts of a message that a
/// client sends are shorter: for each, the system would have to provide memory again.
const HEAP_LIMIT_BYTES: usize = 512 << 10;
/// The longest frame header: two bytes, an extended length and a masking key.
const MAX_HEADER_BYTES: usize = 14;

/// The maximum number of frame headers for which room is reserved in advance.
const RESERVED_HEADERS: usize = 1 << 10;

/// The maximum number of bytes that a transport is assumed to buffer between accepting and
/// flushing.
const MAX_UNFLUSHED_BYTES: usize = 256 << 10;

/// The number of flushed bytes at which the buffer is compacted. Not less than a driver writes at
/// once, or the bytes left by each write would be moved every time.
const COMPACT_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests;
