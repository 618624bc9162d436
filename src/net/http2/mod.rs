//! HTTP/2 by h2: one stream of a connection as a [`Transport`](super::Transport).
//!
//! Nothing runs beside it: whoever reads, writes or flushes drives the connection with all that
//! belongs to it, PINGs and window updates too.

mod preface;
mod stream;

pub use preface::Settings;
pub use stream::Stream;

use super::Transport;
use crate::{
    error::Http2Fault,
    proto::handshake::{Headers, Request, Response, Version},
};
use bytes::Bytes;
use h2::{Ping, PingPong, client::SendRequest, ext::Protocol};
use preface::{First, Seen, Tap};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// A connection whose peer has sent its SETTINGS.
pub struct Client {
    link: Link,
    requests: SendRequest<Bytes>,
    pings: Option<PingPong>,
    settings: Settings,
}

/// The connection, driven by whoever waits for something of it.
struct Link {
    /// `None`: it has ended.
    connection: Option<h2::client::Connection<Tap<Box<dyn Transport>>, Bytes>>,
    /// Why, if badly.
    error: Option<h2::Error>,
    seen: Arc<Mutex<Seen>>,
}

impl Client {
    /// Begins HTTP/2 on a byte stream and waits for the peer's SETTINGS.
    pub async fn start(transport: Box<dyn Transport>) -> Result<Self, Http2Fault> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tap = Tap::new(transport, Arc::clone(&seen));
        let begun = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            // A message of a few bytes is a frame of its own, and thousands of them may wait for
            // a slow stdout: the window alone is the limit.
            .data_frame_budget(usize::MAX)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(MAX_HEADS)
            .handshake::<_, Bytes>(tap)
            .await;
        let (requests, mut connection) = match begun {
            Ok(begun) => begun,
            Err(error) => return Err(ended(&seen, Some(error))),
        };
        let pings = connection.ping_pong();
        let mut link = Link { connection: Some(connection), error: None, seen };
        let first = link.until(|link, _| link.first()).await;
        let settings = match first {
            Ok(First::Settings(settings)) => settings,
            // Its engine says whether there may still be a session.
            Ok(First::Other) => Settings::default(),
            Err(fault) => return Err(fault),
        };
        Ok(Self { link, requests, pings, settings })
    }

    /// What the peer's first SETTINGS say.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the peer takes an extended CONNECT, by its first SETTINGS or by more that follow
    /// at once: then they come before the answer to a PING.
    pub async fn takes_extended_connect(&mut self) -> Result<bool, Http2Fault> {
        if self.settings.enables_connect_protocol() {
            return Ok(true);
        }
        if let Some(mut pings) = self.pings.take() {
            let mut pong = Box::pin(async move { pings.ping(Ping::opaque()).await });
            let answered = self.link.until(|link, cx| match pong.as_mut().poll(cx) {
                Poll::Ready(Err(_)) if link.connection.is_none() => Poll::Pending,
                done => done.map(Ok),
            });
            // Not everyone answers a PING.
            if let Ok(Err(fault)) = timeout(PING, answered).await {
                return Err(fault);
            }
        }
        Ok(self.requests.is_extended_connect_protocol_enabled())
    }

    /// Sends an extended CONNECT: the answer, and the stream behind it.
    pub async fn connect(mut self, request: &Request) -> Result<(Response, Stream), Http2Fault> {
        let head = http_request(request).map_err(|e| Http2Fault::Request(e.to_string()))?;
        let requests = &mut self.requests;
        self.link.until(|_, cx| requests.poll_ready(cx)).await?;
        let (answer, send) = match self.requests.send_request(head, false) {
            Ok(sent) => sent,
            Err(error) => return Err(self.link.fault(error)),
        };
        let mut answer = Box::pin(answer);
        let answer = self.link.until(|_, cx| answer.as_mut().poll(cx)).await?;
        let (head, recv) = answer.into_parts();
        Ok((response(&head), Stream::new(self.link, send, recv)))
    }
}

