//! The HTTP/1.1 carrier of the opening handshake (RFC 6455, 4): key, accept, and the two heads.

use super::{
    handshake::{
        Agreed, BadAccept, EXAMPLE_ACCEPT, MAX_HEADS, Refusal, Request, Response, Version, judge,
    },
    headers::Headers,
};
use data_encoding::BASE64;
use http::StatusCode;
use sha1_smol::Sha1;
use std::fmt;

/// A head as it goes over the wire.
pub fn head(first: &str, headers: &Headers) -> Vec<u8> {
    let mut head = format!("{first}\r\n");
    for (name, value) in headers.iter() {
        head.push_str(name);
        head.push_str(if value.is_empty() { ":" } else { ": " });
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// What `Sec-WebSocket-Key` says: 16 bytes that no one could foresee.
pub fn key(bytes: [u8; 16]) -> String {
    BASE64.encode(&bytes)
}

/// How a client's handshake stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// More bytes are needed.
    Pending,
    /// The session is open; `rest` came behind the head and belongs to it.
    Open {
        /// What was agreed.
        agreed: Agreed,
        /// The answer.
        response: Response,
        /// The first bytes of the session.
        rest: Vec<u8>,
    },
    /// A final status that does not upgrade; `rest` is the start of its body.
    Status {
        /// The answer.
        response: Response,
        /// The start of its body.
        rest: Vec<u8>,
    },
}

/// The client's side: a request goes out, [`ClientUpgrade::receive`] judges what comes back.
pub struct ClientUpgrade {
    request: Request,
    buffer: Vec<u8>,
    /// Bytes of the 1xx answers that came first.
    earlier: usize,
}

impl ClientUpgrade {
    /// A handshake that begins with this request.
    pub fn new(request: Request) -> Self {
        Self { request, buffer: Vec::new(), earlier: 0 }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The bytes to send.
    pub fn head(&self) -> Vec<u8> {
        head(&format!("GET {} HTTP/1.1", self.request.target), &self.request.headers)
    }

    /// Whether any byte of an answer has come.
    pub fn has_begun(&self) -> bool {
        self.earlier > 0 || !self.buffer.is_empty()
    }

    /// Takes what the server sent.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Answer, Refusal> {
        self.buffer.extend_from_slice(bytes);
        loop {
            let start = self.buffer.get(..HTTP.len()).unwrap_or(&self.buffer);
            if !HTTP.starts_with(start) {
                self.buffer.truncate(80);
                return Err(Refusal::NotHttp(std::mem::take(&mut self.buffer)));
            }
            let head = parse_response(&self.buffer)?;
            let length = head.as_ref().map_or(self.buffer.len(), |(_, length)| *length);
            if self.earlier + length > MAX_HEADS {
                return Err(Refusal::HeadsTooLong);
            }
            let Some((response, length)) = head else {
                return Ok(Answer::Pending);
            };
            let rest = self.buffer.split_off(length);
            self.buffer = rest;
            if response.status == 101 {
                let agreed = self.judge(&response)?;
                let rest = std::mem::take(&mut self.buffer);
                return Ok(Answer::Open { agreed, response, rest });
            }
            if response.status >= 200 {
                let rest = std::mem::take(&mut self.buffer);
                return Ok(Answer::Status { response, rest });
            }
            // Any number of 1xx may come first (RFC 9110, 15.2).
            self.earlier += length;
            if self.buffer.is_empty() {
                return Ok(Answer::Pending);
            }
        }
    }

    /// The demands of 4.1 on a 101, and no others.
    fn judge(&self, response: &Response) -> Result<Agreed, Refusal> {
        let headers = &response.headers;
        let said = |name| headers.get(name).map(ToOwned::to_owned);
        if response.version == Version::Http10 {
            return Err(Refusal::Http10);
        }
        // 4.1, item 2: the value itself, not one of a list as in Connection.
        let mut upgrade = headers.all("Upgrade").map(str::trim).peekable();
        let is_websocket = |value: &str| value.eq_ignore_ascii_case("websocket");
        if upgrade.peek().is_none() || !upgrade.all(is_websocket) {
            return Err(Refusal::Upgrade(said("Upgrade")));
        }
        if !headers.has_token("Connection", "upgrade") {
            return Err(Refusal::Connection(said("Connection")));
        }
        let key = self.request.headers.get("Sec-WebSocket-Key").unwrap_or_default();
        let expected = accept_for(key);
        let mut accepts = headers.all("Sec-WebSocket-Accept").map(str::trim).peekable();
        if accepts.peek().is_none() {
            return Err(Refusal::Accept(BadAccept::Missing));
        }
        if let Some(wrong) = accepts.find(|accept| *accept != expected) {
            return Err(Refusal::Accept(match wrong {
                _ if wrong == key => BadAccept::Key,
                EXAMPLE_ACCEPT => BadAccept::Example,
                _ => BadAccept::Other(wrong.to_owned()),
            }));
        }
        judge(&self.request.headers, headers)
    }
}

/// What is wrong with a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// No well-formed HTTP/1.1, or over [`MAX_HEADS`].
    Malformed,
    /// A method other than GET.
    Method,
    /// An ordinary request: no upgrade is asked for.
    NoUpgrade,
    /// A version of the protocol other than 13.
    Version,
    /// No key of 16 bytes in base64.
    Key,
    /// No Host header.
    Host,
    /// A list of extensions that is not well-formed (9.1).
    Extensions,
}

