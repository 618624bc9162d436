//! Every way in which a run in a pipe can end.

use super::{Answers, Closes, Drops, GetsClose, Sends, gets, row, says, says_binary, table};

#[test]
fn the_peer_ends_the_session() {
    let closed = |code: &str| format!("sockeye: {{peer}} closed the connection: {code}\n");
    table([
        row("").peer([Closes(1000)]),
        row("").peer([Closes(1001)]),
        row("").stdin("a\n").peer([gets("a"), says("b"), Closes(1000)]).stdout("b\n"),
        row("").peer([Closes(1010)]).stderr(closed("1010 (mandatory extension)")).status(111),
        row("").peer([Closes(3001)]).stderr(closed("3001 (registered by a library)")).status(111),
        row("").peer([Closes(4321)]).stderr(closed("4321 (private use)")).status(111),
        row("")
            .peer([says("a"), Closes(4000)])
            .stdout("a\n")
            .stderr(closed("4000 (private use)"))
            .status(111),
        row("")
            .peer([Drops])
            .stderr("sockeye: {peer} closed the connection without a Close frame (1006)\n")
            .status(56),
        row("")
            .peer([Sends(vec![0x83, 0]), GetsClose(1002)])
            .stderr(
                "sockeye: {peer} violated the protocol: reserved opcode 3 (RFC 6455, 5.2; closed \
                 with 1002)\n",
            )
            .status(110),
    ]);
}

#[test]
fn the_client_ends_the_session() {
    let quiet =
        "sockeye: ended after 0.2 s of silence (-w SECONDS waits longer, -w -1 waits forever)\n";
    table([
        row("-w 0").stdin("a\n").peer([gets("a"), Answers(1000, "")]),
        row("-w 0.2").stdin("a\n").peer([gets("a"), says("b"), Answers(1000, "")]).stdout("b\n"),
        row("--quiet-for 0.2")
            .stdin("a\n")
            .peer([gets("a"), says("b"), Answers(1000, "")])
            .stdout("b\n")
            .stderr(quiet),
        // The peer does not answer, not even the Close.
        row("--quiet-for 0.2 --close-timeout 0.1")
            .stdin("a\n")
            .peer([gets("a"), GetsClose(1000)])
            .stderr(quiet),
        row("-w 0 --close 4001:bye").stdin("a\n").peer([gets("a"), Answers(4001, "bye")]),
        row("-w 0 --close 3000").stdin("").peer([Answers(3000, "")]),
        row("--count 1 --close 1001:done:now")
            .peer([says("a"), Answers(1001, "done:now")])
            .stdout("a\n"),
        // The code of the peer's answer decides, unless it echoes ours.
        row("-w 0 --close 4001")
            .stdin("")
            .peer([super::Action::Gets(0x88, vec![0x0f, 0xa1]), Sends(vec![0x88, 2, 0x0f, 0xa2])])
            .stderr("sockeye: {peer} closed the connection: 4002 (private use)\n")
            .status(111),
    ]);
}

#[test]
fn met_goals_end_the_session() {
    table([
        row("--count 2").peer([says("a"), says("b"), Answers(1000, "")]).stdout("a\nb\n"),
        row("--count 1")
            .peer([Sends([says_bytes("a"), says_bytes("b")].concat()), Answers(1000, "")])
            .stdout("a\n"),
        row("--until ^b").peer([says("ab"), says("bc"), Answers(1000, "")]).stdout("ab\nbc\n"),
        row("--until (?i)DONE").peer([says("all done"), Answers(1000, "")]).stdout("all done\n"),
        row("--until (?-u)\\xff$")
            .peer([says_binary(b"\x00\xff"), Answers(1000, "")])
            .stdout(b"\x00\xff\n"),
        row("--until ^$").peer([says("a"), says(""), Answers(1000, "")]).stdout("a\n\n"),
        // In fragments, and longer than the limit up to which a message is buffered.
        row("--until end$")
            .peer([
                Sends([frame(0x01, "x".repeat(70_000)), frame(0x80, "the end")].concat()),
                Answers(1000, ""),
            ])
            .stdout(format!("{}the end\n", "x".repeat(70_000))),
        row("--count 9 --until b").peer([says("b"), Answers(1000, "")]).stdout("b\n"),
    ]);
}

#[test]
fn unmet_goals_fail_the_run() {
    let count = "sockeye: the session ended after 1 of 2 expected messages\n";
    let until =
        |n: u64| format!("sockeye: the session ended before a message matched 'b': {n} received\n");
    table([
        row("--count 2").peer([says("a"), Closes(1000)]).stdout("a\n").stderr(count).status(112),
        row("--until b").peer([says("a"), Closes(1000)]).stdout("a\n").stderr(until(1)).status(112),
        row("--until b -w 0").stdin("").peer([Answers(1000, "")]).stderr(until(0)).status(112),
        // The session's own status takes precedence.
        row("--until b")
            .peer([says("a"), Closes(4001)])
            .stdout("a\n")
            .stderr("sockeye: {peer} closed the connection: 4001 (private use)\n")
            .status(111),
        row("--until b -m 0.3")
            .peer([says("a"), Answers(1000, "")])
            .stdout("a\n")
            .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.3 seconds\n")
            .status(28),
    ]);
}

use crate::support::wire::{frame, text as says_bytes};
