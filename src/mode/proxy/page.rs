//! Requests that open no session, passed on over HTTP/1.1: one on a connection. And the bodies of
//! answers that refuse a session.

use super::{
    refusal::{ANSWER_LIMIT, fail},
    resource::resource,
    shared::Shared,
};
use crate::{
    connect::{ConnectOptions, DialedStream, Http, incoming::Incoming},
    escape::Escaped,
    net::{Transport, end_in_order},
    proto::{
        body::{BodyDecoder, BodyFraming, CHUNK_END, LAST_CHUNK, MalformedBody, chunk_head},
        handshake::{Headers, MAX_HEAD_BYTES, Request, Response, Version},
        passing::{Purpose, answer_fields, request_fields},
        request_fault::RequestFault,
        slice::Within as _,
        upgrade::{head, parse_response},
    },
    wording::system_error,
};
use http::StatusCode;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    time::timeout,
};

/// A stream, and the bytes that were read of it already.
type Stream = (Box<dyn Transport>, Vec<u8>);

/// Passes on a request, and then the answer.
pub(super) async fn pass(shared: &Shared, mut incoming: Incoming) {
    let Ok(framing) = BodyFraming::of_request(&incoming.request().headers) else {
        let _ = incoming.refuse_for(RequestFault::Malformed).await;
        return;
    };
    let label = Escaped(incoming.authority()).to_string();
    let body = match incoming.read_body(MAX_HTTP2_BODY_BYTES).await {
        Ok(Some(body)) => body,
        Ok(None) => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            let _ = incoming.refuse(status, &Headers::default(), "the body is too long\n").await;
            return;
        }
        Err(_) => return,
    };
    let request = incoming.request().clone();
    let method = incoming.method().to_owned();
    let target = shared.notes.report.secrets.target(&request.target).into_owned();
    shared.notes.detail(&format!("{label}: {} {}", Escaped(&method), Escaped(&target)));
    let options =
        ConnectOptions { http: Http::One, ..shared.options(resource(shared, &request.target)) };
    let server = match shared.dialer.open_stream(&options).await {
        Ok(DialedStream { transport, .. }) => transport,
        Err(error) => return fail(shared, incoming, &label, &error.into()).await,
    };
    let page = PageRequest {
        head: request_head(shared, &options, &request, &method, framing, body.len()),
        framing,
        method,
    };
    let passed = match incoming.into_stream() {
        Ok(client) => page.pass_stream(shared, client, server).await,
        Err(incoming) => page.pass_http2(shared, *incoming, body, server).await,
    };
    if let Err(cause) = passed {
        let words = system_error(&cause);
        shared.notes.detail(&format!("{label}: {}: {words}", Escaped(&page.method)));
    }
}

/// Passes on an answer that refuses a session.
pub(super) async fn answer(
    shared: &Shared,
    incoming: Incoming,
    response: &Response,
    (mut server, rest): Stream,
) {
    let carrier = incoming.request().version;
    let Ok(framing) = BodyFraming::of_response(response, "GET") else { return };
    let is_chunked = framing != BodyFraming::UntilEnd && is_chunked(framing, carrier);
    let headers = answer_headers(shared, response, carrier, is_chunked);
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let Ok((mut client, _)) =
        incoming.respond(status, &response.reason, &headers, ANSWER_LIMIT).await
    else {
        return;
    };
    // A client that goes needs no more of the body, and one without an end is not to be kept.
    let body = copy(&mut server, rest, framing, &mut client, is_chunked);
    if timeout(REFUSAL_LIMIT, body).await.is_ok_and(|copied| copied.is_ok()) {
        let _ = end_in_order(&mut client).await;
    }
}

/// A request, as it is sent to the server.
struct PageRequest {
    head: Vec<u8>,
    framing: BodyFraming,
    method: String,
}

impl PageRequest {
    /// Passes on the request of a stream, and the answer to it.
    async fn pass_stream(
        &self,
        shared: &Shared,
        (client, rest): Stream,
        mut server: Box<dyn Transport>,
    ) -> io::Result<()> {
        server.write_all(&self.head).await?;
        server.flush().await?;
        let (mut from_server, mut to_server) = split(server);
        let (mut from_client, mut to_client) = split(client);
        if self.framing != BodyFraming::Length(0) {
            // A client may wait for this before it sends the body (RFC 9110, 10.1.1).
            to_client.write_all(CONTINUE).await?;
            to_client.flush().await?;
        }
        let body = async {
            let is_chunked = self.framing == BodyFraming::Chunked;
            let sent = copy(&mut from_client, rest, self.framing, &mut to_server, is_chunked).await;
            // The answer says what became of it.
            drop(sent);
            std::future::pending::<()>().await;
        };
        let answer = async {
            let (response, rest) = read_answer(&mut from_server).await?;
            let framing = BodyFraming::of_response(&response, &self.method).map_err(malformed)?;
            let is_chunked = is_chunked(framing, Version::Http11);
            let headers = answer_headers(shared, &response, Version::Http11, is_chunked);
            let first = format!("HTTP/1.1 {} {}", response.status, response.reason);
            to_client.write_all(&head(&first, &headers)).await?;
            copy(&mut from_server, rest, framing, &mut to_client, is_chunked).await
        };
        tokio::select! {
            () = body => {}
            answered = answer => answered?,
        }
        let mut client: Box<dyn Transport> = Box::new(from_client.unsplit(to_client));
        end_in_order(&mut client).await
    }

