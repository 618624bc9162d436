//! Every answer of the opening handshake that opens no session: the bytes of the answer, the note on
//! stderr and the event of `--output jsonl`.

use crate::support::server::Server;
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
};

/// A request, and the answer to it.
struct Row {
    request: String,
    /// The status line without the version.
    status: &'static str,
    /// The header lines before those that every answer has.
    headers: &'static str,
    reason: String,
    /// The body, if it is more than the reason.
    body: Option<&'static str>,
    /// The target that is reported.
    target: Option<&'static str>,
}

fn row(request: impl Into<String>, status: &'static str, reason: &str) -> Row {
    let (request, reason) = (request.into(), reason.to_owned());
    Row { request, status, headers: "", reason, body: None, target: Some("/") }
}

impl Row {
    fn headers(self, headers: &'static str) -> Self {
        Self { headers, ..self }
    }

    fn body(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }

    fn target(self, target: Option<&'static str>) -> Self {
        Self { target, ..self }
    }

    fn code(&self) -> u64 {
        self.status[..3].parse().unwrap()
    }

    /// Returns all bytes of the answer.
    fn answer(&self) -> String {
        let body = self.body.map_or_else(|| format!("{}\n", self.reason), ToOwned::to_owned);
        let connection =
            if self.headers.contains("Upgrade: ") { "Upgrade, close" } else { "close" };
        let shown = if self.request.starts_with("HEAD ") { "" } else { &body };
        format!(
            "HTTP/1.1 {}\r\n{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: {connection}\r\n\r\n{shown}",
            self.status,
            self.headers,
            body.len()
        )
    }
}

/// Sends each request to a server with these options, and compares all that the server says.
#[track_caller]
fn check(options: &[&str], rows: &[Row]) {
    let mut args = vec!["listen", "--output", "jsonl", "127.0.0.1:0"];
    args.extend(options);
    let server = Server::start(args);
    let mut addresses = Vec::new();
    for row in rows {
        let mut stream = server.dial();
        stream.write_all(row.request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and the end");
        assert_eq!(answer, row.answer(), "to {:.200}", row.request);
        addresses.push(stream.local_addr().unwrap().to_string());
    }
    // The server works on.
    for address in &addresses {
        server.child.await_stdout_has(address);
    }
    let end = server.terminate();
    let events: Vec<Value> = String::from_utf8(end.stdout)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The last event is the end of the run.
    assert_eq!((events.len(), end.stderr.lines().count()), (rows.len() + 1, rows.len()));
    for (row, address) in rows.iter().zip(&addresses) {
        // The answer to an endless request is told once the client has received it.
        let event = events.iter().find(|event| event["address"] == **address).unwrap();
        let place = row.target.map(|target| format!(" for {target}")).unwrap_or_default();
        let (code, reason) = (row.code(), &row.reason);
        let note = format!("sockeye: refused {address}{place} with {code}: {reason}");
        assert!(end.stderr.lines().any(|line| line == note), "no {note:?} in {}", end.stderr);
        assert_eq!(event["type"], "refused", "{event}");
        assert_eq!(event["status"], code, "{event}");
        assert_eq!(event["reason"], **reason, "{event}");
        assert_eq!(event.get("target").and_then(Value::as_str), row.target, "{event}");
    }
}

/// Returns a valid request with one replacement.
fn request(from: &str, to: &str) -> String {
    let good = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert!(good.contains(from));
    good.replace(from, to)
}

/// Returns a valid request with further header lines.
fn request_with(lines: &str) -> String {
    request("Host: ", &format!("{lines}Host: "))
}

const UPGRADE: &str = "Upgrade: websocket\r\n";
const PAGE: &str = "this is a WebSocket server, and the request does not ask for WebSocket.\n\n\
     Connect to it with a WebSocket client, for example:\n\n  sockeye ws://HOST:PORT/\n";
const ADVICE: &str = "A reverse proxy must use HTTP/1.1 and pass the headers on. In nginx:\n\n  \
     proxy_http_version 1.1;\n  proxy_set_header Upgrade $http_upgrade;\n  \
     proxy_set_header Connection \"upgrade\";\n";

#[test]
fn each_invalid_request_has_an_answer_a_note_and_an_event() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let long = "x".repeat(70_000);
    let ordinary = "this is a WebSocket server, and the request does not ask for WebSocket";
    let removed = "a WebSocket request without its Upgrade and Connection headers, which a proxy \
                   may have removed";
    let old = "a WebSocket request in HTTP/1.0, which cannot open a session";
    let [removed_body, old_body] =
        [removed, old].map(|reason| format!("{reason}.\n\n{ADVICE}").leak() as &str);
    let bad = "400 Bad Request";
    let upgrade = "426 Upgrade Required";
    let no_request = "not an HTTP/1.1 request";
    let versions = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let only_13 = "only WebSocket version 13 is supported";
    let no_key = "no valid Sec-WebSocket-Key";
    let no_target = "the request target is neither a path nor a URL";
    check(
        &[],
        &[
            row("nonsense\r\n\r\n", bad, no_request).target(None),
            row(request("HTTP/1.1", "HTTP/1.2"), bad, no_request).target(None),
            row(request_with("no colon\r\n"), bad, no_request).target(None),
            row(request("Host: ", "X: a\r\n folded: b\r\nHost: "), bad, no_request).target(None),
            row(request_with("X: \x01\r\n"), bad, no_request).target(None),
            row("\x16\x03\x01", bad, "a TLS handshake where ws:// is served, not wss://")
                .target(None),
            row(request("GET /", &format!("GET /{long}")), "414 URI Too Long", {
                "the URL is longer than 64 KiB"
            })
            .target(None),
            row(
                request_with(&format!("X: {long}\r\n")),
                "431 Request Header Fields Too Large",
                "the request head is longer than 64 KiB",
            )
            .target(None),
            row(request("GET / ", "GET * "), bad, no_target).target(Some("*")),
            row(request("GET / ", "CONNECT x:1 "), bad, no_target).target(Some("x:1")),
            row(request("GET ", "POST "), "405 Method Not Allowed", "only GET is allowed")
                .headers("Allow: GET, HEAD\r\n"),
            row("GET / HTTP/1.1\r\nHost: x\r\n\r\n", upgrade, ordinary).headers(UPGRADE).body(PAGE),
            row("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", upgrade, ordinary)
                .headers(UPGRADE)
                .body(PAGE),
            // nginx without its settings for WebSocket, with the minimum of them, and as it is in
            // old versions.
            row(request("Upgrade: websocket\r\nConnection: Upgrade\r\n", ""), upgrade, removed)
                .headers(UPGRADE)
                .body(removed_body),
            row(request("Connection: Upgrade", "Connection: close"), upgrade, removed)
                .headers(UPGRADE)
                .body(removed_body),
            row(request("HTTP/1.1", "HTTP/1.0"), upgrade, old).headers(UPGRADE).body(old_body),
            row(request("Version: 13", "Version: 8"), upgrade, only_13).headers(versions),
            row(request(version, ""), upgrade, only_13).headers(versions),
            row(request(key, ""), bad, no_key),
            row(request(key, &key.repeat(2)), bad, no_key),
            row(request("dGhlIHNhbXBsZSBub25jZQ==", "short"), bad, no_key),
            row(request("Host: localhost\r\n", ""), bad, "no Host header"),
            row(request_with("Host: other\r\n"), bad, "more than one Host header"),
            row(
                request_with("Sec-WebSocket-Extensions: ;\r\n"),
                bad,
                "malformed Sec-WebSocket-Extensions",
            ),
        ],
    );
}

