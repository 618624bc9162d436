//! Checks of frames, fragments, pings and pongs (RFC 6455, 5).

mod build;
mod messages;
mod observed;
mod violations;

use crate::mode::check::case::Case;

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = messages::cases();
    cases.extend(violations::cases());
    cases.extend(observed::cases());
    cases
}
