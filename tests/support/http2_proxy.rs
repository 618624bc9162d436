//! An HTTP/2 reverse proxy for a scripted peer. It turns an extended CONNECT into an HTTP/1.1
//! upgrade, so that one script serves both carriers.

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{HeaderMap, Request, Response};
use rustls::ServerConfig;
use std::{fmt::Write as _, io, net::TcpListener, sync::Arc, thread};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::TlsAcceptor;

/// Starts a proxy for one client and the peer at the port `backend`, and returns its port.
pub fn start(backend: u16, tls: Option<Arc<ServerConfig>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let (stream, _) = listener.accept().expect("a client");
            stream.set_nonblocking(true).expect("a stream");
            let stream = TcpStream::from_std(stream).expect("a stream");
            stream.set_nodelay(true).expect("no delay");
            // Both the client and the peer see an error; nobody else needs it.
            let _ = match tls {
                None => serve(stream, backend).await,
                Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                    Ok(stream) => serve(stream, backend).await,
                    Err(_) => Ok(()),
                },
            };
        });
    });
    port
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, backend: u16) -> Result<(), h2::Error> {
    let mut connection =
        h2::server::Builder::new().enable_connect_protocol().handshake(stream).await?;
    while let Some(asked) = connection.accept().await {
        let (request, answer) = asked?;
        tokio::spawn(tunnel(request, answer, backend));
    }
    Ok(())
}

async fn tunnel(request: Request<RecvStream>, mut answer: SendResponse<Bytes>, backend: u16) {
    let (request, from_client) = request.into_parts();
    assert_eq!(request.method, "CONNECT");
    let protocol = request.extensions.get::<h2::ext::Protocol>().expect("an extended CONNECT");
    assert_eq!(protocol.as_str(), "websocket");
    let stream = TcpStream::connect(("127.0.0.1", backend)).await.expect("the peer");
    stream.set_nodelay(true).expect("no delay");
    let (from_peer, mut to_peer) = stream.into_split();
    to_peer.write_all(upgrade(&request).as_bytes()).await.expect("the peer reads");
    let mut from_peer = tokio::io::BufReader::new(from_peer);
    let Some((status, headers)) = head(&mut from_peer).await else {
        answer.send_reset(Reason::CANCEL);
        return;
    };
    let mut response = Response::builder().status(if status == 101 { 200 } else { status });
    *response.headers_mut().expect("a response") = headers;
    let response = response.body(()).expect("a response");
    let Ok(to_client) = answer.send_response(response, false) else { return };
    tokio::join!(upwards(from_client, to_peer), downwards(from_peer, to_client));
}

/// Writes the request in the form of HTTP/1.1.
fn upgrade(request: &http::request::Parts) -> String {
    let authority = request.uri.authority().expect("an authority");
    let path = request.uri.path_and_query().expect("a path");
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n");
    for (name, value) in &request.headers {
        let (name, value) = (canonical(name.as_str()), value.to_str().expect("text"));
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head + "Upgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

/// Restores the case of HTTP/1.1 header names, which the scripts use.
fn canonical(name: &str) -> String {
    let upper = |part: &str| match part {
        "websocket" => "WebSocket".to_owned(),
        part => part[..1].to_uppercase() + &part[1..],
    };
    name.split('-').map(upper).collect::<Vec<_>>().join("-")
}

async fn head(peer: &mut tokio::io::BufReader<OwnedReadHalf>) -> Option<(u16, HeaderMap)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if peer.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines.first()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in &lines[1..] {
        let (name, value) = line.split_once(':')?;
        let name = name.to_ascii_lowercase();
        if !["upgrade", "connection", "sec-websocket-accept"].contains(&&*name) {
            let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
            headers.append(name, value.trim().parse().ok()?);
        }
    }
    Some((status, headers))
}

/// Forwards what the client sends, and its `END_STREAM` as the end of the connection.
async fn upwards(mut from_client: RecvStream, mut to_peer: OwnedWriteHalf) {
    while let Some(Ok(bytes)) = from_client.data().await {
        if to_peer.write_all(&bytes).await.is_err() {
            return;
        }
        let _ = from_client.flow_control().release_capacity(bytes.len());
    }
    let _ = to_peer.shutdown().await;
}

/// Forwards what the peer sends: its end as `END_STREAM`, its reset as `CANCEL` (RFC 8441, 5).
async fn downwards(
    mut from_peer: tokio::io::BufReader<OwnedReadHalf>,
    mut client: SendStream<Bytes>,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from_peer.read(&mut buffer).await {
            Ok(0) => {
                let _ = client.send_data(Bytes::new(), true);
                return;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return client.send_reset(Reason::CANCEL),
            Ok(n) => {
                let mut bytes = Bytes::copy_from_slice(&buffer[..n]);
                while !bytes.is_empty() {
                    client.reserve_capacity(bytes.len());
                    let granted = std::future::poll_fn(|cx| client.poll_capacity(cx)).await;
                    let Some(Ok(granted)) = granted else { return };
                    let part = bytes.split_to(granted.min(bytes.len()));
                    if client.send_data(part, false).is_err() {
                        return;
                    }
                }
            }
        }
    }
}
