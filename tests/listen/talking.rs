//! Messages from stdin to the clients, and from the clients to stdout.

use crate::support::Test;
use crate::support::server::Server;
use std::process::Stdio;
use tungstenite::Message;

#[test]
fn a_line_of_stdin_goes_to_every_client_and_what_they_send_to_stdout() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut one = server.join(1);
    let mut two = server.join(2);
    server.child.write("to all\nand \u{e9}\r\n\n");
    for client in [&mut one, &mut two] {
        client.expect_text("to all");
        client.expect_text("and \u{e9}");
        client.expect_text("");
    }
    one.send("from one");
    server.child.await_stdout("from one\n");
    // From the second client that sends on, each message has the client's number.
    two.send("from two \x1b[31m\u{e9}");
    server.child.await_stdout("from one\n2\tfrom two \x1b[31m\u{e9}\n");
    server.child.await_stderr("client's number and a tab");
    one.send(Message::binary(b"\0\xff\r\n\x80".as_slice()));
    let all = b"from one\n2\tfrom two \x1b[31m\xc3\xa9\n1\t\0\xff\r\n\x80\n";
    server.child.await_stdout(all);
    one.close();
    server.child.await_stderr("client 1 disconnected\n");
    // The server continues with the remaining client.
    server.child.write("still here\n");
    two.expect_text("still here");
    server.child.signal(crate::support::Signal::TERM);
    two.expect_close(1001);
    let end = server.ends_by(crate::support::Signal::TERM);
    assert_eq!(end.stdout, all);
    let words: Vec<_> =
        end.stderr.lines().map(|line| line.split(" from ").next().unwrap()).collect();
    let expected = ["sockeye: client 1 connected", "sockeye: client 2 connected"];
    assert_eq!(words[..2], expected, "{}", end.stderr);
}

#[test]
fn sockeye_talks_to_sockeye() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let url = server.url();
    Test::new().args(["-w", "0", &url]).stdin("one\ntwo \u{e9}\n").run();
    server.child.await_stdout("one\ntwo \u{e9}\n");
    server.terminate();
    let server = Server::start(["listen", "--echo", "127.0.0.1:0"]);
    let url = server.url();
    for _ in 0..3 {
        Test::new()
            .args(["--count", "2", &url])
            .stdin("one\ntwo \u{e9}\n")
            .stdout("one\ntwo \u{e9}\n")
            .run();
    }
    let end = server.terminate();
    assert_eq!((end.stdout.len(), end.stderr.as_str()), (0, ""));
}

#[test]
fn echo_sends_every_message_back_to_its_sender_only() {
    let server = Server::start(["listen", "--echo", "127.0.0.1:0"]);
    let (mut one, mut two) = (server.connect(), server.connect());
    // With --echo, stdin is not sent to anyone.
    server.child.write("not sent\n");
    let long = "\u{20ac}".repeat(100_000);
    for text in ["", "hello", &long] {
        one.send(text);
        one.expect_text(text);
        two.send(Message::binary(text.as_bytes().to_vec()));
        two.expect(Message::binary(text.as_bytes().to_vec()));
    }
    one.send(Message::Ping(b"are you there".as_slice().into()));
    one.expect(Message::Pong(b"are you there".as_slice().into()));
    one.close();
    two.send("alone");
    two.expect_text("alone");
    two.close();
    let end = server.terminate();
    assert_eq!(end.stdout, b"");
}

#[test]
fn a_last_line_without_a_newline_is_sent() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut client = server.join(1);
    server.child.write("first\nlast");
    server.child.end_stdin();
    client.expect_text("first");
    client.expect_text("last");
    client.close();
    server.terminate();
}

#[test]
fn the_server_continues_after_the_end_of_stdin() {
    let empty = || {
        let server = Server::start(["listen", "127.0.0.1:0"]);
        server.child.end_stdin();
        server
    };
    let null = || Server::setup(["listen", "127.0.0.1:0"]).stdin(Stdio::null()).start();
    for server in [empty(), null()] {
        for id in 1..3 {
            let mut client = server.join(id);
            client.send(format!("from {id}"));
            server.child.await_stderr(&format!("client {id} connected"));
            client.close();
        }
        server.child.await_stdout("from 1\n2\tfrom 2\n");
        server.terminate();
    }
}

#[test]
fn lines_before_the_first_client_wait_for_it() {
    let server = Server::setup(["listen", "127.0.0.1:0"]).bytes("early\n".repeat(50_000)).start();
    let mut client = server.connect();
    for _ in 0..50_000 {
        client.expect_text("early");
    }
    client.close();
    server.terminate();
}

#[test]
fn many_lines_reach_every_client_in_order() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let mut clients = [1, 2, 3].map(|id| server.join(id));
    let lines: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| server.child.write(&lines));
        for client in &mut clients {
            scope.spawn(move || (0..10_000).for_each(|n| client.expect_text(&format!("line {n}"))));
        }
    });
    drop(clients);
    server.terminate();
}

#[test]
fn many_messages_of_many_clients_are_all_on_stdout() {
    let server = Server::start(["listen", "--no-label", "127.0.0.1:0"]);
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let mut client = server.connect();
            scope.spawn(move || {
                (0..5_000).for_each(|n| client.send(format!("{name} {n}")));
                client.close();
            });
        }
    });
    server.child.await_stderr("client 1 disconnected");
    server.child.await_stderr("client 2 disconnected");
    server.child.await_stderr("client 3 disconnected");
    let end = server.terminate();
    let stdout = String::from_utf8(end.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 15_000);
    for name in ["a", "b", "c"] {
        let own = stdout.lines().filter(|line| line.starts_with(name));
        assert!(own.eq((0..5_000).map(|n| format!("{name} {n}"))), "the messages of {name}");
    }
}

#[test]
fn a_client_that_breaks_the_protocol_is_closed_and_the_others_stay() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let (mut one, mut two) = (server.join(1), server.join(2));
    // A client must mask its frames.
    one.send_raw(b"\x81\x02hi");
    one.expect_close(1002);
    server.child.await_stderr("client 1 disconnected: the client violated the protocol: ");
    two.send("still here");
    server.child.await_stdout("still here\n");
    two.close();
    server.terminate();
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let server = Server::start(["listen", "--max-message", "1000", "--no-label", "127.0.0.1:0"]);
    let (mut one, mut two) = (server.join(1), server.join(2));
    one.send("x".repeat(1000));
    one.send("x".repeat(1001));
    one.expect_close(1009);
    two.send("still here");
    server.child.await_stdout(format!("{}\nstill here\n", "x".repeat(1000)));
    two.close();
    server.terminate();
}
