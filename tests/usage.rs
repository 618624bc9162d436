//! Invalid command lines (2), malformed URLs (3), and unsupported features (4).

use crate::support::{Expected, Stdin, Test};

#[test]
fn a_bad_option_is_not_taken_for_anything_else() {
    for (args, fault) in [
        (&["--nosuch", "ws://h"][..], "unexpected argument '--nosuch'"),
        (&["--count", "0", "ws://h"], "invalid value '0' for '--count <N>'"),
        (&["--count", "x", "ws://h"], "invalid value 'x' for '--count <N>'"),
        (&["-w", "-2", "ws://h"], "invalid value '-2' for '--wait <SECONDS>'"),
        (&["--quiet-for", "1s", "ws://h"], "invalid value '1s' for '--quiet-for <SECONDS>'"),
        (&["--max-message", "1KB", "ws://h"], "invalid value '1KB' for '--max-message <BYTES>'"),
        (&["--fragment", "0", "ws://h"], "invalid value '0' for '--fragment <BYTES>'"),
        (&["-p", "300", "ws://h"], "invalid value '300' for '--protocol <VERSION>'"),
        (&["--max-redirects", "x", "ws://h"], "invalid value 'x' for '--max-redirects [<N>]'"),
        (&["-s", "two words", "ws://h"], "invalid value 'two words' for '--subprotocol <NAME>'"),
        (&["-4", "-6", "ws://h"], "cannot be used with"),
        (&["-q", "-v", "ws://h"], "cannot be used with"),
        (&["completions", "tcsh"], "invalid value 'tcsh' for '<SHELL>'"),
    ] {
        Test::new()
            .args(args.iter().copied())
            .stderr_has(["sockeye: ", fault, "\n\nhint: "])
            .status(2)
            .run();
    }
}

#[test]
fn a_second_url_is_not_taken_for_a_subcommand() {
    let send = "send messages with -x MESSAGE or through stdin";
    let proxy = "the first is the server; 'sockeye proxy ADDRESS URL' passes on between two";
    for (second, hint) in [("ws://b", proxy), ("hello", send), ("listen", send)] {
        Test::new()
            .args(["ws://a", second])
            .stderr(format!(
                "sockeye: unexpected argument '{second}': only one URL is accepted\n\n\
                 hint: {hint}\n"
            ))
            .status(2)
            .run();
    }
}

#[test]
fn a_misspelled_option_is_named_and_not_the_url() {
    for (args, fault) in [
        (&["--cont", "1", "ws://h"][..], "'--cont'"),
        (&["--untl", "x", "ws://h"], "'--untl'"),
        (&["-l", "0", "-x", "hi"], "-x does not apply to a server"),
        (&["-l", "0", "--expect", "hi"], "--expect does not apply to a server"),
        (&["-l", "0", "-b"], "-b does not apply to a server"),
        (&["-l", "0", "--output", "jsonl"], "--output does not apply to a server"),
    ] {
        Test::new().args(args.iter().copied()).stderr_has(["sockeye: ", fault]).status(2).run();
    }
}

#[test]
fn the_last_of_an_option_counts_as_in_curl() {
    Test::new()
        .args(["-w", "9", "-w", "0", "-x", "hi"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi");
            peer.answer_close(1000);
        })
        .run();
}

#[test]
fn a_header_cannot_smuggle_another_one() {
    for header in [
        "X-A: b\r\nX-B: c",
        "X-A: b\nX-B: c",
        "X-A: b\rX-B: c",
        "X\nA: b",
        "X A: b",
        "X\u{e9}: b",
        "(X): b",
        ": b",
        "X-A",
        "",
    ] {
        Test::new()
            .args(["-H", header, "ws://127.0.0.1:1"])
            .stderr_has(["sockeye: invalid value", "for '--header <NAME:VALUE>'"])
            .status(2)
            .run();
    }
    for (option, name) in [("-o", "--origin"), ("-A", "--user-agent"), ("--host", "--host")] {
        Test::new()
            .args([option, "a\r\nX-B: c", "ws://127.0.0.1:1"])
            .stderr_has(["sockeye: invalid value", name])
            .status(2)
            .run();
    }
}

#[test]
fn a_misspelt_subcommand_is_not_a_host() {
    for (args, word, name) in [
        (&["lisen", "9000"][..], "lisen", "listen"),
        (&["-v", "demos"], "demos", "demo"),
        (&["completion", "bash"], "completion", "completions"),
    ] {
        let expected = format!(
            "sockeye: unknown subcommand '{word}'\n\n\
             hint: did you mean '{name}'? For a host of that name, use ws://{word}\n"
        );
        Test::new().args(args.iter().copied()).stderr(expected).status(2).run();
    }
}

