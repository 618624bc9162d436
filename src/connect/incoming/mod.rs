//! The server's side of an opening handshake: a request is read, then accepted or refused.

mod fault;
mod http1;
#[cfg(test)]
mod http2_tests;
mod passed;
#[cfg(test)]
mod tests;

pub use fault::IncomingFault;

use super::established::Established;
use crate::{
    net::{
        Transport, TransportHandle,
        http2::{Http2Fault, Http2Server, ServerRequest},
    },
    proto::{
        extended,
        handshake::{Agreement, Choices, Headers, Request, Version, choose},
        request_fault::RequestFault,
        server_upgrade::{
            RequestHead, ServerUpgrade, acceptance_headers, encode_acceptance, encode_refusal,
            refusal_headers,
        },
    },
    sys::unix::set_tcp_options,
};
use http::StatusCode;
use http1::{Start, read_start, write, write_last};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

/// A client's request, once its head was received. Dropping it closes the connection, or resets the
/// HTTP/2 stream, without a response.
pub struct Incoming {
    exchange: Exchange,
    request: Request,
    method: String,
    fault: Option<RequestFault>,
    authority: String,
    /// The time by which the answer must have been written.
    deadline: Instant,
    limit: Duration,
}

/// The carrier of the answer.
enum Exchange {
    Http1 {
        transport: Box<dyn Transport>,
        /// The value of `Sec-WebSocket-Accept`; empty for a request with a fault.
        accept: String,
        rest: Vec<u8>,
    },
    Http2(Box<ServerRequest>),
}

/// The content of an accepted connection.
pub enum Arrival {
    /// A request over HTTP/1.1.
    Request(Incoming),
    /// An HTTP/2 connection, whose streams carry requests.
    Streams(Box<IncomingStreams>),
}

/// The treatment of a connection that does not begin with a request.
#[derive(Clone, Copy)]
pub struct Rejection<'a> {
    /// Further header fields of the answer.
    pub headers: &'a Headers,
    /// Takes the fault, before it is answered.
    pub tell: &'a (dyn Fn(&IncomingFault) + Sync),
}

/// The requests of an HTTP/2 connection.
pub struct IncomingStreams {
    connection: Http2Server,
    authority: String,
}

impl Arrival {
    /// Reads a request over HTTP/1.1, or the preface of HTTP/2, if TLS has selected it or the client
    /// begins with it. `authority` names the client in errors; `limit` covers the time from now until
    /// the answer to a request over HTTP/1.1 is written. Bytes that are neither are rejected here;
    /// [`Incoming::fault`] reports any other violation.
    pub async fn read(
        transport: Box<dyn Transport>,
        has_selected_http2: bool,
        authority: String,
        limit: Duration,
        rejection: Rejection<'_>,
    ) -> Result<Self, IncomingFault> {
        let deadline = Instant::now() + limit;
        let (transport, received) = if has_selected_http2 {
            (transport, Vec::new())
        } else {
            match read_http1(transport, authority.clone(), (deadline, limit), rejection).await? {
                Http1::Request(incoming) => return Ok(Self::Request(incoming)),
                Http1::Http2(transport, received) => (transport, received),
            }
        };
        let fault = match timeout_at(deadline, Http2Server::start(transport, received)).await {
            Ok(Ok(connection)) => {
                return Ok(Self::Streams(Box::new(IncomingStreams { connection, authority })));
            }
            // A spare connection of a browser.
            Ok(Err(Http2Fault::Lost(None))) => IncomingFault::Unused,
            Ok(Err(fault)) => fault.into(),
            Err(_) => IncomingFault::TimedOut(limit),
        };
        (rejection.tell)(&fault);
        Err(fault)
    }
}

impl IncomingStreams {
    /// Drives the connection until the next request. `None` once the connection has ended. Must be
    /// awaited while there are sessions. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Incoming, Http2Fault>> {
        let request = match self.connection.next().await? {
            Ok(request) => request,
            Err(fault) => return Some(Err(fault)),
        };
        let head = request.request();
        Some(Ok(Incoming {
            method: head.headers.get(":method").unwrap_or_default().to_owned(),
            fault: extended::check_request(head).err(),
            request: head.clone(),
            exchange: Exchange::Http2(Box::new(request)),
            authority: self.authority.clone(),
            deadline: Instant::now() + HANDSHAKE_LIMIT,
            limit: HANDSHAKE_LIMIT,
        }))
    }

    /// Returns the client in errors.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Lets the sessions end, then the connection. The client is told by a GOAWAY.
    pub fn shut_down(&mut self) {
        self.connection.shut_down();
    }
}

