//! After which loss a session is opened again, how soon and how often.

use crate::proto::Close;
use std::time::Duration;

/// The options of `--reconnect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectRules {
    /// How many attempts there may be without success; `None`: any number.
    pub attempts: Option<u32>,
    /// The most that is waited before the first attempt; twice as much before each further one.
    pub first: Duration,
    /// The most that is ever waited.
    pub longest: Duration,
    /// Close codes after which to come back beside the usual ones.
    pub codes: Vec<u16>,
}

impl ReconnectRules {
    /// Whether to come back after this Close of the peer. It is a promise that another session
    /// may go better (RFC 6455, 7.2.3; 7.4.1): the server goes, fails, or is overloaded.
    pub fn is_after(&self, close: &Close) -> bool {
        let code = u16::from(close.code);
        matches!(code, 1001 | 1011..=1014) || self.codes.contains(&code)
    }
}
