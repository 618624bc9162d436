//! WebSocket over HTTP/2 (RFC 8441): the binary as a client of its own server, and h2 as a client
//! with many streams on one connection.

use crate::support::{LIMIT, Signal, Test, server::Server};
use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
    ext::Protocol,
};
use std::{
    future::poll_fn,
    io::{Read as _, Write as _},
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

/// Runs a client within the time limit of a step.
#[track_caller]
fn run<T>(client: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(LIMIT, client).await }).expect("it ends in time")
}

/// A connection.
struct Connection {
    requests: SendRequest<Bytes>,
    end: JoinHandle<Result<(), h2::Error>>,
}

/// A session.
struct Stream {
    send: SendStream<Bytes>,
    recv: RecvStream,
    received: Vec<u8>,
}

fn request(path: &str, protocol: Option<&'static str>) -> http::Request<()> {
    let mut request = http::Request::new(());
    *request.method_mut() = http::Method::CONNECT;
    *request.uri_mut() = format!("http://localhost{path}").parse().unwrap();
    if let Some(protocol) = protocol {
        request.extensions_mut().insert(Protocol::from_static(protocol));
    }
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    request
}

impl Connection {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await.expect("a connection");
        stream.set_nodelay(true).unwrap();
        let mut builder = h2::client::Builder::new();
        // Short messages, and those of a session that is not read, wait in the client.
        builder.data_frame_budget(usize::MAX).initial_connection_window_size(1 << 20);
        let (requests, connection) = builder.handshake(stream).await.expect("a preface");
        let end = tokio::spawn(connection);
        while !requests.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { requests, end }
    }

    async fn send(&mut self, request: http::Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
        poll_fn(|cx| self.requests.poll_ready(cx)).await.expect("the connection is open");
        self.requests.send_request(request, false).expect("a valid request")
    }

    /// Returns the status, the headers and the body of a response.
    async fn ask(&mut self, request: http::Request<()>) -> (u16, http::HeaderMap, String) {
        let (response, _send) = self.send(request).await;
        let (head, mut recv) = response.await.expect("a response").into_parts();
        let mut body = Vec::new();
        while let Some(chunk) = recv.data().await {
            body.extend_from_slice(&chunk.expect("the body is complete"));
        }
        (head.status.as_u16(), head.headers, String::from_utf8(body).unwrap())
    }

    async fn status(&mut self, path: &str) -> u16 {
        self.ask(request(path, Some("websocket"))).await.0
    }

    async fn session(&mut self, path: &str) -> Stream {
        let (response, send) = self.send(request(path, Some("websocket"))).await;
        let (head, recv) = response.await.expect("a response").into_parts();
        assert_eq!(head.status.as_u16(), 200);
        Stream { send, recv, received: Vec::new() }
    }
}

impl Stream {
    fn write(&mut self, bytes: Vec<u8>) {
        self.send.send_data(bytes.into(), false).expect("the stream is open");
    }

