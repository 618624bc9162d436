//! What `sockeye proxy` shows and records of the conversations that it passes on.

use crate::support::server::{Client, Server, ServerOutput, Setup};
use serde_json::Value;
use std::{fs, path::Path, time::Duration};
use tempfile::tempdir;

/// An echo server, and a proxy before it.
struct Proxied {
    proxy: Server,
    echo: Server,
}

impl Proxied {
    #[track_caller]
    fn start(args: &[&str]) -> Self {
        Self::setup(args, |setup| setup)
    }

    #[track_caller]
    fn setup(args: &[&str], change: impl FnOnce(Setup) -> Setup) -> Self {
        let echo = Server::start(["listen", "127.0.0.1:0", "--echo"]);
        let url = echo.url();
        let args = [&["proxy"], args, &["127.0.0.1:0", &url]].concat();
        let (mut proxy, line) = change(Server::setup(args)).start_with_url();
        let (own, server) = line.split_once(", passing on to ").expect("both addresses");
        assert_eq!(server, url);
        proxy.port = own.rsplit(':').next().unwrap().parse().unwrap();
        Self { proxy, echo }
    }

    fn connect(&self) -> Client {
        self.proxy.connect()
    }

    fn ends(self) -> ServerOutput {
        let output = self.proxy.terminate();
        self.echo.terminate();
        output
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Names the leg, direction and type of each event of a client.
fn told(lines: &[Value]) -> Vec<String> {
    let of_client = lines.iter().filter(|line| line["conn"] == 1);
    let word = |line: &Value, name: &str| line[name].as_str().unwrap_or("-").to_owned();
    of_client
        .map(|line| ["leg", "direction", "type"].map(|name| word(line, name)).join(" "))
        .collect()
}

#[test]
fn messages_are_shown_with_their_client_and_direction() {
    let proxied = Proxied::start(&[]);
    let mut client = proxied.connect();
    client.send("one");
    client.expect_text("one");
    proxied.proxy.child.await_stdout("1>\tone\n1<\tone\n");
    let mut other = proxied.connect();
    other.send(tungstenite::Message::binary(b"\0\xff".as_slice()));
    other.expect(tungstenite::Message::binary(b"\0\xff".as_slice()));
    client.close();
    other.close();
    let end = proxied.ends();
    assert_eq!(end.stdout, b"1>\tone\n1<\tone\n2>\t\0\xff\n2<\t\0\xff\n");
}

#[test]
fn nothing_is_shown_if_so_ordered() {
    let proxied = Proxied::start(&["--output", "none"]);
    let mut client = proxied.connect();
    client.send("one");
    client.expect_text("one");
    client.close();
    assert_eq!(proxied.ends().stdout, b"");
}

#[test]
fn events_have_the_leg_that_they_concern() {
    let proxied = Proxied::start(&["--output", "jsonl"]);
    let mut client = proxied.connect();
    client.send("one");
    client.expect_text("one");
    client.close();
    proxied.proxy.child.await_stdout_has(r#""type":"end","conn":1,"leg":"server""#);
    let end = proxied.ends();
    let lines: Vec<Value> = end
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let expected = [
        "client in request",
        "server out request",
        "client - open",
        "server - open",
        "client in text",
        "server in text",
        "client in close",
        "server in close",
        "client - end",
        "server - end",
    ];
    assert_eq!(told(&lines), expected);
    assert_eq!(lines[0]["type"], "listening");
    assert_eq!((&lines[9]["closed_by"], &lines[9]["close_code"]), (&"remote".into(), &1005.into()));
    assert_eq!(lines[10]["closed_by"], "local");
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["received"]["messages"]), (&"end".into(), &1.into()));
}

#[test]
fn a_recording_is_shown_as_the_client_saw_it_and_converted_to_the_har_of_the_run() {
    let dir = tempdir().unwrap();
    let [record, har, converted] =
        ["run.jsonl", "run.har", "converted.har"].map(|name| dir.path().join(name));
    let (record_arg, har_arg) = (record.to_str().unwrap(), har.to_str().unwrap());
    let proxied = Proxied::start(&["--record", record_arg, "--har", har_arg]);
    let mut client = proxied.connect();
    // A text of two fragments, and a ping between them.
    client.send_raw(b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x80\x81\0\0\0\0b");
    client.expect(tungstenite::Message::Pong([].as_slice().into()));
    client.expect_text("ab");
    client.close();
    proxied.proxy.child.await_stderr("client 1 disconnected");
    proxied.ends();
    let shown = sockeye(&["show", record_arg]).unwrap();
    for line in ["1 > ping\n", "1 < pong\n", "1 > ab\n", "1 < ab\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    let frames = lines(&record).into_iter().filter(|line| line["type"] == "frame");
    let sizes: Vec<_> =
        frames.map(|frame| (frame["leg"].clone(), frame["fragment"].clone())).collect();
    assert_eq!(sizes[0], ("client".into(), 1.into()));
    assert_eq!(sizes[2], ("client".into(), 2.into()));
    sockeye(&["show", record_arg, "--har", converted.to_str().unwrap()]).unwrap();
    let [one, two] = [har, converted].map(|path| {
        let har: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let entry = &har["log"]["entries"][0];
        let messages = entry["_webSocketMessages"].as_array().unwrap();
        let messages: Vec<_> = messages
            .iter()
            .map(|message| (message["type"].clone(), message["data"].clone()))
            .collect();
        (entry["request"].clone(), entry["response"].clone(), messages)
    });
    assert_eq!(one, two);
    assert_eq!(one.2, [("send".into(), "ab".into()), ("receive".into(), "ab".into())]);
}

/// Runs the binary. Returns its stdout, if it succeeds.
fn sockeye(args: &[&str]) -> Option<String> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye")).args(args).output();
    let output = output.unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_violation_is_reported_by_its_frame_and_passed_on() {
    let proxied = Proxied::start(&["--frames", "--output", "none"]);
    let mut client = proxied.connect();
    client.send_raw(b"\x83\x81\0\0\0\0x");
    // The server fails the connection.
    client.expect_close(1002);
    let child = &proxied.proxy.child;
    child.await_stderr("client 1 ! client: reserved opcode 3 (RFC 6455, 5.2)");
    let stderr = proxied.ends().stderr;
    let at = |part: &str| stderr.find(part).unwrap_or_else(|| panic!("{part}: {stderr}"));
    assert!(at("client 1 > +") < at("client 1 ! client"), "{stderr}");
    assert!(at("opcode 3     fin,mask") < at("client 1 < +"), "{stderr}");
}

/// Otherwise the recording of a flood would lack messages, or take memory without limit.
#[test]
fn an_output_that_is_not_read_holds_up_both_sides() {
    let proxied = Proxied::setup(&[], Setup::hold_stdout);
    let mut client = proxied.connect();
    let stream = client.stream().try_clone().unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let frame = [&b"\x82\xfe\xff\xff\0\0\0\0"[..], &vec![b'x'; 65_535]].concat();
    let sent = crate::support::meter::flood(&stream, &frame.repeat(1024));
    drop(stream);
    assert!(sent < 40 << 20, "{sent}");
    let memory = crate::support::child::resident_memory(proxied.proxy.pid);
    assert!(memory < 64 << 20, "{memory}");
    proxied.proxy.child.close_stdout();
    proxied.proxy.ends_with(0);
    proxied.echo.terminate();
}

#[test]
fn a_refusal_of_the_server_is_recorded() {
    let dir = tempdir().unwrap();
    let record = dir.path().join("run.jsonl");
    let server = Server::start(["listen", "127.0.0.1:0", "--status", "401"]);
    let (proxy, line) = Server::setup([
        "proxy",
        "--record",
        record.to_str().unwrap(),
        "127.0.0.1:0",
        &server.url(),
    ])
    .start_with_url();
    let url = line.split(',').next().unwrap();
    let address = url.strip_prefix("ws://").unwrap();
    let stream = std::net::TcpStream::connect(address).unwrap();
    assert!(tungstenite::client(url, stream).is_err());
    proxy.child.await_stderr("refused");
    proxy.terminate();
    server.terminate();
    let lines = lines(&record);
    assert_eq!(told(&lines), ["client in request", "server out request", "server in response"]);
    let refused = lines.iter().find(|line| line["type"] == "refused").unwrap();
    assert_eq!(refused["status"], 401);
}
