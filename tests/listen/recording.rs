//! `--record` and `--har` of a server: one file for all connections.

use crate::{
    record::{kinds, read},
    support::{Test, server::Server},
};
use serde_json::Value;
use std::{io::Write as _, path::Path};
use tungstenite::Message;

/// Sends a request for a path that is not served, with a secret in its query.
fn be_refused(server: &Server) {
    let mut stream = server.dial();
    let request = "GET /other?token=geheim HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    std::io::read_to_string(stream).unwrap();
}

fn of(events: &[Value], conn: Option<u64>) -> Vec<Value> {
    events.iter().filter(|event| event["conn"].as_u64() == conn).cloned().collect()
}

/// Returns the entries, those of refused requests first. In the file they are in the order in which
/// the sessions ended.
fn har(path: &Path) -> Vec<Value> {
    let har: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut entries = har["log"]["entries"].as_array().unwrap().clone();
    entries.sort_by_key(|entry| entry["connection"].as_str().unwrap_or_default().to_owned());
    entries
}

/// Returns the URL, the status and the messages of an entry.
fn entry(entry: &Value) -> (String, u64, Vec<String>) {
    let messages = entry["_webSocketMessages"].as_array().unwrap();
    let message =
        |it: &Value| format!("{} {}", it["type"].as_str().unwrap(), it["data"].as_str().unwrap());
    let url = entry["request"]["url"].as_str().unwrap();
    let (_, target) = url.split_once("//").unwrap().1.split_once('/').unwrap();
    let status = entry["response"]["status"].as_u64().unwrap();
    (target.to_owned(), status, messages.iter().map(message).collect())
}

#[test]
fn all_connections_are_in_one_recording_and_one_har() {
    let dir = tempfile::tempdir().unwrap();
    let (record, file) = (dir.path().join("run.jsonl"), dir.path().join("run.har"));
    std::fs::write(&file, "an earlier run").unwrap();
    let (record_path, har_path) = (record.to_str().unwrap(), file.to_str().unwrap());
    let args = ["listen", "0", "--path", "/", "--echo", "--record", record_path, "--har", har_path];
    let server = Server::start(args);
    let (mut one, mut two) = (server.connect(), server.connect());
    one.send("from one");
    one.expect_text("from one");
    two.send(Message::binary(b"\0\xff".as_slice()));
    two.expect(Message::binary(b"\0\xff".as_slice()));
    be_refused(&server);
    one.send("again");
    one.expect_text("again");
    one.close();
    server.child.signal(crate::support::Signal::TERM);
    two.expect_close(1001);
    server.ends_by(crate::support::Signal::TERM);

    let events = read(&record);
    assert_eq!(
        kinds(&of(&events, None)),
        ["listening", "request in", "response out", "refused in", "end"]
    );
    let first = [
        "request in",
        "open",
        "frame in",
        "text in",
        "text out",
        "frame out",
        "frame in",
        "text in",
        "text out",
        "frame out",
        "frame in",
        "close in",
        "close out",
        "frame out",
        "end",
    ];
    let own = of(&events, Some(1));
    assert_eq!(kinds(&own), first);
    assert_eq!((&own[1]["target"], &own[1]["status"]), (&"/".into(), &101.into()));
    let end = own.last().unwrap();
    assert_eq!((&end["code"], &end["closed_by"]), (&0.into(), &"remote".into()), "{end}");
    assert_eq!((&end["received"]["messages"], &end["sent"]["messages"]), (&2.into(), &2.into()));
    let end = of(&events, Some(2)).pop().unwrap();
    assert_eq!((&end["closed_by"], &end["close_code"]), (&"local".into(), &1001.into()), "{end}");
    let refused = &of(&events, None)[3];
    assert_eq!((&refused["status"], &refused["rule"]), (&404.into(), &"--path".into()));
    let end = events.last().unwrap();
    assert_eq!((&end["signal"], &end["received"]["messages"]), (&15.into(), &3.into()), "{end}");
    assert!(!std::fs::read_to_string(&record).unwrap().contains("geheim"));

    // As the clients saw it: a message of a client was sent.
    let entries = har(&file);
    let all: Vec<_> = entries.iter().map(entry).collect();
    let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let sent = texts(&["send from one", "receive from one", "send again", "receive again"]);
    assert_eq!(all[0].1, 404);
    assert_eq!(entries[0]["response"]["content"]["text"], "no such path\n");
    assert_eq!(all[1], (String::new(), 101, sent));
    assert_eq!(all[2], (String::new(), 101, texts(&["send AP8=", "receive AP8="])));
    assert_eq!((&entries[1]["connection"], &entries[2]["connection"]), (&"1".into(), &"2".into()));
    assert!(!std::fs::read_to_string(&file).unwrap().contains("geheim"));

    // The recording converts to the same HAR.
    let converted = dir.path().join("converted.har");
    Test::new().args(["show"]).args([&record]).args(["--har"]).args([&converted]).run();
    assert_eq!(har(&converted).iter().map(entry).collect::<Vec<_>>(), all);
}

