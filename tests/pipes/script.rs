//! Scripts of -x and --expect.

use super::{Answers, Closes, Sends, Waits, gets, row, says, table};
use crate::support::{Stdin, Test, wire::text};

#[test]
fn each_step_waits_for_its_answer() {
    table([
        row("-x login --expect ok -x sub --expect ^subscribed -w 0")
            .no_stdin()
            .peer([
                gets("login"),
                says("welcome"),
                says("ok"),
                gets("sub"),
                says("not subscribed"),
                says("subscribed"),
                Answers(1000, ""),
            ])
            .stdout("welcome\nok\nnot subscribed\nsubscribed\n"),
        // A greeting first, and two expectations in a row.
        row("--expect hello -x a --expect 1 --expect 2 -w 0")
            .no_stdin()
            .peer([says("hello"), gets("a"), says("1"), says("2"), Answers(1000, "")])
            .stdout("hello\n1\n2\n"),
        // Both answers in one segment.
        row("-x a --expect 1 --expect 2 -w 0")
            .no_stdin()
            .peer([gets("a"), Sends([text("1"), text("2")].concat()), Answers(1000, "")])
            .stdout("1\n2\n"),
        // Messages before the first --expect are sent without waiting, in the given order.
        row("-x a -x b --expect 1 -x c -w 0")
            .no_stdin()
            .peer([gets("a"), gets("b"), says("1"), gets("c"), Answers(1000, "")])
            .stdout("1\n"),
        // Stdin follows the script.
        row("-x a --expect 1")
            .stdin("b\n")
            .peer([gets("a"), Waits(50), says("1"), gets("b"), Closes(1000)])
            .stdout("1\n"),
        // The delimiter does not matter.
        row("-0 -x a --expect 1 -w 0")
            .no_stdin()
            .peer([gets("a"), says("1"), Answers(1000, "")])
            .stdout("1\0"),
    ]);
}

#[test]
fn a_missing_answer_is_reported_with_the_received_messages() {
    let error =
        |rest: &str| format!("sockeye: no message matched 'ok' within 0.3 seconds: {rest}\n");
    let run = |actions: Vec<super::Action>| {
        row("-x a --expect ok -x never --expect-timeout 0.3").no_stdin().peer(actions)
    };
    table([
        run(vec![gets("a"), Answers(1000, "")]).stderr(error("none received")).status(112),
        run(vec![gets("a"), says("no\x1b["), Answers(1000, "")])
            .stdout("no\x1b[\n")
            .stderr(error("1 received, the last 'no\\x1b['"))
            .status(112),
        run(vec![gets("a"), says("1"), says("2"), Answers(1000, "")])
            .stdout("1\n2\n")
            .stderr(error("2 received, the last '2'"))
            .status(112),
        run(vec![gets("a"), says("1"), Closes(1000)])
            .stdout("1\n")
            .stderr(
                "sockeye: the session ended before a message matched 'ok': 1 received, the last \
                 '1'\n",
            )
            .status(112),
        // The session's own status takes precedence.
        run(vec![gets("a"), Closes(4001)])
            .stderr("sockeye: {peer} closed the connection: 4001 (private use)\n")
            .status(111),
    ]);
}

#[test]
fn messages_before_an_expectation_are_told_from_those_after_it() {
    let error =
        "sockeye: no message matched 'b' within 0.3 seconds: 1 received before, none since\n";
    let early = "sockeye: the session ended before a message matched 'b': 1 received before, none \
                 since\n";
    let run = |args: &'static str, end| {
        row(args).no_stdin().peer([says("a"), end]).stdout("a\n").status(112)
    };
    table([
        run("--expect a --expect b --expect-timeout 0.3", Answers(1000, "")).stderr(error),
        run("--expect a --expect b", Closes(1000)).stderr(early),
    ]);
}

