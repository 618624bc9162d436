//! The server's side of the opening handshake over HTTP/1.1 (RFC 6455, 4.2): reads the head of a
//! request, checks it, and encodes the answer.

use super::{
    handshake::{MAX_HEAD_BYTES, Request, Version},
    headers::Headers,
    request_fault::RequestFault,
    slice::Within as _,
    upgrade::{accept_for, head, is_worth_parsing, to_headers, version, with_room},
};
use data_encoding::BASE64;
use http::StatusCode;

/// The head of a client's request.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The request, with or without an upgrade.
    pub request: Request,
    /// The method of the request.
    pub method: String,
    /// The value of `Sec-WebSocket-Accept`, or the requirement that the request fails.
    pub accept: Result<String, RequestFault>,
    /// The bytes after the head.
    pub rest: Vec<u8>,
}

/// The server's side of the handshake: collects and checks the head of a request. The caller responds
/// with [`encode_acceptance`] or [`encode_refusal`].
#[derive(Debug, Default)]
pub struct ServerUpgrade {
    buffer: Vec<u8>,
}

impl ServerUpgrade {
    /// Processes bytes from the client. `None` if more are needed. Fails if the bytes cannot become
    /// the head of a request; any other fault is in [`RequestHead::accept`].
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<RequestHead>, RequestFault> {
        let before = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        let parsed = if is_worth_parsing(&self.buffer, before) {
            parse_request(&self.buffer)?
        } else {
            None
        };
        match parsed {
            None if self.buffer.len() <= MAX_HEAD_BYTES => Ok(None),
            Some((mut head, length)) if length <= MAX_HEAD_BYTES => {
                head.rest = self.buffer.split_off(length);
                Ok(Some(head))
            }
            _ if self.buffer.within(..MAX_HEAD_BYTES).contains(&b'\n') => {
                Err(RequestFault::HeadTooLong)
            }
            _ => Err(RequestFault::TargetTooLong),
        }
    }

    /// Takes the bytes that were received, for another protocol.
    pub fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Reports whether any byte of a request was received.
    pub fn has_begun(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// Parses the head of a request. Returns it, without the bytes after it, with its length in bytes,
/// or `None` if it is incomplete.
fn parse_request(buffer: &[u8]) -> Result<Option<(RequestHead, usize)>, RequestFault> {
    if buffer.first() == Some(&TLS_HANDSHAKE) {
        return Err(RequestFault::Tls);
    }
    if buffer.starts_with(HTTP2_PREFACE) {
        return Err(RequestFault::Http2);
    }
    if HTTP2_PREFACE.starts_with(buffer) {
        return Ok(None);
    }
    let parsed = with_room(buffer, |buffer, fields| {
        let mut request = httparse::Request::new(fields);
        let httparse::Status::Complete(length) = request.parse(buffer)? else {
            return Ok(None);
        };
        let method = request.method.unwrap_or_default().to_owned();
        let request = Request {
            version: version(request.version),
            target: request.path.unwrap_or_default().to_owned(),
            headers: to_headers(request.headers),
        };
        Ok(Some((request, method, length)))
    });
    let Some((request, method, length)) = parsed.map_err(|_| RequestFault::Malformed)? else {
        return Ok(None);
    };
    let accept = check_request(&request, &method);
    Ok(Some((RequestHead { request, method, accept, rest: Vec::new() }, length)))
}

/// Checks the requirements of 4.2.1, and returns the value of `Sec-WebSocket-Accept`.
fn check_request(request: &Request, method: &str) -> Result<String, RequestFault> {
    let headers = &request.headers;
    if !is_target(&request.target) {
        return Err(RequestFault::Target);
    }
    if !matches!(method, "GET" | "HEAD") {
        return Err(RequestFault::Method);
    }
    let asks_for_session =
        ["Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"].map(|name| headers.get(name));
    if asks_for_session.iter().all(Option::is_none) || method == "HEAD" {
        return Err(RequestFault::NoUpgrade);
    }
    if request.version == Version::Http10 {
        return Err(RequestFault::Http10);
    }
    if !headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "upgrade") {
        let [upgrade, key, _] = asks_for_session;
        let is_websocket = key.is_some() && upgrade.is_none_or(|it| !it.contains("h2c"));
        return Err(if is_websocket {
            RequestFault::UpgradeRemoved
        } else {
            RequestFault::NoUpgrade
        });
    }
    // These fields must not be repeated (RFC 9112, 3.2; RFC 6455, 11.3).
    let only = |name| {
        let mut values = headers.all(name).map(str::trim);
        values.next().filter(|_| values.next().is_none())
    };
    match headers.all("Host").count() {
        0 => return Err(RequestFault::NoHost),
        1 => {}
        _ => return Err(RequestFault::Hosts),
    }
    if only("Sec-WebSocket-Version") != Some("13") {
        return Err(RequestFault::Version);
    }
    let key = only("Sec-WebSocket-Key").unwrap_or_default();
    match BASE64.decode(key.as_bytes()) {
        Ok(bytes) if bytes.len() == 16 => Ok(accept_for(key)),
        _ => Err(RequestFault::Key),
    }
}

/// Reports whether a target is a path or a URL, which a server must accept too (RFC 9112, 3.2.2).
fn is_target(target: &str) -> bool {
    let has_scheme = |scheme: &str| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    target.starts_with('/')
        || ["http://", "https://", "ws://", "wss://"].iter().any(|it| has_scheme(it))
}

/// Encodes the 101 response that opens the session. `accept` is that of [`RequestHead`]; `headers`
/// follow the fields of the upgrade.
pub fn encode_acceptance(accept: &str, headers: &Headers) -> Vec<u8> {
    head("HTTP/1.1 101 Switching Protocols", &acceptance_headers(accept, headers))
}

/// Returns the fields of the response that [`encode_acceptance`] encodes.
pub fn acceptance_headers(accept: &str, headers: &Headers) -> Headers {
    let mut all = Headers::default();
    all.push("Upgrade", "websocket");
    all.push("Connection", "Upgrade");
    all.push("Sec-WebSocket-Accept", accept);
    for (name, value) in headers.iter() {
        all.push(name, value);
    }
    all
}

/// Encodes a response that opens no session and ends the connection, with a plain-text `body`. The
/// answer to a HEAD request has the headers of the body without the body (RFC 9110, 9.3.2).
pub fn encode_refusal(status: StatusCode, headers: &Headers, body: &str, is_head: bool) -> Vec<u8> {
    let mut answer = head(&format!("HTTP/1.1 {status}"), &refusal_headers(headers, body));
    if !is_head {
        answer.extend_from_slice(body.as_bytes());
    }
    answer
}

/// Returns the fields of the response that [`encode_refusal`] encodes.
pub fn refusal_headers(headers: &Headers, body: &str) -> Headers {
    let mut all = headers.clone();
    if all.get("Content-Type").is_none() {
        all.push("Content-Type", "text/plain; charset=utf-8");
    }
    all.push("Content-Length", body.len().to_string());
    // The option is required beside every Upgrade field (RFC 9110, 7.8).
    all.push("Connection", if all.get("Upgrade").is_some() { "Upgrade, close" } else { "close" });
    all
}

/// The first byte of a TLS handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// The start of an HTTP/2 connection.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

#[cfg(test)]
mod tests;
