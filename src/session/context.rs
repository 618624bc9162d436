//! The circumstances of a session, as far as they explain its end.

use crate::{connect::RequestSummary, proto::codes::Dialect};

/// Facts of a client's session that tell what its end may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionContext {
    /// The request that opened it.
    pub request: RequestSummary,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// Whether compression was agreed on.
    pub compression: bool,
    /// The messages received.
    pub received: u64,
}

impl SessionContext {
    /// The protocol whose private close codes are used here, if it is known.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(self.subprotocol.as_deref(), &self.request.target.host_name())
    }
}