    /// Sends a short text, masked with zeros.
    fn text(&mut self, text: &str) {
        let header = [0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        self.write([&header, text.as_bytes()].concat());
    }

    /// Expects these bytes next.
    async fn expect(&mut self, bytes: &[u8]) {
        while self.received.len() < bytes.len() {
            let chunk = self.recv.data().await.expect("more data").expect("no failure");
            self.recv.flow_control().release_capacity(chunk.len()).unwrap();
            self.received.extend_from_slice(&chunk);
        }
        let rest = self.received.split_off(bytes.len());
        assert_eq!(self.received.escape_ascii().to_string(), bytes.escape_ascii().to_string());
        self.received = rest;
    }

    async fn expect_text(&mut self, text: &str) {
        let header = [0x81, u8::try_from(text.len()).unwrap()];
        self.expect(&[&header, text.as_bytes()].concat()).await;
    }

    /// Waits for the end; returns its error code, if the stream was reset.
    async fn ended(&mut self) -> Option<Reason> {
        loop {
            match self.recv.data().await {
                None => return None,
                // END_STREAM.
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => panic!("more data: {}", chunk.escape_ascii()),
                Some(Err(error)) => return Some(error.reason().expect("a code")),
            }
        }
    }

    /// Closes the session with 1000.
    async fn close(mut self) {
        self.write(b"\x88\x82\0\0\0\0\x03\xe8".to_vec());
        self.expect(b"\x88\x02\x03\xe8").await;
        self.send.send_data(Bytes::new(), true).unwrap();
        assert_eq!(self.ended().await, None);
    }
}

#[test]
fn the_client_speaks_http_2_with_the_server_in_the_clear_and_by_alpn() {
    let lines: String = (0..1000).map(|n| format!("message {n}\n")).collect();
    let long = "sockeye \u{e9}".repeat(300_000);
    for tls in [None, Some("--tls-self-signed")] {
        for compress in ["--no-compress", "--compress-min=0"] {
            let setup = match tls {
                None => Server::setup(["listen", "0", "--echo"]),
                Some(tls) => Server::setup(["listen", "0", "--echo", tls]),
            };
            let (server, url) = setup.start_with_url();
            let args = ["--http2", "-k", compress];
            let args = if tls.is_some() { &args[..] } else { &[args[0], args[2]] };
            let run = |more: &[&str]| Test::new().args(args).args(more).args([&url]);
            run(&["-q", "--count", "1000"]).stdin(&lines).stdout(&*lines).run();
            let whole = ["-q", "--delimiter", "none", "--count", "1"];
            run(&whole).stdin(&long).stdout(&*long).run();
            let said = if tls.is_some() { ", ALPN h2\n" } else { "* connected to " };
            run(&["-v", "-x", "bye", "--count", "1", "--close-timeout", "600"])
                .stdout("bye\n")
                .stderr_has([
                    said,
                    "* HTTP/2, SETTINGS: MAX_CONCURRENT_STREAMS=256, INITIAL_WINDOW_SIZE=65536, \
                     MAX_HEADER_LIST_SIZE=65536, ENABLE_CONNECT_PROTOCOL=1\n",
                    "< :status: 200\n",
                    "\n* closed: 1000 (normal closure)\n",
                ])
                .run();
            server.terminate();
        }
    }
}

#[test]
fn events_and_verbose_lines_name_the_carrier() {
    let setup = Server::setup(["listen", "0", "-v", "--output", "jsonl", "-H", "X-Own: 1"]);
    let server = setup.start();
    let run = Test::new().args(["--http2", "-s", "chat", "-x", "hi", "-w", "0", &server.url()]);
    run.run();
    server.child.await_stderr("client 1 disconnected");
    let url = format!("\"url\":\"{}\"", server.url());
    let end = server.terminate();
    let stdout = String::from_utf8(end.stdout).unwrap();
    let line = |kind: &str| {
        let start = format!("\"type\":\"{kind}\"");
        stdout.lines().find(|line| line.contains(&start)).unwrap_or_else(|| panic!("{stdout}"))
    };
    for part in [r#""method":"CONNECT""#, r#""http":"2""#, r#"[":protocol","websocket"]"#] {
        assert!(line("request").contains(part), "{stdout}");
    }
    for part in [r#""http":"2","status":200"#, r#""subprotocol":"chat""#, &url] {
        assert!(line("open").contains(part), "{stdout}");
    }
    for part in [": HTTP/2\n", "< :protocol: websocket\n", "> :status: 200\n", "> X-Own: 1\n"] {
        assert!(end.stderr.contains(part), "no {part:?} in {}", end.stderr);
    }
}

#[test]
fn two_hundred_sessions_share_a_connection() {
    let server = Server::start(["listen", "0", "--echo", "-v"]);
    run(async {
        let mut connection = Connection::open(&server).await;
        let mut streams = Vec::new();
        for _ in 0..200 {
            streams.push(connection.session("/").await);
        }
        for round in 0..3 {
            for (i, stream) in streams.iter_mut().enumerate() {
                stream.text(&format!("{round} {i}"));
            }
            for (i, stream) in streams.iter_mut().enumerate() {
                stream.expect_text(&format!("{round} {i}")).await;
            }
        }
        for stream in streams {
            stream.close().await;
        }
    });
    server.child.await_stderr("client 200 disconnected");
    server.terminate();
}

#[test]
fn a_client_that_reads_no_echo_holds_up_no_other_of_its_connection() {
    let server = Server::start(["listen", "0", "--echo", "--close-timeout", "0.2"]);
    run(async {
        let mut connection = Connection::open(&server).await;
        let mut stuck = connection.session("/").await;
        // 10,000 bytes, masked with zeros; no echo is taken.
        let frame = [b"\x82\xfe\x27\x10\0\0\0\0".as_slice(), &[b'x'; 10_000]].concat();
        let mut taken = 0;
        loop {
            stuck.send.reserve_capacity(frame.len());
            let room = poll_fn(|cx| stuck.send.poll_capacity(cx));
            let Ok(room) = timeout(Duration::from_millis(300), room).await else { break };
            let n = room.unwrap().unwrap().min(frame.len() - taken % frame.len());
            let from = taken % frame.len();
            stuck.send.send_data(frame[from..from + n].to_vec().into(), false).unwrap();
            taken += n;
            assert!(taken < 4 << 20, "the server takes all");
        }
        let mut other = connection.session("/").await;
        for _ in 0..100 {
            other.text("hello");
            other.expect_text("hello").await;
        }
        other.close().await;
        // The echoes are sent once they are taken.
        let echo = [b"\x82\x7e\x27\x10".as_slice(), &[b'x'; 10_000]].concat();
        for _ in 0..taken / frame.len() {
            stuck.expect(&echo).await;
        }
    });
    server.terminate();
}

#[test]
fn a_stream_is_refused_with_the_status_that_another_connection_gets() {
    let get = |path: &str| {
        let mut get = request(path, None);
        *get.method_mut() = http::Method::GET;
        get
    };
    let server = Server::start(["listen", "0", "--path", "/chat", "--max-clients", "1"]);
    run(async {
        let mut connection = Connection::open(&server).await;
        assert_eq!(connection.status("/other").await, 404);
        let (status, headers, body) = connection.ask(get("/chat")).await;
        assert_eq!((status, headers["allow"].as_bytes()), (405, b"CONNECT".as_slice()));
        assert!(body.contains("sockeye ws://HOST:PORT/"), "{body}");
        assert_eq!(connection.ask(request("/chat", Some("connect-udp"))).await.0, 501);
        let mut old = request("/chat", Some("websocket"));
        old.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
        let (status, headers, _) = connection.ask(old).await;
        assert_eq!((status, headers["sec-websocket-version"].as_bytes()), (400, b"13".as_slice()));
        let first = connection.session("/chat").await;
        assert_eq!(connection.status("/chat").await, 503);
        first.close().await;
    });
    server.child.await_stderr(" for /other with 404: no such path\n");
    server.child.await_stderr("client 1 connected from 127.0.0.1:");
    server.terminate();
    let server = Server::start(["listen", "0", "--auth", "me:secret", "--status", "503:1"]);
    run(async {
        let mut connection = Connection::open(&server).await;
        assert_eq!(connection.status("/").await, 503);
        let (status, headers, _) = connection.ask(request("/", Some("websocket"))).await;
        assert_eq!(status, 401);
        assert!(headers["www-authenticate"].as_bytes().starts_with(b"Basic realm="));
    });
    let url = server.url();
    let secret = ["--http2", "--auth", "me:secret", "-x", "hi", "-w", "0", &url];
    Test::new().args(secret).run();
    server.child.await_stdout("hi\n");
    server.terminate();
}

#[test]
fn a_signal_closes_the_sessions_and_ends_the_connection_with_goaway() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::start(["listen", "0", "--echo", "--close-timeout", "600"]);
        run(async {
            let idle = Connection::open(&server).await;
            let mut connection = Connection::open(&server).await;
            let mut streams = [connection.session("/").await, connection.session("/").await];
            for stream in &mut streams {
                stream.text("hello");
                stream.expect_text("hello").await;
            }
            server.child.signal(signal);
            for stream in &mut streams {
                stream.expect(b"\x88\x02\x03\xe9").await;
                stream.write(b"\x88\x82\0\0\0\0\x03\xe9".to_vec());
                assert_eq!(stream.ended().await, None);
                stream.send.send_data(Bytes::new(), true).unwrap();
            }
            for connection in [idle, connection] {
                connection.end.await.unwrap().expect("GOAWAY NO_ERROR");
            }
        });
        server.ends_by(signal);
    }
}

