//! The display of messages, and /hold.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire::{binary, frame, ping, text};
use std::fs;

#[test]
fn json_is_pretty_printed_on_request() {
    let laid_out = ["< {", "  \"b\": 1.10,", "  \"a\": []", "}"];
    let json = "{\"b\":1.10,\"a\":[]}";
    Terminal::new().args(["--json"]).run(move |screen, peer| {
        begin(screen, peer);
        peer.send(text(json));
        let [one, two, three, four] = laid_out;
        screen.shows([CONNECTED, STATUS, one, two, three, four, ">"], 2);
        screen.enter("/json");
        screen.has("JSON is shown as received");
        peer.send(text(json));
        screen.ends_with([&format!("< {json}"), ">"], 2);
        screen.enter("/json on");
        screen.has("JSON is pretty-printed");
        leave(screen, peer);
    });
}

#[test]
fn timestamps_are_shown_on_request() {
    let has_time = |end: &'static str| {
        move |row: &String| {
            let time = row.strip_suffix(end).unwrap_or_default();
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            time.len() == 12 && time.split([':', '.']).all(digits)
        }
    };
    Terminal::new().args(["-t"]).run(move |screen, peer| {
        peer.open();
        screen.edits("             >", 15);
        peer.send(text("hi"));
        screen.wait("a time", |view| view.rows.iter().any(has_time(" < hi")));
        // A typed line has its time once it is entered.
        screen.press("{\"a\":");
        screen.edits("             > {\"a\":", 20);
        screen.press("\r1}\r");
        peer.expect_text("{\"a\":\n1}");
        screen.wait("a time", |view| view.rows.iter().any(has_time(" > {\"a\":")));
        screen.edits("             >", 15);
        screen.press("/time\r");
        screen.wait("a time", |view| view.rows.iter().any(has_time(" > /time")));
        screen.has("timestamps are not shown");
        peer.send(text("hi"));
        screen.has("< hi");
        leave(screen, peer);
    });
}

#[test]
fn a_long_message_is_truncated_and_last_shows_all_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("saved");
    let (path, long) = (file.to_str().unwrap().to_owned(), "0123456789".repeat(1000));
    let sent = long.clone();
    let end = Terminal::new().size(12, 80).run(move |screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.send(text(&sent));
        let note = "(718 of 10000 bytes; /last shows all, /save FILE keeps it)";
        screen.ends_with([note, "> half"], 6);
        screen.press("\x15");
        screen.press(&format!("/save {path}\r"));
        screen.has(&format!("10000 bytes written to {path}"));
        // Nothing is overwritten.
        screen.edits(">", 2);
        screen.press(&format!("/save {path}\r"));
        screen.wait("a refusal", |view| view.has_part("file exists"));
        screen.enter("/last");
        screen.wait("all of it", |view| {
            view.rows.iter().any(|row| *row == "89") && view.line() == ">"
        });
        leave(screen, peer);
    });
    assert_eq!(fs::read_to_string(file).unwrap(), long);
    assert!(String::from_utf8(end.raw).unwrap().contains(&long));
}

#[test]
fn binary_fits_a_narrow_screen() {
    Terminal::new().size(24, 40).run(|screen, peer| {
        begin(screen, peer);
        peer.send(binary(b"sockeye\x00"));
        screen.ends_with(
            [
                "< binary, 8 bytes",
                "00000000  73 6f 63 6b  |sock|",
                "00000004  65 79 65 00  |eye.|",
                ">",
            ],
            2,
        );
        leave(screen, peer);
    });
}

#[test]
fn wide_characters_and_emoji_line_up() {
    Terminal::new().size(12, 40).run(|screen, peer| {
        begin(screen, peer);
        screen.press("\u{1f41f} half");
        screen.edits("> \u{1f41f} half", 9);
        // Twenty characters of two columns after the mark: one more than fits.
        peer.send(text("\u{65e5}".repeat(20)));
        let row = format!("< {}", "\u{65e5}".repeat(19));
        screen.ends_with([&row, "\u{65e5}", "> \u{1f41f} half"], 9);
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn a_filter_shows_what_matches() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/filter BTC|ETH");
        screen.has("showing messages that match BTC|ETH");
        peer.send([text("a BTC"), text("b XRP"), text("c ETH")].concat());
        screen.ends_with(["< a BTC", "< c ETH", ">"], 2);
        screen.enter("/filter");
        screen.has("showing all messages; 1 did not match");
        screen.enter("/filter (");
        screen.wait("a fault", |view| view.has_part("invalid pattern: "));
        leave(screen, peer);
    });
}

/// The message was in memory twice, with what was shown of it.
#[test]
fn a_message_of_64_mib_takes_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("saved");
    let path = file.to_str().unwrap().to_owned();
    Terminal::new().run(move |screen, peer| {
        begin(screen, peer);
        let part = "0123456789abcdef".repeat(1 << 16);
        peer.send(frame(0x01, &part));
        for _ in 0..62 {
            peer.send(frame(0x00, &part));
        }
        peer.send(frame(0x80, &part));
        screen.has("(1678 of 67108864 bytes; /last shows more, /save FILE keeps it)");
        screen.press(&format!("/save {path}\r"));
        screen.wait("a word", |view| view.has_part("67108864 bytes written to"));
        screen.press("/last\r");
        screen.wait("the cut", |view| view.has_part(" of 67108864 bytes)"));
        let peak = peer.child.peak_memory();
        assert!(peak < 40 << 20, "{peak} bytes");
        leave(screen, peer);
    });
    assert_eq!(fs::metadata(file).unwrap().len(), 64 << 20);
}

