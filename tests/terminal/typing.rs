//! The line being typed, and messages printed above it.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire::{frame, text};

#[test]
fn a_typed_line_is_sent_and_the_answer_printed_above_the_prompt() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("hello");
        peer.expect_text("hello");
        screen.shows([CONNECTED, STATUS, "> hello", ">"], 2);
        peer.send(text("and to you"));
        screen.shows([CONNECTED, STATUS, "> hello", "< and to you", ">"], 2);
        leave(screen, peer);
    });
    let rows = end.rows();
    assert_eq!(rows[2..4], ["> hello", "< and to you"], "{rows:#?}");
    assert!(rows.last().unwrap().contains("closed: 1000"), "{rows:#?}");
}

#[test]
fn the_first_line_on_the_screen_says_where_it_is_connected() {
    for _ in 0..20 {
        let end = Terminal::new().run(|screen, peer| {
            begin(screen, peer);
            leave(screen, peer);
        });
        let raw = String::from_utf8_lossy(&end.raw);
        assert!(raw.starts_with("connected to ws://127.0.0.1:"), "{raw:?}");
    }
}

#[test]
fn messages_leave_a_half_typed_line_and_its_cursor_alone() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed");
        screen.edits("> half typed", 12);
        screen.press("\x1b[D\x1b[D\x1b[D");
        screen.edits("> half typed", 9);
        peer.send(text("one"));
        screen.shows([CONNECTED, STATUS, "< one", "> half typed"], 9);
        peer.send([text("two"), text("three"), text("gr\u{fc}n \u{65e5}\u{672c}")].concat());
        screen.ends_with(["< two", "< three", "< gr\u{fc}n \u{65e5}\u{672c}", "> half typed"], 9);
        // A message in fragments is printed once.
        peer.send([frame(0x01, "fo"), frame(0x89, "x"), frame(0x80, "ur")].concat());
        peer.expect_pong("x");
        screen.ends_with(["< gr\u{fc}n \u{65e5}\u{672c}", "< four", "> half typed"], 9);
        screen.press("X");
        screen.shows(
            [
                CONNECTED,
                STATUS,
                "< one",
                "< two",
                "< three",
                "< gr\u{fc}n \u{65e5}\u{672c}",
                "< four",
                "> half tyXped",
            ],
            10,
        );
        screen.press("\r");
        peer.expect_text("half tyXped");
        screen.prompts_below("> half tyXped");
        leave(screen, peer);
    });
}

#[test]
fn a_message_longer_than_a_row_wraps_above_the_line() {
    Terminal::new().size(12, 40).run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed\x1b[D");
        screen.edits("> half typed", 11);
        peer.send(text("0123456789".repeat(11)));
        let rows = [
            "< 01234567890123456789012345678901234567",
            "8901234567890123456789012345678901234567",
            "89012345678901234567890123456789",
        ];
        screen.ends_with([rows[0], rows[1], rows[2], "> half typed"], 11);
        // Exactly as wide as the screen: no empty row follows.
        peer.send([text("x".repeat(38)), text("y")].concat());
        let full = format!("< {}", "x".repeat(38));
        screen.ends_with([rows[2], &full, "< y", "> half typed"], 11);
        screen.press("\x03");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn a_message_of_several_lines_keeps_them_marked() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half");
        screen.edits("> half", 6);
        peer.send(text("{\n  \"a\": 1\n}"));
        screen.shows([CONNECTED, STATUS, "< {", "|   \"a\": 1", "| }", "> half"], 6);
        screen.press("\x15");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn a_typed_line_longer_than_a_row_survives_messages() {
    Terminal::new().size(12, 40).run(|screen, peer| {
        begin(screen, peer);
        let typed = "abcdefghij".repeat(6);
        screen.press(&typed);
        let (first, second) = (format!("> {}", &typed[..38]), &typed[38..]);
        screen.edits(second, 22);
        for n in 0..3 {
            peer.send(text(format!("message {n}")));
            screen.ends_with([&format!("< message {n}"), &first, second], 22);
        }
        let view = screen.view();
        let copies = view.rows.iter().filter(|row| **row == first).count();
        assert_eq!(copies, 1, "the line stands there once: {view:#?}");
        // The cursor is in the first row of the line.
        screen.press("\x01");
        screen.wait("the cursor at the start", |view| view.cursor.1 == 2 && view.line() == first);
        peer.send(text("last"));
        screen.wait("the cursor where it was", |view| {
            view.rows.ends_with(&["< last".to_owned(), first.clone(), second.to_owned()])
                && view.line() == first
                && view.cursor.1 == 2
        });
        screen.press("\r");
        peer.expect_text(&typed);
        screen.prompts_below(second);
        leave(screen, peer);
    });
}

#[test]
fn a_flood_loses_nothing_and_leaves_the_line_alone() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed\x1b[D");
        screen.edits("> half typed", 11);
        let flood: Vec<u8> = (0..FLOOD).flat_map(|n| text(format!("message {n:05}"))).collect();
        peer.send(flood);
        let mut rows: Vec<_> = (FLOOD - 23..FLOOD).map(|n| format!("< message {n:05}")).collect();
        rows.push("> half typed".to_owned());
        screen.wait("the last messages above the line", |view| {
            view.rows == rows && view.cursor == (23, 11)
        });
        screen.press("!\r");
        peer.expect_text("half type!d");
        leave(screen, peer);
    });
    let raw = String::from_utf8(end.raw).unwrap();
    let mut rest = raw.as_str();
    for n in 0..FLOOD {
        let message = format!("message {n:05}");
        let (_, after) = rest.split_once(&message).unwrap_or_else(|| panic!("{message} is lost"));
        rest = after;
    }
}