impl Incoming {
    /// Reads a request over HTTP/1.1 from an accepted TCP connection within [`HANDSHAKE_LIMIT`].
    pub async fn over_tcp(stream: TcpStream, peer: SocketAddr) -> Result<Self, IncomingFault> {
        // The connection works without these options, only slower.
        let _ = set_tcp_options(&stream);
        Self::read(Box::new(stream), peer.to_string(), HANDSHAKE_LIMIT).await
    }

    /// Reads a request over HTTP/1.1. `authority` names the client in errors; `limit` covers the time
    /// from now until the answer is written. Bytes that are no request are refused here;
    /// [`Self::fault`] reports any other violation.
    pub async fn read(
        transport: Box<dyn Transport>,
        authority: String,
        limit: Duration,
    ) -> Result<Self, IncomingFault> {
        let deadline = Instant::now() + limit;
        let rejection = Rejection { headers: &Headers::default(), tell: &|_| {} };
        match read_http1(transport, authority, (deadline, limit), rejection).await? {
            Http1::Request(incoming) => Ok(incoming),
            Http1::Http2(mut transport, _) => {
                let fault = RequestFault::Http2;
                refuse_bytes(&mut transport, fault, deadline, rejection.headers).await;
                Err(IncomingFault::Request(fault))
            }
        }
    }

    /// Returns the request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the method of the request.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the client in errors.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the requirement of RFC 6455, 4.2.1 or RFC 8441 that the request does not meet, if any.
    pub fn fault(&self) -> Option<RequestFault> {
        self.fault
    }

    /// Accepts the request with the subprotocol and the extensions that [`choose`] picks, or
    /// refuses it with the status of its fault.
    pub async fn answer(self, choices: &Choices) -> Result<Established, IncomingFault> {
        let chosen = choose(&self.request().headers, choices);
        let fault = self.fault().or(chosen.is_err().then_some(RequestFault::Extensions));
        match (fault, chosen) {
            (None, Ok((agreement, headers))) => self.accept(agreement, &headers).await,
            (fault, _) => {
                let fault = fault.unwrap_or(RequestFault::Extensions);
                self.refuse_for(fault).await?;
                Err(IncomingFault::Request(fault))
            }
        }
    }

    /// Returns all fields of the response that [`Self::accept`] writes.
    pub fn acceptance_headers(&self, headers: &Headers) -> Headers {
        match &self.exchange {
            Exchange::Http1 { accept, .. } => acceptance_headers(accept, headers),
            Exchange::Http2(_) => extended::response_headers(headers),
        }
    }

    /// Returns all fields of the response that [`Self::refuse`] writes.
    pub fn refusal_headers(&self, headers: &Headers, body: &str) -> Headers {
        let all = refusal_headers(headers, body);
        match &self.exchange {
            Exchange::Http1 { .. } => all,
            Exchange::Http2(_) => extended::response_headers(&all),
        }
    }

    /// Accepts the request. `headers` state what was agreed and may contain further fields. Fails
    /// if the request has a [`Self::fault`].
    pub async fn accept(
        self,
        agreement: Agreement,
        headers: &Headers,
    ) -> Result<Established, IncomingFault> {
        self.accept_with_handle(agreement, headers).await.map(|(established, _)| established)
    }

