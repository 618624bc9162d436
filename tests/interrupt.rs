//! SIGINT, SIGTERM and SIGHUP: the peer gets a Close, and the process ends by the signal.

use crate::support::{
    Signal, Stdin, Test,
    wire::{close, text},
};
use serde_json::Value;
use std::{fs, thread, time::Duration};

#[test]
fn a_signal_closes_with_1001_and_ends_by_that_signal() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for stdin in [Stdin::Null, Stdin::Open] {
            Test::new()
                .stdin(stdin)
                .peer(move |peer| {
                    peer.open();
                    peer.send(text("one"));
                    peer.child.await_stdout("one\n");
                    peer.child.signal(signal);
                    peer.answer_close(1001);
                })
                .stdout("one\n")
                .killed_by(signal)
                .run();
        }
    }
}

#[test]
fn messages_before_the_peers_close_are_printed() {
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::TERM);
            peer.expect_close(1001);
            peer.send([text("two"), close(1001, "")].concat());
        })
        .stdout("one\ntwo\n")
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn the_wait_for_a_peer_that_does_not_answer_is_limited() {
    Test::new()
        .args(["--close-timeout", "0.3"])
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::TERM);
            peer.expect_close(1001);
            peer.expect_end();
        })
        .stdout("one\n")
        .killed_by(Signal::TERM)
        .takes_at_least(300)
        .run();
}

#[test]
fn a_second_signal_ends_at_once() {
    for (first, second) in [(Signal::INT, Signal::INT), (Signal::TERM, Signal::INT)] {
        Test::new()
            .args(["--close-timeout", "600"])
            .peer(move |peer| {
                peer.open();
                peer.send(text("one"));
                peer.child.await_stdout("one\n");
                peer.child.signal(first);
                peer.expect_close(1001);
                peer.child.signal(second);
                peer.expect_end();
            })
            .stdout("one\n")
            .killed_by(second)
            .run();
    }
}

#[test]
fn a_signal_while_our_close_is_under_way_ends_by_the_signal() {
    Test::new()
        .args(["-x", "bye", "-w", "0", "--close-timeout", "0.5"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.child.signal(Signal::INT);
            peer.expect_end();
        })
        .killed_by(Signal::INT)
        .run();
}

#[test]
fn a_signal_before_the_session_is_open_ends_by_the_signal() {
    Test::new()
        .peer(|peer| {
            peer.request();
            peer.child.signal(Signal::INT);
            peer.discard_all();
        })
        .killed_by(Signal::INT)
        .run();
}

#[test]
fn a_signal_ignored_at_start_stays_ignored() {
    // As under nohup.
    Test::new()
        .shell("trap '' HUP; exec \"$@\"")
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::HUP);
            peer.send(text("two"));
            peer.child.await_stdout("one\ntwo\n");
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .run();
    // The other signals are not ignored.
    Test::new()
        .shell("trap '' HUP; exec \"$@\"")
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::HUP);
            peer.child.signal(Signal::TERM);
            peer.answer_close(1001);
        })
        .stdout("one\n")
        .killed_by(Signal::TERM)
        .run();
}

/// Runs the command as the first process of a PID namespace, as a container does. The kernel
/// discards its signals unless a handler is installed.
fn as_first_process(test: Test) -> Test {
    let user = if rustix::process::geteuid().is_root() { "" } else { "--user --map-root-user" };
    test.shell(format!("exec unshare {user} --pid --fork --kill-child --mount-proc \"$@\""))
}

#[test]
fn the_first_process_of_a_container_closes_and_exits_with_the_signals_number() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        as_first_process(Test::new())
            .stdin(Stdin::Open)
            .peer(move |peer| {
                peer.open();
                peer.send(text("one"));
                peer.child.await_stdout("one\n");
                peer.child.signal_only_child(signal);
                peer.answer_close(1001);
            })
            .stdout("one\n")
            .status(128 + signal.as_raw())
            .run();
    }
}

