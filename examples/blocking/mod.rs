//! A WebSocket session over a blocking TCP stream: the smallest driver of `sockeye::proto`.
//!
//! A [`Connection`] does no I/O. Its driver gives it what was read and the time, writes what it
//! wants to send, and waits no longer than until its next deadline.

use sockeye::proto::{
    Assembler, Close, CloseCode, Connection, Entropy, Event, Kind, Role, Settings,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    num::NonZeroUsize,
    time::{Duration, Instant},
};

pub const SETTINGS: Settings = Settings {
    lenient: false,
    max_message: 1 << 20,
    ping_interval: Some(Duration::from_secs(20)),
    ping_timeout: Some(Duration::from_secs(20)),
    idle_timeout: None,
    close_timeout: Duration::from_secs(2),
    fragment: NonZeroUsize::MAX,
    compress_level: 1,
    compress_min: 0,
};

pub struct Session {
    stream: TcpStream,
    connection: Connection,
    /// Received bytes that are not decoded yet.
    input: Vec<u8>,
    assembler: Assembler,
    /// Our side of the stream has ended.
    is_shut: bool,
}

impl Session {
    /// Creates a session after the opening handshake. `rest` is what was read after it.
    pub fn new(stream: TcpStream, role: Role, entropy: Entropy, rest: Vec<u8>) -> Self {
        let connection = Connection::new(role, SETTINGS, entropy, Instant::now());
        let assembler = Assembler::default();
        Self { stream, connection, input: rest, assembler, is_shut: false }
    }

    /// Sends a message.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        self.connection.send(kind, payload).map_err(io::Error::other)?;
        self.write()
    }

    /// Begins the closing handshake. [`Self::receive`] finishes it.
    pub fn close(&mut self, code: CloseCode) -> io::Result<()> {
        let close = Close { code, reason: String::new() };
        self.connection.close(&close, Instant::now()).map_err(io::Error::other)?;
        self.write()
    }

    /// Waits for the next message. `None` once the session has ended.
    pub fn receive(&mut self) -> io::Result<Option<(Kind, Vec<u8>)>> {
        loop {
            let (used, event) = self.connection.receive(Instant::now(), &mut self.input);
            let is_idle = event.is_none();
            let message = match event {
                // Pings and a Close are answered by the connection.
                Some(Event::Message(piece)) => {
                    self.assembler.push(&piece).map(|bytes| (piece.kind, bytes.to_vec()))
                }
                Some(Event::Failed(violation)) => {
                    eprintln!("the peer broke a rule: {violation}");
                    None
                }
                _ => None,
            };
            self.input.drain(..used);
            if message.is_some() {
                return Ok(message);
            }
            if is_idle {
                self.write()?;
                if self.connection.is_over() {
                    return Ok(None);
                }
                self.read()?;
            }
        }
    }

    /// Writes all that the connection wants to send.
    fn write(&mut self) -> io::Result<()> {
        while !self.connection.transmit().is_empty() {
            let written = self.stream.write(self.connection.transmit())?;
            self.connection.transmitted(written, Instant::now());
        }
        self.connection.flushed();
        if self.connection.wants_shutdown() && !self.is_shut {
            self.is_shut = true;
            // The peer may have ended the connection already.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// Reads what has arrived, or waits for it until the connection's next deadline.
    fn read(&mut self) -> io::Result<()> {
        let deadline = self.connection.timeout();
        let wait = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        // A limit of zero means that there is none.
        self.stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.connection.receive_eof(),
            Ok(n) => {
                self.connection.received(Instant::now());
                self.input.extend(buffer.iter().take(n));
            }
            Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(fault) => return Err(fault),
        }
        self.connection.handle_timeout(Instant::now());
        Ok(())
    }
}
