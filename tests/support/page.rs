//! Runs the command blocks of a page, and compares what each command shows with the block.
//! CONTRIBUTING.md describes the notation.

use super::{LIMIT, Signal, child::ends_before, signalled};
use regex::Regex;
use rustix::process::{Pid, kill_process_group};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Instant,
};

/// Which blocks of a page are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Those that need only bash and coreutils.
    Plain,
    /// Those that need other programs, by `<!-- needs: ... -->`.
    WithPrograms,
}

/// A fenced block of a page, or an HTML comment with an instruction.
struct Block<'a> {
    /// The word after the fence, or `server`, `needs` or `not run`.
    kind: &'a str,
    /// The number of its first line.
    line: usize,
    lines: Vec<&'a str>,
}

const INSTRUCTIONS: [&str; 3] = ["server", "needs", "not run"];

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
            None => {
                let comment = line.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->"));
                let shown = line.strip_prefix("Server: `").and_then(|it| it.strip_suffix('`'));
                if let Some(command) = shown {
                    found.push(Block { kind: "server", line: at + 1, lines: vec![command] });
                } else if let Some((kind, text)) = comment.and_then(|it| it.split_once(": ")) {
                    assert!(INSTRUCTIONS.contains(&kind), "line {}: {kind}", at + 1);
                    found.push(Block { kind, line: at + 1, lines: vec![text] });
                }
            }
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
    /// Starts a server by a shell command, in a folder.
    pub fn start(command: &str, folder: &Path) -> Self {
        let mut bash = bash(&command.replace("listen 9000", "listen 0"), folder);
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

/// Runs the commands of a block in a folder. Returns those that show something else than the block.
fn compare(block: &Block<'_>, port: &str, folder: &Path) -> Vec<String> {
    let commands = commands(block);
    let dir = tempfile::tempdir().unwrap();
    let scripts = commands.iter().enumerate().map(|(at, (_, command, _))| {
        let command = local(command, port);
        format!("{{ {command}\n}} >\"$SHOWN/{at}.out\" 2>\"$SHOWN/{at}.err\"\n")
    });
    let script: String = scripts.collect();
    let mut bash = bash(&script, folder);
    let mut process = bash.env("SHOWN", dir.path()).spawn().expect("bash starts");
    let is_late = !ends_before(pid(&process), Instant::now() + LIMIT);
    kill_group(&mut process);
    let mut failures = Vec::new();
    for (at, (line, command, expected)) in commands.iter().enumerate() {
        let shown = ["out", "err"].map(|name| {
            let text = fs::read(dir.path().join(format!("{at}.{name}"))).unwrap_or_default();
            String::from_utf8_lossy(&text).lines().map(normal).collect::<Vec<_>>()
        });
        let expected: Vec<_> = expected.iter().map(|line| normal(line)).collect();
        let [out, err] = &shown;
        if !matches(&expected, out, err) {
            failures.push(format!(
                "line {line}: {command}\nexpected: {expected:#?}\nstdout: {out:#?}\nstderr: {err:#?}"
            ));
        }
    }
    if is_late {
        failures.push(format!("the commands of line {} did not end", block.line));
    }
    failures
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

/// The folder of a symbolic link `sockeye` to the binary.
static PROGRAMS: LazyLock<String> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-programs");
    fs::create_dir_all(&folder).unwrap();
    // Another process of the tests may have made it.
    let _ = symlink(env!("CARGO_BIN_EXE_sockeye"), folder.join("sockeye"));
    folder.to_str().unwrap().to_owned()
});

/// Returns a command that runs a script in which `sockeye` is the binary and `~` the folder.
fn bash(script: &str, folder: &Path) -> Command {
    let mut command = signalled("bash");
    command.args(["--norc", "-c", script]).current_dir(folder);
    let path = std::env::var("PATH").unwrap_or_default();
    // websocat and wscat are installed there.
    let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers");
    let path = format!("{}:{path}:{peers}/venv/bin:{peers}/node/node_modules/.bin", *PROGRAMS);
    command.env_clear().env("PATH", path).env("HOME", folder);
    command.env("MOCKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mocks"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0);
    command
}

/// Returns the commands of a block, each with its line and the output below it. A command that ends
/// with a backslash continues in the next line.
fn commands<'a>(block: &Block<'a>) -> Vec<(usize, String, Vec<&'a str>)> {
    let mut found: Vec<(usize, String, Vec<&str>)> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((block.line + at, command.to_owned(), Vec::new())),
            (None, Some((_, command, output))) if command.ends_with('\\') && output.is_empty() => {
                *command = format!("{command}\n{line}");
            }
            (None, last) => last.expect("a command comes first").2.push(line),
        }
    }
    found
}

/// Replaces addresses of a page by that of its server.
fn local(text: &str, port: &str) -> String {
    static EXAMPLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bwss?://(?:[\w-]+\.)*example(?:\.com)?\b").unwrap());
    EXAMPLE.replace_all(text, "ws://localhost:9000").replace("9000", port)
}

/// Replaces what differs from run to run: addresses, times, keys.
fn normal(line: &str) -> String {
    static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let varying = [
            (r"\b(ws|http)s://", "$1://"),
            (r"(localhost|127\.0\.0\.1|\[::1\]|\b([\w-]+\.)*example(\.com)?\b)(:\d+)?", "HOST"),
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "DATE"),
            (r"(^|[ +:=\[])\d+\.\d+\b", "${1}TIME"),
            (r"(open after TIME ms: ).*", "${1}STEPS"),
            (r"(?i)(Sec-WebSocket-(?:Key|Accept)(?:: |\W{3}))[\w+/=]{24,}", "${1}KEY"),
        ];
        varying.map(|(pattern, word)| (Regex::new(pattern).unwrap(), word)).into()
    });
    let mut line = line.trim_end().to_owned();
    for (pattern, word) in VARYING.iter() {
        line = pattern.replace_all(&line, *word).into_owned();
    }
    line
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
    (out.first() == Some(first) && matches(rest, &out[1..], err))
        || (err.first() == Some(first) && matches(rest, out, &err[1..]))
}

/// Writes a block whose first line is a comment with the name of a file. Others only illustrate.
fn write_file(block: &Block<'_>, port: &str, folder: &Path) {
    let Some((first, content)) = block.lines.split_first() else { return };
    let Some(name) = first.strip_prefix("# ") else { return };
    let path = folder.join(name.trim_start_matches("~/"));
    assert!(path.starts_with(folder), "{name}");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, local(&content.join("\n"), port) + "\n").unwrap();
}

/// Runs a page, and returns the number of its commands. Fails with all that show something else.
pub fn run(page: &str, which: Blocks) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut server, mut ran): (Option<Server>, _) = (None, 0);
    let (mut needed, mut failures) = (Blocks::Plain, Vec::new());
    let mut all = blocks(page).into_iter();
    while let Some(block) = all.next() {
        let port = server.as_ref().map_or("9000", |server| &server.port);
        match block.kind {
            "not run" => drop(all.next().expect("a block that is not run")),
            "needs" => needed = Blocks::WithPrograms,
            "server" | "sh" => {
                drop(server.take());
                if needed == Blocks::Plain || which == Blocks::WithPrograms {
                    server = Some(Server::start(&block.lines.join("\n"), folder));
                }
            }
            "console" => {
                if std::mem::replace(&mut needed, Blocks::Plain) == which {
                    failures.extend(compare(&block, port, folder));
                    ran += commands(&block).len();
                }
            }
            "text" => server.as_ref().expect("a server").says(&block),
            _ => write_file(&block, port, folder),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    ran
}
