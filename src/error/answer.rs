//! An answer that does not upgrade, with the request it is to.

use crate::{connect::RequestSummary, proto::handshake::Response};

/// An answer that does not upgrade.
pub(super) struct Answer<'a> {
    pub(super) request: &'a RequestSummary,
    pub(super) response: &'a Response,
    pub(super) body: &'a [u8],
    /// Where it sends us, if it does.
    pub(super) location: Option<&'a str>,
}