/// Reading stopped once 256 KiB waited, and the peer's pings with it.
#[test]
fn pings_are_answered_while_a_stopped_terminal_has_megabytes_waiting() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        let stalled = screen.stall();
        for _ in 0..60 {
            peer.send([text("x".repeat(1000)).repeat(60), ping("there?")].concat());
            peer.expect_pong("there?");
        }
        drop(stalled);
        leave(screen, peer);
    });
}

#[test]
fn paused_messages_are_held_until_resume() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/pause");
        screen.has("paused: /resume shows the messages received in the meantime");
        peer.send([text("one"), text("two"), ping("still")].concat());
        // The message was received, and is not shown.
        peer.expect_pong("still");
        screen.edits("paused>", 8);
        screen.press("\r");
        screen.has("paused: 2 messages held");
        assert!(!screen.view().has("< one"), "{screen}");
        screen.edits("paused>", 8);
        screen.press("/resume\r");
        screen.ends_with(["< one", "< two", "resumed: 2 messages held", ">"], 2);
        leave(screen, peer);
    });
}

#[test]
fn held_messages_are_bounded_and_none_is_lost() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/pause");
        screen.has("paused: /resume shows the messages received in the meantime");
        let messages = (0..30_000).map(|n| text(format!("{n:05} {}", "x".repeat(1000))));
        let flood = messages.collect::<Vec<_>>().concat();
        let sent = peer.flood(&flood);
        assert!(sent < flood.len(), "all of it was taken");
        screen.wait("a word", |view| view.has_part("(limit reached: "));
        // Commands typed while the screen catches up are executed.
        screen.press("/resume\r/stats\r");
        let rest = &flood[sent..];
        assert_eq!(peer.offer(rest), rest.len());
        screen.wait("the last one and a prompt", |view| {
            view.rows.iter().any(|row| row.starts_with("< 29999")) && view.line() == ">"
        });
        leave(screen, peer);
    });
    let raw = String::from_utf8(end.raw).unwrap();
    assert!(raw.contains("sent 0 messages"), "no answer to /stats");
    for n in [0, 1, 7777, 29_998] {
        assert!(raw.contains(&format!(" {n:05} x")), "{n}");
    }
}

#[test]
fn headers_and_stats_show_the_handshake_and_the_figures() {
    Terminal::new().args(["-H", "Authorization: secret"]).size(40, 80).run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/headers");
        screen.wait("both heads", |view| {
            view.has("> GET / HTTP/1.1")
                && view.has("> Authorization: [redacted]")
                && view.has("< HTTP/1.1 101 Switching Protocols")
        });
        screen.enter("hello");
        peer.expect_text("hello");
        peer.send([text("a"), binary("bc")].concat());
        screen.enter("/ping");
        assert_eq!(peer.frame().first, 0x89);
        peer.send(frame(0x8a, ""));
        screen.wait("a pong", |view| view.has_part("< pong ("));
        screen.enter("/stats");
        screen.wait("figures", |view| {
            view.has("sent 1 message, 5 bytes; 1 ping")
                && view.has("received 2 messages, 3 bytes; 1 binary, 2 bytes; 1 pong")
                && view.has_part("1 round trip: min ")
        });
        leave(screen, peer);
    });
}

#[test]
fn colours_follow_the_option_and_the_variables() {
    let is_coloured = |terminal: Terminal| {
        let end = terminal.run(|screen, peer| {
            begin(screen, peer);
            peer.send(text("{\"a\": 1}"));
            screen.has("< {\"a\": 1}");
            leave(screen, peer);
        });
        String::from_utf8(end.raw).unwrap().contains("\x1b[94m\"a\"")
    };
    assert!(is_coloured(Terminal::new()));
    assert!(is_coloured(Terminal::new().args(["--color", "always"]).env("NO_COLOR", "1")));
    assert!(!is_coloured(Terminal::new().args(["--color", "never"])));
    assert!(!is_coloured(Terminal::new().args(["--color", "always", "--no-color"])));
    assert!(!is_coloured(Terminal::new().env("NO_COLOR", "1")));
    assert!(!is_coloured(Terminal::new().env("CLICOLOR", "0")));
}

#[test]
fn a_decoded_message_is_marked_and_filtered_by_its_text() {
    Terminal::new().args(["--decode", "msgpack"]).run(|screen, peer| {
        begin(screen, peer);
        peer.send(binary(b"\x81\xa1a\x01"));
        screen.has("< (decoded) {\"a\":1}");
        screen.enter("/filter \"b\"");
        screen.has("showing messages that match \"b\"");
        peer.send([binary(b"\x81\xa1a\x02"), binary(b"\x81\xa1b\x03")].concat());
        screen.has("< (decoded) {\"b\":3}");
        leave(screen, peer);
    });
}