#[test]
fn each_option_that_refuses_has_an_answer_a_note_and_an_event() {
    let good = || request("/", "/");
    let basic = "WWW-Authenticate: Basic realm=\"sockeye\", charset=\"UTF-8\"\r\n";
    let (forbidden, busy) = ("403 Forbidden", "503 Service Unavailable");
    check(
        &["--path", "/chat", "-H", "X-Own: 1"],
        &[
            row(request("GET / ", "GET /b?token=geheim1 "), "404 Not Found", "no such path")
                .headers("X-Own: 1\r\n")
                .target(Some("/b?token=[redacted]")),
            // The request is invalid, whatever its path.
            row(request("GET ", "POST "), "405 Method Not Allowed", "only GET is allowed")
                .headers("Allow: GET, HEAD\r\nX-Own: 1\r\n"),
        ],
    );
    let wrong = "Authorization: Basic bWU6d3Jvbmc=\r\n";
    check(
        &["--auth", "me:secret"],
        &[
            row(good(), "401 Unauthorized", "no credentials").headers(basic),
            row(request_with(wrong), "401 Unauthorized", "wrong credentials").headers(basic),
            row(request_with("Authorization: Bearer x\r\n"), "401 Unauthorized", "no credentials")
                .headers(basic),
        ],
    );
    let evil = "the origin https://evil is not allowed";
    check(
        &["--origin", "https://*.example.com"],
        &[
            row(good(), forbidden, "no Origin header"),
            row(request_with("Origin: https://evil\r\n"), forbidden, evil),
        ],
    );
    check(
        &["--require-header", "X-Key:1", "--require-header", "X-Any"],
        &[
            row(good(), forbidden, "without the required value of X-Key"),
            row(request_with("X-Key: 2\r\n"), forbidden, "without the required value of X-Key"),
            row(request_with("X-Key: 1\r\n"), forbidden, "without the header X-Any"),
        ],
    );
    check(&["--status", "418"], &[row(good(), "418 I'm a teapot", "refused by --status")]);
    check(
        &["--status", "301", "-H", "Location: ws://x/"],
        &[row(good(), "301 Moved Permanently", "refused by --status")
            .headers("Location: ws://x/\r\n")],
    );
    check(
        &["--status", "503:3000.5s"],
        &[
            row(good(), busy, "refused by --status").headers("Retry-After: 3000\r\n"),
            row("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", busy, "refused by --status")
                .headers("Retry-After: 3000\r\n"),
        ],
    );
}

#[test]
fn a_reply_script_refuses_other_paths() {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "path = \"/a\"\n[[on]]\notherwise = true\ndo = \"echo\"\n")
        .unwrap();
    check(
        &["--reply", script.path().to_str().unwrap()],
        &[row(request("/", "/"), "404 Not Found", "no such path")],
    );
}

#[test]
fn a_request_that_is_cut_off_is_told_without_an_answer() {
    let server = Server::start(["listen", "--output", "jsonl", "127.0.0.1:0"]);
    let mut stream = server.dial();
    let address = stream.local_addr().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the end");
    assert_eq!(answer, "");
    let reason = "the connection ended in the middle of the request";
    server.child.await_stderr(&format!("sockeye: refused {address}: {reason}\n"));
    server.child.await_stdout_has(&format!("\"reason\":\"{reason}\"}}"));
    // A connection without a request is a spare one of a browser, and no client.
    drop(server.dial());
    server.join(1).close();
    let end = server.terminate();
    assert_eq!(end.stderr.matches("refused").count(), 1, "{}", end.stderr);
}
