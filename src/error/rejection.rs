//! An HTTP response that rejects the upgrade.

use crate::{connect::RequestSummary, proto::handshake::Response};

/// An HTTP response that rejects the upgrade, with the request that it answers.
pub(super) struct Rejection<'a> {
    pub(super) request: &'a RequestSummary,
    pub(super) response: &'a Response,
    /// The start of the body, as far as it was read.
    pub(super) body: &'a [u8],
    /// The absolute URL of a redirect.
    pub(super) location: Option<&'a str>,
}
