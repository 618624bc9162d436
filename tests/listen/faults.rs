//! Faults of `--fault`, seen by a client that reads bytes.

use super::reply::Script;
use crate::support::{
    Test,
    server::{Client, Server},
};
use std::{
    io::{ErrorKind, Read as _},
    time::{Duration, Instant},
};
use tungstenite::Message;

/// Returns a message as a client sends it, masked with zero.
fn masked(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

/// Returns a frame of a server.
fn frame(first: u8, payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, length], payload.as_bytes()].concat()
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload)
}

/// The state of a connection after the expected bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Open,
    /// Open, but pings are not answered.
    Silent,
    Cut,
    Reset,
}

fn receive(client: &mut Client, expected: &[u8], end: End, rule: &str) {
    let mut found = vec![0; expected.len()];
    client.stream().read_exact(&mut found).unwrap_or_else(|cause| panic!("{rule}: {cause}"));
    assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{rule}");
    match end {
        End::Open => {
            // A ping is answered after everything else.
            client.send_raw(b"\x89\x81\0\0\0\0p");
            let mut pong = [0; 3];
            client.stream().read_exact(&mut pong).unwrap();
            assert_eq!(pong, *b"\x8a\x01p", "{rule}");
        }
        End::Silent => {
            client.stream().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let cause = client.stream().read(&mut [0]).unwrap_err();
            assert_eq!(cause.kind(), ErrorKind::WouldBlock, "{rule}");
        }
        End::Cut => assert_eq!(client.stream().read(&mut [0]).unwrap(), 0, "{rule}"),
        End::Reset => {
            let cause = client.stream().read(&mut [0]).unwrap_err();
            assert_eq!(cause.kind(), ErrorKind::ConnectionReset, "{rule}");
        }
    }
}

#[test]
fn a_cut_is_no_reset_for_a_client_that_is_sending() {
    for rule in ["cut after 5 messages out", "cut frame every 6 out"] {
        let server = Server::start(["listen", "0", "--echo", "--no-compress", "--fault", rule]);
        let mut client = server.connect();
        client.send_raw(&masked("0123456789").repeat(20_000));
        let mut received = Vec::new();
        client
            .stream()
            .read_to_end(&mut received)
            .unwrap_or_else(|cause| panic!("{rule}: {cause}"));
        assert!(received.starts_with(&text("0123456789").repeat(5)), "{rule}");
        assert!(received.len() < 6 * 12, "{rule}: {}", received.len());
    }
}

#[test]
fn each_fault_happens_on_the_wire() {
    let close = [&b"\x88\x05\x0f\xa1"[..], b"bye"].concat();
    for (rule, sent, expected, end) in [
        ("drop every 2 out", &["1", "2", "3"][..], [text("1"), text("3")].concat(), End::Open),
        ("drop match 2 in", &["1", "2", "3"], [text("1"), text("3")].concat(), End::Open),
        (
            "duplicate match b out",
            &["a", "b"],
            [text("a"), text("b"), text("b")].concat(),
            End::Open,
        ),
        ("duplicate in", &["a"], [text("a"), text("a")].concat(), End::Open),
        ("split 2 out", &["abcd"], [frame(1, "ab"), frame(0x80, "cd")].concat(), End::Open),
        ("split 3 in", &["abcd"], text("abcd"), End::Open),
        ("cut after 2 messages out", &["a", "b", "c"], [text("a"), text("b")].concat(), End::Cut),
        ("cut after 2 messages", &["a", "b", "c"], [text("a"), text("b")].concat(), End::Cut),
        ("cut every 2 in", &["a", "b"], text("a"), End::Cut),
        (
            "cut frame every 2 out",
            &["abcd", "abcd"],
            [&text("abcd")[..], b"\x81\x04ab"].concat(),
            End::Cut,
        ),
        ("cut 1 out", &["abcd"], b"\x81".to_vec(), End::Cut),
        ("cut", &[], Vec::new(), End::Cut),
        ("reset match b in", &["b"], Vec::new(), End::Reset),
        ("reset after 0.05 s", &[], Vec::new(), End::Reset),
        ("close 4001:bye after 1 messages out", &["a"], [text("a"), close].concat(), End::Open),
        ("stall 0.05 after 1 messages in", &["a", "b"], [text("a"), text("b")].concat(), End::Open),
    ] {
        let server = Server::start(["listen", "--echo", "--fault", rule, "0"]);
        let mut client = server.connect();
        for message in sent {
            client.send_raw(&masked(message));
        }
        receive(&mut client, &expected, end, rule);
        drop(client);
        server.terminate();
    }
}

