//! Reconnecting after a loss (--reconnect), and leaving an idle session (--idle-timeout).

use crate::support::{
    Expected, Signal, Stdin, Test, closed_port,
    wire::{frame, text},
};
use std::time::Duration;

/// The notes on a loss and on the reconnection.
const LOST: &str = "sockeye: {peer} closed the connection without a Close frame (1006)\n\
    sockeye: reconnecting in 0.0 s\n";
const RECONNECTED: &str = "sockeye: reconnected after 0.[..] s";

fn test() -> Test {
    Test::new().args(["--reconnect", "--reconnect-delay", "0"])
}

#[test]
fn a_lost_session_is_reopened_and_its_script_repeated() {
    test()
        .args(["-x", "subscribe", "-w", "-1"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("subscribe");
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.half_close();
            peer.next_client();
            peer.open();
            peer.expect_text("subscribe");
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("one\ntwo\n")
        .stderr(format!("{LOST}{RECONNECTED}\n"))
        .run();
}

/// Regression: a second of silence ended a subscription before it could be lost.
#[test]
fn a_silent_session_stays_and_its_loss_is_noticed() {
    for stdin in [Stdin::Null, Stdin::Open, "".into()] {
        test()
            .args(["-x", "subscribe"])
            .stdin(stdin)
            .peer(|peer| {
                peer.open();
                peer.expect_text("subscribe");
                peer.send(text("one"));
                std::thread::sleep(Duration::from_millis(1500));
                peer.half_close();
                peer.next_client();
                peer.open();
                peer.expect_text("subscribe");
                peer.send(text("two"));
                peer.close(1000);
            })
            .stdout("one\ntwo\n")
            .stderr(format!("{LOST}{RECONNECTED}\n"))
            .takes_at_least(1500)
            .run();
    }
}

#[test]
fn other_rules_for_the_end_replace_the_stay() {
    for (args, stderr) in [
        (&["-w", "0.2"][..], ""),
        (&["--send-only"], ""),
        (&["--quiet-for", "0.2"], "sockeye: ended after 0.2 s of silence [..]\n"),
        (&["--count", "1"], ""),
    ] {
        let counts = args[0] == "--count";
        test()
            .args(["-x", "ask"])
            .args(args.iter().copied())
            .peer(move |peer| {
                peer.open();
                peer.expect_text("ask");
                if counts {
                    peer.send(text("one"));
                }
                peer.answer_close(1000);
            })
            .stdout(if counts { "one\n" } else { "" })
            .stderr(stderr)
            .run();
    }
}

/// The peer neither answers nor ends TCP.
#[test]
fn a_dead_peer_is_noticed_by_its_missing_pong_and_replaced() {
    test()
        .args(["--ping-interval", "0.1", "--ping-timeout", "0.3"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.next_client();
            peer.open();
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout("two\n")
        .stderr_has(["{peer}: the pong timed out after 0.3 seconds\n\
             sockeye: reconnecting in 0.0 s\nsockeye: reconnected after 0."])
        .run();
}

#[test]
fn stdin_continues_on_the_next_session() {
    test()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("one\n");
            peer.expect_text("one");
            peer.half_close();
            peer.expect_end();
            peer.child.write("two\n");
            peer.next_client();
            peer.open();
            peer.expect_text("two");
            peer.child.write("three\n");
            peer.expect_text("three");
            peer.close(1000);
        })
        .stderr(format!("{LOST}{RECONNECTED}\n"))
        .run();
}

/// Messages that were not fully sent follow on the next session, and none is sent twice.
#[test]
fn unsent_messages_are_kept() {
    let line = |n: usize| format!("{n:07} {}", "x".repeat(50_000));
    let lines: String = (0..400).map(|n| line(n) + "\n").collect();
    test()
        // No limit on silence, during which the peer of this test may be slow.
        .args(["--no-compress", "-w", "0"])
        .stdin(&lines)
        .peer(move |peer| {
            peer.open();
            peer.expect_text(line(0));
            // The other messages are in a socket buffer or still in the client.
            peer.await_backlog();
            peer.reset();
            peer.next_client();
            peer.open();
            let first = peer.frame().payload;
            let first = String::from_utf8(first).unwrap();
            let mut next: usize = first[..7].parse().unwrap();
            assert!(first == line(next) && next > 0 && next < 399, "{next}");
            while next < 399 {
                next += 1;
                peer.expect_text(line(next));
            }
            peer.answer_close(1000);
        })
        .stderr_has([
            "sockeye: reconnecting in 0.0 s\nsockeye: reconnected after ",
            " unsent messages will be sent\n",
        ])
        .run();
}

/// Such a line cannot be sent again. The lines after it follow on the next session.
#[test]
fn a_long_line_that_is_cut_off_is_reported_and_fails_the_run() {
    test()
        .args(["--no-compress", "--quiet-for", "0.3"])
        .stdin(format!("one\n{}\ntwo\n", "x".repeat(20 << 20)))
        .peer(|peer| {
            peer.open();
            peer.expect_text("one");
            peer.read_some();
            peer.await_backlog();
            peer.reset();
            peer.next_client();
            peer.open();
            peer.expect_text("two");
            peer.answer_close(1000);
        })
        .stderr_has([
            "; 1 message over 1 MiB cannot be sent again\n",
            "sockeye: a message was cut off by the loss of a connection and is too long to send \
             again\n",
        ])
        .status(55)
        .run();
}

#[test]
fn some_ends_are_not_retried() {
    for (code, status) in [(1000, 0), (1008, 111), (4001, 111)] {
        let test = test().peer(move |peer| {
            peer.open();
            peer.close(code);
        });
        if status == 0 { test } else { test.stderr_has(["closed the connection: "]) }
            .status(status)
            .run();
    }
    test()
        .peer(|peer| {
            peer.open();
            peer.send(frame(0x83, ""));
            peer.expect_close(1002);
        })
        .stderr_has(["violated the protocol: reserved opcode 3"])
        .status(110)
        .run();
    test()
        .peer(|peer| {
            peer.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            peer.expect_end();
        })
        .stderr_has(["answered 403"])
        .status(22)
        .run();
}

#[test]
fn some_close_codes_are_retried() {
    for (args, code) in [(&[][..], 1001), (&[][..], 1012), (&["--reconnect-on", "4000,4001"], 4001)]
    {
        test()
            .args(args.iter().copied())
            .peer(move |peer| {
                peer.open();
                peer.close(code);
                peer.half_close();
                peer.next_client();
                peer.open();
                peer.close(1000);
            })
            .stderr_has([
                "closed the connection: ",
                "sockeye: reconnecting in 0.0 s\nsockeye: reconnected",
            ])
            .run();
    }
}

#[test]
fn attempts_are_limited_and_retry_after_is_obeyed() {
    Test::new()
        .args(["--reconnect=2", "--reconnect-delay", "0.01", "ws://127.0.0.1:1/"])
        .stderr(
            "sockeye: cannot connect to 127.0.0.1:1: connection refused (os error 111)\n\
             sockeye: reconnecting in 0.0 s\n\
             sockeye: cannot connect to 127.0.0.1:1: connection refused (os error 111)\n\
             sockeye: reconnecting in 0.0 s\n\
             sockeye: cannot connect to 127.0.0.1:1: connection refused (os error 111)\n\n\
             hint: check the port, and that the server is running\n",
        )
        .status(7)
        .run();
    test()
        .peer(|peer| {
            peer.answer("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
            peer.expect_end();
            peer.next_client();
            peer.open();
            peer.close(1000);
        })
        .stderr_has(["answered 503 (Busy)", "sockeye: reconnecting in 1.0 s\n"])
        .takes_at_least(1000)
        .run();
}

#[test]
fn a_wait_is_cut_short_by_a_signal_and_by_the_end_of_time() {
    let slow = || {
        Test::new().args([
            "--reconnect",
            "--reconnect-delay",
            "1000",
            "--reconnect-max-delay",
            "1000",
        ])
    };
    slow()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.half_close();
            peer.child.await_stderr("reconnecting in");
            peer.child.signal(Signal::TERM);
        })
        .stderr_has(["reconnecting in "])
        .killed_by(Signal::TERM)
        .run();
    slow()
        .args(["-m", "0.5"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
        })
        .stderr_has(["reconnecting in ", "the run (--max-time) timed out after 0.5 seconds"])
        .takes_at_least(500)
        .status(28)
        .run();
}

#[test]
fn a_gap_is_marked_and_a_broken_message_does_not_run_into_the_next() {
    let part = "x".repeat(100_000);
    let shown = format!("{part}\ntwo\n");
    let begun = frame(0x01, &part);
    test()
        .stdin(Stdin::Open)
        .peer(move |peer| {
            peer.open();
            peer.send(&begun);
            peer.half_close();
            peer.next_client();
            peer.open();
            peer.send(text("two"));
            peer.close(1000);
        })
        .stdout(shown.into_bytes())
        .stderr_has(["in the middle of a message (1006)", "reconnected"])
        .run();
    test()
        .args(["--output", "jsonl"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.half_close();
            peer.next_client();
            peer.open();
            peer.close(1000);
        })
        .stdout(Expected::Parts(
            [
                "{\"type\":\"open\",",
                "{\"type\":\"gap\",",
                "\"message\":\"{peer} closed the connection without a Close frame \
                 (1006)\"}\n{\"type\":\"open\",",
                "{\"type\":\"end\",",
            ]
            .map(ToOwned::to_owned)
            .to_vec(),
        ))
        .stderr_has(["reconnected"])
        .run();
}

#[test]
fn a_session_without_messages_may_be_ended() {
    Test::new()
        .args(["--idle-timeout", "0.5", "--ping-interval", "0.1"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            for n in 0.. {
                if n == 3 {
                    peer.send(text("one"));
                }
                // Pings and pongs do not count as messages.
                let ping = peer.frame();
                if ping.first == 0x88 {
                    peer.send(crate::support::wire::close(1000, ""));
                    break;
                }
                peer.send(frame(0x8a, ping.payload));
            }
        })
        .stdout("one\n")
        .stderr("sockeye: no message from or to {peer} for 0.5 seconds\n")
        .takes_at_least(800)
        .status(28)
        .run();
}

#[test]
fn the_figures_are_those_of_all_sessions() {
    test()
        .args(["--write-out", "%{messages_received} %{bytes_received}\\n"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.half_close();
            peer.next_client();
            peer.open();
            peer.send([text("two"), text("three")].concat());
            peer.close(1000);
        })
        .stdout("one\ntwo\nthree\n3 11\n")
        .stderr(format!("{LOST}{RECONNECTED}\n"))
        .run();
}

#[test]
fn max_time_includes_the_attempts_of_a_first_session() {
    let (_reserved, port) = closed_port();
    Test::new()
        .args(["--reconnect", "-m", "0.5", &format!("ws://127.0.0.1:{port}/")])
        .stderr_has(["the run (--max-time) timed out after 0.5 seconds"])
        .takes_at_least(500)
        .status(28)
        .run();
}
