//! Frames of the server as they were received, and frames to send to it.

use crate::{
    escape::Escaped,
    proto::{excerpt::Excerpt, mask, raw::RawFrame, raw_message::RawHeader},
    random::entropy,
};
use std::fmt;

/// A frame that was received, whatever its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenFrame {
    /// The header.
    pub(crate) header: RawHeader,
    /// The payload, unmasked.
    pub(crate) payload: Vec<u8>,
    /// The first bytes as they were received.
    start: Vec<u8>,
}

impl SeenFrame {
    /// Reads the frame at the front of `bytes` with its length; `None` if it is incomplete.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let header = RawHeader::read(bytes)?;
        let length = header.size.checked_add(usize::try_from(header.length).ok()?)?;
        let mut payload = bytes.get(header.size..length)?.to_vec();
        if let Some(key) = header.mask {
            mask::apply(&mut payload, key, 0);
        }
        let start = bytes.iter().take(length).take(START_BYTES).copied().collect();
        Some((Self { header, payload, start }, length))
    }

    /// Reports whether this is a Close.
    pub(crate) fn is_close(&self) -> bool {
        self.header.opcode() == CLOSE
    }

    /// Reports whether this is a Pong with this payload.
    pub(crate) fn is_pong(&self, payload: &[u8]) -> bool {
        self.header.opcode() == PONG && self.payload == payload
    }

    /// Reports whether the header is the shortest of a final frame without extensions.
    pub(crate) fn is_plain(&self) -> bool {
        self.header.first & 0xf0 == 0x80 && self.header.size == 2
    }

    /// Reports whether a server may send this frame: an opcode of RFC 6455, without extensions and mask.
    pub(crate) fn is_sound(&self) -> bool {
        let is_known = matches!(self.header.opcode(), 0..=2 | CLOSE..=PONG);
        is_known && self.header.first & 0x70 == 0 && self.header.mask.is_none()
    }

    /// Reports whether this is a Close with which a server ends a session in which nothing is wrong.
    pub(crate) fn is_limit(&self) -> bool {
        self.is_close() && self.close_code().is_some_and(|code| LIMIT_CODES.contains(&code))
    }

    /// Returns the code of a Close; `None` if it has none.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }
}

impl fmt::Display for SeenFrame {
    /// Describes the frame in a few words, with its first bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.payload.len();
        let bytes = if length == 1 { "byte" } else { "bytes" };
        let is_final = if self.header.fin() { "" } else { ", not final" };
        match self.header.opcode() {
            CLOSE => match self.payload.split_first_chunk() {
                None if length == 0 => f.write_str("Close without a code")?,
                None => f.write_str("Close with a body of one byte")?,
                Some((code, [])) => write!(f, "Close {}", u16::from_be_bytes(*code))?,
                Some((code, reason)) => {
                    let reason = String::from_utf8_lossy(reason);
                    write!(f, "Close {} '", u16::from_be_bytes(*code))?;
                    write!(f, "{}'", Escaped(&Excerpt(&reason).to_string()))?;
                }
            },
            opcode => {
                let name = match opcode {
                    0 => "Continuation".to_owned(),
                    TEXT => "Text".to_owned(),
                    BINARY => "Binary".to_owned(),
                    PING => "Ping".to_owned(),
                    PONG => "Pong".to_owned(),
                    other => format!("frame with opcode {other}"),
                };
                write!(f, "{name} of {length} {bytes}{is_final}")?;
            }
        }
        let hex: Vec<_> = self.start.iter().map(|byte| format!("{byte:02x}")).collect();
        let more = if self.header.size + length > self.start.len() { " .." } else { "" };
        write!(f, " [{}{more}]", hex.join(" "))
    }
}

/// A message of the server, put together from its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenMessage {
    /// The opcode of the first frame.
    pub(crate) opcode: u8,
    /// The payload of all frames.
    pub(crate) payload: Vec<u8>,
}

/// Returns the complete messages in these frames.
pub(crate) fn messages(frames: &[SeenFrame]) -> Vec<SeenMessage> {
    let mut complete = Vec::new();
    let mut open: Option<SeenMessage> = None;
    for frame in frames.iter().filter(|frame| !frame.header.is_control()) {
        let mut message = match (frame.header.opcode(), open.take()) {
            (0, Some(message)) => message,
            (opcode, _) => SeenMessage { opcode, payload: Vec::new() },
        };
        message.payload.extend_from_slice(&frame.payload);
        if frame.header.fin() {
            complete.push(message);
        } else {
            open = Some(message);
        }
    }
    complete
}

/// Returns the opcodes of the frames in these bytes, the last of which may be incomplete.
pub(crate) fn opcodes(bytes: &[u8]) -> Vec<u8> {
    let (mut rest, mut opcodes) = (bytes, Vec::new());
    while let Some(first) = rest.first() {
        opcodes.push(first & 0x0f);
        let length = SeenFrame::read(rest).map_or(rest.len(), |(_, length)| length);
        rest = rest.get(length..).unwrap_or_default();
    }
    opcodes
}

/// Returns a frame with an unpredictable mask.
pub(crate) fn masked(frame: RawFrame) -> Vec<u8> {
    let mut key = [0; 4];
    entropy()(&mut key);
    frame.mask(key).encode()
}

/// Returns a masked final frame.
pub(crate) fn frame<P: AsRef<[u8]>>(opcode: u8, payload: P) -> Vec<u8> {
    masked(RawFrame::new(opcode).payload(payload))
}

/// Returns a masked frame that is not final.
pub(crate) fn fragment<P: AsRef<[u8]>>(opcode: u8, payload: P) -> Vec<u8> {
    masked(RawFrame::new(opcode).fin(false).payload(payload))
}

/// Returns the body of a Close.
pub(crate) fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The payload of the ping that is sent after the frames of a check.
pub(crate) const AFTER: &[u8] = b"sockeye-after";
/// The bytes of a frame that evidence quotes.
const START_BYTES: usize = 12;
/// The server goes away (1001), a message is against its policy (1008) or too long (1009), it restarts
/// (1012) or has too much to do (1013).
const LIMIT_CODES: [u16; 5] = [1001, 1008, 1009, 1012, 1013];

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// Regression: what looked like a Close among junk counted as one of a server with too many clients.
    #[test]
    fn a_frame_that_no_server_may_send_is_not_sound() {
        let is_sound = |bytes: &[u8]| SeenFrame::read(bytes).unwrap().0.is_sound();
        assert!(is_sound(&hex!("88 02 03e8")) && is_sound(&hex!("01 00")));
        assert!(!is_sound(&hex!("c8 00")), "an extension bit");
        assert!(!is_sound(&hex!("83 00")), "an unknown opcode");
        assert!(!is_sound(&hex!("88 80 00000000")), "a mask");
    }
}
