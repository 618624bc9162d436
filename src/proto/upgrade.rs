//! The opening handshake over HTTP/1.1 (RFC 6455, 4): keys, heads and the client's side.
//! [`server_upgrade`](super::server_upgrade) is the server's.

use super::{
    handshake::{
        Agreement, BadAccept, EXAMPLE_ACCEPT, MAX_HEAD_BYTES, Request, Response, ResponseFault,
        Version, validate,
    },
    headers::Headers,
    slice::Within as _,
};
use data_encoding::BASE64;
use sha1_smol::Sha1;

/// Encodes a head: its first line, the fields and the empty line.
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

/// Returns the `Sec-WebSocket-Key` for 16 bytes, which must be unpredictable.
pub fn key(bytes: [u8; 16]) -> String {
    BASE64.encode(&bytes)
}

/// The progress of a client's handshake.
#[derive(Debug, PartialEq, Eq)]
pub enum UpgradeProgress {
    /// More bytes are needed.
    Pending,
    /// The session is open.
    Open {
        /// The negotiated subprotocol and extensions.
        agreement: Agreement,
        /// The head of the 101 response.
        response: Response,
        /// The bytes after the head, which belong to the session.
        rest: Vec<u8>,
    },
    /// The final status does not upgrade.
    Status {
        /// The head of the response.
        response: Response,
        /// The beginning of its body.
        rest: Vec<u8>,
    },
}

/// The client's side of the handshake: sends a request and validates the response.
pub struct ClientUpgrade {
    request: Request,
    /// The answer is for another client, which judges what was agreed.
    is_passed: bool,
    buffer: Vec<u8>,
    /// Bytes of the 1xx responses received so far.
    earlier: usize,
    /// The head of a 101 response that breaks a rule.
    refused: Option<Response>,
}

impl ClientUpgrade {
    /// Creates a handshake that begins with this request.
    pub fn new(request: Request) -> Self {
        Self { request, is_passed: false, buffer: Vec::new(), earlier: 0, refused: None }
    }

    /// Creates a handshake whose answer is for the client that has made the request. Only the upgrade
    /// itself is judged.
    pub fn passed(request: Request) -> Self {
        Self { is_passed: true, ..Self::new(request) }
    }

    /// Returns the request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Encodes the head of the request.
    pub fn head(&self) -> Vec<u8> {
        head(&format!("GET {} HTTP/1.1", self.request.target), &self.request.headers)
    }

    /// Reports whether any byte of a response has been received.
    pub fn has_begun(&self) -> bool {
        self.earlier > 0 || !self.buffer.is_empty()
    }

    /// Returns the head of a 101 response for which [`Self::receive`] failed.
    pub fn refused(&self) -> Option<&Response> {
        self.refused.as_ref()
    }

    /// Returns the bytes that are not, or not yet, a head.
    pub fn unparsed(&self) -> &[u8] {
        &self.buffer
    }