impl Link {
    /// Moves what there is to move both ways.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = Pin::new(connection).poll(cx)
        {
            self.error = ended.err();
            self.connection = None;
        }
    }

    /// Everything that came before the end has been taken: whether there is an end to be told now.
    fn let_end(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_ending && !std::mem::replace(&mut seen.may_end, true)
    }

    /// Drives until something has come of it. When the connection ends, that is what has come.
    async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<T, h2::Error>>,
    ) -> Result<T, Http2Fault> {
        let done = poll_fn(|cx| {
            loop {
                self.drive(cx);
                match wanted(self, cx) {
                    Poll::Pending if self.connection.is_none() => return Poll::Ready(None),
                    Poll::Pending if self.let_end() => {}
                    done => return done.map(Some),
                }
            }
        });
        match done.await {
            Some(Ok(wanted)) => Ok(wanted),
            Some(Err(error)) => Err(self.fault(error)),
            None => Err(ended(&self.seen, self.error.take())),
        }
    }

    fn first(&self) -> Poll<Result<First, h2::Error>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.opening.clone().map_or(Poll::Pending, |first| Poll::Ready(Ok(first)))
    }

    /// What an error of the stream comes from.
    fn fault(&mut self, error: h2::Error) -> Http2Fault {
        // That the connection is broken is known better by the connection.
        let cause = if error.is_io() { self.error.take().or(Some(error)) } else { Some(error) };
        ended(&self.seen, cause)
    }
}

/// Why a connection or its stream ended.
fn ended(seen: &Mutex<Seen>, error: Option<h2::Error>) -> Http2Fault {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some(error) if error.is_remote() && error.is_go_away() => Http2Fault::GoAway {
            reason: error.reason().unwrap_or(h2::Reason::NO_ERROR),
            debug: debug_data(&error),
        },
        Some(error) if error.is_remote() && error.is_reset() => {
            Http2Fault::Reset(error.reason().unwrap_or(h2::Reason::NO_ERROR))
        }
        _ if let Some(first) = seen.stray() => Http2Fault::NotHttp2(first.to_owned()),
        Some(error) if error.is_io() => lost(&mut seen),
        Some(error) if error.is_library() => {
            let (stream, debug) = (error.is_reset(), debug_data(&error));
            let reason = error.reason().unwrap_or(h2::Reason::PROTOCOL_ERROR);
            Http2Fault::Broken { stream, reason, debug }
        }
        Some(error) => Http2Fault::Request(error.to_string()),
        None => lost(&mut seen),
    }
}

fn lost(seen: &mut Seen) -> Http2Fault {
    // TLS calls an end without its farewell so.
    match seen.error.take().filter(|cause| cause.kind() != io::ErrorKind::UnexpectedEof) {
        None if seen.opening.is_none() => Http2Fault::NoSettings,
        cause => Http2Fault::Lost(cause),
    }
}

/// What a GOAWAY says beside its code, which h2 gives in its words only.
fn debug_data(error: &h2::Error) -> String {
    let words = error.to_string();
    let data = words.split_once(" (b\"").and_then(|(_, data)| data.strip_suffix("\")"));
    data.unwrap_or_default().to_owned()
}

fn http_request(request: &Request) -> Result<http::Request<()>, http::Error> {
    let pseudo = |name| request.headers.get(name).unwrap_or_default();
    let uri = http::Uri::builder()
        .scheme(pseudo(":scheme"))
        .authority(pseudo(":authority"))
        .path_and_query(pseudo(":path"))
        .build()?;
    let mut head = http::Request::builder()
        .version(http::Version::HTTP_2)
        .method(http::Method::CONNECT)
        .uri(uri)
        .extension(Protocol::from(pseudo(":protocol")));
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.starts_with(':')) {
        head = head.header(name, value);
    }
    head.body(())
}

fn response(head: &http::response::Parts) -> Response {
    let mut headers = Headers::default();
    for (name, value) in &head.headers {
        headers.push(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    // It sends none, but everyone knows it.
    let reason = head.status.canonical_reason().unwrap_or_default().to_owned();
    Response { version: Version::Http2, status: head.status.as_u16(), reason, headers }
}

impl From<Http2Fault> for io::Error {
    fn from(fault: Http2Fault) -> Self {
        Self::other(fault)
    }
}

/// Bytes that the peer may send before we have taken them. In frames of one byte each they cost
/// 256 times as much memory.
const WINDOW: u32 = 256 << 10;
/// Bytes that wait for TCP.
const SEND_BUFFER: usize = 128 << 10;
/// Bytes of the header fields of an answer, as over HTTP/1.1.
const MAX_HEADS: u32 = 64 << 10;
/// How long SETTINGS that follow the first are waited for.
const PING: Duration = Duration::from_secs(1);
