//! Floods of a client: each byte of them costs the server little time, none of them costs much memory,
//! and others are served meanwhile.

use crate::support::{
    LIMIT, PATIENCE,
    meter::{Meter, flood},
    server::Server,
};
use std::{
    io::{Write as _, copy, sink},
    net::{Shutdown, TcpStream},
    thread,
};

/// The least size of a flood.
const SIZE: usize = 1 << 20;

/// Encodes a frame of a client with at most 125 bytes, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn repeated(frame: &[u8]) -> Vec<u8> {
    frame.repeat(SIZE.div_ceil(frame.len()))
}

fn start() -> Server {
    Server::start(["listen", "0", "--echo", "--close-timeout", "0.2"])
}

fn assert_still_serves(server: &Server) {
    let mut other = server.connect();
    other.send("hello");
    other.expect_text("hello");
    other.close();
}

#[test]
fn frames_without_content_cost_a_server_little() {
    let fragments =
        |fragment: &[u8]| [frame(0x01, b"a"), repeated(&frame(0x00, fragment))].concat();
    let server = start();
    for (name, bytes) in [
        ("empty pings", repeated(&frame(0x89, b""))),
        ("long pings", repeated(&frame(0x89, &[b'x'; 125]))),
        ("empty pongs", repeated(&frame(0x8a, b""))),
        ("empty fragments", fragments(b"")),
        ("fragments of a byte", fragments(b"x")),
        ("empty messages", repeated(&frame(0x81, b""))),
        ("messages of a byte", repeated(&frame(0x81, b"x"))),
    ] {
        let mut client = server.connect();
        let meter = Meter::start(server.pid);
        let stream = client.stream();
        // Echoes are not read.
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let taken = flood(&*stream, &bytes);
        assert_still_serves(&server);
        // Now they are, and the server takes everything before it answers the Close.
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let reading = thread::spawn(move || copy(&mut reader, &mut sink()));
        stream.write_all(&bytes[taken..]).unwrap();
        stream.write_all(&frame(0x88, &1000_u16.to_be_bytes())).unwrap();
        reading.join().unwrap().expect("the end of the connection");
        meter.check(name, bytes.len());
    }
    server.terminate();
}

#[test]
fn segments_of_a_byte_cost_a_server_no_more_than_a_read_each() {
    let server = start();
    let fields = "X: y\r\n".repeat(500);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    );
    let close = frame(0x88, &1000_u16.to_be_bytes());
    let frames = [frame(0x81, b"abc").repeat(1000), close].concat();
    let mut stream = server.dial();
    let meter = Meter::start(server.pid);
    let mut reader = stream.try_clone().unwrap();
    let reading = thread::spawn(move || copy(&mut reader, &mut sink()));
    for byte in head.bytes().chain(frames.iter().copied()) {
        stream.write_all(&[byte]).unwrap();
    }
    let received = reading.join().unwrap().expect("the end of the connection");
    assert!(received > 5000, "each message came back: {received} bytes");
    assert_still_serves(&server);
    meter.check("segments of a byte", head.len() + frames.len());
    server.terminate();
}

#[test]
fn a_length_of_2_62_reserves_nothing_on_a_server() {
    let server = start();
    let mut client = server.connect();
    let meter = Meter::start(server.pid);
    client.send_raw(&[&[0x82, 0xff], &(1_u64 << 62).to_be_bytes()[..], &[0; 4]].concat());
    client.expect_close(1009);
    meter.check("2^62", SIZE);
    assert_still_serves(&server);
    server.terminate();
}

#[test]
fn endless_requests_cost_a_server_little() {
    let server = start();
    for endless in [
        format!("GET /{}", "x".repeat(SIZE)),
        format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(SIZE / 6)),
        format!("GET / HTTP/1.1\r\nX: {}", ",".repeat(SIZE)),
        "\r\n".repeat(SIZE / 2),
    ] {
        let mut stream = server.dial();
        let meter = Meter::start(server.pid);
        // In pieces, each of which the server reads.
        let mut taken = 0;
        for piece in endless.as_bytes().chunks(100) {
            match stream.write(piece) {
                Ok(n) => taken += n,
                Err(_) => break,
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
        let _ = copy(&mut stream, &mut sink());
        assert_still_serves(&server);
        meter.check(&endless[..20], taken.max(64 << 10));
    }
    server.terminate();
}

#[test]
fn connections_that_send_nothing_cost_a_server_little() {
    let server = start();
    let meter = Meter::start(server.pid);
    for _ in 0..20 {
        let idle: Vec<TcpStream> = (0..50).map(|_| server.dial()).collect();
        assert_still_serves(&server);
        drop(idle);
    }
    meter.check("connections", SIZE);
    server.terminate();
}

/// Encodes an HTTP/2 frame.
fn http2(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Encodes the request of a session, with literals (RFC 7541, 6.2.2).
fn request() -> Vec<u8> {
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/"),
        ("sec-websocket-version", "13"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let literal = |(name, value)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(|field| literal(*field)).collect()
}

#[test]
fn http_2_frames_cost_a_server_little() {
    let server = start();
    let update = |stream: u32| http2(8, 0, stream, &1_u32.to_be_bytes());
    let padded = http2(0, 8, 1, &[&[255, b'x'][..], &[0; 255]].concat());
    for (name, unit) in [
        ("PING", http2(6, 0, 0, &[0; 8])),
        ("empty SETTINGS", http2(4, 0, 0, b"")),
        ("SETTINGS", http2(4, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("WINDOW_UPDATE of the connection", update(0)),
        ("WINDOW_UPDATE of the stream", update(1)),
        ("PRIORITY", http2(2, 0, 1, &[0, 0, 0, 3, 0])),
        ("unknown frames", http2(0xfa, 0, 0, b"")),
        ("empty DATA", http2(0, 0, 1, b"")),
        ("padded DATA", padded),
        ("RST_STREAM of an idle stream", http2(3, 0, 3, &8_u32.to_be_bytes())),
        ("empty CONTINUATION", http2(9, 0, 3, b"")),
    ] {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let mut start = [&preface[..], &http2(4, 0, 0, b""), &http2(1, 4, 1, &request())].concat();
        if name == "empty CONTINUATION" {
            start.extend(http2(1, 0, 3, &request()));
        }
        let mut stream = server.dial();
        let meter = Meter::start(server.pid);
        stream.write_all(&start).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let bytes = repeated(&unit);
        flood(&stream, &bytes);
        assert_still_serves(&server);
        // The server takes what it was sent, if it has not ended the connection.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = copy(&mut stream, &mut sink());
        meter.check(name, bytes.len());
    }
    server.terminate();
}
