//! Reply scripts: the examples of docs/replies.md, and what ends a run.

use crate::support::{Signal, Test, server::Server};
use std::{io::Read as _, path::PathBuf};
use tungstenite::{Message, client::IntoClientRequest as _};

/// A reply script in a folder of its own.
pub struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("reply.toml"), text).unwrap();
        Self { folder }
    }

    /// Takes an example of docs/replies.md, by the sentence before it.
    #[track_caller]
    pub fn example(begin: &str) -> Self {
        let docs = include_str!("../../docs/replies.md");
        let at = docs.find(begin).unwrap_or_else(|| panic!("docs/replies.md lacks {begin:?}"));
        let example = docs[at..].split("```").nth(1).unwrap();
        Self::new(example.strip_prefix("toml\n").expect("an example in TOML"))
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("reply.toml")
    }

    pub fn start(&self) -> Server {
        Server::start(["listen", "--reply", self.path().to_str().unwrap(), "0"])
    }

    pub fn start_with(&self, option: &str, value: &str) -> Server {
        Server::start(["listen", "--reply", self.path().to_str().unwrap(), option, value, "0"])
    }
}

#[test]
fn rules_reply_in_order() {
    let server = Script::example("Rules are tried in order").start();
    let mut client = server.connect();
    client.expect_text(r#"{"hello":"1"}"#);
    client.send("ping");
    client.expect_text("pong");
    client.send("add 7");
    client.expect_text("added 7");
    client.send(r#"{"id":3,"op":"sub","x":1}"#);
    client.expect_text(r#"{"id":3,"ok":true}"#);
    client.send("anything else");
    client.expect_text("anything else");
    client.send("bye");
    client.expect_close(4001);
    server.terminate();
}

#[test]
fn a_reply_has_steps() {
    let script = Script::example("A reply may have more steps");
    std::fs::write(script.folder.path().join("big.json"), "[1,2]").unwrap();
    let server = script.start();
    let mut client = server.connect();
    client.send("go");
    for expected in ["started", "tick 1", "tick 2", "[1,2]"] {
        client.expect_text(expected);
    }
    client.expect(Message::binary(b"\x00\xff".as_slice()));
    client.expect_close(1000);
    server.terminate();
}

#[test]
fn messages_go_to_other_clients() {
    let server = Script::example("A chat").start();
    let (mut one, mut two) = (server.join(1), server.join(2));
    one.send("hello");
    two.expect_text("1: hello");
    two.send("/all");
    two.expect_text("2 calls");
    one.expect_text("2 calls");
    drop((one, two));
    server.terminate();
}

#[test]
fn a_conversation_has_states() {
    let server = Script::example("A login").start();
    let mut client = server.connect();
    for (message, answer) in [("get", "log in first"), ("login", "welcome"), ("get", "data")] {
        client.send(message);
        client.expect_text(answer);
    }
    drop(client);
    server.terminate();
}

#[test]
fn an_unreliable_server_resets_cuts_and_stalls() {
    let server = Script::example("An unreliable server").start();
    let mut reset = server.join(1);
    reset.send("reset");
    let cause = reset.stream().read(&mut [0]).unwrap_err();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionReset);
    server.child.await_stderr("client 1 disconnected: reset by the reply script");
    let mut cut = server.join(2);
    cut.send("cut");
    assert_eq!(cut.stream().read(&mut [0]).unwrap(), 0);
    server.child.await_stderr("client 2 disconnected: cut by the reply script");
    let mut stalled = server.join(3);
    stalled.send("stall");
    stalled.expect_text("wait for it");
    drop(stalled);
    server.child.await_stderr("client 3 disconnected: left while the reply script stalled");
    let mut later = server.join(4);
    later.send("slow");
    later.expect_text("slow");
    drop(later);
    let end = server.terminate();
    assert!(end.stderr.contains("the replies are random: --seed "), "{}", end.stderr);
}

#[test]
fn a_stalled_client_does_not_hold_up_the_end() {
    let server = Script::new("[[on]]\nopen = true\nstall = true").start();
    let mut client = server.join(1);
    server.child.signal(Signal::TERM);
    client.expect_close(1001);
    server.ends_by(Signal::TERM);
}

#[test]
fn sighup_has_the_file_read_again() {
    let script = Script::new("[[on]]\notherwise = true\nsend = 'old'");
    let server = script.start();
    let mut first = server.join(1);
    std::fs::write(script.path(), "[[on]]\notherwise = true\nsned = 'new'").unwrap();
    server.child.signal(Signal::HUP);
    server.child.await_stderr("reply.toml:3:1: unknown key 'sned'");
    let mut second = server.join(2);
    std::fs::write(script.path(), "[[on]]\notherwise = true\nsend = 'new'").unwrap();
    server.child.signal(Signal::HUP);
    server.child.await_stderr("reply.toml was read again, for clients to come\n");
    let mut third = server.join(3);
    for (client, expected) in [(&mut first, "old"), (&mut second, "old"), (&mut third, "new")] {
        client.send("x");
        client.expect_text(expected);
    }
    drop((first, second, third));
    server.terminate();
    // Without a file it ends the server.
    let server = Server::start(["listen", "--echo", "0"]);
    server.child.signal(Signal::HUP);
    server.ends_by(Signal::HUP);
}

#[test]
fn the_reply_comes_before_the_answer_to_a_close() {
    let server = Script::new("[[on]]\notherwise = true\nsend = 'answer'").start();
    let mut client = server.connect();
    // A text "a" and a Close, both masked with zero.
    client.send_raw(b"\x81\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8");
    client.expect_text("answer");
    server.terminate();
}

#[test]
fn paths_have_rules_of_their_own() {
    let server = Script::example("Paths may have rules of their own").start();
    let connect = |path: &str| {
        let url = format!("{}{path}", server.url());
        tungstenite::client(url.into_client_request().unwrap(), server.dial())
            .map_err(|fault| fault.to_string())
    };
    let (mut room, _) = connect("chat/kitchen?x=1").unwrap();
    assert_eq!(room.read().unwrap(), Message::text("welcome to kitchen"));
    let (mut time, _) = connect("time").unwrap();
    time.send(Message::text("now")).unwrap();
    assert!(time.read().unwrap().into_text().unwrap().ends_with('Z'));
    let refused = connect("other").unwrap_err();
    assert!(refused.contains("404"), "{refused}");
    server.child.await_stderr("for /other with 404: no such path\n");
    drop((room, time));
    server.terminate();
}

#[test]
fn expectations_decide_the_exit_status() {
    let script = Script::example("For a test of a client");
    let met = script.start_with("--clients", "1");
    let run = |server: &Server, token: &str, message: &str| {
        let mut request = server.url().into_client_request().unwrap();
        request.headers_mut().insert("Authorization", token.parse().unwrap());
        let (mut client, _) = tungstenite::client(request, server.dial()).unwrap();
        client.send(Message::text(message)).unwrap();
        client.close(None).unwrap();
        while client.read().is_ok() {}
    };
    run(&met, "Bearer x", "login");
    met.ends_with(0);
    let unmet = script.start_with("--clients", "1");
    run(&unmet, "S3CRET", "debug");
    let end = unmet.ends_with(112);
    let expected = "sockeye: the reply script expected otherwise: the header Authorization of client \
                    1 is not as expected; client 1 sent a message that the rule in line 4 forbids; \
                    rule 1 in line 1 was not used; rule 2 in line 4 was used once\n";
    assert!(end.stderr.ends_with(expected), "{}", end.stderr);
    // A signal does not hide it.
    let server = script.start();
    server.child.signal(Signal::TERM);
    let end = server.ends_with(112);
    assert!(end.stderr.contains("no client connected"), "{}", end.stderr);
}

#[test]
fn a_fault_of_the_file_is_located() {
    let script = Script::new("[[on]]\ntext = 'a'\nsned = 'b'\n");
    let path = script.path();
    let path = path.to_str().unwrap();
    for check in [&[][..], &["--reply-check"]] {
        let stderr =
            format!("sockeye: {path}:3:1: unknown key 'sned'\n\nhint: did you mean 'send'?\n");
        let args = ["listen", "--reply", path, "0"];
        Test::new().args(args).args(check).stderr(stderr).status(2).run();
    }
    std::fs::write(path, "[[on]]\ntext = 'a'\n").unwrap();
    let stderr = "sockeye: the reply script is valid\n";
    Test::new().args(["listen", "--reply", path, "--reply-check"]).stderr(stderr).run();
}

#[test]
fn a_seed_repeats_what_is_random() {
    let script = Script::new("[[on]]\nopen = true\nsend = '${uuid}'\nclose = true");
    let uuid = |seed| {
        let server = script.start_with("--seed", seed);
        let (mut client, _) = tungstenite::client(server.url(), server.dial()).unwrap();
        let first = client.read().unwrap();
        drop(client);
        let end = server.terminate();
        let note = format!("the replies are random: --seed {seed} repeats them\n");
        assert!(end.stderr.contains(&note), "{}", end.stderr);
        first
    };
    assert_eq!(uuid("7"), uuid("7"));
    assert_ne!(uuid("7"), uuid("8"));
}
