//! HTTP statuses other than an upgrade (22), and connections that end without an answer (52).

use crate::support::Test;

/// Checks the error for this answer, after which the server closes.
#[track_caller]
fn shown(answer: &str, expected: &str) {
    let answer = answer.to_owned();
    Test::new()
        .peer(move |peer| {
            peer.answer(&answer);
        })
        .stderr(format!("sockeye: ws://{{peer}}/ answered {expected}\n"))
        .status(22)
        .run();
}

#[test]
fn a_404_is_shown_with_its_body() {
    shown(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\nno such thing\n\nsorry!!",
        "404 (Not Found) instead of upgrading to WebSocket\n  no such thing\n  sorry!!\n\n\
         hint: check the path: WebSocket endpoints often have one such as /ws",
    );
}

#[test]
fn a_401_is_shown_with_its_challenge() {
    shown(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"sea\"\r\n\
         Content-Length: 0\r\n\r\n",
        "401 (Unauthorized) instead of upgrading to WebSocket\n  \
         WWW-Authenticate: Basic realm=\"sea\"\n\n\
         hint: authenticate with --auth USER:PASSWORD",
    );
}

#[test]
fn a_200_is_a_web_page() {
    shown(
        "HTTP/1.1 200 OK\r\n\r\n<html>",
        "200 (OK) instead of upgrading to WebSocket: an HTML page\n\n\
         hint: check the path and port, and that any reverse proxy forwards the Upgrade and Connection headers",
    );
}

#[test]
fn a_redirect_says_where_to() {
    shown(
        "HTTP/1.1 302 Found\r\nLocation: wss://example.com/new\r\nContent-Length: 0\r\n\r\n",
        "302 (Found) instead of upgrading to WebSocket\n  Location: wss://example.com/new\n\n\
         hint: follow it with -L, or connect to wss://example.com/new",
    );
}

#[test]
fn a_status_without_a_reason_or_a_hint_is_shown_plainly() {
    shown("HTTP/1.1 418\r\n\r\n", "418 instead of upgrading to WebSocket");
}

#[test]
fn a_chunked_body_is_shown_without_its_chunks() {
    shown(
        "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nback \r\n7;x=y\r\nin 5 mi\r\n2\r\nn.\r\n0\r\n\r\n",
        "503 (Service Unavailable) instead of upgrading to WebSocket\n  back in 5 min.\n\n\
         hint: try again later; --reconnect does so automatically",
    );
}

#[test]
fn a_hostile_answer_does_not_reach_the_terminal() {
    shown(
        "HTTP/1.1 302 Found\r\nLocation: /\u{9b}31m\u{202e}\r\nContent-Length: 11\r\n\r\n\
         \x1b[2J\x1b]0;x\x07\u{7f}",
        "302 (Found) instead of upgrading to WebSocket\n  Location: /\\u{9b}31m\\u{202e}\n  \
         \\x1b[2J\\x1b]0;x\\x07\\x7f\n\n\
         hint: follow it with -L, or connect to ws://{peer}/%C2%9B31m%E2%80%AE",
    );
}

#[test]
fn a_long_answer_takes_four_lines_between_sentence_and_hint() {
    let long = "x".repeat(3000);
    let body = "a line of the body\n".repeat(400);
    let cut = "x".repeat(114);
    shown(
        &format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic {long}\r\n\r\n{body}"),
        &format!(
            "401 (Unauthorized) instead of upgrading to WebSocket\n  WWW-Authenticate: Basic {cut}...\n  \
             a line of the body\n  a line of the body\n  a line of the body\n\n\
             hint: authenticate with --auth USER:PASSWORD"
        ),
    );
}

#[test]
fn the_wait_for_a_body_is_limited_to_a_second() {
    Test::new()
        .peer(|peer| {
            peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n");
            peer.discard_all();
        })
        .stderr(
            "sockeye: ws://{peer}/ answered 404 (Not Found) instead of upgrading to WebSocket\n\n\
             hint: check the path: WebSocket endpoints often have one such as /ws\n",
        )
        .status(22)
        .takes_at_least(900)
        .run();
}

#[test]
fn a_body_that_never_ends_is_cut_short() {
    Test::new()
        .peer(|peer| {
            peer.answer("HTTP/1.1 404 Not Found\r\n\r\n");
            let line = format!("{}\n", "y".repeat(99));
            peer.offer(line.repeat(100_000).as_bytes());
            peer.discard_all();
        })
        .stderr(format!(
            "sockeye: ws://{{peer}}/ answered 404 (Not Found) instead of upgrading to WebSocket\n  \
             {0}\n  {0}\n  {0}\n  {0}\n\nhint: check the path: WebSocket endpoints often have one such as /ws\n",
            "y".repeat(99)
        ))
        .status(22)
        .run();
}

#[test]
fn a_connection_closed_before_any_answer_is_52() {
    let words = |did: &str| {
        format!(
            "sockeye: {{peer}} {did} the connection before responding to the handshake\n\n\
             hint: check the path, and that the server behind any proxy is running; otherwise try \
             TLS (wss://{{peer}}/) or HTTP/2 (--http2), which the port may require\n"
        )
    };
    Test::new()
        .peer(|peer| {
            peer.request();
        })
        .stderr(words("closed"))
        .status(52)
        .run();
    Test::new()
        .peer(|peer| {
            peer.request();
            peer.reset();
        })
        .stderr(words("reset"))
        .status(52)
        .run();
}

#[test]
fn a_connection_closed_inside_the_answer_is_56() {
    for begun in ["HTTP/1.1 101 Switching Protocols\r\nUpgr", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        Test::new()
            .peer(move |peer| {
                peer.answer(begun);
            })
            .stderr(
                "sockeye: {peer} closed the connection in the middle of its handshake response\n",
            )
            .status(56)
            .run();
    }
}
