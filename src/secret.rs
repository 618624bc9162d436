//! Secrets that do not appear in the process list: read from the environment, a file or a command,
//! or typed at the terminal without echo.

use crate::{
    escape::Escaped,
    known,
    sys::{
        hidden_line::Terminal,
        input_file,
        resources::spawn,
        run_limit,
        signals::{Attention, install_handlers},
        unix::{end_by_signal, exit_descriptor},
    },
    wording::system_error,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};
use std::{
    env::VarError,
    fmt,
    io::{self, IsTerminal as _, Read as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// A password, token or cookie. `Debug` shows `[redacted]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretString(String);

impl SecretString {
    /// Returns the secret. It must not be shown or logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl From<&str> for SecretString {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A failure to obtain a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct SecretFault {
    /// The reason, without the secret.
    pub fault: String,
    /// Another way to provide the secret.
    pub hint: Option<String>,
}

impl fmt::Display for SecretFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault)
    }
}

impl std::error::Error for SecretFault {}

/// Returns true if a value refers to a secret (`env:`, `file:` or `cmd:`) rather than being one.
pub fn is_reference(value: &str) -> bool {
    ["env:", "file:", "cmd:"].iter().any(|prefix| value.starts_with(prefix))
}

/// Resolves the value of an option: `env:NAME` is a variable, `file:PATH` the first line of a file,
/// `cmd:COMMAND` the first line of a shell command's output, and any other value the secret itself.
pub fn reveal(value: &str) -> Result<SecretString, SecretFault> {
    let fault = |fault: String| SecretFault { fault, hint: None };
    let clean = |text: String, from: String| {
        let text = without_line_end(&text).to_owned();
        // A control character would end the header field that carries the secret.
        if text.chars().any(char::is_control) {
            return Err(fault(format!("{from} contains a control character")));
        }
        Ok(text.into())
    };
    if let Some(name) = value.strip_prefix("env:") {
        let text = std::env::var(name).map_err(|e| match e {
            // The error's message contains the value.
            VarError::NotUnicode(_) => fault(format!("the variable {name} is not valid UTF-8")),
            VarError::NotPresent => fault(format!("the variable {name}: {e}")),
        })?;
        return clean(text, format!("the variable {name}"));
    }
    if let Some(path) = value.strip_prefix("file:") {
        let text = input_file::read_text(Path::new(path), input_file::SMALL_FILE_BYTES)
            .map_err(|e| fault(format!("cannot read {}: {}", Escaped(path), system_error(&e))))?;
        let from = Escaped(path).to_string();
        return clean(text.split('\n').next().unwrap_or_default().to_owned(), from);
    }
    if let Some(command) = value.strip_prefix("cmd:") {
        let output = run_command(command, COMMAND_LIMIT).map_err(fault)?;
        let is_full = output.len() >= MAX_OUTPUT_BYTES;
        if is_full && !output.contains(&b'\n') {
            return Err(fault("the command (cmd:) printed a line of more than 64 KiB".to_owned()));
        }
        let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = std::str::from_utf8(line)
            .map_err(|_| fault("the output of the command (cmd:) is not valid UTF-8".to_owned()))?;
        let line = without_line_end(line);
        if line.is_empty() {
            return Err(fault("the command (cmd:) printed no secret".to_owned()));
        }
        return clean(line.to_owned(), "the output of the command (cmd:)".to_owned());
    }
    Ok(without_line_end(value).into())
}

/// Returns the text without one line end, LF or CRLF or the CR that remains of it.
pub fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// Runs a shell command and returns its output. The command stays in the process group, so that it
/// can read from the terminal.
fn run_command(command: &str, limit: Duration) -> Result<Vec<u8>, String> {
    let failed = |e: io::Error| format!("cannot run the command (cmd:): {}", system_error(&e));
    let limit = run_limit::left().map_or(limit, |left| limit.min(left));
    let deadline = Instant::now() + limit;
    // The command may prompt at a terminal. Any other stdin carries messages to send.
    let stdin = if io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let printed = child.stdout.take().map_or_else(
        || Ok(Some(Vec::new())),
        |stdout| collect(&mut child, stdout, deadline).map_err(failed),
    );
    let is_full = |printed: &Vec<u8>| printed.len() >= MAX_OUTPUT_BYTES;
    if !matches!(&printed, Ok(Some(printed)) if !is_full(printed)) {
        // The command may have exited in the meantime.
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    let Some(printed) = printed? else {
        return Err(format!("the command (cmd:) timed out after {} s", limit.as_secs()));
    };
    // A command whose output is endless is killed.
    if !status.success() && !is_full(&printed) {
        return Err(format!("the command (cmd:) failed: {status}"));
    }
    Ok(printed)
}

/// Collects the output of a child until it exits or has printed the maximum. Returns `None` if it
/// is still running at the deadline.
/// Waits for the exit and not for the end of the output, because a background process of the child
/// may keep the pipe open.
fn collect(
    child: &mut Child,
    mut stdout: ChildStdout,
    deadline: Instant,
) -> io::Result<Option<Vec<u8>>> {
    let exit = exit_descriptor(child)?;
    let (mut printed, mut is_open) = (Vec::new(), true);
    loop {
        // Checked here as well, because `poll` never expires while output is endless.
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return Ok(None) };
        let left = if exit.is_some() { left } else { left.min(EXIT_POLL_INTERVAL) };
        let left = Timespec::try_from(left).unwrap_or_default();
        let mut fds: Vec<_> = exit.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if is_open {
            fds.push(PollFd::new(&stdout, PollFlags::IN));
        }
        match poll(&mut fds, Some(&left)) {
            Ok(0) if exit.is_some() => return Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready?,
        };
        if is_open && fds.last().is_some_and(|stdout| !stdout.revents().is_empty()) {
            let mut part = [0; 4096];
            let n = stdout.read(&mut part)?;
            is_open = n > 0;
            let room = MAX_OUTPUT_BYTES.saturating_sub(printed.len());
            printed.extend(part.iter().take(n.min(room)));
            if printed.len() >= MAX_OUTPUT_BYTES {
                return Ok(Some(printed));
            }
        } else if exit.is_some() || child.try_wait()?.is_some() {
            return Ok(Some(printed));
        }
    }
}

