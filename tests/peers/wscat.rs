//! wscat and sockeye side by side: the same command lines, and a list of what differs.

use super::programs::root;
use std::process::Command;

#[test]
fn command_lines_of_wscat_differ_only_as_listed() {
    let outcome = Command::new("python3")
        .arg("-B")
        .arg(root().join("tests/peers/wscat_lines.py"))
        .arg("--wscat")
        .arg(root().join("target/peers/node/node_modules/wscat/bin/wscat"))
        .args(["--sockeye", env!("CARGO_BIN_EXE_sockeye")])
        .output()
        .expect("python3 starts");
    let [stdout, stderr] = [&outcome.stdout, &outcome.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(outcome.status.success(), "run `make peers`, or list the difference: {stdout}{stderr}");
}
