//! Opening handshakes of invalid and hostile clients.

use crate::support::server::{Client, Server};
use std::io::{Read as _, Write as _};

/// Returns a valid request with one replacement.
fn request(from: &str, to: &str) -> String {
    let good = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert!(good.contains(from));
    good.replace(from, to)
}

#[track_caller]
fn assert_still_serves(server: &Server) {
    Client::connect(&server.url()).close();
}

#[test]
fn the_handshake_response_is_exact() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut stream = server.dial();
    stream.write_all(request("GET / ", "GET /path?q ").as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The example of RFC 6455, 1.3.
    let lines: Vec<_> = head.lines().collect();
    for line in [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ] {
        assert!(lines.contains(&line), "{head}");
    }
    assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
    server.child.await_stderr(" for /path?q\n");
    drop(stream);
    server.terminate();
}

#[test]
fn frames_in_the_same_segment_as_the_request_are_received() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut stream = server.dial();
    // "Hi", masked with zeros.
    let frames = b"\x81\x82\0\0\0\0Hi";
    let bytes = [request("/", "/").as_bytes(), frames].concat();
    stream.write_all(&bytes).unwrap();
    server.child.await_stdout("Hi\n");
    drop(stream);
    server.terminate();
}

#[test]
fn a_request_may_arrive_in_small_pieces() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut stream = server.dial();
    for byte in request("/", "/").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    stream.write_all(b"\x81\x82\0\0\0\0Hi").unwrap();
    server.child.await_stdout("Hi\n");
    drop(stream);
    server.terminate();
}

#[test]
fn a_subprotocol_is_chosen_only_if_both_speak_it() {
    let server = Server::start(["listen", "-s", "b", "-s", "c", "127.0.0.1:0"]);
    // The client's first choice that the server supports wins.
    for (asked, chosen) in
        [("a, b", Some("b")), ("c, b", Some("c")), ("a", None), ("B", None), ("", None)]
    {
        let request = if asked.is_empty() {
            request("/", "/")
        } else {
            request(
                "Upgrade: websocket",
                &format!("Sec-WebSocket-Protocol: {asked}\r\nUpgrade: websocket"),
            )
        };
        let mut stream = server.dial();
        // The Close makes the server end the connection.
        let head = {
            stream.write_all(request.as_bytes()).unwrap();
            stream.write_all(b"\x88\x80\0\0\0\0").unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).expect("an answer, and the end");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let found = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!(found, chosen, "asked for {asked:?}");
    }
    server.terminate();
}

#[test]
fn clients_with_unfinished_handshakes_do_not_block_others() {
    for args in [["listen", "0", "-v"], ["listen", "0", "--echo"]] {
        let server = Server::start(args);
        let mut halves: Vec<_> = (0..100).map(|_| server.dial()).collect();
        for half in &mut halves {
            half.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nUpg").unwrap();
        }
        let mut client = server.connect();
        client.send("hello");
        if args[2] == "--echo" {
            client.expect_text("hello");
        } else {
            server.child.await_stdout("hello\n");
            server.child.write("to you\n");
            client.expect_text("to you");
        }
        drop(halves);
        client.close();
        server.terminate();
    }
}

#[test]
fn an_endless_head_is_refused() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut stream = server.dial();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut sent = 0;
    // The server either answers with an error or closes.
    while sent < 8 << 20 {
        match stream.write(b"X-Long: 0123456789012345678901234567890123456789\r\n") {
            Ok(n) => sent += n,
            Err(_) => break,
        }
    }
    assert!(sent < 8 << 20, "it took all of {sent} bytes");
    assert_still_serves(&server);
    server.terminate();
}