    /// Accepts the request as [`Self::accept`] does, and returns control over an HTTP/2 stream.
    pub async fn accept_with_handle(
        self,
        agreement: Agreement,
        headers: &Headers,
    ) -> Result<(Established, Option<TransportHandle>), IncomingFault> {
        if let Some(fault) = self.fault {
            return Err(IncomingFault::Request(fault));
        }
        let (authority, carrier) = (self.authority, self.request.version);
        match self.exchange {
            Exchange::Http1 { mut transport, accept, rest } => {
                let answer = encode_acceptance(&accept, headers);
                let written = timeout_at(self.deadline, write(&mut transport, &answer));
                written.await.map_err(|_| IncomingFault::TimedOut(self.limit))??;
                Ok((Established { transport, rest, agreement, carrier, authority }, None))
            }
            Exchange::Http2(request) => {
                let stream = request.accept(extended::response_headers(headers).iter())?;
                let handle = TransportHandle::Stream(stream.handle());
                let (transport, rest) = (Box::new(stream), Vec::new());
                Ok((Established { transport, rest, agreement, carrier, authority }, Some(handle)))
            }
        }
    }

    /// Answers with `status` and a plain-text body, then ends the connection or the HTTP/2 stream.
    pub async fn refuse(
        self,
        status: StatusCode,
        headers: &Headers,
        body: &str,
    ) -> Result<(), IncomingFault> {
        let all = self.refusal_headers(headers, body);
        let written = match self.exchange {
            Exchange::Http1 { mut transport, .. } => {
                let answer = encode_refusal(status, headers, body, self.method == "HEAD");
                timeout_at(self.deadline, write_last(&mut transport, &answer)).await
            }
            Exchange::Http2(request) => {
                let refused = request.refuse(status, all.iter(), body.to_owned());
                timeout_at(self.deadline, refused).await
            }
        };
        Ok(written.map_err(|_| IncomingFault::TimedOut(self.limit))??)
    }

    /// Refuses the request because of a fault.
    pub async fn refuse_for(self, fault: RequestFault) -> Result<(), IncomingFault> {
        let (status, headers) = fault.status(self.request.version);
        self.refuse(status, &headers, &fault.body()).await
    }
}

/// The start of a connection.
enum Http1 {
    Request(Incoming),
    /// The preface of HTTP/2: the stream, and the bytes received of it.
    Http2(Box<dyn Transport>, Vec<u8>),
}

/// Reads a request, or recognizes HTTP/2. Other bytes are rejected.
async fn read_http1(
    mut transport: Box<dyn Transport>,
    authority: String,
    (deadline, limit): (Instant, Duration),
    Rejection { headers, tell }: Rejection<'_>,
) -> Result<Http1, IncomingFault> {
    let mut upgrade = ServerUpgrade::default();
    let start = timeout_at(deadline, read_start(&mut transport, &mut upgrade)).await;
    let fault = match start {
        Ok(Ok(Start::Http2(received))) => return Ok(Http1::Http2(transport, received)),
        Ok(Ok(Start::Head(RequestHead { request, method, accept, rest }))) => {
            let fault = accept.as_ref().err().copied();
            let accept = accept.unwrap_or_default();
            let exchange = Exchange::Http1 { transport, accept, rest };
            let request = Incoming { exchange, request, method, fault, authority, deadline, limit };
            return Ok(Http1::Request(request));
        }
        Ok(Err(fault)) => fault,
        Err(_) => IncomingFault::TimedOut(limit),
    };
    // The end of the answer may have to be waited for.
    tell(&fault);
    match &fault {
        IncomingFault::Request(fault) => {
            refuse_bytes(&mut transport, *fault, deadline, headers).await;
        }
        // A connection without any byte is a spare one of a browser, or a port scan.
        IncomingFault::TimedOut(_) if upgrade.has_begun() => {
            let (status, body) = (StatusCode::REQUEST_TIMEOUT, format!("{fault}\n"));
            let answer = encode_refusal(status, headers, &body, false);
            let _ = timeout(ANSWER_LIMIT, write_last(&mut transport, &answer)).await;
        }
        _ => {}
    }
    Err(fault)
}

/// Answers bytes that are no request. The fault explains the end of the connection better than an
/// error of writing.
async fn refuse_bytes(
    transport: &mut Box<dyn Transport>,
    fault: RequestFault,
    deadline: Instant,
    more: &Headers,
) {
    let (status, mut headers) = fault.status(Version::Http11);
    for (name, value) in more.iter() {
        headers.push(name, value);
    }
    let answer = encode_refusal(status, &headers, &fault.body(), false);
    let _ = timeout_at(deadline, write_last(transport, &answer)).await;
}

/// The time limit for the answer to a request that was not completed in time.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// The default time limit for a client's handshake.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