#[test]
fn one_byte_is_corrupted() {
    let server = Server::start(["listen", "--echo", "--fault", "corrupt out", "0"]);
    let mut client = server.connect();
    client.send_raw(&masked("abcdef"));
    let mut found = [0; 8];
    client.stream().read_exact(&mut found).unwrap();
    let changed = found.iter().zip(text("abcdef")).skip(2).filter(|(a, b)| **a != *b);
    assert_eq!((found[..2].to_vec(), changed.count()), (b"\x81\x06".to_vec(), 1));
    drop(client);
    let end = server.terminate();
    assert!(end.stderr.contains("the faults are random: --seed "), "{}", end.stderr);
}

#[test]
fn a_client_is_not_blamed_for_what_a_fault_corrupted() {
    let args = ["listen", "--echo", "-v", "--seed", "1", "--fault", "corrupt in", "0"];
    let server = Server::start(args);
    let mut client = server.connect();
    // About each second change of an ASCII character is not UTF-8.
    let mut first = [0; 1];
    for _ in 0..100 {
        client.send_raw(&masked("a"));
        client.stream().read_exact(&mut first).unwrap();
        let mut rest = [0; 2];
        if first == [0x81] {
            client.stream().read_exact(&mut rest).unwrap();
        } else {
            break;
        }
    }
    assert_eq!(first, [0x88], "no character was invalid");
    server.child.await_stderr("client 1 disconnected: a fault corrupted a message on purpose: ");
    drop(client);
    server.terminate();
}

#[test]
fn pings_are_swallowed_and_messages_are_not() {
    let server = Server::start(["listen", "--echo", "--fault", "swallow ping", "0"]);
    let mut client = server.connect();
    client.send_raw(&[&b"\x89\x81\0\0\0\0p"[..], &masked("a")].concat());
    let mut found = [0; 3];
    client.stream().read_exact(&mut found).unwrap();
    assert_eq!(found, *b"\x81\x01a");
    drop(client);
    server.terminate();
}

#[test]
fn a_delay_and_a_throttle_take_time() {
    for (rule, payload, least) in
        [("delay 0.1 in", "a", 100), ("throttle 500 out", &"x".repeat(98)[..], 150)]
    {
        let server = Server::start(["listen", "--echo", "--fault", rule, "0"]);
        let mut client = server.connect();
        let start = Instant::now();
        client.send(payload);
        client.expect_text(payload);
        assert!(start.elapsed() >= Duration::from_millis(least), "{rule}: {:?}", start.elapsed());
        drop(client);
        server.terminate();
    }
}

#[test]
fn a_client_that_leaves_during_a_stall_is_told() {
    let rule = "stall after 1 messages out";
    let server = Server::start(["listen", "--exec", "cat", "--fault", rule, "0"]);
    let mut client = server.join(1);
    client.send("a");
    client.expect_text("a");
    client.send("b");
    drop(client);
    server.child.await_stderr("client 1 disconnected: left while a fault stalled\n");
    let mut later = server.join(2);
    later.send("a");
    later.expect_text("a");
    drop(later);
    server.terminate();
}

#[test]
fn requests_are_refused() {
    let server = Server::start(["listen", "--echo", "--fault", "refuse 503 every 2", "0"]);
    for attempt in 1..=4 {
        let is_refused = tungstenite::client(server.url(), server.dial()).is_err();
        assert_eq!(is_refused, attempt % 2 == 0, "{attempt}");
    }
    server.child.await_stderr("for / with 503: refused by a fault\n");
    server.terminate();
}

#[test]
fn every_service_has_faults() {
    let duplicate = "duplicate out";
    let server = Server::start(["listen", "--broadcast", "--fault", duplicate, "0"]);
    let (mut one, mut two) = (server.join(1), server.join(2));
    one.send("a");
    two.expect_text("a");
    two.expect_text("a");
    drop((one, two));
    server.terminate();
    let server = Server::start(["listen", "--exec", "cat", "--fault", duplicate, "0"]);
    let mut client = server.join(1);
    client.send("a");
    client.expect_text("a");
    client.expect_text("a");
    drop(client);
    server.terminate();
    let server = Server::setup(["listen", "--fault", duplicate, "0"]).bytes("a\n").start();
    let mut client = server.connect();
    client.expect_text("a");
    client.expect_text("a");
    drop(client);
    server.terminate();
}

