//! The opening handshake: the server is asked first, and its answer reaches the client.

use super::{Backend, UPGRADE, ask, field, read_all, read_head, start};
use crate::support::closed_port;
use std::io::Write as _;

#[test]
fn a_request_reaches_the_server_as_the_client_sent_it() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(
        &client,
        "GET /chat?a=%41 HTTP/1.1\r\nhost: example.com\r\nConnection: keep-alive, Upgrade\r\n\
         pragma: no-cache\r\nUpgrade: websocket\r\nOrigin: https://page.example\r\n\
         Cookie: a=b; c=d\r\nSec-WebSocket-Version: 13\r\nX-Odd-CASE:   spaced  \r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nProxy-Connection: keep-alive\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other\r\n\
         Sec-WebSocket-Protocol: one, two\r\n\r\n",
    );
    let (server, request) = backend.accept();
    let key = field(&request, "Sec-WebSocket-Key");
    assert_ne!(key, "dGhlIHNhbXBsZSBub25jZQ==");
    let expected = format!(
        "GET /chat?a=%41 HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nConnection: Upgrade\r\n\
         pragma: no-cache\r\nUpgrade: websocket\r\nOrigin: https://page.example\r\n\
         Cookie: a=b; c=d\r\nSec-WebSocket-Version: 13\r\nX-Odd-CASE: spaced\r\n\
         Sec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other\r\n\
         Sec-WebSocket-Protocol: one, two\r\n\r\n",
        backend.port
    );
    assert_eq!(request, expected);
    drop(server);
    proxy.terminate();
}

/// Prevents a proxy that judges what a server agrees to: extensions are between the peers.
#[test]
fn an_answer_reaches_the_client_as_the_server_sent_it() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let session = backend.open_with(
        &proxy,
        "",
        "server: S\r\nSec-WebSocket-Extensions: x-unknown\r\nSec-WebSocket-Protocol: not-asked\r\n\
         Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n",
    );
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nserver: S\r\n\
                    Sec-WebSocket-Extensions: x-unknown\r\nSec-WebSocket-Protocol: not-asked\r\n\
                    Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n";
    assert_eq!(session.answer, expected);
    drop(session);
    proxy.terminate();
}

#[test]
fn a_refusal_reaches_the_client_with_its_status_headers_and_body() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    for (answer, expected) in [
        (
            "HTTP/1.1 401 Who Are You\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\
             Content-Length: 3\r\n\r\nno!",
            "HTTP/1.1 401 Who Are You\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\
             Content-Length: 3\r\nConnection: close\r\n\r\nno!",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nnot\r\n0\r\n\r\n",
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nnot\r\n0\r\n\r\n",
        ),
        (
            "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\n\r\nuntil the end",
            "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nUpgrade: websocket\r\n\
             Connection: Upgrade, close\r\n\r\nuntil the end",
        ),
    ] {
        let client = proxy.dial();
        ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{UPGRADE}\r\n"));
        let (mut server, _) = backend.accept();
        server.write_all(answer.as_bytes()).expect("it is read");
        drop(server);
        assert_eq!(read_all(&client), expected);
    }
    let output = proxy.terminate();
    assert!(output.stderr.contains("client 1: the server refused / with 401"), "{}", output.stderr);
}

#[test]
fn a_server_that_cannot_be_reached_is_a_bad_gateway() {
    let (_held, port) = closed_port();
    let proxy = start(vec!["proxy", "0", &format!("ws://127.0.0.1:{port}/")]).0;
    let client = proxy.dial();
    ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{UPGRADE}\r\n"));
    let answer = read_all(&client);
    let sentence = format!("cannot connect to 127.0.0.1:{port}: connection refused");
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains(&format!("\r\n\r\nsockeye proxy: server: {sentence}")), "{answer}");
    let output = proxy.terminate();
    let line = format!("sockeye: client 1: server: {sentence}");
    assert!(output.stderr.contains(&line), "{}", output.stderr);
}

/// Prevents a session that the client would have to refuse: the key is that of our own leg.
#[test]
fn a_wrong_accept_of_the_server_is_a_bad_gateway() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{UPGRADE}\r\n"));
    let (mut server, _) = backend.accept();
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: wrong\r\n\r\n";
    server.write_all(answer.as_bytes()).expect("it is read");
    let answer = read_all(&client);
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Accept"), "{answer}");
    proxy.terminate();
}

#[test]
fn a_version_that_only_the_server_can_judge_is_passed_on() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    let client = proxy.dial();
    let upgrade = UPGRADE.replace("Version: 13", "Version: 8");
    ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{upgrade}\r\n"));
    let (server, request) = backend.accept();
    assert_eq!(field(&request, "Sec-WebSocket-Version"), "8");
    drop(server);
    assert!(read_all(&client).starts_with("HTTP/1.1 502 "));
    proxy.terminate();
}

/// Prevents that a second Host hides the one that the server goes by.
#[test]
fn an_ambiguous_request_is_refused() {
    let backend = Backend::new();
    let proxy = backend.proxy(&[]);
    for request in [
        format!("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n{UPGRADE}\r\n"),
        format!("GET / HTTP/1.1\r\n{UPGRADE}\r\n"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ] {
        let client = proxy.dial();
        ask(&client, &request);
        let answer = read_head(&client);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
    }
    proxy.terminate();
}
