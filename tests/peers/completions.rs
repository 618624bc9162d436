//! What bash, zsh and fish complete, asked of the shells themselves.
//!
//! The scripts are installed where README.md says. A key inserts all completions of the word, or one
//! as Tab does, and another prints the line and empties it.

use super::support::LIMIT;
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};
use tempfile::TempDir;

/// Command lines that end in the word to complete, and its completions.
const QUESTIONS: &[(&str, &[&str])] = &[
    (
        "sockeye ",
        &[
            "listen",
            "proxy",
            "check",
            "demo",
            "show",
            "completions",
            "man",
            "help",
            "version",
            "ws://",
            "wss://",
            "@$(x)",
            "@dev",
            "@staging",
        ],
    ),
    ("sockeye -q li", &["listen"]),
    ("sockeye w", &["ws://", "wss://", "ws+unix:", "wss+unix:"]),
    ("sockeye ws:", &["ws://"]),
    ("sockeye -c wss:/", &["wss://"]),
    ("sockeye go", &[]),
    ("sockeye @", &["@$(x)", "@dev", "@staging"]),
    ("sockeye -v --connect @s", &["@staging"]),
    ("sockeye --connect=@d", &["@dev"]),
    ("sockeye --no-config @d", &[]),
    ("sockeye ws+unix:m", &["ws+unix:msg.json"]),
    ("sockeye --proxy socks5", &["socks5://", "socks5h://"]),
    ("sockeye --http", &["--http", "--http1.1", "--http2"]),
    ("sockeye --http ", &["1.1", "2", "auto"]),
    ("sockeye --delimiter=", &["lf", "nul", "none", "length"]),
    ("sockeye --record m", &["msg.json"]),
    ("sockeye --har=", &["a b", "msg.json", "sub"]),
    ("sockeye -x @", &["@a b", "@msg.json", "@sub"]),
    ("sockeye -x@m", &["-x@msg.json"]),
    ("sockeye --every 5 @s", &["@sub"]),
    ("sockeye -H @m", &["@msg.json"]),
    ("sockeye --max-time ", &[]),
    ("sockeye --execute m", &[]),
    ("sockeye --bearer file:m", &["file:msg.json"]),
    ("sockeye listen --slow ", &["drop", "wait", "skip"]),
    ("sockeye listen --tls-", &["--tls-self-signed"]),
    ("sockeye listen --reply m", &["msg.json"]),
    ("sockeye listen unix:s", &["unix:sub"]),
    (
        "sockeye proxy --tls-",
        &["--tls-self-signed", "--tls-export", "--tls-min", "--tls-max", "--tls-timeout"],
    ),
    ("sockeye proxy --output ", &["text", "jsonl", "none"]),
    ("sockeye proxy --faults m", &["msg.json"]),
    ("sockeye check --only fr", &["framing"]),
    ("sockeye check --skip l", &["limits"]),
    ("sockeye show m", &["msg.json"]),
    ("sockeye show --re", &[]),
    ("sockeye demo --receive", &["--receive-only"]),
    ("sockeye completions ", &["bash", "elvish", "fish", "powershell", "zsh"]),
    ("sockeye man ", &["sub"]),
    ("sockeye help exi", &["exit-codes"]),
    ("sockeye help dem", &["demo"]),
    ("sockeye --help prox", &["proxies", "proxy"]),
];

/// Command lines, and the same after Tab.
const TABS: &[(&str, &str)] = &[
    ("sockeye lis", "sockeye listen "),
    ("sockeye ws:", "sockeye ws://"),
    ("sockeye @st", "sockeye @staging "),
    ("sockeye \"@st", "sockeye \"@staging\" "),
    ("sockeye @\\$", "sockeye @\\$\\(x\\) "),
    ("sockeye -x @ms", "sockeye -x @msg.json "),
    ("sockeye -x @s", "sockeye -x @sub/"),
    ("sockeye --record a", "sockeye --record a\\ b "),
    ("sockeye --record=su", "sockeye --record=sub/"),
    ("sockeye --color=n", "sockeye --color=never "),
    ("sockeye --write", "sockeye --write-out "),
];

#[test]
fn bash_completes() {
    let home = Home::new();
    let script = home.install("bash", "sockeye.bash");
    home.write(".bashrc", &format!(". {script}\n{BASH_KEYS}"));
    home.check(&["bash", "--rcfile", ".bashrc", "-i"]);
}

#[test]
fn bash_completes_with_the_package_bash_completion() {
    let home = Home::new();
    home.install("bash", ".local/share/bash-completion/completions/sockeye");
    let package = "/usr/share/bash-completion/bash_completion";
    home.write(".bashrc", &format!(". {package}\n{BASH_KEYS}"));
    home.check(&["bash", "--rcfile", ".bashrc", "-i"]);
}

#[test]
fn zsh_completes() {
    let home = Home::new();
    home.install("zsh", ".zfunc/_sockeye");
    home.write(".zshrc", ZSH_KEYS);
    home.check(&["zsh", "-i"]);
}

#[test]
fn fish_completes() {
    let home = Home::new();
    home.install("fish", ".config/fish/completions/sockeye.fish");
    home.write(".config/fish/config.fish", FISH_KEYS);
    home.check(&["fish", "-i"]);
}

