//! Floods of HTTP/2 frames, which h2 answers or refuses.

use super::{ACK, END_HEADERS, Http2, PING, SETTINGS, WINDOW_UPDATE, frame, headers, test};
use crate::support::{Peer, wire};

const CONTINUATION: u8 = 9;
const PRIORITY: u8 = 2;
const PADDED: u8 = 8;

/// The least size of a flood.
const SIZE: usize = 1 << 20;

fn repeated(frame: &[u8]) -> Vec<u8> {
    frame.repeat(SIZE.div_ceil(frame.len()))
}

/// Sends a flood without reading the answers. A client that stays must then answer a PING, and is
/// measured.
fn flood(peer: &mut Peer, name: &str, flood: &[u8], stays: bool) {
    let meter = peer.child.meter();
    let taken = peer.offer(flood);
    if stays {
        assert_eq!(taken, flood.len(), "{name}");
        peer.send(frame(PING, 0, 0, b"the last"));
        while peer.any().payload != b"the last" {}
        meter.check(name, flood.len());
        peer.half_close();
    }
    peer.discard_all();
}

#[test]
fn control_frames_cost_little() {
    let update = |stream: u32| frame(WINDOW_UPDATE, 0, stream, 1_u32.to_be_bytes());
    for (name, unit) in [
        ("PING", frame(PING, 0, 0, [0; 8])),
        ("acknowledged PING", frame(PING, ACK, 0, [0; 8])),
        ("empty SETTINGS", frame(SETTINGS, 0, 0, "")),
        ("SETTINGS", frame(SETTINGS, 0, 0, [0, 4, 0, 1, 0, 0])),
        ("WINDOW_UPDATE of the connection", update(0)),
        ("WINDOW_UPDATE of the stream", update(1)),
        ("PRIORITY", frame(PRIORITY, 0, 1, [0, 0, 0, 3, 0])),
        ("unknown frames", frame(0xfa, 0, 0, "")),
    ] {
        let bytes = repeated(&unit);
        test()
            .peer(move |peer| {
                peer.open_stream();
                flood(peer, name, &bytes, true);
            })
            .stderr_has(["closed the HTTP/2 connection without a Close frame (1006)\n"])
            .status(16)
            .run();
    }
}

#[test]
fn frames_that_do_nothing_or_must_not_come_end_the_session() {
    for (name, unit, words, status) in [
        (
            "empty DATA",
            frame(super::DATA, 0, 1, ""),
            "ENHANCE_YOUR_CALM (too_many_data_frames)",
            16,
        ),
        ("HEADERS", headers("200", 0), "PROTOCOL_ERROR", 92),
        (
            "RST_STREAM of an idle stream",
            frame(super::RST_STREAM, 0, 3, 8_u32.to_be_bytes()),
            "PROTOCOL_ERROR",
            16,
        ),
    ] {
        let bytes = repeated(&unit);
        test()
            .peer(move |peer| {
                peer.open_stream();
                flood(peer, name, &bytes, false);
            })
            .stderr_has([words])
            .status(status)
            .run();
    }
}

#[test]
fn a_header_block_without_an_end_is_refused() {
    for (unit, words) in [
        (frame(CONTINUATION, 0, 1, ""), "ENHANCE_YOUR_CALM (too_many_continuations)"),
        (frame(CONTINUATION, 0, 1, [0x08, 1, b'x']), "closed with "),
    ] {
        let bytes = [frame(super::HEADERS, 0, 1, [0x88]), repeated(&unit)].concat();
        test()
            .peer(move |peer| {
                peer.read_request();
                flood(peer, "CONTINUATION", &bytes, false);
            })
            .stderr_has([words])
            .status(16)
            .run();
    }
}

/// Of 257 bytes that count for flow control, one is of a message.
#[test]
fn padded_frames_of_a_byte_cost_little_and_give_their_window_back() {
    const MESSAGES: usize = 2000;
    let padded = |byte: u8| frame(super::DATA, PADDED, 1, [&[255, byte][..], &[0; 255]].concat());
    let round: Vec<u8> = wire::text("x").into_iter().flat_map(padded).collect();
    test()
        .peer(move |peer| {
            peer.open_stream();
            let meter = peer.child.meter();
            let (mut stream, mut connection) = (256_i64 << 10, 256_i64 << 10);
            let needed = 3 * 257;
            for number in 0..MESSAGES {
                while stream.min(connection) < needed {
                    let (one, all) = granted(peer, number);
                    (stream, connection) = (stream + one, connection + all);
                }
                peer.send(&round);
                (stream, connection) = (stream - needed, connection - needed);
            }
            granted(peer, MESSAGES);
            meter.check("padded DATA", MESSAGES * round.len());
            peer.send(super::data(wire::close(1000, "")));
            peer.closed(1000);
            peer.send(super::end_stream());
            peer.discard_all();
        })
        .stdout("x\n".repeat(MESSAGES))
        .run();
}

/// Returns the bytes granted on the stream and on the connection until a PING is answered.
fn granted(peer: &mut Peer, number: usize) -> (i64, i64) {
    let ping = (number as u64).to_be_bytes();
    peer.send(frame(PING, 0, 0, ping));
    let (mut stream, mut connection) = (0, 0);
    loop {
        let frame = peer.any();
        match frame.kind {
            PING if frame.flags == ACK && frame.payload == ping => return (stream, connection),
            WINDOW_UPDATE => {
                let more = i64::from(u32::from_be_bytes(frame.payload.try_into().unwrap()));
                *if frame.stream == 0 { &mut connection } else { &mut stream } += more;
            }
            _ => {}
        }
    }
}

/// A few kilobytes that stand for 48 MB of header fields.
#[test]
fn a_header_block_that_grows_as_it_is_read_is_refused() {
    // The field goes to the dynamic table, and is one byte each time after that.
    let field = [&[0x40, 1, b'x', 127, 0xa1, 0x1e][..], &[b'y'; 4000]].concat();
    let block = [&[0x88][..], &field, &[0xbe; 12_000]].concat();
    let bytes = frame(super::HEADERS, END_HEADERS, 1, block);
    test()
        // Seconds of processor time.
        .shell("ulimit -t 10; exec \"$@\"")
        .peer(move |peer| {
            peer.read_request();
            flood(peer, "a header block", &bytes, false);
        })
        .stderr_has(["ENHANCE_YOUR_CALM (header_list_way_too_large)"])
        .status(16)
        .run();
}
