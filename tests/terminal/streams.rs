//! The streams that make a session interactive.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::{
    Peer, peer,
    wire::{binary, text},
};
use std::net::TcpListener;

#[test]
fn a_dumb_terminal_gets_plain_lines_without_escape_codes() {
    talks_without_codes("dumb");
}

#[test]
fn an_empty_term_variable_disables_escape_codes() {
    talks_without_codes("");
}

#[track_caller]
fn talks_without_codes(term: &str) {
    let terminal = Terminal::new().env("TERM", term).args(["--quiet-for", "0.2"]);
    let end = terminal.run(|screen, peer| {
        peer.open();
        screen.press("typed\r");
        peer.expect_text("typed");
        peer.send(text("answer \x1b[31m"));
        screen.wait("the answer", |view| view.has("answer \\x1b[31m"));
        screen.press("\x04");
        peer.answer_close(1000);
    });
    let raw = String::from_utf8_lossy(&end.raw);
    assert!(!raw.contains('\x1b'), "{raw:?}");
    assert_eq!(end.rows()[..2], ["typed", "answer \\x1b[31m"], "{:#?}", end.rows());
}

#[test]
fn there_is_no_prompt_in_a_pipe() {
    let end = Terminal::new().stdout_piped().args(["--quiet-for", "0.2"]).run(|screen, peer| {
        peer.open();
        screen.press("typed\r");
        peer.expect_text("typed");
        peer.send(text("answer \x1b[31m"));
        screen.press("\x04");
        peer.answer_close(1000);
    });
    // A program reads the unescaped bytes.
    assert_eq!(end.stdout, b"answer \x1b[31m\n");
    assert!(!end.raw.contains(&b'>'), "{}", end.raw.escape_ascii());
}

/// No prompt, because stdin is not the terminal, but escaped output, because stdout is.
#[test]
fn messages_are_escaped_if_only_stdout_is_a_terminal() {
    let end = Terminal::new().stdin_elsewhere().args(["--count", "2"]).run(|_, peer| {
        peer.open();
        peer.send([text("answer \x1b[31m"), binary(b"\xff\n")].concat());
        peer.answer_close(1000);
    });
    assert_eq!(
        end.rows()[..2],
        ["answer \\x1b[31m", "00000000  ff 0a                                             |..|"]
    );
    assert!(!end.raw.contains(&b'>') && !end.raw.contains(&0x1b), "{}", end.raw.escape_ascii());
}

/// Escaping for the terminal keeps the JSON valid.
#[test]
fn events_at_a_terminal_are_escaped_json() {
    let args = ["--output", "jsonl", "--count", "1"];
    let end = Terminal::new().stdin_elsewhere().args(args).run(|_, peer| {
        peer.open();
        peer.send(text("\x1b[31m\u{9b}31m"));
        peer.answer_close(1000);
    });
    let raw = String::from_utf8_lossy(&end.raw);
    assert!(raw.contains(r#""data":"\u001b[31m\u009b31m""#), "{raw}");
    assert!(!raw.contains('\x1b') && !raw.contains('\u{9b}'), "{raw:?}");
}

#[test]
fn x_alone_at_two_terminals_ends_by_the_clock() {
    let end = Terminal::new().args(["-x", "hi", "--quiet-for", "0.2"]).run(|_, peer| {
        peer.open();
        peer.expect_text("hi");
        peer.send(text("ho"));
        peer.answer_close(1000);
    });
    assert!(end.view.has("ho"), "{:#?}", end.view);
    assert!(!end.raw.contains(&b'>'), "{}", end.raw.escape_ascii());
}

#[test]
fn x_with_wait_minus_1_opens_the_prompt() {
    Terminal::new().args(["-x", "hi", "-w", "-1"]).run(|screen, peer| {
        peer.open();
        peer.expect_text("hi");
        screen.shows([CONNECTED, STATUS, "> hi", ">"], 2);
        peer.send(text("ho"));
        screen.shows([CONNECTED, STATUS, "> hi", "< ho", ">"], 2);
        screen.enter("more");
        peer.expect_text("more");
        leave(screen, peer);
    });
}

/// Reports whether the output has a colour code (Select Graphic Rendition).
fn has_colour(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        rest = &rest[at + 2..];
        let end = rest.iter().position(|byte| !b"0123456789;:".contains(byte));
        if end.is_some_and(|end| rest[end] == b'm') {
            return true;
        }
    }
    false
}

#[test]
fn colours_can_be_forced_and_disabled() {
    let talk = |terminal: Terminal| {
        terminal
            .run(|screen, peer| {
                begin(screen, peer);
                peer.send(text("in"));
                screen.shows([CONNECTED, STATUS, "< in", ">"], 2);
                leave(screen, peer);
            })
            .raw
    };
    assert!(has_colour(&talk(Terminal::new())), "the mark of a message has a colour");
    assert!(!has_colour(&talk(Terminal::new().env("NO_COLOR", "1"))));
    assert!(!has_colour(&talk(Terminal::new().args(["--no-color"]))));
}

#[test]
fn the_demo_is_interactive_and_echoes() {
    Terminal::new().args(["demo"]).run_alone(|screen, _| {
        let view = screen.wait("the address and a prompt", |view| view.rows.len() == 3);
        assert!(view.rows[0].starts_with("connected to ws://127.0.0.1:"), "{view:#?}");
        screen.enter("hello");
        screen.prompts_below("< hello");
        screen.press("\x04");
    });
}

#[test]
fn a_server_that_is_not_there_leaves_the_terminal_alone() {
    let end = Terminal::new().status(7).args(["ws://127.0.0.1:1/"]).run_alone(|_, _| {});
    assert!(end.rows()[0].starts_with("sockeye: cannot connect to 127.0.0.1:1: "));
    assert!(!end.raw.contains(&0x1b), "{}", end.raw.escape_ascii());
}

#[test]
fn json_and_time_apply_if_only_stdout_is_a_terminal() {
    let args = ["--json", "-t", "--count", "1", "--color", "always"];
    let end = Terminal::new().stdin_elsewhere().args(args).run(|_, peer| {
        peer.open();
        peer.send(text("{\"a\":1}"));
        peer.answer_close(1000);
    });
    let rows = end.rows();
    assert!(rows[0].ends_with(" {") && rows[0].len() == 14, "{rows:#?}");
    assert_eq!(rows[1..3], ["  \"a\": 1", "}"], "{rows:#?}");
    assert!(has_colour(&end.raw), "{}", end.raw.escape_ascii());
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/");
    let terminal = Terminal::new().stdin_elsewhere().args(["-u", "me", &url]);
    let end = terminal.start(port, |screen, child| {
        screen.wait("the question", |view| view.line() == "password for me:");
        screen.press("secret\r");
        let script = |peer: &mut Peer| {
            let request = peer.open();
            assert_eq!(request.header("Authorization"), "Basic bWU6c2VjcmV0");
            peer.close(1000);
        };
        peer::play(&listener, None, Box::new(script), child);
    });
    assert_eq!(end.rows()[0], "password for me:");
    assert!(!String::from_utf8_lossy(&end.raw).contains("secret"), "{}", end.raw.escape_ascii());
}

#[test]
fn max_time_ends_the_wait_for_a_password() {
    let terminal = Terminal::new().args(["-m", "0.2", "-u", "me", "ws://127.0.0.1:1/"]).status(28);
    let end = terminal.run_alone(|_, _| {});
    assert_eq!(
        end.rows(),
        [
            "password for me:",
            "sockeye: the run (--max-time) timed out after 0.2 seconds, before it connected",
        ]
    );
}
