//! JSON lines on stdin (--input jsonl).

use super::{Action, Answers, AnswersEmpty, Closes, gets, gets_binary, row, table};
use crate::support::{Stdin, Test};
use std::time::{Duration, Instant};

fn typed(lines: &str) -> super::Row {
    row("--input jsonl").stdin(lines)
}

#[test]
fn every_typed_action_is_performed() {
    let ping = |payload: &[u8]| Action::Gets(0x89, payload.to_vec());
    table([
        typed(r#"{"type":"text","data":"a\nb\u0000"}"#).peer([gets("a\nb\0"), Closes(1000)]),
        typed("{\"type\":\"text\",\"data\":\"\"}\r\n\n  \n{\"type\":\"text\",\"data\":\"b\"}")
            .peer([gets(""), gets("b"), Closes(1000)]),
        typed(r#"{"type":"binary","base64":"AP8="}"#).peer([gets_binary(b"\0\xff"), Closes(1000)]),
        typed(r#"{"type":"ping"}"#).peer([ping(b""), Closes(1000)]),
        typed(r#"{"type":"ping","base64":"/w=="}"#).peer([ping(b"\xff"), Closes(1000)]),
        typed(r#"{"type":"pong","data":"x"}"#).peer([Action::Gets(0x8a, b"x".to_vec()), Closes(1000)]),
        typed(r#"{"type":"close"}"#).peer([AnswersEmpty]),
        // Nothing is sent after a Close.
        typed("{\"type\":\"close\",\"code\":4000,\"reason\":\"bye\"}\n{\"type\":\"text\",\"data\":\"a\"}")
            .peer([Answers(4000, "bye")]),
        // Only the received messages of a recording are sent.
        typed(
            "{\"type\":\"open\",\"version\":1}\n\
             {\"type\":\"text\",\"direction\":\"out\",\"data\":\"ours\"}\n\
             {\"type\":\"text\",\"direction\":\"in\",\"data\":\"theirs\",\"size\":6}\n\
             {\"type\":\"pong\",\"direction\":\"in\",\"data\":\"x\"}\n\
             {\"type\":\"ping\",\"direction\":\"in\",\"data\":\"x\"}\n\
             {\"type\":\"new\",\"in\":\"a later version\"}\n\
             {\"type\":\"error\",\"code\":56}\n{\"type\":\"end\",\"code\":56}\n",
        )
        .peer([gets("theirs"), ping(b"x"), Closes(1000)]),
    ]);
}

#[test]
fn invalid_lines_are_named_by_line_and_column() {
    let bad = |place: &str, words: &str| {
        format!("sockeye: cannot send stdin: {place}: {words}; the rest was not sent\n")
    };
    let good = "{\"type\":\"text\",\"data\":\"a\"}\n";
    let after = |line: &str| {
        typed(&format!("{good}{line}\n{good}")).peer([gets("a"), Answers(1000, "")]).status(26)
    };
    table([
        after("nonsense").stderr(bad("line 2, column 1", "expected a JSON object")),
        after("{\"type\":\"text\",\"data\":\"a\"")
            .stderr(bad("line 2, column 25", "EOF while parsing an object")),
        after(r#"{"type":"text","data":"\ud800"}"#)
            .stderr(bad("line 2, column 30", "unexpected end of hex escape")),
        after(r#"{"data":"a"}"#).stderr(bad("line 2", "missing \"type\"")),
        after(r#"{"type":"text"}"#).stderr(bad("line 2", "missing \"data\"")),
        after(r#"{"type":"binary","base64":"A"}"#)
            .stderr(bad("line 2", "\"base64\" is not valid base64 (RFC 4648, 4)")),
        after(&format!(r#"{{"type":"ping","data":"{}"}}"#, "x".repeat(126)))
            .stderr(bad("line 2", "a control frame payload has at most 125 bytes (RFC 6455, 5.5)")),
        after(r#"{"type":"close","code":1006}"#)
            .stderr(bad("line 2", "\"code\" is not a close code that may be sent (RFC 6455, 7.4)")),
        after(r#"{"type":"wait","seconds":-1}"#)
            .stderr(bad("line 2", "\"seconds\" must be a number from 0 to 1000000000")),
    ]);
}

/// Such a line took all memory, and nothing was said before its end.
#[test]
fn a_line_that_cannot_be_an_action_is_refused_before_its_end() {
    for (line, words) in [
        (" [".to_owned(), "line 2, column 2: expected a JSON object"),
        (
            format!("{{\"junk\":\"{}", "x".repeat(16 << 20)),
            "line 2 is longer than 16 MiB, the limit of a line",
        ),
    ] {
        Test::new()
            .args(["--input", "jsonl"])
            .stdin(Stdin::Open)
            .peer(move |peer| {
                peer.open();
                peer.child.write("{\"type\":\"text\",\"data\":\"a\"}\n");
                peer.expect_text("a");
                peer.child.write(line);
                peer.answer_close(1000);
            })
            .status(26)
            .stderr(format!("sockeye: cannot send stdin: {words}; the rest was not sent\n"))
            .run();
    }
}

#[test]
fn a_longer_line_is_accepted_with_a_higher_max_message() {
    let line = format!("{{\"type\":\"text\",\"data\":\"{}\"}}\n", "x".repeat(17 << 20));
    let options = ["--input", "jsonl", "--max-message", "9M", "-q", "--no-compress"];
    Test::new()
        .args(options)
        .stdin(line)
        .peer(|peer| {
            peer.open();
            peer.expect_text("x".repeat(17 << 20));
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn a_wait_delays_later_actions_and_the_end() {
    let (start, quiet) = (Instant::now(), "--quiet-for");
    Test::new()
        .args(["--input", "jsonl", "-q", quiet, "0.2"])
        .stdin(
            "{\"type\":\"wait\",\"seconds\":0.5}\n{\"type\":\"text\",\"data\":\"a\"}\n\
             {\"type\":\"wait\",\"seconds\":0.5}\n",
        )
        .peer(move |peer| {
            peer.open();
            peer.expect_text("a");
            assert!(start.elapsed() >= Duration::from_millis(500));
            peer.answer_close(1000);
            assert!(start.elapsed() >= Duration::from_millis(1200));
        })
        .run();
}

#[test]
fn a_line_is_performed_when_it_arrives() {
    Test::new()
        .args(["--input", "jsonl"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.child.write("{\"type\":\"text\",\"da");
            peer.child.write("ta\":\"a\"}\n");
            peer.expect_text("a");
            peer.close(1000);
        })
        .run();
}

/// A wait at the end of stdin must neither delay anything else nor take processor time.
#[test]
fn a_wait_delays_neither_a_close_nor_max_time() {
    Test::new()
        .args(["--input", "jsonl", "-m", "0.5"])
        .stdin("{\"type\":\"wait\",\"seconds\":900}\n")
        .peer(|peer| {
            peer.open();
            peer.answer_close(1000);
        })
        .stderr("sockeye: {peer}: the run (--max-time) timed out after 0.5 seconds\n")
        .status(28)
        .takes_at_least(500)
        .run();
    Test::new()
        .args(["--input", "jsonl"])
        .stdin("{\"type\":\"text\",\"data\":\"a\"}\n{\"type\":\"wait\",\"seconds\":900}\n")
        .peer(|peer| {
            peer.open();
            peer.expect_text("a");
            peer.close(1000);
        })
        .run();
}

/// Lines that report events, or follow a close, do not count as unsent.
#[test]
fn lines_that_are_not_sent_do_not_count_as_unsent() {
    let dropped =
        |lines: &str| typed(lines).peer([Action::Gets(0x88, vec![0x03, 0xe8]), super::Drops]);
    table([
        dropped("{\"type\":\"close\",\"code\":1000}\n{\"type\":\"end\"}\n\n"),
        typed(
            "{\"type\":\"text\",\"data\":\"a\"}\n{\"type\":\"wait\",\"seconds\":9}\n{\"type\":\"end\"}\n\n",
        )
        .peer([gets("a"), Closes(1000)]),
    ]);
}
