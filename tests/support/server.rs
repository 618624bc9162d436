//! The binary as a server, and clients of it.

use super::{
    LIMIT, Signal,
    child::{self, Child, ChildOutput},
    signalled,
};
use rustix::process::{Pid, kill_process};
use std::{
    io::Read as _,
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tungstenite::{
    Message, WebSocket, client::IntoClientRequest, handshake::client::Response, http::HeaderValue,
};

/// A running server. Requests other than for its port go through `child`.
pub struct Server {
    pub child: Arc<Child>,
    pub port: u16,
    pub pid: u32,
    running: Option<JoinHandle<ChildOutput>>,
}

pub struct ServerOutput {
    pub stdout: Vec<u8>,
    /// Without the first line, which names the address and has been checked.
    pub stderr: String,
    status: (Option<i32>, Option<i32>),
}

/// The arguments and streams of a server that is not yet running.
pub struct Setup {
    command: Command,
    holds_stdout: bool,
    bytes: Option<Vec<u8>>,
}

impl Setup {
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Runs the server in this bash script, in which `"$@"` is the command.
    pub fn shell(mut self, script: &str) -> Self {
        let mut shell = signalled("bash");
        // The arguments of `env` follow its option.
        shell.args(["--norc", "-c", script, "bash"]).args(self.command.get_args().skip(1));
        shell.process_group(0).env_clear();
        shell.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = shell;
        self
    }

    /// Makes stdin a pipe with these bytes.
    pub fn bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.bytes = Some(bytes.into());
        self
    }

    /// Keeps stdout unread until the test reads it.
    pub fn hold_stdout(mut self) -> Self {
        self.holds_stdout = true;
        self
    }

    /// Starts the server and waits for the line that names its address.
    #[track_caller]
    pub fn start(self) -> Server {
        let (mut server, line) = self.begin();
        let address = line.strip_prefix("listening on ws://").map(str::trim_end);
        let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
        server.port = address.unwrap_or_else(|| panic!("the first line is {line:?}")).port();
        server
    }

    /// Starts the server and returns the URL that it names.
    #[track_caller]
    pub fn start_with_url(self) -> (Server, String) {
        let (server, line) = self.begin();
        let url = line.trim_end().strip_prefix("listening on ");
        (server, url.unwrap_or_else(|| panic!("the first line is {line:?}")).to_owned())
    }

    /// Starts a server that names this address.
    #[track_caller]
    pub fn start_at(self, address: &str) -> Server {
        let (server, line) = self.begin();
        assert_eq!(line.trim_end(), format!("listening on {address}"));
        server
    }

    /// Starts the server and returns its first line.
    #[track_caller]
    fn begin(mut self) -> (Server, String) {
        let mut process = self.command.spawn().expect("the binary starts");
        // The command holds copies of the pipes' other ends.
        drop(self.command);
        let stderr = process.stderr.as_mut().expect("stderr is a pipe");
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            let n = stderr.read(&mut byte).expect("stderr can be read");
            assert!(n > 0, "stderr ended with {}", line.escape_ascii());
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).expect("UTF-8");
        let pid = process.id();
        let child = Arc::new(Child::new(&mut process, self.holds_stdout));
        let running = thread::spawn({
            let (child, bytes) = (Arc::clone(&child), self.bytes.take());
            move || child::run(process, &child, bytes, Instant::now() + RUN_LIMIT)
        });
        (Server { child, port: 0, pid, running: Some(running) }, line)
    }
}

