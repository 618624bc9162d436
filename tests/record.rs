//! Recordings (--record), also of a run that is killed.

use crate::support::{
    Expected, Signal, Stdin, Test,
    wire::{close, frame, ping, text},
};
use serde_json::Value;
use std::{os::unix::fs::PermissionsExt as _, path::Path};

pub fn read(path: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(path).unwrap();
    assert!(lines.ends_with('\n'), "{lines:?}");
    lines.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

/// Returns the type and direction of each event.
pub fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| match event["direction"].as_str() {
        Some(direction) => format!("{} {direction}", event["type"].as_str().unwrap()),
        None => event["type"].as_str().unwrap().to_owned(),
    };
    events.iter().map(kind).collect()
}

#[test]
fn a_run_is_recorded_with_its_frames() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["-x", "hi", "-w", "-1", "-H", "Cookie: secret", "--record"])
        .args([&path])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi");
            peer.send([frame(0x01, "fr\u{c3}"), ping("p"), frame(0x80, "")].concat());
            peer.expect_pong("p");
            peer.close(1001);
        })
        .stdout("fr\u{c3}\n")
        .run();
    let events = read(&path);
    assert_eq!(
        kinds(&events),
        [
            "request out",
            "open",
            "text out",
            "frame out",
            "frame in",
            "frame in",
            "ping in",
            "frame in",
            "text in",
            "frame out",
            "frame in",
            "close in",
            "close out",
            "frame out",
            "end"
        ]
    );
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let request = &events[0];
    assert_eq!((&request["method"], &request["target"]), (&"GET".into(), &"/".into()));
    let headers = request["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["Cookie", "[redacted]"])), "{request}");
    let text = &events[4];
    assert_eq!(
        (&text["fin"], &text["rsv"], &text["opcode"], &text["name"], &text["masked"]),
        (&false.into(), &0.into(), &1.into(), &"text".into(), &false.into())
    );
    assert_eq!(
        (&text["size"], &text["wire_size"], &text["fragment"], &text["compressed"]),
        (&4.into(), &6.into(), &1.into(), &false.into())
    );
    assert_eq!((&text["header"], &text["data"]), (&"0104".into(), &"fr\u{c3}".into()));
    let sent = &events[3];
    assert_eq!((&sent["masked"], &sent["data"]), (&true.into(), &"hi".into()));
    assert_eq!(sent["header"].as_str().unwrap().len(), 12);
    let end = events.last().unwrap();
    assert_eq!((&end["code"], &end["received"]["messages"]), (&0.into(), &1.into()));
    assert!(end["timing"]["first_message"].is_f64(), "{end}");
}

#[test]
fn a_violation_is_recorded_after_its_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["--record".into(), path.clone()])
        .peer(|peer| {
            peer.open();
            peer.send(frame(0x83, "x"));
            peer.expect_close(1002);
        })
        .stderr_has(["reserved opcode 3"])
        .status(110)
        .run();
    let events = read(&path);
    let expected = [
        "request out",
        "open",
        "frame in",
        "violation in",
        "close out",
        "frame out",
        "error",
        "end",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!((&events[2]["opcode"], &events[2]["name"]), (&3.into(), &"opcode 3".into()));
    assert_eq!(events[3]["section"], "RFC 6455, 5.2");
    assert_eq!((&events[6]["code"], &events[7]["code"]), (&110.into(), &110.into()));
}

#[test]
fn a_run_without_a_session_is_recorded_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["--record".into(), path.clone()])
        .peer(|peer| {
            peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        })
        .stderr_has(["404"])
        .status(22)
        .run();
    let events = read(&path);
    assert_eq!(kinds(&events), ["request out", "response in", "error", "end"]);
    assert_eq!((&events[1]["http"], &events[1]["status"]), (&"1.1".into(), &404.into()));
    assert_eq!(events[1]["headers"], serde_json::json!([["Content-Length", "0"]]));
}

