//! Requests that open no session, passed on over HTTP/1.1: one on a connection. And the bodies of
//! answers that refuse a session.

use super::{
    bodies::NoRoom,
    copy::{CopyFault, copy, malformed},
    refusal::{ANSWER_LIMIT, explained, fail},
    resource::resource,
    shared::Shared,
};
use crate::{
    connect::{ConnectOptions, DialedStream, Http, incoming::Incoming},
    escape::Escaped,
    net::{Transport, end_in_order},
    proto::{
        body::BodyFraming,
        handshake::{Headers, MAX_HEAD_BYTES, Request, Response, Version},
        passing::{Purpose, answer_fields, request_fields},
        request_fault::RequestFault,
        server_upgrade::encode_refusal,
        upgrade::{head, parse_response},
    },
    wording::system_error,
};
use http::StatusCode;
use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, split},
    time::{sleep, timeout},
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
    let mut room = shared.bodies.room();
    let body = match incoming.read_body(BODY_LIMIT, |length| room.extend_to(length)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refused)) => {
            let (status, words) = match refused {
                NoRoom::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"),
                NoRoom::TooMany => (StatusCode::SERVICE_UNAVAILABLE, "too many bodies are read\n"),
            };
            let _ = incoming.refuse(status, &Headers::default(), words).await;
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
        label,
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
        shared.notes.detail(&format!("{}: {}: {words}", page.label, Escaped(&page.method)));
    }
}

/// Tells stderr that an answer cannot be passed on. Returns the body of the answer that the client gets
/// instead.
fn bad_gateway(shared: &Shared, label: &str, cause: &io::Error) -> String {
    let words = match cause.kind() {
        io::ErrorKind::UnexpectedEof => "the connection ended before the answer".to_owned(),
        _ => system_error(cause),
    };
    explained(shared, label, &Escaped(&words).to_string())
}

/// Passes on an answer that refuses a session.
pub(super) async fn answer(
    shared: &Shared,
    incoming: Incoming,
    response: &Response,
    (mut server, rest): Stream,
) {
    let carrier = incoming.request().version;
    let framing = match BodyFraming::of_response(response, "GET").map_err(malformed) {
        Ok(framing) => framing,
        Err(cause) => {
            let label = Escaped(incoming.authority()).to_string();
            let body = bad_gateway(shared, &label, &cause);
            // The client may have gone.
            let _ = incoming.refuse(StatusCode::BAD_GATEWAY, &Headers::default(), &body).await;
            return;
        }
    };
    let is_chunked = framing != BodyFraming::UntilEnd && is_chunked(framing, carrier);
    let headers = answer_headers(shared, response, carrier, is_chunked);
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let Ok((mut client, _)) =
        incoming.respond(status, &response.reason, &headers, ANSWER_LIMIT).await
    else {
        return;
    };
    // A client that goes needs no more of the body, and one without an end is not to be kept.
    let passed = AtomicU64::new(0);
    let body = copy(&mut server, rest, framing, &mut client, is_chunked, &passed);
    if timeout(REFUSAL_LIMIT, body).await.is_ok_and(|copied| copied.is_ok()) {
        let _ = end_in_order(&mut client).await;
    }
}

/// A request, as it is sent to the server.
struct PageRequest {
    /// The client, as in notes.
    label: String,
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
        let (sent, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        let body = async {
            let is_chunked = self.framing == BodyFraming::Chunked;
            let copied =
                copy(&mut from_client, rest, self.framing, &mut to_server, is_chunked, &sent).await;
            match copied {
                // The server learns that the body is incomplete by the end of the connection.
                Err(CopyFault::Source(cause)) => cause,
                // If the server takes no more of it, its answer says why.
                _ => client_end(&mut from_client, &answered).await,
            }
        };
        let answer = async {
            let (response, framing, rest) = match self.read_answer(&mut from_server).await {
                Ok(answer) => answer,
                Err(cause) => {
                    let body = bad_gateway(shared, &self.label, &cause);
                    let is_head = self.method == "HEAD";
                    let headers = Headers::default();
                    let answer = encode_refusal(StatusCode::BAD_GATEWAY, &headers, &body, is_head);
                    to_client.write_all(&answer).await?;
                    return to_client.flush().await;
                }
            };
            let is_chunked = is_chunked(framing, Version::Http11);
            let headers = answer_headers(shared, &response, Version::Http11, is_chunked);
            let first = format!("HTTP/1.1 {} {}", response.status, response.reason);
            to_client.write_all(&head(&first, &headers)).await?;
            copy(&mut from_server, rest, framing, &mut to_client, is_chunked, &answered).await?;
            Ok(())
        };
        tokio::select! {
            cause = body => return Err(cause),
            answered = answer => answered?,
        }
        let mut client: Box<dyn Transport> = Box::new(from_client.unsplit(to_client));
        end_in_order(&mut client).await
    }

    /// Passes on a request over HTTP/2, whose body was read, and the answer to it.
    async fn pass_http2(
        &self,
        shared: &Shared,
        mut incoming: Incoming,
        body: Vec<u8>,
        mut server: Box<dyn Transport>,
    ) -> io::Result<()> {
        server.write_all(&self.head).await?;
        server.write_all(&body).await?;
        server.flush().await?;
        let answer = tokio::select! {
            answer = self.read_answer(&mut server) => answer,
            () = incoming.client_left() => {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        };
        let (response, framing, rest) = match answer {
            Ok(answer) => answer,
            Err(cause) => {
                let body = bad_gateway(shared, &self.label, &cause);
                let (status, headers) = (StatusCode::BAD_GATEWAY, Headers::default());
                return incoming.refuse(status, &headers, &body).await.map_err(io::Error::other);
            }
        };
        let headers = answer_headers(shared, &response, Version::Http2, false);
        let status = StatusCode::from_u16(response.status).map_err(io::Error::other)?;
        let begun = incoming.respond(status, "", &headers, ANSWER_LIMIT).await;
        let (mut client, _) = begun.map_err(io::Error::other)?;
        let passed = AtomicU64::new(0);
        let copied = copy(&mut server, rest, framing, &mut client, false, &passed).await;
        copied.map_err(io::Error::from)?;
        client.shutdown().await
    }

    /// Reads the head of the answer, and the start of its body.
    async fn read_answer(
        &self,
        server: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<(Response, BodyFraming, Vec<u8>)> {
        let (response, rest) = read_answer(server).await?;
        let framing = BodyFraming::of_response(&response, &self.method).map_err(malformed)?;
        Ok((response, framing, rest))
    }
}

/// Waits until a client whose request was read has left. It may end its direction and still read the
/// answer, but not wait for one that makes no progress: it cannot be told from a client that is gone.
async fn client_end(from_client: &mut (impl AsyncRead + Unpin), answered: &AtomicU64) -> io::Error {
    let mut buffer = [0; 256];
    loop {
        match from_client.read(&mut buffer).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(cause) => return cause,
        }
    }
    loop {
        let before = answered.load(Ordering::Relaxed);
        sleep(HALF_CLOSED_LIMIT).await;
        if answered.load(Ordering::Relaxed) == before {
            return io::ErrorKind::UnexpectedEof.into();
        }
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

/// The time limit for each part of the body of a request over HTTP/2.
const BODY_LIMIT: Duration = Duration::from_secs(30);
/// The time that a client whose direction has ended waits without progress.
const HALF_CLOSED_LIMIT: Duration = Duration::from_secs(30);
/// The time limit for the body of an answer that refuses a session.
const REFUSAL_LIMIT: Duration = Duration::from_secs(30);
/// The interim answer to a request with a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
