//! The commands of docs/listen.md.

use crate::support::{Signal, Test};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

/// Returns the commands of the table of situations.
fn commands() -> Vec<&'static str> {
    let guide = include_str!("../../docs/listen.md");
    let rows = guide.lines().filter(|line| line.contains("| `sockeye listen"));
    rows.map(|row| row.rsplit('`').nth(1).expect("a command")).collect()
}

#[test]
fn each_command_starts_a_server() {
    let all = commands();
    assert!(all.len() >= 20, "{}", all.len());
    // These need files or an inherited socket.
    let skipped = ["cert.pem", "fd:3", "< actions"];
    for command in all.iter().filter(|it| !skipped.iter().any(|part| it.contains(part))) {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("socket");
        let text = command
            .replace("sockeye ", &format!("exec {} ", env!("CARGO_BIN_EXE_sockeye")))
            .replace("9000", "0")
            .replace("0.0.0.0:9443", "127.0.0.1:0")
            .replace("/tmp/test.sock", &socket.display().to_string());
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(&text).current_dir(dir.path());
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server = shell.spawn().expect("bash starts");
        let mut line = String::new();
        let stderr = server.stderr.take().expect("stderr is a pipe");
        BufReader::new(stderr).read_line(&mut line).expect("stderr is text");
        assert!(line.starts_with("listening on "), "{command}: {line}");
        let pid = i32::try_from(server.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a number"), Signal::TERM).expect("it runs");
        server.wait().expect("it ends");
    }
    // Those that were skipped are understood at least.
    Test::new().args(["listen", "fd:99"]).stderr_has(["cannot listen on fd:99"]).status(1).run();
}
