//! Stdin as messages, in every framing.

use super::{Answers, Closes, gets, gets_binary, gets_whole, row, table};

const BLOCK: usize = 128 << 10;

#[test]
fn lines() {
    table([
        row("").stdin("a\nb\n").peer([gets("a"), gets("b"), Closes(1000)]),
        row("").stdin("a\r\nb\r\n").peer([gets("a"), gets("b"), Closes(1000)]),
        row("").stdin("a\nlast").peer([gets("a"), gets("last"), Closes(1000)]),
        row("").stdin("a\nlast\r").peer([gets("a"), gets("last\r"), Closes(1000)]),
        row("").stdin("\n\r\n\n").peer([gets(""), gets(""), gets(""), Closes(1000)]),
        row("").stdin("a\0b\n\0\n").peer([gets("a\0b"), gets("\0"), Closes(1000)]),
        row("").stdin("a\rb\r\r\n").peer([gets("a\rb\r"), Closes(1000)]),
        row("").stdin(" a \n\t\n").peer([gets(" a "), gets("\t"), Closes(1000)]),
        row("")
            .stdin("\u{e9}\u{20ac}\u{1f600}\n")
            .peer([gets("\u{e9}\u{20ac}\u{1f600}"), Closes(1000)]),
        row("-b").stdin(b"a\xff\nb").peer([gets_binary(b"a\xff"), gets_binary("b"), Closes(1000)]),
        row("-b -x x").stdin("y\n").peer([gets_binary("x"), gets_binary("y"), Closes(1000)]),
        row("--delimiter lf").stdin("a\n").peer([gets("a"), Closes(1000)]),
    ]);
}

#[test]
fn messages_that_end_with_nul() {
    table([
        row("-0").stdin("a\0b\0").peer([gets("a"), gets("b"), Closes(1000)]),
        row("-0").stdin("a\nb\r\n\0c").peer([gets("a\nb\r\n"), gets("c"), Closes(1000)]),
        row("--delimiter nul").stdin("\0\0").peer([gets(""), gets(""), Closes(1000)]),
        row("--null -b").stdin(b"\xff\n\0").peer([gets_binary(b"\xff\n"), Closes(1000)]),
        row("-0 -w -1").stdin("a\0").peer([gets("a"), Closes(1000)]),
    ]);
}

#[test]
fn messages_with_a_length_prefix() {
    let length = "--delimiter length";
    let cut = |message: u64, lacks: usize| {
        format!(
            "sockeye: stdin ended in the middle of message {message}: {lacks} bytes are missing\n"
        )
    };
    table([
        row(length).stdin(b"\0\0\0\x01a\0\0\0\x02bc").peer([gets("a"), gets("bc"), Closes(1000)]),
        row(length).stdin(b"\0\0\0\0\0\0\0\0").peer([gets(""), gets(""), Closes(1000)]),
        row(length).stdin(b"\0\0\0\x04\n\0\r\n").peer([gets("\n\0\r\n"), Closes(1000)]),
        row("--delimiter length -b")
            .stdin(b"\0\0\0\x02\xff\0")
            .peer([gets_binary(b"\xff\0"), Closes(1000)]),
        row(length)
            .stdin(b"\0\0\0\x01a\0\0\0\x05bc")
            .peer([gets("a"), Answers(1000, "")])
            .stderr(cut(2, 3))
            .status(26),
        row(length)
            .stdin(b"\0\0\0\x01a\0\0")
            .peer([gets("a"), Answers(1000, "")])
            .stderr(cut(2, 2))
            .status(26),
        // The prefix announces four gigabytes that do not follow.
        row(length)
            .stdin(b"\xff\xff\xff\xffabc")
            .peer([Answers(1000, "")])
            .stderr(cut(1, 0xffff_ffff - 3))
            .status(26),
        row(length)
            .stdin(b"\0\0\0\x01a\0\0\0\x02b\xff\0\0\0\x01c")
            .peer([gets("a"), Answers(1000, "")])
            .stderr("sockeye: stdin is not valid UTF-8: message 2, byte 2; the rest was not sent\n")
            .status(26),
    ]);
}

