//! Servers by others, from tests/peers.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// An echo server of another implementation; it ends when this is dropped.
pub struct EchoServer {
    pub port: u16,
    process: Child,
    stdin: Option<ChildStdin>,
}

impl EchoServer {
    /// Python `websockets`.
    pub fn websockets(args: &[&str]) -> Self {
        Self::start(&root().join("target/peers/venv/bin/python"), "echo_websockets.py", args)
    }

    /// node `ws`.
    pub fn ws(args: &[&str]) -> Self {
        Self::start(Path::new("node"), "echo_ws.mjs", args)
    }

    fn start(program: &Path, script: &str, args: &[&str]) -> Self {
        let mut process = Command::new(program)
            .arg(root().join("tests/peers").join(script))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("{} does not start ({e}): run `make peers`", program.display())
            });
        let stdin = process.stdin.take();
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the peer says its port");
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("{script} said {line:?}: run `make peers`"));
        Self { port, process, stdin }
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
