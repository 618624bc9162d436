//! `sockeye listen` as the mock server of a program, as docs/jsonl.md shows it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

#[test]
fn a_program_is_the_server_through_all_events() {
    let guide = include_str!("../../docs/jsonl.md");
    let (_, program) = guide.split_once("```python\n").expect("a program");
    let (program, _) = program.split_once("```\n").expect("its end");
    let mut python = Command::new("timeout");
    python.args(["60", "python3", "-"]).env("SOCKEYE", env!("CARGO_BIN_EXE_sockeye"));
    python.env("SOCKEYE_CONFIG", "off").stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().expect("python3 starts");
    let mut stdin = python.stdin.take().expect("a pipe");
    stdin.write_all(program.as_bytes()).expect("python3 reads the program");
    drop(stdin);
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
