//! HTTP/2 by h2: one stream of a connection as a [`Transport`].
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
use preface::{End, First, Seen, Tap};
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
    /// It began with SETTINGS, as it has to.
    is_proper: bool,
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
        let (settings, is_proper) = match first {
            Ok(First::Settings(settings)) => (settings, true),
            // What follows says whether there may still be a session.
            Ok(First::Other) => (Settings::default(), false),
            Err(fault) => return Err(fault),
        };
        Ok(Self { link, requests, pings, settings, is_proper })
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
            match timeout(PING, answered).await {
                // That it ends is no news of one that has said what it lacks.
                Ok(Err(fault)) if !(self.is_proper && fault.is_plain_end()) => return Err(fault),
                _ => {}
            }
        }
        if self.requests.is_extended_connect_protocol_enabled() || self.is_proper {
            return Ok(self.requests.is_extended_connect_protocol_enabled());
        }
        let seen = self.link.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Http2Fault::NotHttp2(seen.first().to_owned()))
    }

    /// Waits until the peer lets a stream be opened.
    pub async fn ready(&mut self) -> Result<(), Http2Fault> {
        let requests = &mut self.requests;
        self.link.until(|_, cx| requests.poll_ready(cx)).await
    }

    /// Sends an extended CONNECT: the answer, and the stream behind it.
    pub async fn connect(mut self, request: &Request) -> Result<(Response, Stream), Http2Fault> {
        let head = http_request(request).map_err(|e| Http2Fault::Request(e.to_string()))?;
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
        let is_held = seen.end == End::Held;
        if is_held {
            seen.end = End::Told;
        }
        is_held
    }

    /// Whether bytes wait for the network to take them.
    fn is_stuck(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.connection.is_some() && seen.is_stuck
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
    let stray = seen.stray().map(ToOwned::to_owned);
    match error {
        Some(error) if error.is_remote() && error.is_go_away() => Http2Fault::GoAway {
            reason: error.reason().unwrap_or(h2::Reason::NO_ERROR),
            debug: debug_data(&error),
        },
        Some(error) if error.is_remote() && error.is_reset() => {
            Http2Fault::Reset(error.reason().unwrap_or(h2::Reason::NO_ERROR))
        }
        _ if stray.is_some() => Http2Fault::NotHttp2(stray.unwrap_or_default()),
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
    // TLS calls an end without its farewell an error.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::extended;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    /// A session, and the other end of what is under it, of which nobody reads any more.
    async fn opened(room: usize) -> (Stream, DuplexStream) {
        let (ours, mut theirs) = duplex(room);
        let server = tokio::spawn(async move {
            let window = |stream: u8| [0, 0, 4, 8, 0, 0, 0, 0, stream, 0x7f, 0, 0, 0];
            // SETTINGS with ENABLE_CONNECT_PROTOCOL, and two wide windows.
            theirs.write_all(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1]).await.unwrap();
            theirs.write_all(&window(0)).await.unwrap();
            // The preface, SETTINGS, WINDOW_UPDATE, an acknowledgement, the request.
            let mut seen = Vec::new();
            while !seen.windows(9).any(|w| w.starts_with(b"\x00") && w[3] == 1 && w[8] == 1) {
                theirs.read_buf(&mut seen).await.unwrap();
            }
            theirs.write_all(&window(1)).await.unwrap();
            theirs.write_all(&[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]).await.unwrap();
            theirs
        });
        let mut client = Client::start(Box::new(ours)).await.unwrap();
        assert!(client.takes_extended_connect().await.unwrap());
        let request = extended::request(false, "h", "/", &Headers::default());
        let (response, stream) = client.connect(&request).await.unwrap();
        assert_eq!(response.status, 200);
        (stream, server.await.unwrap())
    }

    #[tokio::test]
    async fn what_the_network_has_not_taken_is_not_flushed() {
        let (mut stream, mut theirs) = opened(4 << 10).await;
        assert_eq!(stream.write(&[b'x'; 1000]).await.unwrap(), 1000);
        stream.flush().await.unwrap();
        stream.write_all(&[b'x'; 10_000]).await.unwrap();
        let now = timeout(Duration::from_millis(20), stream.flush()).await;
        assert!(now.is_err(), "6 KB lie in our own buffers");
        let mut seen = vec![0; 11_000];
        let (read, flushed) = tokio::join!(theirs.read_exact(&mut seen), stream.flush());
        assert!(read.is_ok() && flushed.is_ok());
        // Nobody is there any more: who reads is told, who flushes is not kept.
        drop(theirs);
        stream.write_all(b"more").await.unwrap();
        stream.flush().await.unwrap();
        let lost = stream.read(&mut [0; 10]).await.unwrap_err().downcast::<Http2Fault>();
        assert!(matches!(lost, Ok(Http2Fault::Lost(_))), "{lost:?}");
    }
}
