//! `sockeye listen` and clients that others wrote: libraries, command-line tools, a browser, curl, and
//! a proxy in front of it.

use super::{
    browser::ask,
    chromium::{Chromium, Site},
    programs::{PeerServer, root},
    support::{LIMIT, Test, server::Server},
};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A reply script that echoes, and closes on demand.
const REPLIES: &str = r#"
[[on]]
text = "close me"
close = { code = 4001, reason = "told" }

[[on]]
otherwise = true
do = "echo"
"#;

fn replies() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), REPLIES).unwrap();
    file
}

fn python() -> PathBuf {
    root().join("target/peers/venv/bin/python")
}

/// Runs a program, which must succeed, and returns its stdout.
#[track_caller]
fn runs(program: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    succeeded(program, output)
}

#[track_caller]
fn succeeded(program: &Path, output: std::io::Result<Output>) -> String {
    let name = program.display();
    let output = output.unwrap_or_else(|e| panic!("{name} does not start ({e}): run `make peers`"));
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(output.status.success(), "{name}: {stdout}{stderr}");
    stdout.into_owned()
}

#[track_caller]
fn runs_script(program: &Path, script: &str, args: &[&str]) {
    let script = root().join("tests/peers").join(script);
    let args = [&[script.to_str().unwrap()], args].concat();
    assert_eq!(runs(program, &args), "ok\n");
}

#[test]
fn libraries_of_clients_agree_on_every_message_limit_and_close() {
    let (python, replies) = (python(), replies());
    let guests = [(python.as_path(), "guest_websockets.py"), (Path::new("node"), "guest_ws.mjs")];
    for (program, script) in guests {
        for (option, args) in [("--no-compress", &[][..]), ("--compress", &["--compress"])] {
            let server = Server::start([
                "listen",
                "127.0.0.1:0",
                "--reply",
                replies.path().to_str().unwrap(),
                "--origin",
                "https://*.example.com",
                "--max-message",
                "2M",
                "--ping-interval",
                "0.2",
                option,
            ]);
            let url = server.url();
            runs_script(program, script, &[args, &[&url]].concat());
            // The end of each session is told.
            for end in [
                "client 1 disconnected: the client",
                "closed the connection: 4000 (private use): mine\n",
                "client 2 disconnected: closed by the server with 4001 (private use)",
                "sent a message over the limit of 2097152 bytes (1009)\n",
                "closed the connection: 1009 (message too big)",
                " for / with 403: the origin https://evil.example is not allowed\n",
            ] {
                server.child.await_stderr(end);
            }
            server.terminate();
        }
    }
}

#[test]
fn five_hundred_connections_at_once_are_served() {
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    runs_script(Path::new("node"), "burst_ws.mjs", &[&server.url(), "500"]);
    server.terminate();
}

#[test]
fn wscat_talks_to_the_server() {
    let wscat = root().join("target/peers/node/node_modules/wscat/bin/wscat");
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "-v", "--origin", "https://a"]);
    let long = "a\u{e9}\u{20ac}\u{1f600}".repeat(10_000);
    for options in [&["-s", "first", "-s", "second"][..], &[]] {
        let mut command = Command::new(&wscat);
        command.args(["-c", &server.url(), "-o", "https://a", "-x", &long, "-w", "1"]);
        // wscat ends with its stdin, whatever it still expects.
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("node starts: run `make peers`");
        let stdin = process.stdin.take();
        let stdout = succeeded(&wscat, process.wait_with_output());
        drop(stdin);
        assert_eq!(stdout.trim_end(), long);
    }
    server.child.await_stderr("client 1: subprotocol first\n");
    // A Close with a code, and a ping, by its commands; pongs are shown.
    let mut command = Command::new(&wscat);
    command.args(["--slash", "-P", "-c", &server.url(), "-o", "https://a"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("node starts");
    let mut stdin = process.stdin.take().unwrap();
    server.child.await_stderr("client 3 connected");
    stdin.write_all(b"/ping hi\n").unwrap();
    let mut shown = Vec::new();
    let stdout = process.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&shown).contains("Received pong (data: \"hi\")") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("wscat shows the pong");
        shown.push(byte[0]);
    }
    stdin.write_all(b"/close 4000 mine\n").unwrap();
    succeeded(&wscat, process.wait_with_output());
    drop(stdin);
    server.child.await_stderr("closed the connection: 4000 (private use): mine\n");
    // Another origin.
    let mut command = Command::new(&wscat);
    command.args(["-c", &server.url(), "-o", "https://evil", "-x", "hello"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("node starts");
    let stdin = process.stdin.take();
    let refused = process.wait_with_output().unwrap();
    drop(stdin);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("Unexpected server response: 403"), "{stderr}");
    server.terminate();
}

