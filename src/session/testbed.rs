//! A test bed for everything above the transport: two ends joined by an in-memory wire, in virtual
//! time.
//!
//! [`run`] drives a test on a runtime with paused time: when every task waits, time jumps to the
//! next deadline, so that a pong timeout of one minute takes no time and fires at an exact instant.
//! A test that can make no more progress fails instead of hanging.
//!
//! [`Bed`] configures and creates the two ends:
//! - [`Bed::pair`]: two sessions, for tests of both sides;
//! - [`Bed::client`] and [`Bed::server`]: one session and the raw [`End`] of its peer, for peers
//!   that violate the protocol, send half a frame or vanish;
//! - [`Bed::connection`]: a client's connection as `connect::open` returns it, for code that creates
//!   its own session, and the server's session.
//!
//! [`Wire`] controls the network during a test: buffers of any size, delay, a silent stall, the end
//! of the stream and its reset. [`Player`] drives a session step by step.
//!
//! ```ignore
//! testbed::run(async {
//!     let Pair { client, server, wire } = Bed::default().pair();
//!     wire.delay(Duration::from_millis(40));
//!     let (mut client, mut server) = (Player::new(client), Player::new(server));
//!     client.session.send(Kind::Text, b"hi")?;
//!     // Both ends have to be driven, or nothing moves.
//!     let (_, heard) = tokio::join!(client.finish(), async {
//!         let heard = server.next().await;
//!         server.session.close(&Close::new(CloseCode::Normal));
//!         server.finish().await;
//!         heard
//!     });
//!     assert_eq!(heard, Some(OwnedEvent::Message(Kind::Text, b"hi".to_vec())));
//! });
//! ```

use super::{Session, clock};
use crate::{
    connect::{ClientConnection, ClientReport, Established, RequestSummary, Timing},
    proto::{
        Close, Entropy, Event, Kind, Role, Settings, Violation,
        handshake::{Agreement, Response, Version},
        headers::Headers,
    },
    target::Target,
};
use std::{
    collections::VecDeque,
    io,
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep, timeout},
};

/// Runs a test in virtual time. It panics after [`TEST_LIMIT`], which a test that waits for an
/// impossible event reaches at once.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    let done = runtime.block_on(async { timeout(TEST_LIMIT, test).await });
    done.expect("the test waits for an event that does not happen")
}

/// Limit of the virtual time of a test.
const TEST_LIMIT: Duration = Duration::from_hours(24);

/// Configuration of two ends and of the wire between them.
#[derive(Clone)]
pub(crate) struct Bed {
    pub(crate) client: Settings,
    pub(crate) server: Settings,
    /// The outcome of the opening handshake's negotiation.
    pub(crate) agreement: Agreement,
    pub(crate) carrier: Version,
    /// The first bytes of the server's session, received together with the handshake.
    pub(crate) rest: Vec<u8>,
    /// Capacity of each direction of the wire, in bytes.
    pub(crate) buffer: usize,
}

impl Default for Bed {
    /// No keepalive, no limits, no compression, HTTP/1.1; a close timeout of 5 s; 64 KiB each way.
    fn default() -> Self {
        Self {
            client: SETTINGS,
            server: SETTINGS,
            agreement: Agreement::default(),
            carrier: Version::Http11,
            rest: Vec::new(),
            buffer: 64 << 10,
        }
    }
}

/// Settings without keepalive, limits or an idle timeout.
pub(crate) const SETTINGS: Settings = Settings {
    max_message: u64::MAX,
    ping_interval: None,
    ping_timeout: None,
    idle_timeout: None,
    close_timeout: Duration::from_secs(5),
    fragment: NonZeroUsize::new(64 << 10).unwrap(),
    compress_level: 1,
    compress_min: 0,
    lenient: false,
};

/// Two sessions with each other.
pub(crate) struct Pair {
    pub(crate) client: Session,
    pub(crate) server: Session,
    pub(crate) wire: Wire,
}

impl Bed {
    /// Creates two sessions with each other.
    pub(crate) fn pair(self) -> Pair {
        let (client, server, wire) = self.connection();
        let client = Session::client(client, self.client, entropy());
        Pair { client, server, wire }
    }

    /// Creates a client's connection without a session, and the server's session.
    pub(crate) fn connection(&self) -> (ClientConnection, Session, Wire) {
        let (near, far, wire) = wire(self.buffer);
        let server = Session::server(self.established(far, Vec::new()), self.server, entropy());
        (self.client_connection(near), server, wire)
    }

    /// Creates a client's session and the raw end of its peer.
    pub(crate) fn client(self) -> (Session, End, Wire) {
        let (near, far, wire) = wire(self.buffer);
        (Session::client(self.client_connection(near), self.client, entropy()), far, wire)
    }

