//! No secret is shown or recorded: every way to give one, every place of output, and servers that
//! repeat it in every part of an answer.

use crate::support::{
    Test,
    wire::{self, Frame},
};
use data_encoding::BASE64;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tungstenite::handshake::derive_accept_key;

/// The ways to give the secret `S3cr3tT0ken`. `{dir}` stands for a directory with files.
const WAYS: &[&[&str]] = &[
    &["ws://me:S3cr3tT0ken@{host}"],
    &["ws://S3cr3tT0ken@{host}"],
    &["ws://{host}?access_token=S3cr3tT0ken&a=b"],
    &["ws://{host}?a=b&api-key=S3cr3t%54%30ken"],
    &["ws://{host}", "-H", "Authorization: Bearer S3cr3tT0ken"],
    &["ws://{host}", "-H", "Authorization: Basic bWU6UzNjcjN0VDBrZW4="],
    &["ws://{host}", "-s", "base64url.bearer.authorization.k8s.io.UzNjcjN0VDBrZW4"],
    &["ws://{host}", "-H", "X-Forwarded-Access-Token: S3cr3tT0ken"],
    &["ws://{host}", "-H", "cookie: a=b; sid=S3cr3tT0ken"],
    &["ws://{host}", "-H", "X-Api-Key: S3cr3tT0ken"],
    &["ws://{host}", "-H", "X-Other: S3cr3tT0ken"],
    &["ws://{host}", "-H", "@{dir}/headers"],
    &["ws://{host}", "-s", "chat", "-s", "S3cr3tT0ken"],
    &["ws://{host}", "-s", "bearer, S3cr3tT0ken"],
    &["ws://{host}", "-u", "me:S3cr3tT0ken"],
    &["ws://{host}", "-u", "S3cr3tT0ken:"],
    &["ws://{host}", "--digest", "-u", "me:S3cr3tT0ken"],
    &["ws://{host}", "--bearer", "S3cr3tT0ken"],
    &["ws://{host}", "--bearer", "env:SECRET"],
    &["ws://{host}", "--bearer", "file:{dir}/secret"],
    &["ws://{host}", "--bearer", "cmd:cat {dir}/secret"],
    &["ws://{host}", "--cookie", "sid=S3cr3tT0ken"],
    &["ws://{host}", "--cookie", "{dir}/cookies"],
    &["ws://{host}", "--netrc={dir}/netrc"],
    &["ws://{host}", "--config", "{dir}/config.toml"],
    &["ws://{host}", "--proxy", "http://me:S3cr3tT0ken@127.0.0.1:{port}"],
];

/// The answers of the server, by the path of the request.
const ANSWERS: &[&str] =
    &["/accept", "/close", "/refuse", "/challenge", "/redirect", "/alien", "/invalid", "/cut"];

/// The ways to show what happens.
const OUTPUTS: &[&[&str]] = &[
    &["-w", "0"],
    &["-v", "-w", "0"],
    &["--trace", "-w", "0", "--output", "jsonl", "--record", "{dir}/record", "--har", "{dir}/har"],
    &["-q", "--reconnect=1", "--reconnect-delay", "0", "--write-out", WRITE_OUT],
];

const WRITE_OUT: &str = "%{url} %{url_effective} %{errormsg} %{close_reason} %{subprotocol} \
    %{extensions} %header{x-echo} %header{www-authenticate} %header{location}\n";

/// A server that repeats the secret, and the head of the request, in every part of its answers.
struct EchoingServer {
    port: u16,
    /// Heads of requests to the target of a redirect, which is another origin.
    elsewhere: Arc<Mutex<Vec<String>>>,
}

impl EchoingServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let elsewhere = Arc::default();
        let seen = Arc::clone(&elsewhere);
        // The thread ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, port, &seen));
            }
        });
        Self { port, elsewhere }
    }
}

