//! The --har option: a HAR 1.2 file that is a complete document at any time.

use crate::support::{
    Expected, Signal, Stdin, Test,
    wire::{binary, frame, text},
};
use serde_json::{Value, json};
use std::path::Path;

/// Reads a HAR file, checks it against HAR 1.2 and returns its entries.
#[track_caller]
pub fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let har: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    strings(&log["creator"], &["name", "version"]);
    let entries = log["entries"].as_array().unwrap();
    for entry in entries {
        judge(entry);
    }
    entries.clone()
}

#[track_caller]
fn judge(entry: &Value) {
    date(&entry["startedDateTime"]);
    let time = number(&entry["time"]);
    let request = &entry["request"];
    strings(request, &["method", "url", "httpVersion"]);
    pairs(&request["headers"]);
    pairs(&request["cookies"]);
    pairs(&request["queryString"]);
    for size in [&request["headersSize"], &request["bodySize"]] {
        assert!(size.is_i64(), "{request}");
    }
    let response = &entry["response"];
    strings(response, &["statusText", "httpVersion", "redirectURL"]);
    pairs(&response["headers"]);
    pairs(&response["cookies"]);
    strings(&response["content"], &["mimeType"]);
    for size in [
        &response["status"],
        &response["headersSize"],
        &response["bodySize"],
        &response["content"]["size"],
    ] {
        assert!(size.is_i64(), "{response}");
    }
    assert!(entry["cache"].is_object());
    let timings = &entry["timings"];
    let parts = ["blocked", "dns", "connect", "send", "wait", "receive"];
    let sum: f64 = parts.iter().map(|part| number(&timings[part]).max(0.0)).sum();
    assert!((sum - time).abs() < 0.01, "{timings} make {time}");
    assert!(number(&timings["ssl"]) <= number(&timings["connect"]).max(-1.0), "{timings}");
    assert_eq!(entry["_resourceType"], "websocket");
    for message in entry["_webSocketMessages"].as_array().unwrap() {
        assert!(["send", "receive"].contains(&message["type"].as_str().unwrap()), "{message}");
        assert!([1, 2].contains(&message["opcode"].as_i64().unwrap()), "{message}");
        assert!(number(&message["time"]) > 1.6e9, "{message}");
        strings(message, &["data"]);
    }
}

#[track_caller]
fn strings(object: &Value, names: &[&str]) {
    for name in names {
        assert!(object[name].is_string(), "{name} in {object}");
    }
}

#[track_caller]
fn pairs(list: &Value) {
    for pair in list.as_array().unwrap_or_else(|| panic!("{list}")) {
        strings(pair, &["name", "value"]);
    }
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Checks a date for ISO 8601, which HAR requires.
#[track_caller]
fn date(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
    assert!(text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'), "{text}");
}

/// Returns an entry's messages without their times.
fn messages(entry: &Value) -> Vec<Value> {
    let mut messages = entry["_webSocketMessages"].as_array().unwrap().clone();
    for message in &mut messages {
        message.as_object_mut().unwrap().remove("time");
    }
    messages
}

#[test]
fn a_run_has_one_entry_with_its_messages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    Test::new()
        .args(["-x", "hi", "-w", "-1", "-H", "Cookie: id=secret", "--har"])
        .args([&path])
        .args(["ws://127.0.0.1:{port}/chat?room=a%20b&token=secret"])
        .peer(|peer| {
            peer.open_with("Set-Cookie: id=secret\r\n");
            peer.expect_text("hi");
            peer.send([frame(0x01, "o"), frame(0x80, "ne"), binary(b"\0\xff")].concat());
            peer.close(1000);
        })
        .stdout(b"one\n\0\xff\n".to_vec())
        .run();
    let entries = read(&path);
    assert_eq!(entries.len(), 1);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("secret"));
    let (request, response) = (&entries[0]["request"], &entries[0]["response"]);
    assert!(request["url"].as_str().unwrap().ends_with("/chat?room=a%20b&token=[redacted]"));
    assert_eq!(request["queryString"][0], json!({ "name": "room", "value": "a b" }));
    let cookie = json!({ "name": "Cookie", "value": "[redacted]" });
    assert!(request["headers"].as_array().unwrap().contains(&cookie));
    assert_eq!((&request["method"], &request["httpVersion"]), (&"GET".into(), &"HTTP/1.1".into()));
    assert_eq!(
        (&response["status"], &entries[0]["serverIPAddress"]),
        (&101.into(), &"127.0.0.1".into())
    );
    assert_eq!(
        messages(&entries[0]),
        [
            json!({ "type": "send", "opcode": 1, "data": "hi" }),
            json!({ "type": "receive", "opcode": 1, "data": "one" }),
            json!({ "type": "receive", "opcode": 2, "data": "AP8=" }),
        ]
    );
}

#[test]
fn secrets_are_included_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    Test::new()
        .args(["--show-secrets", "-H", "Cookie: id=secret; b=c", "--har"])
        .args([&path])
        .args(["ws://127.0.0.1:{port}/?token=secret"])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .run();
    let request = &read(&path)[0]["request"];
    assert_eq!(request["cookies"][0], json!({ "name": "id", "value": "secret" }));
    assert_eq!(request["queryString"][0]["value"], "secret");
}

