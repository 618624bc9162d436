//! Outgoing messages to frames, and the bytes that wait for the transport.
//!
//! Everything is encoded into one buffer which the driver writes with as few calls as it can. A
//! long message goes in piece by piece, so that it is never held twice; control frames wait for
//! the end of the frame that is open (RFC 6455, 5.4), and of the pongs that wait only the newest
//! is kept (5.5.3).

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

/// The caller asked for something the protocol does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// A Close was sent: nothing may follow it (5.5.1).
    Closed,
    /// A control frame's payload is over 125 bytes (5.5).
    ControlTooLong(usize),
    /// A close code that must not be sent (7.4).
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

/// Frames on their way out.
pub struct Outbox {
    /// A client masks, a server does not (5.1).
    keys: Option<MaskKeys>,
    bytes: Vec<u8>,
    /// How many of `bytes` the transport has taken.
    sent: usize,
    /// How many of them it has passed on, too.
    flushed: usize,
    /// Permessage-deflate was agreed on.
    deflater: Option<Box<Deflater>>,
    open: Option<OpenFrame>,
    /// A message has begun and the header of its last frame has not gone in.
    message: Option<Message>,
    tally: Tally,
    /// The frame at the front of `bytes` whose beginning has been sent and forgotten.
    lead: Lead,
    held: Vec<(Opcode, Vec<u8>)>,
}

/// A frame whose payload is not all there.
#[derive(Clone, Copy)]
struct OpenFrame {
    key: Option<[u8; 4]>,
    offset: u64,
    left: u64,
    fin: bool,
    kind: Kind,
    /// Bytes of its message up to its end.
    size: u64,
    /// Frames of its message up to this one.
    frames: u64,
    /// It is one for the caller only: what its payload is compressed to goes in frames of its own.
    compressed: bool,
}

#[derive(Clone, Copy)]
struct Message {
    kind: Kind,
    compressed: bool,
    /// Its first frame is out.
    begun: bool,
    bytes: u64,
    carried: u64,
    frames: u64,
}

impl Message {
    fn new(kind: Kind, compressed: bool) -> Self {
        Self { kind, compressed, begun: false, bytes: 0, carried: 0, frames: 0 }
    }
}

/// The rest of a frame.
#[derive(Clone, Copy, Default)]
struct Lead {
    /// How many bytes it has, also those that are still to come.
    left: u64,
    /// A message ends with it.
    ends: bool,
}