#[test]
fn a_101_that_opens_no_session_is_recorded_and_in_the_har() {
    let dir = tempfile::tempdir().unwrap();
    let [path, har] = ["run.jsonl", "run.har"].map(|name| dir.path().join(name));
    Test::new()
        .args(["--record".into(), path.clone(), "--har".into(), har.clone()])
        .peer(|peer| {
            peer.answer(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\nSet-Cookie: id=1\r\n\r\n",
            );
        })
        .stderr_has(["Sec-WebSocket-Accept"])
        .status(8)
        .run();
    let events = read(&path);
    assert_eq!(kinds(&events), ["request out", "response in", "error", "end"]);
    assert_eq!(events[1]["status"], 101);
    let headers = events[1]["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["Sec-WebSocket-Accept", "wrong"])), "{headers:?}");
    assert!(headers.contains(&serde_json::json!(["Set-Cookie", "[redacted]"])), "{headers:?}");
    let entry = &crate::har::read(&har)[0];
    assert_eq!(entry["response"]["status"], 101);
}

#[test]
fn an_answer_that_is_not_http_is_recorded_in_part_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let [path, har, made] = ["run.jsonl", "run.har", "made.har"].map(|name| dir.path().join(name));
    Test::new()
        .args(["-H", "X-Api-Key: hunter2hunter2"])
        .args(["--record".into(), path.clone(), "--har".into(), har.clone()])
        .peer(|peer| {
            peer.answer(&format!("-ERR hunter2hunter2 {}\r\n", "x".repeat(8000)));
            peer.half_close();
        })
        .stderr_has(["HTTP"])
        .status(8)
        .run();
    let events = read(&path);
    assert_eq!(kinds(&events), ["request out", "response in", "error", "end"]);
    let data = events[1]["data"].as_str().unwrap();
    assert!(data.starts_with("-ERR ") && !data.contains("hunter2"), "{data}");
    assert!((1000..=4096).contains(&data.len()), "{} bytes", data.len());
    assert!(events[1].get("status").is_none(), "{data}");
    let content = crate::har::read(&har)[0]["response"]["content"].clone();
    assert_eq!(content["text"], data);
    Test::new().args(["show".into(), path.clone(), "--har".into(), made.clone()]).run();
    assert_eq!(crate::har::read(&made)[0]["response"]["content"], content);
    let shown = format!("response: {} bytes that are not HTTP\n[..]\n[..]\n", data.len());
    Test::new().args(["show".into(), path]).stdout(shown).run();
}

#[test]
fn a_recording_continues_after_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["--reconnect", "--reconnect-delay", "0", "--record"])
        .args([&path])
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), frame(0x01, "cut")].concat());
            peer.child.await_stdout("one\n");
            peer.half_close();
            peer.next_client();
            peer.open();
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .stderr(Expected::Parts(vec!["reconnected".to_owned()]))
        .run();
    let kinds = kinds(&read(&path)).join(" ");
    let expected = "frame in text in frame in gap request out open frame in text in";
    assert!(kinds.contains(expected), "{kinds}");
}

#[test]
fn a_recording_of_a_killed_run_can_be_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    let seen = path.clone();
    Test::new()
        .args(["--record".into(), path.clone()])
        .peer(move |peer| {
            peer.open();
            peer.send([text("one"), text("two")].concat());
            peer.child.await_stdout("one\ntwo\n");
            // Received messages are recorded before the client waits again, so the pong shows that
            // they are in the file.
            peer.send(ping("done"));
            peer.expect_pong("done");
            let written = std::fs::read_to_string(&seen).unwrap();
            assert!(written.contains("\"data\":\"two\""), "{written}");
            peer.child.signal(Signal::KILL);
            peer.freeze();
        })
        .stdout("one\ntwo\n")
        .killed_by(Signal::KILL)
        .run();
    Test::new()
        .args(["show".into(), path])
        .stdout("connected to ws://127.0.0.1:[..]/\n< one\n< two\n< ping done\n")
        .run();
}

#[test]
fn a_signal_is_recorded_as_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["--record".into(), path.clone()])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::TERM);
            peer.answer_close(1001);
        })
        .stdout("one\n")
        .killed_by(Signal::TERM)
        .run();
    assert_eq!(read(&path).last().unwrap()["signal"], 15);
}