    /// Processes bytes from the server.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<UpgradeProgress, ResponseFault> {
        let mut before = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        loop {
            let start = self.buffer.get(..HTTP.len()).unwrap_or(&self.buffer);
            if !HTTP.starts_with(start) {
                let start = self.buffer.iter().take(80).copied().collect();
                return Err(ResponseFault::NotHttp(start));
            }
            let head = if is_worth_parsing(&self.buffer, before) {
                parse_response(&self.buffer)?
            } else {
                None
            };
            let length = head.as_ref().map_or(self.buffer.len(), |(_, length)| *length);
            if self.earlier + length > MAX_HEAD_BYTES {
                return Err(ResponseFault::HeadsTooLong);
            }
            let Some((response, length)) = head else {
                return Ok(UpgradeProgress::Pending);
            };
            let rest = self.buffer.split_off(length);
            self.buffer = rest;
            if response.status == 101 {
                let agreement = match self.check(&response) {
                    Ok(agreement) => agreement,
                    Err(fault) => {
                        self.refused = Some(response);
                        return Err(fault);
                    }
                };
                let rest = std::mem::take(&mut self.buffer);
                return Ok(UpgradeProgress::Open { agreement, response, rest });
            }
            if response.status >= 200 {
                let rest = std::mem::take(&mut self.buffer);
                return Ok(UpgradeProgress::Status { response, rest });
            }
            // Any number of 1xx responses may precede the final one (RFC 9110, 15.2).
            self.earlier += length;
            before = 0;
            if self.buffer.is_empty() {
                return Ok(UpgradeProgress::Pending);
            }
        }
    }

    /// Checks the requirements of 4.1 for a 101 response, and no others.
    fn check(&self, response: &Response) -> Result<Agreement, ResponseFault> {
        let headers = &response.headers;
        let value = |name| headers.get(name).map(ToOwned::to_owned);
        if response.version == Version::Http10 {
            return Err(ResponseFault::Http10);
        }
        // 4.1, item 2: the whole value, not an element of a list as in Connection.
        let mut upgrade = headers.all("Upgrade").map(str::trim).peekable();
        let is_websocket = |value: &str| value.eq_ignore_ascii_case("websocket");
        if upgrade.peek().is_none() || !upgrade.all(is_websocket) {
            return Err(ResponseFault::Upgrade(value("Upgrade")));
        }
        if !headers.has_token("Connection", "upgrade") {
            return Err(ResponseFault::Connection(value("Connection")));
        }
        let key = self.request.headers.get("Sec-WebSocket-Key").unwrap_or_default();
        let expected = accept_for(key);
        let mut accepts = headers.all("Sec-WebSocket-Accept").map(str::trim).peekable();
        if accepts.peek().is_none() {
            return Err(ResponseFault::Accept(BadAccept::Missing));
        }
        if let Some(wrong) = accepts.find(|accept| *accept != expected) {
            return Err(ResponseFault::Accept(match wrong {
                _ if wrong == key => BadAccept::Key,
                EXAMPLE_ACCEPT => BadAccept::Example,
                _ => BadAccept::Other(wrong.to_owned()),
            }));
        }
        let agreement = validate(&self.request.headers, headers);
        if self.is_passed { Ok(agreement.unwrap_or_default()) } else { agreement }
    }
}

/// Returns the Sec-WebSocket-Accept that answers this Sec-WebSocket-Key (4.2.2, item 5.4).
pub fn accept_for(key: &str) -> String {
    let mut hash = Sha1::from(key);
    hash.update(GUID);
    BASE64.encode(&hash.digest().bytes())
}

/// Reports whether a head that had `before` bytes has to be parsed again: at its start, to detect
/// another protocol, whenever its length doubles, and at its end. Parsing it for each byte that arrives
/// would take quadratic time.
pub fn is_worth_parsing(head: &[u8], before: usize) -> bool {
    let fresh = head.within(before.saturating_sub(END_BYTES - 1)..);
    before < START_BYTES
        || head.len().ilog2() > before.ilog2()
        || fresh.windows(END_BYTES).any(|end| end == b"\n\r\n")
        || fresh.windows(2).any(|end| end == b"\n\n")
}

/// Parses the head of a response. Returns it with its length in bytes, or `None` if it is incomplete.
///
/// A head that opens a session is parsed strictly, any other leniently (RFC 9112, 2.2 and 5.1).
pub fn parse_response(buffer: &[u8]) -> Result<Option<(Response, usize)>, ResponseFault> {
    let strict = httparse::ParserConfig::default();
    parse_head(buffer, strict).or_else(|fault| {
        let mut lax = httparse::ParserConfig::default();
        lax.allow_spaces_after_header_name_in_responses(true);
        lax.ignore_invalid_headers_in_responses(true);
        match parse_head(buffer, lax) {
            Ok(Some((head, length))) if head.status != 101 => Ok(Some((head, length))),
            // Incomplete: it may still turn out to be such a head.
            Ok(None) => Ok(None),
            _ => Err(ResponseFault::Malformed { cause: fault, line: malformed_line(buffer) }),
        }
    })
}

