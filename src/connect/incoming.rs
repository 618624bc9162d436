//! The server's side of an opening handshake: a request is read, then accepted or refused.

use super::established::Established;
use crate::{
    net::Transport,
    proto::{
        handshake::{Agreement, Choices, Headers, Request, Version, choose},
        server_upgrade::{
            RequestFault, RequestHead, ServerUpgrade, acceptance_headers, encode_acceptance,
            encode_refusal,
        },
        slice::Within,
    },
    sys::unix::set_tcp_options,
};
use http::StatusCode;
use std::{fmt, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

/// A client's request, once its head was received. Dropping it closes the connection without a
/// response.
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
    /// The request breaks a rule; the client received an error response.
    Request(RequestFault),
    /// The client ended the connection before it sent anything.
    Unused,
    /// The client ended the connection in the middle of the head.
    Cut,
    /// The handshake was not finished within this limit.
    TimedOut(Duration),
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for IncomingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(fault) => fault.fmt(f),
            Self::Unused => f.write_str("the connection ended without a request"),
            Self::Cut => f.write_str("the connection ended in the middle of the request"),
            Self::TimedOut(limit) => {
                // The rest of a longer limit is not a round number.
                let seconds = (limit.as_secs_f64() * 10.0).round() / 10.0;
                write!(f, "no complete request within {seconds} s")
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
        // The connection works without these options, only slower.
        let _ = set_tcp_options(&stream);
        Self::read(Box::new(stream), peer.to_string(), HANDSHAKE_LIMIT).await
    }

    /// Reads a request. `authority` names the client in errors; `limit` covers the time from now
    /// until the answer is written. Bytes that are no request are refused here; [`Self::fault`]
    /// reports any other violation.
    pub async fn read(
        mut transport: Box<dyn Transport>,
        authority: String,
        limit: Duration,
    ) -> Result<Self, IncomingFault> {
        let deadline = Instant::now() + limit;
        let mut upgrade = ServerUpgrade::default();
        let read = timeout_at(deadline, read_head(&mut transport, &mut upgrade));
        let fault = match read.await {
            Ok(Ok(head)) => return Ok(Self { transport, authority, head, deadline, limit }),
            Ok(Err(IncomingFault::Request(fault))) => {
                let (status, headers) = fault.status();
                let answer = encode_refusal(status, &headers, &fault.body(), false);
                // The fault explains the end of the connection better than an error of writing.
                let _ = timeout_at(deadline, write_last(&mut transport, &answer)).await;
                IncomingFault::Request(fault)
            }
            Ok(Err(fault)) => fault,
            Err(_) => {
                let fault = IncomingFault::TimedOut(limit);
                // A connection without any byte is a spare one of a browser, or a port scan.
                if upgrade.has_begun() {
                    let (status, body) = (StatusCode::REQUEST_TIMEOUT, format!("{fault}\n"));
                    let answer = encode_refusal(status, &Headers::default(), &body, false);
                    let _ = timeout(ANSWER_LIMIT, write_last(&mut transport, &answer)).await;
                }
                fault
            }
        };
        Err(fault)
    }

    /// Returns the request.
    pub fn request(&self) -> &Request {
        &self.head.request
    }

    /// Returns the method of the request.
    pub fn method(&self) -> &str {
        &self.head.method
    }

    /// Returns the client in errors.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the requirement of RFC 6455, 4.2.1 that the request does not meet, if any.
    pub fn fault(&self) -> Option<RequestFault> {
        self.head.accept.as_ref().err().copied()
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
        acceptance_headers(self.head.accept.as_deref().unwrap_or_default(), headers)
    }

    /// Accepts the request. `headers` state what was agreed and may contain further fields. Fails
    /// if the request has a [`Self::fault`].
    pub async fn accept(
        mut self,
        agreement: Agreement,
        headers: &Headers,
    ) -> Result<Established, IncomingFault> {
        let RequestHead { accept, rest, .. } = self.head;
        let answer = encode_acceptance(&accept.map_err(IncomingFault::Request)?, headers);
        let written = timeout_at(self.deadline, write(&mut self.transport, &answer));
        written.await.map_err(|_| IncomingFault::TimedOut(self.limit))??;
        let (transport, authority) = (self.transport, self.authority);
        let carrier = Version::Http11;
        Ok(Established { transport, rest, agreement, carrier, authority })
    }

    /// Answers with `status` and a plain-text body, then ends the connection.
    pub async fn refuse(
        mut self,
        status: StatusCode,
        headers: &Headers,
        body: &str,
    ) -> Result<(), IncomingFault> {
        let answer = encode_refusal(status, headers, body, self.head.method == "HEAD");
        let written = timeout_at(self.deadline, write_last(&mut self.transport, &answer));
        Ok(written.await.map_err(|_| IncomingFault::TimedOut(self.limit))??)
    }

    /// Refuses the request because of a fault.
    pub async fn refuse_for(self, fault: RequestFault) -> Result<(), IncomingFault> {
        let (status, headers) = fault.status();
        self.refuse(status, &headers, &fault.body()).await
    }
}

