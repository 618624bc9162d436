//! The messages to send again after a session is lost.

use crate::{proto::Kind, script::input::LONG_BYTES};
use std::collections::VecDeque;

/// Messages of stdin that may not have been sent, for the session that replaces a lost one.
#[derive(Debug, Default)]
pub(super) struct ResendBuffer {
    /// Messages passed to the current session that it may not have sent.
    recent: VecDeque<RecentMessage>,
    /// The total size of `recent` on the wire, in bytes.
    recent_bytes: usize,
    /// Messages of a lost session, which are sent before all others.
    unsent: VecDeque<(Kind, Vec<u8>)>,
}

/// A message passed to the current session.
#[derive(Debug)]
enum RecentMessage {
    Kept(Kind, Vec<u8>),
    /// Too long to keep.
    TooLong,
    /// A message of this size that concerns only its session.
    Once(usize),
}

/// The unsent messages of a lost session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostMessages {
    /// The number of those that were kept and are sent again.
    pub(super) kept: usize,
    /// The number of those that were too long to be kept.
    pub(super) cut_off: usize,
}

impl ResendBuffer {
    /// Reports whether no message remains to be sent again.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Keeps a message that was passed to the session.
    pub(super) fn sent(&mut self, kind: Kind, bytes: &[u8]) {
        self.push(RecentMessage::Kept(kind, bytes.to_vec()));
    }

    /// Records a message that is passed to the session in parts and too long to be kept.
    pub(super) fn sent_long(&mut self) {
        self.push(RecentMessage::TooLong);
    }

    /// Records a message of this size, in bytes, that is not sent again.
    pub(super) fn sent_once(&mut self, size: usize) {
        self.push(RecentMessage::Once(size));
    }

    fn push(&mut self, message: RecentMessage) {
        self.recent_bytes += message.wire_size();
        self.recent.push_back(message);
        while self.recent.len() > 1
            && let Some(first) = self.recent.front()
            && let rest = self.recent_bytes.saturating_sub(first.wire_size())
            && rest > KEPT_BYTES
        {
            self.recent.pop_front();
            self.recent_bytes = rest;
        }
    }

    /// Discards the messages passed to the session, because all of them were sent.
    pub(super) fn left(&mut self) {
        self.recent.clear();
        self.recent_bytes = 0;
    }

    /// Queues the last `unsent` messages of a lost session that were kept.
    pub(super) fn lost(&mut self, unsent: usize) -> LostMessages {
        let recent = std::mem::take(&mut self.recent);
        let gone = recent.len().saturating_sub(unsent);
        let mut lost = LostMessages { kept: 0, cut_off: 0 };
        for message in recent.into_iter().skip(gone).rev() {
            match message {
                RecentMessage::Kept(kind, bytes) => {
                    lost.kept += 1;
                    self.unsent.push_front((kind, bytes));
                }
                RecentMessage::TooLong => lost.cut_off += 1,
                RecentMessage::Once(_) => {}
            }
        }
        self.recent_bytes = 0;
        lost
    }

    /// Takes the next message to send again.
    pub(super) fn next(&mut self) -> Option<(Kind, Vec<u8>)> {
        self.unsent.pop_front()
    }
}

impl RecentMessage {
    /// Returns the least size of the message on the wire, in bytes. Without the header, empty
    /// messages would have no size and all of them would be kept.
    fn wire_size(&self) -> usize {
        HEADER_BYTES
            + match self {
                Self::Kept(_, bytes) => bytes.len(),
                Self::TooLong => LONG_BYTES,
                Self::Once(size) => *size,
            }
    }
}

/// The shortest header of a masked frame, in bytes (RFC 6455, 5.2).
const HEADER_BYTES: usize = 6;
/// The maximum size of the kept messages on the wire. It exceeds what can be buffered between a
/// session and the network.
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

    fn kept(kept: usize) -> LostMessages {
        LostMessages { kept, cut_off: 0 }
    }

    #[test]
    fn the_last_messages_are_sent_again_in_order() {
        let mut buffer = sent(&["a", "b", "c"]);
        assert!(buffer.is_idle());
        assert_eq!(buffer.lost(2), kept(2));
        assert!(!buffer.is_idle());
        assert_eq!(rest(&mut buffer), ["b", "c"]);
        assert!(buffer.is_idle());
    }

    #[test]
    fn sent_messages_are_not_resent() {
        let mut buffer = sent(&["a", "b"]);
        buffer.left();
        buffer.sent(Kind::Text, b"c");
        assert_eq!(buffer.lost(3), kept(1));
        assert_eq!(rest(&mut buffer), ["c"]);
    }

    #[test]
    fn a_second_loss_keeps_the_order() {
        let mut buffer = sent(&["a", "b", "c"]);
        buffer.lost(3);
        let (kind, first) = buffer.next().unwrap();
        buffer.sent(kind, &first);
        assert_eq!(buffer.lost(1), kept(1));
        assert_eq!(rest(&mut buffer), ["a", "b", "c"]);
    }

    #[test]
    fn memory_is_bounded_but_the_last_message_is_kept() {
        let half = "x".repeat(KEPT_BYTES / 2);
        let mut buffer = sent(&["a", &half, &half, "b"]);
        assert_eq!(buffer.lost(4), kept(3));
        let long = "x".repeat(KEPT_BYTES * 2);
        let mut buffer = sent(&["a", &long]);
        assert_eq!(buffer.lost(2), kept(1));
        assert_eq!(rest(&mut buffer), [long]);
    }

    #[test]
    fn the_number_of_kept_empty_messages_is_bounded() {
        let mut buffer = ResendBuffer::default();
        for _ in 0..1_000_000 {
            buffer.sent(Kind::Text, b"");
        }
        assert!(buffer.lost(1_000_000).kept <= KEPT_BYTES / HEADER_BYTES + 1);
    }

    /// Otherwise the message before the answer would be sent twice.
    #[test]
    fn an_answer_is_counted_but_not_sent_again() {
        let mut buffer = sent(&["a", "b"]);
        buffer.sent_once(3);
        assert_eq!(buffer.lost(2), kept(1));
        assert_eq!(rest(&mut buffer), ["b"]);
    }

    /// Otherwise the message before the long one would be sent twice.
    #[test]
    fn a_long_message_is_counted_but_not_kept() {
        let mut buffer = sent(&["a"]);
        buffer.sent_long();
        buffer.sent(Kind::Text, b"b");
        assert_eq!(buffer.lost(2), LostMessages { kept: 1, cut_off: 1 });
        assert_eq!(rest(&mut buffer), ["b"]);
        for _ in 0..1000 {
            buffer.sent_long();
        }
        assert!(buffer.recent.len() <= 2);
    }
}
