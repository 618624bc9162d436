//! Editing aids: completion, hints, JSON over several lines, an external editor.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire::text;
use std::{fs, os::unix::fs::PermissionsExt as _};

#[test]
fn one_tab_completes_what_is_unambiguous() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("/pi\t");
        screen.edits("> /ping", 8);
        screen.press("abc\r");
        let ping = peer.frame();
        assert_eq!((ping.first, ping.payload.as_slice()), (0x89, b"abc".as_slice()));
        screen.prompts_below("> /ping abc");
        leave(screen, peer);
    });
}

#[test]
fn tab_lists_what_is_ambiguous_and_messages_leave_the_list_whole() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("/close 101\t");
        let list = [
            "1010 mandatory extension  1012 service restart      1014 bad gateway",
            "1011 internal error       1013 try again later",
        ];
        screen.ends_with([list[0], list[1], "> /close 101"], 12);
        peer.send(text("meanwhile"));
        screen.ends_with([list[0], list[1], "< meanwhile", "> /close 101"], 12);
        screen.press("1\t");
        screen.edits("> /close 1011", 14);
        screen.press("bye\r");
        let close = peer.frame();
        assert_eq!((close.first, close.payload.as_slice()), (0x88, b"\x03\xf3bye".as_slice()));
        peer.send(crate::support::wire::close(1011, "bye"));
    });
}

#[test]
fn words_files_and_subprotocols_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a message.json"), "{}").unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    Terminal::new().size(24, 200).args(["-s", "mine"]).run(move |screen, peer| {
        peer.open_with("Sec-WebSocket-Protocol: mine\r\n");
        screen.wait("a prompt", |view| view.line() == ">" && view.cursor.1 == 2);
        peer.send(text("{\"subscription\": 1}"));
        screen.has("< {\"subscription\": 1}");
        screen.press("my subs\t");
        screen.edits("> my subscription", 17);
        screen.press("\x15");
        screen.press(&format!("/text @{path}/a\t"));
        screen.edits(&format!("> /text @{path}/a message.json"), 24 + path.len());
        screen.press("\r");
        peer.expect_text("{}");
        screen.edits(">", 2);
        screen.press("/reconnect mi\t");
        screen.edits("> /reconnect mine", 17);
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn history_is_hinted_and_the_right_key_takes_it() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("hello you");
        peer.expect_text("hello you");
        screen.edits(">", 2);
        screen.press("hel");
        screen.edits("> hello you", 5);
        peer.send(text("meanwhile"));
        screen.ends_with(["< meanwhile", "> hello you"], 5);
        screen.press("\x1b[C");
        screen.edits("> hello you", 11);
        screen.press("!\r");
        peer.expect_text("hello you!");
        // A hint that was not accepted is not sent.
        screen.edits(">", 2);
        screen.press("hello\r");
        peer.expect_text("hello");
        screen.prompts_below("> hello");
        leave(screen, peer);
    });
}

#[test]
fn json_input_continues_until_it_is_complete() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("{\"a\":\r");
        screen.shows([CONNECTED, STATUS, "> {\"a\":", ""], 0);
        peer.send(text("meanwhile"));
        screen.shows([CONNECTED, STATUS, "< meanwhile", "> {\"a\":", ""], 0);
        screen.press("[1, 2]\r");
        screen.shows([CONNECTED, STATUS, "< meanwhile", "> {\"a\":", "[1, 2]", ""], 0);
        screen.press("}\r");
        peer.expect_text("{\"a\":\n[1, 2]\n}");
        screen.prompts_below("}");
        // Complete JSON, or no JSON, is one line.
        for line in ["[1]", "{no json}", "[ok] done"] {
            screen.enter(line);
            peer.expect_text(line);
        }
        // An empty line sends the text so far.
        screen.edits(">", 2);
        screen.press("{\"cut\":\r");
        screen.edits("", 0);
        screen.press("\r");
        peer.expect_text("{\"cut\":");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn pasted_json_is_one_message_also_from_a_terminal_without_brackets() {
    let json = "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}";
    for paste in [json.replace('\n', "\r"), format!("\x1b[200~{json}\x1b[201~")] {
        Terminal::new().run(move |screen, peer| {
            begin(screen, peer);
            screen.press(&paste);
            screen.wait("the paste", |view| view.line() == "}");
            screen.press("\r");
            peer.expect_text(json);
            screen.prompts_below("}");
            leave(screen, peer);
        });
    }
}