/// Returns the first header line that is neither a field nor a fold (RFC 9112, 5).
fn malformed_line(head: &[u8]) -> Option<String> {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_token = |name: &[u8]| {
        let is_char = |byte: &u8| byte.is_ascii_alphanumeric() || TOKEN_MARKS.contains(byte);
        !name.is_empty() && name.iter().all(is_char)
    };
    let is_field = |line: &&[u8]| {
        let is_visible = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        let is_named = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => is_token(line.within(..colon)),
            None => false,
        };
        (is_named || matches!(line, [b' ' | b'\t', ..])) && line.iter().all(is_visible)
    };
    let mut fields = lines.take_while(|line| !line.is_empty());
    let line = fields.find(|line| !is_field(line))?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Replaces the bytes of the reason phrase that a parser may refuse: a client ignores the phrase
/// (RFC 9112, 4). Returns the phrase, and the head unless nothing is to be replaced.
fn without_reason(head: &[u8]) -> Option<(Vec<u8>, String)> {
    // The phrase may be incomplete.
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    let line = head.within(..end);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let reason = line.get(STATUS_BYTES..)?;
    if reason.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let mut plain = head.to_vec();
    for byte in plain.within_mut(STATUS_BYTES..line.len()) {
        *byte = b' ';
    }
    // A CR that no LF follows ends a line for some readers (RFC 9112, 2.2).
    let reason = String::from_utf8_lossy(reason).replace(char::is_control, " ");
    Some((plain, reason.trim().to_owned()))
}

fn parse_head(
    head: &[u8],
    config: httparse::ParserConfig,
) -> Result<Option<(Response, usize)>, httparse::Error> {
    let Some((plain, reason)) = without_reason(head) else { return parse_plain(head, config) };
    let parsed = parse_plain(&plain, config)?;
    Ok(parsed.map(|(response, length)| (Response { reason, ..response }, length)))
}

fn parse_plain(
    buffer: &[u8],
    mut config: httparse::ParserConfig,
) -> Result<Option<(Response, usize)>, httparse::Error> {
    // Folded lines are obsolete, but a client must accept them (RFC 9112, 5.2).
    config.allow_obsolete_multiline_headers_in_responses(true);
    with_room(buffer, |buffer, fields| {
        let mut response = httparse::Response::new(fields);
        let httparse::Status::Complete(length) = config.parse_response(&mut response, buffer)?
        else {
            return Ok(None);
        };
        // The first digit is the class, which starts at 1 (RFC 9110, 15).
        if response.code.is_none_or(|status| status < 100) {
            return Err(httparse::Error::Status);
        }
        let head = Response {
            version: version(response.version),
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            headers: to_headers(response.headers),
        };
        Ok(Some((head, length)))
    })
}

pub(super) fn version(minor: Option<u8>) -> Version {
    if minor == Some(1) { Version::Http11 } else { Version::Http10 }
}

/// Parses a head, retrying with a larger array of fields until all of them fit.
pub(super) fn with_room<'b, T>(
    buffer: &'b [u8],
    mut parse: impl FnMut(&'b [u8], &mut [httparse::Header<'b>]) -> Result<T, httparse::Error>,
) -> Result<T, httparse::Error> {
    let mut room = 64;
    loop {
        match parse(buffer, &mut vec![httparse::EMPTY_HEADER; room]) {
            Err(httparse::Error::TooManyHeaders) if room < MAX_HEAD_BYTES => room *= 8,
            done => return done,
        }
    }
}

pub(super) fn to_headers(fields: &[httparse::Header<'_>]) -> Headers {
    let mut headers = Headers::default();
    for field in fields {
        // A fold is replaced by one space (RFC 9112, 5.2).
        let value = String::from_utf8_lossy(field.value);
        let lines: Vec<&str> = value.split(['\r', '\n']).map(str::trim).collect();
        headers.push(field.name, lines.join(" ").trim());
    }
    headers
}

const HTTP: &[u8] = b"HTTP/1.";
/// The number of bytes up to which a head is parsed whenever it has grown.
const START_BYTES: usize = 256;
/// The length of the end of a head: that of the last line, and an empty line.
const END_BYTES: usize = 3;
/// Length of `HTTP/1.1 101 `, which precedes the reason phrase.
const STATUS_BYTES: usize = 13;
/// The characters of a token other than letters and digits (RFC 9110, 5.6.2).
const TOKEN_MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
/// The GUID hashed with a Sec-WebSocket-Key (1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