/// Keys of bash: Ctrl-A inserts all completions, Ctrl-T ends the question.
const BASH_KEYS: &str = r#"
PS1='$ '
unset HISTFILE
answer() {
    printf '<answer>%s</answer>' "$READLINE_LINE"
    READLINE_LINE='' READLINE_POINT=0
}
bind '"\C-a": insert-completions'
bind -x '"\C-t": answer'
cd work
printf '<%s>' ready
"#;

/// The same keys for zsh.
const ZSH_KEYS: &str = r#"
PS1='$ '
fpath=(~/.zfunc $fpath)
autoload -Uz compinit && compinit -u -D
answer() {
    print -rn -- "<answer>$BUFFER</answer>"
    BUFFER=
}
zle -N answer
zle -C all complete-word _generic
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' insert yes
bindkey -e
bindkey '^A' all
bindkey '^T' answer
cd work
printf '<%s>' ready
"#;

/// The same keys for fish. `complete -C` prints all completions, which Tab would show in a pager.
const FISH_KEYS: &str = r#"
function fish_greeting; end
function fish_prompt; printf '$ '; end
function answer
    printf '<answer>%s</answer>' (commandline | string collect)
    commandline ''
end
function all
    set -l line (commandline | string collect)
    set -l words (complete -C "$line" | string replace -r '\t.*' '' | string escape -n)
    test (count $words) -gt 0; and commandline "$(string replace -r '[^ ]*$' '' -- $line)$words "
end
bind \ca all
bind \ct answer
cd work
printf '<%s>' ready
"#;

/// A home directory with a configuration file, the program, and files to complete.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let targets = "[target.dev]\n[target.staging]\n[target.'$(x)']\n";
        home.write(".config/sockeye/config.toml", targets);
        home.write("work/msg.json", "{}");
        home.write("work/a b", "");
        home.write("work/sub/file", "");
        fs::create_dir(home.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_sockeye"), home.path().join("bin/sockeye")).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a completion script to a file, and returns its path.
    fn install(&self, shell: &str, name: &str) -> String {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        let script = program.args(["completions", shell]).output().unwrap().stdout;
        self.write(name, str::from_utf8(&script).unwrap());
        self.path().join(name).display().to_string()
    }

    /// Asks all questions in a shell.
    #[track_caller]
    fn check(&self, shell: &[&str]) {
        let mut session = ShellSession::start(self.path(), shell);
        let mut differences = Vec::new();
        for (line, expected) in QUESTIONS {
            let answer = completions(line, &session.ask(line, "\x01"));
            let mut expected: Vec<_> = expected.iter().map(|word| without_slash(word)).collect();
            expected.sort();
            if answer != expected {
                differences.push(format!("{line:?}: {answer:?}, not {expected:?}"));
            }
        }
        for (line, expected) in TABS {
            let answer = session.ask(line, "\t");
            if answer != *expected {
                differences.push(format!("{line:?} and Tab: {answer:?}, not {expected:?}"));
            }
        }
        assert!(differences.is_empty(), "{}: {}", shell[0], differences.join("\n"));
    }
}

/// Returns the completions in a line that was `asked` before, sorted. Slashes after directories and
/// the part of a word up to `=` are left out: the shells differ in when they insert them.
fn completions(asked: &str, line: &str) -> Vec<String> {
    if line == asked {
        return Vec::new();
    }
    let before = asked.split(' ').count() - 1;
    let value = |word: String| match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => value.to_owned(),
        _ => word,
    };
    let words = split(line).into_iter().skip(before).map(value);
    let mut words: Vec<_> = words.map(|word| without_slash(&word)).collect();
    words.sort();
    words
}

fn without_slash(word: &str) -> String {
    word.strip_suffix('/').unwrap_or(word).to_owned()
}

/// Splits a line at spaces without a backslash before them, and removes the backslashes.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.push(String::new()),
            '\\' => words.last_mut().unwrap().extend(chars.next()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A shell at a terminal. Dropping it ends it.
struct ShellSession {
    process: Child,
    stdin: ChildStdin,
    output: Receiver<Vec<u8>>,
}

impl ShellSession {
    fn start(home: &Path, shell: &[&str]) -> Self {
        let path = std::env::var("PATH").unwrap();
        let mut process = Command::new("script")
            .args(["-qefc", &format!("exec {}", shell.join(" ")), "/dev/null"])
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env("ZDOTDIR", home)
            .env("TERM", "dumb")
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", format!("{}:{path}", home.join("bin").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut stdout = process.stdout.take().unwrap();
        let stdin = process.stdin.take().unwrap();
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut session = Self { process, stdin, output };
        session.read_until("<ready>");
        session
    }

    /// Types a line and a key, and returns the line that they leave.
    #[track_caller]
    fn ask(&mut self, line: &str, key: &str) -> String {
        write!(self.stdin, "{line}{key}\x14").unwrap();
        self.stdin.flush().unwrap();
        let output = self.read_until("</answer>");
        let (_, answer) = output.rsplit_once("<answer>").unwrap();
        answer.to_owned()
    }

    /// Returns the output up to a mark.
    #[track_caller]
    fn read_until(&mut self, mark: &str) -> String {
        let end = Instant::now() + LIMIT;
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read);
            if let Some((text, _)) = text.split_once(mark) {
                return text.to_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => read.extend(bytes),
                Err(fault) => panic!("no {mark}: {fault}, after {text:?}"),
            }
        }
    }
}

impl Drop for ShellSession {
    fn drop(&mut self) {
        // The terminal goes with this process, and the shell with its terminal.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
