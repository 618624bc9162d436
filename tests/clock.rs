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

/// Returns the note on an end by the clock while stdin is open.
fn left_open(end: &str) -> String {
    format!(
        "sockeye: ended after {end} while stdin was open: its later input is not sent \
         (-w -1 keeps reading it, --receive-only does not read it)\n"
    )
}

#[test]
fn the_clock_of_x_runs_while_stdin_is_open_and_silent_and_its_end_is_reported() {
    for (args, stdout, end, millis) in [
        (&[][..], "answer\n", "1 s of silence", 1000),
        (&["--quiet-for", "0.2"], "answer\n", "0.2 s of silence", 200),
        (&["-w", "0.3"], "answer\n", "0.3 s (-w)", 300),
        (&["-w", "0"], "answer\n", "0 s (-w)", 0),
        (&["-w", "0.3", "--input", "jsonl"], "answer\n", "0.3 s (-w)", 300),
        (&["-w", "0.3", "--delimiter", "none"], "answer", "0.3 s (-w)", 300),
        (&["-w", "0.3", "-0"], "answer\0", "0.3 s (-w)", 300),
    ] {
        for sockets in [false, true] {
            let test = Test::new().args(["-x", "ask"]).args(args.iter().copied());
            if sockets { test.sockets() } else { test }
                .stdin(Stdin::Open)
                .peer(|peer| {
                    peer.open();
                    peer.expect_text("ask");
                    peer.send(text("answer"));
                    peer.answer_close(1000);
                })
                .stdout(stdout)
                .stderr(left_open(end))
                .takes_at_least(millis)
                .run();
        }
    }
}

#[test]
fn receive_only_and_no_stdin_print_no_note() {
    for (args, stdin) in [
        (&["--receive-only"][..], Stdin::Open),
        (&["--echo"], Stdin::Open),
        (&[], Stdin::Null),
        (&[], Stdin::Closed),
        (&["--send-only"], Stdin::Null),
    ] {
        Test::new()
            .args(["-x", "ask", "-w", "0.2"])
            .args(args.iter().copied())
            .stdin(stdin)
            .peer(|peer| {
                peer.open();
                peer.expect_text("ask");
                peer.answer_close(1000);
            })
            .takes_at_least(200)
            .run();
    }
}

/// Regression: a pause between two lines ended the run after `-x`, and the second was lost.
#[test]
fn a_pause_of_stdin_does_not_lose_the_lines_after_it() {
    for args in [&["--quiet-for", "0.2"][..], &["-w", "0.2"], &["-w", "0"]] {
        for sockets in [false, true] {
            let test = Test::new().args(["-q", "-x", "auth"]).args(args.iter().copied());
            if sockets { test.sockets() } else { test }
                .stdin(Stdin::Open)
                .peer(|peer| {
                    peer.child.write("one\n");
                    peer.open();
                    peer.expect_text("auth");
                    peer.expect_text("one");
                    peer.send(text("answer"));
                    wait_ms(600);
                    peer.child.write("two");
                    peer.child.end_stdin();
                    peer.expect_text("two");
                    peer.answer_close(1000);
                })
                .stdout("answer\n")
                .takes_at_least(600)
                .run();
        }
    }
}

/// Regression: the first line of a slow producer was lost with status 0.
#[test]
fn send_only_waits_for_the_end_of_stdin_whatever_the_clock_says() {
    for args in [&[][..], &["-x", "auth"], &["-x", "auth", "-w", "0.1"]] {
        let has_script = !args.is_empty();
        Test::new()
            .args(["--send-only"])
            .args(args.iter().copied())
            .stdin(Stdin::Open)
            .peer(move |peer| {
                peer.open();
                if has_script {
                    peer.expect_text("auth");
                }
                wait_ms(500);
                peer.child.write("m\n");
                peer.expect_text("m");
                wait_ms(200);
                peer.child.end_stdin();
                peer.answer_close(1000);
            })
            .takes_at_least(700)
            .run();
    }
}

#[test]
fn send_only_without_stdin_has_nothing_to_wait_for() {
    for stdin in [Stdin::Null, Stdin::Closed] {
        Test::new()
            .args(["--send-only"])
            .stdin(stdin)
            .peer(|peer| {
                peer.open();
                peer.answer_close(1000);
            })
            .run();
    }
}

#[test]
fn input_that_the_clock_left_unread_is_status_55() {
    Test::new()
        .args(["-x", "ask", "-w", "0.1"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.expect_close(1000);
            peer.child.write("m\n");
            peer.send(close(1000, ""));
        })
        .stderr(format!(
            "{}sockeye: the run ended before stdin did: 2 bytes were not sent\n\n\
             hint: pass -w -1 to keep reading stdin, or --receive-only to leave it unread\n",
            left_open("0.1 s (-w)")
        ))
        .status(55)
        .run();
}

/// A server that ends an idle session cleanly cuts the requested time short.
#[test]
fn a_close_of_the_peer_before_wait_expires_is_reported() {
    for (code, words) in [(1000, "1000 (normal closure)"), (1001, "1001 (going away)")] {
        for stdin in [Stdin::Null, "ask\n".into(), Stdin::Open] {
            let asks = matches!(stdin, Stdin::Bytes(_));
            Test::new()
                .args(["-w", "60"])
                .stdin(stdin)
                .peer(move |peer| {
                    peer.open();
                    if asks {
                        peer.expect_text("ask");
                    }
                    peer.close(code);
                })
                .stderr(format!(
                    "sockeye: {{peer}} closed the connection before -w expired: {words}\n"
                ))
                .run();
        }
    }
    // The unmet expectation is explanation enough, so there is no note.
    Test::new()
        .args(["-w", "60", "--count", "1"])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr("sockeye: the session ended after 0 of 1 expected messages\n")
        .status(112)
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
fn reaching_count_exits_0_regardless_of_what_follows() {
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

#[test]
fn the_end_by_max_time_reports_that_stdin_was_open() {
    Test::new()
        .args(["-x", "a", "-w", "9", "-m", "0.5"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("a");
            peer.answer_close(1000);
        })
        .stderr(
            "sockeye: ended after 0.5 s (-m) while stdin was open: its later input is not sent (a \
             longer -m, or -w -1 without -m, keeps reading it, --receive-only does not read it)\n\
             sockeye: {peer}: the run (--max-time) timed out after 0.5 seconds\n",
        )
        .status(28)
        .run();
}
