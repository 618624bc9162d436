//! Measured limits. These checks fail only if a limit is absurd.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        measure::{idle, pings, sizes, slow_reader},
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Info, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let raise = "Raise the limit in the server, and in each gateway in front of it.";
    vec![
        // Before the transfers that the next ones make.
        alone(
            ("limit-ping", "RFC 6455, 5.5.3", Info),
            "Answers pings within a second",
            (
                "Clients take the connection for lost and close it.",
                "Answer pings where frames are read, not behind the work of the application.",
            ),
            |server| Box::pin(pings::round_trips(server)),
        ),
        alone(
            ("limit-message", "RFC 6455, 10.4", Info),
            "Accepts messages of 64 KiB",
            (
                "Clients that send a longer message lose the session. Few expect so low a limit.",
                raise,
            ),
            |server| Box::pin(sizes::largest_message(server)),
        ),
        alone(
            ("limit-frame", "RFC 6455, 10.4", Info),
            "Accepts frames of 64 KiB",
            (
                "Most clients send a message in one frame, and lose the session with a longer one.",
                raise,
            ),
            |server| Box::pin(sizes::largest_frame(server)),
        ),
        alone(
            ("limit-close", "RFC 6455, 7.4.1", Should),
            "Refuses a message that is too long with code 1009",
            (
                "The sender cannot tell a long message from a fault of the network, and sends it \
                 again.",
                "Send a Close with code 1009 before the connection ends.",
            ),
            |server| Box::pin(sizes::refusal(server)),
        ),
        alone(
            ("limit-slow-reader", "CWE-770", Info),
            "Bounds what it keeps for a client that does not read",
            (
                "A few clients that do not read take the memory of the server.",
                "Stop reading from a client that does not read, or drop it.",
            ),
            |server| Box::pin(slow_reader::slow_reader(server)),
        ),
        idle(
            "limit-idle",
            "Keeps a silent session for 30 seconds",
            (
                "Sessions in which nothing happens for a while are lost. Browsers cannot send pings.",
                "Raise the idle timeout of the server and of each gateway, or send pings from the \
                 server more often.",
            ),
            |server| Box::pin(idle::silent(server)),
        ),
        idle(
            "limit-idle-ping",
            "Keeps a session in which the client sends pings",
            (
                "Clients cannot keep a session open with pings (--ping-interval).",
                "Count control frames as activity, or raise the idle timeout.",
            ),
            |server| Box::pin(idle::with_pings(server)),
        ),
        idle(
            "limit-idle-data",
            "Keeps a session in which the client sends messages",
            (
                "Sessions have a greatest age, and clients have to connect again.",
                "Remove the limit, or close with code 1001 or 1012 so that clients connect again.",
            ),
            |server| Box::pin(idle::with_messages(server)),
        ),
    ]
}

fn idle(id: &str, title: &str, words: (&'static str, &'static str), examine: Examination) -> Case {
    let case = alone((id, "RFC 6455, 7.2.3", Info), title, words, examine);
    Case { probe: Probe::Idle(examine), ..case }
}

fn alone(
    (id, section, level): (&str, &'static str, CheckLevel),
    title: &str,
    (consequence, fix): (&'static str, &'static str),
    examine: Examination,
) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Limits,
        section,
        level,
        title: title.to_owned(),
        consequence,
        fix,
        probe: Probe::Alone(examine),
    }
}
