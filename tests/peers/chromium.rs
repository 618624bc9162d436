//! Headless Chromium, and a server for its page.

use super::support::{LIMIT, Signal};
use rustix::process::{Pid, kill_process_group};
use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Chromium with an open debugger. Dropping it ends the process.
pub struct Chromium {
    /// The debugger's address: `ws://127.0.0.1:PORT/devtools/browser/ID`.
    pub url: String,
    process: Child,
    profile: TempDir,
}

impl Chromium {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(args: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        // It also ends if the tests are killed. Its other files are in the profile, which is removed.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chromium"])
            .env("TMPDIR", profile.path())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(args)
            .arg("about:blank")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("chromium does not start ({e}): run `make deps`"));
        let lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let (send, says) = channel();
        thread::spawn(move || {
            let mut said = String::new();
            // Keep reading: a full pipe would stop Chromium.
            for line in lines.map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("DevTools listening on ") {
                    let _ = send.send(Ok(url.trim().to_owned()));
                }
                said = format!("{said}{line}\n");
            }
            let _ = send.send(Err(said));
        });
        let url = says.recv_timeout(LIMIT * 3).expect("chromium opens its debugger");
        let url = url.unwrap_or_else(|said| panic!("chromium ended: {said}"));
        Self { url, process, profile }
    }

    /// Returns the debugger's port.
    pub fn port(&self) -> u16 {
        let address = self.url.split('/').nth(2).and_then(|host| host.split(':').nth(1));
        address.and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Returns the debugger's address of a page.
    pub fn page(&self, target: &str) -> String {
        let (start, _) = self.url.split_once("/devtools/").expect("a debugger");
        format!("{start}/devtools/page/{target}")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
        // Processes of the group may write into it until they have ended.
        let limit = Instant::now() + LIMIT;
        while fs::remove_dir_all(self.profile.path())
            .is_err_and(|e| e.kind() != ErrorKind::NotFound)
            && Instant::now() < limit
        {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A file server that a page can notify when it is done.
pub struct Site {
    pub port: u16,
    done: Receiver<()>,
}

impl Site {
    /// Serves these bodies, by path and content type. A POST says that the page is done.
    pub fn start(files: Vec<(&'static str, &'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (send, done) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (files, send) = (files.clone(), send.clone());
                // A browser opens connections that it does not use yet.
                thread::spawn(move || {
                    if answer(stream, &files) {
                        let _ = send.send(());
                    }
                });
            }
        });
        Self { port, done }
    }

    /// Waits until the page is done.
    #[track_caller]
    pub fn await_done(&self) {
        self.done.recv_timeout(LIMIT).expect("the page is done");
    }
}

/// Answers a request, and returns true if it said that the page is done.
fn answer(mut stream: TcpStream, files: &[(&str, &str, String)]) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let found = files.iter().find(|(name, ..)| *name == path);
    let (status, kind, body) = match found {
        Some((_, kind, body)) => ("200 OK", *kind, body.as_str()),
        None => ("404 Not Found", "text/plain", ""),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
    head.starts_with("POST ")
}
