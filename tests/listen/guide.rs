//! The commands of docs/listen.md: each situation is played, and all that its terminals show is
//! compared; each command of the table of further options starts a server.

use crate::support::{LIMIT, Signal, child::ends_before, server::Client};
use regex::{Captures, Regex};
use rustix::process::{Pid, kill_process_group};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{fs::symlink, process::CommandExt as _},
    },
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const PAGE: &str = include_str!("../../docs/listen.md");

/// A section of the page that has commands.
struct Situation {
    heading: &'static str,
    /// The name and content of each file.
    files: Vec<(&'static str, &'static str)>,
    /// The content of the terminals: first that of the server, then that of a client.
    terminals: Vec<&'static str>,
}

fn situations() -> Vec<Situation> {
    let sections = PAGE.split("\n### ").skip(1).map(|section| {
        let section = section.split("\n## ").next().unwrap();
        let (heading, text) = section.split_once('\n').unwrap();
        let (mut files, mut terminals) = (Vec::new(), Vec::new());
        for block in text.split("\n```").skip(1).step_by(2) {
            let (kind, content) = block.split_once('\n').unwrap();
            match kind {
                "console" => terminals.push(content),
                _ => files.push(content.strip_prefix("# ").unwrap().split_once('\n').unwrap()),
            }
        }
        Situation { heading, files, terminals }
    });
    sections.collect()
}

/// Returns a script that shows and runs the commands of a terminal. `change` replaces the addresses in
/// a command.
fn script(terminal: &str, change: impl Fn(&str) -> String) -> String {
    let commands = terminal.lines().filter_map(|line| line.strip_prefix("$ "));
    let steps = commands.map(|command| {
        let shown = command.replace('\'', "'\\''");
        format!("s=$?; printf '%s\\n' '$ {shown}'; (exit $s)\n{}\n", change(command))
    });
    steps.collect()
}

/// A folder in which a situation is played.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_sockeye"), folder.path().join("bin/sockeye")).unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the command that runs a script in this folder, in a process group of its own. What
    /// it shows is appended to a file.
    fn bash(&self, script: &str, shown: &str) -> Command {
        let mut bash = Command::new("bash");
        let path = std::env::var("PATH").unwrap();
        bash.args(["--norc", "-c", script]).current_dir(self.path()).process_group(0);
        bash.env_clear().env("PATH", format!("{}/bin:{path}", self.path().display()));
        let file = File::options().create(true).append(true).open(self.path().join(shown)).unwrap();
        bash.stdin(Stdio::null()).stderr(file.try_clone().unwrap()).stdout(file);
        bash
    }

    fn shown(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Gives paths of the page a place in this folder.
    fn moved(&self, command: &str) -> String {
        command.replace("/tmp/", &format!("{}/", self.path().display()))
    }
}

/// Splits what a terminal showed into notes, which are sorted, and output. What differs from run to
/// run is replaced by a word.
fn parts(shown: &str, stage: &Stage) -> (Vec<String>, Vec<String>) {
    let varying = [
        (r"(127\.0\.0\.1|\[::1\]|localhost|0\.0\.0\.0):\d+", "HOST:PORT"),
        (r"sha256//[^']+", "PIN"),
        (r"[+-]\d+\.\d{6}", "TIME"),
    ];
    let mut text = shown.replace(&format!("{}/", stage.path().display()), "/tmp/");
    for (pattern, word) in varying {
        let replace = |found: &Captures<'_>| match found.get(1).map(|host| host.as_str()) {
            Some("0.0.0.0") => "ANY:PORT",
            _ => word,
        };
        text = Regex::new(pattern).unwrap().replace_all(&text, replace).into_owned();
    }
    let lines = text.lines().map(ToOwned::to_owned);
    let is_note = |line: &String| {
        ["sockeye: ", "listening on ", "client "].iter().any(|start| line.starts_with(start))
    };
    // Notes of several clients come in any order, and stdout may be behind them.
    let (mut notes, output): (Vec<_>, Vec<_>) = lines.partition(is_note);
    notes.sort();
    (notes, output)
}

