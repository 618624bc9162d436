//! The peer ends the session while the user types.

use super::{Outcome, Screen, Terminal, begin, leave};
use crate::support::{Peer, wire};
use std::time::Duration;

/// Ends a session while a line is partly typed.
#[track_caller]
fn ends(terminal: Terminal, end: impl FnOnce(&Screen, &mut Peer) + Send + 'static) -> Outcome {
    let end = terminal.args(["--exit-on-close"]).run(|screen: &Screen, peer: &mut Peer| {
        begin(screen, peer);
        screen.press("half typed\x1b[D\x1b[D");
        screen.edits("> half typed", 10);
        end(screen, peer);
    });
    // The typed line is not overwritten.
    assert!(end.view.has("> half typed"), "{:#?}", end.view);
    end
}

#[test]
fn a_normal_close_is_shown_with_its_code_name_and_reason() {
    let end = ends(Terminal::new(), |_, peer| peer.close_with(1000, "see you"));
    assert!(end.view.has_part("closed: 1000 (normal closure): see you"), "{:#?}", end.view);
}

#[test]
fn a_close_without_a_code_is_a_clean_end() {
    let end = ends(Terminal::new(), |_, peer| {
        peer.send(wire::frame(0x88, ""));
        peer.expect_empty_close();
    });
    assert!(end.view.has_part("closed: 1005"), "{:#?}", end.view);
}

#[test]
fn a_failure_is_shown_with_its_code_name_and_reason_and_is_the_status() {
    let end = ends(Terminal::new().status(111), |_, peer| peer.close_with(1011, "it broke"));
    assert!(end.view.has_part("1011 (internal error): it broke"), "{:#?}", end.view);
}

#[test]
fn an_end_without_a_close_is_reported() {
    let end = ends(Terminal::new().status(56), |_, peer| peer.half_close());
    assert!(end.view.has_part("without a Close"), "{:#?}", end.view);
    let end = ends(Terminal::new().status(56), |_, peer| peer.reset());
    assert!(end.view.has_part("sockeye: "), "{:#?}", end.view);
}

#[test]
fn a_protocol_violation_is_answered_and_reported() {
    let end = ends(Terminal::new().status(110), |_, peer| {
        peer.send(wire::frame(0x83, "reserved"));
        let close = peer.frame();
        assert_eq!((close.first, &close.payload[..2]), (0x88, b"\x03\xea".as_slice()));
    });
    assert!(end.view.has_part("violated the protocol"), "{:#?}", end.view);
}

#[test]
fn an_empty_prompt_is_removed_at_the_end() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        peer.close(1000);
    });
    let rows = end.rows();
    assert!(!rows.iter().any(|row| row == ">"), "{rows:#?}");
    assert_eq!(rows.len(), 3, "{rows:#?}");
}

#[test]
fn a_message_just_before_the_close_is_shown() {
    for _ in 0..30 {
        let end = ends(Terminal::new(), |_, peer| {
            peer.send([wire::text("one"), wire::text("last"), wire::close(1000, "")].concat());
            peer.expect_close(1000);
        });
        let rows = end.rows();
        let at = rows.iter().position(|row| row == "< one").expect("the first message");
        assert_eq!(rows.get(at + 1).map(String::as_str), Some("< last"), "{rows:#?}");
    }
}

#[test]
fn a_message_received_while_leaving_is_shown() {
    for keys in ["\x04", "/quit\r", "\r\x04"].iter().cycle().take(30) {
        let end = Terminal::new().run(move |screen, peer| {
            begin(screen, peer);
            // The terminal or the socket may be read first.
            peer.send(wire::text("in time"));
            screen.press(keys);
            peer.answer_close(1000);
        });
        assert!(end.view.has("< in time"), "{keys:?}: {:#?}", end.view);
    }
}

#[test]
fn a_long_last_message_is_whole() {
    let message = "0123456789".repeat(150);
    let sent = message.clone();
    let end = ends(Terminal::new(), move |_, peer| {
        peer.send([wire::text(sent), wire::close(1000, "")].concat());
        peer.expect_close(1000);
    });
    let raw = String::from_utf8(end.raw).unwrap();
    assert!(raw.contains(&message), "it was cut");
}

#[test]
fn a_slow_terminal_loses_nothing_at_the_end() {
    for _ in 0..4 {
        let message = |n: usize| format!("{n} {}", "0123456789".repeat(100));
        let end = ends(Terminal::new(), move |screen, peer| {
            let sent: Vec<u8> = (0..300).flat_map(|n| wire::text(message(n))).collect();
            peer.send([sent, wire::text("last"), wire::close(1000, "")].concat());
            peer.expect_close(1000);
            let stall = screen.stall();
            std::thread::sleep(Duration::from_millis(300));
            drop(stall);
        });
        let raw = String::from_utf8(end.raw).unwrap();
        assert!((0..300).all(|n| raw.contains(&message(n))), "a message is lost");
        assert!(end.view.has("< last"), "{:#?}", end.view);
        assert!(end.view.has_part("closed: 1000"), "{:#?}", end.view);
    }
}

#[test]
fn reconnecting_keeps_the_line_being_typed() {
    Terminal::new().args(["--reconnect", "--reconnect-delay", "0.2"]).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.half_close();
        screen.wait("the loss", |view| {
            view.has_part("closed the connection without a Close frame (1006)")
        });
        screen.edits("> half", 6);
        peer.next_client();
        peer.open();
        screen.wait("the return", |view| view.has_part("reconnected to ws://"));
        screen.edits("> half", 6);
        screen.press("\r");
        peer.expect_text("half");
        leave(screen, peer);
    });
}

#[test]
fn the_user_can_leave_while_reconnecting() {
    Terminal::new()
        .status(56)
        .args(["--reconnect", "--reconnect-delay", "1000", "--reconnect-max-delay", "1000"])
        .run(|screen, peer| {
            begin(screen, peer);
            peer.half_close();
            screen.wait("the loss", |view| view.has_part("reconnecting in "));
            screen.enter("hello");
            screen.wait("a refusal", |view| view.has("not sent: not connected"));
            screen.edits("> hello", 7);
            screen.press("\x04");
        });
}

#[test]
fn a_prompt_that_lacks_descriptors_is_an_error_in_words() {
    let end = Terminal::new().descriptors(12).status(1).run(|_, peer| {
        peer.open();
    });
    let text = end.rows().join("\n");
    let error = "sockeye: cannot use the terminal: too many open files (os error 24)";
    assert!(text.contains(error), "{text}");
    assert!(text.contains("hint: allow more open files: ulimit -n 256"), "{text}");
}

/// Regression: the run ended as if the terminal had been closed, by SIGHUP and without a word.
#[test]
fn a_prompt_that_cannot_go_on_is_an_error_in_words() {
    let end = Terminal::new().status(26).run(|screen, peer| {
        begin(screen, peer);
        peer.child.refuse_descriptors();
        screen.press("hello\r");
        peer.expect_text("hello");
        peer.answer_close(1000);
    });
    let text = end.rows().join("\n");
    let error = "sockeye: cannot read stdin: too many open files (os error 24)";
    assert!(text.contains(error), "{text}");
    assert!(text.contains("hint: allow more open files: ulimit -n 256"), "{text}");
}

#[test]
fn a_server_that_does_not_answer_for_a_second_is_named() {
    Terminal::new().run(|screen, peer| {
        let authority = format!("127.0.0.1:{}", peer.port());
        screen.has(&format!("sockeye: connecting to {authority} (Ctrl-C cancels)"));
        begin(screen, peer);
        leave(screen, peer);
    });
}
