//! Streams over HTTP/2: a client and a server whose peer sends frames, legal and illegal.

use super::{
    input::{Input, chunks},
    scripted::{ScriptedPeer, run},
};
use crate::{
    net::http2::{Http2Client, Http2Fault, Http2Server, ServerRequest},
    proto::{
        extended,
        handshake::{Headers, Version},
    },
};
use http::StatusCode;
use std::{
    collections::BTreeSet,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A client opens a session, and reads and writes until the end.
pub(super) fn client(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, bits) = (input.number(), input.byte());
    let mut sent = frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]);
    frames(&mut input, &mut sent, response);
    let sent = if bits & 1 == 0 { &sent[..] } else { &sent[15..] };
    let whole = run_client(&[sent]);
    let parts = run_client(&chunks(sent, seed));
    for (outcome, written) in [&whole, &parts] {
        let frames = written.strip_prefix(PREFACE).unwrap_or_else(|| panic!("{written:?}"));
        check_frames(frames);
        assert!(outcome.received.len() <= sent.len());
    }
    let (whole, parts) = (whole.0, parts.0);
    // An error that follows may discard what was received before it.
    if whole.is_ended && parts.is_ended {
        assert_eq!(whole, parts);
    }
}

/// The data that a client has received.
#[derive(Debug, Default, PartialEq, Eq)]
struct Exchange {
    status: Option<u16>,
    received: Vec<u8>,
    /// The stream ended in order.
    is_ended: bool,
}

fn run_client(chunks: &[&[u8]]) -> (Exchange, Vec<u8>) {
    let (peer, written) = ScriptedPeer::new(chunks);
    let mut exchange = Exchange::default();
    let done = run(exchanged(peer, &mut exchange));
    if let Err(fault) = done {
        assert!(!fault.to_string().is_empty());
    }
    let written = std::mem::take(&mut *written.lock().unwrap());
    (exchange, written)
}

async fn exchanged(peer: ScriptedPeer, exchange: &mut Exchange) -> Result<(), Http2Fault> {
    let mut client = Http2Client::start(Box::new(peer)).await?;
    assert!(!client.settings().to_string().contains(char::is_control));
    if !client.supports_extended_connect().await? {
        return Ok(());
    }
    let request = extended::request(false, "h", "/", &Headers::default());
    let sent = client.request(&request).await?;
    let (response, mut stream) = client.response(sent).await?;
    exchange.status = Some(response.status);
    check_headers(&response.headers);
    let Ok(Some(_)) = validate(&request, &response) else { return Ok(()) };
    exchange.received = stream.take_received();
    let (received, is_ended) = (&mut exchange.received, &mut exchange.is_ended);
    echo(&mut stream, received, usize::MAX, is_ended).await;
    Ok(())
}

use extended::validate_response as validate;

/// A server accepts or refuses requests, and echoes what their streams carry.
pub(super) fn server(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, bits) = (input.number(), input.byte());
    let mut sent = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    frames(&mut input, &mut sent, request);
    let whole = run_server(&[&sent], bits);
    let parts = run_server(&chunks(&sent, seed), bits);
    for (streams, written) in [&whole, &parts] {
        check_frames(written);
        let received: usize = streams.iter().map(|stream| stream.received.len()).sum();
        assert!(received <= sent.len());
    }
    let (whole, parts) = (whole.0, parts.0);
    for (whole, parts) in whole.iter().zip(&parts) {
        if whole.is_ended && parts.is_ended {
            assert_eq!(whole, parts);
        }
    }
}

/// A stream as a server has seen it.
#[derive(Debug, Default, PartialEq, Eq)]
struct SeenStream {
    fields: Headers,
    received: Vec<u8>,
    /// The stream ended in order.
    is_ended: bool,
}

