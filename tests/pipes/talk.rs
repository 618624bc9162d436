//! Messages from files, end marks, templates, answers and messages at an interval.

use super::{Answers, gets, gets_binary, row, says, table};
use crate::support::{Expected, Stdin, Test, wire::text};
use std::fs;

#[test]
fn a_file_is_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("text"), "one\ntwo ${n}\n").unwrap();
    fs::write(path("bytes"), [0xff, 0, b'\n']).unwrap();
    let (words, bytes) = (format!("@{}", path("text")), format!("@{}", path("bytes")));
    table([
        row("-w 0").args(["-x", &words, "-x", &bytes, "-x", "@@name"]).no_stdin().peer([
            gets("one\ntwo ${n}\n"),
            gets_binary([0xff, 0, b'\n']),
            gets("@name"),
            Answers(1000, ""),
        ]),
        row("-w 0 -b --append ;")
            .args(["-x", &words])
            .no_stdin()
            .peer([gets_binary("one\ntwo ${n}\n;"), Answers(1000, "")]),
        row("-w 0 --expand --append ;").args(["-x", &words, "-x", &bytes]).no_stdin().peer([
            gets("one\ntwo 1\n;"),
            gets_binary([0xff, 0, b'\n', b';']),
            Answers(1000, ""),
        ]),
        row("-w 0 -x @-").stdin("a\nb").peer([gets("a\nb"), Answers(1000, "")]),
        row("--count 1")
            .args(["--answer", "2", &words])
            .no_stdin()
            .peer([says("2"), gets("one\ntwo ${n}\n"), Answers(1000, "")])
            .stdout("2\n"),
    ]);
    Test::new()
        .args(["-x", &words, "--record", &path("text"), "ws://127.0.0.1:1"])
        .stderr_has(["sockeye: ", "cannot be an input of this run and a recording"])
        .status(2)
        .run();
}

#[test]
fn a_long_message_has_its_end_mark() {
    for (length, args) in [
        (100 << 10, &[][..]),
        (3 << 20, &[]),
        (3 << 20, &["--delimiter", "none"]),
        ((64 << 10) - 1, &[]),
    ] {
        let long = "x".repeat(length);
        let expected = format!("{long}\x1e\0");
        Test::new()
            .args(["--no-compress", "--append", r"\x1e\0", "--count", "1"])
            .args(args.iter().copied())
            .stdin(Stdin::Bytes(long.into_bytes()))
            .peer(move |peer| {
                peer.open();
                let mut payload = Vec::new();
                loop {
                    let frame = peer.frame();
                    payload.extend(frame.payload);
                    if frame.first & 0x80 != 0 {
                        break;
                    }
                }
                assert!(payload == expected.as_bytes(), "{} bytes", payload.len());
                peer.send(text("ok"));
                peer.answer_close(1000);
            })
            .stdout(if args.is_empty() { "ok\n" } else { "ok" })
            .run();
    }
}

#[test]
fn jsonl_shows_answers_and_its_input_gets_no_end_mark() {
    Test::new()
        .args(["--input", "jsonl", "--output", "jsonl", "--append", ";", "-x", "a"])
        .args(["--answer", "^2", "3", "--count", "1"])
        .stdin("{\"type\":\"text\",\"data\":\"b\"}\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("a;");
            peer.expect_text("b");
            peer.send(text("2"));
            peer.expect_text("3;");
            peer.answer_close(1000);
        })
        .stdout(Expected::Parts(
            ["\"out\"", "\"data\":\"3;\"", "\"sent\":{\"messages\":3,"].map(Into::into).to_vec(),
        ))
        .run();
}

#[test]
fn matches_are_told_with_v() {
    Test::new()
        .args(["-v", "-x", "a", "--expect", "^1", "--until", "json:/id=1"])
        .stdin(Stdin::Null)
        .peer(|peer| {
            peer.open();
            peer.expect_text("a");
            peer.send(text("1\x1b"));
            peer.send(text("{\"id\":1}"));
            peer.answer_close(1000);
        })
        .stdout("1\x1b\n{\"id\":1}\n")
        .stderr_has([
            "\n* --expect '^1' matched: 1\\x1b\n",
            "* --until 'json:/id=1' matched: {\"id\":1}\n",
        ])
        .run();
}

#[test]
fn a_missing_value_is_reported() {
    table([
        row("--expand --count 2")
            .args(["--answer", "id", "${json:/id}"])
            .no_stdin()
            .peer([says("id"), says("id"), Answers(1000, "")])
            .stdout("id\nid\n")
            .stderr(
                "sockeye: a message that matches 'id' was not answered: it has no value for \
                 ${json:/id}\n",
            ),
        row("--expand -x a --expect 1")
            .args(["-x", "${json:/id}"])
            .no_stdin()
            .peer([gets("a"), says("1"), Answers(1000, "")])
            .stdout("1\n")
            .stderr(
                "sockeye: a message was not sent: no message that matched had a value for \
                 ${json:/id}\n",
            )
            .status(112),
    ]);
}

/// The secret is in a variable, so that it is neither in the process list nor in any output.
#[test]
fn a_variable_is_a_secret() {
    Test::new()
        .args(["-v", "--expand", "-x", "${env:TOKEN}", "--until", "S3cr3t"])
        .env("TOKEN", "S3cr3t-Token")
        .stdin(Stdin::Null)
        .peer(|peer| {
            peer.open();
            peer.expect_text("S3cr3t-Token");
            peer.send(text("S3cr3t-Token"));
            peer.answer_close(1000);
        })
        .stdout("S3cr3t-Token\n")
        .stderr_has(["* --until 'S3cr3t' matched: [redacted]\n"])
        .run();
}

#[test]
fn wrong_messages_are_usage_errors() {
    for (args, words) in [
        (&["-x", "@/nonexistent"][..], "cannot read /nonexistent: no such file or directory"),
        (&["-x", "@/nonexistent"], "hint: a message that begins with @ is written with @@"),
        (
            &["--expand", "-x", "a ${tok}", "--expect", "(?<tok>b)"],
            "invalid value 'a ${tok}' for '--execute <MESSAGE>': unknown name '${tok}' at column 3",
        ),
        (&["--expand", "-x", "${nn}"], "did you mean '${n}'? at column 1"),
        (&["--expand", "-x", "a ${"], "'${' without '}'"),
        (&["--expand", "-x", "${env:NONE}"], "the environment variable 'NONE' is not set"),
        (&["--expand", "-x", "${json:/a}"], "there is no message to take ${json:/a} from"),
        (&["--every", "0", "x"], "less than 0.001 seconds"),
        (&["--every", "1e-9", "x"], "less than 0.001 seconds"),
        (&["--every", "soon", "x"], "invalid value 'soon' for '--every <SECONDS> <MESSAGE>'"),
        (&["--answer", "a(", "x"], "for '--answer <MATCHER> <MESSAGE>': unclosed group"),
        (&["--append", "\\q"], "unknown escape '\\q'"),
        (&["--append", "\\xff"], "--append is not valid UTF-8, and text messages must be"),
    ] {
        Test::new()
            .args(args.iter().copied())
            .args(["ws://127.0.0.1:1"])
            .stderr_has(["sockeye: ", words])
            .status(2)
            .run();
    }
    Test::new()
        .args(["--every", "5", "ws://127.0.0.1:1"])
        .stderr_has(["no URL given", "hint: --every takes two values, SECONDS and MESSAGE\n"])
        .status(2)
        .run();
}
