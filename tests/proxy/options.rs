//! Options that change what is passed on.

use super::{Backend, UPGRADE, ask, field, start};
use crate::support::{Test, says};

#[test]
fn headers_of_both_directions_can_be_changed() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[
        "-H",
        "Origin: https://other",
        "-H",
        "Cookie:",
        "--response-header",
        "X-Seen: yes",
        "--response-header",
        "Server:",
    ]);
    let session =
        backend.open_with(&proxy, "Origin: http://page\r\nCookie: a=b\r\n", "Server: S\r\n");
    assert_eq!(field(&session.request, "Origin"), "https://other");
    assert!(!session.request.contains("Cookie"), "{}", session.request);
    assert_eq!(field(&session.answer, "X-Seen"), "yes");
    assert!(!session.answer.contains("Server"), "{}", session.answer);
    drop(session);
    proxy.terminate();
}

#[test]
fn host_and_path_are_those_of_the_url_or_of_the_client() {
    let backend = Backend::new();
    for (base, options, line, host) in [
        ("/api?k=1", &[][..], "GET /api/chat?k=1&a=2 HTTP/1.1", None),
        ("/api?k=1", &["--fixed-path"], "GET /api?k=1 HTTP/1.1", None),
        ("", &["--keep-host"], "GET /chat?a=2 HTTP/1.1", Some("page.example")),
        ("", &["-H", "Host: third"], "GET /chat?a=2 HTTP/1.1", Some("third")),
    ] {
        let url = format!("ws://127.0.0.1:{}{base}", backend.port);
        let proxy = start([&["proxy", "0", &url], options].concat()).0;
        let client = proxy.dial();
        ask(&client, &format!("GET /chat?a=2 HTTP/1.1\r\nHost: page.example\r\n{UPGRADE}\r\n"));
        let (server, request) = backend.accept();
        assert!(request.starts_with(line), "{request}");
        let own = format!("127.0.0.1:{}", backend.port);
        assert_eq!(field(&request, "Host"), host.unwrap_or(&own));
        drop((client, server));
        proxy.terminate();
    }
}

#[test]
fn a_field_of_each_connection_cannot_be_set() {
    for option in ["-H", "--response-header"] {
        Test::new()
            .args(["proxy", "0", "ws://127.0.0.1:1", option, "connection: close"])
            .stderr("sockeye: the header 'connection' is that of each connection\n")
            .status(2)
            .run();
    }
    let test = Test::new().args(["proxy", "wss://0", "ws://127.0.0.1:1"]);
    says(
        test,
        2,
        "wss:// needs a certificate\n\nhint: pass --cert and --key, or --tls-self-signed",
    );
}
