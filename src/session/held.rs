//! Received messages that wait for the observer, which still writes a long one.

use super::Session;
use crate::proto::slice::Within;

impl Session {
    /// Returns true while the observer still writes a long message. Until it is done, events wait,
    /// except pings and pongs that follow the message directly.
    pub fn is_held(&self) -> bool {
        self.observation.as_ref().is_some_and(|it| it.is_behind())
    }

    /// Reports whether the next frame may be decoded while the session is held. Once the session is
    /// over there is nothing to do meanwhile, and the observer finishes first.
    pub(super) fn may_decode_held(&mut self) -> bool {
        if self.connection.is_over()
            && let Some(observation) = &mut self.observation
        {
            observation.catch_up();
            return true;
        }
        self.continues_with_ping()
    }

    /// Reports whether a message or a Close waits that may not be decoded while the session is held.
    pub(super) fn has_held_frame(&self) -> bool {
        self.start < self.end && !self.continues_with_ping()
    }

    /// Reports whether the first byte that is not decoded begins a ping or a pong.
    fn continues_with_ping(&self) -> bool {
        let first = self.buffer.within(self.start..self.end).first();
        !self.connection.is_inside_message()
            && first.is_some_and(|byte| matches!(byte & OPCODE_BITS, PING | PONG))
    }
}

/// The opcode in the first byte of a frame (RFC 6455, 5.2), and those of pings and pongs.
const OPCODE_BITS: u8 = 0xf;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
