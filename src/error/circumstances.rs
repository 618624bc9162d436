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
    /// What was said that may also be left out.
    pub parts: Vec<Part>,
    /// The version of the protocol.
    pub version: Option<String>,
}

/// What a request may say, and a server may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// That there is to be an upgrade.
    Upgrade,
    /// The subprotocols that are asked for.
    Subprotocols,
    /// From where it is asked.
    Origin,
    /// Who asks.
    Credentials,
    /// That compression is offered.
    Compression,
}

impl Asked {
    /// What a request with these headers asks.
    pub fn new(target: &Target, headers: &Headers) -> Self {
        let fields = [
            ("Upgrade", Part::Upgrade),
            ("Sec-WebSocket-Protocol", Part::Subprotocols),
            ("Origin", Part::Origin),
            ("Authorization", Part::Credentials),
            ("Cookie", Part::Credentials),
            ("Sec-WebSocket-Extensions", Part::Compression),
        ];
        let said = fields.into_iter().filter(|(name, _)| headers.get(name).is_some());
        Self {
            target: target.clone(),
            parts: said.map(|(_, part)| part).collect(),
            version: headers.get("Sec-WebSocket-Version").map(ToOwned::to_owned),
        }
    }

    /// Whether this was said.
    pub(super) fn says(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Those of these that were not said, for a server that does not say what it misses.
    pub(super) fn missing(&self, parts: &[Part]) -> Option<String> {
        let words = |part: &Part| match part {
            Part::Upgrade => "an upgrade (-H 'Upgrade: websocket')".to_owned(),
            Part::Subprotocols => "a subprotocol (-s NAME)".to_owned(),
            Part::Origin => format!("an origin (-o {})", Escaped(&self.target.origin())),
            Part::Credentials => "credentials (--auth, --bearer, --cookie)".to_owned(),
            Part::Compression => "an offer of compression".to_owned(),
        };
        let missing: Vec<_> = parts.iter().filter(|part| !self.says(**part)).map(words).collect();
        let (last, first) = missing.split_last()?;
        let or = if first.is_empty() { "" } else { " or " };
        Some(format!("{}{or}{last} may be missing", first.join(", ")))
    }
}

/// What a session was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// What was asked when it was opened.
    pub asked: Asked,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// Compression was agreed on.
    pub compression: bool,
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
    #[must_use]
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