impl Server {
    /// Starts a server whose stdin stays open.
    #[track_caller]
    pub fn start<'a>(args: impl AsRef<[&'a str]>) -> Self {
        Self::setup(args).start()
    }

    pub fn setup<'a>(args: impl AsRef<[&'a str]>) -> Setup {
        let mut command = signalled(env!("CARGO_BIN_EXE_sockeye"));
        command.args(args.as_ref()).process_group(0);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Setup { command, holds_stdout: false, bytes: None }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Opens a TCP connection without sending anything.
    #[track_caller]
    pub fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit on reading");
        stream.set_write_timeout(Some(LIMIT)).expect("a limit on writing");
        stream
    }

    #[track_caller]
    pub fn connect(&self) -> Client {
        self.connect_asking("").0
    }

    /// Connects, and waits until the server reports the client under this number.
    #[track_caller]
    pub fn join(&self, id: u32) -> Client {
        let client = self.connect();
        self.child.await_stderr(&format!("client {id} connected from 127.0.0.1:"));
        client
    }

    /// Connects and offers these subprotocols.
    #[track_caller]
    pub fn connect_asking(&self, subprotocols: &str) -> (Client, Response) {
        let mut request = self.url().into_client_request().expect("a request");
        if !subprotocols.is_empty() {
            let value = HeaderValue::from_str(subprotocols).expect("a value");
            request.headers_mut().insert("Sec-WebSocket-Protocol", value);
        }
        let (socket, response) = tungstenite::client(request, self.dial()).expect("a session");
        (Client(socket), response)
    }

    /// Sends SIGTERM, by which the server must end.
    #[track_caller]
    pub fn terminate(self) -> ServerOutput {
        self.child.signal(Signal::TERM);
        self.ends_by(Signal::TERM)
    }

    #[track_caller]
    pub fn ends_by(self, signal: Signal) -> ServerOutput {
        let end = self.end();
        let all = &end.stderr;
        assert_eq!(end.status, (None, Some(signal.as_raw())), "code, signal; stderr: {all}");
        end
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> ServerOutput {
        let end = self.end();
        let all = &end.stderr;
        assert_eq!(end.status, (Some(code), None), "code, signal; stderr: {all}");
        end
    }

    fn end(mut self) -> ServerOutput {
        let running = self.running.take().expect("it runs");
        let ChildOutput { status, stdout, stderr } = running.join().expect("it has run");
        let status = status.expect("it ends in time");
        let stderr = String::from_utf8(stderr).expect("UTF-8");
        ServerOutput { stdout, stderr, status: (status.code(), status.signal()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test failed before it ended the server. The waiting thread holds the process, so the
        // process id has not been reused.
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
            let _ = kill_process(pid.expect("a number"), Signal::KILL);
        }
    }
}

/// An independent client (tungstenite).
pub struct Client(WebSocket<TcpStream>);

impl Client {
    /// Connects to a server that another test started.
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        let address = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit on reading");
        Self(tungstenite::client(url, stream).expect("a session").0)
    }

    #[track_caller]
    pub fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).expect("the server takes a message");
    }

    /// Sends bytes that need not form frames.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        use std::io::Write as _;
        self.0.get_mut().write_all(bytes).expect("the server takes bytes");
    }

    #[track_caller]
    pub fn expect(&mut self, message: impl Into<Message>) {
        assert_eq!(self.0.read().expect("a message"), message.into());
    }

    #[track_caller]
    pub fn expect_text(&mut self, text: &str) {
        self.expect(Message::text(text));
    }

    /// Receives a text message.
    #[track_caller]
    pub fn text(&mut self) -> String {
        match self.0.read().expect("a message") {
            Message::Text(text) => text.as_str().to_owned(),
            other => panic!("{other:?} instead of a text"),
        }
    }

    /// Expects a Close with this code, answers it and waits for the end of the connection.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        match self.0.read().expect("a Close") {
            Message::Close(Some(close)) => assert_eq!(u16::from(close.code), code, "{close:?}"),
            other => panic!("{other:?} instead of a Close"),
        }
        let end = self.0.read();
        assert!(matches!(end, Err(tungstenite::Error::ConnectionClosed)), "{end:?}");
        // The server has shut down its direction and waits for the client's.
        let _ = self.stream().shutdown(Shutdown::Both);
    }

    /// Expects the end of the connection without a Close.
    #[track_caller]
    pub fn expect_end(&mut self) {
        use tungstenite::Error::{Io, Protocol};
        let end = self.0.read();
        assert!(matches!(end, Err(Io(_) | Protocol(_))), "{end:?}");
    }

    /// Sends a Close and expects its echo.
    #[track_caller]
    pub fn close(mut self) {
        self.0.close(None).expect("it is open");
        let end = (self.0.read(), self.0.read());
        assert!(matches!(end.0, Ok(Message::Close(_))), "{end:?}");
        assert!(matches!(end.1, Err(tungstenite::Error::ConnectionClosed)), "{end:?}");
    }

    /// Receives until the connection ends.
    pub fn drain(mut self) {
        while self.0.read().is_ok() {}
    }

    /// Returns the connection below the protocol.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.0.get_mut()
    }
}

/// The server is killed after this time, when the step that hangs has already been reported.
const RUN_LIMIT: Duration = LIMIT.saturating_mul(2);
