//! The applications of `examples/websocket_applications`, which need python3.

use std::process::Command;

/// Runs an application, which fails unless it has shown what it is for. Returns its last line.
fn last_line(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/websocket_applications");
    let mut python = Command::new("python3");
    python.args(["-B", &format!("{name}.py")]).current_dir(folder);
    let output = python.env("SOCKEYE", env!("CARGO_BIN_EXE_sockeye")).output().unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{name}: {stderr}");
    stdout.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn each_application_shows_what_it_is_for() {
    for (name, shown) in [
        ("chat", "chat: 6 messages between 2 people, each received once and in order, "),
        ("market", "market: 12 prices reached 2 traders, "),
        ("editing", "editing: 7 edits, 6 of them concurrent: both people have the same 10 words"),
        ("telemetry", "telemetry: 40 readings in 560 bytes on the wire; "),
        ("game", "game: "),
    ] {
        let line = last_line(name);
        assert!(line.starts_with(shown), "{line}");
    }
}

#[test]
fn an_application_that_loses_its_server_fails() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/websocket_applications");
    let mut python = Command::new("python3");
    python.args(["-B", "chat.py"]).current_dir(folder).env("SOCKEYE", "true");
    let output = python.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sockeye ended before an event"));
}
