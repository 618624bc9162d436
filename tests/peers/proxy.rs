//! `sockeye proxy` between clients and servers that others wrote: what passes unchanged, and the
//! faults that each client sees.

use super::{
    programs::{PeerServer, root},
    support::{LIMIT, Test, path_text, server::Server},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// A client library with its scripts.
#[derive(Clone, Copy)]
enum Library {
    /// Node ws.
    Ws,
    /// Python websockets.
    Websockets,
}

use Library::{Websockets, Ws};

/// How a client came to its end.
struct Told {
    /// The received messages, then the code and reason of the end.
    lines: Vec<String>,
    first_after: Duration,
}

impl Library {
    fn command(self, scripts: [&str; 2]) -> Command {
        let (program, script) = match self {
            Ws => (PathBuf::from("node"), scripts[0]),
            Websockets => (root().join("target/peers/venv/bin/python"), scripts[1]),
        };
        let mut command = Command::new(program);
        command.arg(root().join("tests/peers").join(script)).stdin(Stdio::null());
        command
    }

    /// Runs the conversation with an echo server: all kinds of messages, fragments, pings and a Close.
    #[track_caller]
    fn converses(self, args: &[&str]) {
        let mut command = self.command(["client_ws.mjs", "client_websockets.py"]);
        let output = command.args(args).output().expect("it starts: run `make peers`");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{stderr}");
    }

    /// Sends texts. After `count` messages the client does `end`.
    #[track_caller]
    fn tells(self, url: &str, count: usize, end: &str, texts: &[&str]) -> Told {
        let mut command = self.command(["teller_ws.mjs", "teller_websockets.py"]);
        command.args(["--compress", url, &count.to_string(), end]).args(texts);
        let output = command.output().expect("it starts: run `make peers`");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let first_after = stderr.trim().parse().map(Duration::from_millis).unwrap_or_default();
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        Told { lines: lines.lines().map(str::to_owned).collect(), first_after }
    }
}

/// Starts a proxy before a port.
#[track_caller]
fn before(port: u16, options: &[&str]) -> Server {
    started(&[&["127.0.0.1:0", &format!("ws://127.0.0.1:{port}/"), "-v"], options].concat()).0
}

/// Starts a proxy. Returns it with the URL at which it listens.
#[track_caller]
fn started(args: &[&str]) -> (Server, String) {
    let (mut proxy, line) = Server::setup([&["proxy"], args].concat()).start_with_url();
    let (url, _) = line.split_once(", passing on to ").expect("both addresses");
    proxy.port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    (proxy, url.to_owned())
}

#[test]
fn node_ws_converses_with_python_websockets() {
    let server = PeerServer::websockets(&["--compress"]);
    let proxy = before(server.port, &[]);
    Ws.converses(&["--compress", &proxy.url()]);
    Ws.converses(&[&proxy.url()]);
    proxy.terminate();
}

#[test]
fn python_websockets_converses_with_node_ws() {
    let server = PeerServer::ws(&["--compress"]);
    let proxy = before(server.port, &[]);
    Websockets.converses(&["--compress", &proxy.url()]);
    Websockets.converses(&[&proxy.url()]);
    proxy.terminate();
}

/// Ends sessions from either side, with a Close and without. Each end must arrive as it was sent.
#[track_caller]
fn ends_pass(client: Library, server: &PeerServer) {
    let proxy = before(server.port, &[]);
    let ends = |count, end: &str, text: &str| client.tells(&proxy.url(), count, end, &[text]).lines;
    assert_eq!(ends(1, "close", "hello"), ["hello", "4002 mine"]);
    proxy.child.await_stderr("client 1 disconnected: closed by the client with 4002 (private use)");
    assert_eq!(ends(1, "abort", "how"), ["4002 mine", "1006"], "the server has received it");
    assert_eq!(ends(1, "close", "how"), ["1006", "4002 mine"], "the server has seen an abort");
    assert_eq!(ends(1, "wait", "close me"), ["4002 told"]);
    proxy.child.await_stderr("client 4 disconnected: closed by the server with 4002 (private use)");
    assert_eq!(ends(1, "wait", "abort me"), ["1006"]);
    proxy.terminate();
}

#[test]
fn ends_pass_between_node_ws_and_python_websockets() {
    ends_pass(Ws, &PeerServer::told_websockets());
}

#[test]
fn ends_pass_between_python_websockets_and_node_ws() {
    ends_pass(Websockets, &PeerServer::told_ws());
}

/// Rules, the texts that the client sends, the messages that it receives, and the end that it sees. If
/// that is "4002 mine", the client closes.
type FaultCase = (Texts, Texts, Texts, &'static str);
type Texts = &'static [&'static str];

const FAULTS: [FaultCase; 8] = [
    (&["drop every 2 client"], &["a", "b", "c", "d", "e"], &["a", "c", "e"], "4002 mine"),
    (&["drop every 2 server"], &["a", "b", "c"], &["a", "c"], "4002 mine"),
    (&["duplicate every 2 server"], &["a", "b", "c"], &["a", "b", "b", "c"], "4002 mine"),
    (&["close 4001:gone every 2 server"], &["a", "b", "c"], &["a"], "4001 gone"),
    (&["cut every 2 server"], &["a", "b"], &["a"], "1006"),
    (&["cut frame every 2 server"], &["a", "a long message"], &["a"], "1006"),
    (&["reset after 1 messages server"], &["a"], &["a"], "1006"),
    // The client violates nothing itself, and answers what the fault has made of the message.
    (&["corrupt every 2 server"], &["a", EUROS], &["a"], "sent 1007"),
];
const EUROS: &str = "\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}";
/// A seed with which the changed byte is no longer UTF-8.
const SEED: [&str; 2] = ["--seed", "1"];

#[track_caller]
fn sees_the_faults(client: Library, server: &PeerServer) {
    for (rules, texts, received, end) in FAULTS {
        let rules: Vec<_> = rules.iter().flat_map(|rule| ["--fault", rule]).collect();
        let proxy = before(server.port, &[&rules[..], &SEED].concat());
        let action = if end == "4002 mine" { "close" } else { "wait" };
        let told = client.tells(&proxy.url(), received.len(), action, texts);
        assert_eq!(told.lines, [received, &[end]].concat(), "{rules:?}");
        proxy.child.await_stderr("client 1 disconnected: ");
        proxy.terminate();
    }
    let proxy = before(server.port, &["--fault", "delay 0.3"]);
    let told = client.tells(&proxy.url(), 1, "close", &["a"]);
    assert_eq!(told.lines, ["a", "4002 mine"]);
    assert!(told.first_after >= Duration::from_millis(590), "{:?}", told.first_after);
    proxy.terminate();
}

#[test]
fn node_ws_sees_the_faults() {
    sees_the_faults(Ws, &PeerServer::told_websockets());
}

#[test]
fn python_websockets_sees_the_faults() {
    sees_the_faults(Websockets, &PeerServer::told_ws());
}

#[test]
fn websocat_sees_the_faults() {
    let server = PeerServer::told_ws();
    for (rules, texts, received, end) in FAULTS {
        let rules: Vec<_> = rules.iter().flat_map(|rule| ["--fault", rule]).collect();
        let proxy = before(server.port, &[&rules[..], &SEED].concat());
        let websocat = Websocat::start(&proxy);
        let lines: String = texts.iter().map(|text| format!("{text}\n")).collect();
        websocat.send(&lines);
        for &text in received {
            assert_eq!(websocat.line(), text, "{rules:?}");
        }
        // It shows no code, and stays until its stdin ends.
        if end != "4002 mine" && end != "sent 1007" {
            proxy.child.await_stderr("client 1 disconnected: ");
        }
        proxy.terminate();
    }
    let proxy = before(server.port, &["--fault", "delay 0.3"]);
    let websocat = Websocat::start(&proxy);
    let start = Instant::now();
    websocat.send("a\n");
    assert_eq!(websocat.line(), "a");
    assert!(start.elapsed() >= Duration::from_millis(590), "{:?}", start.elapsed());
    proxy.terminate();
}

/// A running websocat, which sends lines and prints messages as lines.
struct Websocat {
    process: std::process::Child,
    /// Lines of stdout, from a thread, so that a lost message does not block the test.
    lines: Receiver<String>,
}

impl Websocat {
    /// Starts it, and waits until the session is open.
    #[track_caller]
    fn start(proxy: &Server) -> Self {
        let mut command = Command::new(root().join("target/peers/venv/bin/websocat"));
        command.args(["-n", &proxy.url()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::null()).spawn().expect("websocat starts");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        proxy.child.await_stderr("client 1 connected from ");
        Self { process, lines }
    }

    #[track_caller]
    fn send(&self, lines: &str) {
        let mut stdin = self.process.stdin.as_ref().expect("stdin is a pipe");
        stdin.write_all(lines.as_bytes()).expect("websocat reads");
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a message")
    }
}

impl Drop for Websocat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_seed_repeats_the_faults_of_a_client() {
    let server = PeerServer::told_ws();
    let texts: Vec<_> = (0..40).map(|number| format!("message {number}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).chain(["close me"]).collect();
    let run = |seed| {
        let rules = ["--fault", "drop chance 0.4 server", "--fault", "duplicate chance 0.2 server"];
        let proxy = before(server.port, &[&rules[..], &["--seed", seed]].concat());
        let told = Websockets.tells(&proxy.url(), usize::MAX >> 1, "wait", &texts);
        proxy.terminate();
        told.lines
    };
    let first = run("7");
    assert_eq!(first.last().unwrap(), "4002 told");
    assert_eq!(first, run("7"));
    assert_ne!(first, run("8"));
}

#[test]
fn servers_of_http_1_serve_a_client_of_http_2_and_tls() {
    let dir = tempfile::tempdir().unwrap();
    let ca = path_text(&dir.path().join("ca.pem"));
    let tls = ["--tls-self-signed", "--tls-export", &ca];
    for server in [PeerServer::ws(&["--compress"]), PeerServer::websockets(&["--compress"])] {
        let back = format!("ws://127.0.0.1:{}/", server.port);
        let args = [&["wss://127.0.0.1:0", &back, "-v"], &tls[..]].concat();
        let (proxy, url) = started(&args);
        let long = "long \u{20ac} ".repeat(10_000);
        Test::new()
            .args(["--http2", "--ca", &ca, "--fragment", "10000", "--compress-min", "0"])
            .args(["-x", "short", "-x", &long, "-x", "last", "--count", "3", &url])
            .stdout(format!("short\n{long}\nlast\n"))
            .run();
        proxy.child.await_stderr(": HTTP/2\n");
        proxy.terminate();
    }
}

#[test]
fn socket_io_is_upgraded_from_polling() {
    let server = PeerServer::node("socket.io-pings");
    let proxy = before(server.port, &[]);
    let url = proxy.url().replacen("ws", "http", 1);
    let mut command = Command::new(root().join("target/peers/venv/bin/python"));
    command.arg(root().join("tests/peers/socket_io.py")).arg(url).stdin(Stdio::null());
    let output = command.output().expect("it starts: run `make peers`");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{stderr}");
    let stderr = proxy.terminate().stderr;
    assert!(stderr.contains("transport=polling"), "{stderr}");
    assert!(stderr.contains("transport=websocket"), "{stderr}");
}

/// Regression: the session of a client over HTTP/1.1 ended only at its time limit.
#[test]
fn hypercorn_over_http_2_serves_clients_of_http_1() {
    let server = PeerServer::hypercorn(None);
    let proxy = before(server.port, &["--http2"]);
    Ws.converses(&[&proxy.url()]);
    Websockets.converses(&["--compress", &proxy.url()]);
    proxy.child.await_stderr("> :protocol: websocket\n");
    proxy.terminate();
}
