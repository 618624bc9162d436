//! Requests and sessions over HTTP/2, with the client of h2 on an in-memory wire.

use super::*;
use crate::session::testbed::{self, Wire, wire};
use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
    ext::Protocol,
};
use http::Method;
use std::{future::poll_fn, pin::Pin, sync::LazyLock};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

const LIMIT: Duration = Duration::from_secs(10);

fn quiet() -> Rejection<'static> {
    static HEADERS: LazyLock<Headers> = LazyLock::new(Headers::default);
    Rejection { headers: &HEADERS, tell: &|_| {} }
}

/// A client, and what the server receives from it.
struct Http2Bed {
    requests: SendRequest<Bytes>,
    /// The client's connection, until it has ended.
    client: JoinHandle<Result<(), h2::Error>>,
    incoming: mpsc::UnboundedReceiver<Incoming>,
    /// The server's connection, until it has ended.
    server: JoinHandle<Option<Http2Fault>>,
    shut_down: Option<oneshot::Sender<()>>,
    wire: Wire,
}

async fn start() -> Http2Bed {
    let (near, far, wire) = wire(1 << 20);
    let arrival = Arrival::read(Box::new(far), false, "peer.example".to_owned(), LIMIT, quiet());
    let (arrival, client) = tokio::join!(arrival, h2::client::handshake(near));
    let (requests, connection) = client.unwrap();
    let Ok(Arrival::Streams(mut streams)) = arrival else { panic!("not HTTP/2") };
    let (send, incoming) = mpsc::unbounded_channel();
    let (shut_down, mut is_shut_down) = oneshot::channel();
    let server = tokio::spawn(async move {
        loop {
            tokio::select! {
                next = streams.next() => match next {
                    Some(Ok(incoming)) => {
                        let _ = send.send(incoming);
                    }
                    Some(Err(fault)) => return Some(fault),
                    None => return None,
                },
                Ok(()) = &mut is_shut_down, if !is_shut_down.is_terminated() => {
                    streams.shut_down();
                }
            }
        }
    });
    let (client, shut_down) = (tokio::spawn(connection), Some(shut_down));
    Http2Bed { requests, client, incoming, server, shut_down, wire }
}

fn request(method: Method, protocol: Option<&'static str>) -> http::Request<()> {
    let mut request = http::Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = "http://server.example/chat?a=1".parse().unwrap();
    if let Some(protocol) = protocol {
        request.extensions_mut().insert(Protocol::from_static(protocol));
    }
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    request
}

impl Http2Bed {
    async fn send(&mut self, request: http::Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
        poll_fn(|cx| self.requests.poll_ready(cx)).await.unwrap();
        // SETTINGS enable extended CONNECT.
        while !self.requests.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
        self.requests.send_request(request, false).unwrap()
    }

    /// Opens a session, and returns both ends.
    async fn open(&mut self) -> (SendStream<Bytes>, RecvStream, Established, TransportHandle) {
        let (response, send) = self.send(request(Method::CONNECT, Some("websocket"))).await;
        let incoming = self.incoming.recv().await.unwrap();
        assert_eq!(incoming.fault(), None);
        let headers = Headers::of(&[("Sec-WebSocket-Protocol", "chat"), ("Connection", "x")]);
        let accepted = incoming.accept_with_handle(Agreement::default(), &headers).await;
        let (established, handle) = accepted.unwrap();
        let (head, recv) = response.await.unwrap().into_parts();
        assert_eq!((head.status.as_u16(), head.headers.len()), (200, 1));
        (send, recv, established, handle.unwrap())
    }
}

/// Sends bytes as far as flow control allows it within a second, and returns how many were sent.
async fn send_all(stream: &mut SendStream<Bytes>, length: usize) -> usize {
    let mut sent = 0;
    while sent < length {
        stream.reserve_capacity(length - sent);
        let capacity =
            timeout(Duration::from_secs(1), poll_fn(|cx| stream.poll_capacity(cx))).await;
        let Ok(Some(Ok(capacity))) = capacity else { break };
        let n = capacity.min(length - sent);
        stream.send_data(vec![b'x'; n].into(), false).unwrap();
        sent += n;
    }
    sent
}

/// Receives until the end. Returns the bytes, and the error that ended them, if any.
async fn receive(recv: &mut RecvStream) -> (Vec<u8>, Option<Reason>) {
    let mut bytes = Vec::new();
    while let Some(chunk) = recv.data().await {
        match chunk {
            Ok(chunk) => {
                recv.flow_control().release_capacity(chunk.len()).unwrap();
                bytes.extend_from_slice(&chunk);
            }
            Err(error) => return (bytes, error.reason()),
        }
    }
    (bytes, None)
}