/// A shell removes line ends from the output of a command, but a variable may have been set from a
/// file.
#[test]
fn a_variable_loses_one_line_end() {
    for (value, sent) in [("t0ken\r\n", "<t0ken>"), ("t0ken\n\n", "<t0ken\n>")] {
        Test::new()
            .env("TOKEN", value)
            .args(["--expand", "-x", "<${env:TOKEN}>", "-w", "0"])
            .stdin(Stdin::Null)
            .peer(move |peer| {
                peer.open();
                peer.expect_text(sent);
                peer.answer_close(1000);
            })
            .run();
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_not_called_unset() {
    use std::os::unix::ffi::OsStringExt as _;
    Test::new()
        .env("TOKEN", std::ffi::OsString::from_vec(b"\xff".to_vec()))
        .args(["--expand", "-x", "${env:TOKEN}", "ws://127.0.0.1:1"])
        .stderr(
            "sockeye: invalid value '${env:TOKEN}' for '--execute <MESSAGE>': the environment \
             variable 'TOKEN' is not valid UTF-8 at column 1\n",
        )
        .status(2)
        .run();
}

/// Formerly, the message was cut before its secrets were looked for, and the rest of one was shown.
#[test]
fn a_secret_that_is_cut_off_in_a_quoted_message_is_not_shown() {
    let start = "a".repeat(70);
    let sent = format!("{start}S3cr3tTokenXYZabcdefghijklmnopqrstuvwxyz");
    Test::new()
        .env("TOKEN", "S3cr3tTokenXYZabcdefghijklmnopqrstuvwxyz")
        .args(["--expand", "--expect", "nope", "--expect-timeout", "0.3"])
        .args(["-x".to_owned(), format!("{start}${{env:TOKEN}}"), "--expect".into(), "no".into()])
        .stdin(Stdin::Null)
        .peer({
            let sent = sent.clone();
            move |peer| {
                peer.open();
                peer.send(text(&sent));
                peer.answer_close(1000);
            }
        })
        .stdout(format!("{sent}\n"))
        .stderr(format!(
            "sockeye: no message matched 'nope' within 0.3 seconds: 1 received, the last \
             '{start}[redacted]...'\n"
        ))
        .status(112)
        .run();
}

#[test]
fn invalid_patterns_and_closes_are_usage_errors() {
    for (args, words) in [
        (&["--until", "a("][..], "invalid value 'a(' for '--until <MATCHER>': unclosed group"),
        (&["--expect", "*"], "invalid value '*' for '--expect <MATCHER>'"),
        (
            &["--until", "json:/a/~2"],
            "invalid value 'json:/a/~2' for '--until <MATCHER>': in a JSON pointer, ~ is followed \
             by 0 or 1 at column 9",
        ),
        (&["--close", "1005"], "the close code 1005 must not be sent (RFC 6455, 7.4)"),
        (&["--close", "99999"], "not a close code"),
        (&["--close", "bye"], "not a close code"),
        (&["--delimiter", "crlf"], "invalid value 'crlf' for '--delimiter <FRAMING>'"),
        (&["-0", "--delimiter", "lf"], "cannot be used with"),
        (&["--send-only", "--receive-only"], "cannot be used with"),
        (&["--send-only", "--echo"], "cannot be used with"),
        (&["--output", "json"], "invalid value 'json' for '--output <FORMAT>'"),
    ] {
        Test::new()
            .args(args.iter().copied())
            .args(["ws://127.0.0.1:1"])
            .stderr_has(["sockeye: ", words])
            .status(2)
            .run();
    }
}

#[test]
fn a_json_pattern_compares_values() {
    let others = [r#"{"id":10}"#, r#"{"id":"1"}"#, r#"{"a":{"id":1}}"#, "json:/id=1", r#"{"id":1"#];
    let long = format!(r#"{{"list":[{}0],"id" : 1}}"#, "\"x\",".repeat(300_000));
    for (pattern, last) in [
        ("json:/id=1", r#"{ "id" : 1.0 }"#),
        ("json:/id=1", &long),
        ("json:/result", "{\"result\":null}\x1e"),
        ("json:/ok=true", r#"{"ok":true}"#),
        ("json:/0/op=sub", r#"[{"op":"sub"}]"#),
    ] {
        let mut peer: Vec<_> = others.iter().map(says).collect();
        peer.extend([says(last), Answers(1000, "")]);
        table([row("")
            .args(["--until", pattern])
            .no_stdin()
            .peer(peer)
            .stdout(format!("{}\n{last}\n", others.join("\n")))]);
    }
}

#[test]
fn a_script_goes_on_before_the_close_of_the_peer_is_answered() {
    let bye = || Sends([text("A"), crate::support::wire::close(1000, "")].concat());
    let echo = || super::Action::Gets(0x88, vec![0x03, 0xe8]);
    table([
        row("-x hi --expect A -x important")
            .no_stdin()
            .peer([gets("hi"), bye(), gets("important"), echo()])
            .stdout("A\n"),
        row("-x hi --expect A -x important --expect B")
            .no_stdin()
            .peer([gets("hi"), bye(), gets("important"), echo()])
            .stdout("A\n")
            .stderr(
                "sockeye: the session ended before a message matched 'B': 1 received before, none \
                 since\n",
            )
            .status(112),
    ]);
}

/// The match arrives in time, but stdout is read late.
#[test]
fn a_slow_reader_of_stdout_does_not_delay_the_match() {
    let flood = text("x".repeat(1000)).repeat(1000);
    Test::new()
        .args(["-q", "--expect", "MATCH", "--expect-timeout", "0.3", "-w", "0"])
        .hold_stdout()
        .peer(move |peer| {
            peer.open();
            peer.send([flood, text("MATCH")].concat());
            std::thread::sleep(std::time::Duration::from_millis(400));
            peer.child.read_stdout(&format!("{}\n", "x".repeat(1000)).repeat(1000));
            peer.child.read_stdout("MATCH\n");
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn a_shell_loop_that_loses_its_stdin_is_told() {
    let note = "sockeye: read 10 bytes of the stdin of the shell, too: in a loop that reads it, pass \
                --receive-only or </dev/null\n";
    Test::new()
        .shell("while read -r line; do \"$@\" -x \"$line\" --count 3; done")
        .stdin("one\ntwo\nthree\n")
        .peer(|peer| {
            peer.open();
            for line in ["one", "two", "three"] {
                peer.expect_text(line);
            }
            peer.send([text("1"), text("2"), text("3")].concat());
            peer.answer_close(1000);
        })
        .stdout("1\n2\n3\n")
        .stderr(note)
        .run();
    // With --receive-only, the loop goes on.
    Test::new()
        .shell("while read -r line; do \"$@\" -x \"$line\" --count 1 --receive-only; done")
        .stdin("one\ntwo\n")
        .peer(|peer| {
            for line in ["one", "two"] {
                if line == "two" {
                    peer.next_client();
                }
                peer.open();
                peer.expect_text(line);
                peer.send(text(line));
                peer.answer_close(1000);
            }
        })
        .stdout("one\ntwo\n")
        .run();
    // A pipe that is for this run alone.
    Test::new()
        .shell("printf 'two\\n' | \"$@\" -x one --count 1")
        .peer(|peer| {
            peer.open();
            peer.expect_text("one");
            peer.expect_text("two");
            peer.send(text("1"));
            peer.answer_close(1000);
        })
        .stdout("1\n")
        .run();
}

#[test]
fn n_without_tls_is_told_what_it_is() {
    Test::new()
        .args(["-n"])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr(
            "sockeye: -n is --insecure, which has no effect on ws://; --receive-only leaves stdin \
             unread as ssh -n does, and -w -1 goes on after its end as websocat -n does\n",
        )
        .run();
}
