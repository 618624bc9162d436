//! Waiting takes no processor time, regardless of what is blocked. A busy loop still gives the
//! right answer, so these tests measure the processor time.

use crate::support::{
    Stdin, Test,
    wire::{close, text},
};

/// Returns a run that waits for two seconds or more.
fn timed() -> Test {
    Test::new().shell("TIMEFORMAT='user %U'; time \"$@\"")
}

/// Less than a tenth of a second.
const UNDER_100_MS: &str = "user 0.0[..]\n";
/// Less than a second, for a run that processes megabytes.
const UNDER_1_S: &str = "user 0.[..]\n";

fn max_time(used: &str) -> String {
    format!("sockeye: {{peer}}: the run (--max-time) timed out after 2 seconds\n{used}")
}

#[test]
fn an_idle_session_uses_no_cpu() {
    timed()
        .args(["--max-time", "2"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.answer_close(1000);
        })
        .stderr(max_time(UNDER_100_MS))
        .status(28)
        .run();
}

#[test]
fn waiting_for_the_answer_to_a_close_uses_no_cpu() {
    timed()
        .args(["-x", "bye", "-w", "0", "--close-timeout", "2"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("bye");
            peer.expect_close(1000);
            peer.discard_all();
        })
        .stderr(UNDER_100_MS)
        .run();
}

#[test]
fn waiting_for_the_end_of_tcp_uses_no_cpu() {
    timed()
        .args(["--close-timeout", "2"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.send(close(1000, ""));
            peer.discard_all();
        })
        .stderr(UNDER_100_MS)
        .run();
}

#[test]
fn waiting_for_a_stuck_stdout_uses_no_cpu() {
    let bytes = text("x".repeat(1000)).repeat(1000);
    for closes in [false, true] {
        let bytes = bytes.clone();
        timed()
            .args(["-q", "--max-time", "2", "--close-timeout", "0.1"])
            .hold_stdout()
            .peer(move |peer| {
                peer.open();
                peer.flood(&bytes);
                if closes {
                    peer.send(close(1000, ""));
                    peer.half_close();
                }
                peer.freeze();
            })
            .stderr(max_time(UNDER_1_S))
            .status(28)
            .run();
    }
}

#[test]
fn waiting_for_a_peer_that_does_not_read_uses_no_cpu() {
    let lines = format!("{}\n", "x".repeat(1000)).repeat(12_000);
    timed()
        .args(["--max-time", "2", "--close-timeout", "0.1"])
        .stdin(lines)
        .peer(|peer| {
            peer.open();
            peer.freeze();
        })
        .stderr(max_time(UNDER_1_S))
        .status(28)
        .run();
}

#[test]
fn ended_input_is_not_polled_again() {
    for sockets in [false, true] {
        let test = if sockets { timed().sockets() } else { timed() };
        test.args(["-w", "-1", "--max-time", "2"])
            .stdin("one\n")
            .peer(|peer| {
                peer.open();
                peer.expect_text("one");
                peer.answer_close(1000);
            })
            .stderr(max_time(UNDER_100_MS))
            .status(28)
            .run();
    }
}

#[test]
fn waiting_for_the_handshake_uses_no_cpu() {
    timed()
        .args(["--connect-timeout", "2"])
        .peer(|peer| {
            peer.request();
            peer.discard_all();
        })
        .stderr(format!(
            "sockeye: {{peer}}: the WebSocket handshake timed out after 2 seconds\n\n\
             hint: check the path and the subprotocol (-s NAME): some servers never answer an upgrade \
             that they do not serve; otherwise raise the limit with --connect-timeout SECONDS\n{UNDER_100_MS}"
        ))
        .status(28)
        .run();
}
