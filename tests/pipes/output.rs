//! Messages on stdout, in every framing.

use super::{Closes, Drops, Sends, row, says, says_binary, table};
use crate::support::wire::frame;

#[test]
fn each_message_and_its_delimiter() {
    let all = || [says("a\nb"), says(""), says("\0"), says_binary(b"\xff\n"), Closes(1000)];
    table([
        row("").peer(all()).stdout(b"a\nb\n\n\0\n\xff\n\n"),
        row("--delimiter lf").peer(all()).stdout(b"a\nb\n\n\0\n\xff\n\n"),
        row("-0").peer(all()).stdout(b"a\nb\0\0\0\0\xff\n\0"),
        row("--delimiter nul").peer(all()).stdout(b"a\nb\0\0\0\0\xff\n\0"),
        row("--delimiter none").no_stdin().peer(all()).stdout(b"a\nb\0\xff\n"),
        row("--delimiter length")
            .peer(all())
            .stdout(b"\0\0\0\x03a\nb\0\0\0\0\0\0\0\x01\0\0\0\0\x02\xff\n"),
        // The input still consists of lines, whatever delimits the output.
        row("--input jsonl -0").peer(all()).stdout(b"a\nb\0\0\0\0\xff\n\0"),
    ]);
}

#[test]
fn fragments_are_one_message_in_every_framing() {
    let parts =
        || Sends([frame(0x01, "a"), frame(0x89, ""), frame(0x00, ""), frame(0x80, "b")].concat());
    let pong = || super::Action::Gets(0x8a, Vec::new());
    table([
        row("").peer([parts(), pong(), Closes(1000)]).stdout("ab\n"),
        row("-0").peer([parts(), pong(), Closes(1000)]).stdout("ab\0"),
        row("--delimiter none").no_stdin().peer([parts(), pong(), Closes(1000)]).stdout("ab"),
        row("--delimiter length").peer([parts(), pong(), Closes(1000)]).stdout(b"\0\0\0\x02ab"),
    ]);
}

#[test]
fn a_truncated_message_has_no_delimiter() {
    let (short, long) = (frame(0x01, "short"), frame(0x01, "l".repeat(70_000)));
    let lost = "sockeye: {peer} closed the connection without a Close frame, in the middle of a \
        message (1006)\n";
    let received = |bytes| format!("{lost}  received {bytes} bytes of an incomplete message\n");
    let written = format!("{lost}  wrote 70000 bytes of an incomplete message\n");
    let long_text = "l".repeat(70_000);
    table([
        row("")
            .peer([says("a"), Sends(short.clone()), Drops])
            .stdout("a\n")
            .stderr(received(5))
            .status(56),
        row("").peer([Sends(long.clone()), Drops]).stdout(&long_text).stderr(&written).status(56),
        row("-0").peer([Sends(long.clone()), Drops]).stdout(&long_text).stderr(&written).status(56),
        row("--delimiter none")
            .no_stdin()
            .peer([Sends(long.clone()), Drops])
            .stdout(&long_text)
            .stderr(&written)
            .status(56),
        // The length prefix needs the whole message, so nothing of it is written.
        row("--delimiter length").peer([Sends(long), Drops]).stderr(received(70_000)).status(56),
    ]);
}

#[test]
fn one_way_sessions() {
    table([
        row("--send-only").stdin("a\nb\n").peer([
            super::gets("a"),
            says("not shown"),
            super::gets("b"),
            super::Answers(1000, ""),
        ]),
        row("--send-only -w -1").stdin("a\n").peer([
            super::gets("a"),
            says("not shown"),
            Closes(1000),
        ]),
        row("--receive-only").stdin("not sent\n").peer([says("a"), Closes(1000)]).stdout("a\n"),
        row("--receive-only --count 1")
            .stdin("not sent\n")
            .peer([says("a"), super::Answers(1000, "")])
            .stdout("a\n"),
        row("--receive-only -x hi -w 0")
            .stdin("not sent\n")
            .peer([super::gets("hi"), super::Answers(1000, "")]),
    ]);
}