    /// Creates a server's session and the raw end of its peer.
    pub(crate) fn server(self) -> (Session, End, Wire) {
        let (near, far, wire) = wire(self.buffer);
        let established = self.established(far, Vec::new());
        (Session::server(established, self.server, entropy()), near, wire)
    }

    fn client_connection(&self, end: End) -> ClientConnection {
        let target = Target::parse(URL).unwrap();
        let report = ClientReport {
            url: URL.to_owned(),
            address: None,
            tls: None,
            request: Box::new(RequestSummary::new(&target, &Headers::default())),
            answer: Response {
                version: self.carrier,
                status: 101,
                reason: "Switching Protocols".to_owned(),
                headers: Headers::default(),
            },
            timing: Timing::default(),
        };
        ClientConnection { established: self.established(end, self.rest.clone()), report }
    }

    fn established(&self, end: End, rest: Vec<u8>) -> Established {
        Established {
            transport: Box::new(end),
            rest,
            agreement: self.agreement.clone(),
            carrier: self.carrier,
            authority: AUTHORITY.to_owned(),
        }
    }
}

const URL: &str = "ws://peer.example/";
/// The peer's name in errors.
pub(crate) const AUTHORITY: &str = "peer.example";

/// Returns a deterministic source of masking keys: 1, 2, 3, ….
pub(crate) fn entropy() -> Entropy {
    let mut next = 0u8;
    Box::new(move |bytes| {
        for byte in bytes {
            next = next.wrapping_add(1);
            *byte = next;
        }
    })
}

/// An [`Event`] with owned data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnedEvent {
    /// A whole message.
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Close),
    Failed(Violation),
}

impl OwnedEvent {
    pub(crate) fn text(text: &str) -> Self {
        Self::Message(Kind::Text, text.into())
    }
}

/// A session driven by a test: messages are sent through [`Self::session`], events are received
/// here. The session makes progress only inside [`Self::next`], [`Self::finish`] and
/// [`Self::idle`].
pub(crate) struct Player {
    pub(crate) session: Session,
    message: Vec<u8>,
}

impl Player {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, message: Vec::new() }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.session.send(Kind::Text, text.as_bytes()).unwrap();
    }

    pub(crate) fn close(&mut self, code: u16) {
        self.session.close(&Close::new(code.into())).unwrap();
    }

    /// Drives the session until the next event; returns `None` once the session is over.
    pub(crate) async fn next(&mut self) -> Option<OwnedEvent> {
        loop {
            let happened = self.take();
            if happened.is_some() || self.session.is_over() {
                return happened;
            }
            self.session.progress(true).await;
        }
    }

    /// Returns the next event in the received bytes.
    fn take(&mut self) -> Option<OwnedEvent> {
        loop {
            return Some(match self.session.next_event()? {
                Event::Message(piece) => {
                    self.message.extend_from_slice(piece.payload);
                    if !piece.last {
                        continue;
                    }
                    OwnedEvent::Message(piece.kind, std::mem::take(&mut self.message))
                }
                Event::Ping(payload) => OwnedEvent::Ping(payload.to_vec()),
                Event::Pong { payload, .. } => OwnedEvent::Pong(payload.to_vec()),
                Event::Close(close) => OwnedEvent::Close(close.clone()),
                Event::Failed(violation) => OwnedEvent::Failed(violation),
            });
        }
    }

    /// Drives the session to its end and returns the events.
    pub(crate) async fn finish(&mut self) -> Vec<OwnedEvent> {
        let mut happened = Vec::new();
        while let Some(event) = self.next().await {
            happened.push(event);
        }
        happened
    }

    /// Drives the session for this long and returns the events.
    pub(crate) async fn idle(&mut self, time: Duration) -> Vec<OwnedEvent> {
        let mut happened = Vec::new();
        let all = async {
            while let Some(event) = self.next().await {
                happened.push(event);
            }
        };
        // The timeout is the normal case.
        let _ = timeout(time, all).await;
        happened
    }
}

/// One direction of a wire.
struct Direction {
    /// Bytes in flight or unread, with their arrival times.
    chunks: VecDeque<(Instant, Vec<u8>)>,
    buffer: usize,
    delay: Duration,
    /// The time at which the reader sees the end of the stream.
    ended: Option<Instant>,
    /// Nothing arrives while this is set.
    stalled: bool,
    /// The reader was dropped.
    unread: bool,
    reset: bool,
    /// The error of the next call of the reader or of the writer, and of all later ones.
    reading_fails: Option<io::ErrorKind>,
    writing_fails: Option<io::ErrorKind>,
    /// The total number of bytes written.
    written: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn room(&self) -> usize {
        let held: usize = self.chunks.iter().map(|(_, bytes)| bytes.len()).sum();
        self.buffer.saturating_sub(held)
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn end(&mut self) {
        self.ended.get_or_insert(clock::now() + self.delay);
        self.wake();
    }
}

type Shared = Arc<Mutex<Direction>>;

fn lock(direction: &Shared) -> MutexGuard<'_, Direction> {
    direction.lock().unwrap()
}

