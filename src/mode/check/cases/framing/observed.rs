//! Rules for the frames that the server sent in all checks.

use crate::{
    mode::check::{
        case::{Case, Probe},
        observed::ServerRule,
    },
    schema::check::{CheckGroup, CheckLevel::Must},
};

/// Returns the checks.
pub(super) fn cases() -> Vec<Case> {
    let rules = [
        ("5.1-server-mask", "RFC 6455, 5.1", ServerRule::Unmasked, "Does not mask its frames"),
        ("5.2-server-rsv", "RFC 6455, 5.2", ServerRule::ReservedBits, "Sets no reserved bits"),
        ("5.2-server-opcode", "RFC 6455, 5.2", ServerRule::Opcodes, "Uses defined opcodes only"),
        (
            "5.2-server-length",
            "RFC 6455, 5.2",
            ServerRule::ShortestLength,
            "Sends payload lengths in their shortest form",
        ),
        (
            "5.5-server-control",
            "RFC 6455, 5.5",
            ServerRule::ControlFrames,
            "Sends control frames of at most 125 bytes, in one piece",
        ),
        (
            "5.4-server-fragments",
            "RFC 6455, 5.4",
            ServerRule::Fragments,
            "Sends the fragments of a message in order",
        ),
    ];
    let case = |(id, section, rule, title): (&str, _, _, &str)| Case {
        id: id.to_owned(),
        group: CheckGroup::Framing,
        section,
        level: Must,
        title: title.to_owned(),
        consequence: "Clients must fail the connection: browsers end the session with 1002 or 1006.",
        fix: "Encode frames as RFC 6455, 5.2 says; a server does not mask.",
        probe: Probe::Observed(rule),
    };
    rules.into_iter().map(case).collect()
}