#[test]
fn a_missing_url_is_reported() {
    let fault = "sockeye: no URL given\n\nhint: try 'sockeye wss://example.com/path', or see 'sockeye --help'\n";
    Test::new().args(["-v"]).stderr(fault).status(2).run();
    // A secret may look like an address.
    for args in [["--until", "localhost:9000"], ["-x", "wss://h/"], ["-u", "a.b:1234"]] {
        let hint = format!("hint: the last word is the value of {}; a URL must follow", args[0]);
        Test::new().args(args).stderr_has([&hint]).status(2).run();
    }
}

#[test]
fn nothing_at_all_shows_a_few_lines_as_an_error() {
    Test::new()
        .stderr_has(["sockeye talks to", "sockeye listen 9000", "sockeye help"])
        .status(2)
        .run();
}

#[test]
fn help_and_version_are_output_not_errors() {
    let version = concat!("sockeye ", env!("CARGO_PKG_VERSION"), "\n");
    for arg in ["--version", "-V", "version"] {
        Test::new().args([arg]).stdout(version).run();
    }
    let has = |args: &[&str], parts: &[&str]| {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        Test::new().args(args.iter().copied()).stdout(Expected::Parts(parts)).run();
    };
    for args in [&["--help"][..], &["help"], &["help", "all"], &["ws://h", "-v", "--help"]] {
        has(
            args,
            &[
                "See into your sockets",
                "Usage: sockeye [OPTIONS] URL\n",
                "Scripts and pipes:",
                "Request:",
                "--write-out",
                "Examples:\n",
                "jq .",
                "exit-codes",
            ],
        );
    }
    for args in [&["-h"][..], &["-vh"], &["ws://h", "-h"]] {
        has(
            args,
            &["Send and receive:", "Connect:", "Watch:", "Examples:\n", "sockeye help TOPIC"],
        );
    }
}

#[test]
fn help_about_a_topic_has_its_options_and_its_part_of_the_manual() {
    for (args, parts) in [
        (&["help", "tls"][..], &["\nTLS:\n", "--pin"][..]),
        (&["--help", "tls"], &["\nTLS:\n", "--pin"]),
        (&["-h", "proxies"], &["--noproxy", "wss_proxy"]),
        (&["help", "proxy"], &["Usage: sockeye proxy", "--response-header"]),
        (&["help", "scripting"], &["--expect", "PIPE MODE", "(?<NAME>...)"]),
        (&["help", "exit-codes"], &["  112\n      --count, --until or --expect was not met.\n"]),
        (&["help", "config"], &["      [target.dev]\n      url = \"wss://dev.example.com/ws\"\n"]),
        (&["help", "listen"], &["Run a WebSocket server", "Usage: sockeye listen", "--broadcast"]),
        (&["help", "topics"], &["connecting", "exit-codes"]),
    ] {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        Test::new().args(args.iter().copied()).stdout(Expected::Parts(parts)).run();
    }
    Test::new()
        .args(["help", "scriptin"])
        .stderr(
            "sockeye: no help about 'scriptin'\n\nhint: did you mean 'sockeye help scripting'?\n",
        )
        .status(2)
        .run();
}

#[test]
fn an_option_of_websocat_is_answered_with_the_one_for_it() {
    for (args, hint) in [
        (&["-1", "ws://h"][..], "hint: --count 1 closes"),
        (&["-E", "ws://h"], "hint: the session closes by itself after the end of stdin"),
        (&["-U", "ws://h"], "hint: --receive-only"),
        (&["--no-close", "ws://h"], "hint: -w -1"),
        (&["--text", "ws://h"], "hint: messages are text"),
        (&["--protocol", "chat", "ws://h"], "hint: --protocol is the version"),
        (&["-u", "ws://h"], "hint: -u is --auth"),
        (&["-s", "8080"], "hint: -s is --subprotocol; 'sockeye listen PORT'"),
    ] {
        Test::new().args(args.iter().copied()).stderr_has([hint]).status(2).run();
    }
}

/// Regression: `proxy --exec` was answered with `-x`, which only the client has.
#[test]
fn a_hint_names_options_of_the_subcommand() {
    for (args, hint) in [
        (&["--exec", "hi", "ws://h"][..], "hint: -x MESSAGE sends a message"),
        (&["proxy", "--exec", "hi"], "hint: run sockeye proxy --help"),
        (&["listen", "9000", "--timeout", "1"], "hint: --max-time SECONDS"),
        (&["check", "--token", "x", "ws://h"], "hint: --bearer TOKEN"),
        (&["show", "--retry", "x"], "hint: run sockeye show --help"),
        (&["check"], "sockeye: no URL given\n\nhint: run sockeye check --help"),
    ] {
        Test::new().args(args.iter().copied()).stderr_has([hint]).status(2).run();
    }
}

