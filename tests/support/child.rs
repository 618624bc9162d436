//! The running binary, as the test and its peer observe it.

use super::{LIMIT, expected::brief};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open},
};
use std::{
    io::{Read, Write},
    process::{Child as Process, ChildStdin, ChildStdout, ExitStatus},
    sync::{Condvar, Mutex},
    thread,
    time::Instant,
};

/// The running binary. Every method that waits does so for an event and fails after [`LIMIT`].
pub struct Child {
    pid: Pid,
    stdin: Mutex<Option<ChildStdin>>,
    /// Read only on request; what is left in it is not compared.
    held_stdout: Mutex<Option<ChildStdout>>,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// True once all of the given stdin has been written.
    fed: bool,
    exited: bool,
}

impl Child {
    pub fn new(process: &mut Process, holds_stdout: bool) -> Self {
        let held_stdout = if holds_stdout { process.stdout.take() } else { None };
        Self {
            pid: Pid::from_child(process),
            stdin: Mutex::new(process.stdin.take()),
            held_stdout: Mutex::new(held_stdout),
            seen: Mutex::default(),
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

    /// Returns the peak resident memory so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        peak_memory(self.pid.as_raw_nonzero().get())
    }

    /// Signals the whole process group, as Ctrl-C does.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid, signal).expect("the group is there to be signalled");
    }

    /// Waits until stdout, so far, is exactly this.
    #[track_caller]
    pub fn await_stdout(&self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        self.wait(|seen| seen.stdout.len() >= expected.len(), "stdout");
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.stdout.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// Waits until stderr contains this.
    #[track_caller]
    pub fn await_stderr(&self, part: &str) {
        let has = |seen: &Seen| String::from_utf8_lossy(&seen.stderr).contains(part);
        self.wait(has, &format!("stderr to say {part:?}"));
    }

    /// Waits until all of the test's stdin has been written.
    #[track_caller]
    pub fn await_fed(&self) {
        self.wait(|seen| seen.fed, "stdin to be read");
    }

    #[track_caller]
    pub fn await_exit(&self) {
        self.wait(|seen| seen.exited, "the child to end");
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
    fn wait(&self, happened: impl Fn(&Seen) -> bool, what: &str) {
        let seen = self.seen.lock().unwrap();
        let (seen, timeout) =
            self.changed.wait_timeout_while(seen, LIMIT, |seen| !happened(seen)).unwrap();
        assert!(
            !timeout.timed_out(),
            "waited {LIMIT:?} for {what}; stdout: {}; stderr: {}",
            brief(&seen.stdout),
            brief(&seen.stderr)
        );
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap());
        self.changed.notify_all();
    }
}

/// Returns the peak resident memory of a process, in bytes.
pub fn peak_memory(pid: impl std::fmt::Display) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// The child's exit status and output. The status is `None` if the child hung and was killed.
pub struct Ended {
    pub status: Option<ExitStatus>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Feeds the child and collects its output until it exits.
pub fn run(mut process: Process, child: &Child, stdin: Option<Vec<u8>>, limit: Instant) -> Ended {
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    let status = thread::scope(|scope| {
        if let Some(bytes) = stdin {
            let pipe = child.stdin.lock().unwrap().take();
            scope.spawn(move || {
                // A child that stops reading is not a failure of the writer; the test sees its
                // effect.
                let _ = pipe.expect("stdin is a pipe").write_all(&bytes);
                child.note(|seen| seen.fed = true);
            });
        }
        scope.spawn(|| copy(stdout, |bytes| child.note(|seen| seen.stdout.extend(bytes))));
        scope.spawn(|| copy(stderr, |bytes| child.note(|seen| seen.stderr.extend(bytes))));
        let ended = ends_before(child.pid, limit);
        if !ended {
            let _ = kill_process_group(child.pid, Signal::KILL);
        }
        let status = process.wait().expect("the child can be waited for");
        child.note(|seen| seen.exited = true);
        ended.then_some(status)
    });
    // Copied rather than taken: the peer may still read it.
    let seen = child.seen.lock().unwrap();
    Ended { status, stdout: seen.stdout.clone(), stderr: seen.stderr.clone() }
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

fn ends_before(pid: Pid, limit: Instant) -> bool {
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a descriptor of the child");
    let limit = limit.saturating_duration_since(Instant::now());
    let limit = Timespec::try_from(limit).expect("a limit that fits");
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&limit)).expect("the child can be polled") > 0
}