/// Prompts for a secret at the terminal, without echo, within the time limit of the run. A signal
/// that ends the process restores the terminal first.
pub fn ask(what: &str) -> Result<SecretString, SecretFault> {
    let fault = |e: io::Error| SecretFault {
        fault: format!("cannot ask for {what}: {}", system_error(&e)),
        hint: Some("give it as env:NAME, file:PATH or cmd:COMMAND".to_owned()),
    };
    let terminal = Terminal::open().map_err(fault)?;
    let shared = terminal.try_clone().map_err(fault)?;
    // A signal must not leave the terminal without echo.
    install_handlers().map_err(fault)?;
    let mut signals = Signals::new(ENDING_SIGNALS).map_err(fault)?;
    let attention = Attention::begin(&ENDING_SIGNALS);
    let handle = signals.handle();
    let watcher = spawn("signals", move || {
        if let Some(signal) = signals.forever().next() {
            shared.restore();
            end_by_signal(signal);
        }
    })
    .map_err(fault)?;
    let typed = terminal.read_hidden(&format!("{what}: "));
    handle.close();
    let _ = watcher.join();
    drop(attention);
    let typed = typed.map_err(fault)?;
    let typed = without_line_end(&typed);
    known::add(typed);
    Ok(typed.into())
}

/// The signals that end the process while it asks.
const ENDING_SIGNALS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/// The time limit of a command, which may wait for user input.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);
/// The maximum number of bytes of a command's output that are kept.
const MAX_OUTPUT_BYTES: usize = 64 << 10;
/// The interval of checks for a child's exit on systems without process descriptors.
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: &str) -> String {
        reveal(value).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secret = SecretString::from("S3CRET");
        assert_eq!(format!("{:?}", ("user", &secret)), "(\"user\", [redacted])");
        assert_eq!(secret.expose(), "S3CRET");
    }

    #[test]
    fn a_command_prints_the_secret_in_its_first_line() {
        assert_eq!(reveal("cmd:echo one; echo two").unwrap().expose(), "one");
        assert_eq!(reveal("cmd:printf 'a b'").unwrap().expose(), "a b");
        assert_eq!(reveal("cmd:yes | head -c 500000").unwrap().expose(), "y");
        // A background process that keeps the pipe open does not delay the result.
        assert_eq!(reveal("cmd:echo one; sleep 9 2>/dev/null &").unwrap().expose(), "one");
    }

    #[test]
    fn one_line_end_is_not_part_of_a_secret() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = format!("file:{}", file.path().display());
        for end in ["", "\n", "\r\n", "\r"] {
            file.as_file_mut().set_len(0).unwrap();
            std::fs::write(file.path(), format!("a b{end}")).unwrap();
            assert_eq!(reveal(&path).unwrap().expose(), "a b", "{end:?}");
            assert_eq!(reveal(&format!("a b{end}")).unwrap().expose(), "a b", "{end:?}");
            let command = format!("cmd:printf 'a b{}'", end.escape_default());
            assert_eq!(reveal(&command).unwrap().expose(), "a b", "{end:?}");
        }
        assert_eq!(without_line_end("a\n\n"), "a\n");
    }

    #[test]
    fn a_failing_command_does_not_reveal_the_secret() {
        assert_eq!(fault("cmd:echo S3CRET; exit 3"), "the command (cmd:) failed: exit status: 3");
        assert_eq!(fault("cmd:true S3CRET"), "the command (cmd:) printed no secret");
        assert_eq!(fault("cmd:echo; echo S3CRET"), "the command (cmd:) printed no secret");
        assert_eq!(
            fault("cmd:printf '\\377'"),
            "the output of the command (cmd:) is not valid UTF-8"
        );
        assert_eq!(
            fault("cmd:printf 'a\\tb'"),
            "the output of the command (cmd:) contains a control character"
        );
    }

    #[test]
    fn a_command_with_endless_output_is_killed() {
        assert_eq!(reveal("cmd:exec yes").unwrap().expose(), "y");
        assert_eq!(
            fault("cmd:exec cat /dev/zero"),
            "the command (cmd:) printed a line of more than 64 KiB"
        );
    }

    #[test]
    fn a_command_has_a_time_limit() {
        for command in ["exec sleep 9", "exec sleep 9 >&-"] {
            let fault = run_command(command, Duration::from_millis(50)).unwrap_err();
            assert_eq!(fault, "the command (cmd:) timed out after 0 s", "{command}");
        }
    }
}
