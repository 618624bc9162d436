//! Redirects: followed with -L, reported without.

use crate::support::{Authority, Test};

/// Returns an answer that redirects.
fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn a_redirect_is_followed_when_asked() {
    for location in ["/there?x=1", "ws://127.0.0.1:{port}/there?x=1#part", "there?x=1"] {
        Test::new()
            .args(["-L", "-x", "hi", "-H", "X-Mine: 1", "-u", "me:secret", "--cookie", "a=b", "-v"])
            .peer(move |peer| {
                let port = peer.port();
                let first = peer.answer(&to(&location.replace("{port}", &port.to_string())));
                assert_eq!(first.line, "GET / HTTP/1.1");
                peer.next_client();
                let second = peer.open();
                assert_eq!(second.line, "GET /there?x=1 HTTP/1.1");
                assert_eq!(second.header("X-Mine"), "1");
                // The origin is the same.
                assert_eq!(second.header("Authorization"), "Basic bWU6c2VjcmV0");
                assert_eq!(second.header("Cookie"), "a=b");
                assert_ne!(first.header("Sec-WebSocket-Key"), second.header("Sec-WebSocket-Key"));
                peer.expect_text("hi");
                peer.close(1000);
            })
            .stderr_has(["* redirected to ws://{peer}/there?x=1\n"])
            .run();
    }
}

#[test]
fn credentials_stay_with_their_origin() {
    Test::new()
        .args(["-L", "-u", "me:secret", "--cookie", "a=b", "--host", "first.example"])
        .args(["-H", "Authorization: x", "-H", "cookie: y", "-H", "X-Mine: 1", "-v"])
        .args(["-H", "X-Api-Key: k", "-H", "X-Other: S3cr3tT0ken", "-s", "bearer, opensesame"])
        .peer(|peer| {
            let port = peer.port();
            let first = peer.answer(&to(&format!("ws://localhost:{port}/")));
            assert_eq!(first.header("Authorization"), "x");
            assert_eq!(first.header("cookie"), "y");
            peer.next_client();
            let second = peer.open();
            assert_eq!(second.header("Host"), format!("localhost:{port}"));
            assert_eq!(second.header("X-Mine"), "1");
            let gone = ["Authorization", "Cookie", "cookie", "X-Api-Key", "X-Other"];
            for gone in gone.into_iter().chain(["Sec-WebSocket-Protocol"]) {
                assert!(second.all(gone).is_empty(), "{gone}");
            }
            peer.close(1000);
        })
        .stderr_has(["* redirected to ws://localhost:{port}/\n* not sent to another origin: \
             Sec-WebSocket-Protocol, Authorization, cookie, X-Api-Key, X-Other\n"])
        .run();
}

#[test]
fn redirects_are_limited() {
    Test::new()
        .args(["-L", "--max-redirects", "2"])
        .peer(|peer| {
            for _ in 0..2 {
                peer.answer(&to("/again"));
                peer.next_client();
            }
            peer.answer(&to("/again"));
            peer.expect_end();
        })
        .stderr(
            "sockeye: ws://{peer}/again answered 302: too many redirects (limit: 2)\n\n\
             hint: raise the limit with --max-redirects N\n",
        )
        .status(47)
        .run();
}

#[test]
fn a_redirect_without_a_usable_location_is_reported() {
    for (answer, code, words) in [
        (
            "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n".to_owned(),
            22,
            "ws://{peer}/ answered 301 without a Location header",
        ),
        (to("ftp://h/"), 3, "ws://{peer}/ redirects to 'ftp://h/': unknown scheme 'ftp'"),
        (
            to("mailto:a@h"),
            3,
            "ws://{peer}/ redirects to 'mailto:[redacted]@h': unknown scheme 'mailto'",
        ),
        (
            to("ws://x%0d%0aCookie:p@h/"),
            3,
            "ws://{peer}/ redirects to 'ws://[redacted]@h/': a control character in user or password",
        ),
        (to("ws://h:x/"), 3, "ws://{peer}/ redirects to 'ws://h:x/': invalid port number"),
    ] {
        Test::new()
            .args(["-L"])
            .peer(move |peer| {
                peer.answer(&answer);
                peer.expect_end();
            })
            .stderr(format!("sockeye: {words}\n"))
            .status(code)
            .run();
    }
    // A status that is not a redirect is not followed, even with a Location.
    Test::new()
        .args(["-L"])
        .peer(|peer| {
            peer.answer("HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n");
            peer.expect_end();
        })
        .stderr_has(["answered 304 (Not Modified) instead of upgrading"])
        .status(22)
        .run();
}

#[test]
fn a_redirect_never_drops_tls() {
    let authority = Authority::new();
    Test::new()
        .args(["-L", "--ca"])
        .args([authority.file()])
        .tls_peer(authority.issue().server(), |peer| {
            peer.answer(&to("ws://localhost:1/"));
            peer.expect_end();
        })
        .stderr(
            "sockeye: wss://localhost:{port}/ redirects to ws://localhost:1/, which has no TLS: \
             not followed\n\nhint: to allow this, connect to ws://localhost:1/ directly\n",
        )
        .status(22)
        .run();
}
