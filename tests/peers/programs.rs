//! Other programs, started by the scripts in tests/peers.

use super::support::{LIMIT, child::ends_before};
use data_encoding::HEXLOWER;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Instant,
};

/// A server of another implementation, or a gateway or proxy in front of one. Dropping it ends all
/// of its processes.
pub struct PeerServer {
    pub port: u16,
    process: Child,
    stdin: Option<ChildStdin>,
}

impl PeerServer {
    /// Starts Python `websockets`.
    pub fn websockets(args: &[&str]) -> Self {
        Self::start(&root().join("target/peers/venv/bin/python"), "echo_websockets.py", args)
    }

    /// Starts node `ws`.
    pub fn ws(args: &[&str]) -> Self {
        Self::start(Path::new("node"), "echo_ws.mjs", args)
    }

    /// Starts hypercorn, which supports WebSocket over HTTP/2.
    pub fn hypercorn(tls: Option<[&str; 2]>) -> Self {
        let mut args = vec!["--tls"];
        args.extend(tls.iter().flatten());
        let args = if tls.is_some() { &*args } else { &[] };
        Self::start(&root().join("target/peers/venv/bin/python"), "echo_hypercorn.py", args)
    }

    /// Starts a server of `servers.mjs`.
    pub fn node(name: &str) -> Self {
        Self::start(Path::new("node"), "servers.mjs", &[name])
    }

    /// Starts a server of `servers.py`.
    pub fn python(name: &str) -> Self {
        Self::start(&root().join("target/peers/venv/bin/python"), "servers.py", &[name])
    }

    /// Starts a server of `echo_servers.py`.
    pub fn echo(name: &str) -> Self {
        Self::start(&root().join("target/peers/venv/bin/python"), "echo_servers.py", &[name])
    }

    /// Starts node `ws`, which ends sessions on demand.
    pub fn told_ws() -> Self {
        Self::start(Path::new("node"), "told_ws.mjs", &[])
    }

    /// Starts Python `websockets`, which ends sessions on demand.
    pub fn told_websockets() -> Self {
        Self::start(&root().join("target/peers/venv/bin/python"), "told_websockets.py", &[])
    }

    /// Starts a server of `gateways.py` in front of servers with these names and ports.
    pub fn gateway(name: &str, servers: &[(&str, u16)]) -> Self {
        let servers: Vec<_> = servers.iter().map(|(name, port)| format!("{name}={port}")).collect();
        let args: Vec<_> = [name].into_iter().chain(servers.iter().map(String::as_str)).collect();
        Self::start(&root().join("target/peers/venv/bin/python"), "gateways.py", &args)
    }

    /// Starts haproxy, nghttpx or nginx in front of another server, or a proxy: squid, tinyproxy
    /// or microsocks.
    pub fn proxy_to(name: &str, back: &Self, tls: Option<[&str; 2]>) -> Self {
        Self::proxy_to_port(name, back.port, tls)
    }

    /// Does so in front of any port.
    pub fn proxy_to_port(name: &str, port: u16, tls: Option<[&str; 2]>) -> Self {
        let port = port.to_string();
        let mut args = vec![name, &port];
        args.extend(tls.iter().flatten());
        Self::start(Path::new("python3"), "proxy.py", &args)
    }

    /// Does so for clients with a certificate of this authority.
    pub fn proxy_requiring_certificate(name: &str, back: &Self, tls: [&str; 2], ca: &str) -> Self {
        let port = back.port.to_string();
        Self::start(Path::new("python3"), "proxy.py", &[name, &port, tls[0], tls[1], ca])
    }

    fn start(program: &Path, script: &str, args: &[&str]) -> Self {
        let mut process = Command::new(program)
            .arg(root().join("tests/peers").join(script))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
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

impl Drop for PeerServer {
    fn drop(&mut self) {
        // A script ends with its stdin, after it has ended what it started.
        drop(self.stdin.take());
        let pid = Pid::from_child(&self.process);
        ends_before(pid, Instant::now() + LIMIT);
        // The process has not been waited for: its group still has its number.
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.process.wait();
    }
}

/// A process of Python's zlib that handles one line at a time.
pub struct Zlib {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Zlib {
    pub fn start() -> Self {
        let mut process = Command::new(root().join("target/peers/venv/bin/python"))
            .arg(root().join("tests/peers/zlib_streams.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("python does not start ({e}): run `make peers`"));
        let stdin = process.stdin.take().expect("stdin is a pipe");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        Self { process, stdin, stdout }
    }

    /// Inflates a message with a window of `bits` bits.
    pub fn inflate(&mut self, bits: u8, message: &[u8]) -> Vec<u8> {
        self.ask(&format!("inflate {bits} {}", HEXLOWER.encode(message)))
    }

    pub fn deflate(&mut self, bits: u8, level: u8, message: &[u8]) -> Vec<u8> {
        self.ask(&format!("deflate {bits} {level} {}", HEXLOWER.encode(message)))
    }

    /// Discards the compression contexts.
    pub fn reset(&mut self) {
        self.ask("reset");
    }

    fn ask(&mut self, line: &str) -> Vec<u8> {
        writeln!(self.stdin, "{line}").expect("python reads");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("python answers");
        assert!(answer.ends_with('\n'), "zlib refuses: {line:.80}");
        HEXLOWER.decode(answer.trim_end().as_bytes()).expect("hex")
    }
}

impl Drop for Zlib {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
