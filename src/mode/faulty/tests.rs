//! Faulty transports in virtual time.

use super::*;
use crate::{
    proto::raw::RawFrame,
    script::fault::{CutPlace, FaultRule},
    session::testbed::{self, End, Wire},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

const S: Duration = Duration::from_secs(1);

/// A transport with faults, the raw end of its peer, and the wire between them.
struct Faulty {
    transport: FaultyTransport,
    line: Arc<FaultLine>,
    far: End,
    _wire: Wire,
}

fn faulty(rule: &str, rest: &[u8]) -> Faulty {
    let (near, far, wire) = testbed::wire(64 << 10);
    let rules = [FaultRule::parse(rule).unwrap()];
    let schedule = FaultSchedule::new(rules.into(), 1, 1, clock::now());
    let (transport, line) = FaultyTransport::new(Box::new(near), rest.to_vec(), schedule);
    Faulty { transport, line, far, _wire: wire }
}

fn text(payload: &str) -> Vec<u8> {
    RawFrame::new(1).payload(payload).encode()
}

#[test]
fn a_delay_is_exact_in_both_directions() {
    testbed::run(async {
        let mut it = faulty("delay 5", b"");
        let start = clock::now();
        it.transport.write_all(&text("a")).await.unwrap();
        let mut received = [0; 3];
        let (flushed, read) = tokio::join!(it.transport.flush(), it.far.read_exact(&mut received));
        assert!(flushed.is_ok() && read.is_ok());
        assert_eq!((received.to_vec(), clock::now() - start), (text("a"), 5 * S));
        it.far.write_all(&text("b")).await.unwrap();
        it.transport.read_exact(&mut received).await.unwrap();
        assert_eq!((received.to_vec(), clock::now() - start), (text("b"), 10 * S));
    });
}

#[test]
fn what_waits_is_bounded() {
    testbed::run(async {
        let frame = RawFrame::new(2).payload(vec![7; 60_000]).encode();
        for rule in ["delay 1000", "throttle 1", "delay 1000 every 1"] {
            let mut it = faulty(rule, b"");
            let mut written = 0;
            while let Ok(taken) = timeout(S, it.transport.write(&frame)).await {
                written += taken.unwrap();
                assert!(written < 2 * QUEUE_LIMIT_BYTES, "{rule}");
            }
            let mut sent = 0;
            let mut byte = [0; 2];
            let reading = async { while it.transport.read(&mut byte).await.is_ok() {} };
            let writing = async {
                while let Ok(taken) = timeout(S, it.far.write(&frame)).await {
                    sent += taken.unwrap();
                    assert!(sent < 3 * QUEUE_LIMIT_BYTES, "{rule}");
                }
            };
            tokio::select! {
                () = reading => {}
                () = writing => {}
            }
        }
    });
}

#[test]
fn a_stall_holds_what_follows_it() {
    testbed::run(async {
        let mut it = faulty("stall 5 after 1 messages out", b"");
        let both = [text("a"), text("b")].concat();
        assert_eq!(it.transport.write(&both).await.unwrap(), 3);
        assert_eq!(it.line.take_ending(), Some(FaultEnding::Stall(Some(5 * S))));
        assert!(it.line.is_drained());
        assert!(timeout(S, it.transport.write(&text("b"))).await.is_err());
        it.far.write_all(&text("c")).await.unwrap();
        let mut received = [0; 3];
        assert!(timeout(S, it.transport.read(&mut received)).await.is_err());
        it.line.resume();
        it.transport.write_all(&text("b")).await.unwrap();
        it.transport.read_exact(&mut received).await.unwrap();
        assert_eq!(received.to_vec(), text("c"));
        let mut all = [0; 6];
        it.far.read_exact(&mut all).await.unwrap();
        assert_eq!(all.to_vec(), both);
    });
}

#[test]
fn what_was_received_before_a_cut_is_answered_and_nothing_more_is_read() {
    testbed::run(async {
        let mut it = faulty("cut after 1 messages in", b"");
        it.far.write_all(&[text("a"), text("b")].concat()).await.unwrap();
        let mut received = [0; 3];
        it.transport.read_exact(&mut received).await.unwrap();
        assert!(timeout(S, it.transport.read(&mut received)).await.is_err());
        timeout(S, it.line.changed.notified()).await.unwrap();
        assert!(matches!(it.line.take_ending(), Some(FaultEnding::Cut(_))));
        it.transport.write_all(&text("answer")).await.unwrap();
        drop(it.transport);
        let mut rest = Vec::new();
        it.far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, text("answer"));
    });
}

#[test]
fn after_a_sent_message_that_is_cut_nothing_is_passed_on() {
    testbed::run(async {
        let mut it = faulty("cut frame match b out", b"");
        let all = [text("a"), text("bbbb"), text("lost")].concat();
        it.transport.write_all(&all).await.unwrap();
        assert_eq!(it.line.take_ending(), Some(FaultEnding::Cut(CutPlace::InsideFrame)));
        drop(it.transport);
        let mut rest = Vec::new();
        it.far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, [&text("a")[..], b"\x81\x04bb"].concat());
    });
}

#[test]
fn bytes_before_and_an_incomplete_frame_at_the_end_are_received() {
    testbed::run(async {
        let mut it = faulty("drop match nothing", &text("rest")[..4]);
        it.far.write_all(&[&text("rest")[4..], b"\x81\x05ab"].concat()).await.unwrap();
        it.far.shutdown().await.unwrap();
        let mut received = Vec::new();
        it.transport.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, [&text("rest")[..], b"\x81\x05ab"].concat());
    });
}
