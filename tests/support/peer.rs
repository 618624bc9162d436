//! The scripted peer: a server of one connection that runs the test's closure and checks the
//! client's bytes.

use super::{
    LIMIT, PATIENCE,
    child::Child,
    expected::brief,
    wire::{self, Frame},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};
use tungstenite::handshake::derive_accept_key;

/// The conversation from the peer's side. A panic in it fails the test.
pub type Script = Box<dyn FnOnce(&mut Peer) + Send>;

trait Stream: Read + Write + Send {
    /// Returns the name in the client's TLS `server_name` extension.
    fn server_name(&self) -> Option<String> {
        None
    }
}

impl Stream for TcpStream {}
impl Stream for io::Empty {}
impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn server_name(&self) -> Option<String> {
        self.conn.server_name().map(ToOwned::to_owned)
    }
}

/// A peer with a connected client.
pub struct Peer {
    /// The program under test, to be fed, observed and signalled between two steps.
    pub child: Arc<Child>,
    stream: Box<dyn Stream>,
    tcp: TcpStream,
    /// True once neither unread bytes nor the end of the connection matter.
    released: bool,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// The head of a received request.
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// Returns the value of a header that must occur exactly once, in exactly this case.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.all(name);
        assert_eq!(found.len(), 1, "{name} in {:?}", self.headers);
        found[0]
    }

    /// Returns all values of a header whose name has exactly this case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// Accepts one client and runs the script.
pub fn play(
    listener: &TcpListener,
    tls: Option<Arc<ServerConfig>>,
    script: Script,
    child: Arc<Child>,
) {
    assert!(readable(listener, LIMIT), "the client did not connect within {LIMIT:?}");
    let (tcp, stream) = accept(listener, tls.as_ref());
    let listener = listener.try_clone().expect("a second handle");
    let mut peer = Peer { child, stream, tcp, released: false, listener, tls };
    script(&mut peer);
    peer.finish();
}

fn accept(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) -> (TcpStream, Box<dyn Stream>) {
    let (tcp, _) = listener.accept().expect("a connection");
    tcp.set_nodelay(true).expect("no delay");
    tcp.set_read_timeout(Some(LIMIT)).expect("a limit on reading");
    tcp.set_write_timeout(Some(LIMIT)).expect("a limit on writing");
    let copy = tcp.try_clone().expect("a second handle");
    let stream = secured(copy, tls);
    (tcp, stream)
}

fn secured(tcp: TcpStream, tls: Option<&Arc<ServerConfig>>) -> Box<dyn Stream> {
    match tls {
        None => Box::new(tcp),
        Some(config) => {
            let tls = ServerConnection::new(Arc::clone(config)).expect("a TLS server");
            Box::new(StreamOwned::new(tls, tcp))
        }
    }
}

impl Peer {
    /// Accepts the client's next connection.
    #[track_caller]
    pub fn next_client(&mut self) {
        assert!(readable(&self.listener, LIMIT), "the client did not come again");
        (self.tcp, self.stream) = accept(&self.listener, self.tls.as_ref());
        self.released = false;
    }

    /// Returns the port that the client connected to.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }

    pub fn client_address(&self) -> std::net::SocketAddr {
        self.tcp.peer_addr().expect("connected")
    }

    /// Returns the name in the client's TLS `server_name` extension.
    pub fn server_name(&self) -> Option<String> {
        self.stream.server_name()
    }

    /// Continues the connection over TLS.
    pub fn secure(&mut self, config: &Arc<ServerConfig>) {
        self.stream = secured(self.tcp.try_clone().expect("a second handle"), Some(config));
    }

