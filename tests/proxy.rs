//! `sockeye proxy` between a client and a server.

mod carriers;
mod crowd;
mod ending;
mod handshake;
mod options;
mod page;
mod situations;

use crate::support::{LIMIT, server::Server};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

/// A server that a test plays itself.
pub struct Backend {
    listener: TcpListener,
    pub port: u16,
}

/// A session through a proxy: the sockets of both ends, and the heads that each has received.
pub struct Session {
    pub client: TcpStream,
    pub server: TcpStream,
    pub request: String,
    pub answer: String,
}

impl Backend {
    pub fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        Self { listener, port }
    }

    /// Starts a proxy before this server.
    #[track_caller]
    pub fn proxy(&self, options: &[&str]) -> Server {
        let url = format!("ws://127.0.0.1:{}", self.port);
        start([&["proxy", "0", &url], options].concat()).0
    }

    /// Accepts a connection and reads the head of its request.
    #[track_caller]
    pub fn accept(&self) -> (TcpStream, String) {
        let (stream, _) = self.listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let head = read_head(&stream);
        (stream, head)
    }

    /// Opens a session with these header fields of the client and of the answer.
    #[track_caller]
    pub fn open_with(&self, proxy: &Server, fields: &str, answer: &str) -> Session {
        let client = proxy.dial();
        ask(&client, &format!("GET / HTTP/1.1\r\nHost: p\r\n{UPGRADE}{fields}\r\n"));
        let (mut server, request) = self.accept();
        let key = field(&request, "Sec-WebSocket-Key");
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{answer}\r\n"
        );
        server.write_all(head.as_bytes()).expect("it is read");
        let answer = read_head(&client);
        Session { client, server, request, answer }
    }

    #[track_caller]
    pub fn open(&self, proxy: &Server) -> Session {
        self.open_with(proxy, "", "")
    }
}

/// Starts a proxy. Returns it with the URL at which it listens.
#[track_caller]
pub fn start(args: Vec<&str>) -> (Server, String) {
    let (mut server, line) = Server::setup(args).start_with_url();
    let (url, _) = line.split_once(", passing on to ").expect("both addresses");
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    server.port = port.unwrap_or_default();
    (server, url.to_owned())
}

/// Sends a request.
#[track_caller]
pub fn ask(mut client: &TcpStream, request: &str) {
    client.write_all(request.as_bytes()).expect("the proxy takes a request");
}

/// Reads up to the end of a head.
#[track_caller]
pub fn read_head(mut stream: &TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|cause| {
            panic!("{cause} after {}", head.escape_ascii());
        });
        head.extend(byte);
    }
    String::from_utf8(head).expect("ASCII")
}

/// Reads to the end.
#[track_caller]
pub fn read_all(mut stream: &TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the end");
    String::from_utf8(all).expect("UTF-8")
}

/// Returns the value of a field.
#[track_caller]
pub fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let line = head.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// Expects these bytes next.
#[track_caller]
pub fn expect(mut stream: &TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    stream.read_exact(&mut received).expect("more bytes");
    assert_eq!(received.escape_ascii().to_string(), bytes.escape_ascii().to_string());
}

/// The fields of an upgrade.
pub const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
