//! Streams that accept nothing: a pager that is not read, a stopped terminal, a stalled connection.
//! None of them keeps a signal, `--max-time` or the end of the process waiting.

use crate::support::{
    Signal, Stdin, Test,
    wire::{close, ping, text},
};

/// Runs the command with a stderr that nobody reads and that has room for 64 KiB.
const UNREAD: &str =
    "d=$(mktemp -d) && mkfifo $d/f && exec 3<>$d/f && rm -r $d && exec \"$@\" 2>&3";

/// More than stderr and every buffer on the way hold.
fn flood() -> Vec<u8> {
    text("x".repeat(200)).repeat((8 << 20) / 200)
}

#[test]
fn a_stuck_stderr_does_not_keep_a_signal_waiting() {
    for option in ["--frames", "--trace"] {
        Test::new()
            .args([option, "--close-timeout", "0.3"])
            .shell(UNREAD.to_owned() + " >/dev/null")
            .peer(|peer| {
                peer.open();
                peer.flood(&flood());
                peer.child.signal(Signal::TERM);
                peer.expect_close(1001);
                peer.discard_all();
            })
            .killed_by(Signal::TERM)
            .run();
    }
}

#[test]
fn a_stuck_stderr_does_not_keep_a_second_signal_waiting() {
    Test::new()
        .args(["--frames", "--close-timeout", "600"])
        .shell(UNREAD.to_owned() + " >/dev/null")
        .peer(|peer| {
            peer.open();
            peer.flood(&flood());
            peer.child.signal(Signal::TERM);
            peer.expect_close(1001);
            peer.child.signal(Signal::INT);
            peer.expect_end();
        })
        .killed_by(Signal::INT)
        .run();
}

#[test]
fn a_stuck_stderr_does_not_keep_max_time_waiting() {
    for output in ["text", "jsonl"] {
        Test::new()
            .args(["--frames", "--max-time", "1", "--close-timeout", "0.3", "--output", output])
            .shell(UNREAD.to_owned() + " >/dev/null")
            .peer(|peer| {
                peer.open();
                peer.flood(&flood());
                peer.discard_all();
            })
            .status(28)
            .run();
    }
}

#[test]
fn a_stuck_socket_as_stderr_does_not_keep_a_signal_waiting() {
    Test::new()
        .args(["--frames", "--close-timeout", "0.3"])
        .sockets()
        .hold_stdout()
        .shell("exec \"$@\" 2>&1 >/dev/null")
        .peer(|peer| {
            peer.open();
            peer.flood(&flood());
            peer.child.signal(Signal::TERM);
            peer.expect_close(1001);
            peer.discard_all();
        })
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn a_stuck_stderr_does_not_keep_the_last_error_from_ending_the_process() {
    let full = UNREAD.replace("&& exec \"$@\"", "&& head -c 65536 /dev/zero >&3 && exec \"$@\"");
    Test::new().shell(&full).args(["ws://127.0.0.1:1/"]).status(7).takes_less_than(8000).run();
    Test::new()
        .shell(&full)
        .args(["-v"])
        .peer(|peer| {
            peer.child.signal(Signal::TERM);
            peer.discard_all();
        })
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn a_slow_stderr_loses_nothing_at_the_end() {
    let messages = text("x".repeat(1000)).repeat(300);
    Test::new()
        .args(["--trace"])
        .shell("\"$@\" 2>&1 >/dev/null | (sleep 0.5; grep -c -e '^sockeye: .* last words$')")
        .peer(move |peer| {
            peer.open();
            peer.send([messages, close(1011, "last words")].concat());
            peer.discard_all();
        })
        .stdout("1\n")
        .run();
}

#[test]
fn pings_are_answered_while_a_stuck_stdout_has_megabytes_waiting() {
    for output in ["text", "jsonl"] {
        Test::new()
            .args(["--output", output, "--close-timeout", "0.3"])
            .hold_stdout()
            .peer(|peer| {
                peer.open();
                for _ in 0..60 {
                    peer.send([text("x".repeat(1000)).repeat(60), ping("there?")].concat());
                    peer.expect_pong("there?");
                }
                // Not without limit.
                let messages = text("x".repeat(1000)).repeat((96 << 20) / 1004);
                let taken = peer.flood(&messages);
                assert!(taken < 32 << 20, "it took {taken} bytes which nobody reads");
                let peak = peer.child.peak_memory();
                assert!(peak < 48 << 20, "it had {peak} bytes");
                peer.child.signal(Signal::TERM);
                peer.freeze();
            })
            .killed_by(Signal::TERM)
            .run();
    }
}

/// Each sent message is an event, and stdin was read as fast as the network took it.
#[test]
fn stdin_waits_while_a_stuck_stdout_has_megabytes_of_events_waiting() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = format!("{}\n", "x".repeat(999));
    std::fs::write(file.path(), line.repeat(24_000)).unwrap();
    Test::new()
        .args(["--output", "jsonl", "--no-compress", "-m", "4"])
        .stdin(Stdin::File(file.path().to_path_buf()))
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            let mut taken = 0;
            loop {
                let got = peer.frame();
                if got.first != 0x81 {
                    break;
                }
                taken += got.payload.len();
            }
            // More than the first limit, and not all.
            assert!((1 << 20..12 << 20).contains(&taken), "{taken} bytes");
            peer.discard_all();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 4 seconds\n")
        .status(28)
        .run();
}

#[test]
fn messages_that_waited_for_a_stuck_stdout_are_all_written() {
    let lines: String = (0..4000).map(|n| format!("{n} {}\n", "x".repeat(1000))).collect();
    let messages: Vec<u8> = lines.lines().flat_map(text).collect();
    Test::new()
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.send([messages, ping("there?")].concat());
            peer.expect_pong("there?");
            peer.send(close(1000, ""));
            peer.child.read_stdout(&lines);
            peer.expect_close(1000);
        })
        .run();
}

#[test]
fn a_summary_for_a_stuck_socket_as_stdout_does_not_keep_the_end_waiting() {
    for signal in [None, Some(Signal::TERM)] {
        let test = Test::new()
            .args(["--close-timeout", "0.3", "--write-out", "%{exitcode}"])
            .args(signal.is_none().then_some(["--max-time", "1"]).into_iter().flatten())
            .sockets()
            .hold_stdout()
            .peer(move |peer| {
                peer.open();
                peer.flood(&flood());
                if let Some(signal) = signal {
                    peer.child.signal(signal);
                }
                peer.discard_all();
            });
        match signal {
            Some(signal) => test.killed_by(signal).run(),
            None => test.stderr_has(["timed out after 1 second"]).status(28).run(),
        }
    }
}