async fn read_head(
    transport: &mut Box<dyn Transport>,
    upgrade: &mut ServerUpgrade,
) -> Result<RequestHead, IncomingFault> {
    let mut buffer = [0; READ_BUFFER_BYTES];
    loop {
        let n = transport.read(&mut buffer).await?;
        if n == 0 {
            let cut = upgrade.has_begun();
            return Err(if cut { IncomingFault::Cut } else { IncomingFault::Unused });
        }
        let head = upgrade.receive(buffer.within(..n)).map_err(IncomingFault::Request)?;
        if let Some(head) = head {
            return Ok(head);
        }
    }
}

async fn write(transport: &mut Box<dyn Transport>, answer: &[u8]) -> io::Result<()> {
    transport.write_all(answer).await?;
    transport.flush().await
}

/// Writes an answer and ends the connection. What the client still sends is read and discarded for
/// a while: closing a connection with unread data resets it, and the client may lose the answer.
async fn write_last(transport: &mut Box<dyn Transport>, answer: &[u8]) -> io::Result<()> {
    transport.write_all(answer).await?;
    transport.shutdown().await?;
    let discard = async {
        let (mut buffer, mut left) = ([0; READ_BUFFER_BYTES], DISCARDED_BYTES);
        while left > 0 {
            match transport.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => left = left.saturating_sub(n),
            }
        }
    };
    // The answer was written, whatever becomes of the connection.
    let _ = timeout(LINGER, discard).await;
    Ok(())
}

