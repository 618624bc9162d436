//! The context in which a client's session ended.

use crate::{connect::RequestSummary, proto::codes::Dialect};

/// Facts about a client's session that help to explain its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionContext {
    /// The request that opened the session.
    pub request: RequestSummary,
    /// The subprotocol that the server selected, if any.
    pub subprotocol: Option<String>,
    /// True if permessage-deflate was negotiated.
    pub compression: bool,
    /// The number of messages received.
    pub received: u64,
}

impl SessionContext {
    /// Returns the protocol that defines the private close codes of this session, if it is known.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(self.subprotocol.as_deref(), &self.request.target.host_name())
    }
}