#[test]
fn messages_do_not_disturb_typing() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        let typed: String = ('a'..='z').chain('A'..='Z').collect();
        for (n, key) in typed.char_indices() {
            peer.send(text(format!("message {n}")));
            screen.press(&key.to_string());
        }
        screen.edits(&format!("> {typed}"), 54);
        screen.has("< message 51");
        screen.edits(&format!("> {typed}"), 54);
        screen.press("\r");
        peer.expect_text(&typed);
        leave(screen, peer);
    });
}

#[test]
fn an_empty_line_sends_nothing() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("\r");
        screen.shows([CONNECTED, STATUS, ">", ">"], 2);
        screen.enter("after");
        peer.expect_text("after");
        leave(screen, peer);
    });
}

#[test]
fn lines_typed_ahead_are_all_sent_in_order() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        let lines: Vec<_> = (0..50).map(|n| format!("line {n}")).collect();
        screen.press(&format!("{}\r", lines.join("\r")));
        for line in lines {
            peer.expect_text(line);
        }
        screen.has("> line 49");
        leave(screen, peer);
    });
}

#[test]
fn a_window_that_changes_its_size_keeps_the_line() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("half typed");
        screen.edits("> half typed", 12);
        for (rows, columns) in [(10, 60), (30, 100)] {
            screen.resize(rows, columns);
            let message = format!("at {columns} columns");
            peer.send(text(&message));
            screen.has(&format!("< {message}"));
            screen.edits("> half typed", 12);
        }
        screen.press("\r");
        peer.expect_text("half typed");
        leave(screen, peer);
    });
}

#[test]
fn several_pasted_lines_are_one_message() {
    // Terminals send a carriage return for a newline.
    for newline in ["\r", "\n", "\r\n"] {
        Terminal::new().run(move |screen, peer| {
            begin(screen, peer);
            let pasted = format!("first{newline}second{newline}/quit{newline}");
            screen.press(&format!("\x1b[200~{pasted}\x1b[201~"));
            // One line end at the end is left out.
            screen.edits("/quit", 5);
            screen.press("\r");
            peer.expect_text("first\nsecond\n/quit");
            screen.edits(">", 2);
            leave(screen, peer);
        });
    }
}

#[test]
fn a_long_paste_is_sent_whole() {
    let long = "0123456789abcdef".repeat(1024);
    Terminal::new().run(move |screen, peer| {
        begin(screen, peer);
        screen.press(&format!("\x1b[200~{long}\x1b[201~"));
        screen.wait("the paste", |view| view.line().ends_with("def"));
        screen.press("\r");
        peer.expect_text(&long);
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn any_script_can_be_typed() {
    let typed = "gr\u{fc}\u{df}e \u{65e5}\u{672c}\u{8a9e} \u{1f600}";
    Terminal::new().run(move |screen, peer| {
        begin(screen, peer);
        screen.press(typed);
        // Wide characters take two columns.
        screen.edits(&format!("> {typed}"), 17);
        peer.send(text("meanwhile"));
        screen.shows([CONNECTED, STATUS, "< meanwhile", &format!("> {typed}")], 17);
        screen.press("\r");
        peer.expect_text(typed);
        leave(screen, peer);
    });
}

const FLOOD: usize = 20_000;
