//! Violations of the protocol (110) and messages over the limit (100): the peer gets the right
//! close code, and earlier messages are printed.

use crate::support::{
    Test,
    wire::{binary, close, frame, text},
};
use hex_literal::hex;

/// Checks the close code and error after a message and this fault in one segment.
#[track_caller]
fn broken(fault: &[u8], told: u16, words: &str) {
    let bytes = [text("before"), fault.to_vec()].concat();
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(told);
        })
        .stdout("before\n")
        .stderr(format!("sockeye: {{peer}} violated the protocol: {words}; closed with {told})\n"))
        .status(110)
        .run();
}

#[test]
fn a_reserved_bit_or_opcode_is_a_violation() {
    for (first, name) in [(0xc8, "rsv1"), (0xa1, "rsv2"), (0x91, "rsv3"), (0xb1, "rsv2, rsv3")] {
        let words = format!("reserved bit {name} set without an extension (RFC 6455, 5.2");
        broken(&frame(first, "x"), 1002, &words);
    }
    for opcode in [3, 7, 11, 15] {
        let words = format!("reserved opcode {opcode} (RFC 6455, 5.2");
        broken(&frame(0x80 | opcode, "x"), 1002, &words);
    }
}

#[test]
fn a_masked_frame_of_a_server_is_a_violation() {
    let words = "masked frame from a server (RFC 6455, 5.1";
    broken(&hex!("81 81 00000000 78"), 1002, words);
}

#[test]
fn a_length_that_is_not_minimal_is_a_violation() {
    let words = "payload length 5 not minimally encoded (RFC 6455, 5.2";
    broken(&hex!("81 7e 0005 68656c6c6f"), 1002, words);
    broken(&hex!("81 7f 0000000000000005 68656c6c6f"), 1002, words);
    let words = "payload length with the most significant bit set (RFC 6455, 5.2";
    broken(&hex!("81 7f 8000000000000000"), 1002, words);
}

#[test]
fn control_frames_too_long_or_fragmented_are_violations() {
    for (opcode, name) in [(0x8, "close"), (0x9, "ping"), (0xa, "pong")] {
        let words = format!("{name} frame longer than 125 bytes (RFC 6455, 5.5");
        broken(&frame(0x80 | opcode, [0; 126]), 1002, &words);
        let words = format!("fragmented {name} frame (RFC 6455, 5.5");
        broken(&frame(opcode, ""), 1002, &words);
    }
}

#[test]
fn a_continuation_without_a_message_is_a_violation() {
    let words = "continuation frame while no message is open (RFC 6455, 5.4";
    broken(&frame(0x80, "x"), 1002, words);
    broken(&frame(0x00, "x"), 1002, words);
}

#[test]
fn a_close_that_must_not_be_sent_is_a_violation() {
    for code in [999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let words = format!("Close with the code {code}, which must not be sent (RFC 6455, 7.4");
        broken(&close(code, ""), 1002, &words);
    }
    broken(&frame(0x88, "x"), 1002, "Close with a payload of one byte (RFC 6455, 5.5.1");
    let words = "Close with a reason that is not UTF-8 (RFC 6455, 5.5.1";
    broken(&frame(0x88, b"\x03\xe8\xff"), 1007, words);
}

#[test]
fn text_that_is_not_utf_8_is_a_violation_and_not_printed() {
    // Invalid at once; invalid at the end; truncated; split over frames.
    let split = [frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat();
    for fault in [text(b"\xff"), text(b"valid until \xf5"), text(b"cut \xe2\x82"), split] {
        let bytes = [text("before"), fault].concat();
        Test::new()
            .peer(move |peer| {
                peer.open();
                peer.send(bytes);
                peer.expect_close(1007);
            })
            .stdout("before\n")
            .stderr(
                "sockeye: {peer} violated the protocol: \
                 text message that is not UTF-8 (RFC 6455, 8.1; closed with 1007)\n",
            )
            .status(110)
            .run();
    }
}

#[test]
fn interleaved_messages_are_a_violation_and_not_printed() {
    let bytes = [text("before"), frame(0x01, "open"), text("inner")].concat();
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(1002);
        })
        .stdout("before\n")
        .stderr(
            "sockeye: {peer} violated the protocol: \
             new message before the fragmented one has ended (RFC 6455, 5.4; closed with 1002)\n",
        )
        .status(110)
        .run();
}

