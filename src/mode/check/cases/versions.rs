//! Checks of WebSocket over HTTP/2 (RFC 8441), and of the versions that browsers use.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        examine::http2,
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Info, Must, Security, Should},
    },
};

/// Returns the checks of the group.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(crate) fn cases() -> Vec<Case> {
    let malformed = (
        "A request that is not a valid handshake opens a session, or is read in another way by \
         a gateway than by the server behind it.",
        "Answer a malformed request with RST_STREAM and PROTOCOL_ERROR, or with status 400.",
    );
    let browsers = (
        "The server works with other clients, but not in this browser.",
        "Answer extended CONNECT as the Upgrade of HTTP/1.1, or do not announce it.",
    );
    vec![
        case(
            ("version-http1", "RFC 6455, 4.1", Should),
            "Opens a session over HTTP/1.1",
            ("Browsers and most libraries get no session.", "Accept the Upgrade of HTTP/1.1, too."),
            |server| Box::pin(http2::over_http1(server)),
        ),
        case(
            ("version-h2-settings", "RFC 8441, 3", Info),
            "Says in SETTINGS whether it has WebSocket over HTTP/2",
            ("Nothing follows.", "Nothing is to be changed."),
            |server| Box::pin(http2::settings(server)),
        ),
        case(
            ("version-h2-connect", "RFC 8441, 5", Must),
            "Opens a session by extended CONNECT if it announces it",
            browsers,
            |server| Box::pin(http2::connect(server)),
        ),
        case(
            ("version-chrome", "RFC 8441, 3", Should),
            "Opens a session for Chrome and Edge in the version that they use",
            browsers,
            |server| Box::pin(http2::in_chrome(server)),
        ),
        case(
            ("version-firefox", "RFC 8441, 3", Should),
            "Opens a session for Firefox in the version that it uses",
            browsers,
            |server| Box::pin(http2::in_firefox(server)),
        ),
        case(
            ("version-h2-key", "RFC 8441, 5", Should),
            "Ignores Sec-WebSocket-Key over HTTP/2",
            (
                "Clients and gateways that pass the field on get no session.",
                "Ignore Sec-WebSocket-Key over HTTP/2, where nothing is hashed.",
            ),
            |server| {
                let key = &[("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ=="))];
                Box::pin(http2::accepts(server, key))
            },
        ),
        case(
            ("version-h2-protocol", "RFC 8441, 4", Must),
            "Refuses an extended CONNECT with another :protocol",
            malformed,
            |server| Box::pin(http2::refuses(server, &[(":protocol", Some("sockeye-unknown"))])),
        ),
        case(
            ("version-h2-scheme", "RFC 8441, 4", Must),
            "Refuses an extended CONNECT without :scheme",
            malformed,
            |server| Box::pin(http2::refuses(server, &[(":scheme", None)])),
        ),
        case(
            ("version-h2-path", "RFC 8441, 4", Must),
            "Refuses an extended CONNECT without :path",
            malformed,
            |server| Box::pin(http2::refuses(server, &[(":path", None)])),
        ),
        case(
            ("version-h2-version", "RFC 6455, 4.4", Must),
            "Refuses Sec-WebSocket-Version: 99 over HTTP/2",
            malformed,
            |server| Box::pin(http2::refuses(server, &[("sec-websocket-version", Some("99"))])),
        ),
        case(
            ("version-h2-connection", "RFC 9113, 8.2.2", Must),
            "Refuses a request over HTTP/2 with Connection and Upgrade",
            malformed,
            |server| {
                let fields = &[("connection", Some("Upgrade")), ("upgrade", Some("websocket"))];
                Box::pin(http2::refuses(server, fields))
            },
        ),
        case(
            ("version-h2-name-case", "RFC 9113, 8.2.1", Must),
            "Refuses a request over HTTP/2 with a field name in upper case",
            malformed,
            |server| Box::pin(http2::refuses(server, &[("X-Sockeye", Some("1"))])),
        ),
        case(
            ("version-h2-tunnel", "CWE-441", Security),
            "Opens no tunnel for a CONNECT without :protocol",
            (
                "Everybody can reach other servers through this one.",
                "Refuse CONNECT without :protocol.",
            ),
            |server| {
                let plain = &[(":protocol", None), (":scheme", None), (":path", None)];
                Box::pin(http2::refuses(server, plain))
            },
        ),
    ]
}

fn case(
    (id, section, level): (&str, &'static str, CheckLevel),
    title: &str,
    (consequence, fix): (&'static str, &'static str),
    examine: Examination,
) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Versions,
        section,
        level,
        title: title.to_owned(),
        consequence,
        fix,
        probe: Probe::Examined(examine),
    }
}
