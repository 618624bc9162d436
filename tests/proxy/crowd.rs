//! Thousands of pairs at once.

use super::{Session, UPGRADE, ask, expect, field, read_head, start};
use crate::support::{child::resident_memory, server::Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    thread,
};

fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("the limit can be raised");
}

/// Opens sessions, both ends of which belong to the test.
fn open(listener: &TcpListener, proxy: &Server, count: usize) -> Vec<Session> {
    thread::scope(|scope| {
        let servers = scope.spawn(move || -> Vec<(TcpStream, String)> {
            (0..count).map(|_| answer(listener)).collect()
        });
        let clients: Vec<(TcpStream, String)> = (0..count)
            .map(|_| {
                let client = proxy.dial();
                ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{UPGRADE}\r\n"));
                let answer = read_head(&client);
                (client, answer)
            })
            .collect();
        let servers = servers.join().expect("all are answered");
        let pairs = clients.into_iter().zip(servers);
        let session =
            |((client, answer), (server, request))| Session { client, server, request, answer };
        pairs.map(session).collect()
    })
}

fn answer(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let request = read_head(&stream);
    let accept = field(&request, "Sec-WebSocket-Key").as_bytes();
    let accept = tungstenite::handshake::derive_accept_key(accept);
    let head = format!(
        "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is read");
    (stream, request)
}

#[test]
fn five_thousand_pairs_take_little_memory() {
    raise_descriptor_limit();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let proxy =
        start(vec!["proxy", "0", &format!("ws://127.0.0.1:{port}"), "-q", "--output", "none"]).0;
    // The first pairs need memory that is used once for all.
    drop(open(&listener, &proxy, 10));
    let empty = resident_memory(proxy.pid);
    let sessions = open(&listener, &proxy, PAIRS);
    for Session { client, server, .. } in &sessions {
        let mut client = client;
        client.write_all(b"\x81\x85\0\0\0\0hello").expect("the proxy takes a message");
        let mut server = server;
        server.write_all(b"\x81\x05hello").expect("the proxy takes a message");
    }
    for Session { client, .. } in &sessions {
        expect(client, b"\x81\x05hello");
    }
    let each = (resident_memory(proxy.pid) - empty) / PAIRS;
    assert!(each <= PAIR_BYTES, "{each} bytes a pair");
    drop(sessions);
    proxy.terminate();
}

/// The number of pairs.
const PAIRS: usize = 5000;
/// The memory of an idle pair in a debug build.
const PAIR_BYTES: usize = 16 << 10;