/// Regression: these faults were in the words of the parser of numbers, and `tcsh` had the hint that
/// `zsh` is similar.
#[test]
fn an_invalid_value_is_named_with_what_is_valid() {
    let invalid = |args: &[&str], fault: &str| {
        let hint = "hint: run sockeye --help for a list of options";
        let fault = format!("sockeye: invalid value {fault}\n\n{hint}\n");
        Test::new().args(args.iter().copied()).stderr(fault).status(2).run();
    };
    invalid(&["--count", "x", "h"], "'x' for '--count <N>': not a whole number, at least 1");
    invalid(&["--count=0", "h"], "'0' for '--count <N>': not a whole number, at least 1");
    invalid(&["listen", "--seed", "x"], "'x' for '--seed <N>': not a whole number");
    let level = "'10' for '--compress-level <N>': not a whole number from 1 to 9";
    invalid(&["--compress-level", "10", "h"], level);
    let shells = "bash, elvish, fish, powershell, zsh";
    let shell = format!("'tcsh' for '<SHELL>'\n  [possible values: {shells}]");
    invalid(&["completions", "tcsh"], &shell);
}

#[test]
fn a_malformed_url_is_named_with_its_fault() {
    let hash = "\n\nhint: write # as %23 if it belongs to the path or query";
    let space = "\n\nhint: write a space as %20";
    let scheme = "\n\nhint: use ws:// or wss://";
    for (url, fault, hint) in [
        ("", "it is empty", ""),
        ("ws://", "no host", ""),
        ("ws:///path", "no host", ""),
        ("ws://:80/", "no host", ""),
        ("ws:/h", "no // after the scheme", ""),
        ("wss:h", "no // after the scheme", ""),
        ("ftp://h/", "unknown scheme 'ftp'", scheme),
        ("ws://h:0/", "not a port from 1 to 65535", ""),
        ("ws://h:65536/", "not a port from 1 to 65535", ""),
        ("ws://h:port/", "not a port from 1 to 65535", ""),
        ("ws://[::1/", "not a host name or address", ""),
        ("ws://1.2.3.999/", "not a host name or address", ""),
        ("ws://h<x/", "not a host name or address", ""),
        ("ws://h/#x", "a WebSocket URL has no fragment (#)", hash),
        ("ws://h/a b", "white space or a control character", space),
        ("ws://[fe80::1%]/", "not a host name or address", ""),
    ] {
        let expected = format!("sockeye: malformed URL '{url}': {fault}{hint}\n");
        Test::new().args([url]).stderr(expected).status(3).run();
    }
}

#[test]
fn a_delimiter_in_a_password_is_named_and_the_password_is_not() {
    for (delimiter, code) in [('#', "%23"), ('/', "%2F"), ('?', "%3F")] {
        Test::new()
            .args([format!("ws://user:open{delimiter}sesame@127.0.0.1:1/")])
            .stderr(format!(
                "sockeye: malformed URL 'ws://[redacted]@127.0.0.1:1/': a {delimiter} before the @, \
                 perhaps in the password\n\n\
                 hint: write {delimiter} as {code} in user and password, or pass them with --auth\n"
            ))
            .status(3)
            .run();
    }
    Test::new()
        .args(["ws://user:12#34@127.0.0.1:1/"])
        .stderr_has(["malformed URL 'ws://[redacted]@127.0.0.1:1/': a # before the @"])
        .status(3)
        .run();
}

