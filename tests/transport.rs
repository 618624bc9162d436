//! Failures of the transport in an open session, while sending (55) or receiving (56).

use crate::support::{
    Signal, Stdin, Test,
    wire::{close, frame, text},
};
use std::io::Write as _;

#[test]
fn an_end_without_a_close_is_56() {
    let words = "sockeye: {peer} closed the connection without a Close frame (1006)\n";
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send([text("one"), text("two")].concat());
        })
        .stdout("one\ntwo\n")
        .stderr(words)
        .status(56)
        .run();
    // A partial frame header does not count as a message.
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send(b"\x81");
        })
        .stderr(words)
        .status(56)
        .run();
}

#[test]
fn an_end_in_the_middle_of_a_message_is_56_and_prints_nothing_of_it() {
    let words = "sockeye: {peer} closed the connection without a Close frame, in the middle of a \
        message (1006)\n  received [..] bytes of an incomplete message\n";
    // Inside a frame, and between two fragments.
    for cut in [text("two")[..4].to_vec(), frame(0x01, "two")] {
        Test::new()
            .peer(move |peer| {
                peer.open();
                peer.send([text("one"), cut].concat());
            })
            .stdout("one\n")
            .stderr(words)
            .status(56)
            .run();
    }
}

#[test]
fn an_end_inside_a_long_message_tells_how_much_of_it_was_written() {
    let part = "x".repeat(150_000);
    let bytes = [text("one"), frame(0x01, &part)].concat();
    Test::new()
        .peer(move |peer| {
            peer.open();
            peer.send(bytes);
        })
        .stdout(format!("one\n{part}").into_bytes())
        .stderr(
            "sockeye: {peer} closed the connection without a Close frame, in the middle of a \
             message (1006)\n  \
             wrote 150000 bytes of an incomplete message\n",
        )
        .status(56)
        .run();
}

#[test]
fn a_reset_after_our_close_is_56_if_a_message_was_not_answered() {
    Test::new()
        .args(["-w", "0"])
        .stdin("important\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("important");
            peer.expect_close(1000);
            peer.reset();
        })
        .stderr(
            "sockeye: cannot receive from {peer}: connection reset by peer (os error 104)\n\n\
             hint: check the last message and the server's log: the connection ended right after \
             that message\n",
        )
        .status(56)
        .run();
}

#[test]
fn quiet_leaves_the_error_and_no_note() {
    Test::new()
        .args(["-q"])
        .peer(|peer| {
            peer.open();
            peer.send(frame(0x01, "cut"));
        })
        .stderr(
            "sockeye: {peer} closed the connection without a Close frame, in the middle of a \
             message (1006)\n  \
             received 3 bytes of an incomplete message\n",
        )
        .status(56)
        .run();
}

#[test]
fn a_reset_is_56_and_messages_before_it_are_printed() {
    Test::new()
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.reset();
        })
        .stdout("one\n")
        .stderr("sockeye: cannot receive from {peer}: connection reset by peer (os error 104)\n")
        .status(56)
        .run();
}

#[test]
fn a_reset_while_lines_wait_is_55() {
    Test::new()
        .stdin(long_line())
        .peer(|peer| {
            peer.open();
            peer.await_backlog();
            peer.reset();
        })
        .stderr("sockeye: cannot send to {peer}: connection reset by peer (os error 104)\n")
        .status(55)
        .run();
}

#[test]
fn a_close_while_a_line_waits_is_55_even_with_1000() {
    for (code, words) in
        [(1000, "1000 (normal closure)"), (1001, "1001 (going away)"), (4001, "4001 (private use)")]
    {
        Test::new()
            .stdin(long_line())
            .args(["--close-timeout", "0.3"])
            .peer(move |peer| {
                peer.open();
                peer.await_backlog();
                peer.send(close(code, ""));
                peer.freeze();
            })
            .stderr(format!(
                "sockeye: {{peer}} closed the connection: {words}; \
                 1 message was not sent\n"
            ))
            .status(55)
            .run();
    }
}

#[test]
fn the_lines_that_were_not_sent_are_counted() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let line = |text: &str| format!("{{\"type\":\"text\",\"data\":\"{text}\"}}\n");
    let lines = [line(&"x".repeat(15 << 20)), line("two"), line("three")];
    file.write_all(lines.concat().as_bytes()).unwrap();
    Test::new()
        .stdin(Stdin::File(file.path().to_path_buf()))
        .args(["--close-timeout", "0.3", "--input", "jsonl"])
        .peer(|peer| {
            peer.open();
            // The message has begun, so the file has been read to its end.
            peer.read_some();
            peer.send(close(1000, "enough"));
            peer.freeze();
        })
        .stderr(
            "sockeye: {peer} closed the connection: 1000 (normal closure): enough; \
             3 messages were not sent\n",
        )
        .status(55)
        .run();
}

#[test]
fn a_close_when_all_was_sent_is_0() {
    Test::new()
        .stdin("one\ntwo\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("one");
            peer.expect_text("two");
            peer.close(1000);
        })
        .run();
}

#[test]
fn an_open_stdin_does_not_delay_the_end() {
    Test::new()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .run();
    Test::new()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.close(4001);
        })
        .stderr("sockeye: {peer} closed the connection: 4001 (private use)\n")
        .status(111)
        .run();
    Test::new()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
        })
        .stderr("sockeye: {peer} closed the connection without a Close frame (1006)\n")
        .status(56)
        .run();
}

#[test]
fn a_peer_that_does_not_read_delays_neither_a_signal_nor_max_time() {
    Test::new()
        .stdin(long_line())
        .args(["--close-timeout", "0.3"])
        .peer(|peer| {
            peer.open();
            peer.await_backlog();
            peer.child.signal(Signal::TERM);
            peer.freeze();
        })
        .killed_by(Signal::TERM)
        .run();
    Test::new()
        .stdin(long_line())
        .args(["--close-timeout", "0.3", "--max-time", "1"])
        .peer(|peer| {
            peer.open();
            peer.freeze();
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 1 second\n")
        .status(28)
        .takes_at_least(1000)
        .run();
}

#[test]
fn the_ping_timeout_does_not_end_a_slow_upload() {
    Test::new()
        .stdin(long_line())
        .args(["--ping-interval", "0.2", "--ping-timeout", "1.5"])
        .peer(|peer| {
            peer.open();
            peer.limit_receive_buffer(32 << 10);
            // No ping is answered.
            for _ in 0..20 {
                peer.read_exactly(&mut vec![0; 60_000]);
                std::thread::sleep(std::time::Duration::from_millis(150));
            }
            peer.child.signal(Signal::TERM);
            peer.discard_all();
        })
        .killed_by(Signal::TERM)
        .run();
}

/// Returns a line that exceeds all socket buffers (on Linux 4 MiB for the sender and 6 MiB for the
/// receiver).
fn long_line() -> Vec<u8> {
    let mut line = vec![b'x'; 16 << 20];
    line.push(b'\n');
    line
}
