//! The client side of a connection: the connection preface and the request for a stream.

use super::{
    fault::Http2Fault,
    link::{Link, connection_fault},
    preface::{FirstFrame, InspectedStream, PeerSettings, PeerState},
    stream::Http2Stream,
};
use crate::{
    net::transport::Transport,
    proto::handshake::{Headers, Request, Response, Version},
};
use bytes::Bytes;
use h2::{
    Ping, PingPong, SendStream,
    client::{ResponseFuture, SendRequest},
    ext::Protocol,
};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::time::timeout;

/// A connection whose peer has sent its first frame.
pub struct Http2Client {
    link: Link,
    requests: SendRequest<Bytes>,
    pings: Option<PingPong>,
    settings: PeerSettings,
    /// The first frame was SETTINGS, as RFC 9113, 3.4 requires.
    began_with_settings: bool,
}

impl Http2Client {
    /// Sends the connection preface and waits for the peer's first frame.
    pub async fn start(transport: Box<dyn Transport>) -> Result<Self, Http2Fault> {
        let peer = Arc::new(Mutex::new(PeerState::default()));
        let stream = InspectedStream::new(transport, Arc::clone(&peer));
        let started = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            // Each short message takes one frame, and thousands of them may wait for a slow
            // stdout. The flow control window is the only limit.
            .data_frame_budget(usize::MAX)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .handshake::<_, Bytes>(stream)
            .await;
        let (requests, mut connection) = match started {
            Ok(started) => started,
            Err(error) => return Err(connection_fault(&peer, Some(error))),
        };
        let pings = connection.ping_pong();
        let mut link = Link { connection: Some(connection), error: None, peer };
        let first = link.drive_until(|link, _| link.first_frame()).await;
        let (settings, began_with_settings) = match first {
            Ok(FirstFrame::Settings(settings)) => (settings, true),
            // The answer to a PING decides whether the peer speaks HTTP/2 at all.
            Ok(FirstFrame::Other) => (PeerSettings::default(), false),
            Err(fault) => return Err(fault),
        };
        Ok(Self { link, requests, pings, settings, began_with_settings })
    }

    /// Returns the peer's first SETTINGS; empty if its first frame was another.
    pub fn settings(&self) -> &PeerSettings {
        &self.settings
    }

    /// Reports whether the peer supports extended CONNECT (RFC 8441, 3). If its first SETTINGS do
    /// not enable it, sends a PING and waits up to one second for the answer: SETTINGS that
    /// immediately follow the first arrive before it.
    pub async fn supports_extended_connect(&mut self) -> Result<bool, Http2Fault> {
        if self.settings.enables_connect_protocol() {
            return Ok(true);
        }
        if let Some(mut pings) = self.pings.take() {
            let mut pong = Box::pin(async move { pings.ping(Ping::opaque()).await });
            let answered = self.link.drive_until(|link, cx| match pong.as_mut().poll(cx) {
                Poll::Ready(Err(_)) if link.connection.is_none() => Poll::Pending,
                done => done.map(Ok),
            });
            // Some servers do not answer a PING.
            match timeout(PING_LIMIT, answered).await {
                // After SETTINGS without extended CONNECT, the missing setting explains more than
                // the end of the connection.
                Ok(Err(fault)) if !(self.began_with_settings && fault.is_plain_end()) => {
                    return Err(fault);
                }
                _ => {}
            }
        }
        if self.requests.is_extended_connect_protocol_enabled() || self.began_with_settings {
            return Ok(self.requests.is_extended_connect_protocol_enabled());
        }
        let peer = self.link.peer.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Http2Fault::NotHttp2(peer.prefix().to_owned()))
    }

    /// Sends an extended CONNECT (RFC 8441, 5), as soon as the peer's `MAX_CONCURRENT_STREAMS`
    /// allows a stream.
    pub async fn request(&mut self, request: &Request) -> Result<SentRequest, Http2Fault> {
        let head = http_request(request).map_err(|e| Http2Fault::Request(e.to_string()))?;
        let requests = &mut self.requests;
        self.link.drive_until(|_, cx| requests.poll_ready(cx)).await?;
        let sent = match self.requests.send_request(head, false) {
            Ok(sent) => sent,
            Err(error) => return Err(self.link.fault(error)),
        };
        // h2 queues a request for which there is no stream, and is not ready until there is one.
        // Its errors concern further requests; the response has the error of this one.
        let requests = &mut self.requests;
        self.link.drive_until(|_, cx| requests.poll_ready(cx).map(|_| Ok(()))).await?;
        Ok(SentRequest(sent))
    }

    /// Waits for the response. Returns it and its stream.
    pub async fn response(
        mut self,
        SentRequest((answer, send)): SentRequest,
    ) -> Result<(Response, Http2Stream), Http2Fault> {
        let mut answer = Box::pin(answer);
        let answer = self.link.drive_until(|_, cx| answer.as_mut().poll(cx)).await?;
        let (head, recv) = answer.into_parts();
        Ok((response(&head), Http2Stream::new(self.link, send, recv)))
    }
}

/// A request whose response is outstanding.
pub struct SentRequest((ResponseFuture, SendStream<Bytes>));

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
    // HTTP/2 has no reason phrase; the standard one makes the status readable.
    let reason = head.status.canonical_reason().unwrap_or_default().to_owned();
    Response { version: Version::Http2, status: head.status.as_u16(), reason, headers }
}

/// The flow control window of the stream and of the connection: the bytes that the peer may send
/// before they are read. In frames of one byte each, they take 256 times as much memory.
const WINDOW_BYTES: u32 = 256 << 10;
/// The maximum number of bytes queued for TCP.
const SEND_BUFFER_BYTES: usize = 128 << 10;
/// The maximum size of a response's header fields, the same as over HTTP/1.1.
const MAX_HEADER_LIST_BYTES: u32 = 64 << 10;
/// The time limit for the answer to a PING.
const PING_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::extended;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    /// Opens a stream over a pipe that holds `capacity` bytes, and returns the server's end of the
    /// pipe, which is no longer read.
    async fn open_stream(capacity: usize) -> (Http2Stream, DuplexStream) {
        let (ours, mut theirs) = duplex(capacity);
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
        assert!(client.supports_extended_connect().await.unwrap());
        let request = extended::request(false, "h", "/", &Headers::default());
        let (response, stream) = {
            let sent = client.request(&request).await.unwrap();
            client.response(sent).await.unwrap()
        };
        assert_eq!(response.status, 200);
        (stream, server.await.unwrap())
    }

    #[tokio::test]
    async fn flush_waits_until_the_network_has_accepted_all_bytes() {
        let (mut stream, mut theirs) = open_stream(4 << 10).await;
        assert_eq!(stream.write(&[b'x'; 1000]).await.unwrap(), 1000);
        stream.flush().await.unwrap();
        stream.write_all(&[b'x'; 10_000]).await.unwrap();
        let now = timeout(Duration::from_millis(20), stream.flush()).await;
        assert!(now.is_err(), "6 KB are still buffered");
        let mut seen = vec![0; 11_000];
        let (read, flushed) = tokio::join!(theirs.read_exact(&mut seen), stream.flush());
        assert!(read.is_ok() && flushed.is_ok());
        // After the peer is gone, reads fail and flushes return.
        drop(theirs);
        stream.write_all(b"more").await.unwrap();
        stream.flush().await.unwrap();
        let lost = stream.read(&mut [0; 10]).await.unwrap_err().downcast::<Http2Fault>();
        assert!(matches!(lost, Ok(Http2Fault::Lost(_))), "{lost:?}");
    }
}