/// The head of a client's request.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The request, which may ask for no upgrade.
    pub request: Request,
    /// The value of `Sec-WebSocket-Accept`, or the demand of 4.2.1 that the request does not meet.
    pub accept: Result<String, RequestFault>,
    /// Bytes behind the head.
    pub rest: Vec<u8>,
}

/// The server's side: collects the bytes of a request's head. What it is answered with is the
/// caller's to choose: [`accepted`] or [`refused`].
#[derive(Debug, Default)]
pub struct ServerUpgrade {
    buffer: Vec<u8>,
}

impl ServerUpgrade {
    /// Takes bytes of the client; `None`: more are needed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<RequestHead>, RequestFault> {
        self.buffer.extend_from_slice(bytes);
        match parse_request(&self.buffer)? {
            None if self.buffer.len() <= MAX_HEADS => Ok(None),
            Some((request, length)) if length <= MAX_HEADS => {
                let rest = self.buffer.split_off(length);
                let accept = accept_key(&request);
                Ok(Some(RequestHead { request, accept, rest }))
            }
            _ => Err(RequestFault::Malformed),
        }
    }
}

/// Returns the Sec-WebSocket-Accept that answers this Sec-WebSocket-Key (4.2.2, item 5.4).
fn accept_for(key: &str) -> String {
    let mut hash = Sha1::from(key);
    hash.update(GUID);
    BASE64.encode(&hash.digest().bytes())
}

/// The demands of 4.2.1.
fn accept_key(request: &Request) -> Result<String, RequestFault> {
    let headers = &request.headers;
    if !headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "upgrade") {
        return Err(RequestFault::NoUpgrade);
    }
    // None of them may stand there twice (RFC 9112, 3.2; RFC 6455, 11.3).
    let only = |name| {
        let mut values = headers.all(name).map(str::trim);
        values.next().filter(|_| values.next().is_none())
    };
    if only("Host").is_none() {
        return Err(RequestFault::Host);
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

/// The answer that opens the session: `accept` is of [`RequestHead`]; `headers` follow those of the
/// upgrade.
pub fn accepted(accept: &str, headers: &Headers) -> Vec<u8> {
    let mut all = Headers::default();
    all.push("Upgrade", "websocket");
    all.push("Connection", "Upgrade");
    all.push("Sec-WebSocket-Accept", accept);
    for (name, value) in headers.iter() {
        all.push(name, value);
    }
    head("HTTP/1.1 101 Switching Protocols", &all)
}

/// An answer that opens no session and is the last of its connection; `body` is plain text.
pub fn refused(status: StatusCode, headers: &Headers, body: &str) -> Vec<u8> {
    let mut all = headers.clone();
    all.push("Content-Type", "text/plain");
    all.push("Content-Length", body.len().to_string());
    all.push("Connection", "close");
    let mut answer = head(&format!("HTTP/1.1 {status}"), &all);
    answer.extend_from_slice(body.as_bytes());
    answer
}

impl RequestFault {
    /// The status that says so, and the header field that belongs to it.
    pub fn status(self) -> (StatusCode, Headers) {
        let mut headers = Headers::default();
        let status = match self {
            Self::Malformed | Self::Host | Self::Extensions | Self::Key => StatusCode::BAD_REQUEST,
            Self::Method => {
                headers.push("Allow", "GET");
                StatusCode::METHOD_NOT_ALLOWED
            }
            Self::NoUpgrade => {
                headers.push("Upgrade", "websocket");
                StatusCode::UPGRADE_REQUIRED
            }
            Self::Version => {
                headers.push("Sec-WebSocket-Version", "13");
                StatusCode::UPGRADE_REQUIRED
            }
        };
        (status, headers)
    }
}

/// What the client is told.
impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not an HTTP/1.1 request",
            Self::Host => "no Host header",
            Self::Extensions => "Sec-WebSocket-Extensions is not well-formed",
            Self::Key => "no valid Sec-WebSocket-Key",
            Self::Method => "only GET",
            Self::NoUpgrade => "this is a WebSocket server",
            Self::Version => "only version 13",
        })
    }
}

