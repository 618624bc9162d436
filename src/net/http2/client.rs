//! The client's side of a connection: its start, and the request for a stream.

use super::{
    fault::Http2Fault,
    link::{Link, ended},
    preface::{First, PeerSettings, Seen, Tap},
    stream::Http2Stream,
};
use crate::{
    net::transport::Transport,
    proto::handshake::{Headers, Request, Response, Version},
};
use bytes::Bytes;
use h2::{Ping, PingPong, client::SendRequest, ext::Protocol};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::time::timeout;

/// A connection whose peer has sent its SETTINGS.
pub struct Http2Client {
    link: Link,
    requests: SendRequest<Bytes>,
    pings: Option<PingPong>,
    settings: PeerSettings,
    /// It began with SETTINGS, as it has to.
    is_proper: bool,
}

impl Http2Client {
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
            Ok(First::Other) => (PeerSettings::default(), false),
            Err(fault) => return Err(fault),
        };
        Ok(Self { link, requests, pings, settings, is_proper })
    }

    /// The peer's first SETTINGS.
    pub fn settings(&self) -> &PeerSettings {
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

    /// Sends an extended CONNECT (RFC 8441, 5); returns the answer and the stream behind it.
    pub async fn connect(
        mut self,
        request: &Request,
    ) -> Result<(Response, Http2Stream), Http2Fault> {
        let head = http_request(request).map_err(|e| Http2Fault::Request(e.to_string()))?;
        let (answer, send) = match self.requests.send_request(head, false) {
            Ok(sent) => sent,
            Err(error) => return Err(self.link.fault(error)),
        };
        let mut answer = Box::pin(answer);
        let answer = self.link.until(|_, cx| answer.as_mut().poll(cx)).await?;
        let (head, recv) = answer.into_parts();
        Ok((response(&head), Http2Stream::new(self.link, send, recv)))
    }
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
    async fn opened(room: usize) -> (Http2Stream, DuplexStream) {
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
        let mut client = Http2Client::start(Box::new(ours)).await.unwrap();
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
