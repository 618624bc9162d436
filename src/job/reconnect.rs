//! Conditions, delays and limits of `--reconnect`.

use crate::proto::Close;
use std::time::Duration;

/// Rules for reconnecting after a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectRules {
    /// Maximum number of failed attempts in a row; `None` for no limit.
    pub attempts: Option<u32>,
    /// Maximum delay before the first attempt; it doubles with each further one.
    pub first: Duration,
    /// Maximum delay before any attempt.
    pub longest: Duration,
    /// Close codes to reconnect after, in addition to 1001 and 1011 to 1014.
    pub codes: Vec<u16>,
}

impl ReconnectRules {
    /// Reports whether to reconnect after the peer's Close: its code says that the server shuts
    /// down, fails or is overloaded, so another session may succeed (RFC 6455, 7.2.3 and 7.4.1).
    pub fn reconnects_after(&self, close: &Close) -> bool {
        let code = u16::from(close.code);
        matches!(code, 1001 | 1011..=1014) || self.codes.contains(&code)
    }
}
