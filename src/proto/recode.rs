//! The compression of one direction of a proxy, taken off and put on again.
//!
//! A [`MessageInflater`] turns frames of compressed messages into frames with their content, and a
//! [`MessageDeflater`] does the reverse. Between the two, rsv1 still marks messages that were
//! compressed, so that all others, and control frames, pass both as they are. The fragments of a
//! compressed message are made anew: a message up to 32 KiB has those that it had, at most.

use super::{
    deflate::{Deflater, Inflater, InvalidDeflate},
    extension::params::Side,
    mask,
    raw::{Length, RawFrame},
    raw_message::RawHeader,
    slice::Within as _,
};

/// Inflates the compressed messages of one direction.
#[derive(Debug)]
pub struct MessageInflater {
    inflater: Inflater,
    frames: FrameReader,
    message: Recoded,
}

/// Compresses the messages of one direction that are marked by rsv1.
#[derive(Debug)]
pub struct MessageDeflater {
    deflater: Deflater,
    frames: FrameReader,
    message: Recoded,
}

/// A message that is recoded.
#[derive(Debug, Default)]
struct Recoded {
    /// True inside of a message that is recoded.
    is_inside: bool,
    /// The opcode and the reserved bits of the next fragment.
    first: u8,
    is_masked: bool,
    /// Content that is not passed on yet.
    content: Vec<u8>,
}

/// Finds the frames of a stream.
#[derive(Debug, Default)]
struct FrameReader {
    /// The start of a header.
    header: Vec<u8>,
    frame: Option<OpenFrame>,
}

/// A frame whose payload is incomplete.
#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    header: RawHeader,
    taken: u64,
    /// True if the payload is recoded.
    is_recoded: bool,
}

impl MessageInflater {
    /// Creates an inflater for a sender that compresses with these parameters.
    pub fn new(side: Side) -> Self {
        Self {
            inflater: Inflater::new(side),
            frames: FrameReader::default(),
            message: Recoded::default(),
        }
    }

    /// Inflates bytes, and appends the frames to `out` until that has `limit` bytes. Returns the number
    /// of bytes that were used. A short input may inflate to a thousand times its length.
    pub fn push(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, InvalidDeflate> {
        let mut used = 0;
        while used < bytes.len() && out.len() < limit {
            let rest = bytes.within(used..);
            match self.frames.frame {
                None => {
                    let (taken, header) = self.frames.take_header(rest, &mut self.message, out);
                    used += taken;
                    if header.is_some_and(|header| header.opcode() != 0) {
                        self.inflater.begin();
                    }
                    if header.is_some_and(|header| header.length == 0) {
                        self.inflate(&mut [], header.is_some_and(|it| it.fin()), out)?;
                    }
                }
                Some(frame) if !frame.is_recoded => used += self.frames.pass(frame, rest, out),
                Some(frame) => {
                    let rest = rest.within(..rest.len().min(INPUT_BYTES));
                    let (mut payload, is_end) = self.frames.take_payload(frame, rest);
                    used += payload.len();
                    self.inflate(&mut payload, is_end && frame.header.fin(), out)?;
                }
            }
        }
        Ok(used)
    }

    fn inflate(
        &mut self,
        payload: &mut [u8],
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), InvalidDeflate> {
        let mut at = 0;
        loop {
            at += self.inflater.inflate(payload.within(at..), is_last, ROOM_BYTES)?;
            let length = self.inflater.output().len();
            self.message.content.extend_from_slice(self.inflater.output());
            self.inflater.take(length);
            if self.inflater.is_broken() {
                return Err(InvalidDeflate);
            }
            let has_more = if is_last {
                !self.inflater.has_ended()
            } else {
                at < payload.len() || length == ROOM_BYTES
            };
            if self.message.content.len() > FRAGMENT_BYTES {
                let content = std::mem::take(&mut self.message.content);
                self.message.emit(content, false, out);
            }
            if !has_more {
                break;
            }
        }
        if is_last {
            let content = std::mem::take(&mut self.message.content);
            self.message.emit(content, true, out);
            self.inflater.release_memory();
        }
        Ok(())
    }

    /// Appends what is incomplete, since no more bytes will be pushed.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.message.content.is_empty() {
            let content = std::mem::take(&mut self.message.content);
            self.message.emit(content, false, out);
        }
        out.append(&mut self.frames.header);
    }
}

impl MessageDeflater {
    /// Creates a deflater with these parameters.
    pub fn new(side: Side) -> Self {
        Self {
            deflater: Deflater::new(side, LEVEL, 0),
            frames: FrameReader::default(),
            message: Recoded::default(),
        }
    }

