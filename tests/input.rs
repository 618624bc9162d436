//! Stdin that cannot be read or sent (26).

use crate::support::{Stdin, Test};

/// Checks that the lines before the invalid one are sent, and no others.
#[track_caller]
fn bad(stdin: Vec<u8>, sent: &[&str], line: usize, byte: usize) {
    let sent: Vec<String> = sent.iter().map(|&line| line.to_owned()).collect();
    Test::new()
        .stdin(stdin)
        .peer(move |peer| {
            peer.open();
            for line in sent {
                peer.expect_text(line);
            }
            peer.answer_close(1000);
        })
        .stderr(format!(
            "sockeye: stdin is not valid UTF-8: line {line}, byte {byte}; the rest was not sent\n"
        ))
        .status(26)
        .run();
}

#[test]
fn invalid_utf_8_is_named_by_line_and_byte() {
    bad(b"\xffone\ntwo\n".to_vec(), &[], 1, 1);
    bad(b"one\ntw\xffo\nthree\n".to_vec(), &["one"], 2, 3);
    bad(b"one\n\ntwo\xff".to_vec(), &["one", ""], 3, 4);
    // A character cut off by the end of a line or of stdin.
    bad(b"one\r\ntwo\xe2\x82\r\n".to_vec(), &["one"], 2, 4);
    bad(b"one\ntwo\xe2\x82".to_vec(), &["one"], 2, 4);
    // Surrogates of UTF-16 are not valid in UTF-8.
    bad(b"\xed\xa0\x80\n".to_vec(), &[], 1, 1);
}

#[test]
fn nothing_of_a_long_line_is_sent_before_all_of_it_was_checked() {
    // Around the end of a read block, and several blocks later.
    for byte in [65_535, 65_536, 65_537, 300_000] {
        let mut line = vec![b'x'; 300_000];
        line[byte - 1] = 0xff;
        bad([b"one\n", &line[..], b"\ntwo\n"].concat(), &["one"], 2, byte);
    }
}

#[test]
fn a_character_split_across_read_blocks_is_valid() {
    for start in [65_533, 65_534, 65_535, 65_536] {
        let line = format!("{}\u{1f600}{}", "x".repeat(start), "y".repeat(100));
        Test::new()
            .stdin(format!("{line}\n"))
            .peer(move |peer| {
                peer.open();
                peer.expect_text(&line);
                peer.close(1000);
            })
            .run();
    }
}

#[test]
fn messages_before_an_invalid_line_are_sent() {
    let lines: Vec<String> = (0..10_000).map(|i| format!("line {i}")).collect();
    let stdin = [lines.join("\n").as_bytes(), b"\nb\xc3d\nlater\n"].concat();
    let sent: Vec<&str> = lines.iter().map(String::as_str).collect();
    bad(stdin, &sent, 10_001, 2);
}

#[test]
fn an_invalid_line_is_reported_before_stdin_ends() {
    Test::new()
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write(b"\xff\n");
            peer.answer_close(1000);
        })
        .stderr("sockeye: stdin is not valid UTF-8: line 1, byte 1; the rest was not sent\n")
        .status(26)
        .run();
}

#[test]
fn a_directory_as_stdin_is_an_error() {
    Test::new()
        .stdin(Stdin::File(std::env::temp_dir()))
        .peer(|peer| {
            peer.open();
            peer.answer_close(1000);
        })
        .stderr("sockeye: cannot read stdin: is a directory (os error 21)\n")
        .status(26)
        .run();
}
