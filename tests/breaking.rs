//! `sockeye proxy` with fault rules, between a client and a server that read and write bytes.

use crate::support::{
    Test,
    server::{Client, Server, ServerOutput},
};
use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    time::{Duration, Instant},
};
use tempfile::tempdir;

/// An echo server, and a proxy with faults before it.
struct Broken {
    proxy: Server,
    echo: Server,
}

impl Broken {
    #[track_caller]
    fn start(args: &[&str]) -> Self {
        Self::before(&["--no-compress"], args)
    }

    #[track_caller]
    fn before(server: &[&str], args: &[&str]) -> Self {
        let echo = Server::start([&["listen", "127.0.0.1:0", "--echo"], server].concat());
        let url = echo.url();
        let args = [&["proxy"], args, &["127.0.0.1:0", &url]].concat();
        let (mut proxy, line) = Server::setup(args).start_with_url();
        let (own, _) = line.split_once(", passing on to ").expect("both addresses");
        proxy.port = own.rsplit(':').next().unwrap().parse().unwrap();
        Self { proxy, echo }
    }

    fn connect(&self) -> Client {
        self.proxy.connect()
    }

    fn ends(self) -> (ServerOutput, ServerOutput) {
        (self.proxy.terminate(), self.echo.terminate())
    }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// Returns a message as a client sends it, masked with zero.
fn masked(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

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
            client.send_raw(b"\x89\x81\0\0\0\0p");
            let mut pong = [0; 3];
            client.stream().read_exact(&mut pong).unwrap();
            assert_eq!(pong, *b"\x8a\x01p", "{rule}");
        }
        End::Silent => {
            client.send_raw(b"\x89\x81\0\0\0\0p");
            client.stream().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
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
fn each_fault_happens_to_a_client() {
    let close = [&b"\x88\x05\x0f\xa1"[..], b"bye"].concat();
    for (rule, sent, expected, end) in [
        ("drop every 2 in", &["1", "2", "3"][..], [text("1"), text("3")].concat(), End::Open),
        ("drop match 2 out", &["1", "2", "3"], [text("1"), text("3")].concat(), End::Open),
        ("duplicate in", &["a"], [text("a"), text("a")].concat(), End::Open),
        (
            "duplicate every 2 out",
            &["a", "b"],
            [text("a"), text("b"), text("b")].concat(),
            End::Open,
        ),
        ("split 2 out", &["abcd"], [frame(1, "ab"), frame(0x80, "cd")].concat(), End::Open),
        ("split 3 in", &["abcd"], text("abcd"), End::Open),
        ("cut after 2 messages out", &["a", "b", "c"], [text("a"), text("b")].concat(), End::Cut),
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
        ("close 4001:bye after 1 messages out", &["a"], [text("a"), close].concat(), End::Cut),
        ("swallow ping in", &["a"], text("a"), End::Silent),
        ("swallow pong out", &["a"], text("a"), End::Silent),
        ("stall after 1 messages out", &["a"], text("a"), End::Silent),
        ("stall 0.05 after 1 messages in", &["a", "b"], [text("a"), text("b")].concat(), End::Open),
        ("delay 0.05 jitter 0.01", &["a", "b"], [text("a"), text("b")].concat(), End::Open),
        ("throttle 200 out", &["a", "b"], [text("a"), text("b")].concat(), End::Open),
    ] {
        let broken = Broken::start(&["--fault", rule]);
        let mut client = broken.connect();
        for message in sent {
            client.send_raw(&masked(message));
        }
        receive(&mut client, &expected, end, rule);
        drop(client);
        broken.ends();
    }
}

/// Prevents that the other leg of a broken session stays open, or ends as if nothing had happened.
#[test]
fn the_server_suffers_the_fault_too() {
    for (rule, words) in [
        ("cut after 1 messages in", "without a Close frame"),
        ("cut frame every 1 in", "without a Close frame"),
        ("reset after 1 messages in", "connection reset"),
        ("close 4001:bye after 1 messages in", "4001"),
    ] {
        let broken = Broken::before(&["--clients", "1", "-v"], &["-v", "--fault", rule]);
        let mut client = broken.connect();
        client.send("hello");
        let _ = client.stream().read_to_end(&mut Vec::new());
        drop(client);
        let server = broken.echo.ends_with(0);
        assert!(server.stderr.contains(words), "{rule}: {}", server.stderr);
        let proxy = broken.proxy.terminate();
        assert!(proxy.stderr.contains(&format!("client 1: '{rule}'")), "{}", proxy.stderr);
    }
}

#[test]
fn a_refused_request_does_not_reach_the_server() {
    let broken = Broken::before(&["-v"], &["--fault", "refuse 503 every 2"]);
    broken.connect().close();
    let mut refused = broken.proxy.dial();
    refused.write_all(REQUEST.as_bytes()).unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    broken.connect().close();
    let (proxy, server) = broken.ends();
    assert!(proxy.stderr.contains("with 503: a fault"), "{}", proxy.stderr);
    assert_eq!(server.stderr.matches(" connected from").count(), 2, "{}", server.stderr);
}

#[test]
fn the_rules_of_a_file_are_read_and_their_mistakes_have_places() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("rules");
    let file = path.to_str().unwrap();
    fs::write(&path, "# every second message\n\n  drop every 2 in\nswallow ping\n").unwrap();
    let broken = Broken::start(&["--faults", file]);
    let mut client = broken.connect();
    for message in ["1", "2", "3"] {
        client.send_raw(&masked(message));
    }
    receive(&mut client, &[text("1"), text("3")].concat(), End::Silent, "a file");
    drop(client);
    broken.ends();
    fs::write(&path, "drop\n  drop evry 2\n").unwrap();
    Test::new()
        .args(["proxy", "--faults", file, "0", "ws://127.0.0.1:1"])
        .stderr_has(["rules:2:8: unknown condition 'evry'"])
        .status(2)
        .run();
}

/// Prevents that a fault of one compressed message makes those after it unreadable, which are
/// compressed with the context of earlier ones.
#[test]
fn faults_of_compressed_messages_leave_the_others_readable() {
    for (rule, expected) in [
        ("drop every 2 in", "a long message one\na long message three\n"),
        ("drop match two out", "a long message one\na long message three\n"),
        ("drop match 'a long message two' client", "a long message one\na long message three\n"),
        (
            "duplicate every 2 server",
            "a long message one\na long message two\na long message two\na long message three\n",
        ),
        ("split 5 match long", "a long message one\na long message two\na long message three\n"),
    ] {
        let broken = Broken::before(&[], &["-v", "--fault", rule]);
        let count = expected.lines().count().to_string();
        let messages = ["one", "two", "three"].map(|number| format!("a long message {number}"));
        let [one, two, three] = &messages;
        Test::new()
            .args(["--count", &count, "--compress-min", "0", "-x", one, "-x", two, "-x", three])
            .args([broken.proxy.url()])
            .stdout(expected)
            .run();
        let (proxy, _) = broken.ends();
        let words = "client 1: messages are decompressed and compressed again for the rules";
        assert!(proxy.stderr.contains(words), "{rule}: {}", proxy.stderr);
    }
}

/// Prevents that a long message needs memory of its size, or is changed.
#[test]
fn a_long_compressed_message_passes_the_rules() {
    let broken = Broken::before(&["--compress-min", "0"], &["--fault", "drop match ^never"]);
    let message: String = (0..400_000).map(|number| format!("{number} ")).collect();
    Test::new()
        .args(["--count", "1", "--max-message", "16M"])
        .args([broken.proxy.url()])
        .stdin(message.clone())
        .stdout(message + "\n")
        .run();
    broken.ends();
}

/// Prevents that a run cannot be repeated.
#[test]
fn a_seed_repeats_the_faults_and_is_printed() {
    let run = |seed: &[&str]| {
        let rules = ["--fault", "drop chance 0.5", "--fault", "corrupt chance 0.3 out"];
        let broken = Broken::start(&[&rules[..], seed].concat());
        let mut client = broken.connect();
        let sent: Vec<u8> = (0..40).flat_map(|number| masked(&format!("m{number}"))).collect();
        client.send_raw(&sent);
        client.send_raw(b"\x88\x82\0\0\0\0\x03\xe8");
        let mut received = Vec::new();
        client.stream().read_to_end(&mut received).unwrap();
        drop(client);
        (received, broken.ends().0.stderr)
    };
    let (first, words) = run(&["--seed", "7"]);
    assert!(words.contains("the faults are random: --seed 7 repeats them"), "{words}");
    assert_eq!(run(&["--seed", "7"]).0, first);
    assert_ne!(run(&["--seed", "8"]).0, first);
    assert!(run(&[]).1.contains("the faults are random: --seed "));
}

#[test]
fn a_delay_is_kept_by_each_direction() {
    let broken = Broken::start(&["--fault", "delay 0.2"]);
    let mut client = broken.connect();
    let start = Instant::now();
    client.stream().write_all(&[masked("a"), masked("b")].concat()).unwrap();
    receive(&mut client, &[text("a"), text("b")].concat(), End::Open, "delay");
    assert!(start.elapsed() >= Duration::from_millis(800), "{:?}", start.elapsed());
    drop(client);
    broken.ends();
}

#[test]
fn messages_are_rewritten_and_injected() {
    for compression in ["--no-compress", "--compress-min=0"] {
        let broken = Broken::before(
            &[compression],
            &[
                "--rewrite",
                r"client:price\=(\d+)=price=${1}0",
                "--inject",
                "client 'after ${0}' match 'price\\S*' server",
            ],
        );
        Test::new()
            .args(["--count", "2", compression, "-x", "the price=5 now"])
            .args([broken.proxy.url()])
            .stdout("the price=50 now\nafter price=50\n")
            .run();
        broken.ends();
    }
}

#[test]
fn mistakes_of_rules_have_columns() {
    for (option, value, words) in [
        ("--rewrite", "a", "MATCH=TEXT has no '=' at column 2"),
        ("--rewrite", "a=${1}", "unknown name '${1}', at column 1 of the text at column 3"),
        ("--inject", "clint x", "'inject' needs client or server, and a text at column 1"),
        ("--fault", "drop serve", "did you mean 'server'? at column 6"),
    ] {
        Test::new()
            .args(["proxy", option, value, "0", "ws://127.0.0.1:1"])
            .stderr_has([words])
            .status(2)
            .run();
    }
    Test::new()
        .args(["listen", "--fault", "inject client x", "0"])
        .stderr_has(["'inject' is a fault of 'sockeye proxy'"])
        .status(2)
        .run();
}
