//! Floods of a server: each byte of them costs the client little time, and none of them much memory.
//! Those over HTTP/2 are in tests/http2/floods.rs, those of a client in tests/listen/floods.rs.

use crate::support::{
    Peer, Stdin, Test,
    peer::OPEN,
    wire::{binary, close, frame, ping, text},
};
use flate2::{Compress, Compression, FlushCompress};
use std::{fmt::Write as _, time::Duration};

/// The least size of a flood.
const SIZE: usize = 1 << 19;

/// About ten times what a byte of an empty frame costs a debug build: half a frame.
const HIDDEN: Duration = Duration::from_micros(10);
/// The same where the frame is a line of text.
const SHOWN: Duration = Duration::from_micros(50);

/// Repeats frames until they are a flood.
fn repeated(frames: &[u8]) -> Vec<u8> {
    frames.repeat(SIZE.div_ceil(frames.len()))
}

/// Returns floods of complete messages and control frames of about this size.
fn frames(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |frames: &[u8]| frames.repeat(size.div_ceil(frames.len()));
    let fragments = |fragment: &[u8]| {
        [frame(0x01, "a"), repeated(&frame(0x00, fragment)), frame(0x80, "z")].concat()
    };
    vec![
        ("empty pings", repeated(&ping(""))),
        ("long pings", repeated(&ping("x".repeat(125)))),
        ("empty pongs", repeated(&frame(0x8a, ""))),
        ("long pongs", repeated(&frame(0x8a, "x".repeat(125)))),
        ("empty fragments", fragments(b"")),
        ("fragments of a byte", fragments(b"x")),
        ("a ping between all fragments", {
            let pair = [frame(0x00, "x"), ping("y")].concat();
            [frame(0x01, "a"), repeated(&pair), frame(0x80, "z")].concat()
        }),
        ("empty messages", repeated(&text(""))),
        ("messages of a byte", repeated(&text("x"))),
        ("empty binary messages", repeated(&binary(""))),
    ]
}

/// Sends a flood of which the client must take everything, and checks its costs. Answers are not read
/// meanwhile.
fn assert_cheap(peer: &mut Peer, name: &str, flood: &[u8], limit: Duration) {
    let meter = peer.child.meter();
    assert_eq!(peer.offer(flood), flood.len(), "{name}");
    await_all_read(peer);
    meter.check_within(name, flood.len(), limit);
    peer.send(close(1000, ""));
    // The last pong has overtaken others if many waited.
    while peer.frame().first != 0x88 {}
}

/// Waits until the client has read everything.
fn await_all_read(peer: &mut Peer) {
    peer.send(ping("the last"));
    while peer.frame().payload != b"the last" {}
}

#[test]
fn frames_without_content_cost_little() {
    for (name, flood) in frames(SIZE) {
        Test::new()
            .stdout_to("/dev/null")
            .peer(move |peer| {
                peer.open();
                assert_cheap(peer, name, &flood, HIDDEN);
            })
            .run();
    }
}

/// Each frame has a line here.
#[test]
fn frames_without_content_cost_little_where_each_is_shown() {
    for option in ["--output=jsonl", "--frames", "--trace"] {
        for (name, flood) in frames(SIZE / 8) {
            let name = format!("{name} with {option}");
            Test::new()
                .args([option])
                .shell("exec \"$@\" 2>/dev/null")
                .stdout_to("/dev/null")
                .peer(move |peer| {
                    peer.open();
                    assert_cheap(peer, &name, &flood, SHOWN);
                })
                .run();
        }
    }
}

#[test]
fn compressed_messages_without_content_cost_little() {
    // RFC 7692, 7.2.3.6: an empty message is one byte. A block of type 0 is five.
    let stored = [0, 0, 0, 0xff, 0xff];
    for (name, message) in [
        ("empty compressed messages", frame(0xc1, [0])),
        (
            "compressed messages of empty blocks",
            frame(0xc1, [&stored.repeat(20)[..], &[0]].concat()),
        ),
        ("compressed messages in empty fragments", [frame(0x41, [0]), frame(0x80, "")].concat()),
    ] {
        let flood = repeated(&message);
        Test::new()
            .stdout_to("/dev/null")
            .peer(move |peer| {
                peer.open_with("Sec-WebSocket-Extensions: permessage-deflate\r\n");
                assert_cheap(peer, name, &flood, HIDDEN);
            })
            .run();
    }
}

/// 64 MiB of zeros in 64 KiB. Each byte that comes out counts.
#[test]
fn an_inflated_bomb_costs_little_for_each_byte_that_it_becomes() {
    const MEBIBYTES: usize = 64;
    let mut block = Vec::with_capacity(8 << 10);
    let mut state = Compress::new(Compression::best(), false);
    state.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let all = block.repeat(MEBIBYTES);
    let bomb = frame(0xc2, &all[..all.len() - 4]);
    Test::new()
        .stdout_to("/dev/null")
        .peer(move |peer| {
            peer.open_with("Sec-WebSocket-Extensions: permessage-deflate\r\n");
            let meter = peer.child.meter();
            peer.send(&bomb);
            await_all_read(peer);
            meter.check("a bomb", MEBIBYTES << 20);
            meter.check_cpu("a bomb", MEBIBYTES << 20, Duration::from_nanos(200));
            peer.close(1000);
        })
        .run();
}

#[test]
fn segments_of_a_byte_cost_no_more_than_a_read_each() {
    const MESSAGES: usize = 5000;
    let lines = "abc\n".repeat(MESSAGES);
    Test::new()
        .stdout(lines)
        .peer(|peer| {
            peer.open();
            let meter = peer.child.meter();
            for byte in text("abc").repeat(MESSAGES) {
                peer.send([byte]);
            }
            await_all_read(peer);
            // A wake-up, a read and sometimes a write.
            meter.check_cpu("segments of a byte", 5 * MESSAGES, Duration::from_micros(400));
            peer.close(1000);
        })
        .run();
}

