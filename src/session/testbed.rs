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
//! of the stream and its reset, also at a given byte. [`Player`] drives a session step by step, and
//! [`network`] opens whole connections over it.
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

pub(crate) mod network;
mod wire;

pub(crate) use wire::{End, FaultKind, Loss, PlannedFault, Wire, wire};

use super::Session;
use crate::{
    connect::{ClientConnection, ClientReport, Established, RequestSummary, Timing},
    proto::{
        Close, Entropy, Event, Kind, Settings, Violation,
        handshake::{Agreement, Response, Version},
        headers::Headers,
    },
    target::Target,
};
use std::{num::NonZeroUsize, time::Duration};
use tokio::time::timeout;

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
