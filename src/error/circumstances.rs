//! What was going on when something went wrong, as far as it tells why.

use super::Error;
use crate::{
    escape::Escaped,
    proto::{codes::Dialect, handshake::Headers, silence::is_alike},
    target::Target,
};
use std::time::Duration;

/// What was asked of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Where.
    pub target: Target,
    /// An Origin was said.
    pub origin: bool,
    /// Who we are was said.
    pub credentials: bool,
    /// Subprotocols were asked for.
    pub subprotocols: bool,
    /// Compression was offered.
    pub compression: bool,
    /// The version of the protocol.
    pub version: Option<String>,
}

impl Asked {
    /// What a request with these headers asks.
    pub fn new(target: &Target, headers: &Headers) -> Self {
        let has = |name| headers.get(name).is_some();
        Self {
            target: target.clone(),
            origin: has("Origin"),
            credentials: has("Authorization") || has("Cookie"),
            subprotocols: has("Sec-WebSocket-Protocol"),
            compression: has("Sec-WebSocket-Extensions"),
            version: headers.get("Sec-WebSocket-Version").map(ToOwned::to_owned),
        }
    }

    /// Those of these that were not said, which a server may miss that gives no reason.
    pub(super) fn missing(&self, some: &[Missing]) -> Option<String> {
        let missing = some.iter().filter_map(|one| match one {
            Missing::Subprotocol if !self.subprotocols => {
                Some("a subprotocol (-s NAME)".to_owned())
            }
            Missing::Origin if !self.origin => {
                Some(format!("an origin (-o {})", Escaped(&self.target.origin())))
            }
            Missing::Credentials if !self.credentials => {
                Some("credentials (--auth, --bearer, --cookie)".to_owned())
            }
            _ => None,
        });
        let missing: Vec<_> = missing.collect();
        let (last, first) = missing.split_last()?;
        let or = if first.is_empty() { "" } else { " or " };
        Some(format!("{}{or}{last} may be missing", first.join(", ")))
    }
}

/// What a server may miss in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Subprotocol,
    Origin,
    Credentials,
}

/// What a session was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// What was asked when it was opened.
    pub asked: Asked,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// Messages that have come.
    pub received: u64,
}

impl Circumstances {
    /// What a private close code means here.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(self.subprotocol.as_deref(), &self.asked.target.host_name())
    }
}

/// For how long nothing had gone either way when a transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// For how long.
    pub length: Duration,
    /// How many sessions in a row have ended after about that.
    pub times: u32,
}

impl Silence {
    /// The first that is seen.
    pub fn new(length: Duration) -> Self {
        Self { length, times: 1 }
    }

    /// Counts it with the one before, if they are alike.
    pub fn after(self, last: Option<Self>) -> Self {
        let times = last.filter(|last| is_alike(last.length, self.length));
        Self { times: times.map_or(1, |last| last.times.saturating_add(1)), ..self }
    }
}

impl Error {
    /// The silence before a loss.
    pub fn silence(&mut self) -> Option<&mut Silence> {
        match self {
            Self::NoClose { silence, .. } | Self::Receive { silence, .. } => silence.as_mut(),
            Self::Truncated { cause, .. } => cause.silence(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silences_that_are_alike_are_counted() {
        let silence = |seconds| Silence::new(Duration::from_secs(seconds));
        let mut last = None;
        let times = [60, 61, 60, 10, 10, 60].map(|seconds| {
            let this = silence(seconds).after(last);
            last = Some(this);
            this.times
        });
        assert_eq!(times, [1, 2, 3, 1, 2, 1]);
    }
}
