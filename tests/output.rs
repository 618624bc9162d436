//! Stdout that cannot be written (23), and stdout whose reader has gone (0, as `| head` expects).

use crate::support::{
    Stdin, Test,
    wire::{ping, text},
};

#[test]
fn a_full_disk_is_23() {
    Test::new()
        .stdout_to("/dev/full")
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.answer_close(1000);
        })
        .stderr("sockeye: cannot write stdout: no space left on device (os error 28)\n")
        .status(23)
        .run();
}

#[test]
fn a_full_disk_is_23_also_when_the_peer_has_closed() {
    Test::new()
        .stdout_to("/dev/full")
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), crate::support::wire::close(1000, "")].concat());
            peer.expect_close(1000);
        })
        .stderr("sockeye: cannot write stdout: no space left on device (os error 28)\n")
        .status(23)
        .run();
}

#[test]
fn a_full_disk_is_reported_by_subcommands_too() {
    for args in [&["completions", "bash"][..], &["man"]] {
        Test::new()
            .args(args.iter().copied())
            .stdout_to("/dev/full")
            .stderr("sockeye: cannot write stdout: no space left on device (os error 28)\n")
            .status(23)
            .run();
    }
}

#[test]
fn a_file_takes_all_of_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = "x".repeat(1 << 20);
    let frames = [text("one"), text(&message)].concat();
    Test::new()
        .stdout_to(file.path())
        .peer(move |peer| {
            peer.open();
            peer.send(frames);
            peer.close(1000);
        })
        .run();
    let written = std::fs::read_to_string(file.path()).unwrap();
    assert!(written == format!("one\n{message}\n"), "{} bytes", written.len());
}

#[test]
fn a_reader_that_leaves_ends_a_busy_feed_quietly() {
    Test::new()
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.read_stdout("one\n");
            peer.child.close_stdout();
            peer.send(text("two").repeat(1000));
            peer.answer_close(1001);
        })
        .run();
}

#[test]
fn a_reader_that_leaves_ends_a_quiet_feed_too() {
    for stdin in [Stdin::Null, Stdin::Open] {
        Test::new()
            .stdin(stdin)
            .hold_stdout()
            .peer(|peer| {
                peer.open();
                peer.send(text("one"));
                peer.child.read_stdout("one\n");
                peer.child.close_stdout();
                peer.answer_close(1001);
            })
            .run();
    }
}

#[test]
fn head_ends_the_pipe() {
    Test::new()
        .shell("\"$@\" | head -1; echo \"status ${PIPESTATUS[0]}\"")
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), text("two"), text("three")].concat());
            peer.answer_close(1001);
        })
        .stdout("one\nstatus 0\n")
        .run();
}

#[test]
fn a_reader_that_leaves_a_full_pipe_is_noticed() {
    Test::new()
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            let message = text("x".repeat(1000));
            peer.flood(&message.repeat(64_000));
            peer.child.close_stdout();
            peer.expect_close(1001);
            peer.discard_all();
        })
        .run();
}

#[test]
fn a_pipe_nobody_reads_for_a_while_loses_nothing() {
    let messages: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    let bytes: Vec<u8> = messages.lines().flat_map(text).collect();
    Test::new()
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
            peer.send(ping("done?"));
            peer.child.read_stdout(&messages);
            peer.expect_pong("done?");
            peer.close(1000);
        })
        .run();
}

/// Unread output must not count as silence.
#[test]
fn a_pipe_nobody_reads_for_longer_than_the_silence_loses_nothing() {
    let messages: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    let bytes: Vec<u8> = messages.lines().flat_map(text).collect();
    Test::new()
        .args(["--quiet-for", "0.2"])
        .stdin("go\n")
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.expect_text("go");
            peer.send(bytes);
            std::thread::sleep(std::time::Duration::from_millis(400));
            peer.send(ping("still open?"));
            peer.child.read_stdout(&messages);
            peer.expect_pong("still open?");
            peer.answer_close(1000);
        })
        .stderr_has(["ended after 0.2 s of silence"])
        .run();
}

#[test]
fn a_count_that_could_not_be_written_is_not_met() {
    Test::new()
        .args(["--count", "1"])
        .stdout_to("/dev/full")
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.answer_close(1000);
        })
        .stderr("sockeye: cannot write stdout: no space left on device (os error 28)\n")
        .status(23)
        .run();
}

