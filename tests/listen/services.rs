//! The services of a server, and the rules for its end.

use crate::support::{Signal, Test, server::Server};
use serde_json::Value;
use std::process::Stdio;
use tungstenite::Message;

#[test]
fn a_broadcast_goes_to_all_other_clients_with_its_type() {
    let server = Server::start(["listen", "--broadcast", "0"]);
    let mut clients = [1, 2, 3].map(|id| server.join(id));
    let binary = Message::binary(b"\0bin".as_slice());
    clients[0].send(binary.clone());
    clients[1].expect(binary.clone());
    clients[2].expect(binary);
    clients[1].send("text");
    // The first one gets this message and not its own.
    clients[0].expect_text("text");
    clients[2].expect_text("text");
    drop(clients);
    let end = server.terminate();
    assert_eq!(end.stdout, b"");
}

#[test]
fn a_command_runs_for_each_client() {
    let server = Server::start(["listen", "--exec", "echo \"$WS_ID $WS_PATH\"; cat", "0"]);
    for id in ["1", "2"] {
        let mut client = server.connect();
        client.expect_text(&format!("{id} /"));
        client.send("to the command");
        client.expect_text("to the command");
        client.close();
    }
    server.terminate();
}

#[test]
fn the_session_ends_with_the_command() {
    let server = Server::start(["listen", "--exec", "echo bye", "0"]);
    let mut client = server.connect();
    client.expect_text("bye");
    client.expect_close(1000);
    server.terminate();
    let server = Server::start(["listen", "--exec", "exit 3", "0"]);
    server.connect().expect_close(1011);
    server.child.await_stderr("client 1: the command failed: exit status: 3\n");
    server.terminate();
}

#[test]
fn the_server_ends_after_its_first_client() {
    let server = Server::start(["listen", "--once", "0"]);
    server.connect().close();
    server.ends_with(0);
    let server = Server::start(["listen", "--clients", "2", "--echo", "0"]);
    server.connect().close();
    server.connect().close();
    server.ends_with(0);
}

#[test]
fn the_server_ends_after_a_number_of_messages_or_a_match() {
    let server = Server::start(["listen", "--count", "2", "0"]);
    let mut client = server.connect();
    client.send("one");
    client.send("two");
    client.expect_close(1001);
    assert_eq!(server.ends_with(0).stdout, b"one\ntwo\n");
    let server = Server::start(["listen", "--until", "^stop", "--echo", "0"]);
    let mut client = server.connect();
    client.send("go");
    client.expect_text("go");
    client.send("stop it");
    client.expect_text("stop it");
    client.expect_close(1001);
    server.ends_with(0);
    let server = Server::start(["listen", "--until", "never", "--once", "0"]);
    server.connect().close();
    let end = server.ends_with(112);
    assert!(end.stderr.contains("before a message matched 'never'"), "{}", end.stderr);
}

#[test]
fn the_time_of_a_server_may_be_limited() {
    let server = Server::start(["listen", "-m", "0.3", "0"]);
    let end = server.ends_with(28);
    assert!(end.stderr.contains("timed out after 0.3 s"), "{}", end.stderr);
}

