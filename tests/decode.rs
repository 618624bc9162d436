//! --decode: binary messages in another encoding.

use crate::support::{
    Test,
    wire::{binary, text},
};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use std::io::Write as _;

fn gzip(data: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Runs a client that receives these frames, then a Close.
fn receives(args: &[&str], frames: Vec<Vec<u8>>) -> Test {
    Test::new().args(args.iter().copied()).peer(move |peer| {
        peer.open();
        peer.send(frames.concat());
        peer.close(1000);
    })
}

#[test]
fn decoded_messages_are_lines_and_text_messages_stay() {
    let long = "z".repeat(300_000);
    let two = [gzip("two mem"), gzip("bers")].concat();
    receives(
        &["--decode", "gzip"],
        vec![
            binary(gzip("{\"ping\":1492420473027}")),
            binary(gzip("")),
            text("plain"),
            binary(gzip(&long)),
            binary(two),
        ],
    )
    .stdout(format!("{{\"ping\":1492420473027}}\n\nplain\n{long}\ntwo members\n"))
    .run();
    for (encoding, message) in [
        ("zlib", zlib("one")),
        ("deflate", deflate("one")),
        ("auto", gzip("one")),
        ("auto", zlib("one")),
    ] {
        receives(&["--decode", encoding], vec![binary(message)]).stdout("one\n").run();
    }
    for encoding in ["msgpack", "auto"] {
        receives(&["--decode", encoding], vec![binary(b"\x82\xa1a\x01\xa1b\xc4\x01\xff")])
            .stdout("{\"a\":1,\"b\":\"/w==\"}\n")
            .run();
    }
}

#[test]
fn a_message_in_several_frames_is_decoded_whole() {
    let message = gzip("fragmented");
    let (one, two) = message.split_at(7);
    let frames = [
        crate::support::wire::frame(0x02, one),
        crate::support::wire::ping("p"),
        crate::support::wire::frame(0x80, two),
    ];
    Test::new()
        .args(["--decode", "gzip"])
        .peer(move |peer| {
            peer.open();
            peer.send(frames.concat());
            peer.expect_pong(b"p");
            peer.close(1000);
        })
        .stdout("fragmented\n")
        .run();
}

#[test]
fn what_cannot_be_decoded_is_shown_as_received_with_one_note() {
    receives(&["--decode", "gzip"], vec![binary("plain"), binary(gzip("ok")), binary("again")])
        .stdout("plain\nok\nagain\n")
        .stderr(
            "sockeye: a binary message is not gzip: such messages are shown as received \
             (--decode)\n",
        )
        .run();
    // auto makes no promise.
    receives(&["--decode", "auto"], vec![binary("plain"), binary("\u{1}\u{2}")])
        .stdout("plain\n\u{1}\u{2}\n")
        .run();
}

#[test]
fn a_decoded_message_is_limited() {
    let bomb = gzip(vec![b'x'; 100_001]);
    let mut shown = bomb.clone();
    shown.push(b'\n');
    receives(&["--decode", "gzip", "--max-message", "100000"], vec![binary(bomb)])
        .stdout(crate::support::Expected::Bytes(shown))
        .stderr(
            "sockeye: a binary message decodes to more than 100000 bytes, the limit of \
             --max-message: such messages are shown as received (--decode)\n",
        )
        .run();
}

#[test]
fn patterns_see_the_decoded_text_and_an_echo_does_not() {
    Test::new()
        .args(["--decode", "gzip", "--until", "\"tick\":"])
        .peer(|peer| {
            peer.open();
            peer.send([binary(gzip("{\"ping\":1}")), binary(gzip("{\"tick\":2}"))].concat());
            peer.answer_close(1000);
        })
        .stdout("{\"ping\":1}\n{\"tick\":2}\n")
        .run();
    let message = gzip("x");
    Test::new()
        .args(["--decode", "gzip", "--echo"])
        .peer(move |peer| {
            peer.open();
            peer.send(binary(&message));
            peer.expect_binary(&message);
            peer.close(1000);
        })
        .stdout("x\n")
        .run();
}

#[test]
fn jsonl_keeps_the_bytes_and_adds_the_text_which_show_displays() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("record");
    let message = gzip("{\"a\":1}");
    let base64 = data_encoding::BASE64.encode(&message);
    Test::new()
        .args(["--decode", "gzip", "--output", "jsonl", "--record", record.to_str().unwrap()])
        .peer(move |peer| {
            peer.open();
            peer.send([binary(message), binary("raw")].concat());
            peer.close(1000);
        })
        .stdout(crate::support::Expected::Parts(vec![
            format!("\"base64\":\"{base64}\""),
            "\"decoded\":\"{\\\"a\\\":1}\"}\n".to_owned(),
            "\"base64\":\"cmF3\",\"size\":3,\"wire_size\":3,\"frames\":1}\n".to_owned(),
        ]))
        .stderr_has(["a binary message is not gzip"])
        .run();
    Test::new()
        .args(["show", record.to_str().unwrap()])
        .stdout(crate::support::Expected::Parts(vec!["< (decoded) {\"a\":1}\n".to_owned()]))
        .run();
}

/// Runs the example of docs/decoding.md.
#[test]
fn the_documented_example_is_what_happens() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/decoding.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut blocks = page.split("```").skip(1).step_by(2);
    let command = blocks.next().unwrap().strip_prefix("sh\n").unwrap();
    let output = blocks.next().unwrap().strip_prefix("text\n").unwrap().to_owned();
    let line = command.trim().strip_prefix("sockeye ").unwrap();
    let (line, url) = line.rsplit_once(' ').unwrap();
    assert!(url.starts_with("wss://"));
    let mut args: Vec<String> = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            args.push(part.to_owned());
        } else {
            args.extend(part.split_whitespace().map(ToOwned::to_owned));
        }
    }
    let lines: Vec<_> = output.lines().map(|line| binary(gzip(line))).collect();
    Test::new()
        .args(args)
        .peer(move |peer| {
            peer.open();
            peer.expect_text("{\"sub\":\"market.btcusdt.ticker\"}");
            peer.send(lines.concat());
            peer.answer_close(1000);
        })
        .stdout(output)
        .run();
}