#[test]
fn max_time_bounds_a_run_that_is_ending_into_a_stuck_pipe() {
    Test::new()
        .args(["--count", "2", "--max-time", "0.5", "--close-timeout", "0.3"])
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            peer.send([text("x".repeat(60_000)), text("y".repeat(60_000))].concat());
            peer.expect_close(1000);
            peer.discard_all();
        })
        .stderr_has(["the run (--max-time) timed out after 0.5 seconds"])
        .status(28)
        .run();
}

#[test]
fn a_closed_stderr_or_stdout_does_not_cause_a_panic() {
    Test::new()
        .shell("exec \"$@\" 2>&-")
        .args(["-v"])
        .peer(|peer| {
            peer.open();
            peer.close(1011);
        })
        .status(111)
        .run();
    Test::new()
        .shell("exec \"$@\" 2>/dev/full")
        .args(["-v"])
        .peer(|peer| {
            peer.open();
            peer.close(1011);
        })
        .status(111)
        .run();
}

#[test]
fn messages_for_a_closed_stdout_are_not_lost_silently() {
    let one = |shell: &str, args: &[&str]| {
        Test::new().shell(shell).args(args).peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.close(1000);
        })
    };
    let fault = "sockeye: cannot write stdout: bad file descriptor (os error 9)\n";
    for args in [&[][..], &["--output", "jsonl"], &["--send-only", "--write-out", "%{exitcode}"]] {
        one("exec \"$@\" >&-", args).stderr(fault).status(23).run();
        // In vain, but as told.
        one("exec \"$@\" >/dev/null", args).run();
        one("exec \"$@\" 1<>/dev/null", args).run();
    }
    one("exec \"$@\" >&-", &["--send-only"]).run();
    // No other file gets a standard descriptor.
    one("exec \"$@\" <&- >&- 2>&-", &["--send-only"]).run();
    one("exec \"$@\" <&- 2>&-", &[]).stdout("one\n").run();
}

#[test]
fn a_closed_stdout_is_reported_by_every_command_that_writes() {
    for command in ["completions bash", "man", "--help", "--version"] {
        let script = format!("exec \"$@\" {command} >&-");
        let fault = "sockeye: cannot write stdout: bad file descriptor (os error 9)\n";
        Test::new().shell(script).stderr(fault).status(23).run();
    }
}

#[test]
fn descriptors_of_the_shell_stay_unchanged() {
    // O_NONBLOCK on a descriptor shared with the shell would break the next program.
    let flag = "sed -n 's/^flags:\t//p' /proc/self/fdinfo";
    let script = format!("\"$@\"; echo $(($({flag}/0) & 04000)) $(($({flag}/1) & 04000))");
    Test::new()
        .shell(script)
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("one\n");
            peer.expect_text("one");
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("two\n0 0\n")
        .run();
}

#[test]
fn sockets_as_stdin_and_stdout_work_as_pipes_do() {
    // Node's child_process connects its children by sockets.
    let lines: String = (0..5000).map(|i| format!("line {i}\n")).collect();
    let long = "x".repeat(1 << 20);
    let stdin = format!("{lines}{long}\n");
    Test::new()
        .sockets()
        .stdin(&stdin)
        .peer(|peer| {
            peer.open();
            for _ in 0..5001 {
                let message = peer.message();
                peer.send(text(message.payload));
            }
            peer.close(1000);
        })
        .stdout(stdin.into_bytes())
        .run();
}

#[test]
fn a_reader_that_leaves_a_socket_ends_a_quiet_feed_too() {
    Test::new()
        .sockets()
        .stdin(Stdin::Open)
        .hold_stdout()
        .peer(|peer| {
            peer.open();
            peer.child.write("one\n");
            peer.expect_text("one");
            peer.send(text("two"));
            peer.child.read_stdout("two\n");
            peer.child.close_stdout();
            peer.answer_close(1001);
        })
        .run();
}

#[test]
fn head_ends_the_output_of_subcommands() {
    Test::new()
        .shell("\"$@\" | head -1; echo \"status ${PIPESTATUS[0]}\"")
        .args(["completions", "powershell"])
        .stdout("\nstatus 0\n")
        .run();
}