#[test]
fn every_handshake_is_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    Test::new()
        .args(["-L", "--har"])
        .args([&path])
        .peer(|peer| {
            let place = format!("ws://127.0.0.1:{}/there", peer.port());
            peer.answer(&format!(
                "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
            ));
            peer.next_client();
            peer.open();
            peer.send(text("one"));
            peer.close(1000);
        })
        .stdout("one\n")
        .run();
    let entries = read(&path);
    let seen = |entry: &Value| (entry["response"]["status"].clone(), messages(entry).len());
    assert_eq!(entries.iter().map(seen).collect::<Vec<_>>(), [(302.into(), 0), (101.into(), 1)]);
    let there = entries[0]["response"]["redirectURL"].as_str().unwrap();
    assert_eq!(entries[1]["request"]["url"], there);
}

#[test]
fn a_run_that_fails_leaves_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    let har = |peer: fn(&mut crate::support::Peer), status| {
        Test::new()
            .args(["--har".into(), path.clone()])
            .peer(peer)
            .stderr(Expected::Parts(Vec::new()))
            .status(status)
            .run();
        read(&path)
    };
    let refused = har(
        |peer| {
            peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        },
        22,
    );
    assert_eq!(refused[0]["response"]["status"], 404);
    let silent = har(
        |peer| {
            peer.request();
            peer.half_close();
        },
        52,
    );
    assert_eq!((silent.len(), &silent[0]["response"]["status"]), (1, &0.into()));
    // A new file is a HAR without entries; an earlier HAR is kept.
    for (file, entries) in [(dir.path().join("new.har"), 0), (path, 1)] {
        Test::new()
            .args(["--har".into(), file.clone()])
            .args(["ws://127.0.0.1:1/"])
            .stderr(Expected::Parts(Vec::new()))
            .status(7)
            .run();
        assert_eq!(read(&file).len(), entries);
    }
}

#[test]
fn a_har_is_valid_after_every_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    let seen = path.clone();
    Test::new()
        .args(["--har".into(), path.clone()])
        .stdin(Stdin::Open)
        .peer(move |peer| {
            peer.open();
            for n in 1..=3 {
                peer.child.write(format!("{n}\n"));
                peer.expect_text(n.to_string());
                peer.send([text("answer"), frame(0x89, "p")].concat());
                peer.expect_pong("p");
                assert_eq!(messages(&read(&seen)[0]).len(), 2 * n);
            }
            peer.child.signal(Signal::KILL);
            peer.freeze();
        })
        .stdout("answer\n".repeat(3))
        .killed_by(Signal::KILL)
        .run();
    assert_eq!(messages(&read(&path)[0]).len(), 6);
}

#[test]
fn the_entry_over_http_2_is_a_connect() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    Test::new()
        .http2()
        .args(["--har".into(), path.clone()])
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.close(1000);
        })
        .stdout("one\n")
        .run();
    let entry = &read(&path)[0];
    assert_eq!(
        (
            &entry["request"]["method"],
            &entry["request"]["httpVersion"],
            &entry["response"]["status"]
        ),
        (&"CONNECT".into(), &"HTTP/2".into(), &200.into())
    );
}

#[test]
fn a_recording_can_be_converted() {
    let dir = tempfile::tempdir().unwrap();
    let [record, har, made] =
        ["run.jsonl", "run.har", "made.har"].map(|name| dir.path().join(name));
    Test::new()
        .args([
            "-x".into(),
            "hi".into(),
            "--count".into(),
            "1".into(),
            "--record".into(),
            record.clone(),
        ])
        .args(["--har".into(), har.clone()])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi");
            peer.send(text("ho"));
            peer.answer_close(1000);
        })
        .stdout("ho\n")
        .run();
    Test::new().args(["show".into(), record, "--har".into(), made.clone()]).run();
    let [mut har, mut made] = [har, made].map(|path| read(&path));
    assert_eq!(messages(&har[0]), messages(&made[0]));
    for entry in har.iter_mut().chain(&mut made) {
        let entry = entry.as_object_mut().unwrap();
        for part in ["_webSocketMessages", "startedDateTime", "time", "timings"] {
            entry.remove(part);
        }
    }
    assert_eq!(har, made);
}

#[test]
fn the_har_of_a_recording_does_not_overwrite_it() {
    let dir = tempfile::tempdir().unwrap();
    let [path, link] = ["run.jsonl", "link"].map(|name| dir.path().join(name));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::write(&path, "kept").unwrap();
    let words = "sockeye: [..] cannot be a recording and a HAR\n";
    Test::new()
        .args(["show".into(), path.clone(), "--har".into(), link.clone()])
        .stderr(words)
        .status(2)
        .run();
    Test::new()
        .args(["--record".into(), path.clone(), "--har".into(), link, "ws://127.0.0.1:1".into()])
        .stderr(words)
        .status(2)
        .run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
}
