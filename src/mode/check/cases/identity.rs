//! The software of the server, recognized by its answers. These checks cannot fail.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        examine::identity,
    },
    schema::check::{CheckGroup, CheckLevel::Info},
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("identity-library", "Speaks WebSocket with a library that is known", |server| {
            Box::pin(identity::library(server))
        }),
        case("identity-gateway", "Is reached through a gateway that is known", |server| {
            Box::pin(identity::gateway(server))
        }),
    ]
}

fn case(id: &str, title: &str, examine: Examination) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Identity,
        section: "RFC 9110, 10.2.4",
        level: Info,
        title: title.to_owned(),
        consequence: "Nothing follows.",
        fix: "Nothing is to be changed.",
        probe: Probe::Examined(examine),
    }
}
