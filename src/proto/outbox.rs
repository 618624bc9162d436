//! The encoder: messages to frames, and the bytes queued for the transport.
//!
//! All frames go into one buffer, which the driver writes in as few calls as possible. A long
//! message is added piece by piece, so that it is never held twice. Control frames are deferred until
//! the open frame ends (RFC 6455, 5.4); of the deferred pongs only the newest is kept (5.5.3).

use super::{
    close_code::CloseCode,
    deflate::Deflater,
    frame::{Header, RESERVED, RSV1},
    mask::{self, Entropy, MaskKeys},
    opcode::{Kind, Opcode},
    role::Role,
    slice::Within,
    tally::Tally,
};
use std::{error, fmt};

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
    /// Present in a client, which masks (5.1).
    keys: Option<MaskKeys>,
    bytes: Vec<u8>,
    /// Number of `bytes` that the transport has accepted.
    sent: usize,
    /// Number of `bytes` that it has also flushed.
    flushed: usize,
    /// Present if permessage-deflate was negotiated.
    deflater: Option<Box<Deflater>>,
    open: Option<OpenFrame>,
    /// The message whose last frame header has not been written yet.
    message: Option<OutgoingMessage>,
    tally: Tally,
    /// The rest of a frame at the front of `bytes` whose beginning was sent and discarded.
    partial: PartialFrame,
    /// Control frames deferred until the open frame ends.
    deferred: Vec<(Opcode, Vec<u8>)>,
    /// The end of the last ping in `bytes`.
    ping_end: usize,
    /// True if the transport has refused bytes since it last accepted some.
    refused: bool,
}

/// A frame whose payload is incomplete.
#[derive(Clone, Copy)]
struct OpenFrame {
    key: Option<[u8; 4]>,
    offset: u64,
    remaining: u64,
    fin: bool,
    kind: Kind,
    /// Bytes of its message up to the end of this frame.
    size: u64,
    /// Frames of its message, this one included.
    frames: u64,
    /// True if it exists only for the caller: its payload is compressed and sent in other frames.
    compressed: bool,
}

#[derive(Clone, Copy)]
struct OutgoingMessage {
    kind: Kind,
    compressed: bool,
    /// True if its first frame has been written.
    begun: bool,
    bytes: u64,
    carried: u64,
    frames: u64,
}

impl OutgoingMessage {
    fn new(kind: Kind, compressed: bool) -> Self {
        Self { kind, compressed, begun: false, bytes: 0, carried: 0, frames: 0 }
    }
}

/// The rest of a frame whose beginning is gone.
#[derive(Clone, Copy, Default)]
struct PartialFrame {
    /// Bytes left, including those not queued yet.
    remaining: u64,
    /// True if a message ends with the frame.
    ends_message: bool,
}

