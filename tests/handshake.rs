//! Answers to the opening handshake: those that break the RFC or are not HTTP (8), and those that
//! look odd but are valid.

use crate::support::{Peer, Test, peer::OPEN, wire::text};

/// Checks that this answer is refused with this error.
#[track_caller]
fn refused(answer: impl Into<String>, words: &str) {
    refused_with(&[], answer, words);
}

#[track_caller]
fn refused_with(args: &[&str], answer: impl Into<String>, words: &str) {
    let answer = answer.into();
    Test::new()
        .args(args.iter().copied())
        .peer(move |peer| {
            peer.answer(&answer);
            peer.expect_end();
        })
        .stderr(format!("sockeye: handshake with {{peer}} failed: {words}\n"))
        .status(8)
        .run();
}

const FIRST: &str = "HTTP/1.1 101 Switching Protocols\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";
const ACCEPT: &str = "Sec-WebSocket-Accept: {accept}\r\n";

#[test]
fn a_wrong_accept_header_is_refused() {
    let hint =
        "\n\nhint: check the URL: a cache, a proxy or an ordinary web server may have answered";
    let wrong = "XFtWWzFHT4Zkq1dhTRf124mXd2Y=";
    refused(
        format!("{FIRST}{UPGRADE}{CONNECTION}Sec-WebSocket-Accept: {wrong}\r\n\r\n"),
        &format!("Sec-WebSocket-Accept '{wrong}' does not match the request's key{hint}"),
    );
    refused(
        format!("{FIRST}{UPGRADE}{CONNECTION}\r\n"),
        &format!("101 without Sec-WebSocket-Accept{hint}"),
    );
}

#[test]
fn a_101_that_does_not_upgrade_to_websocket_is_refused() {
    let hint = "\n\nhint: check that any reverse proxy returns the Upgrade and Connection headers";
    refused(
        format!("{FIRST}{CONNECTION}{ACCEPT}\r\n"),
        &format!("101 without an Upgrade header{hint}"),
    );
    refused(
        format!("{FIRST}Upgrade: h2c\r\n{CONNECTION}{ACCEPT}\r\n"),
        &format!("101 with 'Upgrade: h2c' instead of websocket{hint}"),
    );
    refused(
        format!("{FIRST}{UPGRADE}{ACCEPT}\r\n"),
        &format!("101 without a Connection header{hint}"),
    );
    refused(
        format!("{FIRST}{UPGRADE}Connection: close\r\n{ACCEPT}\r\n"),
        &format!("101 with 'Connection: close' instead of Upgrade{hint}"),
    );
    refused(
        format!("HTTP/1.0 101 Switching Protocols\r\n{UPGRADE}{CONNECTION}{ACCEPT}\r\n"),
        "101 in HTTP/1.0, which has no upgrade",
    );
}

