//! Leaving: keys, signals, and a closed window.

use super::{Terminal, begin, leave};
use crate::support::{Signal, wire};
use std::time::{Duration, Instant};

#[test]
fn ctrl_d_leaves_only_on_an_empty_line() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("text\x01");
        screen.edits("> text", 2);
        // On a line with text it deletes, as in a shell.
        screen.press("\x04");
        screen.edits("> ext", 2);
        screen.press("\r");
        peer.expect_text("ext");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn messages_after_ctrl_d_are_shown() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("\x04");
        peer.expect_close(1000);
        peer.send([wire::text("one"), wire::text("two"), wire::close(1000, "")].concat());
    });
    let rows = end.rows();
    let at = rows.iter().position(|row| row == "< one").expect("the first message");
    assert_eq!(rows.get(at + 1).map(String::as_str), Some("< two"), "{rows:#?}");
}

#[test]
fn the_peer_s_code_decides_also_after_ctrl_d() {
    let end = Terminal::new().status(111).run(|screen, peer| {
        begin(screen, peer);
        screen.press("\x04");
        peer.expect_close(1000);
        peer.send(wire::close(1011, "too late"));
    });
    assert!(end.view.has_part("1011 (internal error): too late"), "{:#?}", end.view);
}

#[test]
fn max_time_ends_the_prompt() {
    let end = Terminal::new().args(["--max-time", "1"]).status(28).run(|screen, peer| {
        begin(screen, peer);
        peer.discard_all();
    });
    let words = "the run (--max-time) timed out after 1 second";
    assert!(end.view.has_part(words), "{:#?}", end.view);
}

#[test]
fn ctrl_c_clears_a_line_and_leaves_only_when_pressed_twice() {
    let end = Terminal::new().killed_by(Signal::INT).run(|screen, peer| {
        begin(screen, peer);
        screen.press("never sent");
        screen.edits("> never sent", 12);
        screen.press("\x03");
        screen.prompts_below("> never sent");
        screen.press("\x03");
        screen.wait("a warning", |view| view.has("(press Ctrl-C again to exit)"));
        screen.edits(">", 2);
        // Typing in between resets the count.
        screen.enter("stays");
        peer.expect_text("stays");
        screen.prompts_below("> stays");
        screen.press("\x03");
        screen.wait("a second warning", |view| {
            view.rows.iter().filter(|row| *row == "(press Ctrl-C again to exit)").count() == 2
        });
        screen.edits(">", 2);
        screen.press("\x03");
        peer.answer_close(1001);
    });
    assert!(end.view.has("> never sent"), "{:#?}", end.view);
}

#[test]
fn a_signal_closes_the_session_and_restores_the_terminal() {
    for signal in [Signal::TERM, Signal::HUP] {
        let end = Terminal::new().killed_by(signal).run(move |screen, peer| {
            begin(screen, peer);
            screen.press("half typed");
            screen.edits("> half typed", 12);
            peer.child.signal(signal);
            peer.expect_close(1001);
            // Messages are still shown.
            peer.send([wire::text("last words"), wire::close(1001, "")].concat());
        });
        assert!(end.view.has("> half typed"), "{:#?}", end.view);
        assert!(end.view.has("< last words"), "{:#?}", end.view);
    }
}

#[test]
fn a_second_signal_ends_at_once_and_still_restores_the_terminal() {
    Terminal::new().args(["--close-timeout", "60"]).killed_by(Signal::TERM).run(|screen, peer| {
        begin(screen, peer);
        peer.child.signal(Signal::TERM);
        peer.expect_close(1001);
        peer.child.signal(Signal::TERM);
        peer.expect_end();
    });
}

#[test]
fn the_wait_for_a_peer_that_ignores_the_close_is_limited() {
    for (keys, signal) in [("\x04", None), ("/quit\r", None), ("", Some(Signal::TERM))] {
        let mut terminal = Terminal::new().args(["--close-timeout", "0.2"]);
        if let Some(signal) = signal {
            terminal = terminal.killed_by(signal);
        }
        terminal.run(move |screen, peer| {
            begin(screen, peer);
            screen.press(keys);
            signal.inspect(|signal| peer.child.signal(*signal));
            peer.expect_close(if signal.is_some() { 1001 } else { 1000 });
            peer.expect_end();
        });
    }
}

#[test]
fn sigint_from_another_process_ends_the_run_as_a_signal() {
    Terminal::new().killed_by(Signal::INT).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed");
        screen.edits("> half typed", 12);
        peer.child.signal(Signal::INT);
        peer.answer_close(1001);
    });
}

#[test]
fn the_prompt_is_never_left_open_by_a_quick_end() {
    // The session ends while the editor opens its next line; `run` checks the terminal.
    for keys in ["/quit\r", "\x04"].iter().cycle().take(40) {
        Terminal::new().args(["--close-timeout", "0"]).run(move |screen, peer| {
            begin(screen, peer);
            screen.press(keys);
            peer.expect_close(1000);
        });
    }
}

#[test]
fn waiting_for_the_peer_s_close_takes_no_processor_time() {
    for keys in ["\x04", "/quit\r", "\x03\x03"] {
        let mut terminal = Terminal::new().args(["--close-timeout", "1"]);
        if keys == "\x03\x03" {
            terminal = terminal.killed_by(Signal::INT);
        }
        let end = terminal.run(move |screen, peer| {
            begin(screen, peer);
            screen.press(keys);
            assert_eq!(peer.frame().first, 0x88);
            peer.discard_all();
        });
        assert!(end.cpu < Duration::from_millis(500), "{keys:?} took {:?}", end.cpu);
    }
}

#[test]
fn a_window_that_is_closed_ends_the_session() {
    Terminal::new().killed_by(Signal::HUP).run(|screen, peer| {
        begin(screen, peer);
        screen.hang_up();
        peer.answer_close(1001);
    });
}

#[test]
fn a_stuck_terminal_does_not_delay_a_signal() {
    let terminal = Terminal::new().args(["--close-timeout", "0.3"]).killed_by(Signal::TERM);
    terminal.stuck_at_the_end().run(|screen, peer| {
        begin(screen, peer);
        let stall = screen.stall();
        let flood = wire::text("x".repeat(1000)).repeat(2000);
        peer.flood(&flood);
        peer.child.signal(Signal::TERM);
        let signalled = Instant::now();
        peer.discard_all();
        let taken = signalled.elapsed();
        drop(stall);
        assert!(taken < Duration::from_millis(1300), "it ended {taken:?} after the signal");
    });
}
