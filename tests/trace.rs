//! The bytes of a session in a trace, from which no secret can be restored.

use crate::support::{
    Test,
    wire::{self, Frame},
};
use std::{collections::VecDeque, fs};

const SECRET: &str = "S3cr3tT0ken";

/// Returns the bytes that were sent after the request, as a trace dumps them.
fn sent(trace: &str) -> VecDeque<u8> {
    let mut dumps: Vec<Vec<u8>> = Vec::new();
    let mut is_sent = false;
    for line in trace.lines() {
        if line.ends_with(" bytes") || line.ends_with(" byte") {
            is_sent = line.contains(" > ");
            if is_sent {
                dumps.push(Vec::new());
            }
        } else if let Some((hex, _)) = line.rsplit_once("  |")
            && is_sent
        {
            let digits = hex.split_whitespace().skip(1);
            let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).unwrap());
            dumps.last_mut().unwrap().extend(bytes);
        }
    }
    dumps.into_iter().skip(1).flatten().collect()
}

#[test]
fn a_secret_that_is_split_between_reads_is_not_dumped() {
    Test::new()
        .args(["--trace", "--bearer", SECRET])
        .peer(|peer| {
            peer.open();
            let frame = wire::text(SECRET);
            peer.send(&frame[..7]);
            peer.child.await_stderr("81 0b 2a 2a 2a 2a 2a ");
            peer.send(&frame[7..]);
            peer.child.await_stderr(" < 6 bytes\n00000000  2a 2a 2a 2a 2a 2a ");
            peer.close(1000);
        })
        .stdout("S3cr3tT0ken\n")
        .stderr_has(["  |..*****|\n", "  |******|\n"])
        .run();
}

#[test]
fn no_secret_can_be_unmasked_from_what_a_trace_dumps() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let record = dir.path().join("record");
    Test::new()
        .args(["--trace", "--bearer", SECRET, "-x", "it is S3cr3tT0ken", "--record"])
        .args([&record])
        .shell(format!("exec \"$@\" 2>{}", trace.display()))
        .peer(|peer| {
            peer.open();
            peer.expect_text("it is S3cr3tT0ken");
            peer.send(wire::ping(SECRET));
            peer.expect_pong(SECRET);
            peer.close_with(1000, SECRET);
        })
        .run();
    let mut sent = sent(&fs::read_to_string(trace).unwrap());
    let mut frames = Vec::new();
    while let Some(frame) = Frame::read(&mut sent).unwrap() {
        assert!(!frame.payload.escape_ascii().to_string().contains(SECRET), "{frame:?}");
        frames.push((frame.first, frame.payload.len()));
    }
    assert_eq!(frames, [(0x81, 17), (0x8a, 11), (0x88, 13)]);
    let recorded = fs::read_to_string(record).unwrap();
    for line in recorded.lines().filter(|line| line.contains(SECRET)) {
        assert!(line.contains("\"name\":\"text\"") || line.contains("\"type\":\"text\""), "{line}");
    }
}