#[test]
fn a_self_signed_certificate_serves_wss() {
    let server = Server::setup(["listen", "--tls-self-signed", "--echo", "wss://127.0.0.1:0"]);
    let (server, url) = server.start_with_url();
    assert!(url.starts_with("wss://127.0.0.1:"), "{url}");
    server.child.await_stderr("connect with --pin 'sha256//");
    Test::new().args(["-qk", &url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();
    Test::new().args(["listen", "wss://0"]).stderr_has(["needs a certificate"]).status(2).run();
}

#[test]
fn events_have_the_number_of_the_client() {
    let server = Server::setup(["listen", "--output", "jsonl", "--path", "/", "0"]);
    let server = server.stdin(Stdio::null()).start();
    let (mut one, mut two) = (server.connect(), server.connect());
    one.send("from one");
    server.child.await_stdout_has("from one");
    two.send(Message::binary(b"\0".as_slice()));
    server.child.await_stdout_has("AA==");
    one.close();
    server.child.await_stderr("client 1 disconnected");
    server.child.signal(Signal::TERM);
    two.expect_close(1001);
    let stdout = String::from_utf8(server.ends_by(Signal::TERM).stdout).unwrap();
    let events: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds = |conn: Option<u64>| -> Vec<&str> {
        let own = events.iter().filter(|event| event["conn"].as_u64() == conn);
        own.map(|event| event["type"].as_str().unwrap()).collect()
    };
    assert_eq!(kinds(None), ["listening", "end"]);
    assert_eq!(kinds(Some(1)), ["request", "open", "text", "close", "close", "end"]);
    assert_eq!(kinds(Some(2))[..3], ["request", "open", "binary"]);
    assert!(events[0]["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"));
}

/// The client's first line may come before or after the line that waits for it.
#[test]
fn lines_of_stdin_wait_for_events_of_clients() {
    let server = Server::start(["listen", "--input", "jsonl", "-q", "0"]);
    let mut one = server.connect();
    one.send("early");
    server.child.await_stdout("early\n");
    server.child.write(
        "{\"type\":\"await\",\"event\":\"open\",\"match\":\"^/$\"}\n\
         {\"type\":\"await\",\"match\":\"early\",\"conn\":1}\n\
         {\"type\":\"text\",\"data\":\"first\"}\n\
         {\"type\":\"await\",\"match\":\"ready\"}\n\
         {\"type\":\"text\",\"data\":\"second\"}\n\
         {\"type\":\"await\",\"event\":\"end\",\"conn\":1}\n\
         {\"type\":\"text\",\"data\":\"third\"}\n\
         {\"type\":\"await\",\"match\":\"never\",\"seconds\":0.2}\n",
    );
    one.expect_text("first");
    one.send("not yet");
    one.send("ready");
    one.expect_text("second");
    let mut two = server.connect();
    one.close();
    two.expect_text("third");
    two.expect_close(1001);
    let end = server.ends_with(112);
    let words = "no event met the await in line 8 of stdin within 0.2 seconds";
    assert!(end.stderr.contains(words), "{}", end.stderr);
}

#[test]
fn lines_that_do_nothing_are_told_when_verbose() {
    let server = Server::start(["listen", "--input", "jsonl", "-v", "0"]);
    let mut one = server.join(1);
    server.child.write(
        "{\"type\":\"txt\",\"data\":\"a\"}\n\
         {\"type\":\"text\",\"data\":\"b\",\"conn\":[9,1]}\n\
         {\"type\":\"end\"}\n\
         {\"type\":\"txt\",\"direction\":\"out\"}\n\
         {\"type\":\"text\",\"data\":\"c\",\"conn\":0}\n",
    );
    one.expect_text("b");
    one.expect_close(1001);
    let end = server.ends_with(26);
    let told: Vec<_> = end.stderr.lines().filter(|line| line.contains("line ")).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].ends_with("line 1: unknown type \"txt\" skipped"), "{told:?}");
    assert!(told[1].ends_with("line 2: no client 9"), "{told:?}");
    assert!(told[2].contains("number from 1"), "{told:?}");
}

#[test]
fn actions_are_for_the_clients_they_name() {
    let server = Server::start(["listen", "--input", "jsonl", "0"]);
    let (mut one, mut two, mut three) = (server.join(1), server.join(2), server.join(3));
    server.child.write(
        "{\"type\":\"text\",\"data\":\"two\",\"conn\":2}\n\
         {\"type\":\"text\",\"data\":\"not two\",\"except\":[2]}\n\
         {\"type\":\"text\",\"data\":\"all\"}\n\
         {\"type\":\"close\",\"code\":4001,\"conn\":[3]}\n",
    );
    one.expect_text("not two");
    one.expect_text("all");
    two.expect_text("two");
    two.expect_text("all");
    three.expect_text("not two");
    three.expect_text("all");
    three.expect_close(4001);
    drop((one, two));
    server.terminate();
}
