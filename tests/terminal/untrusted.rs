//! Text of a peer has no effect on the terminal.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire::{self, binary, close, text};

/// Text that tries to set the title, clear the screen, colour, ring, hide, reverse and overwrite.
const HOSTILE: &str =
    "\x1b]0;owned\x07\x1b[2J\x1b[H\u{9b}31m\x1b[?25l\u{202e}abc\rXY\x08\x7f\u{200b}";
const HARMLESS: &str =
    r"\x1b]0;owned\x07\x1b[2J\x1b[H\u{9b}31m\x1b[?25l\u{202e}abc\rXY\x08\x7f\u{200b}";

#[test]
fn control_characters_in_messages_are_escaped() {
    let end = Terminal::new().size(24, 120).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.send(text(HOSTILE));
        screen.shows([CONNECTED, STATUS, &format!("< {HARMLESS}"), "> half"], 6);
        screen.press("\x15");
        screen.edits(">", 2);
        leave(screen, peer);
    });
    // The sequence was not sent between two repaints either.
    assert!(!end.raw.windows(4).any(|bytes| bytes == b"\x1b]0;"));
    assert!(!String::from_utf8_lossy(&end.raw).contains(['\u{202e}', '\u{9b}', '\u{200b}']));
}

#[test]
fn control_characters_in_a_close_reason_are_escaped() {
    let end = Terminal::new().size(24, 200).run(|screen, peer| {
        begin(screen, peer);
        peer.close_with(1000, HOSTILE);
    });
    assert!(end.view.has_part(HARMLESS), "{:#?}", end.view);
    let end = Terminal::new().size(24, 200).status(111).run(|screen, peer| {
        begin(screen, peer);
        peer.send(close(4000, HOSTILE));
        peer.frame();
    });
    assert!(end.view.has_part(HARMLESS), "{:#?}", end.view);
}

#[test]
fn control_characters_in_pings_and_pongs_are_escaped() {
    Terminal::new().args(["-P"]).size(24, 120).run(|screen, peer| {
        begin(screen, peer);
        peer.send(wire::ping(HOSTILE));
        peer.expect_pong(HOSTILE);
        screen.shows([CONNECTED, STATUS, &format!("< ping {HARMLESS}"), ">"], 2);
        peer.send(wire::frame(0x8a, HOSTILE));
        let pong = format!("< pong {HARMLESS}");
        screen.shows([CONNECTED, STATUS, &format!("< ping {HARMLESS}"), &pong, ">"], 2);
        leave(screen, peer);
    });
}

#[test]
fn control_characters_in_the_handshake_response_are_escaped() {
    let end = Terminal::new().size(24, 200).status(22).run(|_, peer| {
        peer.answer(&format!(
            "HTTP/1.1 403 Forbidden\r\nServer: \u{9b}31mred\r\nContent-Type: text/plain\r\n\
             Content-Length: {}\r\n\r\n{HOSTILE}",
            HOSTILE.len()
        ));
    });
    assert!(end.view.has_part("403"), "{:#?}", end.view);
    assert!(end.view.has_part(r"\x1b]0;owned\x07"), "{:#?}", end.view);
}

#[test]
fn lines_of_a_message_cannot_pass_for_messages_or_notes() {
    let forged = "one\n< two\n> three\nclosed: 1000 (normal closure)\n| four\r\n";
    Terminal::new().run(move |screen, peer| {
        begin(screen, peer);
        peer.send(text(forged));
        peer.send(text("next"));
        screen.shows(
            [
                CONNECTED,
                STATUS,
                "< one",
                "| < two",
                "| > three",
                "| closed: 1000 (normal closure)",
                "| | four\\r",
                "|",
                "< next",
                ">",
            ],
            2,
        );
        leave(screen, peer);
    });
}

#[test]
fn marks_without_a_width_do_not_flood_the_screen() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        peer.send(text(format!("a{}", "\u{301}".repeat(200_000))));
        screen.wait("the note", |view| view.has_part("of 400001 bytes; /last shows all"));
        screen.edits(">", 2);
        leave(screen, peer);
    });
    assert!(end.raw.len() < 20_000, "{}", end.raw.len());
}

#[test]
fn endlessly_nested_json_is_cut_before_it_is_laid_out() {
    Terminal::new().args(["--json"]).run(|screen, peer| {
        begin(screen, peer);
        let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
        peer.send(text(deep));
        screen.wait("the note", |view| view.has_part("800000 bytes; /last shows"));
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn secrets_that_a_peer_repeats_are_not_shown() {
    let args = ["--exit-on-close", "--bearer", "S3cr3tT0ken", "-s", "bearer, T0kenS3cr3t"];
    let end = Terminal::new().size(24, 200).args(args).status(111).run(|screen, peer| {
        peer.open_with("X-Echo: S3cr3tT0ken\r\nSec-WebSocket-Protocol: T0kenS3cr3t\r\n");
        screen.edits(">", 2);
        screen.enter("/headers");
        screen.wait("the headers", |view| view.has_part("X-Echo: [redacted]"));
        peer.send(close(1008, "no S3cr3tT0ken"));
        peer.frame();
    });
    assert!(end.view.has_part("subprotocol [redacted]"), "{:#?}", end.view);
    assert!(end.view.has_part("no [redacted]"), "{:#?}", end.view);
    let raw = String::from_utf8_lossy(&end.raw);
    assert!(!raw.contains("S3cr3tT0ken") && !raw.contains("T0kenS3cr3t"), "{raw}");
}

#[test]
fn binary_is_a_hex_dump() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        peer.send(binary(b"\x1b[2J\0\xff abc and more than a row"));
        let view = screen.wait("the dump and a prompt", |view| {
            view.has_part("00000010") && view.line() == ">" && view.cursor.1 == 2
        });
        let at = view.rows.iter().position(|row| row == "< binary, 30 bytes").expect("its size");
        assert!(view.rows[at + 1].starts_with("00000000  1b 5b 32 4a 00 ff 20 61"), "{view:#?}");
        assert!(view.rows[at + 2].starts_with("00000010"), "{view:#?}");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}
