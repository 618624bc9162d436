//! The running binary, as the test and its peer observe it.

use super::{LIMIT, Meter, expected::brief};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process, kill_process_group, pidfd_open,
        prlimit,
    },
};
use std::{
    io::{Read, Write},
    process::{Child as Process, ChildStdin, ChildStdout, ExitStatus},
    sync::{Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The running binary. Every method that waits does so for an event and fails after [`LIMIT`].
pub struct Child {
    pid: Pid,
    stdin: Mutex<Option<ChildStdin>>,
    /// Read only on request; what is left in it is not compared.
    held_stdout: Mutex<Option<ChildStdout>>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// True once all of the given stdin has been written.
    stdin_written: bool,
    exited: bool,
}

impl Child {
    pub fn new(process: &mut Process, holds_stdout: bool) -> Self {
        let held_stdout = if holds_stdout { process.stdout.take() } else { None };
        Self {
            pid: Pid::from_child(process),
            stdin: Mutex::new(process.stdin.take()),
            held_stdout: Mutex::new(held_stdout),
            progress: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Writes to stdin, which stays open.
    pub fn write(&self, bytes: impl AsRef<[u8]>) {
        let mut stdin = self.stdin.lock().unwrap();
        stdin.as_mut().expect("stdin is open").write_all(bytes.as_ref()).expect("stdin is read");
    }

    /// Closes stdin.
    pub fn end_stdin(&self) {
        drop(self.stdin.lock().unwrap().take());
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the child is there to be signalled");
    }

    /// Lets the process open no further descriptors.
    pub fn refuse_descriptors(&self) {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        prlimit(Some(self.pid), Resource::Nofile, none).expect("the child is there to be limited");
    }

    /// Signals the only child of the process, which has started it.
    pub fn signal_only_child(&self, signal: Signal) {
        let pid = self.pid.as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let child = children.expect("its children").trim().parse().expect("one child");
        kill_process(Pid::from_raw(child).expect("a number"), signal).expect("it is there");
    }

    /// Returns the peak resident memory so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        peak_memory(self.pid.as_raw_nonzero().get())
    }

    /// Measures the process from now on.
    pub fn meter(&self) -> Meter {
        Meter::start(self.pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Signals the whole process group, as Ctrl-C does.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid, signal).expect("the group is there to be signalled");
    }

    /// Waits until stdout, so far, is exactly this.
    #[track_caller]
    pub fn await_stdout(&self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        self.wait(|progress| progress.stdout.len() >= expected.len(), "stdout");
        let progress = self.progress.lock().unwrap();
        assert_eq!(progress.stdout.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// Waits until stdout contains this.
    #[track_caller]
    pub fn await_stdout_has(&self, part: &str) {
        let has = |progress: &Progress| String::from_utf8_lossy(&progress.stdout).contains(part);
        self.wait(has, &format!("stdout to have {part:?}"));
    }

    /// Waits until stderr contains this.
    #[track_caller]
    pub fn await_stderr(&self, part: &str) {
        let has = |progress: &Progress| String::from_utf8_lossy(&progress.stderr).contains(part);
        self.wait(has, &format!("stderr to say {part:?}"));
    }

    /// Waits until all of the test's stdin has been written.
    #[track_caller]
    pub fn await_stdin_written(&self) {
        self.wait(|progress| progress.stdin_written, "stdin to be read");
    }

    #[track_caller]
    pub fn await_exit(&self) {
        self.wait(|progress| progress.exited, "the child to end");
    }

    /// Reads from a held stdout.
    #[track_caller]
    pub fn read_stdout(&self, expected: &str) {
        let mut stdout = self.held_stdout.lock().unwrap();
        let mut bytes = vec![0; expected.len()];
        stdout.as_mut().expect("stdout is held").read_exact(&mut bytes).expect("stdout is written");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    /// Closes a held stdout, as `head` does.
    pub fn close_stdout(&self) {
        drop(self.held_stdout.lock().unwrap().take());
    }

    #[track_caller]
    fn wait(&self, happened: impl Fn(&Progress) -> bool, what: &str) {
        let progress = self.progress.lock().unwrap();
        let (progress, timeout) = self
            .changed
            .wait_timeout_while(progress, LIMIT, |progress| !happened(progress))
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "waited {LIMIT:?} for {what}; stdout: {}; stderr: {}",
            brief(&progress.stdout),
            brief(&progress.stderr)
        );
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap());
        self.changed.notify_all();
    }
}

/// Returns the peak resident memory of a process, in bytes.
pub fn peak_memory(pid: impl std::fmt::Display) -> usize {
    memory(pid, "VmHWM:")
}

/// Returns the processor time that a process has used.
pub fn cpu_time(pid: impl std::fmt::Display) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    // The name of the program ends with the last bracket; `utime` and `stime` are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").expect("the name");
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.map(|ticks| ticks.expect("a number")).sum();
    // Linux reports hundredths of a second on every architecture.
    Duration::from_millis(ticks * 10)
}

/// Returns the resident memory of a process, in bytes.
pub fn resident_memory(pid: impl std::fmt::Display) -> usize {
    memory(pid, "VmRSS:")
}

fn memory(pid: impl std::fmt::Display, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// The child's exit status and output. The status is `None` if the child hung and was killed.
pub struct ChildOutput {
    pub status: Option<ExitStatus>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Feeds the child and collects its output until it exits.
pub fn run(
    mut process: Process,
    child: &Child,
    stdin: Option<Vec<u8>>,
    limit: Instant,
) -> ChildOutput {
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    let status = thread::scope(|scope| {
        if let Some(bytes) = stdin {
            let pipe = child.stdin.lock().unwrap().take();
            scope.spawn(move || {
                // A child that stops reading is not a failure of the writer; the test sees its
                // effect.
                let _ = pipe.expect("stdin is a pipe").write_all(&bytes);
                child.note(|progress| progress.stdin_written = true);
            });
        }
        scope.spawn(|| copy(stdout, |bytes| child.note(|progress| progress.stdout.extend(bytes))));
        scope.spawn(|| copy(stderr, |bytes| child.note(|progress| progress.stderr.extend(bytes))));
        let ended = ends_before(child.pid, limit);
        if !ended {
            let _ = kill_process_group(child.pid, Signal::KILL);
        }
        let status = process.wait().expect("the child can be waited for");
        child.note(|progress| progress.exited = true);
        ended.then_some(status)
    });
    // Copied rather than taken: the peer may still read it.
    let progress = child.progress.lock().unwrap();
    ChildOutput { status, stdout: progress.stdout.clone(), stderr: progress.stderr.clone() }
}

fn copy(from: Option<impl Read>, mut to: impl FnMut(&[u8])) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n) = from.read(&mut buffer)
        && n > 0
    {
        to(&buffer[..n]);
    }
}

/// Waits for the end of a child process. Returns false if it still runs at the limit.
pub fn ends_before(pid: Pid, limit: Instant) -> bool {
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a descriptor of the child");
    let limit = limit.saturating_duration_since(Instant::now());
    let limit = Timespec::try_from(limit).expect("a limit that fits");
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&limit)).expect("the child can be polled") > 0
}
