//! Redirects that are not followed.

use super::status::answers;
use crate::support::{Authority, Peer, Test, says};

#[test]
fn redirects() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        answers(
            &[],
            status,
            "Location: https://example.com/new\nContent-Length: 0\n",
            "",
            "\n  Location: https://example.com/new\n\n\
             hint: follow it with -L, or connect to wss://example.com/new",
        );
    }
    answers(
        &[],
        "308 Permanent Redirect",
        "Location: /ws/\nContent-Length: 0\n",
        "",
        "\n  Location: /ws/\n\nhint: follow it with -L, or connect to ws://{peer}/ws/",
    );
    answers(
        &[],
        "302 Found",
        "Location: /login?next=/ws\nContent-Length: 0\n",
        "",
        ": it redirects to a login page\n  Location: /login?next=/ws\n\n\
         hint: authenticate with --auth USER:PASSWORD, --bearer TOKEN or --cookie NAME=VALUE",
    );
}

#[test]
fn redirects_without_a_usable_location() {
    for location in ["", "#x", "/", "ws://{peer}", "http://{peer}/#y"] {
        // The location is shown as the server sent it.
        let test = Test::new().peer(move |peer: &mut Peer| {
            let location = location.replace("{peer}", &format!("127.0.0.1:{}", peer.port()));
            let head = "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n";
            peer.answer(&format!("{head}Location: {location}\r\n\r\n"));
            peer.half_close();
            peer.discard_all();
        });
        says(
            test,
            22,
            &format!(
                "ws://{{peer}}/ answered 301 (Moved Permanently) instead of upgrading to \
                 WebSocket: it redirects to itself\n  Location: {location}"
            ),
        );
    }
}

#[test]
fn a_location_that_is_not_a_url_for_websocket_is_shown() {
    for location in ["ftp://far.example/", "http://[::1/", "https://far.example:99999/"] {
        let headers = format!("Location: {location}\nServer: a\nContent-Length: 0\n");
        let shown = format!(": its Location is not a valid URL\n  Location: {location}");
        answers(&[], "302 Found", &headers, "", &shown);
    }
    answers(&[], "302 Found", "Content-Length: 0\n", "", ": it has no Location");
}

#[test]
fn redirects_without_tls() {
    let authority = Authority::new();
    for location in ["http://far.example/ws", "ws://far.example/ws"] {
        let test = Test::new().args(["--ca".into(), authority.file()]);
        let test = test.tls_peer(authority.issue().server(), move |peer| {
            let head = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n";
            peer.answer(&format!("{head}Location: {location}\r\n\r\n"));
            peer.discard_all();
        });
        says(
            test,
            22,
            &format!(
                "wss://localhost:{{port}}/ answered 302 (Found) instead of upgrading to \
                 WebSocket: it redirects to a URL without TLS\n  Location: {location}\n\n\
                 hint: to allow this, connect to ws://far.example/ws directly"
            ),
        );
    }
}

/// A URL parser writes host names in lower case, and the host of a redirect is not the user's.
#[test]
fn a_secret_in_the_host_of_a_redirect_is_not_shown() {
    for host in ["S3cr3tT0ken", "s3cr3tt0ken", "S3CR3TT0KEN"] {
        for (host, shown) in [
            (host.to_owned(), "[redacted]"),
            (format!("{host}.invalid"), "[redacted].invalid"),
            (format!("a-{host}b.invalid"), "a-[redacted]b.invalid"),
        ] {
            answers(
                &["--bearer", "S3cr3tT0ken"],
                "302 Found",
                &format!("Location: http://{host}/\nContent-Length: 0\n"),
                "",
                &format!(
                    "\n  Location: http://{shown}/\n\n\
                     hint: follow it with -L, or connect to ws://{shown}/"
                ),
            );
        }
    }
    Test::new()
        .args(["--bearer", "S3cr3tT0ken", "-L"])
        .peer(|peer: &mut Peer| {
            let head = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n";
            peer.answer(&format!("{head}Location: ws://S3cr3tT0ken.invalid/\r\n\r\n"));
            peer.half_close();
            peer.discard_all();
        })
        .stderr_has(["cannot resolve [redacted].invalid"])
        .status(6)
        .run();
}