/// Encodes a frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn a_flood_of_reset_streams_ends_its_connection_alone() {
    let server = Server::start(["listen", "0", "--echo"]);
    // Literals without Huffman coding (RFC 7541, 6.2.2).
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/"),
        ("sec-websocket-version", "13"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let literal = |(name, value)| [vec![0], text(name), text(value)].concat();
    let block: Vec<u8> = fields.iter().flat_map(|field| literal(*field)).collect();
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend(frame(4, 0, 0, b""));
    for stream in (1..200).step_by(2) {
        flood.extend(frame(1, 4, stream, &block));
        flood.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    run(async {
        let mut other = Connection::open(&server).await;
        let mut session = other.session("/").await;
        let mut stream = server.dial();
        stream.write_all(&flood).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the end");
        // A GOAWAY with ENHANCE_YOUR_CALM, perhaps with debug data.
        let is_goaway = |at: &[u8]| at[3] == 7 && at[13..17] == 11_u32.to_be_bytes();
        assert!(answer.windows(17).any(is_goaway), "{}", answer.escape_ascii());
        session.text("hello");
        session.expect_text("hello").await;
        session.close().await;
    });
    server.terminate();
}

#[test]
fn faults_of_a_reply_script_end_the_stream_and_not_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.toml");
    let script = "[[on]]\ntext = \"cut\"\nsend = \"last\"\nthen = [{ cut = true }]\n\
                  [[on]]\ntext = \"reset\"\nreset = true\n\
                  [[on]]\ntext = \"stall\"\nstall = true\n\
                  [[on]]\notherwise = true\ndo = \"echo\"\n";
    std::fs::write(&path, script).unwrap();
    let server = Server::start(["listen", "0", "--reply", path.to_str().unwrap()]);
    run(async {
        let mut connection = Connection::open(&server).await;
        let mut stays = connection.session("/").await;
        let mut cut = connection.session("/").await;
        cut.text("cut");
        cut.expect_text("last").await;
        assert_eq!(cut.ended().await, None);
        let mut reset = connection.session("/").await;
        reset.text("reset");
        assert_eq!(reset.ended().await, Some(Reason::CANCEL));
        let mut stall = connection.session("/").await;
        stall.text("stall");
        stays.text("hello");
        stays.expect_text("hello").await;
        stall.send.send_reset(Reason::CANCEL);
        stays.text("again");
        stays.expect_text("again").await;
        server.child.await_stderr("client 4 disconnected: left while the reply script stalled");
        stays.close().await;
    });
    server.terminate();
}

#[test]
fn a_unix_socket_carries_http_2_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let address = format!("unix:{}", path.display());
    let server = Server::setup(["listen", &address, "--echo"]).start_at(&address);
    let path = path.to_str().unwrap();
    Test::new()
        .args(["--http2", "--unix-socket", path, "-x", "hi", "--count", "1", "ws://localhost/"])
        .stdout("hi\n")
        .run();
    server.terminate();
}