/// Reads the head of a request.
fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Returns what the server says: the secret in several forms, and what it was sent.
fn echo(head: &str) -> String {
    let sent = ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Other"];
    let sent = sent.map(|name| field(head, name)).join(" ");
    let line = head.lines().next().unwrap_or_default();
    let encoded = BASE64.encode(format!("token={SECRET}").as_bytes());
    let protocol = field(head, "Sec-WebSocket-Protocol");
    format!(
        "{SECRET} me:{SECRET} {encoded} S%33cr3tT0ken S%2533cr3tT0ken S\\u0033cr3tT0ken \
         S\\\\u0033cr3tT0ken &#83;3cr3tT0ken {sent} {line} {protocol}"
    )
}

fn serve(mut stream: TcpStream, port: u16, elsewhere: &Mutex<Vec<String>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let Some(mut request) = head(&mut stream) else { return };
    // A proxy refuses on behalf of every other answer.
    if request.starts_with("CONNECT accept") || request.starts_with("CONNECT close") {
        let said = echo(&request);
        let _ = write!(stream, "HTTP/1.1 200 {said}\r\nX-Echo: {said}\r\n\r\n");
        match head(&mut stream) {
            Some(inner) => request = inner,
            None => return,
        }
    }
    let said = echo(&request);
    let line = request.lines().next().unwrap_or_default().replace('.', "/");
    let path = ANSWERS.iter().find(|path| line.contains(&path[1..])).copied();
    if line.contains("elsewhere") {
        elsewhere.lock().unwrap().push(request.clone());
    }
    let accept = derive_accept_key(field(&request, "Sec-WebSocket-Key").as_bytes());
    let protocol = field(&request, "Sec-WebSocket-Protocol").rsplit(", ").next().unwrap_or("");
    let chosen = if protocol.is_empty() {
        String::new()
    } else {
        format!("Sec-WebSocket-Protocol: {protocol}\r\n")
    };
    let echoes = format!("X-Echo: {said}\r\n{SECRET}: x\r\nSet-Cookie: sid={SECRET}\r\n");
    let open = format!(
        "HTTP/1.1 101 {said}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{chosen}{echoes}\r\n"
    );
    let body = format!("{said}\n<p>{said}");
    let length = body.len();
    let answer = match path {
        Some("/accept" | "/close") => open,
        Some("/challenge") if !request.contains("Digest ") => format!(
            "HTTP/1.1 401 {said}\r\nWWW-Authenticate: Bearer error=\"{said}\"\r\n\
             WWW-Authenticate: Digest realm=\"{SECRET}\", nonce=\"n\", qop=\"auth\"\r\n\
             {echoes}Content-Length: {length}\r\n\r\n{body}"
        ),
        Some("/redirect") => format!(
            "HTTP/1.1 302 {said}\r\nLocation: ws://localhost:{port}/elsewhere/refuse\r\n\
             {echoes}Content-Length: 0\r\n\r\n"
        ),
        Some("/alien") => format!("-ERR {said}\r\n"),
        Some("/invalid") => open.replace(&accept, SECRET),
        Some("/cut") => format!("HTTP/1.1 400 Bad\r\nContent-Length: 999\r\n\r\nno {SECRET}")
            .split_inclusive("S3cr3t")
            .next()
            .unwrap()
            .to_owned(),
        _ => format!(
            "HTTP/1.1 403 {said}\r\nServer: {said}\r\n{echoes}Content-Type: text/html\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ),
    };
    // A secret is split over two reads.
    let (first, rest) = answer.split_at(answer.find("T0ken").unwrap_or(0));
    let _ = stream.write_all(first.as_bytes());
    let _ = stream.flush();
    let _ = stream.write_all(rest.as_bytes());
    if matches!(path, Some("/accept" | "/close")) {
        let _ = stream.write_all(&wire::ping(SECRET));
        // Cut off inside an escape sequence.
        let _ = stream.write_all(&wire::frame(0x8a, "no S3cr3tT0ke\\u00"));
    }
    if matches!(path, Some("/close")) {
        let _ = stream.write_all(&wire::close(1008, &format!("bad token {SECRET}")));
    }
    if matches!(path, Some("/accept" | "/close")) {
        while let Ok(Some(frame)) = Frame::read(&mut stream) {
            if frame.first == 0x88 {
                let _ = stream.write_all(&wire::close(1000, &format!("{SECRET} left")));
                break;
            }
        }
    }
}

/// Writes the files that the ways name.
fn files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("headers", format!("X-Auth-Token: {SECRET}\n")),
        ("secret", format!("{SECRET}\n")),
        ("cookies", format!("127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t{SECRET}\n")),
        ("netrc", format!("machine 127.0.0.1 login me password {SECRET}\n")),
        ("config.toml", "[defaults]\nheaders = { X-Session-Token = \"env:SECRET\" }\n".to_owned()),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn command(args: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("SECRET", SECRET).args(args).stdin(Stdio::null());
    command
}

/// Returns the form of the secret that a text contains, if any.
fn leak(text: &str) -> Option<&'static str> {
    let text = text.replace("****", "");
    let dumped = |form: &str| {
        // The rows of a dump without offsets, hexadecimal digits and borders.
        let rows = text.lines().filter_map(|line| line.rsplit_once("  |"));
        rows.map(|(_, text)| text.trim_end_matches('|')).collect::<String>().contains(form)
    };
    FORMS.iter().find(|form| text.contains(**form) || dumped(form)).copied()
}