#[test]
fn a_long_sent_message_is_recorded_without_data() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    let long = format!("{}\n", "x".repeat(100_000));
    Test::new()
        .args(["--no-compress", "--count", "1", "demo", "--record"])
        .args([&path])
        .stdin(long.clone())
        .stdout(long)
        .run();
    let events = read(&path);
    let ours = events.iter().find(|event| event["type"] == "text").unwrap();
    assert_eq!((&ours["direction"], &ours["size"]), (&"out".into(), &100_000.into()));
    assert!(ours.get("data").is_none());
    let theirs = events.iter().rfind(|event| event["type"] == "text").unwrap();
    assert_eq!(theirs["data"].as_str().unwrap().len(), 100_000);
}

#[test]
fn a_recording_can_be_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["-x", "one", "-x", "two", "--count", "2", "demo", "--record"])
        .args([&path])
        .stdout("one\ntwo\n")
        .run();
    let recorded = std::fs::read(&path).unwrap();
    Test::new()
        .args(["--input", "jsonl", "--count", "2", "demo"])
        .stdin(recorded)
        .stdout("one\ntwo\n")
        .run();
}

#[test]
fn a_file_that_cannot_be_written_ends_the_run_before_it_begins() {
    for option in ["--record", "--har"] {
        for (file, words) in [
            ("/dev/null/x", "not a directory (os error 20)"),
            ("/tmp", "not a regular file"),
            ("/dev/full", "not a regular file"),
        ] {
            Test::new()
                .args([option, file, "ws://127.0.0.1:1/"])
                .stderr(format!("sockeye: cannot write {file}: {words}\n"))
                .status(23)
                .run();
        }
    }
}

#[test]
fn a_recording_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    std::fs::write(&path, "x".repeat(100_000)).unwrap();
    Test::new()
        .args(["-x", "a", "--count", "1", "demo", "--record"])
        .args([&path])
        .stdout("a\n")
        .run();
    assert_eq!(kinds(&read(&path)).last().unwrap(), "end");
}

#[test]
fn the_peers_close_is_recorded_before_our_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    Test::new()
        .args(["--output", "jsonl", "--record"])
        .args([&path])
        .peer(|peer| {
            peer.open();
            peer.send(close(1000, ""));
            peer.expect_close(1000);
        })
        .stdout(Expected::Parts(vec!["\"type\":\"end\"".to_owned()]))
        .run();
    let expected = ["request out", "open", "frame in", "close in", "close out", "frame out", "end"];
    assert_eq!(kinds(&read(&path)), expected);
}

#[test]
fn files_in_use_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("lines"), dir.path().join("other"));
    std::fs::write(&path, "a line\n").unwrap();
    std::fs::hard_link(&path, &other).unwrap();
    for (file, redirection, words) in [(&path, "<", "stdin"), (&other, ">>", "stdout")] {
        let script = format!("\"$0\" --record \"$1\" -x a --count 1 demo {redirection}\"$2\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_sockeye")])
            .args([file, &path])
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = format!("cannot write {}: it is also {words} of this run", file.display());
        assert_eq!((output.status.code(), stderr), (Some(23), format!("sockeye: {expected}\n")));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a line\n");
    }
    // A file is not truncated if another output cannot be opened.
    Test::new()
        .args(["demo", "--har", "/dev/full", "--record"])
        .args([&path])
        .stderr("sockeye: cannot write /dev/full: not a regular file\n")
        .status(23)
        .run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a line\n");
}

#[test]
fn one_new_file_under_two_names_is_not_written_twice() {
    let dir = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["--record", "run", "--har", "./run", "demo", "-x", "hi"])
        .current_dir(&dir)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let expected = "sockeye: ./run cannot be a recording and a HAR\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}

#[test]
fn a_file_that_the_run_reads_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (headers, link) = (dir.path().join("headers"), dir.path().join("link"));
    std::fs::write(&headers, "X-A: 1\n").unwrap();
    std::fs::hard_link(&headers, &link).unwrap();
    let link = link.display().to_string();
    Test::new()
        .args(["demo", "-x", "hi", "-H", &format!("@{}", headers.display()), "--record", &link])
        .stderr(format!("sockeye: {link} cannot be an input of this run and a recording\n"))
        .status(2)
        .run();
    assert_eq!(std::fs::read_to_string(&headers).unwrap(), "X-A: 1\n");
}

