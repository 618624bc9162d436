//! Checks of the opening handshake over HTTP/1.1 (RFC 6455, 4; RFC 9110; RFC 9112).

mod accepted;
mod build;
mod judged;
mod refused;

use crate::mode::check::case::Case;

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = accepted::cases();
    cases.extend(refused::cases());
    cases.extend(judged::cases());
    cases
}