#[test]
fn stdin_as_one_message() {
    let (long, edge) = ("0123456789".repeat(30_000), "x".repeat(BLOCK - 1));
    let bad = "sockeye: stdin is not valid UTF-8: byte {}; the rest was not sent\n";
    let bad = |byte: usize| bad.replace("{}", &byte.to_string());
    table([
        row("--delimiter none").stdin("a\nb\0\n").peer([gets_whole(1, "a\nb\0\n"), Closes(1000)]),
        row("--delimiter none").stdin("").peer([gets_whole(1, ""), Closes(1000)]),
        row("--delimiter none").stdin(&long).peer([gets_whole(1, &long), Closes(1000)]),
        row("--delimiter none -b")
            .stdin(b"\xff\0\n")
            .peer([gets_whole(2, b"\xff\0\n"), Closes(1000)]),
        row("--delimiter none -x first").stdin("a").peer([
            gets("first"),
            gets_whole(1, "a"),
            Closes(1000),
        ]),
        // A character across two blocks.
        row("--delimiter none")
            .stdin(format!("{edge}\u{1f600}{edge}"))
            .peer([gets_whole(1, format!("{edge}\u{1f600}{edge}")), Closes(1000)]),
        // Nothing has been sent, so no message was begun.
        row("--delimiter none")
            .stdin(b"ab\xffc")
            .peer([Answers(1000, "")])
            .stderr(bad(3))
            .status(26),
        // The beginning has been sent.
        row("--delimiter none")
            .stdin(b"\xe2\x82")
            .peer([super::Action::Gets(0x01, b"\xe2\x82".to_vec()), Answers(1007, "")])
            .stderr(bad(1))
            .status(26),
    ]);
}

#[test]
fn text_that_turns_out_invalid_is_closed_with_1007() {
    use crate::support::Test;
    // The first part is sent before the second arrives.
    Test::new()
        .args(["--delimiter", "none"])
        .stdin(crate::support::Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("begun ");
            let frame = peer.frame();
            assert_eq!((frame.first, &frame.payload[..]), (0x01, &b"begun "[..]));
            peer.child.write(b"a\xff");
            peer.answer_close(1007);
        })
        .stderr("sockeye: stdin is not valid UTF-8: byte 8; the rest was not sent\n")
        .status(26)
        .run();
}

#[test]
fn invalid_utf_8_is_named_by_message_and_byte() {
    let line = |n: usize| "x".repeat(n);
    let bad = |line: u64, byte: usize| {
        format!(
            "sockeye: stdin is not valid UTF-8: line {line}, byte {byte}; the rest was not sent\n"
        )
    };
    let bytes = |parts: &[&[u8]]| parts.concat();
    table([
        row("").stdin(b"\xff\n").peer([Answers(1000, "")]).stderr(bad(1, 1)).status(26),
        row("").stdin(b"a\xff\nb\n").peer([Answers(1000, "")]).stderr(bad(1, 2)).status(26),
        row("")
            .stdin(b"a\nb\xc3\nc\n")
            .peer([gets("a"), Answers(1000, "")])
            .stderr(bad(2, 2))
            .status(26),
        row("")
            .stdin(b"a\n\xe2\x82")
            .peer([gets("a"), Answers(1000, "")])
            .stderr(bad(2, 1))
            .status(26),
        // The last byte of the first block, the first of the second, and one in its middle.
        row("")
            .stdin(bytes(&[b"a\n", line(BLOCK - 3).as_bytes(), b"\xff"]))
            .peer([gets("a"), Answers(1000, "")])
            .stderr(bad(2, BLOCK - 2))
            .status(26),
        row("")
            .stdin(bytes(&[b"a\n", line(BLOCK - 2).as_bytes(), b"\xff\n"]))
            .peer([gets("a"), Answers(1000, "")])
            .stderr(bad(2, BLOCK - 1))
            .status(26),
        row("")
            .stdin(bytes(&[b"a\n", line(BLOCK).as_bytes(), b"\n", line(9).as_bytes(), b"\x80\n"]))
            .peer([gets("a"), gets(line(BLOCK)), Answers(1000, "")])
            .stderr(bad(3, 10))
            .status(26),
        row("-0")
            .stdin(b"a\0\xff\0")
            .peer([gets("a"), Answers(1000, "")])
            .stderr("sockeye: stdin is not valid UTF-8: message 2, byte 1; the rest was not sent\n")
            .status(26),
    ]);
}

/// The timer that -x starts does not fire inside a message.
#[test]
fn wait_does_not_interrupt_a_message() {
    use crate::support::{Stdin, Test};
    Test::new()
        .args(["-x", "a", "-w", "0.2", "--delimiter", "none"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("a");
            peer.child.write("one ");
            assert_eq!(peer.frame().first, 0x01);
            std::thread::sleep(std::time::Duration::from_millis(300));
            peer.child.write("message");
            assert_eq!(peer.frame().payload, b"message");
            peer.child.end_stdin();
            assert_eq!(peer.frame().first, 0x80);
            peer.answer_close(1000);
        })
        .run();
}
