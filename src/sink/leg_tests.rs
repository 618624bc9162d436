//! Tests of the sinks of a proxy: both legs of a conversation in the same files.

use super::{jsonl::EventBuffer, leg_text::LegOutput, server::ServerRecorders, sinks::Sinks};
use crate::{
    job::{listen::ServerRecordOptions, run_outcome::RunOutcome},
    proto::{
        Leg,
        extension::{Deflate, Side},
        raw::RawFrame,
    },
    redact::Secrets,
    render::har::Exchange,
    report::{Report, Verbosity},
    session::tap::{Decoded, Tap},
};
use serde_json::Value;
use std::{path::Path, time::Instant};

/// The longest message that is kept.
const LIMIT: u64 = 3 << 20;

fn report() -> Report {
    let started = Instant::now();
    Report { verbosity: Verbosity::Normal, secrets: Secrets::Hidden, started }
}

fn masked(frame: RawFrame) -> Vec<u8> {
    frame.mask([1, 2, 3, 4]).encode()
}

/// Passes these bytes of each leg through taps, and returns the lines on stdout, the recording and the
/// HAR entry.
fn watch(dir: &Path, bytes: &[(Leg, Vec<u8>)], jsonl: bool) -> (String, Vec<Value>, Value) {
    let [record, har] = ["run.jsonl", "run.har"].map(|name| Some(dir.join(name)));
    let options = ServerRecordOptions { record, har, inputs: Vec::new() };
    let recorders = ServerRecorders::open(&options, report()).unwrap();
    recorders.exchange(Some(7), |_| Exchange::default());
    let events = EventBuffer::new(true);
    let output = if jsonl {
        LegOutput::Events(events.clone())
    } else {
        LegOutput::Text(events.clone(), b'\n')
    };
    let side = Side { window_bits: 15, keeps_context: true };
    let deflate = Deflate { server: side, client: side };
    let sinks =
        Leg::BOTH.map(|leg| Sinks::of_leg(false, report(), (7, leg), Some(&output), &recorders));
    let mut taps: Vec<_> = sinks
        .iter()
        .zip(Leg::BOTH)
        .map(|(sinks, leg)| Tap::new(sinks.observer(LIMIT).unwrap(), leg, Some(&deflate)))
        .collect();
    for (leg, bytes) in bytes {
        let tap = &mut taps[usize::from(*leg == Leg::Server)];
        tap.received(Instant::now(), bytes);
        while tap.decode(|| true) == Decoded::Held {
            tap.rest();
        }
        tap.rest();
    }
    for (tap, sinks) in taps.iter_mut().zip(&sinks) {
        tap.end(Instant::now());
        sinks.over();
    }
    assert!(recorders.end(&Ok(RunOutcome::Done), (None, 0)).is_ok());
    let lines = std::fs::read_to_string(dir.join("run.jsonl")).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let har: Value = serde_json::from_slice(&std::fs::read(dir.join("run.har")).unwrap()).unwrap();
    (events.text(), lines, har["log"]["entries"][0]["_webSocketMessages"].clone())
}

fn conversation() -> Vec<(Leg, Vec<u8>)> {
    vec![
        (Leg::Client, masked(RawFrame::new(1).payload("asked"))),
        (Leg::Server, RawFrame::new(1).rsv(0x40).payload(b"\x4a\xcc\xcb\x07\x00").encode()),
        (Leg::Server, RawFrame::new(3).payload("x").encode()),
        (Leg::Client, masked(RawFrame::new(8).payload(b"\x03\xe8"))),
    ]
}

#[test]
fn each_event_has_its_leg_and_is_recorded_once() {
    let dir = tempfile::tempdir().unwrap();
    let (text, lines, har) = watch(dir.path(), &conversation(), false);
    assert_eq!(text, "7>\tasked\n7<\tano\n");
    let told: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            line["leg"].as_str().map(|leg| [leg, &word("direction"), &word("type")].join(" "))
        })
        .collect();
    let expected = [
        "client in frame",
        "client in text",
        "server in frame",
        "server in text",
        "server in frame",
        "server in violation",
        "client in frame",
        "client in close",
    ];
    assert_eq!(told, expected);
    assert_eq!((&lines[3]["data"], &lines[3]["wire_size"]), (&"ano".into(), &5.into()));
    assert_eq!(lines[0]["conn"], 7);
    let types: Vec<_> = har.as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(types, ["send", "receive"]);
    assert_eq!(har[1]["data"], "ano");
}

#[test]
fn long_messages_of_both_legs_are_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let long = |byte: &str| RawFrame::new(1).payload(byte.repeat(2 << 20));
    let bytes = [
        (Leg::Client, masked(long("a"))),
        (Leg::Server, long("b").encode()),
        (Leg::Server, RawFrame::new(1).payload("c").encode()),
    ];
    let (text, lines, har) = watch(dir.path(), &bytes, true);
    let sizes: Vec<_> = text.lines().map(|line| line.len() >> 20).collect();
    assert_eq!(sizes, [2, 2, 0]);
    let messages: Vec<_> = lines.iter().filter(|line| line["type"] == "text").collect();
    assert_eq!(messages.len(), 3);
    assert!(messages[1]["data"].as_str().unwrap().bytes().all(|byte| byte == b'b'));
    let sizes: Vec<_> =
        har.as_array().unwrap().iter().map(|it| it["data"].as_str().unwrap().len()).collect();
    assert_eq!(sizes, [2 << 20, 2 << 20, 1]);
}

/// A message without end must not fill the disk.
#[test]
fn of_a_message_over_the_limit_only_the_length_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let part = |opcode, fin| {
        let frame = RawFrame::new(opcode).fin(fin).payload("x".repeat(1 << 20));
        (Leg::Server, frame.encode())
    };
    let next = (Leg::Server, RawFrame::new(1).payload("next").encode());
    let bytes = [part(1, false), part(0, false), part(0, false), part(0, true), next];
    let (text, lines, har) = watch(dir.path(), &bytes, false);
    assert_eq!(text, "7<\tnext\n");
    let messages: Vec<_> = lines.iter().filter(|line| line["type"] == "text").collect();
    assert_eq!((&messages[0]["size"], &messages[0]["frames"]), (&(4 << 20).into(), &4.into()));
    assert_eq!((messages[0].get("data"), &messages[1]["data"]), (None, &"next".into()));
    assert_eq!((&har[0]["data"], &har[1]["data"]), (&"".into(), &"next".into()));
}