    /// Passes on a request over HTTP/2, whose body was read, and the answer to it.
    async fn pass_http2(
        &self,
        shared: &Shared,
        incoming: Incoming,
        body: Vec<u8>,
        mut server: Box<dyn Transport>,
    ) -> io::Result<()> {
        server.write_all(&self.head).await?;
        server.write_all(&body).await?;
        server.flush().await?;
        let (response, rest) = read_answer(&mut server).await?;
        let framing = BodyFraming::of_response(&response, &self.method).map_err(malformed)?;
        let headers = answer_headers(shared, &response, Version::Http2, false);
        let status = StatusCode::from_u16(response.status).map_err(io::Error::other)?;
        let begun = incoming.respond(status, "", &headers, ANSWER_LIMIT).await;
        let (mut client, _) = begun.map_err(io::Error::other)?;
        copy(&mut server, rest, framing, &mut client, false).await?;
        client.shutdown().await
    }
}

/// Returns the head of a request to the server. `body` is the length of a body that was read.
fn request_head(
    shared: &Shared,
    options: &ConnectOptions,
    request: &Request,
    method: &str,
    framing: BodyFraming,
    body: usize,
) -> Vec<u8> {
    let host = options.target.host_header();
    let host = (!shared.job.passing.keep_host).then_some(&*host);
    let mut fields = request_fields(request, Purpose::Page, host, None);
    if request.version == Version::Http2 {
        if body > 0 && fields.get("Content-Length").is_none() {
            fields.push("Content-Length", body.to_string());
        }
    } else if framing == BodyFraming::Chunked {
        fields.push("Transfer-Encoding", "chunked");
    }
    fields.edit(&shared.job.opening.edits);
    head(&format!("{method} {} HTTP/1.1", options.target.resource), &fields)
}

fn answer_headers(
    shared: &Shared,
    response: &Response,
    carrier: Version,
    is_chunked: bool,
) -> Headers {
    let mut headers = answer_fields(response, carrier);
    if is_chunked {
        headers.push("Transfer-Encoding", "chunked");
    }
    headers.edit(&shared.job.passing.response_edits);
    headers
}

/// Reports whether a body is sent to a client in chunks, as the server sent it.
fn is_chunked(framing: BodyFraming, carrier: Version) -> bool {
    framing == BodyFraming::Chunked && carrier == Version::Http11
}

/// Reads the head of the final answer. Interim ones are for the proxy.
async fn read_answer(server: &mut (impl AsyncRead + Unpin)) -> io::Result<(Response, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        while let Some((response, length)) = parse_response(&received).map_err(io::Error::other)? {
            let rest = received.split_off(length.min(received.len()));
            if response.status >= 200 {
                return Ok((response, rest));
            }
            received = rest;
        }
        if received.len() > MAX_HEAD_BYTES {
            return Err(io::Error::other("the head of the answer is too long"));
        }
        if server.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Copies a body, of which `bytes` were read already, in chunks or as it is.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    framing: BodyFraming,
    to: &mut (impl AsyncWrite + Unpin),
    is_chunked: bool,
) -> io::Result<()> {
    let mut decoder = BodyDecoder::new(framing);
    let mut buffer = Vec::new();
    loop {
        let mut at = 0;
        while at < bytes.len() && !decoder.is_done() {
            let rest = bytes.within(at..);
            let (used, content) = decoder.decode(rest).map_err(malformed)?;
            let content = rest.within(content);
            if is_chunked && !content.is_empty() {
                to.write_all(&chunk_head(content.len())).await?;
                to.write_all(content).await?;
                to.write_all(CHUNK_END).await?;
            } else {
                to.write_all(content).await?;
            }
            at += used;
        }
        if decoder.is_done() {
            break;
        }
        to.flush().await?;
        if buffer.is_empty() {
            buffer = vec![0; COPY_BYTES];
        }
        let read = match from.read(&mut buffer).await {
            // TLS without close_notify is an ordinary end.
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        if read == 0 {
            if decoder.may_end() {
                break;
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = buffer.within(..read).to_vec();
    }
    if is_chunked {
        to.write_all(LAST_CHUNK).await?;
    }
    to.flush().await
}

fn malformed(_: MalformedBody) -> io::Error {
    io::Error::other("the body is malformed")
}

/// The bytes that are copied at a time.
const COPY_BYTES: usize = 16 << 10;
/// The longest body of a request over HTTP/2.
const MAX_HTTP2_BODY_BYTES: usize = 16 << 20;
/// The time limit for the body of an answer that refuses a session.
const REFUSAL_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
/// The interim answer to a request with a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