#[test]
fn websocat_talks_to_the_server() {
    let websocat = root().join("target/peers/venv/bin/websocat");
    let server = Server::start(["listen", "127.0.0.1:0", "--echo", "-v", "--origin", "https://a"]);
    let (url, line) = (server.url(), "a\u{e9}\u{20ac}\u{1f600}".repeat(5_000));
    let run = |options: &[&str], stdin: &str| {
        let mut command = Command::new(&websocat);
        command.args(options).args(["--origin", "https://a", &url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("websocat starts: run `make peers`");
        process.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        succeeded(&websocat, process.wait_with_output())
    };
    let lines = format!("one\n{line}\n");
    let options = ["-n", "--max-messages-rev", "2", "--protocol", "first"];
    assert_eq!(run(&options, &lines), lines);
    server.child.await_stderr("client 1: subprotocol first\n");
    // Binary messages have no end mark.
    assert_eq!(run(&["-n", "-b", "--max-messages-rev", "1"], "\0bin\n"), "\0bin\n");
    server.terminate();
}

#[test]
fn curl_gets_an_explanation() {
    let server = Server::start(["listen", "127.0.0.1:0"]);
    let (curl, url) = (Path::new("curl"), format!("http://127.0.0.1:{}/", server.port));
    let head = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
                Content-Type: text/plain; charset=utf-8\r\nContent-Length: 152\r\n\
                Connection: Upgrade, close\r\n\r\n";
    let page = "this is a WebSocket server, and the request does not ask for WebSocket.\n\n\
                Connect to it with a WebSocket client, for example:\n\n  sockeye ws://HOST:PORT/\n";
    let limit = LIMIT.as_secs().to_string();
    let common = ["-sS", "--noproxy", "*", "-m", &limit, &url];
    assert_eq!(runs(curl, &[&common[..], &["-i"]].concat()), format!("{head}{page}"));
    assert_eq!(runs(curl, &[&common[..], &["-i", "--http1.0"]].concat()), format!("{head}{page}"));
    // Curl would report content of a response to HEAD, or a connection that stays open.
    assert_eq!(runs(curl, &[&common[..], &["-I"]].concat()), head);
    let posted = runs(curl, &[&common[..], &["-i", "-d", "x=1"]].concat());
    assert!(
        posted.starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"),
        "{posted}"
    );
    server.terminate();
}

#[test]
fn nginx_without_its_settings_for_websocket_is_explained_on_both_sides() {
    let old = "a WebSocket request in HTTP/1.0, which cannot open a session";
    let removed = "a WebSocket request without its Upgrade and Connection headers, which a proxy \
                   may have removed";
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    for (name, reason) in [("nginx-plain", old), ("nginx-dropping", removed)] {
        let nginx = PeerServer::proxy_to_port(name, server.port, None);
        let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
        Test::new()
            .args([&url])
            .stderr_has(["answered 426 (Upgrade Required)", reason, "proxy_http_version 1.1;"])
            .status(22)
            .run();
        server.child.await_stderr(&format!(" for /chat with 426: {reason}\n"));
    }
    let nginx = PeerServer::proxy_to_port("nginx-http1", server.port, None);
    let url = format!("ws://127.0.0.1:{}/chat", nginx.port);
    Test::new().args([&url, "-x", "hello", "--count", "1"]).stdout("hello\n").run();
    server.terminate();
}

/// A page that talks to one server, is refused by another, and puts the result in its title.
const PAGE: &str = r#"<!doctype html><title>waiting</title><script>
const expect = (what, got, wanted) => {
  if (got !== wanted) throw new Error(`${what}: got ${got}, expected ${wanted}`);
};
const next = (socket, event) =>
  new Promise((resolve) => socket.addEventListener(event, resolve, { once: true }));
const open = async (extensions) => {
  const socket = new WebSocket("ws://127.0.0.1:TALKS/page?token=1", ["first", "second"]);
  socket.binaryType = "arraybuffer";
  await next(socket, "open");
  expect("subprotocol", socket.protocol, "first");
  expect("compression", socket.extensions.startsWith("permessage-deflate"), COMPRESSES);
  return socket;
};
const closes = async (socket, code, reason, clean = true) => {
  const event = await next(socket, "close");
  expect("close", `${event.code} ${event.reason} ${event.wasClean}`, `${code} ${reason} ${clean}`);
};
(async () => {
  try {
    let socket = await open();
    for (const text of ["héllo", "", "a€😀".repeat(100000)]) {
      socket.send(text);
      expect("echo", (await next(socket, "message")).data, text);
    }
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) % 251);
    socket.send(new Blob([bytes]));
    const back = new Uint8Array((await next(socket, "message")).data);
    expect("bytes", back.length === bytes.length && back.every((byte, i) => byte === bytes[i]), true);
    socket.close(4000, "mine");
    await closes(socket, 4000, "mine");
    socket = await open();
    socket.send("close me");
    await closes(socket, 4001, "told");
    socket = await open();
    socket.send(new Uint8Array(3 << 20));
    // The browser may still be sending.
    expect("close code", (await next(socket, "close")).code, 1009);
    // The page's origin is not one of this server.
    await closes(new WebSocket("ws://127.0.0.1:REFUSES/"), 1006, "", false);
    document.title = "good";
  } catch (error) {
    document.title = `${error}`;
  }
  await fetch("/done", { method: "POST" });
})();
</script>"#;