fn run_server(chunks: &[&[u8]], bits: u8) -> (Vec<SeenStream>, Vec<u8>) {
    let (peer, written) = ScriptedPeer::new(chunks);
    let streams = run(served(peer, bits));
    let written = std::mem::take(&mut *written.lock().unwrap());
    (streams, written)
}

type Session = Pin<Box<dyn Future<Output = SeenStream>>>;

async fn served(peer: ScriptedPeer, bits: u8) -> Vec<SeenStream> {
    let mut server = match Http2Server::start(Box::new(peer), Vec::new()).await {
        Ok(server) => server,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return Vec::new();
        }
    };
    let (mut sessions, mut seen): (Vec<(usize, Session)>, _) = (Vec::new(), Vec::new());
    let mut has_ended = false;
    poll_fn(|cx| {
        loop {
            sessions.retain_mut(|(number, session)| match session.as_mut().poll(cx) {
                Poll::Ready(stream) => {
                    seen[*number] = stream;
                    false
                }
                Poll::Pending => true,
            });
            if has_ended && sessions.is_empty() {
                return Poll::Ready(());
            }
            if has_ended {
                return Poll::Pending;
            }
            let next = pin!(server.next()).poll(cx);
            match next {
                Poll::Ready(Some(Ok(request))) => {
                    let number = seen.len();
                    sessions.push((number, Box::pin(session(request, bits, number))));
                    seen.push(SeenStream::default());
                    if bits >> 4 == 15 {
                        server.shut_down();
                    }
                }
                Poll::Ready(Some(Err(fault))) => {
                    assert!(!fault.to_string().is_empty());
                    has_ended = true;
                }
                Poll::Ready(None) => has_ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
    seen
}

/// Serves a stream, in one of several ways.
async fn session(request: ServerRequest, bits: u8, number: usize) -> SeenStream {
    let fields = request.request().headers.clone();
    check_headers(&fields);
    let mut seen = SeenStream { fields, ..SeenStream::default() };
    let way = (usize::from(bits >> 1) + number) % 7;
    if let Err(fault) = extended::check_request(request.request()) {
        let (status, _) = fault.status(Version::Http2);
        let _ = request.refuse(status, std::iter::empty(), "no".repeat(way * 9)).await;
        return seen;
    }
    if way == 0 {
        let fields = [("a", "b")].into_iter();
        let _ = request.refuse(StatusCode::FORBIDDEN, fields, "refused".to_owned()).await;
        return seen;
    }
    let Ok(mut stream) = request.accept([("x-a", "b")].into_iter()) else { return seen };
    let handle = stream.handle();
    let (received, is_ended) = (&mut seen.received, &mut seen.is_ended);
    match way {
        1 => {
            handle.reset_at_end();
            echo(&mut stream, received, 3, is_ended).await;
        }
        2 => handle.ended_by_peer().await,
        3 => {
            let _ = stream.write_all(&[b'x'; 3]).await;
        }
        4 => {
            handle.ended_by_peer().await;
            echo(&mut stream, received, usize::MAX, is_ended).await;
        }
        _ => echo(&mut stream, received, usize::MAX, is_ended).await,
    }
    seen
}

/// Sends back what is received, at most `limit` bytes.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    received: &mut Vec<u8>,
    limit: usize,
    is_ended: &mut bool,
) {
    let mut buffer = [0; 100];
    let mut is_writable = stream.write_all(received).await.is_ok();
    while received.len() < limit {
        match stream.read(&mut buffer).await {
            Ok(0) => {
                *is_ended = true;
                break;
            }
            Ok(n) => {
                received.extend_from_slice(&buffer[..n]);
                is_writable = is_writable
                    && stream.write_all(&buffer[..n]).await.is_ok()
                    && stream.flush().await.is_ok();
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
    let _ = stream.shutdown().await;
}

fn check_headers(headers: &Headers) {
    for (name, value) in headers.iter() {
        assert!(!name.contains(['\r', '\n', '\0']), "{name:?}");
        assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
    }
}

/// Checks the frames that we have written: they are complete, SETTINGS come first, and nothing follows
/// the end of a stream.
fn check_frames(mut written: &[u8]) {
    let mut ended = BTreeSet::new();
    let mut number = 0;
    while let Some((header, rest)) = written.split_first_chunk::<9>() {
        let [a, b, c, kind, flags, stream @ ..] = *header;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let stream = u32::from_be_bytes(stream);
        assert!(length <= rest.len(), "a frame of {length} bytes with {}", rest.len());
        assert!(number > 0 || kind == SETTINGS);
        if matches!(kind, DATA | HEADERS) {
            assert!(!ended.contains(&stream), "frame {kind} after the end of stream {stream}");
            if flags & END_STREAM != 0 {
                ended.insert(stream);
            }
        } else if kind == RST_STREAM {
            ended.insert(stream);
        }
        number += 1;
        written = &rest[length..];
    }
    assert_eq!(written.len(), 0);
}

/// Encodes frames that a fuzzer has chosen: legal ones from few bytes, and any bytes.
fn frames(input: &mut Input<'_>, sent: &mut Vec<u8>, head: impl Fn(&mut Input<'_>) -> Vec<u8>) {
    while !input.is_empty() {
        let step = input.byte();
        let stream = 1 + 2 * u32::from(step >> 6);
        let few = usize::from(step >> 3 & 7);
        match step & 7 {
            0 => {
                let flags = END_HEADERS | if step & 8 == 0 { 0 } else { END_STREAM };
                let block = head(input);
                sent.extend(frame(HEADERS, flags, stream, &block));
            }
            1 => {
                let length = usize::from(input.byte());
                let flags = [0, END_STREAM, PADDED, 0][few & 3];
                sent.extend(frame(DATA, flags, stream, input.take(length)));
            }
            2 => sent.extend(frame(SETTINGS, 0, 0, input.take(few * 6))),
            3 => {
                let by = u32::from(input.number()) << (few * 2);
                let stream = if step & 8 == 0 { 0 } else { stream };
                sent.extend(frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes()));
            }
            4 => sent.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, input.byte()])),
            5 => sent.extend(frame(PING, few as u8 & 1, 0, &[step; 8])),
            6 => {
                let (kind, flags) = (input.byte(), input.byte());
                let (stream, length) = (u32::from(input.byte()), usize::from(input.byte()));
                sent.extend(frame(kind, flags, stream, input.take(length)));
            }
            _ => sent.extend(input.take(1 + few)),
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Encodes the fields of an extended CONNECT without those that a byte leaves out, and with more bytes.
fn request(input: &mut Input<'_>) -> Vec<u8> {
    let without = input.byte();
    // Literal fields without indexing, and indexed ones (RFC 7541, 6).
    let fields: [&[u8]; 6] = [
        b"\x02\x07CONNECT",
        b"\x00\x09:protocol\x09websocket",
        b"\x86",
        b"\x01\x01h",
        b"\x84",
        b"\x00\x15sec-websocket-version\x0213",
    ];
    let kept = fields.iter().enumerate().filter(|(number, _)| without >> number & 1 == 0);
    let mut block: Vec<u8> = kept.flat_map(|(_, field)| field.iter().copied()).collect();
    more(input, without, &mut block);
    block
}

/// Encodes the fields of a response, and more bytes.
fn response(input: &mut Input<'_>) -> Vec<u8> {
    let choice = input.byte();
    let statuses: [&[u8]; 4] = [b"\x88", b"\x88", b"\x08\x03103", b"\x8d"];
    let mut block = statuses[usize::from(choice & 3)].to_vec();
    more(input, choice, &mut block);
    block
}

fn more(input: &mut Input<'_>, choice: u8, block: &mut Vec<u8>) {
    if choice >> 6 == 3 {
        let length = usize::from(input.byte());
        block.extend_from_slice(input.take(length));
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
