//! Bounded memory of a server whose clients or stdout are not read.

use crate::support::{
    LIMIT, PATIENCE,
    server::{Client, Server},
};
use crate::support::{Signal, child::peak_memory};
use std::{
    io::{Read as _, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    thread,
};

/// Writes until the reader takes nothing for a while, and returns how many bytes were taken.
fn flood(mut to: impl Write, bytes: &[u8]) -> usize {
    let mut taken = 0;
    while let Some(rest @ [_, ..]) = bytes.get(taken..) {
        match to.write(rest) {
            Ok(n) => taken += n,
            Err(_) => break,
        }
    }
    taken
}

fn peak(server: &Server) -> usize {
    peak_memory(server.pid)
}

#[test]
fn the_only_client_sets_the_pace_of_stdin_and_uses_no_memory() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let setup = Server::setup(["listen", "0", "--close-timeout", "0.2"]);
    let server = setup.stdin(OwnedFd::from(theirs)).start();
    let slow = server.join(1);
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    let lines = format!("{}\n", "x".repeat(9_999)).repeat(HUGE / 10_000);
    let taken = flood(&ours, lines.as_bytes());
    assert!(taken < LARGE, "it read {taken} bytes that nobody takes");
    assert!(peak(&server) < LARGE, "it had {} bytes", peak(&server));
    // Stdin is read again for the next client, who reads, once the slow one has left.
    drop(slow);
    server.child.await_stderr("client 1 disconnected");
    let quick = server.join(2);
    let reading = thread::spawn(move || quick.drain());
    ours.set_write_timeout(Some(LIMIT)).unwrap();
    let rest = flood(&ours, &lines.as_bytes()[taken..]);
    assert_eq!(taken + rest, lines.len());
    assert!(peak(&server) < LARGE, "it had {} bytes", peak(&server));
    server.terminate();
    reading.join().expect("it read until the end");
}

#[test]
fn a_stdout_that_is_not_read_stops_the_clients() {
    let setup = Server::setup(["listen", "0", "--close-timeout", "0.2"]);
    let server = setup.hold_stdout().start();
    let mut client = server.join(1);
    assert_bounded(&server, &mut client);
    server.child.signal(Signal::TERM);
    server.ends_by(Signal::TERM);
}

#[test]
fn an_echo_that_is_not_read_stops_its_client_and_no_other() {
    let server = Server::start(["listen", "0", "--echo", "--close-timeout", "0.2"]);
    let mut client = server.connect();
    assert_bounded(&server, &mut client);
    let mut other = server.connect();
    other.send("hello");
    other.expect_text("hello");
    // The server sends the pending echoes once the client reads.
    let mut buffer = vec![0; 1 << 20];
    client.stream().read_exact(&mut buffer).expect("echoes");
    assert!(buffer.starts_with(b"\x82\x7e\x27\x10"), "{}", buffer[..8].escape_ascii());
    other.close();
    server.terminate();
}

/// Floods the server with messages that it cannot pass on, and checks its memory.
#[track_caller]
fn assert_bounded(server: &Server, client: &mut Client) {
    // 10,000 bytes, masked with zeros.
    let frame = [b"\x82\xfe\x27\x10\0\0\0\0".as_slice(), &[b'x'; 10_000]].concat();
    client.stream().set_write_timeout(Some(PATIENCE)).unwrap();
    let taken = flood(client.stream(), &frame.repeat(HUGE / frame.len()));
    assert!(taken < LARGE, "it took {taken} bytes");
    assert!(peak(server) < LARGE, "it had {} bytes", peak(server));
}

/// Far more than all buffers of the system hold.
const HUGE: usize = 96 << 20;
/// More than the buffers hold.
const LARGE: usize = 48 << 20;
