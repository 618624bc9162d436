//! Pairs between two pipes in memory.

use super::*;
use crate::proto::{
    CloseCode,
    handshake::{Agreement, Version},
    mask,
    raw_message::RawHeader,
};
use proptest::prelude::*;
use std::{future::poll_fn, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// The far ends of a pair, and its task.
struct Bench {
    client: DuplexStream,
    server: DuplexStream,
    link: Arc<PairLink>,
    run: JoinHandle<PairEnd>,
}

fn established(transport: DuplexStream, rest: &[u8]) -> Established {
    carried(Version::Http11, transport, rest)
}

fn carried(carrier: Version, transport: DuplexStream, rest: &[u8]) -> Established {
    Established {
        transport: Box::new(transport),
        rest: rest.to_vec(),
        agreement: Agreement::default(),
        carrier,
        authority: String::new(),
    }
}

/// Starts a pair whose legs hold so many bytes, and of which some were received already.
fn start(room: usize, early: [&[u8]; 2]) -> Bench {
    let (client, near) = duplex(room);
    let (server, far) = duplex(room);
    let link = Arc::<PairLink>::default();
    let mut pair = Pair::new(
        established(near, early[0]),
        established(far, early[1]),
        Arc::clone(&link),
        None,
        None,
    );
    let run = tokio::spawn(async move { poll_fn(|cx| pair.poll_run(cx)).await });
    Bench { client, server, link, run }
}

/// The frames of a stream, unmasked, each as its first byte and its payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(header) = RawHeader::read(bytes) {
        let end = header.size + usize::try_from(header.length).unwrap();
        let mut payload = bytes[header.size..end].to_vec();
        if let Some(key) = header.mask {
            mask::apply(&mut payload, key, 0);
        }
        frames.push((header.first, payload));
        bytes = &bytes[end..];
    }
    frames
}

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    RawFrame::new(opcode).mask([1, 2, 3, 4]).payload(payload).encode()
}

fn plain(opcode: u8, payload: &[u8]) -> Vec<u8> {
    RawFrame::new(opcode).payload(payload).encode()
}

/// Writes bytes in parts, and ends the direction; meanwhile reads the other one to its end.
async fn talk(end: DuplexStream, bytes: Vec<u8>, parts: Vec<usize>) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(end);
    let write = async {
        let mut rest = &bytes[..];
        for part in parts {
            let (now, later) = rest.split_at(part.min(rest.len()));
            writer.write_all(now).await.unwrap();
            tokio::task::yield_now().await;
            rest = later;
        }
        writer.write_all(rest).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let ((), read) = tokio::join!(write, reader.read_to_end(&mut received));
    read.unwrap();
    received
}

fn conversation(masks: bool) -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (100_000_usize..200_000).prop_map(|length| vec![b'x'; length]),
    ];
    let frame = (any::<u8>(), payload).prop_map(move |(first, payload)| {
        let frame = RawFrame::new(first & 0xf).fin(first & 0x80 != 0).rsv(first).payload(payload);
        if masks { frame.mask([7, 7, 8, 8]).encode() } else { frame.encode() }
    });
    prop::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Prevents a pair that loses, repeats or reorders anything, however slow its peers are.
    #[test]
    fn both_ends_receive_what_the_other_sent(
        up in conversation(true),
        down in conversation(false),
        parts in prop::collection::vec(0_usize..3000, 0..20),
        room in 1_usize..5000,
        early in 0_usize..200,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = (frames(&up), frames(&down));
        let received = runtime.block_on(async {
            let (first, rest) = up.split_at(early.min(up.len()));
            let bench = start(room, [first, b""]);
            let client = talk(bench.client, rest.to_vec(), parts.clone());
            let server = talk(bench.server, down, parts);
            let (at_client, at_server) = tokio::join!(client, server);
            bench.run.await.unwrap();
            (at_server, at_client)
        });
        prop_assert_eq!((frames(&received.0), frames(&received.1)), expected);
    }
}

#[tokio::test]
async fn a_direction_that_has_ended_leaves_the_other_open() {
    let mut bench = start(1000, [b"", b""]);
    bench.client.write_all(&masked(1, b"last")).await.unwrap();
    bench.client.shutdown().await.unwrap();
    let mut received = Vec::new();
    bench.server.read_to_end(&mut received).await.unwrap();
    assert_eq!(frames(&received), [(0x81, b"last".to_vec())]);
    bench.server.write_all(&plain(1, b"still here")).await.unwrap();
    let mut answer = [0; 12];
    bench.client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"\x81\x0astill here");
    bench.server.shutdown().await.unwrap();
    assert_eq!(bench.client.read(&mut answer).await.unwrap(), 0);
    assert!(matches!(bench.run.await.unwrap(), PairEnd::Ended(Leg::Client)));
}

/// Prevents that the start of a header is lost at the end, or that a clean end is made of it.
#[tokio::test]
async fn a_stream_may_end_anywhere() {
    let mut bench = start(1000, [b"", b""]);
    bench.server.write_all(b"\x81\x7e\x01").await.unwrap();
    bench.server.shutdown().await.unwrap();
    let mut received = Vec::new();
    bench.client.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x81\x7e\x01");
    bench.client.shutdown().await.unwrap();
    assert!(matches!(bench.run.await.unwrap(), PairEnd::Ended(Leg::Server)));
}