#[test]
fn a_thousand_pasted_lines_are_painted_about_once_without_brackets() {
    let rows: Vec<_> = (0..1000).map(|n| format!("  \"key{n}\": \"value {n}\",")).collect();
    let json = format!("{{\n{}\n  \"end\": 1\n}}", rows.join("\n"));
    let (pasted, size) = (json.replace('\n', "\r"), json.len());
    let end = Terminal::new().run(move |screen, peer| {
        begin(screen, peer);
        screen.press(&pasted);
        screen.wait("the paste", |view| view.line() == "}");
        screen.press("\r");
        peer.expect_text(&json);
        // The same again, which is cut off and cleared.
        screen.edits(">", 2);
        screen.press(&pasted[..pasted.len() - 2]);
        screen.wait("the paste", |view| view.line() == "  \"end\": 1");
        screen.press("\r\x04");
        screen.edits("", 0);
        screen.press("\x03");
        leave(screen, peer);
    });
    assert!(end.raw.len() < 40 * size, "{} bytes were painted for {size}", end.raw.len());
}

#[test]
fn a_text_longer_than_the_screen_leaves_the_messages_above_it_whole() {
    let rows: Vec<_> = (0..100).map(|n| format!("row {n}")).collect();
    let pasted = rows.join("\n");
    let end = Terminal::new().size(10, 40).run(move |screen, peer| {
        begin(screen, peer);
        screen.press(&format!("\x1b[200~{pasted}\x1b[201~"));
        screen.edits("row 99", 6);
        for n in 0..50 {
            peer.send(text(format!("message {n}")));
        }
        screen.press("!");
        screen.edits("row 99!", 7);
        peer.send(text("last"));
        // The cursor moves above the screen, where all rows are painted, and back.
        screen.press(&format!("{}X", "\x1b[A".repeat(20)));
        screen.press(&format!("{}\x05Y", "\x1b[B".repeat(20)));
        screen.edits("row 99!Y", 8);
        screen.press("\r");
        peer.expect_text(format!("{pasted}!Y").replace("row 79", "row 79X"));
        leave(screen, peer);
    });
    let raw = String::from_utf8(end.raw).unwrap();
    assert!(raw.matches("row 0").count() < 10, "{raw}");
    assert!(raw.contains("message 49"), "{raw}");
}

#[test]
fn the_escape_key_holds_back_no_message() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("abc\x1b");
        screen.edits("> abc", 5);
        peer.send(text("meanwhile"));
        screen.has("< meanwhile");
        screen.press("d\r");
        peer.expect_text("abcd");
        leave(screen, peer);
    });
}

#[test]
fn the_line_is_opened_in_an_editor() {
    let editor = "printf 'edited\\n' >>";
    Terminal::new().env("VISUAL", editor).run(|screen, peer| {
        begin(screen, peer);
        screen.press("a draft: ");
        screen.edits("> a draft:", 11);
        screen.press("\x18\x05");
        screen.edits("> a draft: edited", 17);
        screen.press("\r");
        peer.expect_text("a draft: edited");
        // JSON need not be complete.
        screen.edits(">", 2);
        screen.press("{\x18\x05");
        screen.edits("> {edited", 9);
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn vi_keys_work_if_readline_is_set_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let inputrc = dir.path().join("inputrc");
    fs::write(&inputrc, "set editing-mode vi\n").unwrap();
    let terminal = Terminal::new().env("INPUTRC", inputrc).env("VISUAL", "printf more >>");
    terminal.run(|screen, peer| {
        begin(screen, peer);
        screen.press("one two v");
        screen.edits("> one two v", 11);
        // Without a pause, the editor would read Alt keys.
        screen.press("\x1b");
        screen.edits("> one two v", 10);
        screen.press("0dw");
        screen.edits("> two v", 2);
        screen.press("\x1b[200~12 monkeys\x1b[201~");
        screen.has("(not pasted: press i first)");
        screen.press("v");
        screen.edits("> two vmore", 11);
        screen.press("\x1b[200~12 monkeys\x1b[201~\r");
        peer.expect_text("two vmore12 monkeys");
        leave(screen, peer);
    });
}

#[test]
fn json_has_colours_and_brackets_stand_out_while_they_are_typed() {
    let end = Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("{\"key\": [true]}");
        screen.edits("> {\"key\": [true]}", 17);
        screen.press("\r");
        peer.expect_text("{\"key\": [true]}");
        screen.prompts_below("> {\"key\": [true]}");
        leave(screen, peer);
    });
    let raw = String::from_utf8(end.raw).unwrap();
    for painted in ["\x1b[94m\"key\"\x1b[0m", "\x1b[35mtrue\x1b[0m", "\x1b[1;35m{\x1b[0m"] {
        assert!(raw.contains(painted), "{painted:?} in {raw:?}");
    }
}

