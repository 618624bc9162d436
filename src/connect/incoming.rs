//! The server's side of an opening handshake: a request is read, then accepted or refused.

use super::established::Established;
use crate::{
    net::Transport,
    proto::{
        handshake::{Agreement, Choices, Headers, Request, Version, choose},
        slice::Within,
        upgrade::{RequestFault, RequestHead, ServerUpgrade, encode_acceptance, encode_refusal},
    },
    sys::unix::set_tcp_options,
};
use http::StatusCode;
use std::{fmt, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// A client's request whose head was read whole. Dropping it closes the connection unanswered.
pub struct Incoming {
    transport: Box<dyn Transport>,
    authority: String,
    head: RequestHead,
    /// The time by which the answer must have been written.
    deadline: Instant,
    limit: Duration,
}

/// The reason why a client got no session.
#[derive(Debug)]
pub enum IncomingFault {
    /// The request breaks a rule; the client was told.
    Request(RequestFault),
    /// The client ended the connection inside the head.
    Cut,
    /// The handshake took longer than this.
    TimedOut(Duration),
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for IncomingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(fault) => fault.fmt(f),
            Self::Cut => f.write_str("the connection ended inside the request"),
            Self::TimedOut(limit) => {
                write!(f, "no handshake within {} s", limit.as_secs_f64())
            }
            Self::Io(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for IncomingFault {}

impl From<io::Error> for IncomingFault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl Incoming {
    /// Reads a request from an accepted TCP connection within [`HANDSHAKE_LIMIT`].
    pub async fn over_tcp(stream: TcpStream, peer: SocketAddr) -> Result<Self, IncomingFault> {
        // The options make it faster; it works without them.
        let _ = set_tcp_options(&stream);
        Self::read(Box::new(stream), peer.to_string(), HANDSHAKE_LIMIT).await
    }

    /// Reads a request. `authority` names the client in errors; `limit` holds from now until the
    /// answer is written. A request that is not well-formed HTTP/1.1, or not a GET, is refused
    /// here; what else it must be is in [`Self::fault`].
    pub async fn read(
        mut transport: Box<dyn Transport>,
        authority: String,
        limit: Duration,
    ) -> Result<Self, IncomingFault> {
        let deadline = Instant::now() + limit;
        let read = read_head(&mut transport);
        let head =
            timeout_at(deadline, read).await.map_err(|_| IncomingFault::TimedOut(limit))??;
        Ok(Self { transport, authority, head, deadline, limit })
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.head.request
    }

    /// The demand of RFC 6455, 4.2.1 that the request does not meet.
    pub fn fault(&self) -> Option<RequestFault> {
        self.head.accept.as_ref().err().copied()
    }

    /// Accepts the request, or refuses it with the status that says why: the subprotocol and the
    /// extensions are those that [`choose`] picks.
    pub async fn answer(self, choices: &Choices) -> Result<Established, IncomingFault> {
        let chosen = choose(&self.request().headers, choices);
        let fault = self.fault().or(chosen.is_err().then_some(RequestFault::Extensions));
        match (fault, chosen) {
            (None, Ok((agreed, headers))) => self.accept(agreed, &headers).await,
            (fault, _) => {
                let fault = fault.unwrap_or(RequestFault::Extensions);
                self.refuse_for(fault).await?;
                Err(IncomingFault::Request(fault))
            }
        }
    }

    /// Opens the session. `headers` tell the client what was agreed; fields of the caller's own
    /// may stand among them. A request with a [`Self::fault`] is not accepted.
    pub async fn accept(
        mut self,
        agreed: Agreement,
        headers: &Headers,
    ) -> Result<Established, IncomingFault> {
        let RequestHead { accept, rest, .. } = self.head;
        let answer = encode_acceptance(&accept.map_err(IncomingFault::Request)?, headers);
        let written = timeout_at(self.deadline, write(&mut self.transport, &answer));
        written.await.map_err(|_| IncomingFault::TimedOut(self.limit))??;
        let (transport, authority) = (self.transport, self.authority);
        let carrier = Version::Http11;
        Ok(Established { transport, rest, agreed, carrier, authority })
    }

    /// Answers with this status and a body of plain text, and ends the connection.
    pub async fn refuse(
        mut self,
        status: StatusCode,
        headers: &Headers,
        body: &str,
    ) -> Result<(), IncomingFault> {
        let answer = encode_refusal(status, headers, body);
        let written = timeout_at(self.deadline, write_last(&mut self.transport, &answer));
        Ok(written.await.map_err(|_| IncomingFault::TimedOut(self.limit))??)
    }

    async fn refuse_for(self, fault: RequestFault) -> Result<(), IncomingFault> {
        let (status, headers) = fault.status();
        self.refuse(status, &headers, &format!("{fault}\n")).await
    }
}

async fn read_head(transport: &mut Box<dyn Transport>) -> Result<RequestHead, IncomingFault> {
    let mut upgrade = ServerUpgrade::default();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        let n = transport.read(&mut buffer).await?;
        if n == 0 {
            return Err(IncomingFault::Cut);
        }
        match upgrade.receive(buffer.within(..n)) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(head),
            Err(fault) => {
                let (status, headers) = fault.status();
                let answer = encode_refusal(status, &headers, &format!("{fault}\n"));
                write_last(transport, &answer).await?;
                return Err(IncomingFault::Request(fault));
            }
        }
    }
}

async fn write(transport: &mut Box<dyn Transport>, answer: &[u8]) -> io::Result<()> {
    transport.write_all(answer).await?;
    transport.flush().await
}

async fn write_last(transport: &mut Box<dyn Transport>, answer: &[u8]) -> io::Result<()> {
    transport.write_all(answer).await?;
    transport.shutdown().await
}

/// Bytes of a request that are read at a time.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// The longest that a client may take for its handshake by default.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