/// Runs one way against all answers with all outputs. Returns all leaks.
fn leaks(way: &[&str], outputs: &[&[&str]], server: &EchoingServer) -> Vec<String> {
    let files = files();
    let dir = files.path().display().to_string();
    let mut leaks = Vec::new();
    for path in ANSWERS {
        for output in outputs {
            let host = if way.contains(&"--proxy") {
                format!("{}.example{path}", &path[1..])
            } else {
                format!("127.0.0.1:{}{path}", server.port)
            };
            let args: Vec<String> = output
                .iter()
                .chain(way)
                .chain(&["-L", "-x", "hello"])
                .map(|arg| arg.replace("{host}", &host).replace("{dir}", &dir))
                .map(|arg| arg.replace("{port}", &server.port.to_string()))
                .collect();
            let run = command(&args).output().unwrap();
            let mut places = vec![
                ("stdout", String::from_utf8_lossy(&run.stdout).into_owned()),
                ("stderr", String::from_utf8_lossy(&run.stderr).into_owned()),
            ];
            for name in ["record", "har"] {
                let Ok(text) = fs::read_to_string(files.path().join(name)) else { continue };
                places.push((name, text));
            }
            if let Ok(record) = fs::canonicalize(files.path().join("record")) {
                let args = ["show".to_owned(), record.display().to_string()];
                let run = command(&args).output().unwrap();
                places.push(("show", String::from_utf8_lossy(&run.stdout).into_owned()));
                let _ = fs::remove_file(record);
                let _ = fs::remove_file(files.path().join("har"));
            }
            for (place, text) in places {
                if let Some(form) = leak(&text) {
                    leaks.push(format!("{form} in {place} of {args:?}:\n{text}"));
                }
            }
        }
    }
    leaks
}

