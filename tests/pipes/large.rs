//! Messages of any size.

use crate::support::{Peer, Stdin, Test, wire::frame};

/// Returns bytes without a short pattern.
fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

#[test]
fn a_line_of_100_mib_is_one_message() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = vec![b'x'; 100 << 20];
    std::fs::write(file.path(), [&line[..], b"\nafter\n"].concat()).unwrap();
    Test::new()
        .args(["--no-compress", "-w", "-1"])
        .stdin(Stdin::File(file.path().to_path_buf()))
        .peer(move |peer| {
            peer.open();
            let got = peer.message();
            assert!(got.first == 0x81 && got.payload == line, "{} bytes", got.payload.len());
            peer.expect_text("after");
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_file_goes_out_as_one_message_in_little_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let block = noise(1 << 20);
    std::fs::write(file.path(), block.repeat(64)).unwrap();
    Test::new()
        .args(["-b", "--delimiter", "none", "--no-compress", "-w", "-1"])
        .stdin(Stdin::File(file.path().to_path_buf()))
        .peer(move |peer| {
            peer.open();
            let (mut seen, mut opcode) = (0, 0x02);
            loop {
                let got = peer.frame();
                assert_eq!(got.first & 0x7f, opcode);
                opcode = 0;
                let at = seen % block.len();
                let (until, rest) = got.payload.split_at(got.payload.len().min(block.len() - at));
                assert!(until == &block[at..at + until.len()] && rest == &block[..rest.len()]);
                seen += got.payload.len();
                if got.first & 0x80 != 0 {
                    break;
                }
            }
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
            peer.close(1000);
            let peak = peer.child.peak_memory();
            assert!(peak < 24 << 20, "{peak} bytes");
        })
        .run();
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
