//! The messages to send again after a session is lost.

use crate::proto::Kind;
use std::collections::VecDeque;

/// Messages of stdin that may not have been sent, for the session that replaces a lost one.
#[derive(Debug, Default)]
pub(super) struct ResendBuffer {
    /// Messages passed to the current session that may not have left it.
    recent: VecDeque<(Kind, Vec<u8>)>,
    /// The total size of `recent`.
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
        self.recent_bytes += bytes.len();
        while self.recent.len() > 1
            && self
                .recent
                .front()
                .is_some_and(|(_, first)| self.recent_bytes - first.len() > KEPT_BYTES)
        {
            self.recent_bytes -= self.recent.pop_front().map_or(0, |(_, bytes)| bytes.len());
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

/// The size of the kept messages, larger than all that can be buffered between a session and the
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
}
