//! Answers that do not complete the opening handshake.

use super::{answers, answers::stderr_for};
use crate::support::{Peer, Test, peer::OPEN, says};

/// Checks the error for a server that sends these bytes in answer to any request.
#[track_caller]
fn speaks(first: &'static [u8], message: &str) {
    let test = Test::new().peer(move |peer| {
        peer.request();
        peer.send(first);
        peer.half_close();
        peer.discard_all();
    });
    says(test, 8, &format!("handshake with {{peer}} failed: {message}"));
}

#[test]
fn other_services() {
    let elsewhere = "\n\nhint: check the host and port: another service listens there";
    speaks(
        b"SSH-2.0-OpenSSH_9.7\r\n",
        &format!("the response is SSH, not HTTP/1.1: 'SSH-2.0-OpenSSH_9.7'{elsewhere}"),
    );
    speaks(
        b"220 mail.example ESMTP Postfix\r\n",
        &format!("the response is SMTP, not HTTP/1.1: '220 mail.example ESMTP Postfix'{elsewhere}"),
    );
    speaks(
        b"220 (vsFTPd 3.0.5)\r\n",
        &format!("the response is FTP, not HTTP/1.1: '220 (vsFTPd 3.0.5)'{elsewhere}"),
    );
    speaks(
        b"-ERR wrong number of arguments for 'get' command\r\n",
        &format!(
            "the response is Redis, not HTTP/1.1: \
             '-ERR wrong number of arguments for 'get' command'{elsewhere}"
        ),
    );
    speaks(
        b"J\0\0\0\n8.0.36\0\x08\0\0\0",
        &format!("the response is MySQL, not HTTP/1.1{elsewhere}"),
    );
    speaks(b"E\0\0\0\x8eSFATAL\0", &format!("the response is PostgreSQL, not HTTP/1.1{elsewhere}"));
    speaks(
        b"\x05\xff",
        "the response is SOCKS5, not HTTP/1.1\n\n\
         hint: this port is a proxy: connect through it with --proxy socks5h://{peer}",
    );
    speaks(b"hello \x1b[2J?\n", "the response is not HTTP/1.1: 'hello \\x1b[2J?'");
}

#[test]
fn statuses_below_100() {
    for status in ["000", "099"] {
        answers(
            &[],
            format!("HTTP/1.1 {status} Odd\r\nContent-Length: 0\r\n\r\n"),
            8,
            "handshake with {peer} failed: malformed response head: invalid response status",
        );
    }
}