/// Waits until a condition holds, or nothing more can be expected.
fn wait_until(holds: impl Fn() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !holds() && Instant::now() < limit {
        thread::sleep(Duration::from_millis(5));
    }
}

fn play(situation: &Situation) {
    let Situation { heading, files, terminals } = situation;
    let stage = Stage::new(files);
    let [server_terminal, clients @ ..] = terminals.as_slice() else {
        panic!("{heading} has no command");
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server_script = script(server_terminal, |command| {
        stage.moved(&command.replace("9000", "0").replace("9443", "0"))
    });
    // Each server inherits a listening socket, as from systemd.
    let server_script = format!("exec 3<&0 </dev/null\n{server_script}");
    let mut bash = stage.bash(&server_script, "server.out");
    let mut server = bash.stdin(OwnedFd::from(listener)).spawn().expect("bash starts");
    let is_listening = || stage.shown("server.out").contains("listening on ");
    wait_until(|| is_listening() && stage.shown("server.out").ends_with('\n'));
    let shown = stage.shown("server.out");
    let line = shown.lines().find_map(|line| line.strip_prefix("listening on "));
    let url = line.unwrap_or_else(|| panic!("{heading}: {shown}"));
    let port = url.rsplit_once(':').unwrap().1;
    for terminal in clients {
        let script = script(terminal, |command| {
            let command = command.replace(":9000", &format!(":{port}"));
            stage.moved(&command.replace(":9443", &format!(":{port}")))
        });
        let mut client = stage.bash(&script, "client.out").spawn().expect("bash starts");
        let ended = ends_before(Pid::from_child(&client), Instant::now() + LIMIT);
        let shown = stage.shown("client.out");
        assert!(ended, "{heading}: the client does not end: {shown}");
        client.wait().unwrap();
        assert_eq!(parts(&shown, &stage), parts(terminal, &stage), "{heading}: the client");
        fs::remove_file(stage.path().join("client.out")).unwrap();
    }
    // Without a second terminal, a client connects and does nothing more.
    let silent = clients.is_empty().then(|| Client::connect(&format!("{url}/")));
    let expected = parts(server_terminal, &stage);
    wait_until(|| parts(&stage.shown("server.out"), &stage) == expected);
    drop(silent);
    // Bash is a process of the group, which exists until bash has been waited for.
    let pid = Pid::from_child(&server);
    kill_process_group(pid, Signal::TERM).expect("the group exists");
    assert!(ends_before(pid, Instant::now() + LIMIT), "{heading}: the server does not end");
    server.wait().unwrap();
    assert_eq!(parts(&stage.shown("server.out"), &stage), expected, "{heading}: the server");
}

#[test]
fn each_situation_shows_what_the_page_shows() {
    let all = situations();
    assert!(all.len() >= 20, "{}", all.len());
    // Most of the time they wait.
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(situation) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = std::panic::catch_unwind(|| play(situation));
                    if played.is_err() {
                        failures.lock().unwrap().push(situation.heading);
                    }
                }
            });
        }
    });
    assert!(failures.lock().unwrap().is_empty(), "{failures:?}");
}

#[test]
fn each_command_of_the_table_starts_a_server() {
    let rows = PAGE.lines().filter(|line| line.contains("| `sockeye listen"));
    let commands: Vec<_> = rows.map(|row| row.rsplit('`').nth(1).unwrap()).collect();
    assert!(commands.len() >= 8, "{}", commands.len());
    for command in commands {
        let stage = Stage::new(&[]);
        let script = format!("exec {}", command.replace("9000", "0"));
        let mut bash = stage.bash(&script, "out");
        let mut server = bash.stderr(Stdio::piped()).spawn().expect("bash starts");
        let mut line = String::new();
        let stderr = server.stderr.take().expect("stderr is a pipe");
        BufReader::new(stderr).read_line(&mut line).expect("stderr is text");
        assert!(line.starts_with("listening on "), "{command}: {line}");
        kill_process_group(Pid::from_child(&server), Signal::TERM).expect("it runs");
        server.wait().expect("it ends");
    }
}