#[test]
fn no_secret_is_shown_or_recorded_whoever_repeats_it() {
    let server = EchoingServer::start();
    let leaks: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> =
            WAYS.iter().map(|way| scope.spawn(|| leaks(way, OUTPUTS, &server))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(leaks.is_empty(), "{} leaks, the first: {}", leaks.len(), leaks[0]);
    let elsewhere = server.elsewhere.lock().unwrap();
    assert!(elsewhere.len() >= WAYS.len(), "{}", elsewhere.len());
    for request in elsewhere.iter() {
        assert_eq!(leak(request), None, "sent to another origin: {request}");
    }
}

#[test]
fn the_table_of_leaks_notices_them() {
    let server = EchoingServer::start();
    for way in [WAYS[0], WAYS[10], WAYS[13], WAYS[25]] {
        let output = [OUTPUTS[2], &["--show-secrets"]].concat();
        let leaks = leaks(way, &[&output], &server);
        for place in ["stdout", "stderr", "record", "har"] {
            assert!(leaks.iter().any(|leak| leak.contains(&format!(" in {place} of"))), "{place}");
        }
    }
}

#[test]
fn show_secrets_shows_them() {
    Test::new()
        .args(["-v", "--show-secrets", "--bearer", SECRET])
        .peer(|peer| {
            peer.open_with("X-Echo: S3cr3tT0ken\r\n");
            peer.close(1000);
        })
        .stderr_has(["> Authorization: Bearer S3cr3tT0ken\n", "< X-Echo: S3cr3tT0ken\n"])
        .run();
}

#[test]
fn messages_with_a_secret_are_written_as_they_are() {
    Test::new()
        .args(["--bearer", SECRET, "--count", "1"])
        .peer(|peer| {
            peer.open();
            peer.send(wire::text("it is S3cr3tT0ken"));
            peer.answer_close(1000);
        })
        .stdout("it is S3cr3tT0ken\n")
        .run();
}

#[test]
fn a_value_by_reference_is_a_secret_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("value"), "marigold\n").unwrap();
    fs::write(dir.path().join("headers"), "X-Tenant: marigold\n").unwrap();
    for (name, header) in [
        ("env", "X-Tenant: env:VALUE"),
        ("file", "X-Tenant: file:value"),
        ("cmd", "X-Tenant: cmd:echo marigold"),
        ("headers", "@headers"),
        // Too short to be recognized in what a server says, but its field is secret.
        ("short", "X-Tenant: cmd:echo iv"),
    ] {
        let config = dir.path().join(format!("{name}.toml"));
        fs::write(&config, format!("[defaults]\nheader = [\"{header}\"]\n")).unwrap();
        Test::new()
            .args(["-vL", "--config"])
            .args([config])
            .env("VALUE", "marigold")
            .peer(|peer| {
                let port = peer.port();
                let request = peer.answer(&format!(
                    "HTTP/1.1 302 marigold\r\nLocation: ws://localhost:{port}/\r\n\
                     Content-Length: 0\r\nConnection: close\r\n\r\n"
                ));
                assert!(["marigold", "iv"].contains(&request.header("X-Tenant")));
                peer.next_client();
                let request = peer.open_with("X-Echo: marigold\r\n");
                assert_eq!(request.all("X-Tenant"), [""; 0]);
                peer.close_with(1000, "no marigold");
            })
            .stderr_has(match name {
                "short" => ["> X-Tenant: [redacted]\n", "X-Tenant\n"],
                _ => ["< HTTP/1.1 302 [redacted]\n", "< X-Echo: [redacted]\n"],
            })
            .run();
    }
}