    #[track_caller]
    pub fn request(&mut self) -> Request {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => panic!("waiting for a request: {other:?} after {}", head.escape_ascii()),
            }
        }
        let head = String::from_utf8(head).expect("a request in UTF-8");
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().expect("a request line").to_owned();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_owned(), value.trim().to_owned())
        });
        Request { line, headers: headers.collect() }
    }

    /// Reads the request and sends this answer, in which `{accept}` stands for the right
    /// Sec-WebSocket-Accept.
    #[track_caller]
    pub fn answer(&mut self, bytes: &str) -> Request {
        let request = self.request();
        let key = request.all("Sec-WebSocket-Key").concat();
        let answer = bytes.replace("{accept}", &derive_accept_key(key.as_bytes()));
        self.send(answer);
        request
    }

    /// Accepts the opening handshake.
    #[track_caller]
    pub fn open(&mut self) -> Request {
        self.open_with("")
    }

    /// Accepts the opening handshake with additional header lines.
    #[track_caller]
    pub fn open_with(&mut self, more: &str) -> Request {
        self.answer(&format!("{OPEN}{more}\r\n"))
    }

    /// Accepts the opening handshake and sends frames in the same segment.
    #[track_caller]
    pub fn open_and_send(&mut self, frames: &[u8]) {
        let request = self.request();
        let accept = derive_accept_key(request.header("Sec-WebSocket-Key").as_bytes());
        let head = format!("{OPEN}\r\n").replace("{accept}", &accept);
        self.send([head.as_bytes(), frames].concat());
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the client takes what is sent");
        self.stream.flush().expect("the client takes what is sent");
    }

    /// Sends bytes until the client stops reading for [`PATIENCE`], and returns how many it took.
    pub fn flood(&mut self, bytes: &[u8]) -> usize {
        self.send_within(PATIENCE, bytes)
    }

    /// Sends bytes for as long as the client reads, and returns how many it took.
    pub fn offer(&mut self, bytes: &[u8]) -> usize {
        self.send_within(LIMIT, bytes)
    }

    fn send_within(&mut self, patience: Duration, bytes: &[u8]) -> usize {
        self.tcp.set_write_timeout(Some(patience)).expect("a limit on writing");
        let mut taken = 0;
        while let Some(rest @ [_, ..]) = bytes.get(taken..) {
            match self.stream.write(rest) {
                Ok(n) => taken += n,
                Err(_) => break,
            }
        }
        self.tcp.set_write_timeout(Some(LIMIT)).expect("a limit on writing");
        taken
    }

    /// Waits until the unread data of the client fills the buffers and no more of it arrives.
    #[track_caller]
    pub fn await_backlog(&self) {
        let unread = || rustix::io::ioctl_fionread(&self.tcp).expect("a socket");
        let start = Instant::now();
        let (mut before, mut same) = (0, 0);
        while same < 5 {
            assert!(start.elapsed() < LIMIT, "waiting for a backlog: {before} bytes are unread");
            std::thread::sleep(Duration::from_millis(10));
            let now = unread();
            same = if now > 0 && now == before { same + 1 } else { 0 };
            before = now;
        }
    }

    /// Reads at least one byte.
    #[track_caller]
    pub fn read_some(&mut self) {
        let n = self.stream.read(&mut [0; 16]).expect("the client sends");
        assert!(n > 0, "the client ended the connection");
    }

    #[track_caller]
    pub fn read_exactly(&mut self, bytes: &mut [u8]) {
        self.stream.read_exact(bytes).expect("the client sends");
    }

    /// Reads the next frame.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        match Frame::read(&mut self.stream) {
            Ok(Some(frame)) => frame,
            Ok(None) => panic!("waiting for a frame: the client ended the connection"),
            Err(cause) => panic!("waiting for a frame: {cause}"),
        }
    }

    /// Reads the next message or control frame. Checks that a message is cut into fragments of
    /// `fragment` bytes: only the last is shorter, and one frame is enough for a short message. Returns
    /// the message as if it were one frame.
    #[track_caller]
    pub fn message_in(&mut self, fragment: usize) -> Frame {
        let mut message = self.frame();
        let mut length = message.payload.len();
        while message.first & 0x80 == 0 {
            assert_eq!(length, fragment, "the length of a fragment");
            let next = self.frame();
            assert_eq!(next.first & 0x7f, 0, "inside a message: {next:?}");
            length = next.payload.len();
            assert!(length > 0, "an empty fragment");
            message.first |= next.first;
            message.payload.extend(next.payload);
        }
        assert!(length <= fragment, "a fragment of {length} bytes");
        message
    }

    /// Reads the next message or control frame. Checks that a long message is in fragments of 64 KiB.
    #[track_caller]
    pub fn message(&mut self) -> Frame {
        self.message_in(64 << 10)
    }

    #[track_caller]
    fn expect(&mut self, first: u8, payload: &[u8]) {
        let expected = Frame { first, payload: payload.to_vec() };
        let got = self.message();
        assert!(got == expected, "the client sent {got:?}, expected {expected:?}");
    }

    #[track_caller]
    pub fn expect_text(&mut self, payload: impl AsRef<[u8]>) {
        self.expect(0x81, payload.as_ref());
    }

    #[track_caller]
    pub fn expect_binary(&mut self, payload: impl AsRef<[u8]>) {
        self.expect(0x82, payload.as_ref());
    }

    #[track_caller]
    pub fn expect_pong(&mut self, payload: impl AsRef<[u8]>) {
        self.expect(0x8a, payload.as_ref());
    }

    /// Expects a Close with this code and no reason.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        self.expect(0x88, &code.to_be_bytes());
    }

    /// Expects a Close without a code.
    #[track_caller]
    pub fn expect_empty_close(&mut self) {
        self.expect(0x88, b"");
    }

    /// Sends a Close and expects its echo.
    #[track_caller]
    pub fn close(&mut self, code: u16) {
        self.close_with(code, "");
    }

    /// Sends a Close with a reason and expects its echo.
    #[track_caller]
    pub fn close_with(&mut self, code: u16, reason: &str) {
        self.send(wire::close(code, reason));
        self.expect(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat());
    }

    /// Expects a Close and echoes it.
    #[track_caller]
    pub fn answer_close(&mut self, code: u16) {
        self.expect_close(code);
        self.send(wire::close(code, ""));
    }

    /// Shuts down the peer's direction of the connection.
    pub fn half_close(&mut self) {
        // The client may already have closed the connection.
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Makes the system keep at most about this many bytes that were not read.
    pub fn limit_receive_buffer(&self, bytes: usize) {
        rustix::net::sockopt::set_socket_recv_buffer_size(&self.tcp, bytes).expect("a limit");
    }

    /// Sends bytes past TLS, right behind those that were sent through it.
    pub fn send_unencrypted(&mut self, bytes: impl AsRef<[u8]>) {
        self.tcp.write_all(bytes.as_ref()).expect("sent");
    }

    /// Resets the connection, even if data is unread.
    pub fn reset(&mut self) {
        rustix::net::sockopt::set_socket_linger(&self.tcp, Some(Duration::ZERO)).expect("linger");
        // The kernel closes the socket only once both handles are dropped.
        self.stream = Box::new(io::empty());
        self.tcp = unconnected();
        self.released = true;
    }

    /// Expects the client to send nothing more and to end the connection.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            // A client that leaves received bytes unread ends with an RST; a TLS client that is
            // killed sends no close_notify.
            Err(e) if matches!(e.kind(), RESET | TRUNCATED) => {}
            Err(e) => panic!("waiting for the client to end the connection: {e}"),
        }
        assert!(rest.is_empty(), "the client sent more: {}", brief(&rest));
        self.released = true;
    }

    /// Discards everything the client sends until it ends the connection.
    pub fn discard_all(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        self.released = true;
    }

    /// Neither reads nor writes until the child has exited.
    #[track_caller]
    pub fn freeze(&mut self) {
        self.child.await_exit();
        self.released = true;
    }

    #[track_caller]
    fn finish(&mut self) {
        if !self.released {
            self.half_close();
            self.expect_end();
        }
    }
}

/// The right answer without the empty line at its end.
pub const OPEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n";

const RESET: io::ErrorKind = io::ErrorKind::ConnectionReset;
const TRUNCATED: io::ErrorKind = io::ErrorKind::UnexpectedEof;

fn readable(listener: &TcpListener, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).expect("a limit that fits");
    poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&limit)).expect("a listener") > 0
}

/// Returns an unconnected socket, to replace one that must be closed.
fn unconnected() -> TcpStream {
    rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)
        .expect("a socket")
        .into()
}