#[test]
fn a_message_can_be_written_with_an_editor() {
    let dir = tempfile::tempdir().unwrap();
    let editor = dir.path().join("editor");
    // The editor has the terminal; received messages wait until it exits.
    let script = "#!/bin/sh\nprintf 'in the editor\\n'\nread key\nprintf '%s and more\\nof it\\n' \
                  \"$(cat \"$2\")\" >\"$2\"\n";
    fs::write(&editor, script).unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let editor = format!("{} --wait", editor.display());
    Terminal::new().env("VISUAL", editor).env("EDITOR", "false").run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/edit a draft");
        screen.has("in the editor");
        peer.send(text("meanwhile"));
        screen.press("\r");
        screen.wait("the text", |view| view.line() == "of it" && view.cursor.1 == 5);
        screen.wait("what came", |view| view.has("< meanwhile") && view.line() == "of it");
        screen.press("\r");
        peer.expect_text("a draft and more\nof it");
        screen.edits(">", 2);
        leave(screen, peer);
    });
    Terminal::new().env("EDITOR", "false").run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/edit a draft");
        screen.wait("a complaint, and the text", |view| {
            view.has_part("false: exit status: 1") && view.line() == "> a draft"
        });
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn a_search_and_a_list_stay_whole_in_a_flood() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("needle in the hay");
        peer.expect_text("needle in the hay");
        screen.edits(">", 2);
        screen.press("\x12need");
        screen.wait("what is found", |view| view.line().ends_with("needle in the hay"));
        let flood: Vec<u8> = (0..50_000).flat_map(|n| text(format!("message {n:05}"))).collect();
        peer.offer(&flood);
        screen.wait("what is found", |view| {
            view.line() == "(reverse-i-search)`need': needle in the hay"
        });
        screen.press("\r");
        peer.expect_text("needle in the hay");
        screen.wait("the last message and a prompt", |view| {
            view.has("< message 49999") && view.line() == ">"
        });
        leave(screen, peer);
    });
}

#[test]
fn invalid_utf_8_is_dropped_and_the_line_stays() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("caf");
        screen.edits("> caf", 5);
        screen.press_bytes(b"\xe9x");
        screen.has("(unread input was discarded: it is not valid UTF-8)");
        screen.edits("> caf", 5);
        screen.press("e\r");
        peer.expect_text("cafe");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn ctrl_c_at_a_question_does_not_drop_the_next_line() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        let words: Vec<_> = (0..150).map(|n| format!("word{n:03}")).collect();
        peer.send(text(words.join(" ")));
        screen.wait("the words", |view| view.has_part("word130"));
        screen.press("word\t");
        screen.wait("a question", |view| view.has_part("Display all 150 possibilities? (y or n)"));
        screen.press("\x03n");
        screen.edits("> word", 6);
        screen.press("!\r");
        peer.expect_text("word!");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn pasted_control_characters_have_no_effect() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        let pasted = "a\x07b\u{9b}31mc\u{202e}d\x08";
        screen.press(&format!("\x1b[200~{pasted}\x1b[201~"));
        screen.wait("the paste", |view| view.line() == "> ab31mcd");
        screen.press("\r");
        peer.expect_text(pasted);
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn a_list_wipes_the_hint_away() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/json on then more of it");
        screen.has("'on then more of it' is not on or off");
        screen.press("/json o");
        screen.edits("> /json on then more of it", 9);
        screen.press("\t");
        screen.wait("a list", |view| view.has_part("on   off"));
        assert!(screen.view().has("> /json o"), "{screen}");
        screen.press("\x15");
        leave(screen, peer);
    });
}

#[test]
fn escape_sequences_in_a_paste_are_not_dropped_without_a_word() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("\x1b[200~a\x1b[31mred\x1b[0m\x1b[201~");
        screen.has("(parts of escape sequences in the pasted text were left out)");
        screen.wait("the paste", |view| view.line() == "> aredm");
        screen.press("\r");
        peer.expect_text("aredm");
        // Text typed afterwards is not treated as part of it.
        screen.press("typed\x7f");
        screen.wait("the line", |view| view.line() == "> type");
        screen.press("\r");
        peer.expect_text("type");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn an_escape_character_or_a_start_in_a_paste_is_not_dropped_without_a_word() {
    for (pasted, left) in [("end\x1b", "end"), ("one\x1b[200~ two", "one two"), ("a\x1b b", "ab")] {
        Terminal::new().run(move |screen, peer| {
            begin(screen, peer);
            screen.press(&format!("\x1b[200~{pasted}\x1b[201~"));
            screen.has("(parts of escape sequences in the pasted text were left out)");
            screen.wait("the paste", |view| view.line() == format!("> {left}"));
            screen.press("\r");
            peer.expect_text(left);
            leave(screen, peer);
        });
    }
}

#[test]
fn a_paste_that_ends_in_an_escape_and_digits_is_left_out_with_a_note() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.press("\x1b[200~one\x1b3\x1b[201~");
        screen.has("(the pasted text was left out: it ended in an escape sequence)");
        leave(screen, peer);
    });
}
