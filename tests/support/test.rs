//! One run of the binary: its input, its peer, and its expected output.

use super::{
    LIMIT,
    child::{self, Child, ChildOutput},
    expected::{Expected, Status},
    http2_proxy,
    peer::{self, Peer, Script},
    signalled,
};
use rustls::ServerConfig;
use std::{
    ffi::OsString,
    fs::File,
    net::TcpListener,
    ops::Range,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

pub enum Stdin {
    /// /dev/null, as under cron, systemd and `cmd &`.
    Null,
    /// No descriptor at all.
    Closed,
    /// A pipe that stays open and silent unless the script writes to it.
    Open,
    /// A pipe with these bytes, then closed.
    Bytes(Vec<u8>),
    /// A file or a directory.
    File(PathBuf),
}

enum Stdout {
    Captured,
    /// A pipe that only the script reads and closes.
    Held,
    File(PathBuf),
}

impl<T: AsRef<[u8]>> From<T> for Stdin {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }
}

/// A run to be started. Stdout and stderr must stay empty and the status 0 unless set otherwise.
#[must_use]
pub struct Test {
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    shell: Option<String>,
    sockets: bool,
    stdin: Stdin,
    stdout: Stdout,
    script: Option<Script>,
    tls: Option<Arc<ServerConfig>>,
    /// True if the connection goes through the HTTP/2 proxy.
    http2: bool,
    expected_stdout: Expected,
    expected_stderr: Expected,
    status: Status,
    took: Range<Duration>,
}

