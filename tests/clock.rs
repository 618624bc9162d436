//! The end of a run in a pipe: end of stdin, silence, -w, -x, --count, and no stdin.

use crate::support::{
    Stdin, Test,
    wire::{close, text},
};
use std::{thread::sleep, time::Duration};

fn wait_ms(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

const SILENT: &str =
    "sockeye: ended after 1 s of silence (-w SECONDS waits longer, -w -1 waits forever)\n";

#[test]
fn a_second_of_silence_after_an_answer_ends_the_session() {
    Test::new()
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("answer\n")
        .stderr(SILENT)
        .takes_at_least(1000)
        .run();
}

#[test]
fn quiet_suppresses_the_note_about_silence() {
    Test::new()
        .args(["-q", "--quiet-for", "0.2"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("answer\n")
        .takes_at_least(200)
        .run();
}

#[test]
fn quiet_for_changes_the_window() {
    let words =
        "sockeye: ended after 0.3 s of silence (-w SECONDS waits longer, -w -1 waits forever)\n";
    // The same window applies before any message was received.
    for answer in [text("answer"), Vec::new()] {
        let stdout = if answer.is_empty() { "" } else { "answer\n" };
        Test::new()
            .args(["--quiet-for", "0.3"])
            .stdin("ask\n")
            .peer(move |peer| {
                peer.open();
                peer.expect_text("ask");
                peer.send(answer);
                peer.answer_close(1000);
            })
            .stdout(stdout)
            .stderr(words)
            .takes_at_least(300)
            .run();
    }
}

#[test]
fn a_peer_that_closes_comes_before_the_silence() {
    Test::new()
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.close(1000);
        })
        .stdout("answer\n")
        .run();
}

#[test]
fn an_empty_pipe_counts_as_ended_input() {
    Test::new()
        .args(["--quiet-for", "0.2"])
        .stdin("")
        .peer(|peer| {
            peer.open();
            peer.answer_close(1000);
        })
        .stderr(
            "sockeye: ended after 0.2 s of silence (-w SECONDS waits longer, -w -1 waits \
            forever)\n",
        )
        .run();
}

#[test]
fn wait_overrides_quiet_for() {
    Test::new()
        .args(["-w", "0.4", "--quiet-for", "0.1"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            peer.answer_close(1000);
        })
        .stdout("one\n")
        .takes_at_least(400)
        .run();
}

#[test]
fn wait_0_closes_at_once_with_everything_sent() {
    let line = "x".repeat(2 << 20);
    Test::new()
        .args(["-w", "0"])
        .stdin(format!("one\n{line}\n"))
        .peer(move |peer| {
            peer.open();
            peer.expect_text("one");
            peer.expect_text(&line);
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn the_clock_of_x_runs_while_stdin_is_open_and_quiet() {
    Test::new()
        .args(["-x", "ask", "--quiet-for", "0.2", "-q"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("answer\n")
        .takes_at_least(200)
        .run();
    Test::new()
        .args(["-x", "ask", "-w", "0.3"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.answer_close(1000);
        })
        .takes_at_least(300)
        .run();
}

#[test]
fn x_alone_ends_by_the_clock_without_stdin() {
    Test::new()
        .args(["-x", "ask"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("answer\n")
        .stderr(SILENT)
        .takes_at_least(1000)
        .run();
}

#[test]
fn reaching_count_ends_the_session_even_if_stdin_is_open() {
    for stdin in [Stdin::Open, Stdin::Null, "ask\n".into()] {
        let asks = matches!(stdin, Stdin::Bytes(_));
        Test::new()
            .args(["--count", "2"])
            .stdin(stdin)
            .peer(move |peer| {
                peer.open();
                if asks {
                    peer.expect_text("ask");
                }
                // Messages after the last counted one are not printed.
                peer.send([text("one"), text("two"), text("three")].concat());
                peer.answer_close(1000);
            })
            .stdout("one\ntwo\n")
            .run();
    }
}

#[test]
fn a_goal_disables_quiet_for() {
    for goal in [["--count", "2"], ["--until", "^two"]] {
        Test::new()
            .args(["--quiet-for", "0.2"])
            .args(goal)
            .stdin("ask\n")
            .peer(|peer| {
                peer.open();
                peer.expect_text("ask");
                peer.send(text("one"));
                wait_ms(400);
                peer.send(text("two"));
                peer.answer_close(1000);
            })
            .stdout("one\ntwo\n")
            .run();
    }
}

#[test]
fn reaching_count_exits_0_whatever_follows() {
    Test::new()
        .args(["--count", "1"])
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), close(1011, "after")].concat());
            peer.frame();
        })
        .stdout("one\n")
        .run();
}

#[test]
fn without_stdin_it_receives_until_the_peer_closes() {
    for stdin in [Stdin::Null, Stdin::Closed] {
        Test::new()
            .stdin(stdin)
            .args(["--quiet-for", "0.1"])
            .peer(|peer| {
                peer.open();
                wait_ms(250);
                peer.send(text("one"));
                peer.close(1000);
            })
            .stdout("one\n")
            .run();
    }
}

#[test]
fn without_stdin_wait_counts_from_the_opening() {
    Test::new()
        .args(["-w", "0.3"])
        .peer(|peer| {
            peer.open_and_send(&text("one"));
            peer.answer_close(1000);
        })
        .stdout("one\n")
        .takes_at_least(300)
        .run();
}

#[test]
fn wait_minus_1_waits_until_the_peer_closes() {
    for (args, stdin) in [(&[][..], Stdin::from("ask\n")), (&["-x", "ask"], Stdin::Null)] {
        Test::new()
            .args(["-w", "-1", "--quiet-for", "0.1"])
            .args(args.iter().copied())
            .stdin(stdin)
            .peer(|peer| {
                peer.open();
                peer.expect_text("ask");
                peer.send(text("one"));
                wait_ms(250);
                peer.send(text("two"));
                peer.close(1000);
            })
            .stdout("one\ntwo\n")
            .run();
    }
}