/// The number of bytes of a request read at a time.
const READ_BUFFER_BYTES: usize = 2 << 10;
/// The time limit for the answer to a request that was not completed in time.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// The time for which data after a refused request is discarded.
const LINGER: Duration = Duration::from_secs(1);
/// The greatest number of bytes that are discarded after a refused request.
const DISCARDED_BYTES: usize = 2 << 20;
/// The default time limit for a client's handshake.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testbed::{self, End, wire};

    const LIMIT: Duration = Duration::from_secs(10);
    /// The request of RFC 6455, 1.3.
    const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\n\
                           Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                           Sec-WebSocket-Version: 13\r\n\r\n";

    async fn read(server: End) -> Result<Incoming, IncomingFault> {
        Incoming::read(Box::new(server), "peer.example".to_owned(), LIMIT).await
    }

    /// Returns both ends of a connection on which the client has sent these bytes.
    async fn client_with(bytes: &[u8]) -> (End, End) {
        let (mut client, server, _wire) = wire(1 << 20);
        client.write_all(bytes).await.unwrap();
        (client, server)
    }

    /// Returns everything that the server sent until it ended the connection.
    async fn response(client: &mut End) -> String {
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        response
    }

    #[test]
    fn read_refuses_bytes_that_are_no_request() {
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
        for (request, expected, status) in [
            ("\0\r\n\r\n", RequestFault::Malformed, "400 Bad Request"),
            ("\x16\x03\x01", RequestFault::Tls, "400 Bad Request"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", RequestFault::Malformed, "400 Bad Request"),
            (&long, RequestFault::HeadTooLong, "431 Request Header Fields Too Large"),
        ] {
            testbed::run(async {
                let (mut client, server) = client_with(request.as_bytes()).await;
                let fault = read(server).await.err();
                assert!(
                    matches!(&fault, Some(IncomingFault::Request(fault)) if *fault == expected),
                    "{fault:?}"
                );
                let response = response(&mut client).await;
                assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
                assert!(response.ends_with(&format!("\r\n\r\n{expected}\n")), "{response}");
            });
        }
    }

    #[test]
    fn answer_refuses_a_request_that_is_not_a_valid_upgrade() {
        let extensions = "13\r\nSec-WebSocket-Extensions: ;";
        for (from, to, expected, status) in [
            ("Upgrade: websocket\r\n", "", RequestFault::UpgradeRemoved, "426 Upgrade Required"),
            ("Host: server.example\r\n", "", RequestFault::NoHost, "400 Bad Request"),
            ("GET ", "POST ", RequestFault::Method, "405 Method Not Allowed"),
            ("Bub25jZQ==", "", RequestFault::Key, "400 Bad Request"),
            ("Version: 13", "Version: 8", RequestFault::Version, "426 Upgrade Required"),
            ("13", extensions, RequestFault::Extensions, "400 Bad Request"),
        ] {
            testbed::run(async {
                let request = REQUEST.replace(from, to);
                let (mut client, server) = client_with(request.as_bytes()).await;
                let incoming = read(server).await.unwrap();
                if expected != RequestFault::Extensions {
                    assert_eq!(incoming.fault(), Some(expected));
                }
                let fault = incoming.answer(&Choices::default()).await.err();
                assert!(
                    matches!(&fault, Some(IncomingFault::Request(fault)) if *fault == expected),
                    "{expected:?}: {fault:?}"
                );
                let response = response(&mut client).await;
                assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
            });
        }
    }

    #[test]
    fn the_limit_covers_reading_the_request() {
        testbed::run(async {
            let (mut client, server) = client_with(&REQUEST.as_bytes()[..20]).await;
            let start = Instant::now();
            let answer = async { (response(&mut client).await, start.elapsed()) };
            let (fault, (response, elapsed)) = tokio::join!(read(server), answer);
            let fault = fault.err();
            assert!(
                matches!(fault, Some(IncomingFault::TimedOut(limit)) if limit == LIMIT),
                "{fault:?}"
            );
            assert_eq!(elapsed, LIMIT);
            assert!(response.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{response}");
        });
    }

    #[test]
    fn the_limit_is_named_in_round_numbers() {
        for (limit, words) in [
            (Duration::new(9, 999_999_629), "no complete request within 10 s"),
            (Duration::from_millis(9_740), "no complete request within 9.7 s"),
        ] {
            assert_eq!(IncomingFault::TimedOut(limit).to_string(), words);
        }
    }

    #[test]
    fn a_connection_without_a_request_is_dropped_without_an_answer() {
        testbed::run(async {
            let (mut client, server) = client_with(b"").await;
            let (fault, response) = tokio::join!(read(server), response(&mut client));
            assert!(matches!(fault, Err(IncomingFault::TimedOut(_))));
            assert_eq!(response, "");
            let (mut client, server) = client_with(b"").await;
            client.shutdown().await.unwrap();
            assert!(matches!(read(server).await, Err(IncomingFault::Unused)));
        });
    }

    #[test]
    fn the_answer_to_head_has_no_body() {
        testbed::run(async {
            let (mut client, server) = client_with(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let incoming = read(server).await.unwrap();
            assert_eq!(incoming.method(), "HEAD");
            assert!(incoming.answer(&Choices::default()).await.is_err());
            let response = response(&mut client).await;
            assert!(response.starts_with("HTTP/1.1 426 ") && response.ends_with("\r\n\r\n"));
        });
    }

    /// Closing a connection with unread data resets it, which may discard the answer.
    #[test]
    fn the_rest_of_a_refused_request_is_read() {
        testbed::run(async {
            let (mut client, server) = client_with(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let incoming = read(server).await.unwrap();
            let send = async {
                client.write_all(&vec![b'x'; 100_000]).await.unwrap();
                response(&mut client).await
            };
            let refuse = incoming.refuse_for(RequestFault::Method);
            let (refused, response) = tokio::join!(refuse, send);
            refused.unwrap();
            assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
        });
    }

    #[test]
    fn the_limit_covers_writing_the_answer() {
        for accepts in [true, false] {
            testbed::run(async {
                // The wire has room for the request, but the client reads nothing.
                let (mut client, server, _wire) = wire(10);
                let start = Instant::now();
                let slow = async {
                    tokio::time::sleep(LIMIT / 2).await;
                    client.write_all(REQUEST.as_bytes()).await.unwrap();
                };
                let (incoming, ()) = tokio::join!(read(server), slow);
                let incoming = incoming.unwrap();
                let fault = if accepts {
                    incoming.accept(Agreement::default(), &Headers::default()).await.err()
                } else {
                    incoming.refuse(StatusCode::NOT_FOUND, &Headers::default(), "").await.err()
                };
                assert!(matches!(fault, Some(IncomingFault::TimedOut(_))), "{fault:?}");
                assert_eq!(start.elapsed(), LIMIT);
            });
        }
    }

    #[test]
    fn a_connection_lost_in_the_middle_of_the_head_is_a_fault() {
        testbed::run(async {
            let (mut client, server) = client_with(&REQUEST.as_bytes()[..20]).await;
            client.shutdown().await.unwrap();
            let fault = read(server).await.err();
            assert!(matches!(fault, Some(IncomingFault::Cut)), "{fault:?}");
            assert_eq!(response(&mut client).await, "");

            let (_client, server, wire) = wire(10);
            wire.reset();
            let fault = read(server).await.err();
            assert!(
                matches!(&fault, Some(IncomingFault::Io(cause))
                    if cause.kind() == io::ErrorKind::ConnectionReset),
                "{fault:?}"
            );
        });
    }

    #[test]
    fn refuse_writes_the_answer_and_ends_the_connection() {
        testbed::run(async {
            let (mut client, server) = client_with(REQUEST.as_bytes()).await;
            let incoming = read(server).await.unwrap();
            assert_eq!((incoming.request().target.as_str(), incoming.fault()), ("/chat", None));
            let headers = Headers::of(&[("Retry-After", "60")]);
            incoming.refuse(StatusCode::SERVICE_UNAVAILABLE, &headers, "full\n").await.unwrap();
            let expected = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\n\
                            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\
                            Connection: close\r\n\r\nfull\n";
            assert_eq!(response(&mut client).await, expected);
        });
    }

    #[test]
    fn accept_sends_the_headers_and_keeps_the_bytes_after_the_head() {
        testbed::run(async {
            let request = format!("{REQUEST}first bytes");
            let (mut client, server) = client_with(request.as_bytes()).await;
            let incoming = read(server).await.unwrap();
            let headers = Headers::of(&[("Sec-WebSocket-Protocol", "chat"), ("X-Own", "1")]);
            let established = incoming.accept(Agreement::default(), &headers).await.unwrap();
            assert_eq!(established.rest, b"first bytes");
            assert_eq!(established.authority, "peer.example");
            assert_eq!(established.carrier, Version::Http11);
            drop(established);
            let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                            Connection: Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                            Sec-WebSocket-Protocol: chat\r\nX-Own: 1\r\n\r\n";
            assert_eq!(response(&mut client).await, expected);
        });
    }

    #[test]
    fn accept_rejects_a_request_with_a_fault() {
        testbed::run(async {
            let request = REQUEST.replace("Version: 13", "Version: 8");
            let (mut client, server) = client_with(request.as_bytes()).await;
            let incoming = read(server).await.unwrap();
            let fault = incoming.accept(Agreement::default(), &Headers::default()).await.err();
            assert!(
                matches!(fault, Some(IncomingFault::Request(RequestFault::Version))),
                "{fault:?}"
            );
            assert_eq!(response(&mut client).await, "");
        });
    }
}
