//! The commands of docs/protocol.md and what they show; the diagrams are those of their source.
//!
//! A `sh` block starts a server at a free port, which the commands mean by 9000. A `console` block
//! has commands and their output, and a `text` block what the server has said on stderr.

use crate::support::{LIMIT, Signal, child::ends_before};
use regex::Regex;
use rustix::process::{Pid, kill_process_group};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

/// A fenced block of a page.
struct Block<'a> {
    /// The word after the fence.
    kind: &'a str,
    /// The number of its first line.
    line: usize,
    lines: Vec<&'a str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (at, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_open => is_open = false,
            Some(kind) => {
                is_open = true;
                found.push(Block { kind, line: at + 2, lines: Vec::new() });
            }
            None if is_open => found.last_mut().unwrap().lines.push(line),
            None => {}
        }
    }
    found
}

/// A server of a page. Dropping it ends it.
pub struct Server {
    process: Child,
    pub port: String,
    stderr: Receiver<String>,
}

impl Server {
    /// Starts a server by a shell command.
    pub fn start(command: &str) -> Self {
        let mut bash = bash(&command.replace("listen 9000", "listen 0"));
        let mut process = bash.stderr(Stdio::piped()).spawn().expect("bash starts");
        let lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let (sender, stderr) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let first = stderr.recv_timeout(LIMIT).expect("a line on stderr");
        let port = first.strip_prefix("listening on ws://127.0.0.1:").expect(&first).to_owned();
        Self { process, port, stderr }
    }

    /// Runs the commands of a block, and compares what each shows.
    fn run(&self, block: &Block<'_>) {
        let commands = commands(block);
        let dir = tempfile::tempdir().unwrap();
        let scripts = commands.iter().enumerate().map(|(at, (_, command, _))| {
            let command = command.replace("9000", &self.port);
            format!("{{ {command}\n}} >$DIR/{at}.out 2>$DIR/{at}.err\n")
        });
        let script: String = scripts.collect();
        let mut bash = bash(&script);
        let mut process =
            bash.env("DIR", dir.path()).current_dir(dir.path()).spawn().expect("bash starts");
        let is_late = !ends_before(pid(&process), Instant::now() + LIMIT);
        kill_group(&mut process);
        for (at, (line, command, expected)) in commands.iter().enumerate() {
            let shown = ["out", "err"].map(|name| {
                let text = fs::read(dir.path().join(format!("{at}.{name}"))).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).replace(&self.port, "9000");
                text.lines().map(normal).collect::<Vec<_>>()
            });
            let expected: Vec<_> = expected.iter().map(|line| normal(line)).collect();
            let [out, err] = &shown;
            assert!(
                matches(&expected, out, err),
                "line {line}: {command}\nstdout: {out:#?}\nstderr: {err:#?}\nlate: {is_late}"
            );
        }
        assert!(!is_late, "the commands of line {} did not end", block.line);
    }

    /// Compares what the server has said since the last time.
    fn says(&self, block: &Block<'_>) {
        for expected in &block.lines {
            let line = self.stderr.recv_timeout(LIMIT).unwrap_or_default();
            assert_eq!(normal(&line), normal(expected), "line {}", block.line);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_group(&mut self.process);
    }
}

/// Ends a script and all that it has started.
fn kill_group(process: &mut Child) {
    // It has ended already, or ends now.
    let _ = kill_process_group(pid(process), Signal::KILL);
    process.wait().unwrap();
}

fn pid(process: &Child) -> Pid {
    i32::try_from(process.id()).ok().and_then(Pid::from_raw).unwrap()
}

/// Returns a command that runs a script in which `sockeye` is the binary.
fn bash(script: &str) -> Command {
    let mut command = Command::new("bash");
    let binary = env!("CARGO_BIN_EXE_sockeye");
    command.args(["--norc", "-c", &format!("sockeye() {{ '{binary}' \"$@\"; }}\n{script}")]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0);
    command
}

/// Returns the commands of a block, each with its line and the output below it.
fn commands<'a>(block: &Block<'a>) -> Vec<(usize, &'a str, Vec<&'a str>)> {
    let mut found: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((block.line + at, command, Vec::new())),
            None => found.last_mut().expect("a command comes first").2.push(line),
        }
    }
    found
}

/// Replaces what differs from run to run: times, keys, the family of the address.
fn normal(line: &str) -> String {
    let line = line.replace("[::1]", "127.0.0.1");
    let line = Regex::new(r"\d+\.\d{6}").unwrap().replace_all(&line, "TIME").into_owned();
    let key = Regex::new(r"^([<>] Sec-WebSocket-(?:Key|Accept): )\S{24,}$").unwrap();
    key.replace(&line, "${1}KEY").trim_end().to_owned()
}

/// Reports whether the expected lines are those of stdout and stderr, in any order of the two.
/// `...` stands for lines of stderr.
fn matches(expected: &[String], out: &[String], err: &[String]) -> bool {
    let Some((first, rest)) = expected.split_first() else {
        return out.is_empty() && err.is_empty();
    };
    if first == "..." {
        return (0..=err.len()).any(|skipped| matches(rest, out, &err[skipped..]));
    }
    [out, err].iter().any(|it| it.first() == Some(first))
        && ((out.first() == Some(first) && matches(rest, &out[1..], err))
            || (err.first() == Some(first) && matches(rest, out, &err[1..])))
}

/// Runs a page, and returns the number of its commands.
fn run(page: &str) -> usize {
    let (mut server, mut ran) = (None, 0);
    for block in blocks(page) {
        match block.kind {
            "sh" => {
                drop(server.take());
                server = Some(Server::start(&block.lines.join("\n")));
            }
            "console" => {
                server.as_ref().expect("a server").run(&block);
                ran += commands(&block).len();
            }
            "text" => server.as_ref().expect("a server").says(&block),
            other => panic!("line {}: a block of kind {other:?}", block.line),
        }
    }
    ran
}

#[test]
fn the_commands_of_the_protocol_page_show_what_it_says() {
    let ran = run(include_str!("../docs/protocol.md"));
    assert!(ran > 20, "{ran} commands");
}

#[test]
fn a_command_that_shows_something_else_is_noticed() {
    let page = |output: &str| {
        format!(
            "```sh\nsockeye listen 9000 --echo\n```\n```console\n$ sockeye -x hi --count 1 localhost:9000\n{output}\n```\n"
        )
    };
    assert_eq!(run(&page("hi")), 1);
    for wrong in ["ho", "hi\nhi", "..."] {
        assert!(std::panic::catch_unwind(|| run(&page(wrong))).is_err(), "{wrong}");
    }
}

#[test]
fn the_diagrams_are_rendered_from_their_source() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let source = fs::read_to_string(docs.join("websocket_protocol.mmd")).unwrap();
    let diagrams: Vec<_> = source.split("%% diagram: ").skip(1).collect();
    assert_eq!(diagrams.len(), 4);
    for diagram in diagrams {
        let (name, text) = diagram.split_once('\n').unwrap();
        let svg = fs::read_to_string(docs.join(format!("picture/protocol-{name}.svg"))).unwrap();
        let sum = sha1_smol::Sha1::from(text).digest().to_string();
        let end = format!("<!-- source: {sum} -->\n");
        assert!(svg.ends_with(&end), "{name}: run `make diagrams`");
    }
}
