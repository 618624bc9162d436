//! The messages to send again after a session is lost.

use crate::proto::Kind;
use std::collections::VecDeque;

/// Messages of stdin that may not have been sent, for the session that replaces a lost one.
#[derive(Debug, Default)]
pub(super) struct ResendBuffer {
    /// Messages passed to the current session that may not have left it.
    recent: VecDeque<(Kind, Vec<u8>)>,
    /// The total size of `recent` on the wire, in bytes.
    recent_bytes: usize,
    /// Messages of a lost session, which are sent before all others.
    unsent: VecDeque<(Kind, Vec<u8>)>,
}

impl ResendBuffer {
    /// Reports whether no message has to be sent again.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Keeps a message that was passed to the session.
    pub(super) fn sent(&mut self, kind: Kind, bytes: &[u8]) {
        self.recent.push_back((kind, bytes.to_vec()));
        self.recent_bytes += wire_size(bytes);
        while self.recent.len() > 1
            && let Some((_, first)) = self.recent.front()
            && let rest = self.recent_bytes.saturating_sub(wire_size(first))
            && rest > KEPT_BYTES
        {
            self.recent.pop_front();
            self.recent_bytes = rest;
        }
    }

    /// Discards the messages passed to the session, since all of them have left it.
    pub(super) fn left(&mut self) {
        self.recent.clear();
        self.recent_bytes = 0;
    }

    /// Queues the last `unsent` messages of a lost session. Returns how many of them were kept.
    pub(super) fn lost(&mut self, unsent: usize) -> usize {
        let recent = std::mem::take(&mut self.recent);
        let gone = recent.len().saturating_sub(unsent);
        let kept: Vec<_> = recent.into_iter().skip(gone).collect();
        let n = kept.len();
        for message in kept.into_iter().rev() {
            self.unsent.push_front(message);
        }
        self.recent_bytes = 0;
        n
    }

    /// Takes the next message to send again.
    pub(super) fn next(&mut self) -> Option<(Kind, Vec<u8>)> {
        self.unsent.pop_front()
    }
}

/// Returns the least size of a message on the wire, in bytes. Without the header, empty messages
/// would have no size and all of them would be kept.
fn wire_size(bytes: &[u8]) -> usize {
    HEADER_BYTES + bytes.len()
}

/// The shortest header of a masked frame, in bytes (RFC 6455, 5.2).
const HEADER_BYTES: usize = 6;
/// The size of the kept messages on the wire, larger than all that can be buffered between a session and the
/// network.
const KEPT_BYTES: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(messages: &[&str]) -> ResendBuffer {
        let mut buffer = ResendBuffer::default();
        for message in messages {
            buffer.sent(Kind::Text, message.as_bytes());
        }
        buffer
    }

    fn rest(buffer: &mut ResendBuffer) -> Vec<String> {
        let all = std::iter::from_fn(|| buffer.next());
        all.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn the_last_messages_are_sent_again_in_order() {
        let mut buffer = sent(&["a", "b", "c"]);
        assert!(buffer.is_idle());
        assert_eq!(buffer.lost(2), 2);
        assert!(!buffer.is_idle());
        assert_eq!(rest(&mut buffer), ["b", "c"]);
        assert!(buffer.is_idle());
    }

    #[test]
    fn sent_messages_are_not_resent() {
        let mut buffer = sent(&["a", "b"]);
        buffer.left();
        buffer.sent(Kind::Text, b"c");
        assert_eq!(buffer.lost(3), 1);
        assert_eq!(rest(&mut buffer), ["c"]);
    }

    #[test]
    fn a_second_loss_keeps_the_order() {
        let mut buffer = sent(&["a", "b", "c"]);
        buffer.lost(3);
        let (kind, first) = buffer.next().unwrap();
        buffer.sent(kind, &first);
        assert_eq!(buffer.lost(1), 1);
        assert_eq!(rest(&mut buffer), ["a", "b", "c"]);
    }

    #[test]
    fn memory_is_bounded_but_the_last_message_is_kept() {
        let half = "x".repeat(KEPT_BYTES / 2);
        let mut buffer = sent(&["a", &half, &half, "b"]);
        assert_eq!(buffer.lost(4), 3);
        let long = "x".repeat(KEPT_BYTES * 2);
        let mut buffer = sent(&["a", &long]);
        assert_eq!(buffer.lost(2), 1);
        assert_eq!(rest(&mut buffer), [long]);
    }

    #[test]
    fn empty_messages_are_not_kept_without_end() {
        let mut buffer = ResendBuffer::default();
        for _ in 0..1_000_000 {
            buffer.sent(Kind::Text, b"");
        }
        assert!(buffer.lost(1_000_000) <= KEPT_BYTES / HEADER_BYTES + 1);
    }
}