impl Test {
    pub fn new() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            shell: None,
            sockets: false,
            stdin: Stdin::Null,
            stdout: Stdout::Captured,
            script: None,
            tls: None,
            http2: std::env::var_os("SOCKEYE_TEST_HTTP2").is_some(),
            expected_stdout: Expected::Text(String::new()),
            expected_stderr: Expected::Text(String::new()),
            status: Status::Code(0),
            took: Duration::ZERO..RUN_LIMIT,
        }
    }

    /// Adds arguments. `{port}` stands for the peer's port. If no argument has it, the peer's URL
    /// is appended.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Runs this bash script, in which `"$@"` is the command.
    pub fn shell(mut self, script: impl Into<String>) -> Self {
        self.shell = Some(script.into());
        self
    }

    /// Makes stdin and stdout sockets instead of pipes.
    pub fn sockets(mut self) -> Self {
        self.sockets = true;
        self
    }

    pub fn stdin(mut self, stdin: impl Into<Stdin>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Leaves stdout unread unless the script reads it.
    pub fn hold_stdout(mut self) -> Self {
        self.stdout = Stdout::Held;
        self
    }

    pub fn stdout_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.stdout = Stdout::File(path.into());
        self
    }

    /// Sets the peer's script.
    pub fn peer(mut self, script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        self.script = Some(Box::new(script));
        self
    }

    /// Connects over HTTP/2, through a proxy before the peer.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Sets the script of a peer behind TLS.
    pub fn tls_peer(
        mut self,
        config: Arc<ServerConfig>,
        script: impl FnOnce(&mut Peer) + Send + 'static,
    ) -> Self {
        self.tls = Some(config);
        self.peer(script)
    }

    pub fn stdout(mut self, expected: impl Into<Expected>) -> Self {
        self.expected_stdout = expected.into();
        self
    }

    /// Expects all of stderr; `{port}` stands for the peer's port, `{peer}` for its address, and
    /// `[..]` for anything within a line.
    pub fn stderr(mut self, expected: impl Into<Expected>) -> Self {
        self.expected_stderr = expected.into();
        self
    }

    /// Expects these parts on stderr, in this order.
    pub fn stderr_has<const N: usize>(self, parts: [&str; N]) -> Self {
        self.stderr(Expected::Parts(parts.map(ToOwned::to_owned).to_vec()))
    }

    /// Replaces the script by a peer that reads and discards everything.
    pub fn peer_discards(mut self) -> Self {
        self.script = self.script.map(|_| -> Script { Box::new(Peer::discard_all) });
        self
    }

    pub fn status(mut self, code: i32) -> Self {
        self.status = Status::Code(code);
        self
    }

    /// Expects the program to end by this signal.
    pub fn killed_by(mut self, signal: rustix::process::Signal) -> Self {
        self.status = Status::Signal(signal.as_raw());
        self
    }

    /// Sets the least duration in milliseconds, for a delay that nothing else makes visible.
    pub fn takes_at_least(mut self, milliseconds: u64) -> Self {
        self.took.start = Duration::from_millis(milliseconds);
        self
    }

    /// Sets the greatest duration in milliseconds, where a later end is a different behaviour. A
    /// run that hangs is killed without it.
    pub fn takes_less_than(mut self, milliseconds: u64) -> Self {
        self.took.end = Duration::from_millis(milliseconds);
        self
    }

    /// Runs the binary and compares its output and status with the expected ones.
    #[track_caller]
    pub fn run(mut self) {
        let script = self.script.take();
        let listener = script.as_ref().map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let mut port =
            listener.as_ref().map(|listener| listener.local_addr().expect("bound").port());
        if self.http2 {
            self.args.insert(0, "--http2".into());
            port = port.map(|backend| http2_proxy::start(backend, self.tls.clone()));
        }
        let mut command = self.command(port);
        let shown = format!("{command:?}");
        let ends = self.sockets.then(|| socket_ends(&mut command));
        let started = Instant::now();
        let mut process = command.spawn().expect("the binary starts");
        // The command holds copies of the pipes' other ends.
        drop(command);
        if let Some([stdin, stdout]) = ends {
            process.stdin = Some(OwnedFd::from(stdin).into());
            process.stdout = Some(OwnedFd::from(stdout).into());
        }
        let child = Arc::new(Child::new(&mut process, matches!(self.stdout, Stdout::Held)));
        let peer = listener.zip(script).map(|(listener, script)| {
            let child = Arc::clone(&child);
            let tls = self.tls.take().filter(|_| !self.http2);
            thread::spawn(move || peer::play(&listener, tls, script, child))
        });
        let stdin = match &mut self.stdin {
            Stdin::Bytes(bytes) => Some(std::mem::take(bytes)),
            _ => None,
        };
        let ended = child::run(process, &child, stdin, started + RUN_LIMIT);
        let took = started.elapsed();
        let peer = peer.map(|peer| peer.join().map_err(|panic| panic_message(&*panic)));
        self.judge(&shown, port.unwrap_or_default(), &ended, took, peer);
    }

    fn command(&mut self, port: Option<u16>) -> Command {
        let mut args: Vec<OsString> = vec![env!("CARGO_BIN_EXE_sockeye").into()];
        let mut addressed = port.is_none();
        for arg in &self.args {
            match arg.to_str() {
                Some(text) if text.contains("{port}") => {
                    addressed = true;
                    args.push(text.replace("{port}", &port.unwrap_or_default().to_string()).into());
                }
                _ => args.push(arg.clone()),
            }
        }
        if let Some(port) = port.filter(|_| !addressed) {
            let start = if self.tls.is_some() { "wss://localhost" } else { "ws://127.0.0.1" };
            args.push(format!("{start}:{port}/").into());
        }
        let shell = match (&self.shell, &self.stdin) {
            (Some(script), _) => Some(script.as_str()),
            (None, Stdin::Closed) => Some("exec \"$@\" <&-"),
            _ => None,
        };
        let mut command = if let Some(script) = shell {
            let mut command = signalled("bash");
            // With a socket as stdin, bash assumes that rshd started it, and reads .bashrc.
            command.args(["--norc", "-c", script, "bash"]).args(args);
            command
        } else {
            let mut command = signalled(args.remove(0));
            command.args(args);
            command
        };
        command.process_group(0);
        // The developer's proxies, colours and trust settings must not affect the tests.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(match &self.stdin {
            Stdin::Null | Stdin::Closed => Stdio::null(),
            Stdin::Open | Stdin::Bytes(_) => Stdio::piped(),
            Stdin::File(path) => File::open(path).expect("stdin's file").into(),
        });
        command.stdout(match &self.stdout {
            Stdout::Captured | Stdout::Held => Stdio::piped(),
            Stdout::File(path) => {
                File::options().write(true).open(path).expect("stdout's file").into()
            }
        });
        command.stderr(Stdio::piped());
        command
    }

    #[track_caller]
    fn judge(
        self,
        shown: &str,
        port: u16,
        ended: &ChildOutput,
        took: Duration,
        peer: Option<Result<(), String>>,
    ) {
        let mut faults = Vec::new();
        faults.extend(self.status.difference(ended.status));
        faults.extend(self.expected_stdout.difference("stdout", &ended.stdout, port));
        faults.extend(self.expected_stderr.difference("stderr", &ended.stderr, port));
        if let Some(Err(panic_message)) = peer {
            faults.push(format!("the peer: {panic_message}"));
        }
        if ended.status.is_some() && !self.took.contains(&took) {
            faults.push(format!("it took {took:?}, expected {:?}", self.took));
        }
        if !faults.is_empty() {
            // Stderr is reported first, because it explains most differences.
            faults.push(format!("all of stderr: {}", String::from_utf8_lossy(&ended.stderr)));
            panic!("{shown}\n{}", faults.join("\n"));
        }
    }
}

/// Gives a command sockets as stdin and stdout, and returns their other ends.
fn socket_ends(command: &mut Command) -> [UnixStream; 2] {
    let [stdin, stdout] = [(), ()].map(|()| UnixStream::pair().expect("a pair of sockets"));
    command.stdin(OwnedFd::from(stdin.1)).stdout(OwnedFd::from(stdout.1));
    [stdin.0, stdout.0]
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
}

/// The child is killed after this time, when the step that hangs has already been reported.
const RUN_LIMIT: Duration = LIMIT.saturating_mul(2);
