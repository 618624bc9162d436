//! `sockeye proxy` at a terminal.

use super::{Screen, Terminal};
use crate::support::server::{Client, Server};

/// Runs a proxy of an echo server at a terminal.
#[track_caller]
fn proxy(script: impl FnOnce(&Screen, &str)) {
    let echo = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    let mut terminal = Terminal::new();
    let args = ["proxy".into(), "127.0.0.1:0".into(), echo.url().into()];
    terminal.args.splice(0..0, args);
    terminal.run_alone(|screen, _| {
        let view = screen.edits(">", 2);
        let first = view.rows[0].strip_prefix("listening on ").expect("the address first");
        let (url, _) = first.split_once(", passing on to ws://127.0.0.1:").expect("both addresses");
        script(screen, url);
    });
    echo.terminate();
}

#[track_caller]
fn connect(screen: &Screen, url: &str, id: u64) -> Client {
    let client = Client::connect(&format!("{url}/chat"));
    let joined = format!("client {id} connected from 127.");
    screen.wait("the client", |view| view.has_part(&joined));
    client
}

#[track_caller]
fn enter(screen: &Screen, line: &str) {
    screen.edits(">", 2);
    screen.press(line);
    screen.edits(&format!("> {line}"), 2 + line.chars().count());
    screen.press("\r");
}

#[track_caller]
fn shows(screen: &Screen, part: &str) {
    screen.wait(&format!("{part:?}"), |view| view.has_part(part));
}

#[test]
fn what_passes_is_shown_above_the_line_and_filtered() {
    proxy(|screen, url| {
        let mut one = connect(screen, url, 1);
        screen.press("half typed");
        screen.edits("> half typed", 12);
        one.send("first");
        one.expect_text("first");
        screen.has("1 > first");
        screen.has("1 < first");
        screen.edits("> half typed", 12);
        screen.press("\x15");
        enter(screen, "/filter ^keep");
        shows(screen, "showing messages that match");
        for text in ["hide this", "keep this"] {
            one.send(text);
            one.expect_text(text);
        }
        screen.has("1 < keep this");
        assert!(!screen.has("1 > keep this").has_part("hide this"));
        enter(screen, "hello");
        shows(screen, "/inject server TEXT");
        screen.press("\x15\x04");
        one.expect_close(1001);
    });
}

#[test]
fn messages_are_injected_and_sessions_paused_and_closed() {
    proxy(|screen, url| {
        enter(screen, "/inject server early");
        shows(screen, "not sent: no client is connected");
        screen.press("\x15");
        let mut one = connect(screen, url, 1);
        // The echo of what only the server got.
        enter(screen, "/inject server ours");
        one.expect_text("ours");
        screen.has("1 > ours (injected)");
        screen.has("1 < ours");
        enter(screen, "/inject client made up");
        one.expect_text("made up");
        let mut two = connect(screen, url, 2);
        enter(screen, "/inject client x");
        shows(screen, "there are several clients");
        screen.press("\x15");
        enter(screen, "/inject 2:client for two");
        two.expect_text("for two");
        enter(screen, "/pause");
        shows(screen, "paused: nothing is read");
        two.send("held");
        screen.edits("paused>", 8);
        screen.press("/resume");
        screen.edits("paused> /resume", 15);
        assert!(!screen.has("1 < ours").has_part("held"));
        screen.press("\r");
        two.expect_text("held");
        enter(screen, "/who");
        shows(screen, "PATH");
        shows(screen, "/chat");
        enter(screen, "/kick 2 4001 told");
        two.expect_close(4001);
        shows(screen, "client 2 disconnected: closed by the proxy with 4001");
        enter(screen, "/kick 9");
        shows(screen, "there is no client 9; connected: 1");
        enter(screen, "/help");
        shows(screen, "/inject");
        enter(screen, "/quit");
        one.expect_close(1001);
    });
}

/// Regression: the prompt was already open, and the terminal stayed in raw mode.
#[test]
fn a_recording_that_cannot_be_written_leaves_the_terminal_as_it_was() {
    let mut terminal = Terminal::new().status(23);
    let args = ["proxy", "127.0.0.1:0", "ws://127.0.0.1:1/", "--record", "/nowhere/at/all"];
    terminal.args.splice(0..0, args.map(Into::into));
    let end = terminal.run_alone(|_, _| {});
    let text = end.rows().join("\n");
    assert!(text.contains("/nowhere/at/all"), "{text}");
}