#[test]
fn no_file_of_another_purpose_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, config) = (dir.path().join("file"), dir.path().join("config"));
    let shown = file.display().to_string();
    std::fs::write(&config, "[defaults]\nheaders = [\"@file\"]\n").unwrap();
    let home = dir.path().join("sockeye");
    std::fs::create_dir(&home).unwrap();
    let run = |content: &str, option: &str, args: &[&str], variable: Option<&'static str>| {
        std::fs::write(&file, content).unwrap();
        let default = home.join("config.toml");
        let _ = std::fs::remove_file(&default);
        let mut test = Test::new().args(["-x", "hi", option, &shown]).args(args.iter().copied());
        match variable {
            Some("XDG_CONFIG_HOME") => {
                std::fs::hard_link(&file, default).unwrap();
                test = test.env("XDG_CONFIG_HOME", dir.path());
            }
            Some(variable) => test = test.env(variable, &file),
            None => {}
        }
        test.args(["ws://127.0.0.1:1/"]).stderr_has([&*shown, " cannot be "]).status(2).run();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content, "{args:?} {variable:?}");
    };
    for option in ["--record", "--har"] {
        run("[defaults]\n", option, &["--config", &shown], None);
        run("[defaults]\n", option, &[], Some("SOCKEYE_CONFIG"));
        run("[defaults]\n", option, &[], Some("XDG_CONFIG_HOME"));
        run("X-A: 1\n", option, &["--config", &config.display().to_string()], None);
        run("%{http_code}\n", option, &["--write-out", &format!("@{shown}")], None);
        run("old\n", option, &[], Some("SOCKEYE_HISTORY"));
        run("old\n", option, &[], Some("SSLKEYLOGFILE"));
    }
}

#[test]
fn a_symbolic_link_is_not_followed_to_the_file_that_it_would_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (precious, link) = (dir.path().join("precious"), dir.path().join("link"));
    std::fs::write(&precious, "precious\n").unwrap();
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    let words = format!("cannot write {}: it is a symbolic link", link.display());
    for option in ["--record", "--har"] {
        Test::new()
            .args(["demo", "-x", "hi", option])
            .args([&link])
            .stderr(format!("sockeye: {words}, which is not followed\n"))
            .status(23)
            .run();
    }
    let recording = dir.path().join("recording");
    std::fs::write(&recording, "").unwrap();
    Test::new()
        .args(["show".as_ref(), recording.as_path(), "--har".as_ref(), link.as_path()])
        .stderr(format!("sockeye: {words}, which is not followed\n"))
        .status(23)
        .run();
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious\n");
}

#[test]
fn a_run_that_reaches_no_server_keeps_the_earlier_recording() {
    let dir = tempfile::tempdir().unwrap();
    let (path, har) = (dir.path().join("run.jsonl"), dir.path().join("run.har"));
    for file in [&path, &har] {
        std::fs::write(file, "earlier\n").unwrap();
    }
    for (args, code) in [
        (&["ws://nosuch.invalid/"][..], 6),
        (&["ws://127.0.0.1:1/"], 7),
        (&["ws://127.0.0.1:1/", "--nosuch"], 2),
    ] {
        Test::new()
            .args(args.iter().copied())
            .args(["--record".as_ref(), path.as_path(), "--har".as_ref(), har.as_path()])
            .stderr_has(["sockeye: "])
            .status(code)
            .run();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "earlier\n", "{args:?}");
        assert_eq!(std::fs::read_to_string(&har).unwrap(), "earlier\n", "{args:?}");
    }
    // Without an earlier one, the failure is recorded.
    std::fs::write(&path, "").unwrap();
    Test::new()
        .args(["ws://127.0.0.1:1/".as_ref(), "--record".as_ref(), path.as_path()])
        .stderr_has(["refused"])
        .status(7)
        .run();
    assert_eq!(kinds(&read(&path)), ["error", "end"]);
}

#[test]
fn a_recording_that_others_could_read_is_made_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    for mode in [0o666, 0o640, 0o600] {
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Test::new()
            .args(["-x", "a", "--count", "1", "demo", "--record"])
            .args([&path])
            .stdout("a\n")
            .run();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
