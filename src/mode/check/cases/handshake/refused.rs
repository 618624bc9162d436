//! Requests that open no session.

use super::build::refuses;
use crate::{
    mode::check::{
        case::Case,
        draft::{EXTENSIONS, KEY, VERSION},
    },
    schema::check::CheckLevel::{Must, Should},
};

/// Returns the checks.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    let rule = "RFC 6455, 4.2.1";
    let key = "RFC 6455, 4.2.1";
    vec![
        refuses(Must, ("4.2.1-method", rule), "Refuses POST", |r| {
            "POST".clone_into(&mut r.method);
            r.add("Content-Length", "0");
        }),
        refuses(Must, ("4.2.1-http10", rule), "Refuses HTTP/1.0", |r| {
            "HTTP/1.0".clone_into(&mut r.version);
        }),
        refuses(Must, ("4.2.1-upgrade-absent", rule), "Refuses a request without Upgrade", |r| {
            r.remove("Upgrade");
        }),
        refuses(Must, ("4.2.1-upgrade-other", rule), "Refuses Upgrade: h2c", |r| {
            r.set("Upgrade", "h2c");
        }),
        refuses(
            Must,
            ("4.2.1-connection-absent", rule),
            "Refuses a request without Connection",
            |r| r.remove("Connection"),
        ),
        refuses(Must, ("4.2.1-connection-other", rule), "Refuses Connection: keep-alive", |r| {
            r.set("Connection", "keep-alive");
        }),
        refuses(
            Must,
            ("4.2.1-connection-part", rule),
            "Refuses a token of Connection that only contains the word upgrade",
            |r| r.set("Connection", "x-upgrade-x"),
        ),
        refuses(Must, ("4.2.1-key-absent", key), "Refuses a request without a key", |r| {
            r.remove(KEY);
        }),
        refuses(Must, ("4.2.1-key-empty", key), "Refuses an empty key", |r| r.set(KEY, "")),
        refuses(Should, ("4.2.1-key-short", key), "Refuses a key of 15 bytes", |r| {
            r.set(KEY, "c29ja2V5ZS1jaGVjay4=");
        }),
        refuses(Should, ("4.2.1-key-long", key), "Refuses a key of 17 bytes", |r| {
            r.set(KEY, "c29ja2V5ZS1jaGVjay0xNy4=");
        }),
        refuses(Should, ("4.2.1-key-encoding", key), "Refuses a key that is not base64", |r| {
            r.set(KEY, "~~not base64 at all~~~==");
        }),
        refuses(Should, ("11.3.1-key-twice", "RFC 6455, 11.3.1"), "Refuses two keys", |r| {
            r.add(KEY, "c29ja2V5ZS1jaGVjay0xNg==");
        }),
        refuses(
            Must,
            ("4.4-version-absent", "RFC 6455, 4.2.1"),
            "Refuses a missing version",
            |r| {
                r.remove(VERSION);
            },
        ),
        refuses(Must, ("4.4-version-0", "RFC 6455, 4.4"), "Refuses version 0", |r| {
            r.set(VERSION, "0");
        }),
        refuses(Must, ("4.4-version-99", "RFC 6455, 4.4"), "Refuses version 99", |r| {
            r.set(VERSION, "99");
        }),
        refuses(Must, ("4.4-version-word", "RFC 6455, 4.4"), "Refuses a version in words", |r| {
            r.set(VERSION, "thirteen");
        }),
        refuses(
            Must,
            ("9112-host-absent", "RFC 9112, 3.2"),
            "Refuses a request without Host",
            |r| {
                r.remove("Host");
            },
        ),
        refuses(Must, ("9112-host-twice", "RFC 9112, 3.2"), "Refuses two Host fields", |r| {
            let host = r.get("Host").unwrap_or_default();
            r.add("Host", &host);
        }),
        refuses(
            Must,
            ("9112-space-colon", "RFC 9112, 5.1"),
            "Refuses a space between a field name and its colon",
            |r| r.add_line("X-Sockeye-Check : 1"),
        ),
        refuses(Must, ("9110-nul", "RFC 9110, 5.5"), "Refuses NUL in a field", |r| {
            r.add_line(b"X-Sockeye-Check: a\0b".to_vec());
        }),
        refuses(
            Should,
            ("9112-no-colon", "RFC 9112, 5"),
            "Refuses a line that is not a field",
            |r| {
                r.add_line("this line has no colon");
            },
        ),
        refuses(
            Should,
            ("9.1-extension-malformed", "RFC 6455, 9.1"),
            "Refuses a malformed list of extensions",
            |r| r.set(EXTENSIONS, "=;=,;"),
        ),
    ]
}