#[test]
fn a_carriage_return_at_the_end_has_a_hint() {
    let hint = "\n\nhint: remove the carriage return, which ends each line of a file with Windows \
                line ends (tr -d '\\r' <FILE does so)\n";
    Test::new()
        .args(["ws://127.0.0.1:1/\r"])
        .stderr(format!(
            "sockeye: malformed URL 'ws://127.0.0.1:1/\\r': it ends with a carriage return{hint}"
        ))
        .status(3)
        .run();
    for (args, option) in [
        (["-H", "X-A: b\r"], "--header"),
        (["-o", "http://o\r"], "--origin"),
        (["-w", "5\r"], "--wait"),
        (["-s", "chat\r"], "--subprotocol"),
        (["--count", "5\r"], "--count"),
    ] {
        Test::new()
            .args(args)
            .args(["ws://127.0.0.1:1/"])
            .stderr_has(["sockeye: invalid value", option, hint])
            .status(2)
            .run();
    }
    for (args, option) in [
        (["--every", "1\r", "x"], "'1\\r' for '--every <SECONDS> <MESSAGE>'"),
        (["--answer", "x", "@/nosuch\r"], "cannot read /nosuch\\r: "),
    ] {
        Test::new()
            .args(args)
            .args(["ws://127.0.0.1:1"])
            .stderr_has(["sockeye: ", option, hint])
            .status(2)
            .run();
    }
    for args in [["--every", "9", "x\r"], ["--answer", "never", "hi\r"]] {
        Test::new()
            .args(args)
            .stdin(Stdin::Null)
            .peer(move |peer| {
                peer.open();
                if args[0] == "--every" {
                    peer.expect_text("x\r");
                }
                peer.close(1000);
            })
            .stderr(format!(
                "sockeye: a message of {} ends with a carriage return: remove the carriage return, \
                 which ends each line of a file with Windows line ends (tr -d '\\r' <FILE does \
                 so)\n",
                args[0]
            ))
            .run();
    }
    Test::new()
        .args(["-x", "hi\r"])
        .peer(|peer| {
            peer.open();
            peer.expect_text("hi\r");
            peer.close(1000);
        })
        .stderr(
            "sockeye: a message of -x ends with a carriage return: remove the carriage return, which \
             ends each line of a file with Windows line ends (tr -d '\\r' <FILE does so)\n",
        )
        .run();
}

#[test]
fn stdin_is_one_message_at_most() {
    for args in [
        &["-x", "@-", "-x", "@-"][..],
        &["-x", "@-", "--every", "1", "@/dev/stdin"],
        &["--answer", "x", "@-", "--answer", "y", "@-"],
    ] {
        Test::new()
            .args(args.iter().copied())
            .args(["ws://127.0.0.1:1"])
            .stderr(
                "sockeye: two messages cannot be read from stdin (@-)\n\n\
                 hint: write the input to a file and send that with @FILE\n",
            )
            .status(2)
            .run();
    }
}

#[test]
fn cookies_are_not_written_to_stdout() {
    Test::new()
        .args(["--cookie-jar", "-", "ws://127.0.0.1:1"])
        .stderr_has([
            "invalid value '-' for '--cookie-jar <FILE>': cookies are not written to stdout (a file of this name is ./-)",
        ])
        .status(2)
        .run();
}

#[test]
fn an_error_shows_the_start_of_a_long_value() {
    let long = "x ".repeat(6000);
    let shown = format!("'{}...'", "x ".repeat(60));
    for args in [
        vec!["--append".to_owned(), format!("{long}\\q")],
        vec!["--every".to_owned(), long.clone(), "x".to_owned()],
        vec!["--until".to_owned(), format!("{long}(")],
        vec!["--expand".to_owned(), "-x".to_owned(), format!("{long}${{nosuch}}")],
    ] {
        let outcome = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(&args)
            .arg("ws://127.0.0.1:1")
            .output()
            .unwrap();
        let stderr = String::from_utf8(outcome.stderr).unwrap();
        assert!(stderr.contains(&shown) && stderr.len() < 1000, "{args:?}: {stderr}");
        assert_eq!(outcome.status.code(), Some(2));
    }
}

#[test]
fn a_subprotocol_is_offered_once() {
    for args in [&["-s", "a", "-s", "a"][..], &["-s", "b,a", "-s", "c, a"], &["-s", "a,a"]] {
        Test::new()
            .args(args.iter().copied())
            .args(["ws://127.0.0.1:1/"])
            .stderr(
                "sockeye: the subprotocol 'a' is given twice (-s)\n\n\
                 hint: offer each subprotocol once (RFC 6455, 4.1)\n",
            )
            .status(2)
            .run();
    }
}

#[test]
fn a_hostile_url_does_not_reach_the_terminal() {
    Test::new()
        .args(["ws://h/\x1b[31m"])
        .stderr(
            "sockeye: malformed URL 'ws://h/\\x1b[31m': white space or a control character\n\n\
             hint: write a space as %20\n",
        )
        .status(3)
        .run();
}

#[test]
fn the_url_may_also_be_named_as_wscat_does() {
    for name in ["-c", "--connect"] {
        Test::new()
            .args([name, "ws://127.0.0.1:{port}/"])
            .peer(|peer| {
                peer.open();
                peer.close(1000);
            })
            .run();
    }
}
