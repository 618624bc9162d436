//! Checks of frames, fragments, pings and pongs (RFC 6455, 5).

mod build;
mod messages;
mod observed;
mod violations;

use crate::{
    mode::check::{
        case::{Case, Probe},
        examine::echo,
    },
    schema::check::{CheckGroup, CheckLevel},
};
use std::future::ready;

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = messages::cases();
    cases.extend(violations::cases());
    cases.extend(observed::cases());
    cases.push(Case {
        id: "6.2-once".to_owned(),
        group: CheckGroup::Framing,
        section: "RFC 6455, 6.2",
        level: CheckLevel::Should,
        title: "Sends each message back once".to_owned(),
        consequence: "Clients handle messages twice.",
        fix: "Look for a handler that is registered twice, or a broadcast that includes the sender.",
        probe: Probe::Examined(|server| Box::pin(ready(echo::once(server)))),
    });
    cases
}
