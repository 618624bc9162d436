//! The user stays after the peer has closed.

use super::{Terminal, begin, leave};
use crate::support::{Signal, wire};
use std::time::Duration;

const OFFER: &str = "(/reconnect reconnects, Ctrl-D exits)";

#[test]
fn the_line_stays_and_the_session_can_be_opened_again() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.close_with(1011, "it broke");
        screen.wait("what happened", |view| {
            view.has_part("1011 (internal error): it broke") && view.has(OFFER)
        });
        screen.edits("> half", 6);
        screen.press("\x15");
        screen.enter("lost?");
        screen.has("not sent: the session is closed; /reconnect opens a new one");
        // The line stays. A command takes its place while it is typed.
        screen.edits("> lost?", 7);
        // A key that follows at once is regarded as typed ahead.
        std::thread::sleep(Duration::from_millis(50));
        screen.press("/reconnect");
        screen.edits("> /reconnect", 12);
        screen.press("\r");
        peer.next_client();
        peer.open();
        screen.wait("the return", |view| view.has_part("reconnected to ws://"));
        screen.edits("> lost?", 7);
        screen.press("\r");
        peer.expect_text("lost?");
        screen.enter("here");
        peer.expect_text("here");
        screen.edits(">", 2);
        // The status is that of the last session, which was clean.
        leave(screen, peer);
    });
}

#[test]
fn lines_typed_ahead_of_a_closed_session_stay_apart() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("hello");
        peer.expect_text("hello");
        peer.close(1000);
        screen.has(OFFER);
        screen.press("one\rtwo\rthree\r");
        screen.wait("the refusals", |view| {
            let refused = view.rows.iter().filter(|row| row.starts_with("not sent: ")).count();
            refused == 3 && view.line() == "> three"
        });
        let view = screen.view();
        assert!(view.has("> one") && view.has("> two"), "{screen}");
        // It does not prevent leaving.
        screen.press("\x04");
    });
}

#[test]
fn a_session_opened_by_the_user_has_figures_of_its_own() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("one");
        peer.expect_text("one");
        screen.enter("/reconnect");
        peer.answer_close(1000);
        peer.next_client();
        peer.open();
        screen.wait("the return", |view| view.has_part("reconnected to ws://"));
        screen.enter("three");
        peer.expect_text("three");
        leave(screen, peer);
    });
    assert!(end.view.has("sent 1 message, 5 bytes"), "{:#?}", end.view);
}

#[test]
fn leaving_later_keeps_the_status_of_the_close() {
    for (code, status) in [(1000, 0), (1011, 111), (4001, 111)] {
        Terminal::new().status(status).run(move |screen, peer| {
            begin(screen, peer);
            screen.enter("hello");
            peer.expect_text("hello");
            peer.close(code);
            screen.has(OFFER);
            screen.edits(">", 2);
            screen.press("\x04");
        });
    }
    Terminal::new().status(56).run(|screen, peer| {
        begin(screen, peer);
        screen.press("x");
        screen.edits("> x", 3);
        peer.half_close();
        screen.has(OFFER);
        screen.press("\x15/quit\r");
    });
}

#[test]
fn a_close_ends_the_run_without_typed_text_or_with_exit_on_close() {
    Terminal::new().status(111).run(|screen, peer| {
        begin(screen, peer);
        peer.close(1011);
    });
    Terminal::new().status(111).args(["--exit-on-close"]).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.close(1011);
    });
    // Nor does the program wait after its own Close.
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/close");
        peer.answer_close(1000);
    });
}

#[test]
fn an_open_session_can_be_reopened_with_another_subprotocol() {
    Terminal::new().args(["-s", "one"]).run(|screen, peer| {
        let request = peer.open_with("Sec-WebSocket-Protocol: one\r\n");
        assert_eq!(request.header("Sec-WebSocket-Protocol"), "one");
        screen.edits(">", 2);
        screen.enter("/reconnect two");
        peer.answer_close(1000);
        peer.next_client();
        let request = peer.open_with("Sec-WebSocket-Protocol: two\r\n");
        assert_eq!(request.header("Sec-WebSocket-Protocol"), "two");
        screen.wait("the subprotocol", |view| view.has_part("subprotocol two"));
        leave(screen, peer);
    });
}

#[test]
fn a_lost_server_is_reported_and_can_be_tried_again() {
    Terminal::new().status(22).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("x");
        peer.expect_text("x");
        peer.close(1001);
        screen.has(OFFER);
        screen.enter("/reconnect");
        peer.next_client();
        peer.answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        screen.wait("the refusal, and the offer again", |view| {
            let offers = view.rows.iter().filter(|row| *row == OFFER).count();
            view.has_part("answered 503") && offers == 2
        });
        screen.edits(">", 2);
        screen.press("\x04");
    });
}