#[test]
fn other_carriers() {
    speaks(
        // OpenSSL's response to a GET: fatal alert, unexpected message.
        b"\x15\x03\x03\x00\x02\x02\x0a",
        "the response is a TLS alert\n\nhint: the port speaks TLS: use wss://{peer}/",
    );
    let over_two = "the response is HTTP/2, not HTTP/1.1\n\n\
        hint: try WebSocket over HTTP/2: --http2";
    speaks(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x80", over_two);
    speaks(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01", over_two);
}

const FIRST: &str = "HTTP/1.1 101 Switching Protocols\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";

#[test]
fn a_101_with_wrong_upgrade_headers_is_reported() {
    let accept = "Sec-WebSocket-Accept: {accept}\r\n";
    let back = "\n\nhint: check that any reverse proxy returns the Upgrade and Connection headers";
    let failed = "handshake with {peer} failed: ";
    for (answer, message) in [
        (format!("{CONNECTION}{accept}"), format!("101 without an Upgrade header{back}")),
        (
            format!("Upgrade: h2c\r\n{CONNECTION}{accept}"),
            format!("101 with 'Upgrade: h2c' instead of websocket{back}"),
        ),
        (format!("{UPGRADE}{accept}"), format!("101 without a Connection header{back}")),
        (
            format!("{UPGRADE}Connection: close\r\n{accept}"),
            format!("101 with 'Connection: close' instead of Upgrade{back}"),
        ),
        ("no colon\r\n".to_owned(), "malformed response head: [..]".to_owned()),
    ] {
        answers(&[], format!("{FIRST}{answer}\r\n"), 8, &format!("{failed}{message}"));
    }
}

#[test]
fn wrong_accept_values_are_reported() {
    let failed = "handshake with {peer} failed: ";
    let cached =
        "\n\nhint: check the URL: a cache, a proxy or an ordinary web server may have answered";
    let start = format!("{FIRST}{UPGRADE}{CONNECTION}");
    answers(
        &[],
        format!("{start}\r\n"),
        8,
        &format!("{failed}101 without Sec-WebSocket-Accept{cached}"),
    );
    answers(
        &[],
        format!("{start}Sec-WebSocket-Accept: XFtWWzFHT4Zkq1dhTRf124mXd2Y=\r\n\r\n"),
        8,
        &format!(
            "{failed}Sec-WebSocket-Accept 'XFtWWzFHT4Zkq1dhTRf124mXd2Y=' does not match the \
             request's key{cached}"
        ),
    );
    answers(
        &[],
        format!("{start}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
        8,
        &format!(
            "{failed}Sec-WebSocket-Accept 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' matches the RFC's \
             example key, not the request's\n\n\
             hint: the server must compute the value from each request's key (RFC 6455, 4.2.2)"
        ),
    );
    let echo = Test::new().peer(move |peer| {
        let request = peer.request();
        let key = request.header("Sec-WebSocket-Key");
        peer.send(format!("{start}Sec-WebSocket-Accept: {key}\r\n\r\n"));
        peer.discard_all();
    });
    says(
        echo,
        8,
        "handshake with {peer} failed: Sec-WebSocket-Accept is the request's key, not its hash\
         \n\nhint: the server must send the SHA-1 of key and GUID in base64 \
         (RFC 6455, 4.2.2)",
    );
}

#[test]
fn subprotocols_and_extensions_that_were_not_requested_are_reported() {
    let failed = "handshake with {peer} failed: ";
    let chosen = |name: &str| format!("{OPEN}Sec-WebSocket-Protocol: {name}\r\n\r\n");
    answers(
        &[],
        chosen("mqtt"),
        8,
        &format!(
            "{failed}the server selected the subprotocol 'mqtt', which was not requested\n\n\
             hint: request it with -s mqtt"
        ),
    );
    answers(
        &["-s", "chat"],
        chosen("Chat"),
        8,
        &format!(
            "{failed}the server selected the subprotocol 'Chat', which was not requested\n\n\
             hint: request it with -s Chat"
        ),
    );
    answers(
        &["-s", "a", "-s", "b"],
        chosen("a, b"),
        8,
        &format!(
            "{failed}the server selected the subprotocol 'a, b', which was not requested\n\n\
             hint: the server must select one of the requested subprotocols, or none"
        ),
    );
    answers(
        &[],
        format!("{OPEN}Sec-WebSocket-Extensions: x-sea\r\n\r\n"),
        8,
        &format!("{failed}the server selected the extension 'x-sea', which was not offered"),
    );
}

#[test]
fn ends_and_silence() {
    let tls = "\n\nhint: check the path, and that the server behind any proxy is running; otherwise try TLS \
        (wss://{peer}/) or HTTP/2 (--http2), which the port may require";
    let test = Test::new().peer(|peer| {
        peer.request();
    });
    says(
        test,
        52,
        &format!("{{peer}} closed the connection before responding to the handshake{tls}"),
    );
    let test = Test::new().peer(|peer| {
        peer.request();
        peer.reset();
    });
    says(
        test,
        52,
        &format!("{{peer}} reset the connection before responding to the handshake{tls}"),
    );
    answers(
        &[],
        "HTTP/1.1 101 Switching Protocols\r\nUpgr",
        56,
        "{peer} closed the connection in the middle of its handshake response",
    );
    let test = Test::new().args(["--handshake-timeout", "0.2"]).peer(Peer::discard_all);
    says(
        test,
        28,
        "{peer}: the WebSocket handshake timed out after 0.2 seconds\n\n\
         hint: check the path and the subprotocol (-s NAME): some servers never answer an upgrade \
         that they do not serve; otherwise raise the limit with --handshake-timeout SECONDS",
    );
    let test = Test::new().args(["--handshake-timeout", "0.2"]).peer(|peer| {
        peer.answer("HTTP/1.1 101 Switching Protocols\r\nUpgr");
        peer.discard_all();
    });
    says(
        test,
        28,
        "{peer}: the WebSocket handshake timed out after 0.2 seconds: the response stopped after \
         38 bytes\n\n\
         hint: check the server: its response lacks the empty line that ends the header (--trace \
         shows its bytes)",
    );
}

/// Returns the received bytes that the output of `--trace` shows before the error.
fn traced_bytes(stderr: &str) -> Vec<u8> {
    let received = stderr.lines().skip_while(|line| !line.contains(" < "));
    let rows = received.filter_map(|line| {
        let (offset, row) = line.split_once("  ")?;
        u32::from_str_radix(offset, 16).ok().filter(|_| offset.len() == 8)?;
        Some(row.split_once('|')?.0)
    });
    rows.flat_map(str::split_whitespace).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn trace_shows_every_byte_of_an_answer_that_opens_no_session() {
    let long =
        format!("HTTP/1.1 101 OK\r\nX: {}\r\nBad\tname: \u{1b}[2J\r\n\r\n", "x".repeat(3000));
    for (answer, status) in [
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: AAAA\r\n\r\n",
            8,
        ),
        ("HTTP/1.1 101 OK\r\nx\u{1b} y\r\n\r\n", 8),
        ("HTTP/1.1 200 OK\r\nServer: a\r\n", 56),
        ("HTTP/1.1", 56),
        ("220 mail.example ESMTP\r\n", 8),
        ("\u{0}\u{1}\u{7f}\r\n", 8),
        (&long, 8),
    ] {
        let (code, stderr) = stderr_for(&["--trace"], "/", answer, 0.0);
        assert_eq!(code, Some(status), "{stderr}");
        let traced = traced_bytes(&stderr);
        assert_eq!(String::from_utf8_lossy(&traced), answer, "{stderr}");
    }
}

/// The server keeps the connection open after part of an answer.
#[test]
fn trace_shows_a_partial_answer_after_a_time_limit() {
    for option in ["--handshake-timeout", "--connect-timeout"] {
        Test::new()
            .args([option, "0.3", "--trace"])
            .peer(|peer| {
                peer.answer("HTTP/1.1 101 OK\r\nUpgrade: web");
                peer.discard_all();
            })
            .status(28)
            .stderr_has([
                " < Upgrade: web\n",
                " < 29 bytes\n",
                "48 54 54 50 2f 31 2e 31  20 31 30 31 20 4f 4b 0d",
                "0a 55 70 67 72 61 64 65  3a 20 77 65 62",
            ])
            .run();
    }
}

/// The answer shows what is wrong with it.
#[test]
fn a_refused_or_broken_answer_is_shown() {
    let refused = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n";
    for (answer, shown) in [
        (
            refused,
            "< HTTP/1.1 101 Switching Protocols\n< Upgrade: websocket\n< Connection: Upgrade\n\
             < Sec-WebSocket-Accept: AAAA\n",
        ),
        ("HTTP/1.1 200 OK\r\nServer: a\r\n", "< HTTP/1.1 200 OK\n< Server: a\n"),
        ("HTTP/1.1 101 OK\r\nx\x1b y\r\n\r\n", "< HTTP/1.1 101 OK\n< x\\x1b y\n"),
        ("220 mail.example ESMTP\r\n", "< 220 mail.example ESMTP\n"),
    ] {
        let (code, stderr) = stderr_for(&["-v"], "/", answer, 0.0);
        assert!(stderr.contains(shown), "{stderr}");
        assert_eq!(code, Some(if answer.contains("200") { 56 } else { 8 }), "{stderr}");
    }
    let args = ["--write-out", "%{stderr}status %{http_code}"];
    let (_, stderr) = stderr_for(&args, "/", refused, 0.0);
    assert!(stderr.contains("status 101"), "{stderr}");
}

#[test]
fn a_malformed_field_line_is_named() {
    answers(
        &[],
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nBad\x1b Field: x\r\n\r\n",
        8,
        "handshake with {peer} failed: malformed response head: invalid header name: \
         'Bad\\x1b Field: x'",
    );
}

/// RFC 9112, 4: a client ignores the reason phrase.
#[test]
fn a_reason_phrase_never_fails_the_handshake() {
    for reason in ["", " ", " Protokollwechsel f\u{fc}r dich", " \x01\x7f\t"] {
        Test::new()
            .peer(move |peer| {
                peer.answer(&format!(
                    "HTTP/1.1 101{reason}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {{accept}}\r\n\r\n"
                ));
                peer.close(1000);
                peer.discard_all();
            })
            .run();
    }
}
