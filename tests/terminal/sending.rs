//! Messages sent by commands: binary, files, repeated messages.

use super::{CONNECTED, STATUS, Terminal, begin, leave};
use crate::support::wire::text;
use std::{
    fs,
    time::{Duration, Instant},
};

#[test]
fn binary_is_typed_in_hex_or_base64() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/binary 00 ff");
        peer.expect_binary([0, 255]);
        let dump = format!("00000000  00 ff{}|..|", " ".repeat(45));
        screen.shows([CONNECTED, STATUS, "> /binary 00 ff", "> binary, 2 bytes", &dump, ">"], 2);
        screen.enter("/binary base64:AP8K");
        peer.expect_binary([0, 255, 10]);
        screen.enter("/binary 0x0");
        screen.wait("a fault", |view| view.has_part("expected hex, two digits per byte"));
        leave(screen, peer);
    });
}

#[test]
fn files_are_sent_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (words, bytes) = (path("words"), path("bytes"));
    fs::write(&words, "one\ntwo\n").unwrap();
    fs::write(&bytes, [0xff, 0, 10]).unwrap();
    let gone = path("gone");
    Terminal::new().size(40, 200).run(move |screen, peer| {
        begin(screen, peer);
        screen.enter(&format!("/text @{words}"));
        peer.expect_text("one\ntwo\n");
        screen.edits(">", 2);
        screen.enter(&format!("/send @{bytes}"));
        peer.expect_binary([0xff, 0, 10]);
        screen.edits(">", 2);
        screen.enter(&format!("/binary @{words}"));
        peer.expect_binary("one\ntwo\n");
        screen.edits(">", 2);
        screen.enter(&format!("/text @{bytes}"));
        screen.wait("a fault", |view| view.has_part("is not valid UTF-8 at byte 1"));
        screen.enter(&format!("/send @{gone}"));
        screen.wait("a fault", |view| view.has_part("no such file or directory"));
        screen.enter("/send @/dev/zero");
        screen.has("cannot read /dev/zero: not a regular file");
        screen.enter("/text");
        peer.expect_text("");
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn one_of_several_repeated_messages_can_be_stopped() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/every 1000 first");
        peer.expect_text("first");
        screen.has("(/stop 1 ends it)");
        screen.enter("/repeat 5 1000 second");
        peer.expect_text("second");
        screen.has("(/stop 2 ends it)");
        screen.enter("/every");
        screen.has("1: every 1000 s: first");
        screen.has("2: every 1000 s, 4 more: second");
        screen.enter("/stop 1");
        screen.has("message 1 stopped");
        screen.enter("/stop 1");
        screen.has("there is no 1; /every lists the repeated messages");
        screen.enter("/clear");
        screen.enter("/every");
        screen.shows(["> /every", "2: every 1000 s, 4 more: second", ">"], 2);
        leave(screen, peer);
    });
}

#[test]
fn repeat_and_every_send_a_message_repeatedly() {
    Terminal::new().run(|screen, peer| {
        begin(screen, peer);
        screen.enter("/repeat 3 hi there");
        for _ in 0..3 {
            peer.expect_text("hi there");
        }
        screen.edits(">", 2);
        let start = Instant::now();
        screen.enter("/repeat 3 0.1 slow");
        for _ in 0..3 {
            peer.expect_text("slow");
        }
        assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
        screen.edits(">", 2);
        screen.enter("/every 0.05 tick");
        for _ in 0..3 {
            peer.expect_text("tick");
        }
        screen.press("/stop\r");
        screen.has("1 repeated message stopped");
        screen.press("/text end\r");
        while peer.frame().payload != b"end" {}
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn answers_and_end_marks_are_sent_at_the_prompt() {
    Terminal::new().args(["--answer", "^2$", "3", "--append", ";"]).run(|screen, peer| {
        begin(screen, peer);
        peer.send(text("22"));
        peer.send(text("2"));
        peer.expect_text("3;");
        screen.has("> 3;");
        screen.enter("typed");
        peer.expect_text("typed;");
        screen.enter("/binary 00");
        peer.expect_binary([0, b';']);
        screen.enter("/repeat 1 again");
        peer.expect_text("again;");
        leave(screen, peer);
    });
}

#[test]
fn every_sends_until_stop() {
    let args = ["-x", "first", "--every", "0.05", "tick ${n}", "--expand"];
    Terminal::new().args(args).run(|screen, peer| {
        peer.open();
        peer.expect_text("first");
        for n in 1..4 {
            peer.expect_text(format!("tick {n}"));
        }
        screen.has("> tick 3");
        screen.press("/stop\r");
        screen.has("1 repeated message stopped");
        screen.press("/text end\r");
        while peer.frame().payload != b"end" {}
        screen.edits(">", 2);
        leave(screen, peer);
    });
}

#[test]
fn repeated_messages_do_not_fill_the_memory() {
    let end = Terminal::new().args(["--close-timeout", "0.2"]).run(|screen, peer| {
        begin(screen, peer);
        // More than any buffer holds, while the peer does not read.
        screen.enter(&format!("/repeat 1000000000 {}", "x".repeat(40)));
        screen.has(&format!("> {}", "x".repeat(40)));
        screen.press("/stop\r");
        screen.has("1 repeated message stopped");
        screen.press("\x04");
        peer.discard_all();
    });
    assert!(end.raw.len() < 64 << 20);
}
