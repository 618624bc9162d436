//! The request of an opening handshake, as far as an explanation of its failure needs it.

use crate::{proto::handshake::Headers, target::Target};

/// Summary of the request that a client made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSummary {
    /// The server and the resource.
    pub target: Target,
    /// The optional parts that the request had.
    pub parts: Vec<RequestPart>,
    /// Its `Sec-WebSocket-Version`.
    pub version: Option<String>,
}

/// A part of a request that may be left out, and that a server may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestPart {
    /// `Upgrade`.
    Upgrade,
    /// `Sec-WebSocket-Protocol`.
    Subprotocols,
    /// `Origin`.
    Origin,
    /// `Authorization` or `Cookie`.
    Credentials,
    /// `Sec-WebSocket-Extensions`.
    Compression,
}

impl RequestSummary {
    /// Summarizes a request with these header fields.
    pub fn new(target: &Target, headers: &Headers) -> Self {
        let fields = [
            ("Upgrade", RequestPart::Upgrade),
            ("Sec-WebSocket-Protocol", RequestPart::Subprotocols),
            ("Origin", RequestPart::Origin),
            ("Authorization", RequestPart::Credentials),
            ("Cookie", RequestPart::Credentials),
            ("Sec-WebSocket-Extensions", RequestPart::Compression),
        ];
        let present = fields.into_iter().filter(|(name, _)| headers.get(name).is_some());
        Self {
            target: target.clone(),
            parts: present.map(|(_, part)| part).collect(),
            version: headers.get("Sec-WebSocket-Version").map(ToOwned::to_owned),
        }
    }

    /// Whether the request had this part.
    pub fn has(&self, part: RequestPart) -> bool {
        self.parts.contains(&part)
    }
}
