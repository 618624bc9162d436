//! Answers that do not complete the opening handshake.

use super::answers;
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
    let elsewhere = "\n\nhint: another service listens there: check host and port";
    speaks(
        b"SSH-2.0-OpenSSH_9.7\r\n",
        &format!("its answer is SSH, not HTTP/1.1: 'SSH-2.0-OpenSSH_9.7'{elsewhere}"),
    );
    speaks(
        b"220 mail.example ESMTP Postfix\r\n",
        &format!("its answer is SMTP, not HTTP/1.1: '220 mail.example ESMTP Postfix'{elsewhere}"),
    );
    speaks(
        b"220 (vsFTPd 3.0.5)\r\n",
        &format!("its answer is FTP, not HTTP/1.1: '220 (vsFTPd 3.0.5)'{elsewhere}"),
    );
    speaks(
        b"-ERR wrong number of arguments for 'get' command\r\n",
        &format!(
            "its answer is Redis, not HTTP/1.1: \
             '-ERR wrong number of arguments for 'get' command'{elsewhere}"
        ),
    );
    speaks(
        b"J\0\0\0\n8.0.36\0\x08\0\0\0",
        &format!("its answer is MySQL, not HTTP/1.1{elsewhere}"),
    );
    speaks(b"E\0\0\0\x8eSFATAL\0", &format!("its answer is PostgreSQL, not HTTP/1.1{elsewhere}"));
    speaks(b"hello \x1b[2J?\n", "its answer is not HTTP/1.1: 'hello \\x1b[2J?'");
}

#[test]
fn statuses_below_100() {
    for status in ["000", "099"] {
        answers(
            &[],
            format!("HTTP/1.1 {status} Odd\r\nContent-Length: 0\r\n\r\n"),
            8,
            "handshake with {peer} failed: the head of its answer is malformed: invalid response status",
        );
    }
}

#[test]
fn other_carriers() {
    speaks(
        // OpenSSL's response to a GET: fatal alert, unexpected message.
        b"\x15\x03\x03\x00\x02\x02\x0a",
        "it answered with a TLS alert\n\nhint: the port speaks TLS: use wss://{peer}/",
    );
    let over_two = "its answer is HTTP/2, not HTTP/1.1\n\n\
        hint: see whether it has WebSocket over HTTP/2: --http2";
    speaks(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x80", over_two);
    speaks(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01", over_two);
}

const FIRST: &str = "HTTP/1.1 101 Switching Protocols\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";

#[test]
fn switching_to_nothing() {
    let accept = "Sec-WebSocket-Accept: {accept}\r\n";
    let back = "\n\nhint: a reverse proxy, if there is one, must pass the headers Upgrade and \
        Connection back";
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
        ("no colon\r\n".to_owned(), "the head of its answer is malformed: [..]".to_owned()),
    ] {
        answers(&[], format!("{FIRST}{answer}\r\n"), 8, &format!("{failed}{message}"));
    }
}

#[test]
fn keys() {
    let failed = "handshake with {peer} failed: ";
    let cached = "\n\nhint: a cache, a proxy or something that is no WebSocket server answered";
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
            "{failed}Sec-WebSocket-Accept 'XFtWWzFHT4Zkq1dhTRf124mXd2Y=' is not the answer to our \
             key{cached}"
        ),
    );
    answers(
        &[],
        format!("{start}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
        8,
        &format!(
            "{failed}Sec-WebSocket-Accept 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' is the answer to the \
             RFC's example, not to our key\n\n\
             hint: the server must work the answer out anew for each key (RFC 6455, 4.2.2)"
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
        "handshake with {peer} failed: Sec-WebSocket-Accept is our own key, not its hash\
         \n\nhint: the server must answer with the SHA-1 of key and GUID, in base64 \
         (RFC 6455, 4.2.2)",
    );
}

#[test]
fn choices() {
    let failed = "handshake with {peer} failed: ";
    let chosen = |name: &str| format!("{OPEN}Sec-WebSocket-Protocol: {name}\r\n\r\n");
    answers(
        &[],
        chosen("mqtt"),
        8,
        &format!(
            "{failed}it chose the subprotocol 'mqtt', which was not requested\n\n\
             hint: ask for it with -s mqtt"
        ),
    );
    answers(
        &["-s", "chat"],
        chosen("Chat"),
        8,
        &format!(
            "{failed}it chose the subprotocol 'Chat', which was not requested\n\n\
             hint: ask for it with -s Chat"
        ),
    );
    answers(
        &["-s", "a", "-s", "b"],
        chosen("a, b"),
        8,
        &format!(
            "{failed}it chose the subprotocol 'a, b', which was not requested\n\n\
             hint: the server must choose one of those asked for, or none"
        ),
    );
    answers(
        &[],
        format!("{OPEN}Sec-WebSocket-Extensions: x-sea\r\n\r\n"),
        8,
        &format!("{failed}it chose the extension 'x-sea', which was not offered"),
    );
}

#[test]
fn ends_and_silence() {
    let tls = "\n\nhint: the port may want TLS (wss://{peer}/) or HTTP/2 (--http2)";
    let test = Test::new().peer(|peer| {
        peer.request();
    });
    says(
        test,
        52,
        &format!("{{peer}} closed the connection without an answer to the handshake{tls}"),
    );
    let test = Test::new().peer(|peer| {
        peer.request();
        peer.reset();
    });
    says(
        test,
        52,
        &format!("{{peer}} reset the connection without an answer to the handshake{tls}"),
    );
    answers(
        &[],
        "HTTP/1.1 101 Switching Protocols\r\nUpgr",
        56,
        "{peer} closed the connection inside its answer to the handshake",
    );
    let test = Test::new().args(["--handshake-timeout", "0.2"]).peer(Peer::discard_all);
    says(
        test,
        28,
        "{peer}: the answer to the handshake took longer than 0.2 seconds\n\n\
         hint: raise the limit with --handshake-timeout SECONDS",
    );
}