/// The head of an answer, and its length; `None`: it has not come whole.
///
/// A head is judged strictly where it opens a session; what else it may say is read as well as it
/// goes (RFC 9112, 2.2 and 5.1).
pub fn parse_response(buffer: &[u8]) -> Result<Option<(Response, usize)>, Refusal> {
    let strict = httparse::ParserConfig::default();
    parse_head(buffer, strict).or_else(|fault| {
        let mut lax = httparse::ParserConfig::default();
        lax.allow_spaces_after_header_name_in_responses(true);
        lax.ignore_invalid_headers_in_responses(true);
        match parse_head(buffer, lax) {
            Ok(Some((head, length))) if head.status != 101 => Ok(Some((head, length))),
            // Cut inside a head that may still be such.
            Ok(None) => Ok(None),
            _ => Err(Refusal::Malformed(fault)),
        }
    })
}

fn parse_head(
    buffer: &[u8],
    mut config: httparse::ParserConfig,
) -> Result<Option<(Response, usize)>, httparse::Error> {
    // Folded lines are obsolete but legal for a server to send and for us to read (RFC 9112, 5.2).
    config.allow_obsolete_multiline_headers_in_responses(true);
    with_room(buffer, |buffer, fields| {
        let mut response = httparse::Response::new(fields);
        let httparse::Status::Complete(length) = config.parse_response(&mut response, buffer)?
        else {
            return Ok(None);
        };
        // The first digit is the class, from 1 (RFC 9110, 15).
        if response.code.is_none_or(|status| status < 100) {
            return Err(httparse::Error::Status);
        }
        let head = Response {
            version: version(response.version),
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            headers: copied(response.headers),
        };
        Ok(Some((head, length)))
    })
}

fn parse_request(buffer: &[u8]) -> Result<Option<(Request, usize)>, RequestFault> {
    let parsed = with_room(buffer, |buffer, fields| {
        let mut request = httparse::Request::new(fields);
        let httparse::Status::Complete(length) = request.parse(buffer)? else {
            return Ok(None);
        };
        let head = Request {
            version: version(request.version),
            target: request.path.unwrap_or_default().to_owned(),
            headers: copied(request.headers),
        };
        Ok(Some((head, request.method == Some("GET"), request.version, length)))
    });
    match parsed {
        Err(_) => Err(RequestFault::Malformed),
        Ok(None) => Ok(None),
        Ok(Some((_, false, _, _))) => Err(RequestFault::Method),
        Ok(Some((_, _, version, _))) if version != Some(1) => Err(RequestFault::Malformed),
        Ok(Some((head, _, _, length))) => Ok(Some((head, length))),
    }
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(1) { Version::Http11 } else { Version::Http10 }
}

/// Parses with room for as many fields as there are.
fn with_room<'b, T>(
    buffer: &'b [u8],
    mut parse: impl FnMut(&'b [u8], &mut [httparse::Header<'b>]) -> Result<T, httparse::Error>,
) -> Result<T, httparse::Error> {
    let mut room = 64;
    loop {
        match parse(buffer, &mut vec![httparse::EMPTY_HEADER; room]) {
            Err(httparse::Error::TooManyHeaders) if room < MAX_HEADS => room *= 8,
            done => return done,
        }
    }
}

fn copied(fields: &[httparse::Header<'_>]) -> Headers {
    let mut headers = Headers::default();
    for field in fields {
        // A fold stands for one space (RFC 9112, 5.2).
        let value = String::from_utf8_lossy(field.value);
        let lines: Vec<&str> = value.split(['\r', '\n']).map(str::trim).collect();
        headers.push(field.name, lines.join(" ").trim());
    }
    headers
}

const HTTP: &[u8] = b"HTTP/1.";
/// What a Sec-WebSocket-Key is hashed with (RFC 6455, 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
