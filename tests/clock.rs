//! The end of a run in a pipe: end of stdin, silence, -w, -x, --count, and no stdin.

use crate::support::{
    Stdin, Test,
    wire::{close, frame, text},
};
use std::{thread::sleep, time::Duration};

fn pass(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

const SILENT: &str =
    "sockeye: ended after 1 s of silence (-w SECONDS waits longer, -w -1 for ever)\n";

#[test]
fn an_answer_after_the_end_of_stdin_is_not_lost() {
    Test::new()
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            pass(600);
            peer.send(text("late"));
            peer.answer_close(1000);
        })
        .stdout("late\n")
        .stderr(SILENT)
        .takes_at_least(1500)
        .run();
}

#[test]
fn without_an_answer_silence_takes_five_seconds() {
    Test::new()
        .args(["-v"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.await_stderr("<\n");
            peer.send(text("before the question"));
            peer.child.await_stdout("before the question\n");
            peer.child.write("ask\n");
            peer.child.end_stdin();
            peer.expect_text("ask");
            peer.answer_close(1000);
        })
        .stdout("before the question\n")
        .stderr_has(["sockeye: ended after 5 s of silence"])
        .takes_at_least(4900)
        .run();
}

#[test]
fn a_greeting_glued_to_the_handshake_is_no_answer_to_what_is_sent_after_it() {
    Test::new()
        .args(["-x", "ask"])
        .peer(|peer| {
            peer.open_and_send(&text("welcome"));
            peer.expect_text("ask");
            pass(1500);
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("welcome\nanswer\n")
        .stderr(SILENT)
        .takes_at_least(2400)
        .run();
}

#[test]
fn any_byte_of_the_peer_breaks_the_silence() {
    // Neither a slowly arriving message nor a ping is silence.
    Test::new()
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            let message = text("slow");
            for byte in message {
                peer.send([byte]);
                pass(400);
            }
            peer.send(frame(0x89, ""));
            peer.expect_pong("");
            pass(400);
            peer.send(text("end"));
            peer.answer_close(1000);
        })
        .stdout("slow\nend\n")
        .stderr(SILENT)
        .takes_at_least(3800)
        .run();
}

#[test]
fn quiet_hides_that_silence_ended_it() {
    Test::new()
        .args(["-q", "--quiet-for", "0.5"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("answer"));
            peer.answer_close(1000);
        })
        .stdout("answer\n")
        .takes_at_least(500)
        .run();
}

#[test]
fn quiet_for_changes_the_window() {
    let words = "sockeye: ended after 0.5 s of silence (-w SECONDS waits longer, -w -1 for ever)\n";
    // The same window applies before any message was received.
    for answer in [text("answer"), Vec::new()] {
        let stdout = if answer.is_empty() { "" } else { "answer\n" };
        Test::new()
            .args(["--quiet-for", "0.5"])
            .stdin("ask\n")
            .peer(move |peer| {
                peer.open();
                peer.expect_text("ask");
                peer.send(answer);
                peer.answer_close(1000);
            })
            .stdout(stdout)
            .stderr(words)
            .takes_at_least(500)
            .run();
    }
    let longer =
        "sockeye: ended after 2.2 s of silence (-w SECONDS waits longer, -w -1 for ever)\n";
    Test::new()
        .args(["--quiet-for", "2.2"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            pass(1200);
            peer.send(text("two"));
            peer.answer_close(1000);
        })
        .stdout("one\ntwo\n")
        .stderr(longer)
        .takes_at_least(3400)
        .run();
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
fn an_empty_pipe_is_an_input_that_ended() {
    Test::new()
        .args(["--quiet-for", "0.2"])
        .stdin("")
        .peer(|peer| {
            peer.open();
            peer.answer_close(1000);
        })
        .stderr("sockeye: ended after 0.2 s of silence (-w SECONDS waits longer, -w -1 for ever)\n")
        .run();
}

#[test]
fn wait_goes_on_for_its_time_whatever_comes() {
    // Beyond the silence window, and not extended by messages.
    Test::new()
        .args(["-w", "2", "--quiet-for", "0.1"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            pass(600);
            peer.send(text("one"));
            pass(400);
            peer.send(text("two"));
            peer.answer_close(1000);
        })
        .stdout("one\ntwo\n")
        .takes_at_least(2000)
        .takes_less_than(2950)
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
fn wait_forever_ends_only_with_the_peer() {
    Test::new()
        .args(["-w", "-1"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            pass(1500);
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .takes_at_least(1500)
        .run();
}

#[test]
fn the_clock_of_x_runs_while_stdin_is_open_and_quiet() {
    Test::new()
        .args(["-x", "ask"])
        .stdin(Stdin::Open)
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
fn a_line_winds_the_clock_of_x_up_again() {
    Test::new()
        .args(["-x", "ask", "-w", "1.2"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            pass(700);
            peer.child.write("more\n");
            peer.expect_text("more");
            pass(700);
            peer.send(text("in time"));
            peer.answer_close(1000);
        })
        .stdout("in time\n")
        .takes_at_least(1900)
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
fn a_count_that_is_met_ends_it_at_once_whatever_stdin_does() {
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
fn a_count_switches_the_rule_of_silence_off() {
    Test::new()
        .args(["--count", "2", "--quiet-for", "0.2"])
        .stdin("ask\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            pass(600);
            peer.send(text("two"));
            peer.answer_close(1000);
        })
        .stdout("one\ntwo\n")
        .run();
}

#[test]
fn a_count_that_is_met_is_0_whatever_follows() {
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
                pass(500);
                peer.send(text("one"));
                pass(500);
                peer.send(text("two"));
                peer.close(1000);
            })
            .stdout("one\ntwo\n")
            .takes_at_least(1000)
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
fn without_stdin_wait_forever_is_until_the_peer_closes() {
    Test::new()
        .args(["-x", "ask", "-w", "-1", "--quiet-for", "0.1"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("ask");
            peer.send(text("one"));
            pass(500);
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .takes_at_least(500)
        .run();
}
