//! Systems that refuse descriptors or long files.

use crate::support::{
    Test, closed_port,
    server::Server,
    wire::{frame, text},
};
use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs the binary with this many descriptors.
fn with_descriptors(count: u32, args: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", "ulimit -c 0; ulimit -n $0; exec \"$@\""]).stdin(Stdio::null());
    command.arg(count.to_string()).arg(env!("CARGO_BIN_EXE_sockeye")).args(args);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().expect("bash starts")
}

#[test]
fn few_descriptors_are_an_error_in_words_in_every_mode() {
    let (_reserved, port) = closed_port();
    let (plain, tls) = (format!("ws://127.0.0.1:{port}/"), format!("wss://localhost:{port}/"));
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (record, har) = (path("run.jsonl"), path("run.har"));
    let runs: [&[&str]; 8] = [
        &[&plain],
        &["-x", "hi", &tls],
        &["-v", "--record", &record, "--har", &har, &plain],
        &["--http2", &plain],
        &["demo", "-x", "hi", "--count", "1"],
        &["listen", "nosuch.invalid:0"],
        &["man"],
        &["show", "/no/such/recording"],
    ];
    // With less, bash and the dynamic linker lack some too.
    for count in 6..20 {
        for args in runs {
            let output = with_descriptors(count, args);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let status = output.status.code();
            let place = format!("{args:?} with {count}: {status:?}, {stderr}");
            let in_words = ["too many open files", "refused", "resol", "no such file", "name"];
            let lines = stderr.lines().filter(|line| line.starts_with("sockeye: ")).count();
            assert!(status.is_some_and(|code| code < 100), "{place}");
            assert!(!stderr.contains("panicked"), "{place}");
            if status != Some(0) {
                assert_eq!(lines, 1, "{place}");
                assert!(in_words.iter().any(|words| stderr.contains(words)), "{place}");
            }
        }
    }
    assert!(Path::new(&record).exists());
}

#[test]
fn a_run_without_descriptors_for_its_runtime_says_what_to_allow() {
    let output = with_descriptors(8, &["ws://127.0.0.1:1/"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "sockeye: cannot start: too many open files (os error 24)\n\n\
         hint: allow more open files: ulimit -n 256\n"
    );
}

/// Regression: reconnecting continued for ever.
#[test]
fn a_reconnecting_run_ends_when_it_lacks_descriptors() {
    let (_reserved, port) = closed_port();
    let (plain, named) = (format!("ws://127.0.0.1:{port}/"), format!("ws://localhost:{port}/"));
    let mut lacked = 0;
    for url in [&plain, &named] {
        for count in 6..20 {
            let args = ["--reconnect=1", "--reconnect-delay", "0", url.as_str()];
            let output = with_descriptors(count, &args);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let place = format!("{url} with {count}: {stderr}");
            assert!(output.status.code().is_some_and(|code| code != 0 && code < 100), "{place}");
            if stderr.contains("too many open files") {
                lacked += 1;
                // An attempt before it may have been refused.
                assert_eq!(stderr.matches("too many open files").count(), 1, "{place}");
                assert!(
                    stderr.ends_with("hint: allow more open files: ulimit -n 256\n"),
                    "{place}"
                );
            } else {
                assert!(stderr.contains("reconnecting"), "{place}");
            }
        }
    }
    assert!(lacked > 2, "{lacked}");
}

/// Regression: SIGXFSZ ended the process, and at the prompt left the terminal raw.
#[test]
fn a_limit_of_the_size_of_files_ends_no_run_by_a_signal() {
    let message = "x".repeat(3 << 20);
    let limited = |args: &[&str]| {
        let frames = [frame(0x01, &message), frame(0x80, "y"), text("z")].concat();
        Test::new().shell("ulimit -f 2048; exec \"$@\"").args(args).peer(|peer| {
            peer.open();
            peer.send(frames);
            peer.close(1000);
        })
    };
    let lengths = [&(message.len() as u32 + 1).to_be_bytes(), message.as_bytes(), b"y\0\0\0\x01z"];
    limited(&["--delimiter", "length"]).stdout(lengths.concat()).run();
    let dir = tempfile::tempdir().expect("a directory");
    let record = dir.path().join("run.jsonl").display().to_string();
    limited(&["--record", &record])
        .stdout(format!("{message}y\nz\n"))
        .stderr(format!("sockeye: cannot write {record}: file too large (os error 27)\n"))
        .status(23)
        .run();
}

/// Regression: if the run ended with any status but 0, nothing said that the recording was incomplete.
#[test]
fn an_incomplete_recording_is_told_whatever_the_status() {
    let dir = tempfile::tempdir().expect("a directory");
    for option in ["--record", "--har"] {
        let file = dir.path().join(option).display().to_string();
        Test::new()
            .shell("ulimit -f 64; exec \"$@\"")
            .args([option, &file, "-w", "-1"])
            .stdout(format!("{}\n", "x".repeat(200_000)))
            .stderr_has([&format!("sockeye: cannot write {file}: file too large"), "4001"])
            .status(111)
            .peer(|peer| {
                peer.open();
                peer.send(text("x".repeat(200_000)));
                peer.close(4001);
            })
            .run();
    }
}

/// Regression: a server said nothing until it ended, and nothing at all if its status was not 0.
#[test]
fn an_incomplete_recording_of_a_server_is_told_when_a_session_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    for option in ["--record", "--har"] {
        let file = dir.path().join(option).display().to_string();
        // A HAR is collected in a temporary file.
        let words = "file too large (os error 27)";
        let server = Server::setup(["listen", "--echo", "-v", option, &file, "-m", "3"])
            .shell("ulimit -f 64; exec \"$@\"")
            .start();
        for id in 1..3 {
            let mut client = server.join(id);
            client.send("x".repeat(200_000));
            client.expect_text(&"x".repeat(200_000));
            client.close();
            // At the end of the first session, and not again at that of the second.
            server.child.await_stderr(words);
        }
        let end = server.ends_with(28);
        assert_eq!(end.stderr.matches(words).count(), 2, "{}", end.stderr);
    }
}
