//! Checks of dangers to users and to the server.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        examine::{exposure, origin},
    },
    schema::check::{CheckGroup, CheckLevel::Security},
};
use std::future::ready;

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let hijacking = "A page of another site opens a session with the cookies of the user, and reads \
                     and sends in their name (cross-site WebSocket hijacking).";
    let compare = "Compare Origin with a list of whole origins before the handshake is answered, and \
                   refuse others with status 403.";
    let resources = "Few clients can take the memory of the server.";
    vec![
        case(
            ("sec-origin-foreign", "CWE-1385"),
            "Refuses the pages of other sites",
            (hijacking, compare),
            |server| Box::pin(origin::foreign(server)),
        ),
        case(
            ("sec-origin-null", "CWE-1385"),
            "Refuses the origin null of sandboxed frames and files",
            (hijacking, compare),
            |server| Box::pin(origin::null(server)),
        ),
        case(
            ("sec-origin-prefix", "CWE-1385"),
            "Refuses a site whose name begins with its own",
            (hijacking, compare),
            |server| Box::pin(origin::prefix(server)),
        ),
        case(
            ("sec-origin-suffix", "CWE-1385"),
            "Refuses a site whose name ends with its own",
            (hijacking, compare),
            |server| Box::pin(origin::suffix(server)),
        ),
        case(
            ("sec-clear-text", "CWE-319"),
            "Is reached through TLS",
            ("Everybody on the way reads and changes messages.", "Serve wss://."),
            |server| Box::pin(ready(exposure::clear_text(server))),
        ),
        case(
            ("sec-token-in-url", "CWE-598"),
            "Takes no secrets in the URL",
            (
                "Secrets of URLs are kept in the logs of servers and proxies.",
                "Take the secret in a header, a cookie, a subprotocol or the first message.",
            ),
            |server| Box::pin(ready(exposure::token_in_url(server))),
        ),
        case(
            ("sec-cookie", "CWE-1004"),
            "Sets cookies with HttpOnly, SameSite and Secure",
            (
                "Scripts or other sites use the cookie.",
                "Set cookies with HttpOnly, SameSite and, for wss, Secure.",
            ),
            |server| Box::pin(exposure::cookies(server)),
        ),
        case(
            ("sec-version", "CWE-200"),
            "Does not tell the version of its software",
            (
                "Attackers find servers with known faults.",
                "Leave the version out of Server and X-Powered-By.",
            ),
            |server| Box::pin(exposure::banner(server)),
        ),
        case(
            ("sec-fresh-accept", "CWE-524"),
            "Answers each key with its own hash",
            (
                "A cache answers instead of the server.",
                "Keep caches from answering requests with Upgrade.",
            ),
            |server| Box::pin(exposure::fresh_accept(server)),
        ),
        case(
            ("sec-frames-after-refusal", "CWE-444"),
            "Takes no bytes after a refused request for frames",
            (
                "Requests are smuggled past a proxy that takes the connection for a tunnel.",
                "Close the connection when an upgrade is refused.",
            ),
            |server| Box::pin(exposure::frames_after_refusal(server)),
        ),
        case(
            ("sec-huge-frame", "CWE-789"),
            "Survives a frame that announces 4 EiB",
            (
                "One frame ends the server for all clients.",
                "Limit the length of messages, and allocate memory as data arrives.",
            ),
            |server| Box::pin(exposure::huge_frame(server)),
        ),
        case(
            ("sec-long-head", "CWE-770"),
            "Refuses a request head of 300 KB",
            (resources, "Limit the head of a request to 64 KB or less."),
            |server| Box::pin(exposure::long_head(server)),
        ),
    ]
}

fn case(
    (id, section): (&str, &'static str),
    title: &str,
    (consequence, fix): (&'static str, &'static str),
    examine: Examination,
) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Security,
        section,
        level: Security,
        title: title.to_owned(),
        consequence,
        fix,
        probe: Probe::Examined(examine),
    }
}
