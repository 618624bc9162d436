//! Checks with the requests of browsers.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        examine::browser,
    },
    schema::check::{CheckGroup, CheckLevel::Should},
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let browsers: [(&str, &str, Examination); 4] = [
        ("browser-chrome", "Chrome and Edge", |server| Box::pin(browser::chrome(server))),
        ("browser-firefox", "Firefox", |server| Box::pin(browser::firefox(server))),
        ("browser-safari", "Safari", |server| Box::pin(browser::safari(server))),
        ("browser-subprotocol", "", |server| Box::pin(browser::subprotocol(server))),
    ];
    let case = |(id, name, examine): (&str, &str, Examination)| Case {
        id: id.to_owned(),
        group: CheckGroup::Browsers,
        section: "WHATWG WebSockets, 2",
        level: Should,
        title: if name.is_empty() {
            "Selects a subprotocol if one is offered".to_owned()
        } else {
            format!("Opens a session for {name}")
        },
        consequence: "The server works with other clients, but not in this browser.",
        fix: "Accept the request that the browser sends; the evidence names what is in the way.",
        probe: Probe::Examined(examine),
    };
    browsers.into_iter().map(case).collect()
}
