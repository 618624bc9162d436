//! Endless files wherever an option names a file: each is rejected, and no run hangs or exhausts
//! memory.

use crate::support::{Authority, Expected, Peer, Test};

#[test]
fn endless_files_are_refused_wherever_a_file_is_named() {
    for (args, status) in [
        (&["--cert", "/dev/zero"][..], 58),
        (&["--netrc=/dev/zero"], 2),
        (&["-H", "@/dev/zero"], 2),
        (&["--config", "/dev/zero"], 2),
        (&["--bearer", "file:/dev/zero"], 2),
        (&["--write-out", "@/dev/zero"], 2),
        (&["--cookie", "/dev/zero"], 2),
    ] {
        Test::new()
            .args(args.iter().copied())
            .args(["wss://127.0.0.1:1/"])
            .stderr_has(["longer than"])
            .status(status)
            .run();
    }
}

#[test]
fn a_pipe_that_nobody_writes_does_not_hang_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    Test::new()
        .args([format!("--netrc={}", fifo.display()), "ws://127.0.0.1:1/".to_owned()])
        .stderr("sockeye: cannot read [..]/fifo: no process writes to it\n")
        .status(2)
        .run();
}

#[test]
fn max_time_ends_the_wait_for_a_file_wherever_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    // It is open for writing, and silent.
    let _writer = std::fs::File::options().read(true).write(true).open(&fifo).unwrap();
    let fifo = fifo.display().to_string();
    for option in ["--cert=", "--netrc=", "-H@", "--config=", "--bearer=file:", "--write-out=@"] {
        Test::new()
            .args([&format!("{option}{fifo}"), "-m", "0.2", "wss://127.0.0.1:1/"])
            .stderr(
                "sockeye: the run (--max-time) timed out after 0.2 seconds, before it connected\n",
            )
            .status(28)
            .run();
    }
}

/// Regression: the time of the run was checked only while the file delivered nothing.
#[test]
fn max_time_ends_the_reading_of_a_file_without_an_end() {
    Test::new()
        .args(["-x", "@/dev/urandom", "-m", "0.2", "ws://127.0.0.1:1/"])
        .stderr("sockeye: the run (--max-time) timed out after 0.2 seconds, before it connected\n")
        .status(28)
        .run();
}

#[test]
fn variables_that_name_endless_files_are_faults_or_ignored() {
    let authority = Authority::new();
    for (name, value, words) in [
        ("SSL_CERT_FILE", "/dev/zero", "/dev/zero: longer than 8 MiB"),
        ("SSL_CERT_DIR", "/proc/self", "/proc/self: no PEM certificate found"),
        ("SSL_CERT_FILE", "/nowhere", "/nowhere: "),
    ] {
        Test::new()
            .env(name, value)
            .tls_peer(authority.issue().server(), Peer::discard_all)
            .stderr_has([words])
            .status(77)
            .run();
    }
    Test::new()
        .args(["--ca", "/dev/zero"])
        .tls_peer(authority.issue().server(), Peer::discard_all)
        .stderr_has(["/dev/zero: longer than 8 MiB"])
        .status(77)
        .run();
    // A directory without certificates is accepted next to a file.
    Test::new()
        .env("SSL_CERT_FILE", authority.file())
        .env("SSL_CERT_DIR", "/proc/self")
        .tls_peer(authority.issue().server(), |peer| {
            peer.open();
            peer.close(1000);
        })
        .run();
    let line = r#"{"type":"gap","time":"2026-11-24T08:51:22.333882Z","message":"x"}"#;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{line}\n")).unwrap();
    for zone in ["/dev/zero", ":/dev/zero", "/proc/self/pagemap", "../../../dev/zero", "UTC"] {
        Test::new()
            .args(["show", "-t"])
            .args([file.path()])
            .env("TZ", zone)
            .env("TZDIR", "/proc/self")
            .stdout("08:51:22.333 connection lost: x\n")
            .run();
    }
}

#[test]
fn an_endless_reason_phrase_is_shortened() {
    let reason = "x".repeat(60_000);
    let expected = format!("403 ({}...)", "x".repeat(120));
    Test::new()
        .peer(move |peer| {
            peer.answer(&format!("HTTP/1.1 403 {reason}\r\nContent-Length: 0\r\n\r\n"));
        })
        .stderr(Expected::Parts(vec![expected]))
        .status(22)
        .run();
}