#[test]
fn a_long_message_that_breaks_keeps_what_was_valid_without_a_terminator() {
    let valid = "x".repeat(200_000);
    let message = [valid.as_bytes(), b"\xff", "y".repeat(1000).as_bytes()].concat();
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send([text("before"), text(message)].concat());
            peer.expect_close(1007);
        })
        .stdout(format!("before\n{valid}").into_bytes())
        .stderr(
            "sockeye: {peer} violated the protocol: \
             text message that is not UTF-8 (RFC 6455, 8.1; closed with 1007)\n  \
             wrote 200000 bytes of an incomplete message\n",
        )
        .status(110)
        .run();
}

#[test]
fn a_message_of_64_kib_that_breaks_at_its_end_is_held_back() {
    let message = [&vec![b'x'; (64 << 10) - 1][..], b"\xff"].concat();
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(text(message));
            peer.expect_close(1007);
        })
        .stderr(
            "sockeye: {peer} violated the protocol: \
             text message that is not UTF-8 (RFC 6455, 8.1; closed with 1007)\n",
        )
        .status(110)
        .run();
}

#[test]
fn a_violation_after_our_close_is_reported() {
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.send([text("late"), frame(0x83, "x")].concat());
        })
        .stdout("late\n")
        .stderr("sockeye: {peer} violated the protocol: reserved opcode 3 (RFC 6455, 5.2[..])\n")
        .status(110)
        .run();
}

/// Checks the error for these bytes; `limit` is a spelling of 10 bytes.
#[track_caller]
fn too_long(limit: &str, bytes: Vec<u8>, stdout: &str) {
    Test::new()
        .args(["--max-message", limit])
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(1009);
        })
        .stdout(stdout)
        .stderr(
            "sockeye: {peer} sent a message over the limit of 10 bytes (1009)\n\n\
             hint: raise the limit with --max-message BYTES (0 for none)\n",
        )
        .status(100)
        .run();
}

#[test]
fn a_message_over_the_limit_is_refused_before_it_is_read() {
    too_long("10", [text("1234567890"), text("12345678901")].concat(), "1234567890\n");
    // The length in the header is enough.
    too_long("10", hex!("82 7f 0000010000000000").to_vec(), "");
}

#[test]
fn the_limit_counts_over_all_fragments() {
    let bytes = [frame(0x01, "123456"), frame(0x00, ""), frame(0x80, "78901")].concat();
    too_long("10", bytes, "");
}

#[test]
fn a_limit_of_zero_disables_it() {
    let message = vec![b'x'; 3 << 20];
    let bytes = binary(&message);
    Test::new()
        .args(["--max-message", "0"])
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.close(1000);
        })
        .stdout([&message[..], b"\n"].concat())
        .run();
}

#[test]
fn the_limit_may_be_written_in_powers_of_1024() {
    let message = vec![b'x'; 1025];
    Test::new()
        .args(["--max-message", "1K"])
        .peer(move |peer| {
            peer.open();
            peer.send(binary(message));
            peer.expect_close(1009);
        })
        .stderr(
            "sockeye: {peer} sent a message over the limit of 1024 bytes (1009)\n\n\
             hint: raise the limit with --max-message BYTES (0 for none)\n",
        )
        .status(100)
        .run();
}

/// The Close waits until the frame under way is finished, not for the end of the message.
#[test]
fn a_violation_during_a_long_line_is_answered_between_fragments() {
    let line = "x".repeat(8 << 20);
    Test::new()
        .args(["--no-compress", "-w", "-1"])
        .stdin(format!("{line}\n"))
        .peer(move |peer| {
            peer.open();
            peer.read_some();
            peer.send(frame(0x83, ""));
            std::thread::sleep(std::time::Duration::from_millis(200));
            // The first bytes of the first header were read.
            peer.read_exactly(&mut vec![0; (64 << 10) + 14 - 16]);
            let close = loop {
                let frame = peer.frame();
                if frame.first != 0x00 {
                    break frame;
                }
            };
            assert_eq!((close.first, &close.payload[..]), (0x88, &1002u16.to_be_bytes()[..]));
        })
        .stderr(
            "sockeye: {peer} violated the protocol: reserved opcode 3 (RFC 6455, 5.2; closed with \
             1002)\n",
        )
        .status(110)
        .run();
}