#[test]
fn a_page_in_chromium_talks_to_the_server() {
    let (replies, chromium) = (replies(), Chromium::start());
    let refusing =
        Server::start(["listen", "127.0.0.1:0", "--echo", "--origin", "https://*.example.com"]);
    for (id, option) in [(1, "--compress"), (2, "--no-compress")] {
        let talking = Server::start([
            "listen",
            "127.0.0.1:0",
            "--reply",
            replies.path().to_str().unwrap(),
            "--origin",
            "http://127.0.0.1:*",
            "--max-message",
            "2M",
            "--ping-interval",
            "0.1",
            option,
        ]);
        let page = PAGE
            .replace("TALKS", &talking.port.to_string())
            .replace("REFUSES", &refusing.port.to_string())
            .replace("COMPRESSES", if option == "--compress" { "true" } else { "false" });
        let site = Site::start(vec![("/", "text/html", page)]);
        let place = json!({ "url": format!("http://127.0.0.1:{}/", site.port) });
        let target = ask(&chromium.url, id, "Target.createTarget", &place, &[]);
        site.await_done();
        let page = chromium.page(target["targetId"].as_str().unwrap());
        let title = json!({ "expression": "document.title" });
        let verdict = ask(&page, id, "Runtime.evaluate", &title, &[]);
        assert_eq!(verdict["result"]["value"], "good", "{option}");
        talking.child.await_stderr("client 1 connected from 127.0.0.1:");
        talking.child.await_stderr("closed the connection: 4000 (private use): mine\n");
        let origin = format!("the origin http://127.0.0.1:{} is not allowed\n", site.port);
        refusing.child.await_stderr(&format!(" for / with 403: {origin}"));
        talking.terminate();
    }
    refusing.terminate();
}
