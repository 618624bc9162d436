//! The prompt of a program that is called wscat.

use super::{Terminal, begin};
use crate::support::{Peer, wire};

/// The program under the name wscat.
fn wscat() -> Terminal {
    Terminal::new().called("wscat")
}

#[track_caller]
fn answer_empty_close(peer: &mut Peer) {
    peer.expect_empty_close();
    peer.send(wire::frame(0x88, ""));
}

#[test]
fn enter_sends_each_line_and_ctrl_c_leaves_once() {
    let end = wscat().run(|screen, peer| {
        begin(screen, peer);
        screen.press("\r");
        peer.expect_text("");
        for line in ["{", "/ping", "//x"] {
            screen.enter(line);
            peer.expect_text(line);
        }
        screen.edits(">", 2);
        screen.press("never sent");
        screen.edits("> never sent", 12);
        screen.press("\x03");
        answer_empty_close(peer);
    });
    assert!(end.view.has_part("(press Ctrl-C to quit)"), "{:#?}", end.view);
}

#[test]
fn slash_enables_commands() {
    wscat().args(["--slash"]).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/ping abc");
        let ping = peer.frame();
        assert_eq!((ping.first, ping.payload.as_slice()), (0x89, b"abc".as_slice()));
        screen.edits(">", 2);
        screen.press("\r");
        peer.expect_text("");
        screen.edits(">", 2);
        screen.press("\x03");
        answer_empty_close(peer);
    });
}

#[test]
fn a_prompt_that_stays_after_x_sends_what_is_typed() {
    wscat().args(["-x", "first", "-w", "-1"]).run(|screen, peer| {
        peer.open();
        peer.expect_text("first");
        screen.edits(">", 2);
        screen.enter("second");
        peer.expect_text("second");
        screen.edits(">", 2);
        screen.press("\x03");
        answer_empty_close(peer);
    });
}

#[test]
fn a_message_longer_than_the_screen_is_shown_whole() {
    let lines: Vec<_> = (0..60).map(|n| format!("line {n}")).collect();
    let message = lines.join("\n");
    let end = wscat().run(move |screen, peer| {
        begin(screen, peer);
        peer.send(wire::text(&message));
        screen.has("| line 59");
        screen.edits(">", 2);
        screen.press("\x03");
        answer_empty_close(peer);
    });
    assert!(!end.view.has_part("/last"), "{:#?}", end.view);
}

#[test]
fn the_program_ends_with_the_session() {
    wscat().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("hello");
        peer.expect_text("hello");
        screen.edits(">", 2);
        peer.close(1000);
    });
}

#[test]
fn ctrl_c_ends_a_server_once() {
    wscat().args(["-l", "0"]).run_alone(|screen, _| {
        screen.wait("the prompt of a server", |view| {
            view.has_part("(press Ctrl-C to quit)") && view.line() == "none>"
        });
        screen.press("\x03");
    });
}