#[test]
fn an_extension_that_was_not_offered_is_refused() {
    // Accepting it would corrupt the messages that follow.
    refused_with(
        &["--no-compress"],
        format!("{OPEN}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        "the server selected the extension 'permessage-deflate', which was not offered",
    );
    refused(
        format!("{OPEN}Sec-WebSocket-Extensions: x-sea; depth=3\r\n\r\n"),
        "the server selected the extension 'x-sea', which was not offered",
    );
}

#[test]
fn a_subprotocol_that_was_not_requested_is_refused() {
    let chosen = |name: &str| format!("{OPEN}Sec-WebSocket-Protocol: {name}\r\n\r\n");
    let words = |name: &str| {
        format!(
            "the server selected the subprotocol '{name}', which was not requested\n\nhint: \
             request it with -s {name}"
        )
    };
    let one = "\n\nhint: the server must select one of the requested subprotocols, or none";
    refused(chosen("chat"), &words("chat"));
    refused_with(&["-s", "chat"], chosen("Chat"), &words("Chat"));
    refused_with(
        &["-s", "a", "-s", "b"],
        chosen("a, b"),
        &format!("the server selected the subprotocol 'a, b', which was not requested{one}"),
    );
    let both = format!("{OPEN}Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n\r\n");
    refused_with(
        &["-s", "a", "-s", "b"],
        both,
        &format!("the server selected more than one subprotocol{one}"),
    );
}

#[test]
fn a_response_that_is_not_http_is_quoted() {
    refused("hello\r\nthere", "the response is not HTTP/1.1: 'hello'");
    refused("HTTP/2 200\r\n\r\n", "the response is not HTTP/1.1: 'HTTP/2 200'");
    refused("\x1b]0;title\x07\r\n", "the response is not HTTP/1.1: '\\x1b]0;title\\x07'");
}

#[test]
fn a_tls_port_reached_without_tls_is_reported() {
    Test::new()
        .peer(|peer| {
            peer.request();
            // OpenSSL's response to a GET: fatal alert, unexpected message.
            peer.send(b"\x15\x03\x03\x00\x02\x02\x0a");
            peer.expect_end();
        })
        .stderr(
            "sockeye: handshake with {peer} failed: the response is a TLS alert\n\n\
             hint: the port speaks TLS: use wss://{peer}/\n",
        )
        .status(8)
        .run();
}

#[test]
fn a_malformed_head_is_refused() {
    let words = "malformed response head: [..]";
    refused(format!("{FIRST}no colon here\r\n\r\n"), words);
    refused("HTTP/1.1 1x1 Huh\r\n\r\n", words);
    refused(format!("{FIRST}Bad name: x\r\n\r\n"), words);
}

/// Floods the client, which may leave early. The end of the connection does not matter.
fn flood(peer: &mut Peer, head: &str) {
    peer.request();
    peer.offer(head.as_bytes());
    peer.discard_all();
}

#[test]
fn heads_cannot_use_unbounded_memory() {
    let one = format!("{FIRST}X: {}\r\n\r\n", "x".repeat(65 << 10));
    let many = format!("{FIRST}{}\r\n", "X-A: b\r\n".repeat(10_000));
    let endless = format!("HTTP/1.1 101 {}", "x".repeat(1 << 20));
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(2000);
    for head in [one, many, endless, early] {
        Test::new()
            .peer(move |peer| flood(peer, &head))
            .stderr("sockeye: handshake with {peer} failed: the response head exceeds 64 KiB\n")
            .status(8)
            .run();
    }
}

/// Checks that this answer opens the session.
#[track_caller]
fn opens(answer: impl Into<String>) {
    let answer = answer.into();
    Test::new()
        .peer(move |peer| {
            peer.answer(&answer);
            peer.send(text("open"));
            peer.close(1000);
        })
        .stdout("open\n")
        .run();
}

#[test]
fn an_unusual_valid_response_opens_the_session() {
    let odd = "upgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n";
    opens(format!("{FIRST}{odd}{ACCEPT}\r\n"));
    opens(format!("HTTP/1.1 101\r\n{UPGRADE}{CONNECTION}{ACCEPT}\r\n"));
    opens(format!("HTTP/1.1 101 Fine by me\r\n{UPGRADE}{CONNECTION}{ACCEPT}\r\n"));
    let folded = "Upgrade:\r\n  websocket\r\nConnection: keep-alive,\r\n\tUpgrade\r\n";
    opens(format!("{FIRST}{folded}{ACCEPT}\r\n"));
    opens(format!("{FIRST}{UPGRADE}Connection: keep-alive\r\n{CONNECTION}{ACCEPT}\r\n"));
}

#[test]
fn informational_answers_may_come_first() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    opens(format!("{early}{OPEN}\r\n"));
}

#[test]
fn a_head_may_come_byte_by_byte() {
    Test::new()
        .peer(|peer| {
            let request = peer.request();
            let key = request.header("Sec-WebSocket-Key").as_bytes();
            let accept = tungstenite::handshake::derive_accept_key(key);
            for byte in format!("{OPEN}\r\n").replace("{accept}", &accept).bytes() {
                peer.send([byte]);
            }
            peer.close(1000);
        })
        .run();
}

#[test]
fn frames_in_the_same_segment_as_the_response_are_received() {
    Test::new()
        .peer(|peer| {
            let frames = [text("one"), text("two"), text("three")[..4].to_vec()].concat();
            peer.open_and_send(&frames);
            peer.send(&text("three")[4..]);
            peer.close(1000);
        })
        .stdout("one\ntwo\nthree\n")
        .run();
}

#[test]
fn a_close_in_the_same_segment_as_the_response_is_answered() {
    Test::new()
        .peer(|peer| {
            peer.open_and_send(&crate::support::wire::close(1000, ""));
            peer.expect_close(1000);
        })
        .run();
}
