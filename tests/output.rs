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
fn a_full_disk_is_told_by_the_other_things_that_write() {
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
            peer.flood(&message.repeat(64_000), std::time::Duration::from_millis(500));
            peer.child.close_stdout();
            peer.expect_close(1001);
            peer.hold();
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

#[test]
fn a_closed_stderr_or_stdout_is_no_reason_to_panic() {
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
fn what_is_printed_by_subcommands_may_be_cut_by_head() {
    Test::new()
        .shell("\"$@\" | head -1; echo \"status ${PIPESTATUS[0]}\"")
        .args(["completions", "bash"])
        .stdout("_sockeye() {\nstatus 0\n")
        .run();
}
