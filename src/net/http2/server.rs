//! The server side of a connection: its limits, the requests of its streams, and its end.

use super::{
    fault::Http2Fault,
    link::connection_fault,
    preface::{InspectedStream, PeerState, TransportEnd},
    server_stream::{ServerStream, StreamLink},
    unsent::Chunk,
};
use crate::{
    net::transport::Transport,
    proto::handshake::{Headers, Request, Version},
};
use h2::{
    Reason, RecvStream,
    ext::Protocol,
    server::{Builder, Connection, SendResponse},
};
use http::{HeaderName, HeaderValue, StatusCode};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::futures::OwnedNotified,
    time::{Instant, Sleep, sleep, timeout},
};

/// A connection of a client. [`Self::next`] drives it and all of its streams.
pub struct Http2Server {
    connection: Connection<InspectedStream<Box<dyn Transport>>, Chunk>,
    link: Arc<StreamLink>,
    ending: ShutdownState,
    /// Runs while there is no stream.
    idle: Pin<Box<Sleep>>,
    is_idle: bool,
}

/// The progress of our shutdown of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShutdownState {
    No,
    Requested,
    /// A GOAWAY was sent that allows the streams to end.
    Graceful,
    /// The final GOAWAY is queued.
    Final,
}

/// A request that has not been answered yet. Dropping it resets the stream.
pub struct ServerRequest {
    request: Request,
    respond: SendResponse<Chunk>,
    recv: RecvStream,
    link: Arc<StreamLink>,
    ended: Pin<Box<OwnedNotified>>,
}

impl Http2Server {
    /// Reads the client's preface, of which these bytes were received, and sends SETTINGS.
    pub async fn start(
        transport: Box<dyn Transport>,
        received: Vec<u8>,
    ) -> Result<Self, Http2Fault> {
        let peer = Arc::new(Mutex::new(PeerState::of_client()));
        let stream = InspectedStream::of_client(transport, received.into(), Arc::clone(&peer));
        let mut started = Builder::new()
            .enable_connect_protocol()
            .max_concurrent_streams(MAX_STREAMS)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(STREAM_WINDOW_BYTES * MAX_STREAMS)
            .data_frame_budget(FRAME_OVERHEAD_BYTES)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .handshake::<_, Chunk>(stream);
        let started = poll_fn(|cx| {
            loop {
                match Pin::new(&mut started).poll(cx) {
                    Poll::Pending if lock(&peer).release_end() => {}
                    done => return done,
                }
            }
        });
        let connection = started.await.map_err(|error| connection_fault(&peer, Some(error)))?;
        let link = Arc::new(StreamLink { peer, ended: Arc::default() });
        let idle = Box::pin(sleep(IDLE_LIMIT));
        Ok(Self { connection, link, ending: ShutdownState::No, idle, is_idle: true })
    }