#[test]
fn a_seed_repeats_the_faults() {
    let echoes = |seed| {
        let rule = "drop chance 0.5 out";
        let server = Server::start(["listen", "--echo", "--fault", rule, "--seed", seed, "0"]);
        let mut client = server.connect();
        for number in 0..64 {
            client.send(number.to_string());
        }
        client.send("end");
        // The Close comes after all that was not dropped.
        let mut bytes = Vec::new();
        client.send_raw(b"\x88\x80\0\0\0\0");
        client.stream().read_to_end(&mut bytes).unwrap();
        drop(client);
        server.terminate();
        bytes
    };
    let first = echoes("7");
    assert!(first.len() > 8 && first.len() < 250, "{}", first.len());
    assert_eq!(echoes("7"), first);
    assert_ne!(echoes("8"), first);
}

#[test]
fn faults_do_not_hide_compression_from_a_client() {
    // Messages of a client that are dropped would break the context of those after them.
    for (rule, is_compressed) in [("delay 0.001", true), ("drop every 2", false)] {
        let server = Server::start(["listen", "--echo", "--fault", rule, "0"]);
        let mut request =
            tungstenite::client::IntoClientRequest::into_client_request(server.url()).unwrap();
        let value = "permessage-deflate".parse().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Extensions", value);
        let key = request.headers()["Sec-WebSocket-Key"].to_str().unwrap().to_owned();
        let head = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        );
        let mut stream = server.dial();
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(answer.contains("permessage-deflate"), is_compressed, "{rule}: {answer}");
        drop(stream);
        server.terminate();
    }
}

#[test]
fn a_rule_that_cannot_be_read_is_a_usage_error() {
    for (rule, words) in [
        ("dorp", "unknown fault 'dorp', did you mean 'drop'? at column 1"),
        ("drop evry 3", "unknown condition 'evry', did you mean 'every'? at column 6"),
        ("refuse 503 in", "'refuse' has no direction: it concerns requests at column 1"),
    ] {
        Test::new().args(["listen", "--fault", rule]).stderr_has([words]).status(2).run();
    }
    let words = "--seed needs --reply or --fault";
    Test::new().args(["listen", "--echo", "--seed", "1"]).stderr_has([words]).status(2).run();
}

/// The messages of a client are its own: a broken one is noticed in spite of fault rules.
#[test]
fn a_violation_is_noticed_behind_faults() {
    let server = Server::start(["listen", "--echo", "--fault", "drop match nothing", "0"]);
    let mut client = server.connect();
    client.send_raw(b"\x83\x80\0\0\0\0");
    client.expect_close(1002);
    let mut later = server.connect();
    later.send(Message::binary(vec![7; 3 << 20]));
    later.expect(Message::binary(vec![7; 3 << 20]));
    drop(later);
    server.terminate();
}

#[test]
fn fault_tables_hold_for_a_session() {
    let server = Script::example("A flaky echo server").start();
    let mut client = server.connect();
    for message in ["1", "2", "3", "4"] {
        client.send(message);
    }
    client.expect_text("1");
    client.expect_text("2");
    client.expect_text("4");
    // It has received four messages.
    client.expect_close(1012);
    assert!(tungstenite::client(server.url(), server.dial()).is_err());
    server.child.await_stderr("for / with 503: refused by a fault\n");
    let mut third = server.connect();
    third.send("1");
    third.expect_text("1");
    drop(third);
    server.terminate();
}

#[test]
fn a_reply_has_faults_of_its_own() {
    let script = Script::new(
        "[[on]]\ntext = 'duplicate'\nsend = 'x'\nduplicate = true\n\
         [[on]]\ntext = 'split'\nsend = 'abcd'\nsplit = 2\n\
         [[on]]\ntext = 'step'\nsend = 'x'\nthen = [{ send = 'abcd', split = 2 }, { send = 'y' }]\n\
         [[on]]\ntext = 'frame'\nsend = 'abcd'\ncut = 'frame'\n\
         [[on]]\ntext = 'bytes'\ndo = 'echo'\ncut = 3\n\
         [[on]]\ntext = 'plain'\nsend = 'x'\n\
         [[on]]\ntext = 'swallow'\nswallow = 'ping'\nsend = 'x'\n",
    );
    let split = [frame(1, "ab"), frame(0x80, "cd")].concat();
    for (sent, expected, end) in [
        ("duplicate", [text("x"), text("x")].concat(), End::Open),
        ("split", split.clone(), End::Open),
        ("step", [text("x"), split, text("y")].concat(), End::Open),
        ("frame", b"\x81\x04ab".to_vec(), End::Cut),
        ("bytes", b"\x81\x05b".to_vec(), End::Cut),
    ] {
        let server = script.start();
        let mut client = server.connect();
        // The faults of a message are not those of the messages around it.
        client.send_raw(&[masked("plain"), masked(sent)].concat());
        receive(&mut client, &[text("x"), expected].concat(), end, sent);
        drop(client);
        server.terminate();
    }
    let server = script.start();
    let mut client = server.connect();
    client.send("swallow");
    client.expect_text("x");
    client.send_raw(&[&b"\x89\x81\0\0\0\0p"[..], &masked("plain")].concat());
    receive(&mut client, &text("x"), End::Silent, "swallow");
    drop(client);
    server.terminate();
}

