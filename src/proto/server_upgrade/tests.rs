//! The server's side of the upgrade, in bytes, with the key of the RFC's example (1.3).

use super::*;
use crate::proto::{
    handshake::{Choices, Subprotocols, choose},
    upgrade::{ClientUpgrade, UpgradeProgress},
};
use proptest::prelude::*;

const HTTP11: Version = Version::Http11;
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Receives a head whole and byte by byte.
fn request(lines: &[&str]) -> Result<RequestHead, RequestFault> {
    let head = format!("{}\r\n\r\n", lines.join("\r\n"));
    let whole = ServerUpgrade::default().receive(head.as_bytes()).map(Option::unwrap);
    let mut upgrade = ServerUpgrade::default();
    let mut last = Ok(None);
    for byte in head.bytes() {
        last = upgrade.receive(&[byte]);
        if last != Ok(None) {
            break;
        }
    }
    assert_eq!(last.map(Option::unwrap), whole);
    whole
}

const ASK: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

fn client() -> ClientUpgrade {
    let headers = Headers::of(&[
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "chat"),
    ]);
    ClientUpgrade::new(Request { version: Version::Http11, target: "/chat".into(), headers })
}

#[test]
fn a_server_accepts_a_request_that_meets_4_2_1() {
    for first in [ASK[0], "GET http://example.com/chat HTTP/1.1", "GET WS://x/ HTTP/1.1"] {
        let lines: Vec<_> = std::iter::once(first).chain(ASK[1..].iter().copied()).collect();
        let RequestHead { request, method, accept, rest } = request(&lines).unwrap();
        assert_eq!((method.as_str(), rest), ("GET", vec![]));
        assert_eq!(request.target, first.split(' ').nth(1).unwrap());
        assert_eq!(accept.as_deref(), Ok(ACCEPT));
        let response = encode_acceptance(&accept.unwrap(), &Headers::default());
        // Our own client accepts it.
        assert!(matches!(client().receive(&response), Ok(UpgradeProgress::Open { .. })));
    }
}

#[test]
fn a_server_announces_the_subprotocol_it_chose() {
    let mut lines = ASK.to_vec();
    lines.push("Sec-WebSocket-Protocol: mqtt, chat");
    let RequestHead { request, accept, .. } = request(&lines).unwrap();
    let choices =
        Choices { subprotocols: Subprotocols::These(vec!["chat".into()]), ..Choices::default() };
    let (agreement, headers) = choose(&request.headers, &choices).unwrap();
    assert_eq!(agreement.subprotocol.as_deref(), Some("chat"));
    let response = String::from_utf8(encode_acceptance(&accept.unwrap(), &headers)).unwrap();
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    assert!(response.contains("Sec-WebSocket-Protocol: chat\r\n"), "{response}");
}

#[test]
fn a_server_refuses_with_the_fitting_status() {
    use RequestFault::*;
    let without = |names: &[&str]| -> Vec<&str> {
        ASK.into_iter().filter(|line| !names.iter().any(|name| line.starts_with(name))).collect()
    };
    let with = |old: &str, new: &'static str| -> Vec<&str> {
        ASK.into_iter().map(|line| if line.starts_with(old) { new } else { line }).collect()
    };
    let twice = |name: &str| -> Vec<&str> {
        ASK.into_iter().chain(ASK.into_iter().filter(|line| line.starts_with(name))).collect()
    };
    let cases = [
        (without(&["Upgrade", "Sec-"]), NoUpgrade, "426"),
        (with("Upgrade", "Upgrade: h2c"), NoUpgrade, "426"),
        (without(&["Upgrade"]), UpgradeRemoved, "426"),
        (without(&["Connection"]), UpgradeRemoved, "426"),
        (without(&["Upgrade", "Connection"]), UpgradeRemoved, "426"),
        (with("Connection", "Connection: close"), UpgradeRemoved, "426"),
        (without(&["Host"]), NoHost, "400"),
        (twice("Host"), Hosts, "400"),
        (without(&["Sec-WebSocket-Key"]), Key, "400"),
        (with("Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ="), Key, "400"),
        (twice("Sec-WebSocket-Key"), Key, "400"),
        (with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), Version, "426"),
        (without(&["Sec-WebSocket-Version"]), Version, "426"),
        (twice("Sec-WebSocket-Version"), Version, "426"),
        (with("GET", "POST /chat HTTP/1.1"), Method, "405"),
        (with("GET", "OPTIONS /chat HTTP/1.1"), Method, "405"),
        (with("GET", "HEAD /chat HTTP/1.1"), NoUpgrade, "426"),
        (with("GET", "GET /chat HTTP/1.0"), Http10, "426"),
        (vec!["GET / HTTP/1.0"], NoUpgrade, "426"),
        (with("GET", "GET foo HTTP/1.1"), Target, "400"),
        (with("GET", "GET * HTTP/1.1"), Target, "400"),
        (vec!["CONNECT h:1 HTTP/1.1"], Target, "400"),
        (vec!["GET / HTTP/1.1", "no colon"], Malformed, "400"),
        (vec!["what?"], Malformed, "400"),
        (vec!["PRI * HTTP/2.0", "", "SM"], Http2, "400"),
    ];
    for (lines, expected, status) in cases {
        let fault = request(&lines).and_then(|head| head.accept).unwrap_err();
        assert_eq!(fault, expected, "{lines:?}");
        assert_eq!(fault.status(HTTP11).0.as_str(), status);
    }
    assert_eq!(ServerUpgrade::default().receive(b"\x16\x03\x01\x02"), Err(Tls));
}

#[test]
fn the_length_of_a_head_is_limited() {
    use RequestFault::*;
    let fault = |text: &str| ServerUpgrade::default().receive(text.as_bytes());
    let (long, status) = ("a".repeat(MAX_HEAD_BYTES), |fault: RequestFault| fault.status(HTTP11).0);
    assert_eq!(fault(&format!("GET /{long}")), Err(TargetTooLong));
    assert_eq!(fault(&format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")), Err(TargetTooLong));
    assert_eq!(fault(&format!("GET / HTTP/1.1\r\nX: {long}")), Err(HeadTooLong));
    assert_eq!(fault(&format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n")), Err(HeadTooLong));
    let many = "X: y\r\n".repeat(MAX_HEAD_BYTES / 6);
    assert_eq!(fault(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Err(HeadTooLong));
    assert_eq!((status(TargetTooLong).as_u16(), status(HeadTooLong).as_u16()), (414, 431));
    // Most of what fits is accepted.
    let many = "X: y\r\n".repeat(MAX_HEAD_BYTES / 6 - 20);
    assert!(matches!(fault(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Ok(Some(_))));
}

#[test]
fn a_refusal_closes_the_connection() {
    let (status, headers) = RequestFault::Version.status(HTTP11);
    let body = RequestFault::Version.body();
    let head = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\n\
                Content-Length: 39\r\nConnection: Upgrade, close\r\n\r\n";
    let refusal =
        |is_head| String::from_utf8(encode_refusal(status, &headers, &body, is_head)).unwrap();
    assert_eq!(refusal(false), format!("{head}only WebSocket version 13 is supported\n"));
    assert_eq!(refusal(true), head);
    let plain = encode_refusal(StatusCode::NOT_FOUND, &Headers::default(), "", false);
    assert!(String::from_utf8(plain).unwrap().contains("\r\nConnection: close\r\n"));
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ServerUpgrade::default().receive(&bytes);
        let _ = ServerUpgrade::default().receive(&[b"GET / HTTP/1.1\r\n", &bytes[..]].concat());
    }
}
