//! Chromium: its debugger as a server, its JSON and dates as a check of a HAR file, and its WebSocket
//! over HTTP/2.

use super::{
    chromium::{Chromium, Site},
    support::{Test, server::Server},
};
use serde_json::{Value, json};
use std::path::Path;

/// Sends a command to Chromium's debugger with sockeye, and returns the result with this id.
#[track_caller]
pub fn ask(url: &str, id: u32, method: &str, params: &Value, more: &[&str]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    let order = json!({ "id": id, "method": method, "params": params }).to_string();
    let until = format!("^\\{{\"id\":{id},");
    Test::new()
        .args(["-x", &order, "--until", &until, "--max-time", "12"])
        .args(more.iter().copied())
        .args([url])
        .stdout_to(file.path())
        .run();
    let answer = std::fs::read_to_string(file.path()).unwrap();
    let answer: Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// A page that checks a HAR file with the browser's JSON and dates. Its title is the verdict.
const PAGE: &str = r#"<!doctype html><title>waiting</title><script>
(async () => {
  try {
    const { log } = await (await fetch("/run.har")).json();
    const [entry] = log.entries;
    const messages = entry._webSocketMessages;
    const wrong = [
      log.version === "1.2", log.entries.length === 1,
      new Date(entry.startedDateTime).toISOString() === entry.startedDateTime,
      Math.abs(Date.now() - new Date(entry.startedDateTime)) < 3600e3,
      entry._resourceType === "websocket", entry.response.status === 101,
      new URL(entry.request.url).protocol === "ws:",
      messages.map(m => m.type).join() === "send,receive",
      messages.every(m => m.opcode === 1 && Math.abs(Date.now() / 1000 - m.time) < 3600),
      CHECKS
    ].map((right, i) => right ? "" : `check ${i}`).filter(Boolean);
    document.title = wrong.length ? wrong.join() : `good: ${messages.length} messages`;
  } catch (error) {
    document.title = `error: ${error}`;
  }
  await fetch("/done", { method: "POST" });
})();
</script>"#;

/// Has Chromium read a HAR file of one session with two messages, and perform these checks, too.
#[track_caller]
fn chromium_reads(chromium: &Chromium, har: &Path, checks: &str) {
    let site = Site::start(vec![
        ("/", "text/html", PAGE.replace("CHECKS", checks)),
        ("/run.har", "application/json", std::fs::read_to_string(har).unwrap()),
    ]);
    let place = json!({ "url": format!("http://127.0.0.1:{}/", site.port) });
    let target = ask(&chromium.url, 2, "Target.createTarget", &place, &[]);
    site.await_done();
    let page = chromium.page(target["targetId"].as_str().unwrap());
    let title = json!({ "expression": "document.title" });
    let verdict = ask(&page, 3, "Runtime.evaluate", &title, &[]);
    assert_eq!(verdict["result"]["value"], "good: 2 messages");
}

/// A session of a page, whose message is compressed. Its value is what came back.
const SESSION: &str = r#"
new Promise(done => {
  const socket = new WebSocket("URL", "chat");
  socket.onopen = () => socket.send("again ".repeat(1000));
  socket.onmessage = event => {
    done(`${event.data.length} ${socket.protocol} ${socket.extensions}`);
    socket.close(1000);
  };
  socket.onclose = event => done(`closed: ${event.code}`);
})"#;

#[test]
fn chromium_reads_the_har_of_its_own_proxied_session() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    let server = Server::start(["listen", "127.0.0.1:0", "--echo"]);
    let har = ["proxy", "127.0.0.1:0", &server.url(), "--har", path.to_str().unwrap()];
    let (proxy, line) = Server::setup(har).start_with_url();
    let (url, _) = line.split_once(", passing on to ").unwrap();
    let chromium = Chromium::start();
    let place = json!({ "url": "about:blank" });
    let target = ask(&chromium.url, 4, "Target.createTarget", &place, &[]);
    let page = chromium.page(target["targetId"].as_str().unwrap());
    let expression = SESSION.replace("URL", &format!("{url}/chat?x=1"));
    let session = json!({ "expression": expression, "awaitPromise": true });
    let verdict = ask(&page, 5, "Runtime.evaluate", &session, &[]);
    let echo = "6000 chat permessage-deflate";
    assert_eq!(verdict["result"]["value"], echo, "{verdict}");
    proxy.child.await_stderr("client 1 disconnected");
    let stdout = proxy.terminate().stdout;
    assert_eq!(stdout, format!("1>\t{0}\n1<\t{0}\n", "again ".repeat(1000)).as_bytes());
    server.terminate();
    let checks = r#"
      messages.every(m => m.data === "again ".repeat(1000)),
      entry.request.url.endsWith("/chat?x=1"),
      entry.request.headers.some(h => h.name === "User-Agent" && h.value.includes("Chrom")),"#;
    chromium_reads(&chromium, &path, checks);
}

#[test]
fn chromium_reads_the_har_of_its_own_debugger() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.har");
    let chromium = Chromium::start();
    let har = ["--har", path.to_str().unwrap()];
    let version = ask(&chromium.url, 1, "Browser.getVersion", &json!({}), &har);
    assert!(version["product"].as_str().unwrap().contains("Chrom"), "{version}");
    let har: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(har["log"]["entries"].as_array().map(Vec::len), Some(1));
    let checks = r#"
      JSON.parse(messages[0].data).method === "Browser.getVersion",
      JSON.parse(messages[1].data).result.product.includes("Chrom"),"#;
    chromium_reads(&chromium, &path, checks);
}

/// Opens two sessions, exchanges a message in each and closes them. Its value tells how.
const SESSIONS: &str = r#"
Promise.all([1, 2].map(n => new Promise(done => {
  const socket = new WebSocket(`wss://${location.host}/${n}`, "chat");
  let echo = "no echo";
  socket.onopen = () => socket.send(`hello ${n} ${"x".repeat(100000)}`);
  socket.onmessage = event => {
    echo = `${event.data.length} ${socket.protocol} ${socket.extensions}`;
    socket.close(1000);
  };
  socket.onclose = event => done(`${echo} ${event.code}`);
}))).then(all => all.join())"#;

#[test]
fn chromium_opens_sessions_on_the_http_2_connection_of_its_page() {
    let setup = Server::setup(["listen", "0", "--echo", "-v", "--tls-self-signed"]);
    let (server, url) = setup.start_with_url();
    let chromium = Chromium::start_with(&["--ignore-certificate-errors"]);
    let place = json!({ "url": url.replacen("wss", "https", 1) });
    let target = ask(&chromium.url, 1, "Target.createTarget", &place, &[]);
    let page = chromium.page(target["targetId"].as_str().unwrap());
    server.child.await_stderr(" for / with 405: ");
    let ready = json!({ "expression": "location.protocol + document.readyState" });
    while ask(&page, 2, "Runtime.evaluate", &ready, &[])["result"]["value"] != "https:complete" {}
    let sessions = json!({ "expression": SESSIONS, "awaitPromise": true });
    let verdict = ask(&page, 3, "Runtime.evaluate", &sessions, &[]);
    let each = "100008 chat permessage-deflate 1000";
    assert_eq!(verdict["result"]["value"], format!("{each},{each}"), "{verdict}");
    server.child.await_stderr("client 2 disconnected");
    let stderr = server.terminate().stderr;
    assert_eq!(stderr.matches("< :protocol: websocket\n").count(), 2, "{stderr}");
    assert_eq!(stderr.matches(": HTTP/2\n").count(), 1, "one connection: {stderr}");
}