impl Outbox {
    /// Creates an empty outbox. `entropy` provides the masking keys of a client; a server's is unused.
    pub fn new(role: Role, entropy: Entropy) -> Self {
        Self {
            keys: (role == Role::Client).then(|| MaskKeys::new(entropy)),
            bytes: Vec::new(),
            sent: 0,
            flushed: 0,
            deflater: None,
            open: None,
            message: None,
            tally: Tally::default(),
            partial: PartialFrame::default(),
            deferred: Vec::new(),
            ping_end: 0,
            refused: false,
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

    /// Adds a whole message in one frame.
    #[inline]
    pub fn message(&mut self, kind: Kind, payload: &[u8]) {
        let length = payload.len() as u64;
        if let Some(mut deflater) = self.deflater.take_if(|it| it.should_compress(Some(length))) {
            deflater.message(payload);
            let carried = deflater.output().len() as u64;
            self.tally.message(kind, length, carried, 1);
            let key = self.write_header(Opcode::Message(kind), carried, true, true);
            self.write_payload(deflater.output(), key, 0);
            self.deflater = Some(deflater);
            return;
        }
        self.tally.message(kind, length, length, 1);
        let key = self.write_header(Opcode::Message(kind), length, true, false);
        self.write_payload(payload, key, 0);
    }

    /// Begins a data frame of `length` bytes: the next fragment of the open message or, if there is
    /// none, the first frame of a new one. `fin` marks the last frame of the message.
    /// [`Self::payload`] adds the bytes.
    pub fn begin(&mut self, kind: Kind, length: u64, fin: bool) {
        let message = match self.message {
            Some(message) => message,
            None => {
                let known = fin.then_some(length);
                let compressed = match &mut self.deflater {
                    Some(deflater) if deflater.should_compress(known) => {
                        deflater.begin();
                        true
                    }
                    _ => false,
                };
                OutgoingMessage::new(kind, compressed)
            }
        };
        let OutgoingMessage { kind, compressed, .. } = message;
        let (size, frames) = (message.bytes + length, message.frames + 1);
        self.message = Some(OutgoingMessage { bytes: size, ..message });
        let key = if compressed { None } else { self.begin_fragment(length, fin) };
        self.open = Some(OpenFrame {
            key,
            offset: 0,
            remaining: length,
            fin,
            kind,
            size,
            frames,
            compressed,
        });
        self.end_frame();
    }

    /// Adds payload to the open frame. Bytes beyond the frame's length are dropped.
    pub fn payload(&mut self, bytes: &[u8]) {
        let Some(mut frame) = self.open else { return };
        let len = usize::try_from(frame.remaining).map_or(bytes.len(), |n| n.min(bytes.len()));
        let bytes = bytes.within(..len);
        if frame.compressed {
            self.compress_payload(bytes, false);
        } else {
            self.write_payload(bytes, frame.key, frame.offset);
        }
        frame.offset += len as u64;
        frame.remaining -= len as u64;
        self.open = Some(frame);
        self.end_frame();
    }

    /// Compresses payload. Writes the output as a fragment once there is enough of it, or when `fin`
    /// ends the message.
    fn compress_payload(&mut self, bytes: &[u8], fin: bool) {
        let Some(mut deflater) = self.deflater.take() else { return };
        // In chunks no larger than a fragment, or output would accumulate in the deflater too.
        for bytes in bytes.chunks(FRAGMENT_BYTES) {
            deflater.push(bytes);
            if deflater.output().len() >= FRAGMENT_BYTES {
                self.write_fragment(&mut deflater, false);
            }
        }
        if fin {
            deflater.end();
            self.write_fragment(&mut deflater, true);
        }
        self.deflater = Some(deflater);
    }

    fn write_fragment(&mut self, deflater: &mut Deflater, fin: bool) {
        let key = self.begin_fragment(deflater.output().len() as u64, fin);
        self.write_payload(deflater.output(), key, 0);
        deflater.clear();
    }

    /// Writes the header of the open message's next frame, and returns its masking key.
    fn begin_fragment(&mut self, length: u64, fin: bool) -> Option<[u8; 4]> {
        let mut message = self.message.take()?;
        let opcode =
            if message.begun { Opcode::Continuation } else { Opcode::Message(message.kind) };
        let key = self.write_header(opcode, length, fin, message.compressed && !message.begun);
        message.begun = true;
        message.carried += length;
        message.frames += 1;
        if !fin {
            self.message = Some(message);
        } else if message.compressed {
            self.tally.message(message.kind, message.bytes, message.carried, message.frames);
        }
        key
    }

    /// Adds a control frame, at once or when the open frame ends.
    pub fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        if opcode == Opcode::Close && self.open.is_some_and(|frame| frame.compressed) {
            // Nothing may follow a Close (5.5.1): the rest of the message is dropped.
            self.open = None;
        }
        // While a message is being compressed, no frame is open on the wire.
        let open = self.open.is_some_and(|frame| !frame.compressed);
        if !open && (opcode != Opcode::Pong || self.queued() < PONG_QUEUE_BYTES) {
            self.write_deferred();
            self.write_control(opcode, payload);
            return;
        }
        if opcode == Opcode::Pong {
            self.deferred.retain(|(deferred, _)| *deferred != Opcode::Pong);
        }
        self.deferred.push((opcode, payload.to_vec()));
    }

    /// Returns the bytes to be written to the transport.
    pub fn pending(&self) -> &[u8] {
        self.bytes.within(self.sent..)
    }

    /// Returns the number of bytes to be written to the transport.
    pub fn queued(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Records that the transport accepted `n` bytes of [`Self::pending`].
    pub fn advance(&mut self, n: usize) {
        self.sent = (self.sent + n).min(self.bytes.len());
        self.flushed = self.flushed.max(self.sent.saturating_sub(MAX_UNFLUSHED_BYTES));
        self.discard_sent();
    }

    /// Records that the transport flushed all bytes that it accepted.
    #[inline]
    pub fn flushed(&mut self) {
        self.flushed = self.sent;
        self.discard_sent();
    }

    /// Discards flushed bytes, and writes deferred control frames once all is sent.
    fn discard_sent(&mut self) {
        let all_sent = self.sent == self.bytes.len();
        if all_sent && self.flushed == self.sent {
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY_BYTES {
                self.bytes = Vec::new();
            }
            (self.sent, self.flushed, self.ping_end) = (0, 0, 0);
            let open = self.open.filter(|frame| !frame.compressed);
            let partial = open
                .map(|frame| PartialFrame { remaining: frame.remaining, ends_message: frame.fin });
            self.partial = partial.unwrap_or_default();
        } else if self.flushed >= COMPACT_BYTES {
            // With a slow peer the buffer may never become empty, so flushed bytes are removed here.
            self.partial = self.rest_of_frame(self.flushed);
            self.bytes.drain(..self.flushed);
            self.sent -= self.flushed;
            self.ping_end = self.ping_end.saturating_sub(self.flushed);
            self.flushed = 0;
        }
        if all_sent && self.open.is_none_or(|frame| frame.compressed) {
            self.write_deferred();
        }
    }

    /// Drops everything queued: nothing more can be sent.
    pub fn abandon(&mut self) {
        self.bytes = Vec::new();
        (self.sent, self.flushed, self.ping_end) = (0, 0, 0);
        self.deferred = Vec::new();
        (self.open, self.partial, self.message) = (None, PartialFrame::default(), None);
    }

    /// Reports whether a frame is open, which [`Self::payload`] must complete before anything else.
    pub fn is_frame_open(&self) -> bool {
        self.open.is_some()
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
        self.ping_end > self.sent || self.deferred.iter().any(|(opcode, _)| *opcode == Opcode::Ping)
    }

    /// Reports whether nothing waits for the transport, not even a deferred control frame.
    pub fn is_drained(&self) -> bool {
        self.queued() == 0 && self.deferred.is_empty()
    }

    /// Reports whether a message waits for the transport or for the rest of its payload.
    pub fn has_unsent_message(&self) -> bool {
        self.message.is_some()
            || self.open.is_some()
            || self.frames().any(|(end, ends)| ends && end > self.sent)
    }

    /// Returns the number of messages that were not entirely flushed.
    pub fn unsent_messages(&self) -> usize {
        let ends = self.frames().filter(|(end, ends)| *ends && *end > self.flushed);
        ends.count() + usize::from(self.message.is_some())
    }

    /// Iterates over the frames in `bytes`: the offset of each one's end, and whether it ends a message.
    fn frames(&self) -> impl Iterator<Item = (usize, bool)> {
        let peer = if self.keys.is_some() { Role::Server } else { Role::Client };
        let end = usize::try_from(self.partial.remaining).unwrap_or(usize::MAX);
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

    /// Returns the rest, from offset `at` on, of the frame that contains it.
    fn rest_of_frame(&self, at: usize) -> PartialFrame {
        let frame = self.frames().find(|(end, _)| *end > at);
        frame.map_or(PartialFrame::default(), |(end, ends_message)| PartialFrame {
            remaining: (end - at) as u64,
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
        let mask = self.keys.as_mut().map(MaskKeys::draw);
        let header = Header { fin, compressed, opcode, mask, length };
        header.format(&mut self.bytes);
        mask
    }

    #[inline]
    fn write_payload(&mut self, payload: &[u8], key: Option<[u8; 4]>, offset: u64) {
        match key {
            Some(key) => mask::append(&mut self.bytes, payload, key, offset),
            None => self.bytes.extend_from_slice(payload),
        }
    }

    fn end_frame(&mut self) {
        if let Some(OpenFrame { remaining: 0, fin, kind, size, frames, compressed, .. }) = self.open
        {
            self.open = None;
            if compressed && fin {
                self.compress_payload(&[], true);
            } else if fin {
                self.tally.message(kind, size, size, frames);
            }
            self.write_deferred();
        }
    }

    fn write_deferred(&mut self) {
        for (opcode, payload) in std::mem::take(&mut self.deferred) {
            self.write_control(opcode, &payload);
        }
    }

    fn write_control(&mut self, opcode: Opcode, payload: &[u8]) {
        self.tally.control(opcode);
        let key = self.write_header(opcode, payload.len() as u64, true, false);
        self.write_payload(payload, key, 0);
        if opcode == Opcode::Ping {
            self.ping_end = self.bytes.len();
        }
    }
}

/// The amount of compressed output that is sent as a fragment before its message ends.
const FRAGMENT_BYTES: usize = 32 << 10;

/// With this much queued the peer is not reading, and only the newest pong is kept.
const PONG_QUEUE_BYTES: usize = 64 << 10;

/// The most that a transport is assumed to buffer between accepting and flushing.
const MAX_UNFLUSHED_BYTES: usize = 256 << 10;

/// The number of flushed bytes at which the buffer is compacted. Not less than a driver writes at
/// once, or the bytes left by each write would be moved every time.
const COMPACT_BYTES: usize = 256 << 10;

/// The buffer capacity kept when all is sent, so that one long message does not hold its memory.
const KEPT_CAPACITY_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