    /// Drives the connection until the next request. `None` once the connection has ended. Must be
    /// awaited while there are streams. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<ServerRequest, Http2Fault>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Lets the streams end, then the connection. The client is told by a GOAWAY.
    pub fn shut_down(&mut self) {
        if self.ending == ShutdownState::No {
            self.ending = ShutdownState::Requested;
        }
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerRequest, Http2Fault>>> {
        loop {
            match self.connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    let (head, recv) = request.into_parts();
                    let ended = Box::pin(Arc::clone(&self.link.ended).notified_owned());
                    let (request, link) = (to_request(&head), Arc::clone(&self.link));
                    let request = ServerRequest { request, respond, recv, link, ended };
                    return Poll::Ready(Some(Ok(request)));
                }
                Poll::Ready(Some(Err(error))) => {
                    let fault = connection_fault(&self.link.peer, Some(error));
                    return Poll::Ready(Some(Err(fault)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            // The streams of this connection hold the link.
            let has_streams = Arc::strong_count(&self.link) > 1;
            if self.notice_end(has_streams) || self.proceed_to_end(has_streams) {
                continue;
            }
            if self.poll_idle(cx, has_streams).is_ready() {
                match self.ending {
                    ShutdownState::No => self.ending = ShutdownState::Requested,
                    // The client takes nothing, so that even the GOAWAY cannot be sent.
                    _ => return Poll::Ready(None),
                }
                continue;
            }
            return Poll::Pending;
        }
    }

    /// Tells the streams of the end of the transport. Once they are dropped, h2 learns of it too.
    /// Returns true if the connection has to be polled again.
    fn notice_end(&self, has_streams: bool) -> bool {
        let mut peer = lock(&self.link.peer);
        if peer.end == TransportEnd::Open && peer.has_failed {
            peer.end = TransportEnd::Withheld;
        }
        if peer.end != TransportEnd::Withheld {
            return false;
        }
        self.link.ended.notify_waiters();
        !has_streams && peer.release_end()
    }

    /// Sends the GOAWAY that is due. Returns true if the connection has to be polled again.
    fn proceed_to_end(&mut self, has_streams: bool) -> bool {
        match self.ending {
            ShutdownState::No | ShutdownState::Final => false,
            // Also waits for the last bytes of streams that were dropped.
            _ if !has_streams && !self.connection.has_streams() => {
                self.ending = ShutdownState::Final;
                self.is_idle = false;
                self.connection.abrupt_shutdown(Reason::NO_ERROR);
                true
            }
            ShutdownState::Graceful => false,
            ShutdownState::Requested => {
                self.ending = ShutdownState::Graceful;
                self.is_idle = false;
                self.connection.graceful_shutdown();
                true
            }
        }
    }

    /// Waits until there has been no stream for a while.
    fn poll_idle(&mut self, cx: &mut Context<'_>, has_streams: bool) -> Poll<()> {
        if has_streams {
            self.is_idle = false;
            return Poll::Pending;
        }
        if !self.is_idle {
            self.is_idle = true;
            let limit = if self.ending == ShutdownState::No { IDLE_LIMIT } else { CLOSING_LIMIT };
            self.idle.as_mut().reset(Instant::now() + limit);
        }
        let done = self.idle.as_mut().poll(cx);
        if done.is_ready() {
            self.is_idle = false;
        }
        done
    }
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        self.link.ended.notify_waiters();
    }
}

impl ServerRequest {
    /// Returns the request, with its pseudo-header fields.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Accepts the request. Fails if the stream was reset.
    pub fn accept<'a>(
        self,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<ServerStream> {
        self.respond(StatusCode::OK, fields)
    }

    /// Responds with a status and a body, and ends the stream. Dropping the future resets the stream
    /// if the client has not taken the body.
    pub async fn refuse<'a>(
        mut self,
        status: StatusCode,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
        body: String,
    ) -> io::Result<()> {
        if self.request.headers.get(":method") == Some("HEAD") || body.is_empty() {
            let response = response(status, fields)?;
            return self.respond.send_response(response, true).map(drop).map_err(io::Error::other);
        }
        self.respond(status, fields)?.finish(body.into()).await
    }

    /// Reads the body of the request, each part within this limit, as long as `take` has room for the
    /// length so far.
    pub async fn read_body<E>(
        &mut self,
        limit: Duration,
        mut take: impl FnMut(usize) -> Result<(), E>,
    ) -> io::Result<Result<Vec<u8>, E>> {
        let mut body = Vec::new();
        while let Some(chunk) = timeout(limit, self.recv.data()).await? {
            let chunk = chunk.map_err(io::Error::other)?;
            if let Err(refused) = take(body.len() + chunk.len()) {
                return Ok(Err(refused));
            }
            body.extend_from_slice(&chunk);
            // This fails only for more bytes than were received.
            let _ = self.recv.flow_control().release_capacity(chunk.len());
        }
        Ok(Ok(body))
    }

    /// Waits until the client has reset the stream, or its connection has ended.
    pub async fn client_left(&mut self) {
        poll_fn(|cx| {
            let has_left = self.respond.poll_reset(cx).is_ready();
            if has_left { Poll::Ready(()) } else { self.ended.as_mut().poll(cx) }
        })
        .await;
    }

    /// Responds with a status, and leaves the stream open for a body.
    pub fn respond<'a>(
        mut self,
        status: StatusCode,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<ServerStream> {
        let response = response(status, fields)?;
        let send = self.respond.send_response(response, false).map_err(io::Error::other)?;
        Ok(ServerStream::new(send, self.recv, self.link, self.ended))
    }
}

fn lock(peer: &Mutex<PeerState>) -> std::sync::MutexGuard<'_, PeerState> {
    peer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn response<'a>(
    status: StatusCode,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> io::Result<http::Response<()>> {
    let mut response = http::Response::new(());
    *response.status_mut() = status;
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(io::Error::other)?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// Converts a request. Its pseudo-header fields come first, and the parts of a cookie are joined (RFC
/// 9113, 8.2.3).
fn to_request(head: &http::request::Parts) -> Request {
    let uri = &head.uri;
    let mut headers = Headers::default();
    headers.push(":method", head.method.as_str());
    if let Some(protocol) = head.extensions.get::<Protocol>() {
        headers.push(":protocol", protocol.as_str());
    }
    if let Some(scheme) = uri.scheme_str() {
        headers.push(":scheme", scheme);
    }
    if let Some(authority) = uri.authority() {
        headers.push(":authority", authority.as_str());
    }
    let target = uri.path_and_query().map_or("", |it| it.as_str()).to_owned();
    if !target.is_empty() {
        headers.push(":path", &target);
    }
    let mut cookie = String::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == http::header::COOKIE {
            let separator = if cookie.is_empty() { "" } else { "; " };
            cookie = cookie + separator + &value;
        } else {
            headers.push(name.as_str(), value);
        }
    }
    if !cookie.is_empty() {
        headers.push("cookie", cookie);
    }
    Request { version: Version::Http2, target, headers }
}

/// The greatest number of streams of a connection at the same time.
const MAX_STREAMS: u32 = 256;
/// The flow control window of a stream: the bytes that a client may send before they are read. The
/// window of the connection has room for all streams, so that streams whose sessions do not read
/// never hold up the others.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// The memory that frames with less than 256 bytes may take beside their payload before their streams
/// are woken to read them. A client that exceeds it is told to calm down.
const FRAME_OVERHEAD_BYTES: usize = 32 << 20;
/// The maximum number of bytes of a stream that wait for TCP.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// The maximum size of a request's header fields, the same as over HTTP/1.1.
const MAX_HEADER_LIST_BYTES: u32 = 64 << 10;
/// The time after which a connection without a stream is ended.
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// The time that a client without a stream has to take the end of the connection.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);
