//! The context in which a client's session ended.

use crate::{connect::RequestSummary, proto::codes::Dialect};
use std::time::Duration;

/// Facts about a client's session that help to explain its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionContext {
    /// The request that opened the session.
    pub request: RequestSummary,
    /// The subprotocol that the server selected, if any.
    pub subprotocol: Option<String>,
    /// True if permessage-deflate was negotiated.
    pub compression: bool,
    /// Time from the opening to the last received byte.
    pub lasted: Duration,
    /// The number of messages received.
    pub received: u64,
    /// The numbers of text and of binary messages sent.
    pub sent: SentMessages,
    /// Time from our last message to the end, if nothing was received between them.
    pub unanswered: Option<Duration>,
}

/// The numbers of messages sent, by type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentMessages {
    /// The number of text messages.
    pub text: u64,
    /// The number of binary messages.
    pub binary: u64,
}

impl SessionContext {
    /// Returns the protocol that defines the private close codes of this session, if it is known.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(self.subprotocol.as_deref(), &self.request.target.host_name())
    }
}
