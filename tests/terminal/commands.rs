//! Slash commands.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire;

#[test]
fn a_ping_shows_how_long_its_pong_takes() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/ping abc");
        let ping = peer.frame();
        assert_eq!((ping.first, ping.payload.as_slice()), (0x89, b"abc".as_slice()));
        peer.send(wire::frame(0x8a, "abc"));
        let is_pong = |row: &String| {
            let time = row.strip_prefix("< pong abc (").and_then(|row| row.strip_suffix(" ms)"));
            time.is_some_and(|time| time.parse::<f64>().is_ok_and(|time| time < 10_000.0))
        };
        let view = screen.wait("a pong", |view| view.rows.iter().any(is_pong));
        assert_eq!(view.rows.iter().filter(|row| row.contains("pong")).count(), 1, "{view:#?}");
        leave(screen, peer);
    });
}

#[test]
fn pings_and_unsolicited_pongs_are_shown_only_with_p() {
    for (args, shown) in [(vec![], false), (vec!["-P"], true)] {
        let mut terminal = Terminal::new();
        terminal.args.extend(args.into_iter().map(Into::into));
        terminal.run(move |screen, peer| {
            begin(screen, peer);
            peer.send([wire::ping("are you"), wire::frame(0x8a, "loose")].concat());
            peer.expect_pong("are you");
            peer.send(wire::text("after"));
            if shown {
                let rows = ["< ping are you", "< pong loose", "< after", ">"];
                screen.shows([CONNECTED, STATUS, rows[0], rows[1], rows[2], rows[3]], 2);
            } else {
                screen.shows([CONNECTED, STATUS, "< after", ">"], 2);
            }
            leave(screen, peer);
        });
    }
}

#[test]
fn a_pong_can_be_sent() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/pong a b");
        peer.expect_pong("a b");
        leave(screen, peer);
    });
}

#[test]
fn two_slashes_send_one() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("//quit");
        peer.expect_text("/quit");
        screen.shows([CONNECTED, STATUS, "> //quit", ">"], 2);
        leave(screen, peer);
    });
}

#[test]
fn an_unknown_command_is_explained_and_not_sent() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/bogus x");
        let unknown = "unknown command /bogus: /help lists the commands (//bogus sends it as text)";
        screen.shows([CONNECTED, STATUS, "> /bogus x", unknown, ">"], 2);
        screen.enter("/pign");
        let near = "unknown command /pign: did you mean /ping? (//pign sends it as text)";
        screen.shows([CONNECTED, STATUS, "> /bogus x", unknown, "> /pign", near, ">"], 2);
        screen.enter("after");
        peer.expect_text("after");
        leave(screen, peer);
    });
}

#[test]
fn close_sends_exactly_the_code_and_reason() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/close 4001 bye");
        let close = peer.frame();
        assert_eq!((close.first, close.payload.as_slice()), (0x88, b"\x0f\xa1bye".as_slice()));
        peer.send(wire::close(4001, "bye"));
    });
    assert!(end.view.has_part("4001"), "{:#?}", end.view);
}

#[test]
fn close_without_a_code_is_normal() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/close");
        peer.answer_close(1000);
    });
}

#[test]
fn a_close_that_cannot_be_sent_is_refused_with_words() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/close 99999");
        let words = "a close code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999";
        screen.shows([CONNECTED, STATUS, "> /close 99999", words, ">"], 2);
        screen.enter("/close 1005");
        screen.shows([CONNECTED, STATUS, "> /close 99999", words, "> /close 1005", words, ">"], 2);
        // The session is still open.
        screen.enter("still here");
        peer.expect_text("still here");
        leave(screen, peer);
    });
}

#[test]
fn lines_typed_after_a_close_are_reported() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/close 1000 done");
        let close = peer.frame();
        assert_eq!((close.first, close.payload.as_slice()), (0x88, b"\x03\xe8done".as_slice()));
        screen.enter("too late");
        screen.wait("words", |view| view.has_part("not sent: "));
        peer.send(wire::text("last words"));
        screen.has("< last words");
        peer.send(wire::close(1000, "done"));
    });
}

#[test]
fn help_fits_the_screen() {
    Terminal::new().size(24, 80).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/help");
        let view = screen.wait("the end of the list and a prompt", |view| {
            view.has_part("(/help COMMAND or /help all: more)") && view.line() == ">"
        });
        assert!(view.has_part("/text ") && view.has_part("/quit "), "{view:#?}");
        screen.enter("/help binary");
        screen.wait("the usage", |view| view.has_part("/binary HEX|base64:DATA|@FILE"));
        screen.enter("/help bogus");
        let words = "unknown command /bogus; /help lists the commands";
        // Regression: the line stayed in the editor.
        screen.wait("the refusal", |view| view.has_part(words) && view.line() == ">");
        leave(screen, peer);
    });
}

#[test]
fn help_describes_every_command() {
    let end = Terminal::new().size(40, 80).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/help all");
        screen.wait("the last command and a prompt", |view| {
            view.has_part("//text") && view.line() == ">" && view.cursor.1 == 2
        });
        leave(screen, peer);
    });
    for command in ["/ping [DATA]", "/pong [DATA]", "/close [CODE [REASON]]", "/quit", "/help"] {
        let rows = end.view.rows.iter().filter(|row| row.starts_with(command));
        assert!(rows.count() == 1, "{command}: {:#?}", end.view);
    }
}

#[test]
fn quit_leaves_with_a_normal_close() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/quit");
        peer.answer_close(1000);
    });
}
