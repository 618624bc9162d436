//! --lenient: accepted violations of the server.

use crate::support::{
    Test,
    wire::{frame, text},
};

/// A masked text frame.
fn masked(payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut bytes = vec![0x81, 0x80 | payload.len() as u8];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A text frame whose length is longer than necessary.
fn long_length(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81, 127, 0, 0, 0, 0, 0, 0, 0, payload.len() as u8];
    bytes.extend(payload);
    bytes
}

#[test]
fn accepted_violations_are_told_once() {
    let frames = [
        masked(b"masked"),
        text(b"in\xffvalid \xe2\x82"),
        masked(b"again"),
        long_length(b"long"),
        frame(0x01, b"\xc3"),
        frame(0x80, b"\xbc"),
        text("end"),
    ];
    Test::new()
        .args(["--lenient"])
        .peer(move |peer| {
            peer.open();
            peer.send(frames.concat());
            peer.close(1000);
        })
        .stdout("masked\nin\u{fffd}valid \u{fffd}\nagain\nlong\n\u{fc}\nend\n")
        .stderr(
            "sockeye: masked frame from a server (RFC 6455, 5.1): accepted (--lenient)\n\
             sockeye: text message that is not UTF-8 (RFC 6455, 8.1): accepted, with U+FFFD for \
             each invalid part (--lenient)\n\
             sockeye: payload length 4 not minimally encoded (RFC 6455, 5.2): accepted \
             (--lenient)\n",
        )
        .run();
}

#[test]
fn repaired_text_is_text_in_every_output() {
    Test::new()
        .args(["--lenient", "--output", "jsonl", "--until", "b"])
        .peer(|peer| {
            peer.open();
            peer.send(text(b"\xffb"));
            peer.answer_close(1000);
        })
        .stdout(crate::support::Expected::Parts(vec!["\"data\":\"\u{fffd}b\"".to_owned()]))
        .stderr_has(["text message that is not UTF-8"])
        .run();
}

#[test]
fn other_violations_still_fail_the_connection() {
    for (bytes, words) in [
        (frame(0x91, b"x"), "reserved bit"),
        (frame(0x83, b"x"), "reserved opcode 3"),
        (frame(0x80, b"x"), "continuation frame while no message is open"),
        (vec![0x89, 126, 0, 126], "ping frame longer than 125 bytes"),
        (vec![0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], "most significant bit"),
    ] {
        Test::new()
            .args(["--lenient"])
            .peer(move |peer| {
                peer.open();
                peer.send(&bytes);
                peer.expect_close(1002);
            })
            .stderr_has([words])
            .status(110)
            .run();
    }
}

#[test]
fn every_violation_fails_the_connection_otherwise() {
    for (bytes, code) in [(masked(b"x"), 1002), (long_length(b"x"), 1002), (text(b"\xff"), 1007)] {
        Test::new()
            .peer(move |peer| {
                peer.open();
                peer.send(&bytes);
                peer.expect_close(code);
            })
            .stderr_has(["RFC 6455"])
            .status(110)
            .run();
    }
}
