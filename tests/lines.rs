//! Lines of stdin as messages, and messages as lines of stdout: none lost, split, merged or
//! changed.

use crate::support::{
    Stdin, Test,
    wire::{binary, frame, ping, text},
};

#[test]
fn a_line_with_any_line_ending_is_a_message() {
    Test::new()
        .stdin("lf\ncrlf\r\n\n\r\ncr\rinside\nlast")
        .peer(|peer| {
            peer.open();
            for line in ["lf", "crlf", "", "", "cr\rinside", "last"] {
                peer.expect_text(line);
            }
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_file_is_read_as_a_pipe_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one\ntwo\n").unwrap();
    Test::new()
        .stdin(Stdin::File(file.path().to_path_buf()))
        .peer(|peer| {
            peer.open();
            peer.expect_text("one");
            peer.expect_text("two");
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_line_is_sent_when_it_is_typed_not_when_stdin_ends() {
    Test::new()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("one\nhal");
            peer.expect_text("one");
            peer.child.write("f\n");
            peer.expect_text("half");
            peer.send(text("answer"));
            peer.child.await_stdout("answer\n");
            peer.close(1000);
        })
        .stdout("answer\n")
        .run();
}

#[test]
fn a_message_on_the_command_line_is_sent_first() {
    Test::new()
        .args(["-x", "one", "--execute", "-2", "-x", ""])
        .stdin("three\n")
        .peer(|peer| {
            peer.open();
            for message in ["one", "-2", "", "three"] {
                peer.expect_text(message);
            }
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_line_has_no_length_limit_and_stays_one_message() {
    let line = "0123456789abcde\u{e9}".repeat((5 << 20) / 17);
    let stdin = format!("before\n{line}\nafter\n");
    Test::new()
        .stdin(stdin)
        .peer(move |peer| {
            peer.open();
            peer.expect_text("before");
            peer.expect_text(&line);
            peer.expect_text("after");
            peer.close(1000);
        })
        .run();
}

#[test]
fn lines_around_the_size_of_a_block_are_not_damaged() {
    let lines: Vec<String> =
        [65_534, 65_535, 65_536, 65_537, 131_072].map(|n| "z".repeat(n)).to_vec();
    Test::new()
        .stdin(lines.join("\n"))
        .peer(move |peer| {
            peer.open();
            for line in &lines {
                peer.expect_text(line);
            }
            peer.close(1000);
        })
        .run();
}

#[test]
fn a_message_of_3_mib_is_printed_byte_exact() {
    let message: Vec<u8> = "0123456789abcd\u{df}".bytes().cycle().take(3 << 20).collect();
    let bytes = text(&message);
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.close(1000);
        })
        .stdout([&message[..], b"\n"].concat())
        .run();
}

#[test]
fn binary_is_printed_byte_exact() {
    let message: Vec<u8> = (0..=255).collect();
    let bytes = binary(&message);
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send([bytes, binary("")].concat());
            peer.close(1000);
        })
        .stdout([&message[..], b"\n\n"].concat())
        .run();
}

#[test]
fn text_is_printed_byte_exact_even_if_it_is_hostile() {
    // Output to a pipe is meant for programs: nothing is escaped, and newlines stay.
    let message = "two\nlines\r\n\x1b[31m\u{202e}\0\u{feff}";
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send([text(message), text(""), text("end")].concat());
            peer.close(1000);
        })
        .stdout(format!("{message}\n\nend\n").into_bytes())
        .run();
}

#[test]
fn fragments_come_out_as_one_message() {
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send([frame(0x01, b"one \xe2\x82"), ping("between"), frame(0x00, "")].concat());
            peer.expect_pong("between");
            peer.send([frame(0x00, b"\xac"), frame(0x80, " two"), text("next")].concat());
            peer.close(1000);
        })
        .stdout("one \u{20ac} two\nnext\n")
        .run();
}

#[test]
fn bytes_one_at_a_time_make_the_same_messages() {
    Test::new()
        .peer(|peer| {
            peer.open();
            let frames = [text("gr\u{fc}\u{df}e"), binary(b"\0\xff"), text("x".repeat(200))];
            for byte in frames.concat() {
                peer.send([byte]);
            }
            peer.close(1000);
        })
        .stdout([b"gr\xc3\xbc\xc3\x9fe\n\0\xff\n", "x".repeat(200).as_bytes(), b"\n"].concat())
        .run();
}

#[test]
fn twenty_thousand_lines_keep_their_order() {
    let lines: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
    Test::new()
        .stdin(&lines)
        .peer(|peer| {
            peer.open();
            for _ in 0..20_000 {
                let message = peer.frame();
                peer.send(text(message.payload));
            }
            peer.close(1000);
        })
        .stdout(lines.into_bytes())
        .run();
}

#[test]
fn messages_before_a_fault_in_the_same_segment_all_come_out() {
    let messages: String = (0..5000).map(|i| format!("message {i}\n")).collect();
    let mut bytes: Vec<u8> = messages.lines().flat_map(text).collect();
    bytes.extend(frame(0x83, "fault"));
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.expect_close(1002);
        })
        .stdout(messages.into_bytes())
        .stderr(
            "sockeye: {peer} violated the protocol: reserved opcode 3 (RFC 6455, 5.2; closed with \
             1002)\n",
        )
        .status(110)
        .run();
}

#[test]
fn pings_are_answered_while_lines_are_sent() {
    let line = "x".repeat(1 << 20);
    Test::new()
        .stdin(format!("{line}\n"))
        .peer(move |peer| {
            peer.open();
            peer.send([ping(""), ping("a"), ping([7; 125])].concat());
            // Pongs are sent between fragments, in order. Of several waiting pongs, only the newest
            // is required.
            let (mut pongs, mut message, mut ended) = (Vec::new(), Vec::new(), false);
            while !ended || pongs.last() != Some(&vec![7; 125]) {
                let frame = peer.frame();
                match frame.first {
                    0x8a => pongs.push(frame.payload),
                    0x01 | 0x00 | 0x80 => {
                        message.extend(frame.payload);
                        ended = frame.first == 0x80;
                    }
                    _ => panic!("the client sent {frame:?}"),
                }
            }
            assert!(message == line.into_bytes(), "the line was damaged");
            peer.close(1000);
        })
        .run();
}

#[test]
fn an_unsolicited_pong_is_not_a_message() {
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send([frame(0x8a, "unasked"), text("one")].concat());
            peer.close(1000);
        })
        .stdout("one\n")
        .run();
}

/// The close timeout runs from when the Close is sent, not from when it is queued.
#[test]
fn a_long_line_reaches_a_peer_that_reads_slowly() {
    let line = "x".repeat(12 << 20);
    let sent = line.clone();
    Test::new()
        .args(["-w", "0", "--close-timeout", "0.4"])
        .stdin(line)
        .peer(move |peer| {
            peer.open();
            // Longer than the close timeout.
            std::thread::sleep(std::time::Duration::from_millis(500));
            peer.expect_text(sent);
            peer.answer_close(1000);
        })
        .run();
}
