//! `sockeye listen` at a terminal.

use super::{Outcome, Screen, Terminal};
use crate::support::{Signal, child::Child, server::Client};
use tungstenite::Message;

/// Runs a server at a terminal.
#[track_caller]
fn serve(terminal: Terminal, script: impl FnOnce(&Screen, &Child, &str)) -> Outcome {
    terminal.args(["listen", "127.0.0.1:0"]).run_alone(|screen, child| {
        let view = screen.edits(">", 2);
        let url = view.rows[0].strip_prefix("listening on ").expect("the address first");
        assert_eq!(view.rows.len(), 2, "{view:#?}");
        script(screen, child, url);
    })
}

/// Connects and waits until the screen reports the client.
#[track_caller]
fn connect(screen: &Screen, url: &str, id: u64) -> Client {
    let client = Client::connect(url);
    screen.wait("the client", |view| view.has_part(&format!("client {id} connected from 127.")));
    client
}

#[test]
fn typed_lines_go_to_every_client_and_received_ones_are_marked() {
    serve(Terminal::new(), |screen, _, url| {
        let mut one = connect(screen, url, 1);
        let mut two = connect(screen, url, 2);
        screen.enter("hello all");
        one.expect_text("hello all");
        two.expect_text("hello all");
        screen.edits(">", 2);
        screen.press("half typed");
        screen.edits("> half typed", 12);
        one.send("from one");
        screen.has("1 < from one");
        two.send("from two \x1b[2J");
        let view = screen.has("2 < from two \\x1b[2J");
        assert!(view.has("1 < from one"), "{view:#?}");
        screen.edits("> half typed", 12);
        two.send(Message::binary(b"\0\xff".as_slice()));
        screen.wait("a dump", |view| view.has_part("00 ff"));
        two.close();
        screen.wait("its leaving", |view| view.has_part("client 2 disconnected"));
        screen.edits("> half typed", 12);
        screen.press("\r");
        one.expect_text("half typed");
        screen.edits(">", 2);
        screen.press("\x04");
        one.expect_close(1001);
    });
}

#[test]
fn ctrl_d_and_quit_leave_also_without_clients() {
    // Nothing may be painted or switched on after such a quick end.
    for keys in ["\x04", "/quit\r"].iter().cycle().take(20) {
        serve(Terminal::new(), |screen, _, _| screen.press(keys));
    }
}

#[test]
fn commands_are_not_sent_to_clients() {
    serve(Terminal::new(), |screen, _, url| {
        let mut client = connect(screen, url, 1);
        for line in ["/bogus", "/ping x", "/help", "//slash"] {
            screen.enter(line);
        }
        client.expect_text("/slash");
        screen.wait("three answers and a prompt", |view| {
            view.has_part("unknown command /bogus")
                && view.has_part("only /quit and /help are available in a server")
                && view.has_part("//text")
                && view.line() == ">"
        });
        screen.press("\x04");
        client.expect_close(1001);
    });
}

#[test]
fn ctrl_c_clears_a_line_and_leaves_by_its_signal_on_an_empty_one() {
    serve(Terminal::new().killed_by(Signal::INT), |screen, _, url| {
        let mut client = connect(screen, url, 1);
        screen.press("never sent");
        screen.edits("> never sent", 12);
        screen.press("\x03");
        screen.prompts_below("> never sent");
        screen.press("\x03");
        screen.press("\x03");
        client.expect_close(1001);
    });
}

#[test]
fn a_signal_closes_every_session_and_restores_the_terminal() {
    for signal in [Signal::TERM, Signal::HUP] {
        serve(Terminal::new().killed_by(signal), |screen, child, url| {
            let mut one = connect(screen, url, 1);
            let mut two = connect(screen, url, 2);
            screen.press("half");
            screen.edits("> half", 6);
            child.signal(signal);
            one.expect_close(1001);
            two.expect_close(1001);
        });
    }
}