impl Outbox {
    /// The outbox of `role`, with the source of its masking keys.
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
            lead: Lead::default(),
            held: Vec::new(),
        }
    }

    /// Compresses what is long enough: permessage-deflate was agreed on.
    pub fn compress(&mut self, deflater: Deflater) {
        self.deflater = Some(Box::new(deflater));
    }

    /// What has gone in as whole messages.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Adds a whole message in one frame.
    #[inline]
    pub fn message(&mut self, kind: Kind, payload: &[u8]) {
        let length = payload.len() as u64;
        if let Some(mut deflater) = self.deflater.take_if(|it| it.wants(Some(length))) {
            deflater.message(payload);
            let carried = deflater.output().len() as u64;
            self.tally.message(kind, length, carried, 1);
            let key = self.header(Opcode::Message(kind), carried, true, true);
            self.masked(deflater.output(), key, 0);
            self.deflater = Some(deflater);
            return;
        }
        self.tally.message(kind, length, length, 1);
        let key = self.header(Opcode::Message(kind), length, true, false);
        self.masked(payload, key, 0);
    }

    /// Begins a data frame of `length` bytes: a message's first frame, or the next fragment of the
    /// one that is open. `fin`: it is the message's last. [`Self::payload`] brings the bytes.
    pub fn begin(&mut self, kind: Kind, length: u64, fin: bool) {
        let message = match self.message {
            Some(message) => message,
            None => {
                let known = fin.then_some(length);
                let compressed = match &mut self.deflater {
                    Some(deflater) if deflater.wants(known) => {
                        deflater.begin();
                        true
                    }
                    _ => false,
                };
                Message::new(kind, compressed)
            }
        };
        let Message { kind, compressed, .. } = message;
        let (size, frames) = (message.bytes + length, message.frames + 1);
        self.message = Some(Message { bytes: size, ..message });
        let key = if compressed { None } else { self.fragment(length, fin) };
        self.open =
            Some(OpenFrame { key, offset: 0, left: length, fin, kind, size, frames, compressed });
        self.end_frame();
    }

    /// Adds to the open frame; what is longer than it is cut off.
    pub fn payload(&mut self, bytes: &[u8]) {
        let Some(mut frame) = self.open else { return };
        let len = usize::try_from(frame.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let bytes = bytes.within(..len);
        if frame.compressed {
            self.compressed(bytes, false);
        } else {
            self.masked(bytes, frame.key, frame.offset);
        }
        frame.offset += len as u64;
        frame.left -= len as u64;
        self.open = Some(frame);
        self.end_frame();
    }

    /// Compresses payload; what it has come to goes out as a fragment, if it is worth one or, with
    /// `fin`, the message ends.
    fn compressed(&mut self, bytes: &[u8], fin: bool) {
        let Some(mut deflater) = self.deflater.take() else { return };
        // Not more at a time than is then sent, or the compressed would gather beside it.
        for bytes in bytes.chunks(FRAGMENT) {
            deflater.push(bytes);
            if deflater.output().len() >= FRAGMENT {
                self.fragment_of(&mut deflater, false);
            }
        }
        if fin {
            deflater.end();
            self.fragment_of(&mut deflater, true);
        }
        self.deflater = Some(deflater);
    }

    fn fragment_of(&mut self, deflater: &mut Deflater, fin: bool) {
        let key = self.fragment(deflater.output().len() as u64, fin);
        self.masked(deflater.output(), key, 0);
        deflater.clear();
    }

    /// The header of the open message's next frame.
    fn fragment(&mut self, length: u64, fin: bool) -> Option<[u8; 4]> {
        let mut message = self.message.take()?;
        let opcode =
            if message.begun { Opcode::Continuation } else { Opcode::Message(message.kind) };
        let key = self.header(opcode, length, fin, message.compressed && !message.begun);
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

    /// Adds a control frame, as soon as no frame is open.
    pub fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        if opcode == Opcode::Close && self.open.is_some_and(|frame| frame.compressed) {
            // Nothing may follow a Close (5.5.1): the rest of the message does not go.
            self.open = None;
        }
        // Between the frames of a compressed message there is always room for it.
        let open = self.open.is_some_and(|frame| !frame.compressed);
        if !open && (opcode != Opcode::Pong || self.queued() < PONG_ROOM) {
            self.held_now();
            self.control_now(opcode, payload);
            return;
        }
        if opcode == Opcode::Pong {
            self.held.retain(|(held, _)| *held != Opcode::Pong);
        }
        self.held.push((opcode, payload.to_vec()));
    }

    /// The bytes for the transport.
    pub fn pending(&self) -> &[u8] {
        self.bytes.within(self.sent..)
    }

    /// How many bytes wait for the transport.
    pub fn queued(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// The transport took `n` bytes.
    pub fn advance(&mut self, n: usize) {
        self.sent = (self.sent + n).min(self.bytes.len());
        self.flushed = self.flushed.max(self.sent.saturating_sub(HOLD));
        self.forget();
    }

    /// The transport has passed on all that it took.
    #[inline]
    pub fn flushed(&mut self) {
        self.flushed = self.sent;
        self.forget();
    }

    /// Drops what has left.
    fn forget(&mut self) {
        let all_sent = self.sent == self.bytes.len();
        if all_sent && self.flushed == self.sent {
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
            (self.sent, self.flushed) = (0, 0);
            let open = self.open.filter(|frame| !frame.compressed);
            let lead = open.map(|frame| Lead { left: frame.left, ends: frame.fin });
            self.lead = lead.unwrap_or_default();
        } else if self.flushed >= GONE {
            // A slow peer may never let it run dry: what has left must go all the same.
            self.lead = self.frame_at(self.flushed);
            self.bytes.drain(..self.flushed);
            self.sent -= self.flushed;
            self.flushed = 0;
        }
        if all_sent && self.open.is_none_or(|frame| frame.compressed) {
            self.held_now();
        }
    }

    /// Forgets everything: nothing more can be sent.
    pub fn abandon(&mut self) {
        self.bytes = Vec::new();
        (self.sent, self.flushed) = (0, 0);
        self.held = Vec::new();
        (self.open, self.lead, self.message) = (None, Lead::default(), None);
    }

    /// Whether a frame is open: [`Self::payload`] must complete it before anything else can go.
    pub fn is_frame_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many messages have not wholly left.
    pub fn unsent_messages(&self) -> usize {
        let ends = self.frames().filter(|(end, ends)| *ends && *end > self.flushed);
        ends.count() + usize::from(self.message.is_some())
    }

    /// Where each frame in `bytes` ends, and whether a message ends with it.
    fn frames(&self) -> impl Iterator<Item = (usize, bool)> {
        let peer = if self.keys.is_some() { Role::Server } else { Role::Client };
        let end = usize::try_from(self.lead.left).unwrap_or(usize::MAX);
        let first = (end > 0).then_some((end, self.lead.ends));
        let mut at = end;
        first.into_iter().chain(std::iter::from_fn(move || {
            let (header, size) =
                Header::parse(self.bytes.get(at..)?, peer, RESERVED ^ RSV1).ok()??;
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            at = at.saturating_add(size).saturating_add(length);
            Some((at, header.fin && !header.opcode.is_control()))
        }))
    }

    /// The rest of the frame that this byte is in.
    fn frame_at(&self, at: usize) -> Lead {
        let frame = self.frames().find(|(end, _)| *end > at);
        frame.map_or(Lead::default(), |(end, ends)| Lead { left: (end - at) as u64, ends })
    }

    #[inline]
    fn header(
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
    fn masked(&mut self, payload: &[u8], key: Option<[u8; 4]>, offset: u64) {
        match key {
            Some(key) => mask::append(&mut self.bytes, payload, key, offset),
            None => self.bytes.extend_from_slice(payload),
        }
    }

    fn end_frame(&mut self) {
        if let Some(OpenFrame { left: 0, fin, kind, size, frames, compressed, .. }) = self.open {
            self.open = None;
            if compressed && fin {
                self.compressed(&[], true);
            } else if fin {
                self.tally.message(kind, size, size, frames);
            }
            self.held_now();
        }
    }

    fn held_now(&mut self) {
        for (opcode, payload) in std::mem::take(&mut self.held) {
            self.control_now(opcode, &payload);
        }
    }

    fn control_now(&mut self, opcode: Opcode, payload: &[u8]) {
        self.tally.control(opcode);
        let key = self.header(opcode, payload.len() as u64, true, false);
        self.masked(payload, key, 0);
    }
}

/// Compressed bytes that are worth a frame of their own before a message ends.
const FRAGMENT: usize = 32 << 10;

/// With more than this waiting (bytes) the peer is not reading, and one pong is enough.
const PONG_ROOM: usize = 64 << 10;

/// The most that a transport holds back of what it took (bytes).
const HOLD: usize = 256 << 10;

/// Sent bytes at which room is made. Not less than a driver writes at once, or what a write left
/// would be moved each time.
const GONE: usize = 256 << 10;

/// Capacity kept when all is sent (bytes): one long message does not cost memory for ever.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests;
