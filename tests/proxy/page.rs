//! Requests that open no session.

use super::{Backend, ask, read_all};
use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
};

#[test]
fn a_page_is_passed_on() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(&client, "GET /index.html?a HTTP/1.1\r\nHost: p\r\nAccept: */*\r\nConnection: x\r\n\r\n");
    let (mut server, request) = backend.accept();
    let expected = format!(
        "GET /index.html?a HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        backend.port
    );
    assert_eq!(request, expected);
    // The connection of the server stays open: the length ends the body.
    server.write_all(b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX: y\r\n\r\nhello").unwrap();
    let expected =
        "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX: y\r\nConnection: close\r\n\r\nhello";
    assert_eq!(read_all(&client), expected);
    proxy.terminate();
}

#[test]
fn an_answer_to_head_has_no_body() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(&client, "HEAD / HTTP/1.1\r\nHost: p\r\n\r\n");
    let (mut server, request) = backend.accept();
    assert!(request.starts_with("HEAD / HTTP/1.1\r\n"), "{request}");
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
    let expected = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
    assert_eq!(read_all(&client), expected);
    proxy.terminate();
}

/// Prevents that an answer is held back until the whole body was sent, or that it is lost.
#[test]
fn bodies_are_passed_on_as_they_arrive() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let mut client = proxy.dial();
    ask(
        &client,
        "POST /upload HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    );
    let (mut server, request) = backend.accept();
    assert!(request.contains("\r\nTransfer-Encoding: chunked\r\n"), "{request}");
    assert!(!request.contains("Expect"), "{request}");
    super::expect(&client, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"3;ext=1\r\nabc\r\n").unwrap();
    super::expect(&server, b"3\r\nabc\r\n");
    server.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n").unwrap();
    server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n").unwrap();
    super::expect(
        &client,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    );
    client.write_all(b"2\r\nde\r\n0\r\n\r\n").unwrap();
    super::expect(&server, b"2\r\nde\r\n0\r\n\r\n");
    server.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_all(&client), "0\r\n\r\n");
    proxy.terminate();
}

/// Prevents that a body which was cut off looks complete.
#[test]
fn a_body_that_is_cut_off_stays_so() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let mut client = proxy.dial();
    ask(&client, "GET / HTTP/1.1\r\nHost: p\r\n\r\n");
    let (mut server, _) = backend.accept();
    server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").unwrap();
    server.shutdown(Shutdown::Both).unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "{}", answer.escape_ascii());
    proxy.terminate();
}

#[test]
fn pages_may_be_refused() {
    let backend = Backend::new();
    let proxy = backend.proxy(&["--ws-only"]);
    let client = proxy.dial();
    ask(&client, "GET / HTTP/1.1\r\nHost: p\r\n\r\n");
    let answer = read_all(&client);
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    proxy.terminate();
}

/// Regression: the connection to the server stayed open, and both sockets of the proxy.
#[test]
fn a_server_learns_that_a_client_left_within_a_body() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(&client, "POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 100\r\n\r\nabc");
    let (server, _) = backend.accept();
    super::expect(&server, b"abc");
    drop(client);
    assert_eq!(read_all(&server), "");
    proxy.terminate();
}

/// Regression: the connection to the server stayed open.
#[test]
fn a_server_learns_that_a_client_left_before_the_answer() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(&client, "GET / HTTP/1.1\r\nHost: p\r\n\r\n");
    let (server, _) = backend.accept();
    // A reset, since a client may end its direction and wait for the answer.
    socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    assert_eq!(read_all(&server), "");
    proxy.terminate();
}

/// Regression: the client got no answer, and stderr no word.
#[test]
fn an_answer_that_is_not_one_becomes_502() {
    for (answer, words) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "the body is malformed",
        ),
        ("220 mail.example.com ESMTP\r\n\r\n", "server: "),
        ("", "the connection ended before the answer"),
    ] {
        let backend = Backend::new();
        let proxy = backend.proxy(&[]);
        for upgrade in ["", super::UPGRADE] {
            let client = proxy.dial();
            ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{upgrade}\r\n"));
            let (mut server, _) = backend.accept();
            server.write_all(answer.as_bytes()).unwrap();
            drop(server);
            let got = read_all(&client);
            assert!(got.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer:?}: {got}");
            assert!(got.contains("sockeye proxy: server: "), "{got}");
            assert!(!upgrade.is_empty() || got.contains(words), "{got}");
        }
        let end = proxy.terminate();
        assert_eq!(end.stderr.matches("server: ").count(), 2, "{}", end.stderr);
    }
}