#[test]
fn the_first_process_of_a_container_can_be_ended_twice_and_before_the_session() {
    as_first_process(Test::new())
        .args(["--close-timeout", "600"])
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal_only_child(Signal::TERM);
            peer.expect_close(1001);
            peer.child.signal_only_child(Signal::INT);
            peer.expect_end();
        })
        .stdout("one\n")
        .status(130)
        .run();
    as_first_process(Test::new())
        .peer(|peer| {
            peer.request();
            peer.child.signal_only_child(Signal::TERM);
            peer.discard_all();
        })
        .status(143)
        .run();
    as_first_process(Test::new())
        .args(["--reconnect", "--reconnect-delay", "100000", "--reconnect-max-delay", "100000"])
        .peer(|peer| {
            peer.open();
            peer.half_close();
            peer.child.await_stderr("reconnecting in");
            peer.child.signal_only_child(Signal::HUP);
        })
        .stderr_has(["reconnecting in"])
        .status(129)
        .run();
    as_first_process(Test::new())
        .args(["--reconnect", "--reconnect-delay", "100000", "--reconnect-max-delay", "100000"])
        .peer(|peer| {
            peer.request();
            peer.half_close();
            peer.child.await_stderr("reconnecting in");
            peer.child.signal_only_child(Signal::INT);
        })
        .stderr_has(["reconnecting in"])
        .status(130)
        .run();
}

#[test]
fn a_shell_loop_stops_on_ctrl_c() {
    // An exit status of 130 instead of the signal would let the loop continue.
    Test::new()
        .shell("for i in 1 2 3; do \"$@\"; echo after $i; done")
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal_group(Signal::INT);
            peer.answer_close(1001);
        })
        .stdout("one\n")
        .killed_by(Signal::INT)
        .run();
}

#[test]
fn a_stuck_stdout_neither_uses_unbounded_memory_nor_delays_a_signal() {
    let message = text("x".repeat(1000));
    let flood = message.repeat((64 << 20) / message.len());
    Test::new()
        .args(["-q", "--close-timeout", "0.3"])
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            let taken = peer.flood(&flood);
            assert!(taken < 32 << 20, "it took {taken} bytes which nobody reads");
            peer.child.signal(Signal::TERM);
            peer.freeze();
        })
        .killed_by(Signal::TERM)
        .takes_at_least(600)
        .run();
}

#[test]
fn a_second_signal_ends_a_stuck_stdout_at_once() {
    let message = text("x".repeat(1000));
    let flood = message.repeat((64 << 20) / message.len());
    Test::new()
        .args(["-q", "--close-timeout", "600"])
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.flood(&flood);
            peer.child.signal(Signal::TERM);
            // The Close shows that the first signal was handled.
            peer.expect_close(1001);
            peer.child.signal(Signal::TERM);
            peer.freeze();
        })
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn a_stuck_stdout_after_the_peer_has_closed_delays_neither_a_signal_nor_max_time() {
    let bytes = [text("x".repeat(1000)).repeat(1000), close(1000, "")].concat();
    let sent = bytes.clone();
    Test::new()
        .args(["-q", "--close-timeout", "0.3"])
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.send(sent);
            peer.half_close();
            peer.child.read_stdout("xxx");
            peer.child.signal(Signal::TERM);
            peer.freeze();
        })
        .killed_by(Signal::TERM)
        .takes_at_least(300)
        .run();
    Test::new()
        .args(["-q", "--close-timeout", "0.3", "--max-time", "1"])
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.half_close();
            peer.freeze();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 1 second\n")
        .status(28)
        .takes_at_least(1000)
        .run();
}

/// Regression: the file ended inside the line of the message.
#[test]
fn a_file_on_stdout_gets_the_rest_of_a_long_message_and_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("events");
    fs::write(&path, "").expect("a file");
    let (message, output) = ("x".repeat(24 << 20), path.clone());
    Test::new()
        .args(["--output", "jsonl", "--close-timeout", "0"])
        .stdout_to(&path)
        .peer(move |peer| {
            peer.open();
            peer.send(text(message));
            while fs::metadata(&output).is_ok_and(|file| file.len() < 1 << 20) {
                thread::sleep(Duration::from_millis(1));
            }
            peer.child.signal(Signal::TERM);
            peer.discard_all();
        })
        .killed_by(Signal::TERM)
        .run();
    let events = fs::read_to_string(&path).expect("text");
    let types = events.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("a whole line");
        event["type"].as_str().expect("a type").to_owned()
    });
    let types: Vec<_> = types.collect();
    assert!(types.contains(&"text".to_owned()) && types.last().unwrap() == "end", "{types:?}");
}
