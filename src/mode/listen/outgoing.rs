//! The message that the session of a client is sending: one of its queue, or a long one that is sent
//! back.

use crate::{
    proto::{Kind, SharedMessage, UsageError, buffers, slice::Within as _},
    session::{Session, limits::QUEUE_LIMIT_BYTES},
};
use std::{num::NonZeroUsize, sync::Arc};

/// A message of which the session has a part.
pub(super) enum Outgoing {
    /// A message of the queue, and the number of its next frame.
    Queued(Arc<SharedMessage>, usize),
    /// A message that is sent back in parts of this length, and the number of bytes that the session
    /// has. The session would copy a message that it is given whole.
    Echo { message: Vec<u8>, part: usize, sent: usize },
}

impl Outgoing {
    /// Begins to send back a message in fragments of this length. Fails if the session is closing.
    pub(super) fn echo(
        session: &mut Session,
        (kind, message): (Kind, Vec<u8>),
        fragment: NonZeroUsize,
    ) -> Result<Self, UsageError> {
        session.begin(kind, Some(message.len() as u64))?;
        let part = fragment.get().saturating_mul((PART_BYTES / fragment).max(1));
        Ok(Self::Echo { message, part, sent: 0 })
    }

    /// Returns the number of bytes that count in the queue of the client.
    pub(super) fn queued_bytes(&self) -> Option<usize> {
        match self {
            Self::Queued(message, _) => Some(message.payload().len()),
            Self::Echo { .. } => None,
        }
    }

    /// Passes a part to the session. Returns the message if there is more of it. Fails if the session
    /// is closing.
    pub(super) fn advance(self, session: &mut Session) -> Result<Option<Self>, UsageError> {
        match self {
            Self::Queued(message, from) => {
                let next = session.send_shared(&message, from, QUEUE_LIMIT_BYTES)?;
                Ok(next.map(|next| Self::Queued(message, next)))
            }
            Self::Echo { message, part, sent } => {
                let end = message.len().min(sent.saturating_add(part));
                let is_last = end == message.len();
                session.part(message.within(sent..end), is_last)?;
                if is_last {
                    buffers::give(message);
                    return Ok(None);
                }
                Ok(Some(Self::Echo { message, part, sent: end }))
            }
        }
    }
}

/// The length from which a message of several fragments is sent back in parts.
pub(super) const LONG_BYTES: usize = 1 << 20;
/// The length of a part, unless a fragment is longer.
const PART_BYTES: usize = 256 << 10;
