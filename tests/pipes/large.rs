//! Messages of any size.

use crate::support::{
    Peer, Stdin, Test,
    wire::{frame, ping},
};

/// Returns bytes without a short pattern.
fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Reads the rest of a message in fragments, whose content repeats `block`. Returns its length.
fn expect_repeated(peer: &mut Peer, mut opcode: u8, block: &[u8]) -> usize {
    let mut seen = 0;
    loop {
        let got = peer.frame();
        assert!(got.first & 0x7f == opcode && got.payload.len() <= 64 << 10, "{got:?}");
        opcode = 0;
        let at = seen % block.len();
        let (until, rest) = got.payload.split_at(got.payload.len().min(block.len() - at));
        assert!(until == &block[at..at + until.len()] && rest == &block[..rest.len()]);
        seen += got.payload.len();
        if got.first & 0x80 != 0 {
            return seen;
        }
    }
}

#[test]
fn a_line_of_100_mib_is_one_message() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let block: Vec<u8> = noise(1 << 20).iter().map(|byte| b'a' + byte % 26).collect();
    std::fs::write(file.path(), [&block.repeat(100)[..], b"\nafter\n"].concat()).unwrap();
    Test::new()
        .args(["--no-compress", "-w", "-1"])
        .stdin(Stdin::File(file.path().to_path_buf()))
        .peer(move |peer| {
            peer.open();
            assert_eq!(expect_repeated(peer, 0x01, &block), 100 << 20);
            peer.expect_text("after");
            let peak = peer.child.peak_memory();
            assert!(peak < 24 << 20, "{peak} bytes");
            peer.close(1000);
        })
        .run();
}

