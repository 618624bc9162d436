//! The binary at a pseudo-terminal: the screen row by row, and the terminal after the end.

mod as_wscat;
mod closing;
mod commands;
mod editing;
mod frames;
mod history;
mod leaving;
mod proxying;
mod screen;
mod sending;
mod serving;
mod showing;
mod staying;
mod streams;
mod typing;
mod untrusted;

use crate::support::{LIMIT, Peer, Signal, child::Child, peer, signalled};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    process::{Pid, PidfdFlags, pidfd_open},
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use screen::{Screen, View};
use std::{
    ffi::OsString,
    fs,
    io::Read as _,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    process::{Child as Process, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// A run at a terminal that has not started yet. Its exit status must be 0 unless set otherwise.
#[must_use]
struct Terminal {
    /// The name that it is called by, if not its own.
    name: Option<&'static str>,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    size: (u16, u16),
    streams: Streams,
    code: Option<i32>,
    signal: Option<i32>,
    home: TempDir,
    history: bool,
    shell: bool,
    /// The number of descriptors that it may have open, if limited.
    descriptors: Option<u32>,
    stuck: bool,
}

/// The streams that are connected to the terminal.
enum Streams {
    Terminal,
    StdoutPiped,
    /// Stdin is a socket that stays open and silent.
    StdinElsewhere,
}

/// The outcome of a run.
struct Outcome {
    view: View,
    raw: Vec<u8>,
    /// The output on stdout, if that is not the terminal.
    stdout: Vec<u8>,
    /// The processor time of the run.
    cpu: Duration,
}

impl Outcome {
    /// Returns the rows of the final screen.
    fn rows(&self) -> &[String] {
        let rows = &self.view.rows;
        // The cursor's row is empty; the shell's prompt would appear there.
        rows.split_last().map_or(rows, |(_, rows)| rows)
    }
}

/// Opens the session and waits for the prompt.
#[track_caller]
fn begin(screen: &Screen, peer: &mut Peer) {
    peer.open();
    // Two threads print them, and a narrow screen wraps the first.
    screen.wait("the address and a prompt", |view| {
        view.has_part("connected to ws://") && view.line() == ">" && view.cursor.1 == 2
    });
}

/// Leaves with Ctrl-D.
#[track_caller]
fn leave(screen: &Screen, peer: &mut Peer) {
    screen.edits(">", 2);
    screen.press("\x04");
    peer.answer_close(1000);
}

impl Terminal {
    fn new() -> Self {
        Self {
            name: None,
            args: Vec::new(),
            env: Vec::new(),
            size: (24, 80),
            streams: Streams::Terminal,
            code: Some(0),
            signal: None,
            home: tempfile::tempdir().expect("a directory"),
            history: true,
            shell: false,
            descriptors: None,
            stuck: false,
        }
    }

    /// Calls it by another name, as through a link.
    fn called(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Adds arguments; the peer's URL is appended.
    fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.args.extend(args.map(Into::into));
        self
    }

    fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    fn size(mut self, rows: u16, columns: u16) -> Self {
        self.size = (rows, columns);
        self
    }

    /// Makes it a job of a shell that reports a stop, reads a line and continues the job.
    fn in_a_shell(mut self) -> Self {
        self.shell = true;
        self
    }

    fn descriptors(mut self, count: u32) -> Self {
        self.descriptors = Some(count);
        self
    }

    /// Makes the terminal accept nothing at the end, so that no mode can be switched off there.
    fn stuck_at_the_end(mut self) -> Self {
        self.stuck = true;
        self
    }

    /// Leaves the history in its default place.
    fn without_history_file(mut self) -> Self {
        self.history = false;
        self
    }

    fn stdout_piped(mut self) -> Self {
        self.streams = Streams::StdoutPiped;
        self
    }

    /// Makes stdin a socket, while stdout stays the terminal.
    fn stdin_elsewhere(mut self) -> Self {
        self.streams = Streams::StdinElsewhere;
        self
    }

    fn status(mut self, code: i32) -> Self {
        self.code = Some(code);
        self
    }

    fn killed_by(mut self, signal: Signal) -> Self {
        (self.code, self.signal) = (None, Some(signal.as_raw()));
        self
    }

    /// Runs it with a scripted peer.
    #[track_caller]
    fn run(mut self, script: impl FnOnce(&Screen, &mut Peer) + Send + 'static) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        self.args.push(format!("ws://127.0.0.1:{port}/").into());
        self.start(port, |screen, child| {
            let script = Box::new(move |peer: &mut Peer| script(&screen, peer));
            peer::play(&listener, None, script, child);
        })
    }

    /// Runs it without a peer.
    #[track_caller]
    fn run_alone(self, script: impl FnOnce(&Screen, &Child)) -> Outcome {
        self.start(0, |screen, child| script(&screen, &child))
    }

    #[track_caller]
    fn start(self, port: u16, script: impl FnOnce(Screen, Arc<Child>)) -> Outcome {
        let [master, slave] = pseudo_terminal();
        let (ws_row, ws_col) = self.size;
        tcsetwinsize(&master, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("a size");
        let before = format!("{:?}", tcgetattr(&slave).expect("the terminal's modes"));
        let (_open, elsewhere) = UnixStream::pair().expect("a pair of sockets");
        let mut process = self.command(&slave, elsewhere).spawn().expect("setsid starts");
        let child = Arc::new(Child::new(&mut process, false));
        let mut running = Running { process, screen: Screen::new(master, self.size, port) };
        script(running.screen.clone(), Arc::clone(&child));
        let (status, cpu) = running.wait();
        // A closed window has no modes.
        let after = tcgetattr(&slave);
        let seen = after.is_ok();
        if let Ok(after) = after {
            let line_modes = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
            assert!(after.local_modes.contains(line_modes), "the terminal was left in raw mode");
            assert_eq!(format!("{after:?}"), before, "the terminal is not as it was found");
        }
        drop(slave);
        running.screen.finish();
        let view = running.screen.view();
        assert_eq!((status.code(), status.signal()), (self.code, self.signal), "the status");
        assert_eq!(running.screen.effects(), [""; 0], "what a terminal was asked to do");
        if seen && !self.stuck {
            assert_eq!(running.screen.modes(), [""; 0], "modes left on");
            assert_eq!(view.cursor.1, 0, "the shell's prompt would not begin a line");
        }
        let mut stdout = Vec::new();
        if let Some(mut pipe) = running.process.stdout.take() {
            pipe.read_to_end(&mut stdout).expect("stdout can be read");
        }
        Outcome { view, raw: running.screen.raw(), stdout, cpu }
    }

    fn command(&self, slave: &OwnedFd, elsewhere: UnixStream) -> Command {
        let terminal = || slave.try_clone().expect("a second handle");
        // setsid makes its stdin the controlling terminal, which safe Rust cannot do; the program
        // keeps the process id.
        let mut command = signalled("setsid");
        command.arg("--ctty");
        command.stdin(terminal()).stdout(terminal()).stderr(terminal());
        if self.shell {
            let script = "set -m; \"$@\"; echo \"stopped: $?\"; read -r line; fg >/dev/null";
            command.args(["bash", "-c", script, "bash"]);
        }
        if let Some(count) = self.descriptors {
            let script = format!("ulimit -n {count}; exec \"$@\"");
            command.args(["bash", "--norc", "-c", &script, "bash"]);
        }
        match self.streams {
            Streams::Terminal => {}
            Streams::StdoutPiped => {
                command.stdout(Stdio::piped());
            }
            Streams::StdinElsewhere => {
                command.stderr(OwnedFd::from(elsewhere));
                command.args(["bash", "-c", "exec \"$@\" <&2 2>&1", "bash"]);
            }
        }
        if let Some(name) = self.name {
            let script = "name=$1; shift; exec -a \"$name\" \"$@\"";
            command.args(["bash", "--norc", "-c", script, "bash", name]);
        }
        command.arg(env!("CARGO_BIN_EXE_sockeye")).args(&self.args);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color").env("HOME", self.home.path());
        if self.history {
            command.env("SOCKEYE_HISTORY", self.home.path().join("history"));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The running program, which is killed if its test fails.
struct Running {
    process: Process,
    screen: Screen,
}

impl Running {
    #[track_caller]
    fn wait(&mut self) -> (ExitStatus, Duration) {
        let pidfd = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty());
        let pidfd = pidfd.expect("a descriptor of the child");
        let limit = Timespec::try_from(LIMIT).expect("a limit that fits");
        let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit));
        assert!(ended.expect("the child can be polled") > 0, "it did not end within {LIMIT:?}");
        let cpu = processor_time(&self.process);
        (self.process.wait().expect("the child can be waited for"), cpu)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen:\n{}", self.screen);
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Returns the processor time of a process, which may be a zombie.
fn processor_time(process: &Process) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("its figures");
    // The second field is a name that may contain spaces.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks =
        fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks"));
    Duration::from_millis(ticks.sum::<u64>() * 1000 / TICKS)
}

/// Opens a terminal and returns its two ends: the emulator's and the program's.
fn pseudo_terminal() -> [OwnedFd; 2] {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).expect("a terminal");
    unlockpt(&master).expect("a terminal that can be opened");
    let path = ptsname(&master, Vec::new()).expect("the terminal's name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = open(path, flags, Mode::empty()).expect("the terminal's other end");
    [master, slave]
}

/// The kernel's clock ticks per second in /proc (`USER_HZ`).
const TICKS: u64 = 100;

/// The first row of a new session.
const CONNECTED: &str = "connected to ws://127.0.0.1:{port}/ (/help lists commands)";
/// The status row below it; the connection time varies.
const STATUS: &str = "127.0.0.1:{port}, [..] ms";
