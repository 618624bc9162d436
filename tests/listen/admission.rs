//! Options that refuse clients, and the notes about refusals.

use crate::support::{Test, server::Server};
use std::io::{Read as _, Write as _};

/// Sends the handshake for a target with further header lines, and returns the head of the answer.
#[track_caller]
fn answer(server: &Server, target: &str, more: &str) -> String {
    let mut stream = server.dial();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[track_caller]
fn status(server: &Server, target: &str, more: &str) -> String {
    answer(server, target, more)[9..12].to_owned()
}

#[test]
fn rules_that_would_refuse_all_or_nobody_are_usage_errors() {
    for (option, value, words) in [
        ("--path", "chat", "a path begins with /, as in /chat"),
        ("--status", "200", "not a status from 300 to 599"),
        ("--status", "299:1", "not a status from 300 to 599"),
        ("--max-clients", "0", "not a whole number, at least 1"),
        ("--fault", "refuse 204", "a status from 300 to 599"),
    ] {
        Test::new().args(["listen", "0", option, value]).stderr_has([words]).status(2).run();
    }
    for path in ["/chat", "*", "?chat"] {
        let server = Server::start(["listen", "0", "--path", path]);
        server.terminate();
    }
}

#[test]
fn each_option_refuses_with_its_status_and_tells_who_and_why() {
    let server = Server::start(["listen", "0", "--path", "/chat", "--path", "/rooms/*"]);
    let statuses = ["/chat?a=1", "/rooms/a/b", "/other"].map(|it| status(&server, it, ""));
    assert_eq!(statuses, ["101", "101", "404"]);
    server.child.await_stderr(" for /other with 404: no such path\n");
    server.terminate();

    let server = Server::start(["listen", "0", "--auth", "me:secret"]);
    let good = "Authorization: Basic bWU6c2VjcmV0\r\n";
    assert_eq!(status(&server, "/", good), "101");
    let refused = answer(&server, "/", "");
    assert!(refused.contains("\r\nWWW-Authenticate: Basic realm="), "{refused}");
    server.child.await_stderr(" with 401: no credentials\n");
    assert_eq!(status(&server, "/", "Authorization: Basic bWU6d3Jvbmc=\r\n"), "401");
    server.child.await_stderr(" with 401: wrong credentials\n");
    server.terminate();

    let server = Server::start(["listen", "0", "--origin", "https://*.example"]);
    assert_eq!(status(&server, "/", "Origin: https://a.example\r\n"), "101");
    assert_eq!(status(&server, "/", "Origin: https://evil\r\n"), "403");
    server.child.await_stderr(" with 403: the origin https://evil is not allowed\n");
    server.terminate();

    let server = Server::start(["listen", "0", "--require-header", "X-Key:1"]);
    assert_eq!(status(&server, "/", "X-Key: 1\r\n"), "101");
    assert_eq!(status(&server, "/", ""), "403");
    server.terminate();

    let server = Server::start(["listen", "0", "--max-clients", "1"]);
    let first = server.join(1);
    assert_eq!(status(&server, "/", ""), "503");
    drop(first);
    server.child.await_stderr("client 1 disconnected");
    assert_eq!(status(&server, "/", ""), "101");
    // A refused client took no number.
    server.child.await_stderr("client 2 connected");
    server.terminate();
}

#[test]
fn the_first_requests_may_be_refused() {
    let server = Server::start(["listen", "0", "--status", "503:2"]);
    assert_eq!([(); 3].map(|()| status(&server, "/", "")), ["503", "503", "101"]);
    server.terminate();
}

#[test]
fn the_response_has_further_headers_and_the_first_subprotocol() {
    let server = Server::start(["listen", "0", "-H", "Set-Cookie: a=b", "--path", "/a"]);
    let head = answer(&server, "/a", "Sec-WebSocket-Protocol: mqtt, chat\r\n");
    assert!(head.contains("\r\nSet-Cookie: a=b\r\n"), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Protocol: mqtt\r\n"), "{head}");
    assert!(answer(&server, "/b", "").contains("\r\nSet-Cookie: a=b\r\n"));
    server.terminate();
}

#[test]
fn verbose_output_shows_the_request_and_what_was_agreed_without_secrets() {
    for mode in ["--no-label", "--echo"] {
        let server = Server::start(["listen", "0", "-v", mode]);
        let more = "Authorization: Bearer geheim\r\nUser-Agent: test/1\r\n\
                    Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
        assert!(answer(&server, "/p?token=geheim", more).starts_with("HTTP/1.1 101 "));
        server.child.await_stderr("client 1: permessage-deflate: local 15 window bits");
        let stderr = server.terminate().stderr;
        for line in ["< GET /p?token=", "< User-Agent: test/1\n", "client 1: subprotocol chat\n"] {
            assert!(stderr.contains(line), "no {line:?} in {stderr}");
        }
        assert!(!stderr.contains("geheim"), "{stderr}");
    }
}