/// A length is a claim: nothing is reserved for it.
#[test]
fn a_length_of_2_62_reserves_nothing() {
    let header = [&[0x82, 127], &(1_u64 << 62).to_be_bytes()[..]].concat();
    for (args, words, status) in [
        (&["--max-message", "0"][..], "in the middle of a message", 56),
        (&["--max-message", "0", "--output", "jsonl"], "over the limit of 104857600 bytes", 100),
        (&[], "over the limit of 104857600 bytes", 100),
    ] {
        let header = header.clone();
        Test::new()
            .args(args.iter().copied())
            .stdout_to("/dev/null")
            .peer(move |peer| {
                peer.open();
                let meter = peer.child.meter();
                // More than the buffers between the peer and the client hold.
                let bytes = [&header[..], &vec![b'x'; 32 << 20]].concat();
                let taken = if status == 100 { peer.flood(&bytes) } else { peer.offer(&bytes) };
                if status == 100 {
                    peer.expect_close(1009);
                } else {
                    assert_eq!(taken, bytes.len());
                }
                meter.check("2^62", taken);
                peer.half_close();
                peer.discard_all();
            })
            .stderr_has([words])
            .status(status)
            .run();
    }
}

#[test]
fn endless_refusals_end_with_their_first_kilobytes() {
    let plain = "x".repeat(64 << 10);
    let chunked = format!("{:x}\r\n{plain}\r\n", plain.len());
    let tiny = "1\r\nx\r\n".repeat(10_000);
    let empty_lines = "\r\n".repeat(30_000);
    for (head, body) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", plain.clone()),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 9223372036854775807\r\n\r\n", plain),
        ("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", chunked),
        ("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", tiny),
        ("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n", empty_lines),
    ] {
        Test::new()
            .peer(move |peer| {
                peer.request();
                peer.send(head);
                let body = body.into_bytes();
                let mut taken = 0;
                // The kernel holds some megabytes.
                while taken < 64 << 20 {
                    match peer.offer(&body) {
                        n if n == body.len() => taken += n,
                        _ => break,
                    }
                }
                assert!(taken < 64 << 20, "it takes everything: {head}");
                peer.discard_all();
            })
            .stderr_has(["403"])
            .status(22)
            .run();
    }
}

/// The input is a sparse file, of which only what the peer takes is read.
#[test]
fn two_gibibytes_of_stdin_wait_for_a_server_that_never_reads() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(2 << 30).unwrap();
    for args in [&["--delimiter", "none", "-b"][..], &["--delimiter", "nul"], &[]] {
        Test::new()
            .args(args.iter().copied())
            .args(["--no-compress", "--close-timeout", "0.2"])
            .stdin(Stdin::File(file.path().to_path_buf()))
            .peer(|peer| {
                peer.open();
                let meter = peer.child.meter();
                peer.await_backlog();
                meter.check("stdin", 16 << 20);
                peer.child.signal(rustix::process::Signal::TERM);
                peer.freeze();
            })
            .killed_by(rustix::process::Signal::TERM)
            .run();
    }
}

/// A byte of a message may be six on stdout, and a row on a terminal.
#[test]
fn small_messages_that_render_large_cost_little() {
    let controls = "\u{1}".repeat(1 << 20);
    let quotes = "\"\\".repeat(1 << 19);
    let mut nested = String::new();
    for depth in 0..10_000 {
        write!(nested, "{{\"{depth}\":[").unwrap();
    }
    // Arrays of arrays in MessagePack, and an array that claims four billion elements.
    let deep = [vec![0x91; 1 << 16], vec![0xc0]].concat();
    let claimed = [vec![0xdd, 0xff, 0xff, 0xff, 0xff], vec![0xc0; 1 << 16]].concat();
    for (args, message) in [
        (&["--output", "jsonl"][..], text(&controls)),
        (&["--output", "jsonl"], text(&quotes)),
        (&["--output", "jsonl"], text(&nested)),
        (&["--output", "jsonl"], binary(&controls)),
        (&["--decode", "msgpack"], binary(&deep)),
        (&["--decode", "msgpack"], binary(&claimed)),
        (&["--decode", "auto"], binary(&claimed)),
        (&["--frames"], text(&controls)),
        (&[], text(&nested)),
    ] {
        Test::new()
            .args(args.iter().copied())
            .shell("exec \"$@\" 2>/dev/null")
            .stdout_to("/dev/null")
            .peer(move |peer| {
                peer.open();
                let meter = peer.child.meter();
                peer.send(&message);
                await_all_read(peer);
                meter.check(format!("{args:?} {}", message.len()), message.len());
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn endless_heads_cost_little() {
    for head in [
        format!("HTTP/1.1 101 {}", "x".repeat(1 << 20)),
        format!("{OPEN}{}", "X: y\r\n".repeat(200_000)),
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100_000),
        format!("{OPEN}X: {}", ", ".repeat(500_000)),
    ] {
        Test::new()
            // Seconds of processor time. The head is not parsed again for each piece of it.
            .shell("ulimit -t 10; exec \"$@\"")
            .peer(move |peer| {
                peer.request();
                for piece in head.as_bytes().chunks(100) {
                    if peer.offer(piece) < piece.len() {
                        break;
                    }
                }
                peer.discard_all();
            })
            .stderr_has(["the response head exceeds 64 KiB"])
            .status(8)
            .run();
    }
}
