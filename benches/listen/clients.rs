//! Many clients in one thread, as cheap as possible: non-blocking sockets, frames that are made
//! beforehand, and a reader that only counts messages.

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, EventData, EventFlags},
    },
};
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    ops::Range,
    os::fd::OwnedFd,
    rc::Rc,
    time::{Duration, Instant},
};

/// Clients of one server.
pub struct Clients {
    epoll: OwnedFd,
    all: Vec<Client>,
    buffer: Vec<u8>,
}

struct Client {
    socket: TcpStream,
    /// The bytes to send, and how many of them were sent.
    out: Rc<[u8]>,
    sent: usize,
    reader: FrameCounter,
    /// The number of messages to wait for.
    wanted: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The response to the opening handshake has been read up to this many bytes of its end.
    Opening(usize),
    Open,
    Refused,
    Lost,
}

/// Counts the messages in a stream of unmasked frames.
#[derive(Default)]
struct FrameCounter {
    header: Vec<u8>,
    /// The bytes of payload that are missing.
    payload: u64,
    is_final: bool,
    messages: u64,
}

impl FrameCounter {
    fn read(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.payload.min(bytes.len() as u64);
            bytes = &bytes[skipped as usize..];
            self.payload -= skipped;
            if self.payload == 0 && self.is_final {
                self.messages += 1;
                self.is_final = false;
            }
            let Some((first, rest)) = bytes.split_first() else { return };
            self.header.push(*first);
            bytes = rest;
            let length = match self.header[..] {
                [_, length @ ..=125] => u64::from(length),
                [_, 126, a, b] => u64::from(u16::from_be_bytes([a, b])),
                [_, 127, ref length @ ..] if length.len() == 8 => {
                    <[u8; 8]>::try_from(length).map_or(0, u64::from_be_bytes)
                }
                _ => continue,
            };
            self.payload = length;
            // Pings and the Close are no messages.
            self.is_final = self.header[0] & 0x88 == 0x80;
            self.header.clear();
        }
    }
}

/// The number of clients that got a session, and the time until the last one had it.
pub struct Opened {
    pub open: usize,
    pub time: Duration,
}

impl Clients {
    /// Connects `count` clients at once, which offer permessage-deflate if `deflate`.
    pub fn connect(port: u16, count: usize, deflate: bool) -> io::Result<(Self, Opened)> {
        let offer = if deflate {
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        } else {
            ""
        };
        let request: Rc<[u8]> = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
        )
        .into_bytes()
        .into();
        let started = Instant::now();
        let mut clients = Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            all: Vec::with_capacity(count),
            buffer: vec![0; 256 << 10],
        };
        for number in 0..count {
            let socket = TcpStream::connect(("127.0.0.1", port))?;
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&clients.epoll, &socket, EventData::new_u64(number as u64), flags)?;
            clients.all.push(Client {
                socket,
                out: Rc::clone(&request),
                sent: 0,
                reader: FrameCounter::default(),
                wanted: 0,
                state: State::Opening(0),
            });
            clients.write(number);
        }
        clients.settle(count)?;
        let open = clients.all.iter().filter(|client| client.state == State::Open).count();
        Ok((clients, Opened { open, time: started.elapsed() }))
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Sends frames as the clients with these numbers.
    pub fn send(&mut self, numbers: impl IntoIterator<Item = usize>, frames: &Rc<[u8]>) {
        for number in numbers {
            let client = &mut self.all[number];
            assert_eq!(client.sent, client.out.len(), "frames of client {number} wait already");
            (client.out, client.sent) = (Rc::clone(frames), 0);
            self.write(number);
        }
    }

    /// Waits until each of the clients with these numbers has received `count` messages more.
    pub fn receive(&mut self, numbers: Range<usize>, count: u64) -> io::Result<()> {
        let mut waiting = 0;
        for client in &mut self.all[numbers] {
            client.wanted += count;
            waiting += usize::from(client.waits());
        }
        self.settle(waiting)?;
        match self.all.iter().filter(|client| client.state != State::Open).count() {
            0 => Ok(()),
            lost => Err(io::Error::other(format!("{lost} clients were disconnected"))),
        }
    }

    /// Sends and receives until none of the `waiting` clients waits.
    fn settle(&mut self, mut waiting: usize) -> io::Result<()> {
        let deadline = Instant::now() + LIMIT;
        let mut events = Vec::with_capacity(1024);
        while waiting > 0 {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{waiting} clients wait for too long")));
            }
            events.clear();
            let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout))?;
            for event in &events {
                let number = event.data.u64() as usize;
                let waited = self.all[number].waits();
                self.write(number);
                self.read(number);
                waiting -= usize::from(waited && !self.all[number].waits());
            }
        }
        Ok(())
    }

    fn write(&mut self, number: usize) {
        let client = &mut self.all[number];
        while client.sent < client.out.len() {
            match client.socket.write(&client.out[client.sent..]) {
                Ok(n) => client.sent += n,
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return client.state = State::Lost,
            }
        }
    }

    fn read(&mut self, number: usize) {
        let Self { all, buffer, .. } = self;
        let client = &mut all[number];
        loop {
            let bytes = match client.socket.read(buffer) {
                Ok(n) if n > 0 => &buffer[..n],
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                _ if client.state == State::Refused => return,
                _ => return client.state = State::Lost,
            };
            client.receive(bytes);
            // The rest of what waits causes no event, but a short read means that nothing does.
            if bytes.len() < buffer.len() {
                return;
            }
        }
    }
}

impl Client {
    fn waits(&self) -> bool {
        match self.state {
            State::Opening(_) => true,
            State::Open => self.reader.messages < self.wanted,
            State::Refused | State::Lost => false,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            State::Open => self.reader.read(bytes),
            State::Opening(0) if !bytes.starts_with(b"HTTP/1.1 101") => {
                self.state = State::Refused;
            }
            State::Opening(mut matched) => {
                for (at, byte) in bytes.iter().enumerate() {
                    matched = match (matched, byte) {
                        (0 | 2, b'\r') | (1 | 3, b'\n') => matched + 1,
                        (_, b'\r') => 1,
                        _ => 0,
                    };
                    if matched == 4 {
                        self.state = State::Open;
                        return self.reader.read(&bytes[at + 1..]);
                    }
                }
                self.state = State::Opening(matched);
            }
            State::Refused | State::Lost => {}
        }
    }
}

/// Returns `count` times the frame of a message, masked with zeros.
pub fn frames(payload: &[u8], count: usize) -> Rc<[u8]> {
    with_first_byte(0x82, payload, count)
}

/// Returns the frame of a compressed message.
pub fn compressed(payload: &[u8]) -> Rc<[u8]> {
    with_first_byte(0xc2, payload, 1)
}

fn with_first_byte(first: u8, payload: &[u8], count: usize) -> Rc<[u8]> {
    let length = payload.len() as u64;
    let mut frame = vec![first];
    match length {
        ..126 => frame.push(0x80 | length as u8),
        126..0x1_0000 => {
            frame.push(0xfe);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0xff);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame.repeat(count).into()
}

/// The time within which the clients must receive what they wait for.
const LIMIT: Duration = Duration::from_mins(1);