/// Such a line took all memory, and nothing of it was sent.
#[test]
fn an_endless_line_is_sent_while_it_is_read_with_pongs_between_its_fragments() {
    for (args, end) in [(&[][..], "\n"), (&["-0"], "\0")] {
        Test::new()
            .args(["--no-compress"])
            .args(args.iter().copied())
            .stdin(Stdin::Open)
            .peer(move |peer| {
                peer.open();
                peer.child.write("x".repeat(2 << 20));
                let first = peer.frame();
                assert_eq!((first.first, first.payload.len()), (0x01, 64 << 10));
                peer.send(ping("between"));
                let mut seen = first.payload.len();
                loop {
                    let got = peer.frame();
                    if got.first == 0x8a {
                        break;
                    }
                    assert_eq!(got.first, 0x00);
                    seen += got.payload.len();
                }
                peer.child.write(end);
                loop {
                    let got = peer.frame();
                    seen += got.payload.len();
                    if got.first == 0x80 {
                        break;
                    }
                }
                assert_eq!(seen, 2 << 20);
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn text_beyond_1_mib_that_is_invalid_is_closed_with_1007() {
    let mut line = vec![b'x'; 3 << 20];
    line[(2 << 20) + 4] = 0xff;
    Test::new()
        .args(["--no-compress"])
        .stdin([b"one\n", &line[..], b"\ntwo\n"].concat())
        .peer(|peer| {
            peer.open();
            peer.expect_text("one");
            let close = loop {
                let got = peer.frame();
                if got.first & 0x7f > 1 {
                    break got;
                }
                assert!(got.first & 0x80 == 0, "the message ended");
            };
            assert_eq!((close.first, &close.payload[..]), (0x88, &1007u16.to_be_bytes()[..]));
            peer.send(crate::support::wire::close(1007, ""));
        })
        .stderr("sockeye: stdin is not valid UTF-8: line 2, byte 2097157; the rest was not sent\n")
        .status(26)
        .run();
}

#[test]
fn fragment_bounds_every_frame_of_every_source() {
    let long = "0123456789".repeat(20_000);
    let jsonl = |kind: &str, field: &str, data: &str| {
        format!("{{\"type\":\"{kind}\",\"{field}\":\"{data}\"}}\n")
    };
    let prefix = (long.len() as u32).to_be_bytes();
    let prefixed = [&prefix[..], long.as_bytes()].concat();
    let bytes = data_encoding::BASE64.encode(long.as_bytes());
    for (args, stdin) in [
        (vec![], format!("{long}\n").into_bytes()),
        (vec!["-0"], format!("{long}\0").into_bytes()),
        (vec!["--delimiter", "length"], prefixed),
        (vec!["--input", "jsonl"], jsonl("text", "data", &long).into_bytes()),
        (vec!["--input", "jsonl"], jsonl("binary", "base64", &bytes).into_bytes()),
        (vec!["-x", &long[..100_000]], Vec::new()),
    ] {
        let expected = if stdin.is_empty() { long[..100_000].to_owned() } else { long.clone() };
        for (fragment, size) in [("1000", 1000), ("32K", 32 << 10), ("1M", 1 << 20)] {
            let expected = expected.clone();
            Test::new()
                .args(["--no-compress", "--fragment", fragment])
                .args(args.iter().copied())
                .stdin(stdin.clone())
                .peer(move |peer| {
                    peer.open();
                    let got = peer.message_in(size);
                    assert!(matches!(got.first, 0x81 | 0x82) && got.payload == expected.as_bytes());
                    peer.close(1000);
                })
                .run();
        }
    }
}

#[test]
fn an_echo_and_a_fragment_of_one_byte() {
    Test::new()
        .args(["--echo", "--fragment", "1"])
        .peer(|peer| {
            peer.open();
            peer.send(crate::support::wire::text("gr\u{fc}n"));
            let got = peer.message_in(1);
            assert_eq!((got.first, &got.payload[..]), (0x81, "gr\u{fc}n".as_bytes()));
            peer.close(1000);
        })
        .stdout("gr\u{fc}n\n")
        .run();
}

#[test]
fn a_file_is_sent_as_one_message_with_little_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let block = noise(1 << 20);
    std::fs::write(file.path(), block.repeat(64)).unwrap();
    Test::new()
        .args(["-b", "--delimiter", "none", "--no-compress", "-w", "-1"])
        .stdin(Stdin::File(file.path().to_path_buf()))
        .peer(move |peer| {
            peer.open();
            let seen = expect_repeated(peer, 0x02, &block);
            assert_eq!(seen, 64 << 20);
            let peak = peer.child.peak_memory();
            assert!(peak < 24 << 20, "{peak} bytes");
            peer.close(1000);
        })
        .run();
}

/// Sends a message of 128 MiB.
fn long(peer: &mut Peer) {
    let part = noise(1 << 20);
    peer.send(frame(0x02, &part));
    for _ in 0..126 {
        peer.send(frame(0x00, &part));
    }
    peer.send(frame(0x80, &part));
}

#[test]
fn a_huge_message_is_received_without_a_limit() {
    for (delimiter, more) in [("lf", 1), ("nul", 1), ("none", 0)] {
        Test::new()
            .args(["--max-message", "0", "--delimiter", delimiter])
            .shell("\"$@\" | wc -c")
            .peer(|peer| {
                peer.open();
                long(peer);
                peer.close(1000);
            })
            .stdout(format!("{}\n", (128 << 20) + more))
            .run();
    }
    Test::new()
        .args(["--max-message", "0"])
        .stdout_to("/dev/null")
        .peer(|peer| {
            peer.open();
            long(peer);
            peer.send(ping("received?"));
            peer.expect_pong("received?");
            let peak = peer.child.peak_memory();
            assert!(peak < 24 << 20, "{peak} bytes");
            peer.close(1000);
        })
        .run();
}

/// Such a message was in memory as a whole, with all of its rendering.
#[test]
fn a_long_message_is_rendered_with_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (record, har) = (path("run.jsonl"), path("run.har"));
    let letters: Vec<u8> = noise(1 << 20).iter().map(|byte| b'a' + byte % 26).collect();
    for args in [
        vec!["--output", "jsonl"],
        vec!["--delimiter", "length"],
        vec!["--record", &record],
        vec!["--har", &har],
        vec!["--output", "jsonl", "--record", &record, "--har", &har],
    ] {
        for (opcode, part) in [(0x01, letters.clone()), (0x02, noise(1 << 20))] {
            Test::new()
                .args(args.iter().copied())
                .args(["--ping-interval", "0"])
                .stdout_to("/dev/null")
                .peer(move |peer| {
                    peer.open();
                    peer.send(frame(opcode, &part));
                    for _ in 0..46 {
                        peer.send(frame(0x00, &part));
                    }
                    peer.send([frame(0x80, &part), ping("rendered?")].concat());
                    peer.expect_pong("rendered?");
                    let peak = peer.child.peak_memory();
                    // The message alone has 48 MiB.
                    assert!(peak < 40 << 20, "{peak} bytes");
                    peer.close(1000);
                })
                .run();
        }
    }
    let recorded = std::fs::read_to_string(&record).unwrap();
    let line = recorded.lines().find(|line| line.starts_with("{\"type\":\"binary\"")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let data = data_encoding::BASE64.encode(&noise(1 << 20).repeat(48));
    assert!(line["base64"] == *data && line["size"] == 48 << 20);
    let har: serde_json::Value = serde_json::from_slice(&std::fs::read(&har).unwrap()).unwrap();
    assert!(har["log"]["entries"][0]["_webSocketMessages"][0]["data"] == *data);
}

#[test]
fn options_that_need_a_whole_message_keep_a_limit() {
    for (args, why) in [
        (&["--output", "jsonl"][..], "--output jsonl"),
        (&["--delimiter", "length"], "--delimiter length"),
        (&["--until", "x"], "--until"),
        (&["--expect", "x"], "--expect"),
    ] {
        Test::new()
            .args(["--max-message", "0"])
            .args(args.iter().copied())
            .stdin(Stdin::Open)
            .peer(|peer| {
                peer.open();
                // The length in the header exceeds the limit.
                peer.send([0x82, 127, 0, 0, 0, 0, 0x06, 0x40, 0, 1]);
                peer.expect_close(1009);
            })
            .stdout(crate::support::Expected::Parts(Vec::new()))
            .stderr_has([
                &format!("sockeye: {why} needs each message whole: the limit is 100 MiB\n"),
                "sent a message over the limit of 104857600 bytes (1009)\n",
            ])
            .status(100)
            .run();
    }
}
