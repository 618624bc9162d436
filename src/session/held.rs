//! Received messages that wait: for the observer, which still writes a long one, or for the caller,
//! which takes no more. Control frames before them do not wait.

use super::Session;
use crate::proto::slice::Within;
use std::{
    future::poll_fn,
    task::{Context, Poll},
};

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
        self.next_opcode().is_some_and(|opcode| matches!(opcode, PING | PONG))
    }

    /// Reports whether the first byte that is not decoded begins a control frame.
    pub fn has_control(&self) -> bool {
        self.next_opcode().is_some_and(|opcode| matches!(opcode, CLOSE | PING | PONG))
    }

    /// Returns the opcode of the next frame, unless it continues a message.
    fn next_opcode(&self) -> Option<u8> {
        let first = self.buffer.within(self.start..self.end).first();
        first.filter(|_| !self.connection.is_inside_message()).map(|byte| byte & OPCODE_BITS)
    }

    /// Drives the session as [`Self::progress`] does while no message is taken, but reads control
    /// frames up to the next message. Little is read at a time, so that what follows them takes
    /// little memory. Take an event only while [`Self::has_control`]. Cancel-safe.
    pub async fn progress_controls(&mut self) {
        if self.is_held() {
            // As in [`Self::progress`].
            tokio::task::yield_now().await;
        }
        poll_fn(|cx| self.poll_controls(cx)).await;
    }

    fn poll_controls(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let undecoded = self.end - self.start;
        let is_between = undecoded == 0 && !self.connection.is_inside_message();
        let may_read = (is_between || self.has_control()) && !self.is_held();
        let has_read = may_read
            && !self.eof
            && undecoded < CONTROL_READ_BYTES
            && self.poll_read(cx, CONTROL_READ_BYTES);
        // The end, too, is handled if nothing precedes it.
        let has_ended = self.eof && is_between && !self.is_held();
        let progressed = self.poll_progress(cx, has_ended);
        if has_read { Poll::Ready(()) } else { progressed }
    }
}

/// The opcode in the first byte of a frame (RFC 6455, 5.2), and those of control frames.
const OPCODE_BITS: u8 = 0xf;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// The number of bytes read at a time while only control frames are taken. The longest has 131.
const CONTROL_READ_BYTES: usize = 256;
