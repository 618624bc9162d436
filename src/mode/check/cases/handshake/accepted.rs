//! Requests that open a session.

use super::build::accepts;
use crate::{
    mode::check::{
        case::Case,
        draft::{EXTENSIONS, KEY, PROTOCOL, VERSION},
    },
    schema::check::CheckLevel::{Must, Should},
};

/// Returns the checks.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    let token = "RFC 6455, 4.2.1";
    let fields = "RFC 9112, 5";
    vec![
        accepts(
            Must,
            ("4.2.2-accept", "RFC 6455, 4.2.2"),
            "Answers a valid request with 101",
            |_| {},
        ),
        accepts(
            Must,
            ("4.2.1-upgrade-case", token),
            "Accepts Upgrade: WebSocket in any case",
            |r| {
                r.set("Upgrade", "WebSocket");
            },
        ),
        accepts(Must, ("4.2.1-upgrade-upper", token), "Accepts Upgrade: WEBSOCKET", |r| {
            r.set("Upgrade", "WEBSOCKET");
        }),
        accepts(Must, ("4.2.1-connection-case", token), "Accepts Connection: upgrade", |r| {
            r.set("Connection", "upgrade");
        }),
        accepts(
            Must,
            ("4.2.1-connection-list", token),
            "Accepts Connection: keep-alive, Upgrade, as Firefox sends it",
            |r| r.set("Connection", "keep-alive, Upgrade"),
        ),
        accepts(
            Should,
            ("4.2.1-connection-lines", "RFC 9110, 5.3"),
            "Accepts the tokens of Connection on two lines",
            |r| {
                r.set("Connection", "keep-alive");
                r.add("Connection", "Upgrade");
            },
        ),
        accepts(
            Must,
            ("4.2.1-names-lower", "RFC 9110, 5.1"),
            "Accepts field names in lower case",
            |r| r.rename_fields(str::to_ascii_lowercase),
        ),
        accepts(
            Must,
            ("4.2.1-names-upper", "RFC 9110, 5.1"),
            "Accepts field names in upper case",
            |r| r.rename_fields(str::to_ascii_uppercase),
        ),
        accepts(
            Must,
            ("9112-no-space", fields),
            "Accepts fields without a space after the colon",
            |r| {
                r.set_line("Upgrade", "Upgrade:websocket");
                r.set_line("Connection", "Connection:Upgrade");
            },
        ),
        accepts(Must, ("9112-spaces", fields), "Ignores spaces around values", |r| {
            r.set_line("Upgrade", "Upgrade:    websocket   ");
            r.set_line("Connection", "Connection:   Upgrade  ");
        }),
        accepts(Must, ("9112-tab-before", fields), "Ignores a tab before a value", |r| {
            for name in ["Upgrade", "Connection", VERSION] {
                let value = r.get(name).unwrap_or_default();
                r.set_line(name, format!("{name}:\t{value}"));
            }
        }),
        accepts(Must, ("9112-tab-after", fields), "Ignores a tab after a value", |r| {
            for name in ["Upgrade", "Connection", VERSION] {
                let value = r.get(name).unwrap_or_default();
                r.set_line(name, format!("{name}: {value}\t"));
            }
        }),
        accepts(
            Must,
            ("9112-tab-list", "RFC 9110, 5.6.1"),
            "Ignores tabs around the members of a list",
            |r| r.set_line("Connection", "Connection: keep-alive\t,\tUpgrade"),
        ),
        accepts(Must, ("9112-order", "RFC 9110, 5.3"), "Accepts fields in any order", |r| {
            for name in ["Upgrade", "Connection", KEY, VERSION] {
                r.move_to_front(name);
            }
        }),
        accepts(Must, ("9112-unknown-field", "RFC 9110, 5.1"), "Ignores unknown fields", |r| {
            r.add("X-Sockeye-Check", "1");
        }),
        accepts(Should, ("9112-many-fields", "RFC 9110, 5.4"), "Accepts 50 more fields", |r| {
            for number in 0..50 {
                r.add(&format!("X-Sockeye-{number}"), "1");
            }
        }),
        accepts(
            Should,
            ("9112-long-field", "RFC 9110, 5.4"),
            "Accepts a field of 4,000 bytes",
            |r| {
                r.add("X-Sockeye-Long", &"x".repeat(4000));
            },
        ),
        accepts(
            Must,
            ("9112-parts", "RFC 9112, 2.2"),
            "Accepts a head that arrives in parts",
            |r| {
                r.parts = 4;
            },
        ),
        accepts(
            Should,
            ("9112-empty-line", "RFC 9112, 2.2"),
            "Ignores an empty line before the request",
            |r| r.method = format!("\r\n{}", r.method),
        ),
        accepts(
            Must,
            ("4.2.1-protocol-unknown", "RFC 6455, 4.2.2"),
            "Accepts or ignores an additional subprotocol",
            |r| {
                let offered = r.get(PROTOCOL).map(|list| format!("{list}, ")).unwrap_or_default();
                r.set(PROTOCOL, &format!("{offered}sockeye.check.unknown"));
            },
        ),
        accepts(
            Must,
            ("9.1-extension-unknown", "RFC 6455, 9.1"),
            "Ignores an extension that it does not know",
            |r| r.set(EXTENSIONS, "x-sockeye-check; a=1; b=\"2\""),
        ),
        accepts(
            Should,
            ("9.1-extension-lines", "RFC 6455, 9.1"),
            "Accepts offers of extensions on two lines",
            |r| {
                r.set(EXTENSIONS, "x-sockeye-one");
                r.add(EXTENSIONS, "x-sockeye-two");
            },
        ),
        accepts(
            Should,
            ("7692-parameter-unknown", "RFC 7692, 5"),
            "Declines an offer with an unknown parameter, and opens the session",
            |r| r.set(EXTENSIONS, "permessage-deflate; x_sockeye_unknown=1"),
        ),
        accepts(Should, ("4.2.1-user-agent", "RFC 9110, 10.1.5"), "Needs no User-Agent", |r| {
            r.remove("User-Agent");
        }),
    ]
}
