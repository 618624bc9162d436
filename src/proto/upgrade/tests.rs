//! Both sides of the upgrade, in bytes, with the key of the RFC's example (1.3).

use super::*;
use crate::proto::extension::ExtensionFault;
use proptest::prelude::*;

const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn client(more: &[(&str, &str)]) -> ClientUpgrade {
    let mut headers = Headers::default();
    headers.push("Host", "example.com");
    headers.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in more {
        headers.push(*name, *value);
    }
    ClientUpgrade::new(Request { version: Version::Http11, target: "/chat".into(), headers })
}

/// Receives a head of these lines, whole and byte by byte.
fn answer(lines: &[&str]) -> Result<UpgradeProgress, ResponseFault> {
    answer_bytes(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
}

fn answer_bytes(bytes: &[u8]) -> Result<UpgradeProgress, ResponseFault> {
    let whole = client(&[]).receive(bytes);
    let mut client = client(&[]);
    for (i, byte) in bytes.iter().enumerate() {
        match client.receive(&[*byte]) {
            Ok(UpgradeProgress::Pending) => {}
            Ok(UpgradeProgress::Open { agreement, response, .. }) => {
                let rest = bytes[i + 1..].to_vec();
                assert_eq!(whole, Ok(UpgradeProgress::Open { agreement, response, rest }));
                return whole;
            }
            Ok(UpgradeProgress::Status { response, .. }) => {
                let rest = bytes[i + 1..].to_vec();
                assert_eq!(whole, Ok(UpgradeProgress::Status { response, rest }));
                return whole;
            }
            Err(refusal) => {
                let same = std::mem::discriminant(&refusal)
                    == std::mem::discriminant(whole.as_ref().unwrap_err());
                assert!(same, "{refusal:?} {whole:?}");
                return whole;
            }
        }
    }
    assert_eq!(whole, Ok(UpgradeProgress::Pending));
    whole
}

fn opens(lines: &[&str]) -> bool {
    matches!(answer(lines), Ok(UpgradeProgress::Open { .. }))
}

const OK: &str = "HTTP/1.1 101 Switching Protocols";

#[test]
fn the_request_is_written_as_it_was_typed() {
    let client = client(&[("x-Case", "kept"), ("X-Empty", "")]);
    let head = "GET /chat HTTP/1.1\r\nHost: example.com\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-Case: kept\r\nX-Empty:\r\n\r\n";
    assert_eq!(String::from_utf8(client.head()).unwrap(), head);
    assert_eq!(key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn valid_responses_open_the_session() {
    let plain = [OK, "Upgrade: websocket", "Connection: Upgrade", ACCEPT];
    assert!(opens(&plain));
    // The check is as strict as 4.1 and no stricter.
    assert!(opens(&[OK, "upgrade: WebSocket", "CONNECTION: keep-alive, upgrade", ACCEPT]));
    assert!(opens(&[
        OK,
        "Connection: keep-alive",
        "Connection: Upgrade",
        "Upgrade: websocket",
        ACCEPT
    ]));
    assert!(opens(&["HTTP/1.1 101", "Upgrade: websocket", "Connection: Upgrade", ACCEPT]));
    assert!(opens(&["HTTP/1.1 101 Fine by me", "Upgrade:websocket", "Connection:Upgrade", ACCEPT]));
    // Folded white space is obsolete but legal.
    assert!(opens(&[
        OK,
        "Upgrade:",
        "  websocket",
        "Connection: keep-alive,",
        "\tUpgrade",
        ACCEPT
    ]));
    let folded = "Sec-WebSocket-Accept:\r\n  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  ";
    assert!(opens(&[OK, "Upgrade: websocket", "Connection: Upgrade", folded]));
    // An empty list of extensions is legal.
    assert!(opens(&[
        OK,
        "Upgrade: websocket",
        "Connection: Upgrade",
        ACCEPT,
        "Sec-WebSocket-Extensions:"
    ]));
}

#[test]
fn frames_after_the_head_are_kept() {
    let head = format!("{OK}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{ACCEPT}\r\n\r\n");
    let bytes = [head.as_bytes(), b"\x81\x01a\x88\x00"].concat();
    let Ok(UpgradeProgress::Open { rest, .. }) = answer_bytes(&bytes) else { panic!() };
    assert_eq!(rest, b"\x81\x01a\x88\x00");
}

#[test]
fn informational_responses_are_skipped() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let head =
        format!("{early}{OK}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{ACCEPT}\r\n\r\n");
    assert!(matches!(answer_bytes(head.as_bytes()), Ok(UpgradeProgress::Open { .. })));
    // They count towards the limit.
    let hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let many = hint.repeat(MAX_HEAD_BYTES / hint.len() + 1);
    assert_eq!(client(&[]).receive(many.as_bytes()), Err(ResponseFault::HeadsTooLong));
}

#[test]
fn invalid_responses_are_rejected() {
    let cases: &[(&[&str], ResponseFault)] = &[
        (&[OK, "Connection: Upgrade", ACCEPT], ResponseFault::Upgrade(None)),
        (
            &[OK, "Upgrade: h2c", "Connection: Upgrade", ACCEPT],
            ResponseFault::Upgrade(Some("h2c".into())),
        ),
        (
            &[OK, "Upgrade: h2c, websocket", "Connection: Upgrade", ACCEPT],
            ResponseFault::Upgrade(Some("h2c, websocket".into())),
        ),
        (&[OK, "Upgrade: websocket", ACCEPT], ResponseFault::Connection(None)),
        (
            &[OK, "Upgrade: websocket", "Connection: close", ACCEPT],
            ResponseFault::Connection(Some("close".into())),
        ),
        (
            &[OK, "Upgrade: websocket", "Connection: Upgrade"],
            ResponseFault::Accept(BadAccept::Missing),
        ),
        (
            &[OK, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: AAAA"],
            ResponseFault::Accept(BadAccept::Other("AAAA".into())),
        ),
        (
            &[OK, "Upgrade: websocket", "Connection: Upgrade", ACCEPT, "Sec-WebSocket-Accept: B"],
            ResponseFault::Accept(BadAccept::Other("B".into())),
        ),
        (
            &[OK, "Upgrade: websocket", "Connection: Upgrade", ACCEPT, "Sec-WebSocket-Protocol: x"],
            ResponseFault::Subprotocol("x".into()),
        ),
        (
            &[
                OK,
                "Upgrade: websocket",
                "Connection: Upgrade",
                ACCEPT,
                "Sec-WebSocket-Extensions: foo; a=1",
            ],
            ResponseFault::Extension(ExtensionFault::NotOffered("foo".into())),
        ),
        (
            &["HTTP/1.0 101 OK", "Upgrade: websocket", "Connection: Upgrade", ACCEPT],
            ResponseFault::Http10,
        ),
        (&["\u{15}\u{3}\u{1}"], ResponseFault::NotHttp(b"\x15\x03\x01\r\n\r\n".into())),
        (&["SSH-2.0-OpenSSH"], ResponseFault::NotHttp(b"SSH-2.0-OpenSSH\r\n\r\n".into())),
        (
            &["HTTP/1.1 abc"],
            ResponseFault::Malformed { cause: httparse::Error::Status, line: None },
        ),
        (
            &[OK, "no colon"],
            ResponseFault::Malformed {
                cause: httparse::Error::HeaderName,
                line: Some("no colon".to_owned()),
            },
        ),
    ];
    for (lines, refusal) in cases {
        assert_eq!(answer(lines).as_ref(), Err(refusal), "{lines:?}");
    }
}

#[test]
fn any_other_status_is_returned_with_its_body() {
    let bytes = b"HTTP/1.0 401 Who are you\r\nWWW-Authenticate: Basic\r\n\r\n{\"error\":1}";
    let Ok(UpgradeProgress::Status { response, rest }) = answer_bytes(bytes) else { panic!() };
    assert_eq!((response.status, response.reason.as_str()), (401, "Who are you"));
    assert_eq!(response.headers.get("www-authenticate"), Some("Basic"));
    assert_eq!(rest, b"{\"error\":1}");
}

#[test]
fn a_status_is_read_even_from_a_malformed_head() {
    let bytes = b"HTTP/1.1 403 Forbidden\r\nX Y: 1\r\nX-Z : 2\r\nno colon\r\nA: b\r\n\r\nno way";
    let Ok(UpgradeProgress::Status { response, rest }) = answer_bytes(bytes) else { panic!() };
    assert_eq!((response.status, response.headers.get("A")), (403, Some("b")));
    assert_eq!(rest, b"no way");
}

/// A phrase with a control character was a fault if its line arrived in parts.
#[test]
fn a_reason_phrase_of_any_bytes_may_arrive_in_parts() {
    let bytes = b"HTTP/1.1 404 N\xf8\x01\rt\r\nA: b\r\n\r\n";
    for cut in 0..bytes.len() {
        let mut upgrade = client(&[]);
        assert_eq!(upgrade.receive(&bytes[..cut]), Ok(UpgradeProgress::Pending), "{cut}");
        let Ok(UpgradeProgress::Status { response, .. }) = upgrade.receive(&bytes[cut..]) else {
            panic!("{cut}")
        };
        assert_eq!((response.status, &*response.reason), (404, "N\u{fffd}  t"));
    }
}

#[test]
fn heads_are_limited() {
    let mut endless = client(&[]);
    assert_eq!(endless.receive(b"HTTP/1.1 101 X\r\nA: "), Ok(UpgradeProgress::Pending));
    assert_eq!(endless.receive(&vec![b'a'; MAX_HEAD_BYTES]), Err(ResponseFault::HeadsTooLong));
    let fields = "a:\r\n".repeat(10_000);
    let many =
        format!("{OK}\r\n{fields}Upgrade: websocket\r\nConnection: Upgrade\r\n{ACCEPT}\r\n\r\n");
    assert!(matches!(client(&[]).receive(many.as_bytes()), Ok(UpgradeProgress::Open { .. })));
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = client(&[]).receive(&bytes);
        let _ = client(&[]).receive(&[HTTP, &bytes].concat());
    }
}

/// Parsing the whole head for each byte that arrives takes quadratic time.
#[test]
fn a_head_that_arrives_byte_by_byte_is_parsed_a_few_times() {
    let head = format!("HTTP/1.1 101 x\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    let due = |end: &usize| is_worth_parsing(&head.as_bytes()[..*end], end - 1);
    let times = (1..head.len()).filter(due).count();
    assert_eq!(times, START_BYTES + 7);
    assert!(due(&head.len()));
    // In any parts, the last one completes the head.
    for part in 1..=5 {
        assert!(is_worth_parsing(head.as_bytes(), head.len() - part));
    }
}