/// Prevents a proxy that reads what the other leg does not take.
#[tokio::test]
async fn a_leg_that_does_not_read_holds_up_the_other() {
    let mut bench = start(100, [b"", b""]);
    let frame = plain(2, &vec![b'x'; 100_000]);
    let write = timeout(Duration::from_millis(50), bench.server.write_all(&frame)).await;
    assert!(write.is_err(), "the client takes nothing");
    // The other direction goes on.
    bench.client.write_all(&masked(9, b"p")).await.unwrap();
    let mut ping = [0; 7];
    bench.server.read_exact(&mut ping).await.unwrap();
    assert_eq!(frames(&ping), [(0x89, b"p".to_vec())]);
    bench.run.abort();
}

#[tokio::test]
async fn our_close_waits_for_the_end_of_a_frame() {
    let mut bench = start(1000, [b"", b""]);
    let message = plain(1, b"hello");
    bench.server.write_all(&message[..4]).await.unwrap();
    let mut start = [0; 4];
    bench.client.read_exact(&mut start).await.unwrap();
    bench.link.order(Order::Close(Close::new(CloseCode::GOING_AWAY)));
    let mut close = [0; 8];
    bench.server.read_exact(&mut close).await.unwrap();
    assert_eq!(frames(&close), [(0x88, b"\x03\xe9".to_vec())]);
    assert!(close[1] & 0x80 != 0, "a client masks");
    bench.server.write_all(&message[4..]).await.unwrap();
    // Nothing follows the Close.
    bench.server.write_all(&plain(1, b"late")).await.unwrap();
    let mut rest = [0; 7];
    bench.client.read_exact(&mut rest).await.unwrap();
    assert_eq!(rest, *b"llo\x88\x02\x03\xe9");
    bench.client.write_all(&masked(8, b"\x03\xe9")).await.unwrap();
    bench.server.write_all(&plain(8, b"\x03\xe9")).await.unwrap();
    let end = timeout(Duration::from_secs(5), bench.run).await.unwrap().unwrap();
    assert!(matches!(end, PairEnd::Ours(close) if close.code == CloseCode::GOING_AWAY));
    assert_eq!(bench.client.read(&mut rest).await.unwrap(), 0);
}

/// Regression: a client over HTTP/1.1 waited for a server that waited for the end of our HTTP/2 stream.
#[tokio::test]
async fn our_http2_stream_ends_after_the_closing_handshake() {
    let (mut client, near) = duplex(1000);
    let (mut server, far) = duplex(1000);
    let (client_leg, server_leg) =
        (established(near, b""), carried(Version::Http2, far, &plain(8, b"\x03\xe8")));
    let mut pair = Pair::new(client_leg, server_leg, Arc::default(), None, None);
    let run = tokio::spawn(async move { poll_fn(|cx| pair.poll_run(cx)).await });
    let mut close = [0; 4];
    client.read_exact(&mut close).await.unwrap();
    client.write_all(&masked(8, b"\x03\xe8")).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(5), server.read_to_end(&mut answer));
    read.await.unwrap().unwrap();
    assert_eq!(frames(&answer), [(0x88, b"\x03\xe8".to_vec())]);
    drop(server);
    let end = timeout(Duration::from_secs(5), run).await.unwrap().unwrap();
    assert!(matches!(end, PairEnd::Closed(Leg::Server, Some(_))));
    assert_eq!(client.read(&mut close).await.unwrap(), 0);
}

/// Regression: a Close never found a place between the frames of a peer that sends without a pause.
#[tokio::test]
async fn frames_are_inserted_into_a_flood() {
    let bench = start(100_000, [b"", b""]);
    let mut writer = bench.client;
    let flood = tokio::spawn(async move {
        // Reads end in the middle of a frame.
        let block = masked(2, &[7; 1000]).repeat(100);
        while writer.write_all(&block).await.is_ok() {}
    });
    let mut server = bench.server;
    let mut received = vec![0; 500_000];
    server.read_exact(&mut received).await.unwrap();
    bench.link.order(Order::Insert(Leg::Server, masked(1, b"ours")));
    bench.link.order(Order::Close(Close::new(CloseCode::GOING_AWAY)));
    server.write_all(&plain(8, b"")).await.unwrap();
    // The client never answers the Close.
    let _ = timeout(Duration::from_millis(300), server.read_to_end(&mut received)).await;
    flood.abort();
    let frames = frames(&received);
    let last = frames.iter().position(|frame| *frame == (0x88, b"\x03\xe9".to_vec())).unwrap();
    assert_eq!(frames[last - 1], (0x81, b"ours".to_vec()));
    assert_eq!(last, frames.len() - 1);
    bench.run.abort();
}

#[tokio::test]
async fn frames_are_inserted_between_two_messages() {
    let mut bench = start(1000, [b"", b""]);
    let first = RawFrame::new(1).fin(false).payload("a").encode();
    bench.server.write_all(&first).await.unwrap();
    let mut received = [0; 3];
    bench.client.read_exact(&mut received).await.unwrap();
    bench.link.order(Order::Insert(Leg::Client, plain(1, b"ours")));
    sleep(Duration::from_millis(5)).await;
    bench.server.write_all(&plain(0, b"b")).await.unwrap();
    let mut rest = [0; 9];
    bench.client.read_exact(&mut rest).await.unwrap();
    assert_eq!(rest, *b"\x80\x01b\x81\x04ours");
    bench.run.abort();
}

#[tokio::test]
async fn a_paused_pair_reads_nothing() {
    let mut bench = start(10, [b"", b""]);
    bench.link.order(Order::Pause(true));
    sleep(Duration::from_millis(5)).await;
    let message = plain(1, b"hello world, hello");
    let write = timeout(Duration::from_millis(30), bench.server.write_all(&message)).await;
    assert!(write.is_err());
    bench.link.order(Order::Pause(false));
    let mut start = [0; 10];
    bench.client.read_exact(&mut start).await.unwrap();
    assert_eq!(start, message[..10]);
    bench.run.abort();
}
