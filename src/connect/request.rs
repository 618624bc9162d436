//! Summary of an opening handshake request, for the explanation of its failure.

use crate::{
    known::{self, signs},
    proto::handshake::Headers,
    target::Target,
};

/// The parts of a request that may explain a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSummary {
    /// The server and the resource.
    pub target: Target,
    /// The optional parts that the request had.
    pub parts: Vec<RequestPart>,
    /// The value of `Sec-WebSocket-Version`.
    pub version: Option<String>,
    /// The requested subprotocols.
    pub subprotocols: Vec<String>,
}

/// An optional part of a request that a server may require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestPart {
    /// The header field `Upgrade`.
    Upgrade,
    /// The header field `Sec-WebSocket-Protocol`.
    Subprotocols,
    /// The header field `Origin`.
    Origin,
    /// The header field `Authorization` or `Cookie`.
    Credentials,
    /// The header field `Sec-WebSocket-Extensions`.
    Compression,
    /// The header field `User-Agent`.
    UserAgent,
    /// Another header field, a query parameter or a subprotocol that looks like a secret.
    OtherSecrets,
}

impl RequestSummary {
    /// Summarizes a request for `target` with these header fields.
    pub fn new(target: &Target, headers: &Headers) -> Self {
        let fields = [
            ("Upgrade", RequestPart::Upgrade),
            ("Sec-WebSocket-Protocol", RequestPart::Subprotocols),
            ("Origin", RequestPart::Origin),
            ("Authorization", RequestPart::Credentials),
            ("Cookie", RequestPart::Credentials),
            ("Sec-WebSocket-Extensions", RequestPart::Compression),
            ("User-Agent", RequestPart::UserAgent),
        ];
        let present = fields.into_iter().filter(|(name, _)| headers.get(name).is_some());
        let mut parts: Vec<_> = present.map(|(_, part)| part).collect();
        let subprotocols = headers.get("Sec-WebSocket-Protocol").unwrap_or_default();
        if headers.iter().any(|(name, _)| known::is_secret_field(name))
            || !signs::secret_parameters(&target.to_string()).is_empty()
            || !signs::subprotocol_secrets(subprotocols).is_empty()
        {
            parts.push(RequestPart::OtherSecrets);
        }
        Self {
            target: target.clone(),
            parts,
            version: headers.get("Sec-WebSocket-Version").map(ToOwned::to_owned),
            subprotocols: headers.list("Sec-WebSocket-Protocol").map(ToOwned::to_owned).collect(),
        }
    }

    /// Returns true if the request has this part.
    pub fn has(&self, part: RequestPart) -> bool {
        self.parts.contains(&part)
    }
}
