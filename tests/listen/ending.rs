//! The end of a server.

use super::reply::Script;
use crate::support::{PATIENCE, Signal, server::Server};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    process::Stdio,
};

#[test]
fn a_signal_closes_every_session_with_1001() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let server = Server::start(["listen", "--no-label", "127.0.0.1:0"]);
        let mut clients = [server.connect(), server.connect()];
        for client in &mut clients {
            client.send("hello");
        }
        server.child.await_stdout("hello\nhello\n");
        server.child.signal(signal);
        for client in &mut clients {
            client.expect_close(1001);
        }
        server.ends_by(signal);
    }
}

#[test]
fn a_signal_closes_every_echo_with_1001() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
        let mut clients = [server.connect(), server.connect()];
        for client in &mut clients {
            client.send("hello");
            client.expect_text("hello");
        }
        server.child.signal(signal);
        for client in &mut clients {
            client.expect_close(1001);
        }
        server.ends_by(signal);
    }
}

#[test]
fn a_signal_ends_it_at_once_where_nobody_is_connected() {
    for args in [
        ["listen", "0", "--close-timeout", "600", "-v"],
        ["listen", "0", "--close-timeout", "600", "--echo"],
    ] {
        let server = Server::start(args);
        server.terminate();
    }
}

#[test]
fn the_server_does_not_wait_for_a_client_that_ignores_its_close() {
    let server = Server::start(["listen", "0", "--close-timeout", "0.2"]);
    let _silent = server.join(1);
    server.terminate();
    // Nor does the server wait for a client in the middle of its handshake.
    let server = Server::start(["listen", "0", "--close-timeout", "0.2"]);
    let _half = server.dial();
    server.terminate();
}

/// A browser keeps spare connections, and a port scanner sends nothing.
#[test]
fn ctrl_c_does_not_wait_for_connections_without_a_session() {
    for options in [&["-v"][..], &["--echo"], &["--tls-self-signed"]] {
        let args = ["listen", "127.0.0.1:0", "--close-timeout", "600"];
        let (server, url) = Server::setup([&args[..], options].concat()).start_with_url();
        let address = url.split_once("://").unwrap().1;
        let mut all = [(); 3].map(|()| TcpStream::connect(address).expect("a connection"));
        all[1].write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
        // The start of a TLS handshake.
        all[2].write_all(b"\x16\x03\x01\x02\0\x01").unwrap();
        server.child.signal(Signal::INT);
        server.ends_by(Signal::INT);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let server = Server::start(["listen", "0", "--close-timeout", "60"]);
    let mut client = server.join(1);
    server.child.signal(Signal::TERM);
    let mut close = [0; 4];
    client.stream().read_exact(&mut close).expect("a Close");
    assert_eq!(close, *b"\x88\x02\x03\xe9");
    server.terminate();
}

#[test]
fn no_client_is_taken_after_a_signal() {
    let server = Server::start(["listen", "0", "--close-timeout", "10"]);
    let mut client = server.join(1);
    server.child.signal(Signal::TERM);
    let mut close = [0; 4];
    client.stream().read_exact(&mut close).expect("a Close");
    // The connection may be refused, too.
    if let Ok(late) = TcpStream::connect(("127.0.0.1", server.port())) {
        late.set_read_timeout(Some(std::time::Duration::from_secs(9))).expect("a limit");
        assert!(tungstenite::client(server.url(), late).is_err(), "a session was opened");
    }
    drop(client);
    server.ends_by(Signal::TERM);
}

#[test]
fn invalid_input_is_reported_with_its_position_and_closes_the_sessions() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut client = server.join(1);
    server.child.write(b"good\nbad \xff\nlater\n");
    client.expect_text("good");
    // The clients get a Close; their connections are not dropped.
    client.expect_close(1001);
    let end = server.ends_with(26);
    assert!(end.stderr.contains("stdin is not valid UTF-8: line 2, byte 5"), "{}", end.stderr);
}

/// Such a line took all memory.
#[test]
fn an_endless_line_is_refused_before_its_end() {
    let server = Server::start(["listen", "0"]);
    let _client = server.join(1);
    server.child.write("short\n");
    server.child.write("x".repeat((16 << 20) + 1));
    let end = server.ends_with(26);
    let words = "cannot send stdin: line 2 is longer than 16 MiB, the limit of a line";
    assert!(end.stderr.contains(words), "{}", end.stderr);
}

#[test]
fn a_closed_stdout_ends_the_server_without_an_error() {
    let server =
        Server::setup(["listen", "127.0.0.1:0"]).stdin(Stdio::null()).hold_stdout().start();
    let mut client = server.join(1);
    client.send("one");
    server.child.read_stdout("one\n");
    server.child.close_stdout();
    client.send("two");
    client.expect_close(1001);
    let end = server.ends_with(0);
    assert!(!end.stderr.contains("Broken pipe"), "{}", end.stderr);
}