#[test]
fn throttled_and_delayed_replies_take_time() {
    for (keys, least) in [("throttle = 500", 150), ("delay = 0.1\njitter = 0.01", 100)] {
        let payload = "x".repeat(98);
        let script = Script::new(&format!("[[on]]\ntext = 'a'\nsend = '{payload}'\n{keys}\n"));
        let server = script.start();
        let mut client = server.connect();
        let start = Instant::now();
        client.send("a");
        client.expect_text(&payload);
        assert!(start.elapsed() >= Duration::from_millis(least), "{keys}: {:?}", start.elapsed());
        drop(client);
        server.terminate();
    }
}

#[test]
fn faults_are_told_with_v() {
    let server = Server::start([
        "listen",
        "--echo",
        "-v",
        "--fault",
        "drop every 2 out",
        "--fault",
        "swallow ping in",
        "--fault",
        "close 4001 after 3 messages in",
        "0",
    ]);
    let mut client = server.connect();
    client.send_raw(&[&b"\x89\x80\0\0\0\0"[..], &masked("1"), &masked("2"), &masked("3")].concat());
    client.expect_text("1");
    client.expect_text("3");
    client.expect_close(4001);
    for fault in [
        "client 1: 'swallow ping in', at a control frame received\n",
        "client 1: 'drop every 2 out', at message 2 sent\n",
        "client 1: 'close 4001 after 3 messages in'\n",
    ] {
        server.child.await_stderr(fault);
    }
    server.terminate();
}

#[test]
fn lines_of_stdin_cut_reset_and_stall_one_client() {
    let all = |faults: &[&str]| {
        let lines: Vec<_> = [r#"{"type":"await","match":"^go$","conn":1}"#]
            .iter()
            .chain(faults)
            .chain(&[r#"{"type":"text","data":"after"}"#])
            .map(|line| format!("{line}\n"))
            .collect();
        let lines = lines.concat();
        Server::setup(["listen", "--input", "jsonl", "0"]).bytes(lines).start()
    };
    let sent = r#"{"type":"text","data":"a","conn":1}"#;
    let stall = r#"{"type":"stall","seconds":0.05,"conn":1}"#;
    let endless = r#"{"type":"stall","conn":1}"#;
    let (cut, reset) = (r#"{"type":"cut","conn":1}"#, r#"{"type":"reset","conn":1}"#);
    let close = r#"{"type":"close","code":4001,"reason":"bye","conn":1}"#;
    let closed = [text("a"), b"\x88\x05\x0f\xa1bye".to_vec()].concat();
    let resumed = [text("a"), text("after")].concat();
    for (faults, expected, end, told) in [
        (&[sent, cut][..], text("a"), End::Cut, "cut by a line of stdin"),
        (&[reset], Vec::new(), End::Reset, "reset by a line of stdin"),
        (&[sent, close, cut], closed, End::Cut, "cut by a line of stdin"),
        (&[sent, stall], resumed, End::Open, ""),
        (&[sent, stall, cut], text("a"), End::Cut, "cut by a line of stdin"),
        (&[sent, endless], text("a"), End::Silent, "left while a line of stdin stalled"),
        (&[sent, endless, cut], text("a"), End::Cut, "cut by a line of stdin"),
    ] {
        let server = all(faults);
        let mut client = server.connect();
        client.send_raw(&masked("go"));
        receive(&mut client, &expected, end, &faults.concat());
        drop(client);
        if !told.is_empty() {
            server.child.await_stderr(&format!("client 1 disconnected: {told}\n"));
        }
        // The others are served.
        let mut other = server.join(2);
        other.send("b");
        other.close();
        server.terminate();
    }
}

#[test]
fn a_fault_of_stdin_does_not_wait_forever_for_a_client_that_does_not_read() {
    let long = format!("{{\"type\":\"text\",\"data\":\"{}\"}}\n", "x".repeat(12 << 20));
    let server = Server::setup([
        "listen",
        "--input",
        "jsonl",
        "--close-timeout",
        "0.2",
        "--max-queue",
        "64M",
    ])
    .bytes(format!("{long}{{\"type\":\"cut\"}}\n"))
    .start();
    let client = server.connect();
    server.child.await_stderr("client 1 disconnected: cut by a line of stdin\n");
    drop(client);
    server.terminate();
}