#[test]
fn a_signal_ends_the_run_without_a_session() {
    for signal in [Signal::TERM, Signal::HUP] {
        Terminal::new().killed_by(signal).run(move |screen, peer| {
            begin(screen, peer);
            screen.press("half");
            screen.edits("> half", 6);
            peer.close(1000);
            screen.has(OFFER);
            peer.child.signal(signal);
        });
    }
    Terminal::new().killed_by(Signal::INT).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("x");
        peer.expect_text("x");
        peer.close(1000);
        screen.has(OFFER);
        screen.press("\x03\x03");
    });
}

#[test]
fn the_summary_precedes_the_closing_line() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("hello");
        peer.expect_text("hello");
        peer.send(wire::text("you"));
        screen.has("< you");
        leave(screen, peer);
    });
    let expected =
        ["received 1 message, 3 bytes", "sent 1 message, 5 bytes", "closed: 1000 (normal closure)"];
    assert!(end.rows().ends_with(&expected.map(str::to_owned)), "{:#?}", end.rows());
}

#[test]
fn the_shell_has_the_terminal_while_it_is_stopped() {
    let end = Terminal::new().in_a_shell().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed\x1b[D");
        screen.edits("> half typed", 11);
        screen.press("\x1a");
        // The shell reports the stop, waits for a line in its own terminal modes, and continues the
        // job.
        screen.has("stopped: 148");
        peer.send(wire::text("meanwhile"));
        screen.press("a line for the shell\r");
        screen.has("a line for the shell");
        screen.wait("the line again", |view| {
            view.line() == "> half typed" && view.cursor.1 == 11 && view.has("< meanwhile")
        });
        screen.press("X\r");
        peer.expect_text("half typeXd");
        screen.edits(">", 2);
        leave(screen, peer);
    });
    assert!(end.view.has_part("closed: 1000"), "{:#?}", end.view);
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let end = Terminal::new().status(101).run(|screen, peer| {
        begin(screen, peer);
        screen.press("/panic\r");
        peer.expect_end();
    });
    assert!(end.view.has_part("panicked at"), "{:#?}", end.view);
}

#[test]
fn the_prompt_follows_long_output_without_a_session() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("x");
        peer.expect_text("x");
        peer.send([wire::text("y".repeat(600_000)), wire::close(1000, "")].concat());
        peer.expect_close(1000);
        screen.has(OFFER);
        screen.enter("/last");
        screen.wait("all of it", |view| view.line() == ">" && !view.has(OFFER));
        screen.enter("/json");
        screen.has("JSON is pretty-printed");
        screen.edits(">", 2);
        screen.press("\x04");
    });
}

#[test]
fn commands_work_while_reconnecting() {
    let args = ["--reconnect", "--reconnect-delay", "1000", "--reconnect-max-delay", "1000"];
    Terminal::new().args(args).run(|screen, peer| {
        begin(screen, peer);
        peer.send(wire::text("before"));
        screen.has("< before");
        peer.half_close();
        screen.wait("the loss", |view| view.has_part("reconnecting in "));
        screen.enter("/json on");
        screen.has("JSON is pretty-printed");
        screen.enter("/last");
        screen.wait("it twice", |view| {
            view.rows.iter().filter(|row| *row == "< before").count() == 2
        });
        screen.edits(">", 2);
        screen.press("\x03");
        screen.has("(press Ctrl-C again to exit)");
        screen.enter("/reconnect");
        peer.next_client();
        peer.open();
        screen.wait("the return", |view| view.has_part("reconnected to ws://"));
        leave(screen, peer);
    });
    Terminal::new().args(args).killed_by(Signal::INT).run(|screen, peer| {
        begin(screen, peer);
        peer.half_close();
        screen.wait("the loss", |view| view.has_part("reconnecting in "));
        screen.press("\x03\x03");
    });
}

#[test]
fn a_close_during_an_editor_is_reported_afterwards() {
    Terminal::new().env("VISUAL", "echo editing; read key; cat").run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/edit a draft");
        screen.has("editing");
        peer.close(1000);
        screen.press("\r");
        screen.has(OFFER);
        screen.edits("> a draft", 9);
        screen.press("\x15\x04");
    });
}

#[test]
fn leaving_works_while_many_messages_are_held() {
    for keys in ["/quit\r", "\x04"] {
        let end = Terminal::new().args(["--close-timeout", "20"]).run(move |screen, peer| {
            begin(screen, peer);
            screen.enter("/pause");
            screen.has("paused: /resume shows the messages received in the meantime");
            let flood = wire::text("x".repeat(1000)).repeat(18_000);
            let sent = peer.flood(&flood);
            screen.wait("a word", |view| view.has_part("(limit reached: "));
            screen.press(keys);
            let rest = &flood[sent..];
            assert_eq!(peer.offer(rest), rest.len());
            peer.answer_close(1000);
        });
        assert!(end.view.has_part("closed: 1000"), "{:#?}", end.view);
    }
}
