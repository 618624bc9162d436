//! The servers that are compared, as processes whose memory and CPU time are read from /proc.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The treatment of a message by a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Broadcast,
}

/// A program that is compared.
pub struct Program {
    pub name: &'static str,
    path: PathBuf,
}

/// A running server.
pub struct Server {
    pub port: u16,
    child: Child,
}

/// Returns sockeye and the installed peers.
pub fn programs(sockeye: &Path, peers: &Path) -> Vec<Program> {
    let mut all = vec![Program { name: "sockeye", path: sockeye.to_owned() }];
    let uws = peers.join("uws");
    if uws.exists() {
        all.push(Program { name: "uWebSockets", path: uws });
    }
    if peers.join("ws.mjs").exists() {
        all.push(Program { name: "ws", path: peers.join("ws.mjs") });
    }
    all
}

impl Program {
    /// Starts the server at a free port.
    pub fn start(&self, mode: Mode, deflate: bool) -> io::Result<Server> {
        let word = if mode == Mode::Echo { "echo" } else { "broadcast" };
        let mut command = match self.name {
            "sockeye" => {
                let mut command = Command::new(&self.path);
                command.args(["listen", "0", "-q", &format!("--{word}")]);
                // The clients answer no pings, and the other servers send none.
                command.args(["--ping-interval", "0"]);
                command.env("SOCKEYE_CONFIG", "off");
                if !deflate {
                    command.arg("--no-compress");
                }
                command
            }
            name => {
                let mut command =
                    Command::new(if name == "ws" { "node".as_ref() } else { &*self.path });
                if name == "ws" {
                    command.arg(&self.path);
                }
                command.arg(word).args(deflate.then_some("deflate"));
                command
            }
        };
        command.stdin(Stdio::null());
        let is_ours = self.name == "sockeye";
        let (out, err) =
            if is_ours { (Stdio::null(), Stdio::piped()) } else { (Stdio::piped(), Stdio::null()) };
        let mut child = command.stdout(out).stderr(err).spawn()?;
        let mut line = String::new();
        match (child.stdout.take(), child.stderr.take()) {
            (Some(stdout), _) => BufReader::new(stdout).read_line(&mut line)?,
            (_, Some(stderr)) => BufReader::new(stderr).read_line(&mut line)?,
            _ => 0,
        };
        let port =
            line.trim().trim_end_matches('/').rsplit(':').next().and_then(|it| it.parse().ok());
        let port = port.ok_or_else(|| io::Error::other(format!("{} says '{line}'", self.name)))?;
        Ok(Server { port, child })
    }
}

impl Server {
    /// Returns the resident memory in bytes, once it stays the same.
    pub fn memory(&self) -> io::Result<u64> {
        let mut last = self.resident()?;
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(250));
            let now = self.resident()?;
            if now.abs_diff(last) <= now / 200 {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB")).and_then(|it| it.parse().ok());
        kib.map(|kib: u64| kib << 10).ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Stops the process.
    pub fn stop(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets the process go on.
    pub fn proceed(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Returns the CPU time of all threads once they use no more.
    pub fn cpu_when_idle(&self) -> io::Result<Duration> {
        let (mut last, mut idle) = (self.cpu()?, 0);
        while idle < 5 {
            std::thread::sleep(Duration::from_millis(4));
            let now = self.cpu()?;
            // Housekeeping takes a little.
            idle = if now.saturating_sub(last) < Duration::from_micros(100) { idle + 1 } else { 0 };
            last = now;
        }
        Ok(last)
    }

    /// Returns the CPU time of all threads up to now.
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut all = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = fs::read_to_string(task?.path().join("schedstat"))?;
            all += times.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(all))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
