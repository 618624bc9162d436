//! Handshakes with raw clients, over HTTP/1.1.

use super::*;
use crate::session::testbed::{self, End, wire};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIMIT: Duration = Duration::from_secs(10);
/// The request of RFC 6455, 1.3.
const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Version: 13\r\n\r\n";

async fn read(server: End) -> Result<Incoming, IncomingFault> {
    Incoming::read(Box::new(server), "peer.example".to_owned(), LIMIT).await
}

/// Returns both ends of a connection on which the client has sent these bytes.
async fn client_with(bytes: &[u8]) -> (End, End) {
    let (mut client, server, _wire) = wire(1 << 20);
    client.write_all(bytes).await.unwrap();
    (client, server)
}

/// Returns everything that the server sent until it ended the connection.
async fn response(client: &mut End) -> String {
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    response
}

#[test]
fn read_refuses_bytes_that_are_no_request() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    for (request, expected, status) in [
        ("\0\r\n\r\n", RequestFault::Malformed, "400 Bad Request"),
        ("\x16\x03\x01", RequestFault::Tls, "400 Bad Request"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", RequestFault::Malformed, "400 Bad Request"),
        (&long, RequestFault::HeadTooLong, "431 Request Header Fields Too Large"),
    ] {
        testbed::run(async {
            let (mut client, server) = client_with(request.as_bytes()).await;
            let fault = read(server).await.err();
            assert!(
                matches!(&fault, Some(IncomingFault::Request(fault)) if *fault == expected),
                "{fault:?}"
            );
            let response = response(&mut client).await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
            assert!(response.ends_with(&format!("\r\n\r\n{expected}\n")), "{response}");
        });
    }
}

#[test]
fn answer_refuses_a_request_that_is_not_a_valid_upgrade() {
    let extensions = "13\r\nSec-WebSocket-Extensions: ;";
    for (from, to, expected, status) in [
        ("Upgrade: websocket\r\n", "", RequestFault::UpgradeRemoved, "426 Upgrade Required"),
        ("Host: server.example\r\n", "", RequestFault::NoHost, "400 Bad Request"),
        ("GET ", "POST ", RequestFault::Method, "405 Method Not Allowed"),
        ("Bub25jZQ==", "", RequestFault::Key, "400 Bad Request"),
        ("Version: 13", "Version: 8", RequestFault::Version, "426 Upgrade Required"),
        ("13", extensions, RequestFault::Extensions, "400 Bad Request"),
    ] {
        testbed::run(async {
            let request = REQUEST.replace(from, to);
            let (mut client, server) = client_with(request.as_bytes()).await;
            let incoming = read(server).await.unwrap();
            if expected != RequestFault::Extensions {
                assert_eq!(incoming.fault(), Some(expected));
            }
            let fault = incoming.answer(&Choices::default()).await.err();
            assert!(
                matches!(&fault, Some(IncomingFault::Request(fault)) if *fault == expected),
                "{expected:?}: {fault:?}"
            );
            let response = response(&mut client).await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
        });
    }
}

