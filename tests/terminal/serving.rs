//! `sockeye listen` at a terminal.

use super::{Outcome, Screen, Terminal};
use crate::support::{Signal, child::Child, server::Client};
use std::fs;
use tungstenite::Message;

/// Runs a server at a terminal.
#[track_caller]
fn serve(mut terminal: Terminal, script: impl FnOnce(&Screen, &Child, &str)) -> Outcome {
    terminal.args.splice(0..0, ["listen".into(), "127.0.0.1:0".into()]);
    terminal.run_alone(|screen, child| {
        let view = edits(screen, "none>", "");
        let url = view.rows[0].strip_prefix("listening on ").expect("the address first");
        let url = url.strip_suffix(" (/help lists commands)").expect("a hint");
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

/// Waits for a line at a prompt.
#[track_caller]
fn edits(screen: &Screen, prompt: &str, line: &str) -> super::View {
    let row = format!("{prompt:<6}{line}");
    screen.edits(row.trim_end(), 6 + line.chars().count())
}

/// Enters a line at a prompt.
#[track_caller]
fn enter(screen: &Screen, prompt: &str, line: &str) {
    edits(screen, prompt, "");
    screen.press(line);
    edits(screen, prompt, line);
    screen.press("\r");
}

#[track_caller]
fn shows_part(screen: &Screen, part: &str) {
    screen.wait(&format!("{part:?}"), |view| view.has_part(part));
}

#[test]
fn typed_lines_go_to_every_client_and_received_ones_are_marked() {
    serve(Terminal::new(), |screen, _, url| {
        let mut one = connect(screen, url, 1);
        let mut two = connect(screen, url, 2);
        enter(screen, "all>", "hello all");
        one.expect_text("hello all");
        two.expect_text("hello all");
        edits(screen, "all>", "");
        screen.press("half typed");
        edits(screen, "all>", "half typed");
        one.send("from one");
        screen.has("1 < from one");
        two.send("from two \x1b[2J");
        let view = screen.has("2 < from two \\x1b[2J");
        assert!(view.has("1 < from one"), "{view:#?}");
        edits(screen, "all>", "half typed");
        two.send(Message::binary(b"\0\xff".as_slice()));
        screen.wait("a dump", |view| view.has("2 < binary, 2 bytes") && view.has_part("00 ff"));
        two.close();
        shows_part(screen, "client 2 disconnected");
        edits(screen, "all>", "half typed");
        screen.press("\r");
        one.expect_text("half typed");
        edits(screen, "all>", "");
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
fn a_line_goes_to_the_addressee_and_stays_if_there_is_none() {
    serve(Terminal::new(), |screen, _, url| {
        enter(screen, "none>", "too early");
        screen.has("not sent: no client is connected");
        edits(screen, "none>", "too early");
        let mut one = connect(screen, url, 1);
        edits(screen, "all>", "too early");
        screen.press("\r");
        one.expect_text("too early");
        let mut two = connect(screen, url, 2);
        enter(screen, "all>", "/to 2");
        enter(screen, "2>", "for two");
        two.expect_text("for two");
        enter(screen, "2>", "//slash");
        two.expect_text("/slash");
        enter(screen, "2>", "/to 1 for one");
        one.expect_text("for one");
        enter(screen, "2>", "/all for both");
        one.expect_text("for both");
        two.expect_text("for both");
        enter(screen, "2>", "/to 7");
        screen.has("there is no client 7; connected: 1, 2");
        enter(screen, "2>", "/all");
        enter(screen, "all>", "/to 2");
        edits(screen, "2>", "");
        screen.press("secret");
        edits(screen, "2>", "secret");
        two.close();
        screen.has("client 2 has left: lines go to all clients again");
        edits(screen, "all>", "secret");
        // What was meant for one does not go to all unasked.
        screen.press("\r");
        screen.has("not sent: its client has left; Enter sends it to all clients");
        edits(screen, "all>", "secret");
        screen.press("\x03");
        enter(screen, "all>", "next");
        one.expect_text("next");
        one.close();
        edits(screen, "none>", "");
        screen.press("\x04");
    });
}

#[test]
fn commands_work_on_the_addressee() {
    serve(Terminal::new(), |screen, _, url| {
        let mut one = connect(screen, url, 1);
        let mut two = connect(screen, url, 2);
        enter(screen, "all>", "/to 1");
        enter(screen, "1>", "/binary 00 ff");
        one.expect(Message::binary(b"\0\xff".as_slice()));
        screen.has("1 > binary, 2 bytes");
        enter(screen, "1>", "/text");
        one.expect_text("");
        enter(screen, "1>", "/ping abc");
        one.expect(Message::Ping(b"abc".as_slice().into()));
        // Sends the pong.
        one.send("x");
        shows_part(screen, "1 < pong abc (");
        enter(screen, "1>", "/close 4001 enough");
        one.expect_close(4001);
        shows_part(screen, "client 1 disconnected: closed by the server with 4001");
        enter(screen, "all>", "/pong loose");
        two.expect(Message::Pong(b"loose".as_slice().into()));
        enter(screen, "all>", "/kick 2 4002 no more");
        two.expect_close(4002);
        let mut three = connect(screen, url, 3);
        enter(screen, "all>", "/drop 3");
        three.expect_end();
        shows_part(screen, "client 3 disconnected: dropped by /drop");
        enter(screen, "none>", "/kick 3");
        screen.has("there is no client 3; no client is connected");
        enter(screen, "none>", "/refuse 429");
        screen.has("new clients are refused with 429; /refuse off accepts them");
        let refused = tungstenite::connect(url).map(drop).expect_err("refused");
        assert!(refused.to_string().contains("429"), "{refused}");
        enter(screen, "none>", "/refuse off");
        screen.has("new clients are accepted");
        connect(screen, url, 4).close();
        edits(screen, "none>", "");
        screen.press("\x04");
    });
}

#[test]
fn clients_are_listed_with_their_requests_and_traffic() {
    serve(Terminal::new().size(24, 100), |screen, _, url| {
        enter(screen, "none>", "/who");
        screen.has("no client is connected");
        let mut one = Client::connect(&format!("{url}/chat?token=abcdef123456&room=7"));
        shows_part(screen, "client 1 connected");
        let mut two = connect(screen, url, 2);
        one.send("hello");
        screen.has("1 < hello");
        enter(screen, "all>", "/to 2 12345678");
        two.expect_text("12345678");
        enter(screen, "all>", "/who");
        let view = screen.wait("the table", |view| view.has_part("ID  ADDRESS"));
        let row = |id: &str| view.rows.iter().find(|row| row.starts_with(&format!("{id}  127.")));
        let is = |row: Option<&String>, parts: [&str; 3]| {
            let row = row.unwrap_or_else(|| panic!("{view:#?}"));
            assert!(parts.iter().all(|part| row.contains(part)), "{row}");
        };
        is(row(" 1"), ["1 / 5 B", "0 / 0 B", "/chat?token=[redacted]&room=7"]);
        is(row(" 2"), ["0 / 0 B", "1 / 8 B", "  /"]);
        assert!(!view.has_part("SUBPROTOCOL"), "{view:#?}");
        enter(screen, "all>", "/headers 1");
        let view = screen.has("< GET /chat?token=[redacted]&room=7 HTTP/1.1");
        assert!(view.has_part("< Sec-WebSocket-Version: 13"), "{view:#?}");
        shows_part(screen, "> HTTP/1.1 101 Switching Protocols");
        assert!(!screen.raw().windows(12).any(|bytes| bytes == b"abcdef123456"));
        edits(screen, "all>", "");
        screen.press("\x04");
        one.expect_close(1001);
        two.expect_close(1001);
    });
}

#[test]
fn messages_are_filtered_and_held() {
    serve(Terminal::new(), |screen, _, url| {
        let mut one = connect(screen, url, 1);
        enter(screen, "all>", "/filter ^a");
        screen.has("showing messages that match ^a");
        one.send("b hidden");
        one.send("a shown");
        let view = screen.has("1 < a shown");
        assert!(!view.has_part("hidden"), "{view:#?}");
        enter(screen, "all>", "/filter");
        screen.has("showing all messages; 1 did not match");
        enter(screen, "all>", "/pause");
        screen.edits("all paused>", 13);
        one.send("held");
        screen.press("/resume\r");
        // It may be received after the end of the pause.
        screen.has("1 < held");
        enter(screen, "all>", "/last");
        edits(screen, "all>", "");
        screen.press("\x04");
        one.expect_close(1001);
    });
}

#[test]
fn messages_are_repeated_for_those_addressed() {
    serve(Terminal::new(), |screen, _, url| {
        let mut one = connect(screen, url, 1);
        let mut two = connect(screen, url, 2);
        enter(screen, "all>", "/to 1");
        enter(screen, "1>", "/every 0.05 tick");
        for _ in 0..3 {
            one.expect_text("tick");
        }
        shows_part(screen, "1 > tick");
        enter(screen, "1>", "/every");
        screen.has("1: every 0.05 s to 1: tick");
        enter(screen, "1>", "/stop");
        screen.has("1 repeated message stopped");
        enter(screen, "1>", "/all");
        enter(screen, "all>", "/repeat 200 many");
        for _ in 0..200 {
            two.expect_text("many");
        }
        enter(screen, "all>", "/to 2");
        enter(screen, "2>", "/every 0.05 for two");
        two.expect_text("for two");
        drop(two);
        shows_part(screen, "client 2 has left");
        enter(screen, "all>", "/every");
        screen.has("no message is being repeated");
        edits(screen, "all>", "");
        screen.press("\x04");
        one.drain();
    });
}

#[test]
fn only_commands_that_work_are_offered() {
    serve(Terminal::new(), |screen, _, url| {
        let mut client = connect(screen, url, 1);
        for line in ["/bogus", "/reconnect", "/reload", "/stats"] {
            enter(screen, "all>", line);
            shows_part(screen, &format!("unknown command {line}"));
        }
        enter(screen, "all>", "/help all");
        let view = screen.wait("the end of the help", |view| view.has_part("//text"));
        assert!(view.has_part("/kick ID [CODE [REASON]]"), "{view:#?}");
        assert!(!view.has_part("/reconnect"), "{view:#?}");
        edits(screen, "all>", "");
        screen.press("/to \t");
        edits(screen, "all>", "/to 1 ");
        screen.press("\x15/rec\t");
        edits(screen, "all>", "/rec");
        screen.press("\x15\x04");
        client.expect_close(1001);
    });
}

#[test]
fn other_services_have_a_prompt_too() {
    for service in ["--echo", "--broadcast"] {
        let mut terminal = Terminal::new();
        terminal.args.push(service.into());
        serve(terminal, |screen, _, url| {
            let mut one = connect(screen, url, 1);
            enter(screen, "all>", "typed");
            one.expect_text("typed");
            if service == "--echo" {
                one.send("echoed");
                one.expect_text("echoed");
            }
            enter(screen, "all>", "/filter x");
            shows_part(screen, "unknown command /filter");
            edits(screen, "all>", "");
            screen.press("\x04");
            one.expect_close(1001);
        });
    }
}

#[test]
fn the_reply_script_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("replies.toml");
    let write = |reply| {
        fs::write(&path, format!("[[on]]\notherwise = true\nsend = '{reply}'\n")).unwrap();
    };
    write("old");
    let mut terminal = Terminal::new();
    terminal.args.extend(["--reply".into(), path.clone().into()]);
    serve(terminal, |screen, _, url| {
        let mut one = connect(screen, url, 1);
        write("new");
        enter(screen, "all>", "/reload");
        shows_part(screen, "was read again, for clients to come");
        let mut two = connect(screen, url, 2);
        for (client, reply) in [(&mut one, "old"), (&mut two, "new")] {
            client.send("x");
            client.expect_text(reply);
        }
        edits(screen, "all>", "");
        screen.press("\x04");
        one.expect_close(1001);
        two.expect_close(1001);
    });
}

#[test]
fn sighup_has_the_script_read_again_unless_the_window_is_closed() {
    let mut terminal = Terminal::new().killed_by(Signal::HUP);
    let path = terminal.home.path().join("replies.toml");
    fs::write(&path, "[[on]]\notherwise = true\nsend = 'x'\n").unwrap();
    terminal.args.extend(["--reply".into(), path.into()]);
    serve(terminal, |screen, child, url| {
        child.signal(Signal::HUP);
        shows_part(screen, "was read again, for clients to come");
        let mut client = connect(screen, url, 1);
        screen.hang_up();
        client.expect_close(1001);
    });
}

#[test]
fn there_is_no_prompt_beside_commands_and_json_lines() {
    for args in [["--exec", "cat"], ["--output", "jsonl"]] {
        let mut terminal = Terminal::new().killed_by(Signal::TERM);
        terminal.args.push("listen".into());
        terminal.args.extend(args.map(Into::into));
        terminal.run_alone(|screen, child| {
            screen.wait("the address", |view| {
                view.rows[0].starts_with("listening on ws://") && !view.rows[0].contains("/help")
            });
            child.signal(Signal::TERM);
        });
    }
}

#[test]
fn ctrl_c_clears_a_line_and_leaves_by_its_signal_on_an_empty_one() {
    serve(Terminal::new().killed_by(Signal::INT), |screen, _, url| {
        let mut client = connect(screen, url, 1);
        edits(screen, "all>", "");
        screen.press("never sent");
        edits(screen, "all>", "never sent");
        screen.press("\x03");
        edits(screen, "all>", "");
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
            edits(screen, "all>", "");
            screen.press("half");
            edits(screen, "all>", "half");
            child.signal(signal);
            one.expect_close(1001);
            two.expect_close(1001);
        });
    }
}

#[test]
fn notes_and_clients_fit_a_narrow_screen() {
    serve(Terminal::new().size(24, 60), |screen, _, url| {
        let mut client = connect(screen, url, 1);
        enter(screen, "all>", "/who");
        shows_part(screen, "1 127.0.0.1:");
        let view = screen.wait("the path", |view| view.has_part("queued 0 B, /"));
        assert!(!view.has_part("ADDRESS"), "{view:#?}");
        edits(screen, "all>", "");
        client.send_raw(b"\x88\x98\0\0\0\0\x0f\xa1a reason of many words");
        client.drain();
        let view = screen
            .wait("the whole note", |view| view.has("4001 (private use): a reason of many words"));
        let start = "client 1 disconnected: the client closed the connection:";
        assert!(view.has(start), "{view:#?}");
        edits(screen, "none>", "");
        screen.press("\x04");
    });
}

/// Regression: the server ended as if the terminal had been closed, by SIGHUP and without a word.
#[test]
fn a_prompt_of_a_server_that_cannot_go_on_is_an_error_in_words() {
    let end = serve(Terminal::new().status(26), |screen, child, _| {
        edits(screen, "none>", "");
        child.refuse_descriptors();
        screen.press("/who\r");
    });
    let text = end.rows().join("\n");
    assert!(text.contains("sockeye: cannot read stdin: too many open files"), "{text}");
}
