//! Events as lines of JSON on stdout (--output jsonl).

use crate::support::{
    Expected, Peer, Signal, Stdin, Test,
    peer::OPEN,
    wire::{binary, close, frame, ping, text},
};
use hex_literal::hex;
use serde_json::Value;
use std::sync::mpsc;

/// Returns the events of a run without their times, which must be present.
#[track_caller]
fn events(
    args: &[&str],
    stdin: impl Into<Stdin>,
    status: i32,
    script: impl FnOnce(&mut Peer) + Send + 'static,
) -> Vec<Value> {
    let (out, file) = (tempfile::NamedTempFile::new().unwrap(), |path: &std::path::Path| {
        std::fs::read_to_string(path).unwrap()
    });
    Test::new()
        .args(["--output", "jsonl"])
        .args(args.iter().copied())
        .stdin(stdin)
        .stdout_to(out.path())
        .peer(script)
        .stderr(Expected::Parts(Vec::new()))
        .status(status)
        .run();
    read(&file(out.path()))
}

fn read(lines: &str) -> Vec<Value> {
    assert!(lines.is_empty() || lines.ends_with('\n'), "{lines:?}");
    let mut elapsed = 0.0;
    let event = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let object = event.as_object_mut().unwrap();
        let time = object.remove("time").unwrap();
        assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
        let now = object.remove("elapsed").unwrap().as_f64().unwrap();
        assert!(now >= elapsed, "{line}");
        elapsed = now;
        event
    };
    lines.lines().map(event).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_event_is_a_line() {
    let got =
        events(&["-x", "hi \u{1f600}", "-w", "-1", "--no-compress"], Stdin::Null, 0, |peer| {
            peer.open_with("Set-Cookie: secret\r\n");
            peer.expect_text("hi \u{1f600}");
            peer.send([text("a\n\"\0"), text(""), binary(b"\0\xff"), ping("p")].concat());
            peer.expect_pong("p");
            peer.send([frame(0x01, "frag"), frame(0x00, ""), frame(0x80, "ment")].concat());
            peer.send([frame(0x8a, b"\xff"), close(1001, "bye")].concat());
            peer.frame();
        });
    let open = &got[0];
    assert_eq!(
        (&open["type"], &open["version"], &open["status"]),
        (&"open".into(), &1.into(), &101.into())
    );
    assert_eq!(
        (&open["compression"], &open["tls"], &open["subprotocol"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert!(open["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"), "{open}");
    assert!(open["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{open}");
    let headers = open["headers"].as_array().unwrap();
    assert!(headers.contains(&json(r#"["Set-Cookie","[redacted]"]"#)), "{open}");
    let expected = [
        r#"{"type":"text","direction":"out","data":"hi 😀","size":7}"#,
        r#"{"type":"text","direction":"in","data":"a\n\"\u0000","size":4,"wire_size":4,"frames":1}"#,
        r#"{"type":"text","direction":"in","data":"","size":0,"wire_size":0,"frames":1}"#,
        r#"{"type":"binary","direction":"in","base64":"AP8=","size":2,"wire_size":2,"frames":1}"#,
        r#"{"type":"ping","direction":"in","data":"p","size":1}"#,
        r#"{"type":"text","direction":"in","data":"fragment","size":8,"wire_size":8,"frames":3}"#,
        r#"{"type":"pong","direction":"in","base64":"/w==","size":1}"#,
        r#"{"type":"close","direction":"in","code":1001,"reason":"bye","name":"going away"}"#,
        r#"{"type":"close","direction":"out","code":1001,"reason":"bye","name":"going away"}"#,
        r#"{"type":"end","code":0,"received":{"messages":4,"size":14,"wire_size":14},
            "sent":{"messages":1,"size":7,"wire_size":7,"unsent":0}}"#,
    ];
    let mut got = got;
    let timing = got[10].as_object_mut().unwrap().remove("timing").unwrap();
    assert!(timing["first_message"].is_f64() && timing["total"].is_f64(), "{timing}");
    assert_eq!(got[1..], expected.map(json));
}

#[test]
fn compression_shows_in_sizes() {
    let got = events(
        &["--compress-min", "0", "-x", "HelloHello", "--count", "1"],
        Stdin::Null,
        0,
        |peer| {
            peer.open_with(
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
            );
            peer.frame();
            peer.send(frame(0xc1, hex!("f248cdc9c90700")));
            peer.answer_close(1000);
        },
    );
    assert_eq!(
        got[0]["compression"],
        json(
            r#"{"local":{"window_bits":15,"context_takeover":true},
                "remote":{"window_bits":15,"context_takeover":false}}"#
        )
    );
    let message =
        r#"{"type":"text","direction":"in","data":"Hello","size":5,"wire_size":7,"frames":1}"#;
    assert_eq!(got[2], json(message));
    assert_eq!(got[5]["received"], json(r#"{"messages":1,"size":5,"wire_size":7}"#));
}

#[test]
fn errors_and_the_end_have_their_code() {
    let code = |events: &[Value]| {
        let [.., error, end] = events else { panic!("{events:?}") };
        assert_eq!((&error["type"], &end["type"]), (&"error".into(), &"end".into()));
        assert_eq!(error["code"], end["code"]);
        (end["code"].as_u64().unwrap(), error["message"].as_str().unwrap().to_owned())
    };
    let got = events(&[], Stdin::Open, 111, |peer| {
        peer.open();
        peer.close(1011);
    });
    assert!(matches!(code(&got), (111, words) if words.ends_with("1011 (internal error)")));
    let got = events(&[], Stdin::Open, 56, |peer| {
        peer.open();
        peer.send([text("whole"), frame(0x01, "cut")].concat());
    });
    assert_eq!((&got[1]["data"], got.len()), (&"whole".into(), 4));
    assert_eq!(code(&got).0, 56);
    let got = events(&[], Stdin::Open, 56, |peer| {
        peer.open();
        peer.send(frame(0x01, "cut"));
        peer.close(1000);
    });
    assert!(matches!(code(&got), (56, words) if words.ends_with(": received 3 bytes of it")));
    let got = events(&[], Stdin::Open, 110, |peer| {
        peer.open();
        peer.send(frame(0x83, ""));
        peer.expect_close(1002);
    });
    let expected = [
        r#"{"type":"violation","direction":"in","message":"reserved opcode 3","section":"RFC 6455, 5.2","code":1002}"#,
        r#"{"type":"close","direction":"out","code":1002,"reason":"","name":"protocol error"}"#,
    ];
    assert_eq!(got[1..3], expected.map(json));
    assert_eq!(code(&got).0, 110);
    // A run without a session has an `end` event too.
    let got = events(&[], Stdin::Open, 22, |peer| {
        peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        peer.expect_end();
    });
    assert_eq!((code(&got).0, got.len()), (22, 2));
    let got = events(&[], Stdin::Open, 8, |peer| {
        peer.answer(&OPEN.replace("{accept}", "wrong"));
        peer.send("\r\n");
        peer.expect_end();
    });
    assert_eq!(code(&got).0, 8);
}

#[test]
fn an_end_by_a_signal_is_reported() {
    let out = tempfile::NamedTempFile::new().unwrap();
    Test::new()
        .args(["--output", "jsonl"])
        .stdout_to(out.path())
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("a\n");
            peer.expect_text("a");
            peer.child.signal(Signal::TERM);
            peer.answer_close(1001);
        })
        .killed_by(Signal::TERM)
        .run();
    let got = read(&std::fs::read_to_string(out.path()).unwrap());
    assert_eq!(got.last().unwrap()["signal"], 15);
    assert_eq!(got.last().unwrap().get("code"), None);
}

#[test]
fn the_events_of_one_server_are_input_for_another() {
    let recorded = tempfile::NamedTempFile::new().unwrap();
    let messages = || {
        let long = "long ".repeat(20_000);
        vec![
            text("a\nb\r\n\0\u{1f600}\\\""),
            binary((0..=255).collect::<Vec<u8>>()),
            text(""),
            ping("are you there"),
            binary(""),
            ping(b"\xff\x00"),
            text(long),
        ]
    };
    Test::new()
        .args(["--output", "jsonl", "-x", "not theirs"])
        .stdout_to(recorded.path())
        .peer(move |peer| {
            peer.open();
            peer.expect_text("not theirs");
            peer.send(messages().concat());
            peer.expect_pong("are you there");
            peer.expect_pong(b"\xff\x00");
            peer.close_with(4000, "bye \u{e9}");
        })
        .stderr("sockeye: {peer} closed the connection: 4000 (private use): bye \u{e9}\n")
        .status(111)
        .run();
    let (to, from) = mpsc::channel();
    Test::new()
        .args(["--input", "jsonl", "--no-compress"])
        .stdin(std::fs::read(recorded.path()).unwrap())
        .peer(move |peer| {
            peer.open();
            for _ in messages() {
                let got = peer.message();
                to.send(frame(got.first, got.payload)).unwrap();
            }
            let got = peer.frame();
            assert_eq!(frame(got.first, &got.payload), close(4000, "bye \u{e9}"));
            peer.send(close(4000, "bye \u{e9}"));
        })
        .run();
    let long_in_one: Vec<Vec<u8>> = from.iter().collect();
    assert!(long_in_one == messages(), "{} frames", long_in_one.len());
}

/// Every event is written, however slow the reader.
#[test]
fn the_end_is_not_lost_on_a_slow_reader() {
    for n in [256, 262, 300] {
        Test::new()
            .args(["--output", "jsonl", "--close-timeout", "0.1"])
            .shell("\"$@\" | (sleep 0.6; tail -n 1)")
            .peer(move |peer| {
                peer.open();
                peer.send(text("x".repeat(100)).repeat(n));
                peer.close(1000);
            })
            .stdout("{\"type\":\"end\",[..]\"code\":0,\"received\":{\"messages\":[..]\n")
            .run();
    }
}

#[test]
fn a_second_signal_ends_a_stuck_output_at_once() {
    Test::new()
        .args(["--output", "jsonl", "--close-timeout", "600"])
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            peer.flood(&text("x".repeat(1000)).repeat(20_000));
            peer.child.signal(Signal::TERM);
            // The Close shows that the first signal was handled.
            peer.expect_close(1001);
            peer.child.signal(Signal::TERM);
            peer.freeze();
        })
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn an_echo_that_was_not_sent_is_not_an_event() {
    let got = events(&["--echo", "--count", "1", "--no-compress"], Stdin::Null, 0, |peer| {
        peer.open();
        peer.send([text("1"), text("2")].concat());
        peer.expect_text("1");
        peer.answer_close(1000);
    });
    let sent = got.iter().filter(|e| e["type"] == "text" && e["direction"] == "out").count();
    assert_eq!((sent, &got.last().unwrap()["sent"]["messages"]), (1, &1.into()));
}