#[test]
fn no_usage_error_repeats_a_secret() {
    for args in [
        &["ws://h/", "ws://user:S3cr3tT0ken@h2/?token=S3cr3tT0ken"][..],
        &["ws://h/", "S3cr3tT0ken"],
        &["-H", "X-Api-Key=S3cr3tT0ken", "ws://h/"],
        &["-H", "X-Auth_Token S3cr3tT0ken", "ws://h/"],
        &["-H", "S3cr3tT0ken", "ws://h/"],
        &["-H", "X-Other S3cr3tT0ken", "ws://h/"],
        &["-L", "--max-redirects", "http://u:S3cr3tT0ken@h/"],
        &["--max-redirects", "S3cr3tT0ken", "ws://h/"],
        &["--bearer", "S3cr3tT0ken\x01", "ws://h/"],
        &["-u", "me:S3cr3tT0ken\x01", "ws://h/"],
        &["--cookie", "S3cr3tT0ken\x01", "ws://h/"],
        &["--cookie", "sid=S3cr3tT0ken\x01", "ws://h/"],
        &["--proxy", "foo://u:S3cr3tT0ken@h", "ws://h/"],
        &["--proxy", "http://u:S3cr3tT0ken@", "ws://h/"],
        &["ws://u:S3cr3tT0ken@h:99999/"],
        &["ws://u:S3cr3tT0ken@"],
        &["ws://u:S3cr3tT0ken@h/#x"],
        &["wss://h/?token=S3cr3tT0ken#x"],
        &["foo://S3cr3tT0ken@h/"],
        &["-s", "chat S3cr3tT0ken", "ws://h/"],
        &["-s", "bearer S3cr3tT0ken", "ws://h/"],
        &["--count", "S3cr3tT0ken", "ws://h/"],
        &["--count", "ws://u:S3cr3tT0ken@h/"],
        &["--tokn=S3cr3tT0ken", "ws://h/"],
        &["--passphrase", "S3cr3tT0ken", "--cert", "/nonexistent", "wss://h/"],
        &["--passphrase", "S3cr3tT0ken", "--cert", "/S3cr3tT0ken", "wss://h/"],
        &["listen", "ws://u:S3cr3tT0ken@h:x/"],
        &["listen", "9000", "S3cr3tT0ken"],
        &["demo", "S3cr3tT0ken"],
    ] {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = command(&args).output().unwrap();
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && run.stdout.is_empty(), "{args:?}");
        assert!(stderr.starts_with("sockeye: "), "{args:?}: {stderr}");
        assert_eq!(leak(&stderr), None, "{args:?}: {stderr}");
    }
}

#[test]
fn no_escape_sequence_of_a_path_or_variable_reaches_stderr() {
    let path = "/nonexistent/\x1b]0;owned\x07\u{9b}x\ny";
    for args in [
        &["--record", path, "wss://127.0.0.1:1/"][..],
        &["--har", path, "wss://127.0.0.1:1/"],
        &["--ca", path, "wss://127.0.0.1:1/"],
        &["--cert", path, "wss://127.0.0.1:1/"],
        &["-H", &format!("@{path}"), "ws://127.0.0.1:1/"],
        &["--bearer", &format!("file:{path}"), "ws://127.0.0.1:1/"],
        &["--bearer", &format!("env:{path}"), "ws://127.0.0.1:1/"],
        &[&format!("--netrc={path}"), "ws://127.0.0.1:1/"],
        &["--cookie", path, "ws://127.0.0.1:1/"],
        &["--write-out", &format!("@{path}"), "ws://127.0.0.1:1/"],
        &["--config", path, "ws://127.0.0.1:1/"],
        &["--unix-socket", path, "ws://127.0.0.1:1/"],
        &["--interface", path, "ws://127.0.0.1:1/"],
        &["--resolve", path, "ws://127.0.0.1:1/"],
        &["--count", path, "ws://127.0.0.1:1/"],
        &["ws://127.0.0.1:1/", path],
        &["show", path],
        &["listen", path],
        &[path],
        &["ws://127.0.0.1:1/"],
    ] {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = command(&args).env("no_proxy", path).output().unwrap();
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success(), "{args:?}");
        assert!(!stderr.contains(['\x1b', '\x07', '\u{9b}']), "{args:?}: {stderr:?}");
        // The line break of the path does not start a line of stderr.
        assert!(!stderr.contains("\ny"), "{args:?}: {stderr:?}");
    }
}

const SECRET: &str = "S3cr3tT0ken";
/// The secret, plain and in Base64, in each alignment.
const FORMS: [&str; 4] = ["cr3tT0ke", "UzNjcjN0VDBrZW", "MzY3IzdFQwa2Vu", "TM2NyM3RUMGtlb"];