#[test]
fn the_preface_selects_http_2_and_a_stream_is_a_byte_stream() {
    testbed::run(async {
        let mut bed = start().await;
        let (response, mut send) = {
            let mut request = request(Method::CONNECT, Some("websocket"));
            for crumb in ["a=1", "b=2"] {
                request.headers_mut().append("cookie", crumb.parse().unwrap());
            }
            bed.send(request).await
        };
        let incoming = bed.incoming.recv().await.unwrap();
        let expected = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", "server.example"),
            (":path", "/chat?a=1"),
            ("sec-websocket-version", "13"),
            ("cookie", "a=1; b=2"),
        ];
        assert_eq!(incoming.request().headers, Headers::of(&expected));
        assert_eq!(incoming.request().target, "/chat?a=1");
        let established = incoming.accept(Agreement::default(), &Headers::default()).await.unwrap();
        assert_eq!(established.carrier, Version::Http2);
        let mut stream = established.transport;
        let mut recv = response.await.unwrap().into_body();
        send.send_data("from the client".into(), true).unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "from the client");
        let send = async {
            stream.write_all(&vec![b'y'; 300_000]).await.unwrap();
            stream.flush().await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let ((), (bytes, end)) = tokio::join!(send, receive(&mut recv));
        assert_eq!((bytes.len(), end), (300_000, None));
    });
}

#[test]
fn a_stream_that_is_not_read_holds_up_no_other() {
    testbed::run(async {
        let mut bed = start().await;
        let (mut stuck, _recv, held, _) = bed.open().await;
        let taken = send_all(&mut stuck, 1 << 20).await;
        assert_eq!(taken, 64 << 10, "the window of a stream");
        let (mut send, _recv2, other, _) = bed.open().await;
        let mut stream = other.transport;
        let reading = tokio::spawn(async move {
            let mut read = 0;
            let mut buffer = vec![0; 8 << 10];
            while read < 4 << 20 {
                read += stream.read(&mut buffer).await.unwrap();
            }
        });
        assert_eq!(send_all(&mut send, 4 << 20).await, 4 << 20);
        reading.await.unwrap();
        drop(held);
    });
}

#[test]
fn short_frames_do_not_fill_the_memory_while_a_session_does_not_read() {
    testbed::run(async {
        let mut bed = start().await;
        let mut streams = Vec::new();
        for _ in 0..3 {
            let (mut send, recv, established, _) = bed.open().await;
            let mut transport = established.transport;
            let (stop, mut stopped) = oneshot::channel::<()>();
            // As a session does while it does not read.
            let holding = tokio::spawn(async move {
                loop {
                    let flush = poll_fn(|cx| {
                        let _ = Pin::new(&mut transport).poll_flush(cx);
                        std::task::Poll::<()>::Pending
                    });
                    tokio::select! {
                        () = flush => {}
                        _ = &mut stopped => return transport,
                    }
                }
            });
            for _ in 0..60_000 {
                send.reserve_capacity(1);
                poll_fn(|cx| send.poll_capacity(cx)).await.unwrap().unwrap();
                send.send_data("x".into(), false).unwrap();
                // One frame each.
                tokio::task::yield_now().await;
            }
            streams.push((send, recv, stop, holding));
        }
        for (mut send, _recv, stop, holding) in streams {
            send.send_data(Bytes::new(), true).unwrap();
            drop(stop);
            let mut received = Vec::new();
            holding.await.unwrap().read_to_end(&mut received).await.unwrap();
            assert_eq!(received.len(), 60_000);
        }
    });
}

#[test]
fn the_ends_of_a_stream_are_those_of_tcp() {
    testbed::run(async {
        let mut bed = start().await;
        // Dropped in order.
        let (_send, mut recv, established, _) = bed.open().await;
        let mut stream = established.transport;
        stream.write_all(b"last words").await.unwrap();
        stream.flush().await.unwrap();
        drop(stream);
        assert_eq!(receive(&mut recv).await, (b"last words".to_vec(), None));
        // Reset on request.
        let (_send, mut recv, established, handle) = bed.open().await;
        handle.reset_at_end();
        drop(established);
        assert_eq!(receive(&mut recv).await.1, Some(Reason::CANCEL));
        // Reset by the client, after data.
        let (mut send, _recv, established, handle) = bed.open().await;
        send.send_data("data".into(), false).unwrap();
        let mut stream = established.transport;
        let mut buffer = [0; 10];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 4);
        send.send_reset(Reason::CANCEL);
        handle.ended_by_peer().await;
        let fault = stream.read(&mut buffer).await.unwrap_err().downcast::<Http2Fault>();
        assert!(matches!(fault, Ok(Http2Fault::Reset(Reason::CANCEL))), "{fault:?}");
        assert!(stream.write(b"x").await.is_err());
    });
}