#[test]
fn the_limit_covers_reading_the_request() {
    testbed::run(async {
        let (mut client, server) = client_with(&REQUEST.as_bytes()[..20]).await;
        let start = Instant::now();
        let answer = async { (response(&mut client).await, start.elapsed()) };
        let (fault, (response, elapsed)) = tokio::join!(read(server), answer);
        let fault = fault.err();
        assert!(
            matches!(fault, Some(IncomingFault::TimedOut(limit)) if limit == LIMIT),
            "{fault:?}"
        );
        assert_eq!(elapsed, LIMIT);
        assert!(response.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{response}");
    });
}

#[test]
fn the_limit_is_named_in_round_numbers() {
    for (limit, words) in [
        (Duration::new(9, 999_999_629), "no complete request within 10 s"),
        (Duration::from_millis(9_740), "no complete request within 9.7 s"),
    ] {
        assert_eq!(IncomingFault::TimedOut(limit).to_string(), words);
    }
}

#[test]
fn a_connection_without_a_request_is_dropped_without_an_answer() {
    testbed::run(async {
        let (mut client, server) = client_with(b"").await;
        let (fault, response) = tokio::join!(read(server), response(&mut client));
        assert!(matches!(fault, Err(IncomingFault::TimedOut(_))));
        assert_eq!(response, "");
        let (mut client, server) = client_with(b"").await;
        client.shutdown().await.unwrap();
        assert!(matches!(read(server).await, Err(IncomingFault::Unused)));
    });
}

#[test]
fn the_answer_to_head_has_no_body() {
    testbed::run(async {
        let (mut client, server) = client_with(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let incoming = read(server).await.unwrap();
        assert_eq!(incoming.method(), "HEAD");
        assert!(incoming.answer(&Choices::default()).await.is_err());
        let response = response(&mut client).await;
        assert!(response.starts_with("HTTP/1.1 426 ") && response.ends_with("\r\n\r\n"));
    });
}

/// Closing a connection with unread data resets it, which may discard the answer.
#[test]
fn the_rest_of_a_refused_request_is_read() {
    testbed::run(async {
        let (mut client, server) = client_with(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let incoming = read(server).await.unwrap();
        let send = async {
            client.write_all(&vec![b'x'; 100_000]).await.unwrap();
            response(&mut client).await
        };
        let refuse = incoming.refuse_for(RequestFault::Method);
        let (refused, response) = tokio::join!(refuse, send);
        refused.unwrap();
        assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    });
}

#[test]
fn the_limit_covers_writing_the_answer() {
    for accepts in [true, false] {
        testbed::run(async {
            // The wire has room for the request, but the client reads nothing.
            let (mut client, server, _wire) = wire(10);
            let start = Instant::now();
            let slow = async {
                tokio::time::sleep(LIMIT / 2).await;
                client.write_all(REQUEST.as_bytes()).await.unwrap();
            };
            let (incoming, ()) = tokio::join!(read(server), slow);
            let incoming = incoming.unwrap();
            let fault = if accepts {
                incoming.accept(Agreement::default(), &Headers::default()).await.err()
            } else {
                incoming.refuse(StatusCode::NOT_FOUND, &Headers::default(), "").await.err()
            };
            assert!(matches!(fault, Some(IncomingFault::TimedOut(_))), "{fault:?}");
            assert_eq!(start.elapsed(), LIMIT);
        });
    }
}

#[test]
fn a_connection_lost_in_the_middle_of_the_head_is_a_fault() {
    testbed::run(async {
        let (mut client, server) = client_with(&REQUEST.as_bytes()[..20]).await;
        client.shutdown().await.unwrap();
        let fault = read(server).await.err();
        assert!(matches!(fault, Some(IncomingFault::Cut)), "{fault:?}");
        assert_eq!(response(&mut client).await, "");

        let (_client, server, wire) = wire(10);
        wire.reset();
        let fault = read(server).await.err();
        assert!(
            matches!(&fault, Some(IncomingFault::Io(cause))
                if cause.kind() == io::ErrorKind::ConnectionReset),
            "{fault:?}"
        );
    });
}

#[test]
fn refuse_writes_the_answer_and_ends_the_connection() {
    testbed::run(async {
        let (mut client, server) = client_with(REQUEST.as_bytes()).await;
        let incoming = read(server).await.unwrap();
        assert_eq!((incoming.request().target.as_str(), incoming.fault()), ("/chat", None));
        let headers = Headers::of(&[("Retry-After", "60")]);
        incoming.refuse(StatusCode::SERVICE_UNAVAILABLE, &headers, "full\n").await.unwrap();
        let expected = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\n\
                        Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\
                        Connection: close\r\n\r\nfull\n";
        assert_eq!(response(&mut client).await, expected);
    });
}

#[test]
fn accept_sends_the_headers_and_keeps_the_bytes_after_the_head() {
    testbed::run(async {
        let request = format!("{REQUEST}first bytes");
        let (mut client, server) = client_with(request.as_bytes()).await;
        let incoming = read(server).await.unwrap();
        let headers = Headers::of(&[("Sec-WebSocket-Protocol", "chat"), ("X-Own", "1")]);
        let established = incoming.accept(Agreement::default(), &headers).await.unwrap();
        assert_eq!(established.rest, b"first bytes");
        assert_eq!(established.authority, "peer.example");
        assert_eq!(established.carrier, Version::Http11);
        drop(established);
        let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                        Sec-WebSocket-Protocol: chat\r\nX-Own: 1\r\n\r\n";
        assert_eq!(response(&mut client).await, expected);
    });
}

#[test]
fn accept_rejects_a_request_with_a_fault() {
    testbed::run(async {
        let request = REQUEST.replace("Version: 13", "Version: 8");
        let (mut client, server) = client_with(request.as_bytes()).await;
        let incoming = read(server).await.unwrap();
        let fault = incoming.accept(Agreement::default(), &Headers::default()).await.err();
        assert!(matches!(fault, Some(IncomingFault::Request(RequestFault::Version))), "{fault:?}");
        assert_eq!(response(&mut client).await, "");
    });
}