/// The network between two ends, under the control of a test.
pub(crate) struct Wire {
    to_server: Shared,
    to_client: Shared,
}

impl Wire {
    fn both(&self, mut change: impl FnMut(&mut Direction)) {
        for direction in [&self.to_server, &self.to_client] {
            let mut direction = lock(direction);
            change(&mut direction);
            direction.wake();
        }
    }

    /// Sets the time that bytes written from now on take to arrive.
    pub(crate) fn delay(&self, delay: Duration) {
        self.both(|direction| direction.delay = delay);
    }

    /// Stops delivery without notice, like an unplugged cable. Writes succeed until the buffers are
    /// full.
    pub(crate) fn stall(&self) {
        self.both(|direction| direction.stalled = true);
    }

    pub(crate) fn resume(&self) {
        self.both(|direction| direction.stalled = false);
    }

    /// Ends both directions after the bytes in flight, as when the process at each end exits.
    pub(crate) fn cut(&self) {
        self.both(Direction::end);
    }

    /// Resets the connection: bytes in flight are lost, reads and writes fail.
    pub(crate) fn reset(&self) {
        self.both(|direction| direction.reset = true);
    }

    /// Makes reads and writes of one end fail. A direction without an error makes no progress.
    pub(crate) fn lose(&self, end: Role, loss: Loss) {
        let (incoming, outgoing) = match end {
            Role::Client => (&self.to_client, &self.to_server),
            Role::Server => (&self.to_server, &self.to_client),
        };
        lock(incoming).reading_fails = loss.read;
        lock(outgoing).writing_fails = loss.write;
        self.both(|_| ());
    }

    /// Returns the number of bytes written by the client and by the server.
    pub(crate) fn written(&self) -> (u64, u64) {
        (lock(&self.to_server).written, lock(&self.to_client).written)
    }
}

/// The errors of a lost connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) read: Option<io::ErrorKind>,
    pub(crate) write: Option<io::ErrorKind>,
}

/// One end of a wire, a transport. Dropping it ends both directions.
pub(crate) struct End {
    incoming: Shared,
    outgoing: Shared,
    /// The timer of the next arrival.
    arrival: Pin<Box<Sleep>>,
}

/// Creates the client's end, the server's end and the wire between them. Each direction holds
/// `buffer` bytes.
pub(crate) fn wire(buffer: usize) -> (End, End, Wire) {
    let direction = || {
        Arc::new(Mutex::new(Direction {
            chunks: VecDeque::new(),
            buffer,
            delay: Duration::ZERO,
            ended: None,
            stalled: false,
            unread: false,
            reset: false,
            reading_fails: None,
            writing_fails: None,
            written: 0,
            reader: None,
            writer: None,
        }))
    };
    let (to_server, to_client) = (direction(), direction());
    let end = |incoming: &Shared, outgoing: &Shared| End {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        arrival: Box::pin(sleep(Duration::ZERO)),
    };
    let (client, server) = (end(&to_client, &to_server), end(&to_server, &to_client));
    (client, server, Wire { to_server, to_client })
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let End { incoming, arrival, .. } = self.get_mut();
        let mut incoming = lock(incoming);
        if incoming.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(kind) = incoming.reading_fails {
            return Poll::Ready(Err(kind.into()));
        }
        let now = clock::now();
        let next = incoming.chunks.front().map(|(at, _)| *at).or(incoming.ended);
        match next.filter(|_| !incoming.stalled) {
            Some(at) if at > now => {
                arrival.as_mut().reset(at.into());
                if arrival.as_mut().poll(cx).is_pending() {
                    incoming.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
            Some(_) => {}
            None => {
                incoming.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        if let Some((at, mut bytes)) = incoming.chunks.pop_front() {
            let n = bytes.len().min(room.remaining());
            let rest = bytes.split_off(n);
            room.put_slice(&bytes);
            if !rest.is_empty() {
                incoming.chunks.push_front((at, rest));
            }
            if let Some(writer) = incoming.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(kind) = outgoing.writing_fails {
            return Poll::Ready(Err(kind.into()));
        }
        if outgoing.unread || outgoing.ended.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let n = outgoing.room().min(bytes.len());
        if n == 0 {
            outgoing.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let arrival = clock::now() + outgoing.delay;
        outgoing.chunks.push_back((arrival, bytes[..n].to_vec()));
        outgoing.written += n as u64;
        if let Some(reader) = outgoing.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outgoing).end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.outgoing).end();
        let mut incoming = lock(&self.incoming);
        incoming.unread = true;
        incoming.wake();
    }
}
