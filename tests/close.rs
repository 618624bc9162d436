//! The end of a session: cleanly (0), by a Close with an error code (111), or with messages still
//! expected (112).

use crate::support::{
    Test,
    wire::{close, frame, text},
};

#[test]
fn a_clean_close_of_the_peer_is_0() {
    for code in [1000, 1001] {
        Test::new()
            .peer(move |peer| {
                peer.open();
                peer.close(code);
            })
            .run();
    }
}

#[test]
fn an_empty_close_is_0_and_echoed_empty() {
    // 1005 stands for the missing code and is never sent.
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send([frame(0x81, "x"), frame(0x88, "")].concat());
            peer.expect_empty_close();
        })
        .stdout("x\n")
        .run();
}

#[test]
fn a_local_close_that_is_answered_is_0() {
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn a_local_close_that_is_never_answered_exits_0_after_the_close_timeout() {
    Test::new()
        .args(["-x", "bye", "-w", "0", "--close-timeout", "0.3"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.expect_end();
        })
        .takes_at_least(300)
        .run();
}

#[test]
fn a_connection_dropped_after_our_close_is_0() {
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
        })
        .run();
    // The answer shows that the message was read.
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.send(text("ok"));
            peer.child.await_stdout("ok\n");
            peer.reset();
        })
        .stdout("ok\n")
        .run();
}

#[test]
fn max_time_includes_the_wait_for_the_peer_s_close() {
    Test::new()
        .args(["-x", "bye", "-w", "0", "--close-timeout", "20", "--max-time", "0.5"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.discard_all();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.5 seconds\n")
        .status(28)
        .run();
}

#[test]
fn messages_after_our_close_are_printed() {
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.send(text("late"));
            peer.send(close(1000, ""));
        })
        .stdout("late\n")
        .run();
}

#[test]
fn the_wait_for_a_peer_that_never_ends_tcp_is_limited() {
    Test::new()
        .args(["--close-timeout", "0.3"])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
            peer.expect_end();
        })
        .run();
}

#[test]
fn max_time_after_the_peer_s_close_does_not_change_how_it_ended() {
    // The first cause decides. Here it is the Close; only the end of TCP is missing.
    for (code, words, status) in
        [(1000, "", 0), (4001, "sockeye: {peer} closed the connection: 4001 (private use)\n", 111)]
    {
        Test::new()
            .args(["--close-timeout", "1.5", "--max-time", "1"])
            .peer(move |peer| {
                peer.open();
                peer.close(code);
                peer.discard_all();
            })
            .stderr(words)
            .status(status)
            .run();
    }
}

#[test]
fn a_close_with_an_error_code_is_111() {
    for (code, reason, words) in [
        (1008, "", "1008 (policy violation)"),
        (
            1011,
            "out of sea",
            "1011 (internal error): out of sea\n\n\
             hint: this is a server error: check the server's log; --reconnect reconnects automatically",
        ),
        (1002, "", "1002 (protocol error)"),
        (3001, "", "3001 (registered by a library)"),
        (4001, "", "4001 (private use)"),
        (4999, "\x1b[31m", "4999 (private use): \\x1b[31m"),
    ] {
        Test::new()
            .peer(move |peer| {
                peer.open();
                peer.send(text("before"));
                peer.close_with(code, reason);
            })
            .stdout("before\n")
            .stderr(format!("sockeye: {{peer}} closed the connection: {words}\n"))
            .status(111)
            .run();
    }
}

#[test]
fn an_error_code_in_answer_to_our_close_is_111() {
    Test::new()
        .args(["-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.send(close(4001, "too late"));
        })
        .stderr("sockeye: {peer} closed the connection: 4001 (private use): too late\n")
        .status(111)
        .run();
}

#[test]
fn nothing_is_read_after_a_close() {
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send([close(1000, ""), text("ghost"), frame(0x89, "ghost")].concat());
            peer.expect_close(1000);
        })
        .run();
}

#[test]
fn fewer_messages_than_count_exits_112() {
    Test::new()
        .args(["--count", "3"])
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), text("two")].concat());
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .stderr("sockeye: the session ended after 2 of 3 expected messages\n")
        .status(112)
        .run();
}

#[test]
fn a_session_error_takes_precedence_over_112() {
    Test::new()
        .args(["--count", "3"])
        .peer(|peer| {
            peer.open();
            peer.close(4001);
        })
        .stderr("sockeye: {peer} closed the connection: 4001 (private use)\n")
        .status(111)
        .run();
}

#[test]
fn fewer_messages_than_count_within_wait_exits_112() {
    Test::new()
        .args(["--count", "2", "-w", "1", "-x", "ask"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            peer.answer_close(1000);
        })
        .stdout("one\n")
        .stderr("sockeye: the session ended after 1 of 2 expected messages\n")
        .status(112)
        .run();
}

#[test]
fn verbose_shows_the_end_of_the_session() {
    Test::new()
        .args(["-v"])
        .peer(|peer| {
            peer.open();
            peer.close_with(1000, "done");
        })
        .stderr_has(["* {peer} closed: 1000 (normal closure): done\n"])
        .run();
    Test::new()
        .args(["-v", "-x", "bye", "-w", "0"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
        })
        .stderr_has(["* {peer} sent no Close frame\n"])
        .run();
}
