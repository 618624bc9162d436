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

/// The script's own answer, or that of a program, follows the message that ends the run.
/// Regression: a signal within the closing handshakes ended the server without a word.
#[test]
fn a_signal_does_not_hide_that_stdout_failed() {
    let server = Server::setup(["listen"]).shell("exec \"$@\" >/dev/full").start();
    let mut client = server.connect();
    client.send("hi");
    // The server waits for an answer to its Close.
    let mut close = [0; 4];
    client.stream().read_exact(&mut close).expect("a Close");
    assert_eq!(close, *b"\x88\x02\x03\xe9");
    let end = server.terminate();
    assert!(end.stderr.ends_with("cannot write stdout: no space left on device (os error 28)\n"));
}

#[test]
fn the_last_message_is_answered_before_the_end() {
    let real =
        Server::start(["listen", "0", "--exec", "while read -r x; do sleep 0.2; echo $x; done"]);
    let delayed = Script::new("[[on]]\notherwise = true\ndelay = 0.2\ndo = 'echo'\n");
    let endless = Script::new(
        "[[on]]\nopen = true\nthen = [{ every = 60, send = 'tick' }]\n[[on]]\notherwise = true\n\
         do = 'echo'\n",
    );
    let forwarding = Script::new(&format!("forward = '{}'\n", real.url()));
    let path = |script: &Script| script.path().to_str().unwrap().to_owned();
    let (delayed_path, endless_path) = (path(&delayed), path(&endless));
    let forwarding_path = path(&forwarding);
    for service in [
        &["--echo"][..],
        &["--exec", "while read -r x; do sleep 0.2; echo $x; done"],
        &["--reply", &delayed_path],
        &["--reply", &endless_path],
        &["--reply", &forwarding_path],
    ] {
        for goal in [["--count", "2"], ["--until", "^two"]] {
            let args = [&["listen", "0", "--close-timeout", "60"][..], service, &goal].concat();
            let server = Server::start(args);
            let mut client = server.connect();
            for message in ["one", "two", "three"] {
                client.send(message);
            }
            client.expect_text("one");
            client.expect_text("two");
            client.expect_close(1001);
            server.ends_with(0);
        }
    }
    real.terminate();
}

#[test]
fn the_last_message_is_passed_on_before_the_end() {
    let server = Server::start(["listen", "0", "--broadcast", "--count", "2"]);
    let (mut one, mut two) = (server.join(1), server.join(2));
    one.send("hello");
    one.send("bye");
    two.expect_text("hello");
    two.expect_text("bye");
    one.expect_close(1001);
    two.expect_close(1001);
    server.ends_with(0);
}

#[test]
fn messages_of_a_client_that_has_left_reach_the_real_server_before_the_end() {
    let real = Server::start(["listen", "0", "--count", "2"]);
    let script = Script::new(&format!("forward = '{}'\n", real.url()));
    let server = script.start_with("--clients", "1");
    let mut client = server.connect();
    client.send("one");
    client.send("two");
    client.close();
    server.ends_with(0);
    assert_eq!(real.ends_with(0).stdout, b"one\ntwo\n");
}

#[test]
fn a_command_that_does_not_end_does_not_hold_up_the_end() {
    let command = "echo hello; exec sleep 600";
    let args = ["listen", "0", "--exec", command, "--count", "1", "--close-timeout", "0.3"];
    let server = Server::start(args);
    let mut client = server.connect();
    client.expect_text("hello");
    client.send("x");
    client.expect_close(1001);
    server.ends_with(0);
}

/// What the other client has sent before it answers the Close is shown.
#[test]
fn messages_under_way_are_shown_before_the_end() {
    let server = Server::start(["listen", "0", "--once", "--no-label", "--close-timeout", "60"]);
    let (first, mut second) = (server.join(1), server.join(2));
    first.close();
    let mut close = [0; 4];
    second.stream().read_exact(&mut close).expect("a Close");
    assert_eq!(close, *b"\x88\x02\x03\xe9");
    // A text "last" and a Close with 1001, masked with zeros.
    second.send_raw(b"\x81\x84\0\0\0\0last\x88\x82\0\0\0\0\x03\xe9");
    second.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.ends_with(0).stdout, b"last\n");
}

#[test]
fn a_slow_stdout_gets_all_messages_before_the_end() {
    let setup = Server::setup(["listen", "0", "--once", "--close-timeout", "0.1"]);
    let server = setup.hold_stdout().start();
    let mut client = server.join(1);
    let message = "x".repeat(9_999);
    // More than a pipe holds, and less than what waits for stdout.
    for _ in 0..50 {
        client.send(message.as_str());
    }
    client.close();
    server.child.await_stderr("client 1 disconnected");
    // Longer than the time limit of the end.
    std::thread::sleep(PATIENCE);
    for _ in 0..50 {
        server.child.read_stdout(&format!("{message}\n"));
    }
    server.ends_with(0);
}

/// An echo and other services write nothing to stdout.
#[test]
fn a_service_without_output_needs_no_stdout() {
    for service in [&["--echo"][..], &["--exec", "cat"]] {
        let args = [&["listen", "127.0.0.1:0"][..], service].concat();
        let server = Server::setup(args).stdin(Stdio::null()).hold_stdout().start();
        server.child.close_stdout();
        let mut client = server.connect();
        client.send("one");
        client.expect_text("one");
        client.close();
        server.terminate();
    }
}