    /// Compresses bytes, and appends the frames to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut used = 0;
        while used < bytes.len() {
            let rest = bytes.within(used..);
            match self.frames.frame {
                None => {
                    let (taken, header) = self.frames.take_header(rest, &mut self.message, out);
                    used += taken;
                    if header.is_some_and(|header| header.opcode() != 0) {
                        self.deflater.begin();
                        if !self.deflater.should_compress(None) {
                            self.message.first &= !RSV1;
                        }
                    }
                    if let Some(header) = header.filter(|header| header.length == 0) {
                        self.end_frame(header.fin(), out);
                    }
                }
                Some(frame) if !frame.is_recoded => used += self.frames.pass(frame, rest, out),
                Some(frame) => {
                    let (payload, is_end) = self.frames.take_payload(frame, rest);
                    used += payload.len();
                    self.message.content.extend_from_slice(&payload);
                    if is_end {
                        self.end_frame(frame.header.fin(), out);
                    } else if self.message.content.len() >= FRAGMENT_BYTES {
                        self.end_frame(false, out);
                    }
                }
            }
        }
    }

    /// Ends a fragment.
    fn end_frame(&mut self, is_last: bool, out: &mut Vec<u8>) {
        let payload = self.compress(is_last);
        self.message.emit(payload, is_last, out);
        if is_last {
            self.deflater.release();
        }
    }

    fn compress(&mut self, is_last: bool) -> Vec<u8> {
        let content = std::mem::take(&mut self.message.content);
        if !self.deflater.should_compress(None) {
            return content;
        }
        self.deflater.push(&content);
        if is_last {
            self.deflater.end();
        }
        let payload = self.deflater.output().to_vec();
        self.deflater.clear();
        payload
    }

    /// Appends what is incomplete, since no more bytes will be pushed. A frame that is cut stays one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.frames.header);
        if let Some(frame) = self.frames.frame.take().filter(|frame| frame.is_recoded) {
            let payload = self.compress(true);
            let missing = frame.header.length.saturating_sub(frame.taken).max(1);
            let length = Length::minimal(payload.len() as u64 + missing);
            let first = self.message.first | (frame.header.first & FIN);
            let frame = RawFrame::new(first).rsv(first).fin(first & FIN != 0);
            let frame = if self.message.is_masked { frame.mask([0; 4]) } else { frame };
            frame.length(length).payload(payload).append(out);
        }
    }
}

impl Recoded {
    /// Appends a fragment.
    fn emit(&mut self, payload: Vec<u8>, is_last: bool, out: &mut Vec<u8>) {
        let frame = RawFrame::new(self.first).rsv(self.first).fin(is_last);
        let frame = if self.is_masked { frame.mask([0; 4]) } else { frame };
        frame.payload(payload).append(out);
        self.first = 0;
        self.is_inside = !is_last;
    }
}

impl FrameReader {
    /// Takes bytes of a header. Returns their number, and the header if it is complete and begins a frame
    /// of a message that is recoded; any other is appended to `out`.
    fn take_header(
        &mut self,
        bytes: &[u8],
        message: &mut Recoded,
        out: &mut Vec<u8>,
    ) -> (usize, Option<RawHeader>) {
        let before = self.header.len();
        let more = bytes.len().min(MAX_HEADER_BYTES - before);
        self.header.extend_from_slice(bytes.within(..more));
        let Some(header) = RawHeader::read(&self.header) else { return (more, None) };
        let front = std::mem::take(&mut self.header);
        if !header.is_control() && header.opcode() != 0 {
            message.is_inside = header.first & RSV1 != 0;
            message.first = header.first & !FIN;
            message.is_masked = header.mask.is_some();
            message.content.clear();
        }
        let is_recoded = !header.is_control() && message.is_inside;
        if header.length > 0 {
            self.frame = Some(OpenFrame { header, taken: 0, is_recoded });
        }
        if !is_recoded {
            out.extend_from_slice(front.within(..header.size));
        }
        (header.size - before, is_recoded.then_some(header))
    }

    /// Takes payload, without its mask. Also reports whether it is the end of the frame.
    fn take_payload(&mut self, mut frame: OpenFrame, bytes: &[u8]) -> (Vec<u8>, bool) {
        let left = frame.header.length - frame.taken;
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let mut payload = bytes.within(..length).to_vec();
        if let Some(key) = frame.header.mask {
            mask::apply(&mut payload, key, frame.taken);
        }
        frame.taken += length as u64;
        let is_end = frame.taken == frame.header.length;
        self.frame = (!is_end).then_some(frame);
        (payload, is_end)
    }

    /// Appends payload as it is. Returns its length.
    fn pass(&mut self, mut frame: OpenFrame, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let left = frame.header.length - frame.taken;
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        out.extend_from_slice(bytes.within(..length));
        frame.taken += length as u64;
        self.frame = (frame.taken < frame.header.length).then_some(frame);
        length
    }
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
/// The longest header of a frame.
const MAX_HEADER_BYTES: usize = 14;
/// The content from which a fragment is passed on.
const FRAGMENT_BYTES: usize = 32 << 10;
/// The compressed bytes that are inflated at once, before the output is looked at.
const INPUT_BYTES: usize = 256;
/// The bytes that are inflated in a step.
const ROOM_BYTES: usize = 16 << 10;
/// The level of compression.
const LEVEL: u32 = 6;

#[cfg(test)]
mod tests;