/// Returns what `sockeye show` prints.
fn shown(record: &Path, args: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let output = command.env_clear().arg("show").args(args).arg(record).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn show_puts_the_number_of_the_client_before_each_line() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("run.jsonl");
    let server = Server::start(["listen", "0", "--no-label", "--record", record.to_str().unwrap()]);
    let (mut one, mut two) = (server.join(1), server.join(2));
    one.send("a\nb");
    server.child.await_stdout("a\nb\n");
    two.send("c");
    server.child.await_stdout("a\nb\nc\n");
    one.close();
    two.close();
    server.terminate();
    let all = shown(&record, &[]);
    for line in ["listening on ws://", "\n1 < a\n", "\n2 < c\n", "1 connected from 127.0.0.1:"] {
        assert!(all.contains(line), "no {line:?} in {all}");
    }
    let two = shown(&record, &["--conn", "2"]);
    assert!(two.lines().all(|line| line.starts_with("2 ")) && two.contains("2 < c\n"), "{two}");
    // What the clients sent is sent by a client.
    let peer = Server::start(["listen", "0", "--echo"]);
    let lines =
        std::fs::read_to_string(&record).unwrap().replace("\"type\":\"close\"", "\"type\":\"x\"");
    let replayed = Test::new().args(["--input", "jsonl", "--count", "2", &peer.url()]).stdin(lines);
    replayed.stdout("a\nb\nc\n").run();
    peer.terminate();
}

#[test]
fn a_recording_keeps_an_earlier_run_if_nobody_connects() {
    let dir = tempfile::tempdir().unwrap();
    let (record, file) = (dir.path().join("run.jsonl"), dir.path().join("run.har"));
    let (record_path, har_path) = (record.to_str().unwrap(), file.to_str().unwrap());
    for path in [&record, &file] {
        std::fs::write(path, "an earlier run").unwrap();
    }
    Server::start(["listen", "0", "--record", record_path, "--har", har_path]).terminate();
    for path in [&record, &file] {
        assert_eq!(std::fs::read_to_string(path).unwrap(), "an earlier run");
        std::fs::remove_file(path).unwrap();
    }
    Server::start(["listen", "0", "--record", record_path, "--har", har_path]).terminate();
    assert_eq!(kinds(&read(&record)), ["listening", "end"]);
    assert!(har(&file).is_empty());
}

#[test]
fn a_recording_is_not_an_input_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("replies.toml");
    std::fs::write(&script, "[[on]]\nopen = true\nsend = 'hello'\n").unwrap();
    let path = script.to_str().unwrap();
    Test::new()
        .args(["listen", "0", "--reply", path, "--record", path])
        .stderr_has(["cannot be an input of this run and a recording"])
        .status(2)
        .run();
    Test::new()
        .args(["listen", "0", "--har", "/dev/null"])
        .stderr_has(["not a regular file"])
        .status(23)
        .run();
    let recording = dir.path().join("run");
    let same = recording.to_str().unwrap();
    Test::new()
        .args(["listen", "0", "--record", same, "--har", same])
        .stderr_has(["cannot be a recording and a HAR"])
        .status(2)
        .run();
    assert!(!recording.exists());
}

/// Entries of open sessions are not in memory: each message would be kept until its session ends.
#[test]
fn memory_does_not_grow_with_a_har() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.har");
    let server = Server::start(["listen", "0", "--echo", "--har", file.to_str().unwrap()]);
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    let text = "x".repeat(60_000);
    let mut exchange = |rounds| {
        for _ in 0..rounds {
            for client in &mut clients {
                client.send(text.as_str());
                client.expect_text(&text);
            }
        }
    };
    exchange(10);
    let before = server.child.peak_memory();
    exchange(100);
    let grown = server.child.peak_memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for 48 MB");
    drop(clients);
    server.terminate();
    let entries = har(&file);
    assert_eq!(entries.len(), 4);
    for entry in entries {
        assert_eq!(entry["_webSocketMessages"].as_array().unwrap().len(), 220);
    }
}

#[test]
fn the_tls_session_of_a_client_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("run.jsonl");
    let record_path = record.to_str().unwrap();
    let args = ["listen", "localhost:0", "--tls-self-signed", "--echo", "-v", "--output", "jsonl"];
    let setup = Server::setup([&args[..], &["--record", record_path]].concat());
    let (server, url) = setup.start_with_url();
    let url = url.replace("127.0.0.1", "localhost");
    for (options, alpn) in [(&["--http1.1"][..], "http/1.1"), (&["--http2"], "h2")] {
        let args = [&["-q", "-k", "-x", "hello", "--count", "1", &url][..], options].concat();
        Test::new().args(args).stdout("hello\n").run();
        server.child.await_stderr(&format!(", ALPN {alpn}, server name localhost\n"));
    }
    let end = server.terminate();
    let written = String::from_utf8(end.stdout).unwrap();
    let written: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for events in [written, read(&record)] {
        let opened: Vec<_> = events.iter().filter(|event| event["type"] == "open").collect();
        assert_eq!(opened.len(), 2);
        for (open, alpn) in opened.iter().zip(["http/1.1", "h2"]) {
            let tls = open["tls"].as_str().unwrap_or_default();
            assert!(tls.starts_with("TLSv1_3, TLS13_"), "{open}");
            assert_eq!((&open["alpn"], &open["sni"]), (&alpn.into(), &"localhost".into()));
        }
    }
}
