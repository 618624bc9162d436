//! Thousands of clients at once, and a client beside one that sends without a pause.

use crate::support::{LIMIT, child::resident_memory, server::Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Connects clients at once, each of which offers compression.
#[track_caller]
fn connect(server: &Server, count: usize) -> Vec<TcpStream> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        server.port
    );
    let clients: Vec<TcpStream> = (0..count).map(|_| server.dial()).collect();
    for mut client in &clients {
        client.write_all(request.as_bytes()).expect("the server takes a request");
    }
    for (number, client) in clients.iter().enumerate() {
        let head = read_head(client);
        assert!(head.starts_with("HTTP/1.1 101 "), "client {number}: {head}");
    }
    clients
}

fn read_head(mut client: &TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("a response");
        head.extend(byte);
    }
    String::from_utf8(head).expect("ASCII")
}

fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("the limit can be raised");
}

#[test]
fn two_thousand_clients_connect_at_once_and_leave_their_memory_to_others() {
    raise_descriptor_limit();
    let server = Server::start(["listen", "0", "-q"]);
    let memory = || resident_memory(server.pid);
    // The first clients need memory that is used once for all.
    drop(connect(&server, 10));
    let empty = memory();
    let idle = crowd(&server);
    assert!(idle - empty < CLIENTS * CLIENT_BYTES, "{} bytes", idle - empty);
    for _ in 0..2 {
        let again = crowd(&server);
        assert!(again < idle + (idle - empty) / 5, "{empty}, {idle}, then {again} bytes");
    }
    server.terminate();
}

/// Connects clients, sends a line to all and lets them leave. Returns the memory beside them.
#[track_caller]
fn crowd(server: &Server) -> usize {
    let clients = connect(server, CLIENTS);
    let memory = resident_memory(server.pid);
    server.child.write("to all\n");
    for mut client in &clients {
        let mut message = [0; 8];
        client.read_exact(&mut message).expect("a message");
        assert_eq!(message, *b"\x81\x06to all");
    }
    for client in &clients {
        client.shutdown(Shutdown::Write).expect("it is connected");
    }
    for mut client in &clients {
        let end = client.read(&mut [0]).expect("the end");
        assert_eq!(end, 0);
    }
    memory
}

/// Regression: the server served only the client whose bytes never ended.
#[test]
fn a_client_that_sends_without_a_pause_does_not_hold_up_its_neighbour() {
    let server = Server::start(["listen", "0", "--echo", "-q", "--close-timeout", "0.2"]);
    let [flooding, mut client] = <[TcpStream; 2]>::try_from(connect(&server, 2)).expect("two");
    let (mut reader, mut writer) = (flooding.try_clone().expect("a handle"), &flooding);
    thread::scope(|scope| {
        scope.spawn(move || while reader.read(&mut [0; 16 << 10]).is_ok_and(|n| n > 0) {});
        scope.spawn(move || {
            // 64 bytes, masked with zeros.
            let block = [b"\x82\xc0\0\0\0\0".as_slice(), &[b'x'; 64]].concat().repeat(1000);
            while writer.write_all(&block).is_ok() {}
        });
        let started = Instant::now();
        for _ in 0..ROUND_TRIPS {
            client.write_all(b"\x81\x85\0\0\0\0hello").expect("the server takes a message");
            let mut echo = [0; 7];
            client.read_exact(&mut echo).expect("an echo");
            assert_eq!(echo, *b"\x81\x05hello");
        }
        let time = started.elapsed();
        flooding.shutdown(Shutdown::Both).expect("it is connected");
        assert!(time < ROUND_TRIP_LIMIT * ROUND_TRIPS, "{time:?}");
    });
    server.terminate();
}

const CLIENTS: usize = 2000;
/// The memory of a client for which a debug build has room too.
const CLIENT_BYTES: usize = 16 << 10;
const ROUND_TRIPS: u32 = 20;
/// Far more than a loaded system needs.
const ROUND_TRIP_LIMIT: Duration = LIMIT.checked_div(40).expect("not zero");