#[test]
fn what_was_received_before_the_connection_was_lost_is_read() {
    testbed::run(async {
        let mut bed = start().await;
        let (mut send, _recv, ended, _) = bed.open().await;
        let (mut send2, _recv2, open, _) = bed.open().await;
        send.send_data("a".into(), true).unwrap();
        send2.send_data("b".into(), false).unwrap();
        // Both are in the server's hands before the wire ends.
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.wire.cut();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut received = String::new();
        let mut stream = ended.transport;
        stream.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "a");
        let mut stream2 = open.transport;
        let mut buffer = [0; 10];
        assert_eq!(stream2.read(&mut buffer).await.unwrap(), 1);
        let fault = stream2.read(&mut buffer).await.unwrap_err().downcast::<Http2Fault>();
        assert!(matches!(fault, Ok(Http2Fault::Lost(None))), "{fault:?}");
        assert!(!bed.server.is_finished());
        drop((stream, stream2));
        bed.server.await.unwrap();
    });
}

#[test]
fn other_requests_are_refused_with_their_status() {
    testbed::run(async {
        let mut bed = start().await;
        for (method, protocol, status, body) in [
            (Method::GET, None, 405, Some("sockeye ws://HOST:PORT/")),
            (Method::HEAD, None, 405, None),
            (Method::POST, None, 405, Some("does not ask for WebSocket")),
            (Method::CONNECT, Some("connect-udp"), 501, Some("is not websocket")),
        ] {
            let (response, _send) = bed.send(request(method.clone(), protocol)).await;
            let incoming = bed.incoming.recv().await.unwrap();
            let answered = tokio::spawn(async move { incoming.answer(&Choices::default()).await });
            let (head, mut recv) = response.await.unwrap().into_parts();
            assert_eq!(head.status.as_u16(), status, "{method}");
            assert_eq!(head.headers.get("connection"), None);
            let (received, end) = receive(&mut recv).await;
            let received = String::from_utf8(received).unwrap();
            assert_eq!(end, None, "{method}");
            match body {
                Some(body) => assert!(received.contains(body), "{method}: {received}"),
                None => assert_eq!(received, "", "{method}"),
            }
            let fault = answered.await.unwrap().err();
            assert!(matches!(fault, Some(IncomingFault::Request(_))), "{fault:?}");
        }
        // The connection serves further requests.
        let _session = bed.open().await;
    });
}

#[test]
fn a_connection_without_a_stream_is_ended() {
    testbed::run(async {
        let mut bed = start().await;
        let start = Instant::now();
        let (send, recv, established, _) = bed.open().await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert!(!bed.server.is_finished(), "a session may last");
        drop((send, recv, established));
        assert!(bed.server.await.unwrap().is_none());
        let (elapsed, limit) = (start.elapsed(), Duration::from_mins(6));
        assert!(elapsed >= limit && elapsed < limit + Duration::from_secs(2), "{elapsed:?}");
        assert!(bed.client.await.unwrap().is_ok(), "GOAWAY NO_ERROR");
    });
}

#[test]
fn a_connection_that_is_shut_down_ends_with_its_last_stream() {
    testbed::run(async {
        let mut bed = start().await;
        let (mut send, mut recv, established, _) = bed.open().await;
        bed.shut_down.take().unwrap().send(()).unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!bed.server.is_finished() && !bed.client.is_finished());
        assert!(poll_fn(|cx| bed.requests.poll_ready(cx)).await.is_err(), "GOAWAY was received");
        let mut stream = established.transport;
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
        send.send_data(Bytes::new(), true).unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        drop(stream);
        assert_eq!(receive(&mut recv).await, (b"bye".to_vec(), None));
        assert!(bed.server.await.unwrap().is_none());
        assert!(bed.client.await.unwrap().is_ok());
    });
}

#[test]
fn a_preface_that_stops_or_breaks_is_a_fault() {
    for (bytes, expected) in [
        ("PRI * HTTP/2.0\r\n\r\nSM", "no complete request within 10 s"),
        ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "the peer violated HTTP/2: PROTOCOL_ERROR"),
    ] {
        testbed::run(async {
            let (mut client, server, _wire) = wire(1 << 20);
            client.write_all(bytes.as_bytes()).await.unwrap();
            let arrival =
                Arrival::read(Box::new(server), false, "peer.example".to_owned(), LIMIT, quiet())
                    .await;
            assert_eq!(arrival.err().unwrap().to_string(), expected);
        });
    }
    testbed::run(async {
        let (mut client, server, _wire) = wire(1 << 20);
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").await.unwrap();
        client.shutdown().await.unwrap();
        let arrival =
            Arrival::read(Box::new(server), true, "peer.example".to_owned(), LIMIT, quiet()).await;
        assert!(matches!(arrival, Err(IncomingFault::Unused)));
    });
}
